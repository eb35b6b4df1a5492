"""Does gradient descent fit a random signal, at which d/n and n? A phase diagram, its shares, and its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import (
    THEORY,
    bars,
    between,
    cite,
    curve,
    heads,
    levels,
    looks,
    panels,
    plain_ticks,
    share_cells,
    under,
)
from untrained.figures.style import BLACK, BLUE, GREY, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_THRESHOLDS = {
    "half converged_quarter": ("{} steps", 4, ORANGE, "s"),
    "half converged": ("{} steps", 1, BLACK, "o"),
    "half stalled": ("not stuck", 1, BLUE, "^"),
}
"""Which thresholds are shown: name, part of the budget, and look of each."""
_SHOWN = (4, 16, 128)
"""The n whose shares are drawn as curves."""


def fig_study_phase(folder: Path = FOLDER) -> Figure:
    """Draw the share of runs that converge over d/n and n, against d/n for some n, and the d/n at which half do.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    study = read_record("study", "phase", folder)
    steps = study["axes"]["steps"][0]
    figure, places = panels(1, 3, 2.75)
    _diagram(figure, places[0], study["rows"])
    _shares(places[1], study["rows"])
    _thresholds(places[2], study["rows"], steps)
    titles = (
        _title(study["rows"]),
        "The larger n, the sharper the change",
        "The threshold lies above that of a fit, and levels off",
    )
    heads(places, titles, 30)
    runs = study["axes"]["runs"][0] * study["seeds"]
    says = (
        f"Share of {runs} runs a cell that come down to 1e-8 of the misfit in {steps} steps of 1/β² (proof's step); "
        "random signals, Gaussian V. a: all cells, drawn equally wide; white: half of the runs converge; dashed: half "
        "have a fit (exact law). b: bars are 95 % Clopper-Pearson intervals; dotted: share that has a fit at all "
        "(exact law), in the colour of n. c: d/n at which half of the runs converge in so many steps, or are not "
        "stuck, by a logistic fit; bars are 95 % likelihood intervals; dotted: half have a fit (exact law)."
    )
    under(figure, says + cite(folder, "own.descent.cone", "own.descent.wide_enough"))
    return figure


def _title(rows: _Rows) -> str:
    largest = max(pick(rows, source="simulation", quantity="half converged"), key=lambda row: row["n"] or 0)
    return f"Half of all runs converge near d = {largest['value']:.1f} n"


def _diagram(figure: Figure, axes: Axes, rows: _Rows) -> None:
    """A cell for each n and d/n, as dark as runs converge, and the thresholds through it."""
    ratios, sizes = share_cells(figure, axes, pick(rows, source="simulation", quantity="converged"), "ratio", "n")
    for source, look in (
        ("simulation", {"color": "white"}),
        ("exact law", {"color": BLACK, "linestyle": (0, (4, 1.3))}),
    ):
        halves = pick(rows, source=source, quantity="half converged")
        points = [(between(ratios, row["value"]), sizes.index(row["n"]) + 0.5) for row in halves if row["n"] in sizes]
        axes.plot(*zip(*points, strict=True), linewidth=1.4, **look)
    axes.set_xticks([i + 0.5 for i in range(len(ratios))][::2], [f"{ratio:g}" for ratio in ratios][::2])
    axes.set(xlabel=r"width over outputs, $d/n$", ylabel=r"outputs, $n$")


def _shares(axes: Axes, rows: _Rows) -> None:
    sizes = [n for n in _SHOWN if n in levels(rows, "n")] or levels(rows, "n")[:3]
    for n, look in looks(sizes).items():
        _share(axes, pick(rows, n=n), n, look)
    axes.axhline(0.5, color=GREY, linewidth=0.5, zorder=0)
    axes.set(xscale="log", ylim=(-0.03, 1.03), xlabel=r"width over outputs, $d/n$", ylabel="share of runs")
    plain_ticks(axes, (2, 3, 4, 5, 6, 8, 10, 14))
    axes.legend(loc="center right", bbox_to_anchor=(1.02, 0.3))


def _share(axes: Axes, rows: _Rows, n: int, look: Mapping[str, Any]) -> None:
    bars(axes, pick(rows, source="simulation", quantity="converged"), "ratio", label=f"n = {n}", **look)
    exact = pick(rows, source="exact law", quantity="fit exists")
    curve(axes, exact, "ratio", color=look["color"], linestyle=THEORY["edge"]["linestyle"])


def _thresholds(axes: Axes, rows: _Rows, steps: int) -> None:
    for quantity, (name, part, colour, marker) in _THRESHOLDS.items():
        points = [row for row in pick(rows, source="simulation", quantity=quantity) if row["n"] is not None]
        bars(axes, points, "n", color=colour, marker=marker, label=name.format(steps // part))
    curve(axes, pick(rows, source="exact law", quantity="half converged"), "n", label="a fit exists", **THEORY["edge"])
    axes.set_xscale("log", base=2)
    axes.set(xlabel=r"outputs, $n$", ylabel=r"$d/n$ at which half of the runs ...", ylim=(2.0, None))
    plain_ticks(axes, levels(rows, "n"))
    axes.legend(loc="lower right")
