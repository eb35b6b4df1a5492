"""What pages share: the environment of their templates, and the page of one run, which holds all that it shows."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from untrained.figures.mutant_tables import mutant_table
from untrained.figures.site.claim_pages import claim_context, ledger_row
from untrained.figures.site.content import Content, Entry, paper_title
from untrained.figures.site.notes import breakable, file_name, linked
from untrained.figures.site.run_pages import examination_parts, facts_table, reconstruction_parts, small_png
from untrained.figures.style import VERDICTS

_HERE = Path(__file__).parent
ASSETS = _HERE / "assets"


@dataclass(frozen=True)
class Making:
    """How a run was made: its command line, the versions that it depends on, and settings beside the command's."""

    command: str
    versions: Mapping[str, str]
    settings: Mapping[str, Any]


def make_environment(layout: str, claims: Collection[str], page_of: Callable[[str], str]) -> Environment:
    """Return the templates in a layout, in which whatever is put in is escaped.

    `page_of` is where the links to each of the claims lead.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"file_name": file_name, "paper_title": paper_title, "verdict_class": _verdict_class}
    environment.filters |= {"breakable": breakable, "linked": partial(linked, claims=claims, page_of=page_of)}
    environment.filters |= {"hash_source": _hash_source}
    environment.globals |= {"layout": layout, "claim_page_of": page_of}
    return environment


def _verdict_class(verdict: str) -> str:
    return f"v-{verdict.lower()}" if verdict in VERDICTS else "v-untested"


def _hash_source(text: str) -> str:
    """What a page's policy calls a style or script that stands in it."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def verdicts_page(content: Content, named: Sequence[str], summary: Sequence[str], making: Making) -> str:
    """Return a page of judged claims, those that were named before those that they rest on; `summary` is lines."""
    claims = {name: content.claims[name] for name in (*named, *(i for i in content.claims if i not in named))}
    counts = Counter(content.entry(name)["verdict"] for name in claims)
    context = {
        "claims": [claim_context(claim, content, {}, partial(_place, claims=claims)) for claim in claims.values()],
        "rows": [ledger_row(one, content.entry(i), f"#{file_name(i)}") for i, one in claims.items()],
        "papers": list(dict.fromkeys(claim.source.paper for claim in claims.values())),
        "counts": counts,
        "verdicts": [name for name in VERDICTS if counts[name]],
        "summary": summary,
    }
    rest = " with what it rests on" if len(named) == 1 else " with what they rest on"
    title = _title(named, f"{rest if len(claims) > len(named) else ''}, judged")
    return _filled("verdicts.html", title, making, context, claims)


def mutants_page(entries: Mapping[str, Entry], summary: Sequence[str], making: Making) -> str:
    """Return a page of claims whose constants were pushed and whose hypotheses were dropped."""
    mutants = [(name, str(entry["outcome"]), mutant_table(entry)) for name, entry in entries.items()]
    return _filled("mutants.html", _title(list(entries), ", pushed"), making, {"mutants": mutants, "summary": summary})


def _title(names: Sequence[str], ending: str) -> str:
    return (names[0] if len(names) == 1 else f"{len(names)} claims") + ending


def reconstruction_page(report: Entry, images: Mapping[str, bytes], errors: bytes, making: Making) -> str:
    """Return a page of a reconstruction's report, with images as PNG by name and, if any, a picture of errors as SVG.

    The true image, where it is known, is called truth.
    """
    pictures = {name: _data(_shrunk(png), "png") for name, png in images.items()}
    beside = {"pictures": pictures, "errors": _data(errors, "svg+xml") if errors else ""}
    methods = ", ".join(str(entry["method"]) for entry in report["methods"])
    context = {**reconstruction_parts(report), **beside}
    return _filled("reconstruction.html", f"{report['source']} by {methods}", making, context)


def examination_page(
    networks: Sequence[Entry], pictures: Sequence[bytes], refusals: Sequence[str], ended: str, making: Making
) -> str:
    """Return a page of examined networks, each with its picture as SVG; `refusals` say why others were not examined."""
    parts = examination_parts({"networks": networks})["networks"]
    sections = [{**part, "picture": _data(svg, "svg+xml")} for part, svg in zip(parts, pictures, strict=True)]
    title = f"Does the theory cover {', '.join(part['name'] for part in parts)}?"
    context = {"networks": sections, "pictures": {}, "refusals": refusals, "ended": ended}
    return _filled("check.html", title, making, context)


def _shrunk(png: bytes) -> bytes:
    with Image.open(BytesIO(png)) as image:
        return small_png(image)


def _data(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def _place(name: str, claims: Collection[str]) -> str:
    """Where a claim stands on the page, nowhere if it is not among its claims."""
    return f"#{file_name(name)}" if name in claims else ""


def _filled(template: str, title: str, making: Making, context: Mapping[str, Any], claims: Collection[str] = ()) -> str:
    environment = make_environment("alone.html", claims, partial(_place, claims=claims))
    assets = {
        name: Markup((ASSETS / f).read_text("utf-8")) for name, f in (("style", "style.css"), ("script", "site.js"))
    }
    about = {"command": making.command, "versions": facts_table(making.versions)}
    about |= {"made_with": facts_table(making.settings)}
    page = environment.get_template(template).render(title=title, run=None, **assets, **about, **context)
    return page.encode(errors="replace").decode()  # a file's name may hold bytes that are no text
