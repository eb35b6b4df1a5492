"""What the functions of the package return: small records that print well, show themselves in a notebook, and plot."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from untrained.sims.diagnosis.answer import Report
    from untrained.sims.recovery.result import Recovery

MOST = 20
"""Rows of a long table that are shown."""


class _Table:
    """Rows of text under a head, as text and as HTML."""

    def __init__(self, head: Sequence[str], rows: Sequence[Sequence[object]], foot: str = "") -> None:
        self.head, self.rows, self.foot = head, [[_word(cell) for cell in row] for row in rows], foot

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = [self.head, *self.rows]
        shown = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*shown, self.foot] if self.foot else shown)

    def html(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.head)
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        foot = f"<p>{html.escape(self.foot)}</p>" if self.foot else ""
        return f"<table><tr>{head}</tr>{rows}</table>{foot}"


def _word(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return "-" if cell is None else str(cell)


class _Shown:
    """A record with a table of itself."""

    def _table(self) -> _Table:
        raise NotImplementedError

    def __str__(self) -> str:
        return self._table().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._table().html()


@dataclass(frozen=True, repr=False)
class Statement(_Shown):
    """A claim of the ledger: its words, its formula and its recorded verdict."""

    id: str
    verdict: str
    says: str
    tex: str

    def _table(self) -> _Table:
        return _Table(("claim", self.id), [("verdict", self.verdict), ("says", self.says)])

    def _repr_html_(self) -> str:
        return f"<b>{html.escape(self.id)}</b> ({self.verdict}): {html.escape(self.says)} $${self.tex}$$"


@dataclass(frozen=True, repr=False)
class Statements(_Shown):
    """Claims of the ledger, in its order; iterate, or take one by its id."""

    claims: Mapping[str, Statement]

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.claims.values())

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, claim_id: str) -> Statement:
        return self.claims[claim_id]

    def _table(self) -> _Table:
        return _Table(("claim", "verdict", "says"), [(one.id, one.verdict, one.says) for one in self])


@dataclass(frozen=True, repr=False)
class Verdicts(_Shown):
    """Verdicts on claims from fresh evidence: an entry, as the record has it, by the claim's id.

    `contradictions` are the claims whose verdict contradicts the committed record.
    """

    entries: Mapping[str, Mapping[str, Any]]
    contradictions: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, claim_id: str) -> str:
        """The verdict on a claim, in one word."""
        return str(self.entries[claim_id]["verdict"])

    def _table(self) -> _Table:
        rows = [(i, e["verdict"], e["margin"], e["informative"], e["why"]) for i, e in self.entries.items()]
        against = f"contradicts the record: {', '.join(self.contradictions)}" if self.contradictions else ""
        return _Table(("claim", "verdict", "margin", "informative", "why"), rows, against)


@dataclass(frozen=True, repr=False)
class RecoveredImage(_Shown):
    """An image that was recovered; `recovery` holds settings, misfit, outcome and certificate."""

    recovery: Recovery

    @property
    def image(self) -> torch.Tensor:
        """The image (C, H, W) on [-1, 1]."""
        return self.recovery.image

    def _table(self) -> _Table:
        r = self.recovery
        size = "x".join(map(str, r.image.shape))
        rows: list[tuple[str, object]] = [("image", size), ("outcome", r.outcome), ("steps", r.steps)]
        rows += [("seconds", r.seconds), ("misfit", r.misfit), *r.certificate.items(), *r.scores.items()]
        return _Table(("method", r.method), rows)

    def plot(self) -> Figure:
        """Draw the image."""
        from untrained.figures.side_by_side import image_figure

        return image_figure(self.image, self.recovery.method)


@dataclass(frozen=True, repr=False)
class Examination(_Shown):
    """What `check` measured of a network: conditions with verdicts, predictions beside real descents, and words."""

    report: Report

    def __getitem__(self, condition: str) -> str:
        """The verdict on a condition, in one word."""
        return str(self.report.condition(condition).verdict.status)

    def _table(self) -> _Table:
        rows = [(c.name, c.verdict.status, c.needs, c.has) for c in self.report.conditions]
        return _Table(("condition", "verdict", "needs", "has"), rows, self.report.words)

    def plot(self) -> Figure:
        """Draw the page of the network: spectrum, fits predicted and real, leading eigenvectors."""
        from untrained.figures.network_report import page

        return page(self.report)


@dataclass(frozen=True, repr=False)
class Rows(_Shown):
    """Finished cells of a study: a row for each, of parameters, seed and columns; `store` is the file they lie in."""

    study: str
    rows: Sequence[Mapping[str, Any]]
    axes: Sequence[str]
    store: Path
    failed: int = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _table(self) -> _Table:
        head = list(dict.fromkeys(name for row in self.rows[:MOST] for name in row))
        left = len(self) - MOST
        foot = f"and {left} more rows" if left > 0 else ""
        return _Table(head, [[row.get(name) for name in head] for row in self.rows[:MOST]], foot)

    def plot(self, column: str | None = None, axis: str | None = None) -> Figure:
        """Draw a column against an axis, a dot a row; by default the first column and the first axis that varies.

        Raises
        ------
        ValueError
            where no row has such a number.
        """
        from untrained.figures.drawing import scatter

        names = [name for row in self.rows[:1] for name in row if name not in self.axes and name != "seed"]
        across = axis or next((a for a in self.axes if len({row[a] for row in self.rows}) > 1), self.axes[0])
        return scatter(self.rows, across, column or next(iter(names), ""))


@dataclass(frozen=True, repr=False)
class Reproduction(_Shown):
    """What came out of a figure or table of a paper, beside what the paper has; `record` is all of it."""

    record: Mapping[str, Any]

    def _table(self) -> _Table:
        rows = [(s["verdict"], s["says"], s["told"]) for s in self.record["statements"]]
        return _Table(("verdict", "the paper says", "here"), rows, f"{self.record['title']} ({self.record['source']})")

    def plot(self) -> Figure:
        """Draw the figure or table."""
        from untrained.figures.recipe_curves import draw_recipe

        return draw_recipe(self.record)
