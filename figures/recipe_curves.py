"""One recipe's record as a picture: curves of the error, tables beside the paper's, or pictures, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from untrained.figures.drawing import picture_bytes
from untrained.figures.recipe_pictures import pictures_figure
from untrained.figures.recipe_tables import RecipeRecord, labels_of, score_of, spoken
from untrained.figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, STYLE
from untrained.sims.experiments.recipes.recipe import NAMES, SCORE_NAMES
from untrained.sims.files import write_bytes, write_text
from untrained.sims.record.store import record_text

_LOOK = {
    "csdip": (BLUE, "o"),
    "csdip-lr": (PURPLE, "D"),
    "damp": (ORANGE, "^"),
    "tv": (GREEN, "s"),
    "lasso-dct": (AMBER, "v"),
    "csgm": (RED, "X"),
    "net-gd": (BLUE, "o"),
    "net-gd-phase": (BLUE, "o"),
    "net-gd-best": (BLUE, "D"),
    "net-gd-phase-best": (BLUE, "D"),
    "net-pgd": (PURPLE, "o"),
    "net-pgd-phase": (PURPLE, "o"),
    "net-pgd-best": (PURPLE, "D"),
    "net-pgd-phase-best": (PURPLE, "D"),
    "ridge": (ORANGE, "^"),
    "sparta": (GREEN, "s"),
    "amplitude-flow": (AMBER, "v"),
}
"""Colour and marker of each run, by its label."""
_SPREAD = 0.36
"""How far apart the runs of one setup stand, in units of the distance of setups."""
_LEAST = 1e-3
"""Where a bar that would reach zero ends on the logarithmic axis, in units of the mean."""
_Pair = tuple[str, str]
"""What a cell of a table says: the paper's number and ours."""


def curves_of(axes: Axes, record: RecipeRecord) -> None:
    """Draw mean MSE against the axis of a recipe, with bars that span the 95 % intervals over images."""
    labels, score = labels_of(record), score_of(record)
    places = {name: i for i, name in enumerate(dict.fromkeys(_place(record, p) for p in record["points"]))}
    for k, label in enumerate(labels):
        shift = _SPREAD * (k / max(1, len(labels) - 1) - 0.5)
        points = [p for p in record["points"] if p["label"] == label and p[score] is not None and p[score][0] > 0]
        _run(axes, [places[_place(record, p)] + shift for p in points], [p[score] for p in points], label)
    _printed(axes, record, places)
    _frame(axes, SCORE_NAMES[score])
    axes.set_xticks(range(len(places)), list(places))
    axes.set(xlim=(-0.5, len(places) - 0.5), xlabel=_axis(record))


def _place(record: RecipeRecord, point: Mapping[str, Any]) -> str:
    return f"{point['setup']['variance']:g}" if record["axis"] == "variance" else str(point["m"])


def _axis(record: RecipeRecord) -> str:
    if record["axis"] == "variance":
        return r"noise, $\sigma^2$"
    fourier = any(point["setup"]["lines"] for point in record["points"])
    return "Fourier coefficients" if fourier else r"measurements, $m$"


def _run(axes: Axes, x: Sequence[float], means: Sequence[Sequence[Any]], label: str) -> None:
    colour, marker = _LOOK.get(label, (GREY, "o"))
    name = NAMES.get(label, label)
    axes.plot(x, [mean for mean, _, _ in means], color=colour, marker=marker, markersize=3.4, linewidth=0.8, label=name)
    for place, (mean, low, high) in zip(x, means, strict=True):
        if low is not None and high is not None:
            axes.plot([place, place], [max(low, _LEAST * mean), high], color=colour, linewidth=1.0)


def _printed(axes: Axes, record: RecipeRecord, places: Mapping[str, int]) -> None:
    """Cross the paper's numbers, where it has any, in the colour of their run."""
    for number in record["numbers"] if score_of(record) == "nmse" else ():
        place = str(number["setup"]["m"])
        if place in places:
            colour, _ = _LOOK.get(number["label"], (GREY, "o"))
            axes.plot([places[place]], [number["value"]], color=colour, marker="x", markersize=5, linestyle="none")


def _frame(axes: Axes, name: str) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0), numticks=9))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(name)


def legend(figure: Figure) -> None:
    """Name every run below the panels, once."""
    named = [pair for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    handles = {name: handle for handle, name in named}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), frameon=False)


def curves_figure(record: RecipeRecord) -> Figure:
    """Draw the curves of one recipe."""
    figure = Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    curves_of(axes, record)
    axes.set_title(record["title"], fontsize=8.5)
    legend(figure)
    return figure


def dots_of(axes: Axes, record: RecipeRecord) -> None:
    """Draw mean score by method with 95 % intervals over images, and the paper's numbers as hollow marks."""
    labels, score = labels_of(record), score_of(record)
    numbers = {number["label"]: number["value"] for number in record["numbers"]}
    for place, label in enumerate(labels):
        colour, marker = _LOOK.get(label, (BLUE if label.startswith(("decoder", "skip")) else GREY, "o"))
        for mean, low, high in (p[score] for p in record["points"] if p["label"] == label and p[score] is not None):
            axes.plot([mean], [place], color=colour, marker=marker, markersize=4, linestyle="none")
            if low is not None and high is not None:
                axes.plot([low, high], [place, place], color=colour, linewidth=1.0)
        if label in numbers:
            axes.plot([numbers[label]], [place], color=BLACK, marker="o", markerfacecolor="none", linestyle="none")
    axes.set_yticks(range(len(labels)), [NAMES.get(label, label) for label in labels], fontsize=7)
    axes.set(ylim=(len(labels) - 0.5, -0.5), xlabel=SCORE_NAMES[score])


def scores_figure(record: RecipeRecord) -> Figure:
    """Draw the means of one recipe, a row a method."""
    figure = Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    dots_of(axes, record)
    axes.set_title("\n".join(wrap(record["title"], 60)), fontsize=8.5)
    return figure


def grid(axes: Axes, record: RecipeRecord) -> None:
    """Write the table of a record: a row a noise level or method, a column a number of measurements."""
    by_noise = record["kind"] == "gains"
    rows = _once(n["setup"]["variance"] if by_noise else n["label"] for n in record["numbers"])
    sizes = _once(n["setup"]["m"] for n in record["numbers"])
    numbers = {(n["setup"]["variance"] if by_noise else n["label"], n["setup"]["m"]): n for n in record["numbers"]}
    ours = _gain if by_noise else _seconds
    names = [rf"$\sigma^2$ = {row:g}" if by_noise else NAMES.get(row, row) for row in rows]
    cells = [[(f"{numbers[row, m]['value']:g}", ours(record, numbers[row, m])) for m in sizes] for row in rows]
    _write(axes, names, [f"m = {m}" for m in sizes], cells)


def _once(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _gain(record: RecipeRecord, printed: Mapping[str, Any]) -> str:
    return next((spoken(g["gain"], 2) for g in record["gains"] if g["setup"] == printed["setup"]), "-")


def _seconds(record: RecipeRecord, printed: Mapping[str, Any]) -> str:
    place = printed["label"], printed["setup"]
    points = (p for p in record["points"] if (p["label"], p["setup"]) == place)
    return next((f"{p['seconds'][0]:.1f} ({p['device']})" for p in points), "-")


def _write(axes: Axes, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[_Pair]]) -> None:
    axes.set(xlim=(-1.1, len(columns) - 0.5), ylim=(len(rows) - 0.5, -1.0), xticks=[], yticks=[], frame_on=False)
    for j, column in enumerate(columns):
        axes.text(j, -0.75, column, ha="center", va="center", fontweight="bold")
    for i, (row, line) in enumerate(zip(rows, cells, strict=True)):
        axes.axhline(i - 0.5, color=PALE, linewidth=0.6)
        axes.text(-1.1, i, row, va="center")
        for j, (printed, ours) in enumerate(line):
            axes.text(j, i - 0.22, f"paper {printed}", ha="center", va="center", color=GREY, fontsize=7)
            axes.text(j, i + 0.22, ours, ha="center", va="center", color=BLACK, fontsize=7)


def table_figure(record: RecipeRecord) -> Figure:
    """Draw the table of one recipe."""
    figure = Figure(figsize=(8.27, 3.0), layout="constrained")
    axes = figure.add_subplot()
    grid(axes, record)
    axes.set_title(record["title"], fontsize=8.5)
    return figure


_DRAWERS: dict[str, Callable[[Mapping[str, Any]], Figure]] = {
    "curves": curves_figure,
    "pictures": pictures_figure,
    "pattern": pictures_figure,
    "scores": scores_figure,
    "gains": table_figure,
    "runtimes": table_figure,
}


def draw_recipe(record: Mapping[str, Any]) -> Figure:
    """Draw a record: curves, pictures or a table, by its kind."""
    with matplotlib.style.context(["default", STYLE]):
        return _DRAWERS[record["kind"]](record)


def write_recipe(record: RecipeRecord, folder: Path) -> list[Path]:
    """Write a record and its picture, as PNG and PDF, into a folder, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{record['name']}{suffix}" for suffix in (".json", ".png", ".pdf")]
    write_text(paths[0], record_text("recipe", record))
    figure = draw_recipe(record)
    for path in paths[1:]:
        write_bytes(path, picture_bytes(figure, path.suffix))
    return paths
