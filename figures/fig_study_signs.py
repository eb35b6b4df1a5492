"""How many neurons switch off, and how far does the Jacobian move?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import LABEL, band, curve, levels
from untrained.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

DASHED, DOTTED = (0, (4, 1.2)), (0, (1, 1.2))
COUNTS = (
    ("simulation", "off", "seen", BLUE, "-"),
    ("worst case", "worst_on", "worst, among those on", ORANGE, "-"),
    ("worst case", "worst_all", "worst, all neurons", GREEN, "-"),
    ("theorem", "off at the distance gone", "Lemma C.3, same distance", BLACK, DASHED),
    ("theorem", "off at the theorem's R", r"Lemma C.3, $R=60\sqrt{n}$", GREY, DOTTED),
)
CHANGES = (
    ("simulation", "change", "seen", BLUE, "-"),
    ("worst case", "worst_change", "a bad case, same distance", ORANGE, "-"),
    ("theorem", "change at the distance gone", "Lemma B.2, same distance", BLACK, DASHED),
    ("simulation", "allowed", r"allowed, $\alpha/3$", GREEN, DOTTED),
)
"""Source, quantity, name and look of each curve."""


def fig_study_signs(folder: Path = FOLDER) -> Figure:
    """Draw neurons switched off and ||J - J_0|| against d/n: seen, in the worst case and bounded, for the largest n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "signs", folder)["rows"]
    n = levels(rows, "n")[-1]
    figure = Figure(figsize=(7.2, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    _panel(left, [_share(row) for row in rows if row["n"] == n], COUNTS)
    left.set(ylabel=r"neurons that change sign, share of $d$", ylim=(2e-3, 60))
    _panel(right, [row for row in rows if row["n"] == n], CHANGES)
    right.set(ylabel=r"$\|J-J_0\|\;/\;\nu\sqrt{d}\,\|z\|$", ylim=(0.02, 30))
    left.set_title(f"n = {n}", fontsize=8)
    right.set_title(f"n = {n}", fontsize=8)
    return figure


def _share(row: dict[str, Any]) -> dict[str, Any]:
    d = round(row["n"] * row["ratio"])
    return {**row, **{key: None if row[key] is None else row[key] / d for key in ("value", "low", "high")}}


def _panel(axes: Axes, rows: list[dict[str, Any]], curves: tuple[tuple[Any, ...], ...]) -> None:
    for source, quantity, label, colour, line in curves:
        found = pick(rows, source=source, quantity=quantity)
        curve(axes, found, "ratio", color=colour, linestyle=line, label=label)
        if source == "simulation":
            band(axes, found, "ratio", colour)
    axes.set(xscale="log", yscale="log", xlabel=r"width over outputs, $d/n$")
    axes.legend(loc="upper right", **LABEL)
