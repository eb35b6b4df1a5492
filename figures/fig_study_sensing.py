"""For which measurement matrices A does descent converge with AV for V, and how fast?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, curve, heads, key, levels, panels, plain_ticks, strip, under
from untrained.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

_LOOKS: dict[str, tuple[str, str, str]] = {
    "fourier": ("Fourier rows", BLUE, "o"),
    "cosine": ("cosine rows", GREEN, "s"),
    "gaussian 1/n": (r"$N(0,1/n)$ entries", PURPLE, "^"),
    "gaussian 1/m": (r"$N(0,1/m)$ entries", ORANGE, "v"),
}
"""Name, colour and marker of each kind of matrix."""
_QUANTITIES = {
    "converged": ("share of runs that converge", "Rows of a unitary matrix converge at every n/m"),
    "rate": (r"$1-$ factor per step", "and at one rate, far above the proof's"),
    "sharpness": (r"$\eta\,\|J_0\|^2$", "Entries of variance 1/m are too large for the step"),
}
_RATIO = 20
"""The d/m that is drawn, or the one next above it."""


def fig_study_sensing(folder: Path = FOLDER) -> Figure:
    """Draw convergence, rate and sharpness at the start against n/m for each kind of matrix.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "sensing", folder)
    rows, at = record["rows"], record["axes"]
    ratio = min(r for r in levels(rows, "ratio") if r >= min(_RATIO, levels(rows, "ratio")[-1]))
    panel = [row | {"over": row["n"] / row["m"]} for row in rows if row["ratio"] == ratio]
    figure, places = panels(1, 3, 2.7)
    for axes, (quantity, (label, _)) in zip(places, _QUANTITIES.items(), strict=True):
        _panel(axes, panel, quantity)
        axes.set(ylabel=label, xlabel=r"pixels over measurements, $n/m$")
    places[0].set_ylim(-0.04, 1.04)
    places[1].set_yscale("log")
    plain_ticks(places[1], y=(0.01, 0.02, 0.05, 0.1, 0.2))
    places[2].set_yscale("log")
    plain_ticks(places[2], y=(0.5, 1, 2, 4, 8))
    places[2].axhline(2, color=GREY, linewidth=0.6, zorder=0)
    heads(places, [title for _, title in _QUANTITIES.values()], 31)
    entries = [key(name, color=colour, marker=marker) for name, colour, marker in _LOOKS.values()]
    strip(figure, [*entries, key("by the proof", **THEORY["proof"])])
    says = (
        f"m = {at['m'][0]}, d/m = {ratio:g}, {at['runs'][0]} runs a point of at most {at['steps'][0]} steps at the "
        "proof's step; a: share with its 95 % Clopper-Pearson interval; b, c: medians over runs (b: those that "
        "converged) with their middle half. Grey in c: 2, beyond which descent is unstable at the start."
    )
    claims = ("vanveen18.remark.orthonormal", "vanveen18.remark.fourier.corrected", "own.gaussian_sensing")
    under(figure, says + cite(folder, *claims))
    return figure


def _panel(axes: Axes, rows: list[dict[str, Any]], quantity: str) -> None:
    for kind, (_, colour, marker) in _LOOKS.items():
        points = pick(rows, source="simulation", quantity=quantity, matrix=kind)
        bars(axes, points, "over", color=colour, marker=marker)
    if quantity == "rate":
        curve(axes, pick(rows, source="proof", quantity="rate", matrix="fourier"), "over", **THEORY["proof"])
    axes.set_xscale("log", base=2)
    plain_ticks(axes, levels(rows, "over"))
