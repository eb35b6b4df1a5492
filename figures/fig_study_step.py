"""Which steps converge, and where is the edge of stability?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import COLOURS, LABEL, curve, levels
from untrained.figures.style import BLACK, GREY
from untrained.sims.record.store import FOLDER, pick, read_record

QUANTITIES = {
    "converged": "share of runs that converge",
    "rate": r"$1-$ factor per step",
    "sharpness_end": r"$\eta\,\|J\|^2$ at the end",
}
"""What is drawn, a panel each, and the name of its axis."""


def fig_study_step(folder: Path = FOLDER) -> Figure:
    """Draw outcome, rate and final sharpness against the step in multiples of the proof's, a line for each d/n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "step", folder)["rows"]
    figure = Figure(figsize=(8.2, 3.3), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, 3), QUANTITIES.items(), strict=True):
        _panel(axes, rows, quantity)
        axes.set(ylabel=label, xlabel=r"step over $1/\beta^2$")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **LABEL)
    figure.axes[1].set_yscale("log")
    figure.axes[2].axhline(2, color=GREY, linewidth=0.6, zorder=0)
    return figure


def _panel(axes: Axes, rows: list[dict[str, Any]], quantity: str) -> None:
    """Curves, and for each d/n the step printed (a mark) and the edge of stability (a thin line)."""
    for ratio, colour in zip(levels(rows, "ratio"), COLOURS, strict=False):
        seen = pick(rows, source="simulation", quantity=quantity, ratio=ratio)
        curve(axes, seen, "multiple", color=colour, marker="o", markersize=2.2, label=f"d/n = {ratio:g}")
        for row in pick(rows, source="simulation", quantity="edge_multiple", ratio=ratio):
            axes.axvline(row["value"], color=colour, linewidth=0.6, linestyle=(0, (4, 1.5)), zorder=0)
        for row in pick(rows, source="printed", quantity="step_multiple", ratio=ratio):
            axes.plot(row["value"], 1.0, "v", transform=axes.get_xaxis_transform(), color=colour, clip_on=False, ms=4)
    axes.plot([], [], color=BLACK, linewidth=0.6, linestyle=(0, (4, 1.5)), label=r"$2/\|J_0\|^2$")
    axes.plot([], [], "v", color=BLACK, ms=4, label="printed step")
    axes.set_xscale("log", base=2)
    axes.set_xticks([0.25, 1, 4, 16], ["0.25", "1", "4", "16"])
