"""Compressed sensing: for which matrices does gradient descent converge, and how fast?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import LABEL, bars, curve, levels
from untrained.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

LOOKS: dict[str, tuple[str, str, str]] = {
    "fourier": ("Fourier rows", BLUE, "o"),
    "cosine": ("cosine rows", GREEN, "s"),
    "gaussian 1/n": (r"$N(0,1/n)$ entries", PURPLE, "^"),
    "gaussian 1/m": (r"$N(0,1/m)$ entries", ORANGE, "v"),
}
"""Name, colour and marker of each kind of matrix."""
QUANTITIES = {
    "converged": "share of runs that converge",
    "rate": r"$1-$ factor per step",
    "sharpness": r"$\eta\,\|J_0\|^2$",
}
SHOWN = 20
"""The d/m that is drawn, or the one next above it."""


def fig_study_sensing(folder: Path = FOLDER) -> Figure:
    """Draw convergence, rate and sharpness at the start against n/m for each kind of matrix.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "sensing", folder)["rows"]
    ratio = min(r for r in levels(rows, "ratio") if r >= min(SHOWN, levels(rows, "ratio")[-1]))
    held = [row | {"over": row["n"] / row["m"]} for row in rows if row["ratio"] == ratio]
    figure = Figure(figsize=(8.2, 3.2), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, 3), QUANTITIES.items(), strict=True):
        _panel(axes, held, quantity)
        axes.set(ylabel=label, xlabel=r"pixels over measurements, $n/m$")
    figure.axes[0].set_title(f"d/m = {ratio:g}", fontsize=8)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **LABEL)
    figure.axes[2].set_yscale("log")
    figure.axes[2].set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
    figure.axes[2].set_yticks([], minor=True)
    figure.axes[2].axhline(2, color=GREY, linewidth=0.6, zorder=0)
    return figure


def _panel(axes: Axes, rows: list[dict[str, Any]], quantity: str) -> None:
    for kind, (label, colour, marker) in LOOKS.items():
        found = pick(rows, source="simulation", quantity=quantity, matrix=kind)
        bars(axes, found, "over", color=colour, marker=marker, linewidth=1.0, label=label)
    if quantity == "rate":
        proof = pick(rows, source="proof", quantity="rate", matrix="fourier")
        curve(axes, proof, "over", color=GREY, linestyle=(0, (4, 1.2)), label="by the proof")
        axes.set_yscale("log")
        axes.legend(axes.get_lines()[-1:], ["by the proof, at m"], loc="best", **LABEL)
    at = levels(rows, "over")
    axes.set_xscale("log", base=2)
    axes.set_xticks(at, [f"{x:g}" for x in at])
