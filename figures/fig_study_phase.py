"""How wide must the hidden layer be for gradient descent to converge?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import COLOURS, LABEL, SOURCES, band, bars, curve, levels
from untrained.figures.style import BLACK, BLUE, GREY
from untrained.sims.record.store import FOLDER, pick, read_record

THRESHOLDS = {
    "half converged_quarter": ("converge in {} steps", 4, GREY, "s"),
    "half converged": ("converge in {} steps", 1, BLACK, "o"),
    "half stalled": ("not stuck after {} steps", 1, BLUE, "^"),
}
"""Which thresholds are shown: name, part of the budget, and look of each."""


def fig_study_phase(folder: Path = FOLDER) -> Figure:
    """Draw the share of runs that converge against d/n for each n, and the d/n at which half do against n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    study = read_record("study", "phase", folder)
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _shares(left, study["rows"])
    _thresholds(right, study["rows"], study["axes"]["steps"][0])
    return figure


def _shares(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for n, colour in zip(levels(rows, "n"), COLOURS, strict=False):
        seen = pick(rows, source="simulation", quantity="converged", n=n)
        band(axes, seen, "ratio", colour, 0.1)
        curve(axes, seen, "ratio", color=colour, marker="o", markersize=2.5, label=f"n = {n}")
        exact = pick(rows, source="exact law", quantity="fit exists", n=n)
        curve(axes, exact, "ratio", color=colour, linestyle=(0, (1, 1.2)), linewidth=0.9)
    axes.plot([], [], color=GREY, linestyle=(0, (1, 1.2)), linewidth=0.9, label="a fit exists (exact)")
    axes.axhline(0.5, color=GREY, linewidth=0.5, zorder=0)
    axes.set_xscale("log")
    axes.set(ylim=(-0.02, 1.02), xlabel=r"width over outputs, $d/n$", ylabel="share of runs that converge")
    _plain_ticks(axes, (2, 3, 4, 5, 6, 8, 10, 14))
    axes.legend(loc="lower right", **LABEL)


def _thresholds(axes: Axes, rows: list[dict[str, Any]], steps: int) -> None:
    for quantity, (name, part, colour, marker) in THRESHOLDS.items():
        found = pick(rows, source="simulation", quantity=quantity)
        found = [row for row in found if row["n"] is not None]
        bars(axes, found, "n", color=colour, marker=marker, linewidth=0.8, label=name.format(steps // part))
    curve(
        axes,
        pick(rows, source="exact law", quantity="half converged"),
        "n",
        **SOURCES["edge"],
        label="have a fit (exact)",
    )
    axes.set_xscale("log", base=2)
    axes.set(xlabel=r"outputs, $n$", ylabel=r"$d/n$ from which on half of the runs ...", ylim=(2.4, None))
    _plain_ticks(axes, tuple(levels(rows, "n")))
    axes.legend(loc="lower right", **LABEL)


def _plain_ticks(axes: Axes, at: tuple[float, ...]) -> None:
    axes.set_xticks(at, [f"{x:g}" for x in at])
    axes.set_xticks([], minor=True)
