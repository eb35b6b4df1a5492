"""How wide must the hidden layer be before sigma_min(J) >= nu sqrt(d) ||z|| / 2?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import Rows
from untrained.figures.style import BLACK, BLUE, GREY, ORANGE
from untrained.sims.record.store import FOLDER, read_record

_COLOURS = (BLUE, ORANGE)
_LEMMAS = {"own": ("proved here", 1), "proof": ("the paper's proof", -1), "printed": ("printed", 1)}
"""How a marker of the lemma is called, and on which side of its line: 1 is the right."""
_SIZE_NOTES = (
    ("n = {}: median and 99.8 % of draws", (15, 0.76), (36, 0.61)),
    ("n = {}", (3.25, 0.57), (5.2, 0.33)),
)
_NOTES = (
    (r"$n\to\infty$:  $1/\sqrt{2}-\sqrt{n/d}$", (3.25, 0.67), (17, 0.4645), BLACK),
    (r"exact law: missed with probability $2e^{-n}$", (118, 0.528), (175, 0.578), GREY),
)
"""What a curve is called, where that stands, and the point of the curve that it names."""


def fig_sigma_min(folder: Path = FOLDER) -> Figure:
    """Draw sigma_min(J) against d/n: simulation, exact law, limit, and the widths where 1/2 is reached.

    Raises
    ------
    ValueError
        where the table was not recorded.
    """
    rows = read_record("study", "sigma_min", folder)["rows"]
    figure = Figure(figsize=(4.9, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for n, colour in zip(_sizes(rows), _COLOURS, strict=False):
        _size(axes, [row for row in rows if row["n"] == n], n, colour)
    _edge(axes, _pick(rows, "edge", "level"))
    _markers(axes, rows)
    _notes(axes, _sizes(rows))
    _frame(axes)
    return figure


def _sizes(rows: Rows) -> list[int]:
    return sorted({row["n"] for row in rows if row["source"] == "simulation"})


def _pick(rows: Rows, source: str, quantity: str) -> Rows:
    points = [row for row in rows if (row["source"], row["quantity"]) == (source, quantity)]
    return sorted(points, key=lambda row: row["d_over_n"])


def _xy(rows: Rows) -> tuple[list[float], list[float]]:
    return [row["d_over_n"] for row in rows], [row["value"] for row in rows]


def _size(axes: Axes, rows: Rows, n: int, colour: str) -> None:
    """One n: the band and median of the simulation, and the exact level of the lemma's failure."""
    x, low = _xy(_pick(rows, "simulation", "quantile 0.001"))
    _, high = _xy(_pick(rows, "simulation", "quantile 0.999"))
    axes.fill_between(x, low, high, color=colour, alpha=0.22, linewidth=0)
    axes.plot(*_xy(_pick(rows, "simulation", "median")), color=colour, linewidth=1.0)
    axes.plot(*_xy(_pick(rows, "exact law", "level of failure 2e^-n")), color=colour, linestyle=(0, (4, 1.2)))


def _edge(axes: Axes, rows: Rows) -> None:
    axes.plot(*_xy(rows), color=BLACK, linestyle=(0, (1, 1.2)), linewidth=1.1)


def _markers(axes: Axes, rows: Rows) -> None:
    """A drop line with its name at each width where one argument or another reaches the lemma's level."""
    for row in _pick(rows, "edge", "width"):
        _drop(axes, row, f"limit {row['d_over_n']:.1f}", BLACK, -1)
    for side, n, colour in zip((-1, 1), _sizes(rows), _COLOURS, strict=False):
        for row in _pick(rows, "threshold", "width"):
            if row["n"] == n:
                _drop(axes, row, f"exact, n = {n}: {row['d_over_n']:.1f}", colour, side)
    for quantity, (name, side) in _LEMMAS.items():
        for row in _pick(rows, "lemma", quantity):
            _drop(axes, row, f"{name} {row['d_over_n']:.0f}", GREY, side)


def _drop(axes: Axes, row: Mapping[str, Any], text: str, colour: str, side: int) -> None:
    x, y = row["d_over_n"], row["value"]
    axes.plot([x, x], [0, y], color=colour, linewidth=0.8)
    axes.plot([x], [y], marker="o", markersize=3.2, color=colour, zorder=5)
    axes.annotate(
        text, (x, 0), (2.5 * side, 4), textcoords="offset points", rotation=90, color=colour,
        ha="left" if side > 0 else "right", va="bottom",
    )  # fmt: skip


def _notes(axes: Axes, sizes: Sequence[int]) -> None:
    """Name the curves where they run, and the level that the lemma asks for."""
    for (text, at, point), n, colour in zip(_SIZE_NOTES, sizes, _COLOURS, strict=False):
        _note(axes, text.format(n), at, point, colour)
    for note in _NOTES:
        _note(axes, *note)
    axes.text(3000, 0.494, "the lemma's 1/2", color=GREY, ha="right", va="top")


def _note(axes: Axes, text: str, at: tuple[float, float], point: tuple[float, float], colour: str) -> None:
    line = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0}
    axes.annotate(text, point, at, color=colour, va="center", arrowprops=line)


def _frame(axes: Axes) -> None:
    axes.axhline(0.5, color=GREY, linewidth=0.6, zorder=0)
    axes.set_xscale("log")
    axes.set(xlim=(3, 1e4), ylim=(0, 0.79))
    axes.set_xlabel(r"width over outputs, $d/n$")
    axes.set_ylabel(r"$\sigma_{\min}(J)\;/\;\nu\sqrt{d}\,\|z\|$")
