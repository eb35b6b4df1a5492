"""Tables of a recipe as a picture: the paper's number in grey above ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.recipe_tables import spoken
from untrained.figures.style import BLACK, GREY, PALE
from untrained.sims.experiments.recipes.recipe import NAMES

Record = Mapping[str, Any]
Pair = tuple[str, str]
"""What a cell says: the paper's number and ours."""


def grid(axes: Axes, record: Record) -> None:
    """Write the table of a record: a row a noise level or method, a column a number of measurements."""
    by_noise = record["kind"] == "gains"
    rows = _once(n["setup"]["variance"] if by_noise else n["label"] for n in record["numbers"])
    sizes = _once(n["setup"]["m"] for n in record["numbers"])
    numbers = {(n["setup"]["variance"] if by_noise else n["label"], n["setup"]["m"]): n for n in record["numbers"]}
    found = _gain if by_noise else _seconds
    names = [rf"$\sigma^2$ = {row:g}" if by_noise else NAMES.get(row, row) for row in rows]
    cells = [[(f"{numbers[row, m]['value']:g}", found(record, numbers[row, m])) for m in sizes] for row in rows]
    _write(axes, names, [f"m = {m}" for m in sizes], cells)


def _once(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _gain(record: Record, printed: Mapping[str, Any]) -> str:
    return next((spoken(g["gain"], 2) for g in record["gains"] if g["setup"] == printed["setup"]), "-")


def _seconds(record: Record, printed: Mapping[str, Any]) -> str:
    place = printed["label"], printed["setup"]
    found = (p for p in record["points"] if (p["label"], p["setup"]) == place)
    return next((f"{p['seconds'][0]:.1f} ({p['device']})" for p in found), "-")


def _write(axes: Axes, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Pair]]) -> None:
    axes.set(xlim=(-1.1, len(columns) - 0.5), ylim=(len(rows) - 0.5, -1.0), xticks=[], yticks=[], frame_on=False)
    for j, column in enumerate(columns):
        axes.text(j, -0.75, column, ha="center", va="center", fontweight="bold")
    for i, (row, line) in enumerate(zip(rows, cells, strict=True)):
        axes.axhline(i - 0.5, color=PALE, linewidth=0.6)
        axes.text(-1.1, i, row, va="center")
        for j, (printed, found) in enumerate(line):
            axes.text(j, i - 0.22, f"paper {printed}", ha="center", va="center", color=GREY, fontsize=7)
            axes.text(j, i + 0.22, found, ha="center", va="center", color=BLACK, fontsize=7)


def table_figure(record: Record) -> Figure:
    """Draw the table of one recipe."""
    figure = Figure(figsize=(8.27, 3.0), layout="constrained")
    axes = figure.add_subplot()
    grid(axes, record)
    axes.set_title(record["title"], fontsize=8.5)
    return figure
