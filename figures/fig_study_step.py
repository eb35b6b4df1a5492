"""Which steps converge? Outcome, rate and sharpness against the step, and the edge of stability."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import (
    bars,
    between,
    cite,
    heads,
    key,
    looks,
    panels,
    plain_ticks,
    share_cells,
    strip,
    under,
)
from untrained.figures.style import BLACK, GREY
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_QUANTITIES = {
    "rate": (r"$1-$ factor per step", "The rate grows with the step up to the edge"),
    "sharpness_end": (r"$\eta\,\|J\|^2$ at the end", "Runs beyond it end where it is flat enough"),
}
"""What is drawn, a panel each: the name of its axis and its message."""
_FIRST = "Wide: no run converges just beyond the edge of stability"
_EDGE = (0, (4, 1.5))


def fig_study_step(folder: Path = FOLDER) -> Figure:
    """Draw outcome, rate and final sharpness against the step in multiples of the proof's, a line for each d/n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "step", folder)
    rows, styles = record["rows"], looks(record["axes"]["ratio"])
    figure, places = panels(1, 3, 2.9)
    _diagram(figure, places[0], rows)
    for axes, (quantity, (label, _)) in zip(places[1:], _QUANTITIES.items(), strict=True):
        _panel(axes, rows, quantity, styles)
        axes.set(ylabel=label, xlabel=r"step over $1/\beta^2$")
    places[1].set(yscale="log", ylim=(4e-3, 3))
    plain_ticks(places[1], y=(0.01, 0.1, 1))
    places[2].axhline(2, color=GREY, linewidth=0.6, zorder=0)
    places[2].set_ylim(0, 2.35)
    heads(places, [_FIRST, *(title for _, title in _QUANTITIES.values())], 31)
    entries = [key(f"d/n = {ratio:g}", **look) for ratio, look in styles.items()]
    entries += [key(r"edge, $2/\|J_0\|^2$", color=GREY, linestyle=_EDGE, linewidth=0.7)]
    strip(figure, [*entries, key("printed step", color=GREY, linestyle="", marker="v", markerfacecolor="none")])
    axes_ = record["axes"]
    says = (
        f"n = {axes_['n'][0]}, {axes_['runs'][0]} runs a point of at most {axes_['steps'][0]} steps. a: share of them "
        "that converge; white: the edge of stability at the start; triangles: the step as Theorem 4.1 prints it "
        "(filled white). b, c: medians over runs with their middle half (b: of those that converge); edge dashed and "
        "printed step in the colour of d/n; grey: 2."
    )
    under(figure, says + cite(folder, "vanveen18.thm41.printed", "vanveen18.thm41.corrected", "own.longer_step"))
    return figure


def _diagram(figure: Figure, axes: Axes, rows: _Rows) -> None:
    """A cell for each d/n and step, as dark as runs converge, with the edge and the printed step of each d/n."""
    steps, ratios = share_cells(
        figure, axes, pick(rows, source="simulation", quantity="converged"), "multiple", "ratio"
    )
    for quantity, look in (
        ("edge_multiple", {"linestyle": _EDGE}),
        ("step_multiple", {"linestyle": "", "marker": "v"}),
    ):
        source = "simulation" if quantity == "edge_multiple" else "printed"
        points = [
            (between(steps, row["value"]), ratios.index(row["ratio"]) + 0.5)
            for row in pick(rows, source=source, quantity=quantity)
        ]
        axes.plot(*zip(*sorted(points, key=lambda p: p[1]), strict=True), color="white", markeredgecolor=BLACK, **look)
    chosen = [i for i, step in enumerate(steps) if step in (0.25, 1, 4, 8, 16, 32)]
    axes.set_xticks([i + 0.5 for i in chosen], [f"{steps[i]:g}" for i in chosen])
    axes.set(xlabel=r"step over $1/\beta^2$", ylabel=r"width over outputs, $d/n$")


def _panel(axes: Axes, rows: _Rows, quantity: str, styles: Mapping[float, Mapping[str, Any]]) -> None:
    """Curves, and for each d/n the step printed (a mark) and the edge of stability (a thin line)."""
    for ratio, look in styles.items():
        bars(axes, pick(rows, source="simulation", quantity=quantity, ratio=ratio), "multiple", **look)
        for row in pick(rows, source="simulation", quantity="edge_multiple", ratio=ratio):
            axes.axvline(row["value"], color=look["color"], linewidth=0.7, linestyle=_EDGE, zorder=0)
        for row in pick(rows, source="printed", quantity="step_multiple", ratio=ratio):
            place = axes.get_xaxis_transform()
            axes.plot(row["value"], 0.96, "v", color=look["color"], markerfacecolor="none", transform=place)
    axes.set_xscale("log", base=2)
    plain_ticks(axes, (0.25, 1, 4, 16))
