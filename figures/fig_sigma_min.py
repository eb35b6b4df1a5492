"""How wide must the hidden layer be before sigma_min(J) >= nu sqrt(d) ||z|| / 2?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, Rows, cite, curve, head, key, legend, looks, panels, plain_ticks, under
from untrained.figures.style import BLACK, GREY
from untrained.sims.record.store import FOLDER, pick, read_record

_LEMMAS = {"own": ("proved here", 1), "proof": ("the paper's proof", -1), "printed": ("printed", 1)}
"""How a marker of the lemma is called, and on which side of its line: 1 is the right."""
_LEVEL = "level of failure 2e^-n"
_CLAIMS = ("vanveen18.lemB1.printed", "vanveen18.lemB1.proof", "own.lemB1_200", "own.lemB1_threshold")


def fig_sigma_min(folder: Path = FOLDER) -> Figure:
    """Draw sigma_min(J) against d/n: simulation, exact law, limit, and the widths where 1/2 is reached.

    Raises
    ------
    ValueError
        where the table was not recorded.
    """
    record = read_record("study", "sigma_min", folder)
    rows = record["rows"]
    figure, (axes,) = panels(1, 1, 3.4)
    styles = looks(sorted({row["n"] for row in rows if row["source"] == "simulation"}))
    for n, look in styles.items():
        _size(axes, [row for row in rows if row["n"] == n], look)
    curve(axes, pick(rows, source="edge", quantity="level"), "d_over_n", **THEORY["edge"])
    _widths(axes, rows, styles)
    _frame(axes)
    _legend(figure, styles)
    (needed,) = pick(rows, source="threshold", n=64)
    (printed,) = pick(rows, source="lemma", quantity="printed")
    asked = f"it asks for {printed['d_over_n']:.0f} n"
    head(axes, f"Lemma B.1 holds from d = {needed['d_over_n']:.0f} n on at n = {needed['n']}; {asked}", 54)
    under(figure, _caption(record) + cite(folder, *_CLAIMS))
    return figure


def _size(axes: Axes, rows: Rows, look: Mapping[str, Any]) -> None:
    """One n: median and range of the draws, and the exact level that draws miss with the lemma's probability."""
    quantiles = {q: sorted((r["d_over_n"], r["value"]) for r in rows if r["quantity"] == q) for q in _QUANTILES}
    (low, median, high), x = quantiles.values(), [place for place, _ in quantiles["median"]]
    axes.fill_between(x, [y for _, y in low], [y for _, y in high], color=look["color"], alpha=0.18, linewidth=0)
    axes.plot(x, [y for _, y in median], linestyle="", markersize=2.6, markevery=2, **look)
    exact = [row for row in rows if row["quantity"] == _LEVEL]
    curve(axes, exact, "d_over_n", color=look["color"], linestyle="-")


_QUANTILES = ("quantile 0.001", "median", "quantile 0.999")


def _widths(axes: Axes, rows: list[dict[str, Any]], styles: Mapping[int, Mapping[str, Any]]) -> None:
    """A drop line with its name at each width where one argument or another reaches the lemma's level."""
    for row in pick(rows, source="edge", quantity="width"):
        _drop(axes, row, f"limit {row['d_over_n']:.1f}", BLACK, -1)
    for side, (n, look) in zip((-1, 1), styles.items(), strict=False):
        for row in pick(rows, source="threshold", quantity="width", n=n):
            _drop(axes, row, f"exact, n = {n}: {row['d_over_n']:.1f}", look["color"], side)
    for quantity, (name, side) in _LEMMAS.items():
        for row in pick(rows, source="lemma", quantity=quantity):
            _drop(axes, row, f"{name} {row['d_over_n']:.0f}", GREY, side)


def _drop(axes: Axes, row: Mapping[str, Any], text: str, colour: str, side: int) -> None:
    x, y = row["d_over_n"], row["value"]
    axes.plot([x, x], [0, y], color=colour, linewidth=0.7)
    axes.plot([x], [y], marker="|", markersize=5, color=colour, zorder=5)
    axes.annotate(
        text, (x, 0), (2 * side, 3), textcoords="offset points", rotation=90, color=colour, fontsize=6.6,
        ha="left" if side > 0 else "right", va="bottom",
    )  # fmt: skip


def _frame(axes: Axes) -> None:
    axes.axhline(0.5, color=GREY, linewidth=0.6, zorder=0)
    axes.text(1200, 0.507, "the lemma's 1/2", color=GREY, ha="center", fontsize=6.6)
    axes.set_xscale("log")
    axes.set(xlim=(3, 1e4), ylim=(0, 0.79), xlabel=r"width over outputs, $d/n$")
    axes.set_ylabel(r"$\sigma_{\min}(J)\;/\;\nu\sqrt{d}\,\|z\|$")
    plain_ticks(axes, (3, 10, 30, 100, 300, 1000, 3000, 10000))


def _legend(figure: Figure, styles: Mapping[int, Mapping[str, Any]]) -> None:
    draws = [key(f"n = {n}, median of draws", linestyle="", **look) for n, look in styles.items()]
    law = [key(f"n = {n}, missed with $2e^{{-n}}$", color=look["color"]) for n, look in styles.items()]
    edge = key(r"limit $1/\sqrt{2}-\sqrt{n/d}$", **THEORY["edge"])
    legend(figure, {"simulation": draws, "theory": [*law, edge]}, "outside upper center")


def _caption(record: Mapping[str, Any]) -> str:
    return (
        "Smallest singular value of the generator's Jacobian at its random start. Marks: medians of "
        f"{record['axes']['trials'][0]} draws at each width; shaded: 99.8 % of them. Lines: the level below which it "
        "falls with probability 2e^-n, by its exact law, and its limit for large n. Vertical: where each argument "
        "reaches 1/2."
    )
