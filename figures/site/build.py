"""The site written into a folder: every page from its template, the pictures, and copies of the record."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment

from untrained.figures.site.claim_pages import claim_context, ledger_row
from untrained.figures.site.content import Content, Entry, paper_title
from untrained.figures.site.notes import Note, claim_page_of, file_name
from untrained.figures.site.page import ASSETS, make_environment
from untrained.figures.site.pictures import Drawing, drawing, figure_of_study
from untrained.figures.site.run_pages import (
    GivenRun,
    examination_context,
    recipe_context,
    reconstruction_context,
    study_context,
)
from untrained.figures.style import VERDICTS
from untrained.sims.record.store import FOLDER, record_text

_ASSET_NAMES = ("style.css", "site.js")
_MARK = "untrained-report.txt"
"""The file by which a folder is known as an earlier report, which may be replaced."""
_LISTS = {"errata": "Errata", "notation": "Notation", "sharper_theorem": "A sharper theorem"}
"""Notes that are of no one paper."""

Pages = Iterator[tuple[str, bytes]]
"""Files of the site: path within it, and content."""


@dataclass(frozen=True)
class Site:
    """The pages of a content; `reconstructions` and `checks` are runs that a user gives."""

    content: Content
    drawing: Drawing
    reconstructions: Sequence[GivenRun] = ()
    checks: Sequence[GivenRun] = ()

    @cached_property
    def environment(self) -> Environment:
        """The templates, in which whatever is put in is escaped."""
        environment = make_environment("base.html", self.content.claims, claim_page_of)
        environment.globals |= {"menu": self._menu()}
        return environment

    def _menu(self) -> list[tuple[str, str]]:
        pages = [("index.html", "Ledger")]
        pages += [("papers/index.html", "Papers")]
        pages += [(f"papers/{name}.html", title) for name, title in _LISTS.items() if name in self.content.notes]
        pages += [("runs/index.html", "Experiments"), ("figures/index.html", "Figures")]
        pages += [("given/index.html", "Your runs")] if self.reconstructions or self.checks else []
        return pages

    def files(self) -> Pages:
        """Yield every file; pages that need no picture come first, those that need the recipes' pictures last."""
        yield from ((name, (ASSETS / name).read_bytes()) for name in _ASSET_NAMES)
        yield _MARK, b"Written by `untrained report`, which replaces this folder as a whole.\n"
        yield from self._copies()
        yield "index.html", self._page("index.html", "", "Ledger", self._ledger())
        yield from self._papers()
        yield from self._given()
        yield from self._figures()
        for claim_id, claim in self.content.claims.items():
            context = claim_context(claim, self.content, self.drawing.figures)
            yield f"claims/{file_name(claim_id)}.html", self._page("claim.html", "../", claim_id, {"c": context})
        yield from self._runs()

    def _page(self, template: str, root: str, title: str, context: Mapping[str, Any]) -> bytes:
        return self.environment.get_template(template).render(root=root, title=title, **context).encode()

    def _copies(self) -> Pages:
        c = self.content
        kinds = {"claim": c.record, "mutants": c.mutants, "recipe": c.recipes, "study": c.studies}
        for kind, entries in kinds.items():
            for name, entry in entries.items():
                yield f"records/{kind}/{file_name(name)}.json", record_text(kind, entry).encode()

    def _ledger(self) -> dict[str, Any]:
        c = self.content
        claims = [c.claims[claim_id] for ids in c.papers.values() for claim_id in ids]
        rows = [ledger_row(one, c.entry(one.id), f"claims/{file_name(one.id)}.html") for one in claims]
        counts = Counter(row["verdict"] for row in rows)
        by_paper = {key: Counter(c.entry(i)["verdict"] for i in ids) for key, ids in c.papers.items()}
        verdicts = [name for name in VERDICTS if counts[name]]
        return {"rows": rows, "counts": counts, "verdicts": verdicts, "by_paper": by_paper}

    def _papers(self) -> Pages:
        c = self.content
        yield "papers/index.html", self._page("papers.html", "../", "Papers", {"papers": c.papers})
        for key, ids in c.papers.items():
            rows = [(i, c.entry(i)["verdict"], c.claims[i].sentence) for i in ids]
            context = {"key": key, "rows": rows, **self._note(c.notes.get(key), 3)}
            yield f"papers/{file_name(key)}.html", self._page("paper.html", "../", paper_title(key), context)
        for name, title in _LISTS.items():
            if name in c.notes:
                context = {"key": name, "rows": [], **self._note(c.notes[name], 2)}
                yield f"papers/{name}.html", self._page("paper.html", "../", title, context)

    def _note(self, note: Note | None, level: int) -> dict[str, Any]:
        """What is shown of a note, whose uppermost headings have a level on the page."""
        if note is None:
            return {"note": None, "sections": [], "arxiv": ()}
        write = self.content.writer
        first = next((place for place, one in enumerate(note.sections) if one.level == 2), len(note.sections))
        sections = [
            {
                "id": one.anchor or f"section-{place}",
                "tag": f"h{level + (one.level > 2 and place > first)}",
                "title": write.inline(one.title),
                "html": write.html(one.text),
                "claim": one.anchor if one.anchor in self.content.claims else "",
            }
            for place, one in enumerate(note.sections)
        ]
        return {"note": note, "sections": sections, "arxiv": note.arxiv}

    def _runs(self) -> Pages:
        c = self.content
        listed = {kind: _in_order(one) for kind, one in (("recipes", c.recipes), ("studies", c.studies))}
        yield "runs/index.html", self._page("runs.html", "../", "Experiments", listed)
        figures = {name: one for name, one in self.drawing.figures.items() if one.svg}
        for name, record in c.studies.items():
            context = {**study_context(record), "figure": figures.get(figure_of_study(name, list(figures)) or "")}
            yield f"runs/study-{file_name(name)}.html", self._page("study.html", "../", name, context)
        for name, record in c.recipes.items():
            picture = self.drawing.recipes.get(name)
            context = {**recipe_context(record), "picture": picture}
            yield f"runs/{file_name(name)}.html", self._page("recipe.html", "../", name, context)
            if picture:
                yield f"runs/{file_name(name)}.svg", picture.svg

    def _figures(self) -> Pages:
        figures = self.drawing.figures
        citations = {name: [i for i in one.named if i in self.content.claims] for name, one in figures.items()}
        yield (
            "figures/index.html",
            self._page("figures.html", "../", "Figures", {"figures": figures, "citations": citations}),
        )
        yield from ((f"figures/{name}.svg", one.svg) for name, one in figures.items() if one.svg)

    def _given(self) -> Pages:
        if not self.reconstructions and not self.checks:
            return
        titles = []
        for kind, runs, template, make in (
            ("reconstruction", self.reconstructions, "reconstruction.html", reconstruction_context),
            ("check", self.checks, "check.html", examination_context),
        ):
            for number, run in enumerate(runs, 1):
                place, title = f"{kind}-{number}", f"{kind.capitalize()} {number}: {run.path.name}"
                titles.append((f"{place}.html", title))
                pictures = {name: f"{place}-{file_name(name)}.png" for name in run.pictures}
                yield from ((f"given/{pictures[name]}", png) for name, png in run.pictures.items())
                context = {**make(run), "pictures": pictures}
                yield f"given/{place}.html", self._page(template, "../", title, context)
        yield "given/index.html", self._page("given.html", "../", "Your runs", {"runs": titles})


@dataclass(frozen=True)
class Written:
    """What was written: the first page, how many pages, how many bytes, and figures that could not be drawn."""

    index: Path
    pages: int
    size: int
    faults: Mapping[str, str] = field(default_factory=dict)


def write_site(
    out: Path,
    content: Content,
    *,
    record: Path = FOLDER,
    reconstructions: Sequence[GivenRun] = (),
    checks: Sequence[GivenRun] = (),
    workers: int = 2,
    figures: Sequence[str] | None = None,
    recipes: Sequence[str] | None = None,
) -> Written:
    """Write the site beside the folder `out` and put it in its place; what stands there before is an earlier report.

    `figures` and `recipes` are those that are drawn, all by default.

    Raises
    ------
    ValueError
        where `out` holds something else, or cannot be written to.
    OSError
        where the system refuses to write.
    """
    place = check_place(out)
    recipes = list(content.recipes) if recipes is None else recipes
    beside = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    try:
        beside.chmod(0o755)
        with drawing(record, recipes, workers, figures) as pictures:
            site = Site(content, pictures, reconstructions, checks)
            pages, size = _write(beside, site.files())
            faults = {name: one.fault for name, one in pictures.figures.items() if one.fault}
        _replace(place, beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Written(out / "index.html", pages, size, faults)


def check_place(out: Path) -> Path:
    """Return the folder that a site may be put in: a new one, an empty one, or an earlier report.

    Raises
    ------
    ValueError
        where it is something else.
    """
    place = out.resolve()
    if not place.parent.is_dir():
        raise ValueError(f"out must name a folder within one that exists, got {out}")
    if place.exists() and (not place.is_dir() or (any(place.iterdir()) and not (place / _MARK).is_file())):
        raise ValueError(f"out must name a folder that is new, empty or an earlier report, got {out}")
    return place


def _in_order(entries: Mapping[str, Entry]) -> list[Entry]:
    """Entries by their names, in which Figure 2 comes before Figure 10."""
    return [entries[name] for name in sorted(entries, key=_padded)]


def _padded(name: str) -> str:
    return re.sub(r"\d+", lambda digits: digits[0].zfill(4), name)


def _write(folder: Path, files: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    pages = size = 0
    for name, text in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        pages, size = pages + name.endswith(".html"), size + len(text)
    return pages, size


def _replace(place: Path, new: Path) -> None:
    """Put a folder in the place of another, which goes only when the new one is there."""
    if not place.exists():
        new.rename(place)
        return
    old = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    place.rename(old / "site")
    new.rename(place)
    shutil.rmtree(old)
