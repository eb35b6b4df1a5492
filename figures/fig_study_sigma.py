"""How large is sigma_min(J_0) against the width, for which n?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import COLOURS, LABEL, SOURCES, band, curve, levels
from untrained.figures.style import BLACK, GREY
from untrained.sims.record.store import FOLDER, pick, read_record


def fig_study_sigma(folder: Path = FOLDER) -> Figure:
    """Draw medians of sigma_min(J_0) and shares of draws below the lemma's level, against d/n for each n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "sigma", folder)["rows"]
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _medians(left, rows)
    _shares(right, rows)
    return figure


def _medians(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for n, colour in zip(levels(rows, "n"), COLOURS, strict=False):
        seen = pick(rows, source="simulation", quantity="sigma_min", n=n)
        band(axes, seen, "ratio", colour)
        curve(axes, seen, "ratio", color=colour, label=f"n = {n}")
        exact = pick(rows, source="exact law", quantity="sigma_min", n=n)
        curve(axes, exact, "ratio", color=colour, linestyle="", marker="o", markersize=2.5)
    size = levels(rows, "n")[0]
    curve(axes, pick(rows, source="edge", quantity="sigma_min", n=size), "ratio", **SOURCES["edge"], label="limit")
    axes.plot([], [], color=BLACK, linestyle="", marker="o", markersize=2.5, label="exact law")
    axes.axhline(0.5, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xscale="log", ylim=(0, 0.72), xlabel=r"width over outputs, $d/n$")
    axes.set_ylabel(r"median of $\sigma_{\min}(J_0)\;/\;\nu\sqrt{d}\,\|z\|$")
    axes.legend(loc="lower right", **LABEL)


def _shares(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for n, colour in zip(levels(rows, "n"), COLOURS, strict=False):
        seen = pick(rows, source="simulation", quantity="below half", n=n)
        band(axes, seen, "ratio", colour)
        curve(axes, seen, "ratio", color=colour)
        exact = pick(rows, source="exact law", quantity="below half", n=n)
        curve(axes, exact, "ratio", color=colour, linestyle="", marker="o", markersize=2.5)
    for row in pick(rows, source="edge", quantity="median reaches half"):
        axes.axvline(row["value"], **SOURCES["edge"], linewidth=0.9)
    axes.set(xlim=(2, 60), ylim=(-0.02, 1.02), xlabel=r"width over outputs, $d/n$", ylabel="share of draws below 1/2")
