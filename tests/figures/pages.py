"""Pages as a browser would read them: elements with their attributes, links, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from untrained.figures.site.content import UNTESTED, Content
from untrained.figures.site.notes import Note, NoteSection
from untrained.theory.claim import Claim, Source

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
VOID = {"meta", "link", "img", "br", "input", "wbr", "mspace"}


@dataclass
class Element:
    """A start tag with its attributes, and the text up to its end."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements, self.open, self.unbalanced = [], [], []

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop().tag != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        for element in self.open:
            element.text += data


@dataclass
class Page:
    """A parsed page."""

    path: Path
    elements: list[Element] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements with a tag and with attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [e for e in self.elements if e.tag == tag and wanted.items() <= e.attributes.items()]

    @property
    def ids(self) -> list[str]:
        return [e.attributes["id"] for e in self.elements if "id" in e.attributes]

    @property
    def text(self) -> str:
        return self.elements[0].text


def read_page(path: Path) -> Page:
    """Parse a page."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return Page(path, reader.elements, [*reader.unbalanced, *(e.tag for e in reader.open)])


def references(page: Page) -> list[tuple[Element, str]]:
    """Every link and source of a page with the element that has it."""
    names = ("href", "src", "srcset", "action", "data", "poster")
    return [(e, e.attributes[name]) for e in page.elements for name in names if e.attributes.get(name) is not None]


def target_of(page: Page, reference: str) -> tuple[Path, str]:
    """The file and the anchor that a link within the site leads to."""
    parts = urlsplit(reference)
    path = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
    return path, unquote(parts.fragment)


def hostile() -> Content:
    """A content of which every word is markup that would run a script."""
    claim = Claim(
        f"own.{EVIL}",
        Source("own", EVIL, EVIL, 3, EVIL, EVIL),
        EVIL,
        rf"\text{{{EVIL}}}\href{{javascript:alert(3)}}{{x}}",
        EVIL,
    )
    proof = {"kind": "Symbolic", "checked": [EVIL], "residuals": [EVIL], "argument": EVIL, "sufficient": False}
    control = {"id": f"x~{EVIL}", "says": EVIL, "verdict": EVIL, "refuted_by_same_route": False, "margin": EVIL}
    entry = {
        **UNTESTED, "verdict": "REFUTED", "why": EVIL, "margin": -1.0, "decided_by": ["Symbolic"], "evidence": [proof],
        "controls": [control], "worst_case": {EVIL: EVIL}, "budget": EVIL, "seed": EVIL, "version": 1,
    }  # fmt: skip
    evidence = {"evidence": [proof], "id": EVIL, "version": 1}
    section = NoteSection(
        3, EVIL, claim.id, f"{EVIL} $\\text{{{EVIL}}}$ `{EVIL}` [x](javascript:alert(4)) [y](data:text/html,z)"
    )
    notes = {
        "own": Note("own", EVIL, (NoteSection(1, EVIL, "", EVIL), section)),
        "errata": Note("errata", EVIL, (section,)),
    }
    statement = {"verdict": EVIL, "says": EVIL, "told": EVIL}
    recipe = {
        "name": EVIL, "kind": "curves", "title": EVIL, "source": EVIL, "points": [], "numbers": [], "silent": [EVIL],
        "differs": [EVIL], "statements": [statement], "groups": [], "version": 1,
    }  # fmt: skip
    study = {
        "name": EVIL,
        "says": EVIL,
        "axes": {EVIL: [EVIL]},
        "seeds": 1,
        "version": 1,
        "rows": [{EVIL: EVIL, "value": 1.0}],
    }
    return Content({claim.id: claim}, {claim.id: {**entry, **evidence}}, {}, {EVIL: recipe}, {EVIL: study}, notes)
