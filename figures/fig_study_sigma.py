"""How large is the smallest singular value of the Jacobian at its random start, for which n and d/n?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, curve, heads, key, legend, looks, panels, plain_ticks, under
from untrained.figures.style import GREY
from untrained.sims.record.store import FOLDER, pick, read_record


def fig_study_sigma(folder: Path = FOLDER) -> Figure:
    """Draw medians of sigma_min(J_0) and shares of draws below the lemma's level, against d/n for each n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "sigma", folder)
    rows, styles = record["rows"], looks(record["axes"]["n"])
    figure, (left, right) = panels(1, 2, 2.75)
    for axes, quantity in ((left, "sigma_min"), (right, "below half")):
        for n, look in styles.items():
            _one_size(axes, pick(rows, quantity=quantity, n=n), look)
    _medians(left, rows, record["axes"]["n"][0])
    _shares(right, rows)
    half = pick(rows, source="edge", quantity="median reaches half")[0]["value"]
    titles = (
        f"Medians come down to the limit, which passes 1/2 at d = {half:.1f} n",
        "The larger n, the more sharply draws leave the side below 1/2",
    )
    heads((left, right), titles, 44)
    draws = [key(f"n = {n}", **look) for n, look in styles.items()]
    legend(
        figure, {"": [*draws, key("exact law", color=GREY), key("limit", **THEORY["edge"])]}, "outside upper center", 6
    )
    trials = record["axes"]["trials"][0]
    says = (
        f"Marks: {trials} draws at each width; bars in a the middle half of them, in b 95 % intervals of the share, "
        "mostly within the marks. Lines in the colour of n: exact law, where it was computed; dotted: limit as n "
        "grows. Grey: the lemma's 1/2."
    )
    under(figure, says + cite(folder, "vanveen18.lemB1.printed", "own.lemB1_threshold", "vanveen18.sigma"))
    return figure


def _one_size(axes: Axes, rows: list[dict[str, Any]], look: Mapping[str, Any]) -> None:
    bars(axes, pick(rows, source="simulation"), "ratio", linestyle="", **look)
    curve(axes, pick(rows, source="exact law"), "ratio", color=look["color"])


def _medians(axes: Axes, rows: list[dict[str, Any]], n: int) -> None:
    curve(axes, pick(rows, source="edge", quantity="sigma_min", n=n), "ratio", zorder=0, **THEORY["edge"])
    axes.axhline(0.5, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xscale="log", ylim=(0, 0.72), xlabel=r"width over outputs, $d/n$")
    axes.set_ylabel(r"median of $\sigma_{\min}(J_0)\;/\;\nu\sqrt{d}\,\|z\|$")
    plain_ticks(axes, (3, 10, 30, 100, 300, 1000))


def _shares(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for row in pick(rows, source="edge", quantity="median reaches half"):
        axes.axvline(row["value"], zorder=0, **THEORY["edge"])
    axes.set(xscale="log", xlim=(1.9, 66), ylim=(-0.03, 1.03), xlabel=r"width over outputs, $d/n$")
    axes.set_ylabel("share of draws below 1/2")
    plain_ticks(axes, (2, 5, 10, 20, 30, 60))
