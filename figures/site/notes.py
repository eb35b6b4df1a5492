"""The notes as pages: Markdown to HTML, formulas to MathML, names of claims to links."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from mdit_py_plugins.dollarmath import dollarmath_plugin

from untrained.figures.site.mathml import mathml

NOTES = Path(__file__).resolve().parents[2] / "paper_notes"
_ANCHORED = re.compile(r'^(?:<a id="(?P<anchor>[\w.]+)"></a>\n)?(?P<level>#{1,6}) (?P<title>.+)$', re.MULTILINE)
_ARXIV = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})")
_LONGEST = 80
"""Letters of a name that its file keeps."""
_OUTSIDE = re.compile(r"https?://[^\s]+")


@dataclass(frozen=True)
class NoteSection:
    """A heading of a note with what stands below it, up to the next heading; `anchor` is the claim that it derives."""

    level: int
    title: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Note:
    """A note: its name, its heading and its sections, the first of which is what stands below the heading."""

    name: str
    title: str
    sections: tuple[NoteSection, ...]

    def section(self, anchor: str) -> NoteSection | None:
        """Return the section of a claim, None where there is none."""
        return next((one for one in self.sections if one.anchor == anchor), None)

    @property
    def arxiv(self) -> tuple[str, ...]:
        """The papers on arXiv that are named before the first section."""
        return tuple(dict.fromkeys(_ARXIV.findall(self.sections[0].text)))


def read_notes(folder: Path = NOTES) -> dict[str, Note]:
    """Return every note by name; none where the folder is not there, as when the package is installed."""
    return {path.stem: _note(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.md"))}


def _note(name: str, text: str) -> Note:
    heads = list(_ANCHORED.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    sections = tuple(
        NoteSection(len(head["level"]), head["title"].strip(), _anchor(head), text[head.end() : end].strip())
        for head, end in zip(heads, ends, strict=True)
    )
    return Note(name, sections[0].title if sections else name, sections)


def _anchor(head: re.Match[str]) -> str:
    """The anchor before a heading, or the heading where it reads like a claim's id."""
    return head["anchor"] or (head["title"] if re.fullmatch(r"\w+(\.\w+)+", head["title"]) else "")


class NoteWriter:
    """Markdown to HTML for pages one folder below the site's root.

    `claims` are the ids that have pages, `notes` the notes that have. Links lead within the site or, in the open, to
    another; HTML that stands in the text is shown as it is typed.
    """

    def __init__(self, claims: Collection[str], notes: Collection[str]) -> None:
        self.claims, self.notes = claims, notes
        self.markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        dollarmath_plugin(self.markdown, allow_digits=True, double_inline=True, renderer=_formula)
        for rule in ("code_inline", "link_open", "table_open", "table_close", "th_open", "td_open"):
            self.markdown.renderer.rules[rule] = getattr(self, f"_{rule}")  # type: ignore[attr-defined]

    def html(self, text: str) -> Markup:
        """Return the HTML of a text in Markdown."""
        return Markup(self.markdown.render(text))

    def inline(self, text: str) -> Markup:
        """Return the HTML of a line, without a paragraph around it."""
        return Markup(self.markdown.renderInline(text))

    def _code_inline(self, tokens: Sequence[Any], place: int, *_: Any) -> str:
        name = tokens[place].content
        code = Markup("<code>{}</code>").format(name)
        opened = sum(t.type == "link_open" for t in tokens[:place]) - sum(
            t.type == "link_close" for t in tokens[:place]
        )
        if opened or name not in self.claims:
            return code
        return Markup('<a href="{}">{}</a>').format(claim_page_of(name), code)

    def _link_open(self, tokens: Sequence[Any], place: int, *_: Any) -> str:
        target = self.target(str(tokens[place].attrGet("href") or ""))
        if target is None:
            return Markup("<a>")
        outside = Markup(' rel="noreferrer"') if _OUTSIDE.match(target) else ""
        return Markup('<a href="{}"{}>').format(target, outside)

    def target(self, href: str) -> str | None:
        """Where a link of a note leads to on the site, None where it leads nowhere that the site has."""
        if _OUTSIDE.fullmatch(href):
            return href
        path, _, anchor = href.partition("#")
        if anchor in self.claims:
            paper = anchor.partition(".")[0]
            return f"../papers/{paper}.html#{anchor}" if paper in self.notes else claim_page_of(anchor)
        name = Path(path).stem
        if name == "ledger":
            return "../index.html"
        return f"../papers/{name}.html" if path.endswith(".md") and name in self.notes else None

    def _table_open(self, tokens: Sequence[Any], place: int, *_: Any) -> str:
        return Markup('<div class="scroll" role="group" aria-label="table" tabindex="0"><table>')

    def _th_open(self, tokens: Sequence[Any], place: int, *_: Any) -> str:
        return _cell(tokens[place])

    def _td_open(self, tokens: Sequence[Any], place: int, *_: Any) -> str:
        return _cell(tokens[place])

    def _table_close(self, tokens: Sequence[Any], place: int, *_: Any) -> str:
        return Markup("</table></div>")


def _cell(token: Any) -> str:
    """The beginning of a cell, to the right by a class, as a style of its own would not be taken."""
    right = ' class="n"' if "right" in str(token.attrGet("style") or "") else ""
    return f"<{token.tag}{right}>"


def _formula(tex: str, options: dict[str, Any]) -> str:
    return str(mathml(tex.strip(), block=bool(options.get("display_mode"))))


def file_name(name: str) -> str:
    """A name as that of a file: what a path or a link could take for something else is a hyphen."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name).strip(".")[:_LONGEST] or "-"
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"


def claim_page_of(claim_id: str) -> str:
    """The page of a claim, from a page one folder below the root."""
    return f"../claims/{file_name(claim_id)}.html"


def linked(text: str, claims: Collection[str], page_of: Callable[[str], str] = claim_page_of) -> Markup:
    """A sentence in which ids of claims are links and `code` is code.

    The links lead to `page_of` an id, by default from pages one folder below the root.
    """
    return Markup("").join(_pieces(text, claims, page_of))


def _pieces(text: str, claims: Collection[str], page_of: Callable[[str], str]) -> Iterator[Markup]:
    for piece in re.split(r"(`[^`]+`|\w+(?:\.\w+)+)", text):
        name = piece.strip("`")
        if name in claims:
            yield Markup('<a href="{}"><code>{}</code></a>').format(page_of(name), name)
        else:
            yield Markup("<code>{}</code>").format(name) if piece.startswith("`") and name else escape(piece)


def breakable(name: str) -> Markup:
    """A name that may go on in the next line after each of its dots and underscores."""
    return Markup("<wbr>").join(re.findall(r"[^._]*[._]|[^._]+", name))
