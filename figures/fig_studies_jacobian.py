"""The two-layer generator's Jacobian and what measures it: how small, how far it moves, which matrices do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import LABEL, LINES, SOURCES, band, bars, curve, levels
from untrained.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE
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
    _sigma_medians(left, rows)
    _sigma_shares(right, rows)
    return figure


def _sigma_medians(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for n, colour in zip(levels(rows, "n"), LINES, strict=False):
        simulation = pick(rows, source="simulation", quantity="sigma_min", n=n)
        band(axes, simulation, "ratio", colour)
        curve(axes, simulation, "ratio", color=colour, label=f"n = {n}")
        exact = pick(rows, source="exact law", quantity="sigma_min", n=n)
        curve(axes, exact, "ratio", color=colour, linestyle="", marker="o", markersize=2.5)
    size = levels(rows, "n")[0]
    curve(axes, pick(rows, source="edge", quantity="sigma_min", n=size), "ratio", **SOURCES["edge"], label="limit")
    axes.plot([], [], color=BLACK, linestyle="", marker="o", markersize=2.5, label="exact law")
    axes.axhline(0.5, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xscale="log", ylim=(0, 0.72), xlabel=r"width over outputs, $d/n$")
    axes.set_ylabel(r"median of $\sigma_{\min}(J_0)\;/\;\nu\sqrt{d}\,\|z\|$")
    axes.legend(loc="lower right", **LABEL)


def _sigma_shares(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for n, colour in zip(levels(rows, "n"), LINES, strict=False):
        simulation = pick(rows, source="simulation", quantity="below half", n=n)
        band(axes, simulation, "ratio", colour)
        curve(axes, simulation, "ratio", color=colour)
        exact = pick(rows, source="exact law", quantity="below half", n=n)
        curve(axes, exact, "ratio", color=colour, linestyle="", marker="o", markersize=2.5)
    for row in pick(rows, source="edge", quantity="median reaches half"):
        axes.axvline(row["value"], **SOURCES["edge"], linewidth=0.9)
    axes.set(xlim=(2, 60), ylim=(-0.02, 1.02), xlabel=r"width over outputs, $d/n$", ylabel="share of draws below 1/2")


_DASHED, _DOTTED = (0, (4, 1.2)), (0, (1, 1.2))
_SIGNS_COUNTS = (
    ("simulation", "off", "seen", BLUE, "-"),
    ("worst case", "worst_on", "worst, among those on", ORANGE, "-"),
    ("worst case", "worst_all", "worst, all neurons", GREEN, "-"),
    ("theorem", "off at the distance gone", "Lemma C.3, same distance", BLACK, _DASHED),
    ("theorem", "off at the theorem's R", r"Lemma C.3, $R=60\sqrt{n}$", GREY, _DOTTED),
)
_SIGNS_CHANGES = (
    ("simulation", "change", "seen", BLUE, "-"),
    ("worst case", "worst_change", "a bad case, same distance", ORANGE, "-"),
    ("theorem", "change at the distance gone", "Lemma B.2, same distance", BLACK, _DASHED),
    ("simulation", "allowed", r"allowed, $\alpha/3$", GREEN, _DOTTED),
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
    _signs_panel(left, [_signs_share(row) for row in rows if row["n"] == n], _SIGNS_COUNTS)
    left.set(ylabel=r"neurons that change sign, share of $d$", ylim=(2e-3, 60))
    _signs_panel(right, [row for row in rows if row["n"] == n], _SIGNS_CHANGES)
    right.set(ylabel=r"$\|J-J_0\|\;/\;\nu\sqrt{d}\,\|z\|$", ylim=(0.02, 30))
    left.set_title(f"n = {n}", fontsize=8)
    right.set_title(f"n = {n}", fontsize=8)
    return figure


def _signs_share(row: dict[str, Any]) -> dict[str, Any]:
    d = round(row["n"] * row["ratio"])
    return {**row, **{key: None if row[key] is None else row[key] / d for key in ("value", "low", "high")}}


def _signs_panel(axes: Axes, rows: list[dict[str, Any]], curves: tuple[tuple[Any, ...], ...]) -> None:
    for source, quantity, label, colour, line in curves:
        points = pick(rows, source=source, quantity=quantity)
        curve(axes, points, "ratio", color=colour, linestyle=line, label=label)
        if source == "simulation":
            band(axes, points, "ratio", colour)
    axes.set(xscale="log", yscale="log", xlabel=r"width over outputs, $d/n$")
    axes.legend(loc="upper right", **LABEL)


_SENSING_LOOKS: dict[str, tuple[str, str, str]] = {
    "fourier": ("Fourier rows", BLUE, "o"),
    "cosine": ("cosine rows", GREEN, "s"),
    "gaussian 1/n": (r"$N(0,1/n)$ entries", PURPLE, "^"),
    "gaussian 1/m": (r"$N(0,1/m)$ entries", ORANGE, "v"),
}
"""Name, colour and marker of each kind of matrix."""
_SENSING_QUANTITIES = {
    "converged": "share of runs that converge",
    "rate": r"$1-$ factor per step",
    "sharpness": r"$\eta\,\|J_0\|^2$",
}
_SENSING_RATIO = 20
"""The d/m that is drawn, or the one next above it."""


def fig_study_sensing(folder: Path = FOLDER) -> Figure:
    """Draw convergence, rate and sharpness at the start against n/m for each kind of matrix.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "sensing", folder)["rows"]
    ratio = min(r for r in levels(rows, "ratio") if r >= min(_SENSING_RATIO, levels(rows, "ratio")[-1]))
    panel = [row | {"over": row["n"] / row["m"]} for row in rows if row["ratio"] == ratio]
    figure = Figure(figsize=(8.2, 3.2), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, 3), _SENSING_QUANTITIES.items(), strict=True):
        _sensing_panel(axes, panel, quantity)
        axes.set(ylabel=label, xlabel=r"pixels over measurements, $n/m$")
    figure.axes[0].set_title(f"d/m = {ratio:g}", fontsize=8)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **LABEL)
    figure.axes[2].set_yscale("log")
    figure.axes[2].set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
    figure.axes[2].set_yticks([], minor=True)
    figure.axes[2].axhline(2, color=GREY, linewidth=0.6, zorder=0)
    return figure


def _sensing_panel(axes: Axes, rows: list[dict[str, Any]], quantity: str) -> None:
    for kind, (label, colour, marker) in _SENSING_LOOKS.items():
        points = pick(rows, source="simulation", quantity=quantity, matrix=kind)
        bars(axes, points, "over", color=colour, marker=marker, linewidth=1.0, label=label)
    if quantity == "rate":
        proof = pick(rows, source="proof", quantity="rate", matrix="fourier")
        curve(axes, proof, "over", color=GREY, linestyle=(0, (4, 1.2)), label="by the proof")
        axes.set_yscale("log")
        axes.legend(axes.get_lines()[-1:], ["by the proof, at m"], loc="best", **LABEL)
    at = levels(rows, "over")
    axes.set_xscale("log", base=2)
    axes.set_xticks(at, [f"{x:g}" for x in at])
