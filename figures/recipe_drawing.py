"""One recipe's record as a picture: curves with intervals, grids of images, or a table beside the paper's."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import matplotlib.image
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.recipe_tables import labels_of, number, spoken
from figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, STYLE
from sims.imaging.recipes.recipe import NAMES

Record = Mapping[str, Any]
LOOK = {
    "csdip": (BLUE, "o"),
    "csdip-lr": (PURPLE, "D"),
    "damp": (ORANGE, "^"),
    "tv": (GREEN, "s"),
    "lasso-dct": (AMBER, "v"),
    "csgm": (RED, "X"),
}
"""Colour and marker of each run, by its label."""
_SPREAD = 0.36
_TILE = 0.72
"""How far apart the runs of one setup stand, in units of the distance of setups; side of a picture in inches."""


def curve(axes: Axes, record: Record) -> None:
    """Draw mean MSE against the axis of a recipe, with bars that span the 95 % intervals over images."""
    labels = labels_of(record)
    places = {name: i for i, name in enumerate(dict.fromkeys(_place(record, p) for p in record["points"]))}
    for k, label in enumerate(labels):
        shift = _SPREAD * (k / max(1, len(labels) - 1) - 0.5)
        drawn = [p for p in record["points"] if p["label"] == label and p["mse"] is not None and p["mse"][0] > 0]
        _run(axes, [places[_place(record, p)] + shift for p in drawn], [p["mse"] for p in drawn], label)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(list(places.values()), list(places))
    axes.set(xlim=(-0.5, len(places) - 0.5), ylabel="MSE", xlabel=_axis(record))


def _place(record: Record, point: Mapping[str, Any]) -> str:
    return f"{point['setup']['variance']:g}" if record["axis"] == "variance" else str(point["m"])


def _axis(record: Record) -> str:
    if record["axis"] == "variance":
        return r"noise, $\sigma^2$"
    fourier = any(point["setup"]["lines"] for point in record["points"])
    return "Fourier coefficients" if fourier else r"measurements, $m$"


def _run(axes: Axes, x: Sequence[float], means: Sequence[Sequence[Any]], label: str) -> None:
    colour, marker = LOOK.get(label, (GREY, "o"))
    axes.plot(x, [mean for mean, _, _ in means], color=colour, marker=marker, markersize=3.4, label=NAMES.get(label, label))
    for place, (mean, low, high) in zip(x, means, strict=True):
        if low is not None and high is not None:
            axes.plot([place, place], [max(low, 1e-3 * mean), high], color=colour, linewidth=0.9)


def legend(figure: Figure, records: Sequence[Record]) -> None:
    """Name every run below the panels, once."""
    handles = {text: handle for axes in figure.axes for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), frameon=False)


def curves_figure(record: Record) -> Figure:
    """Draw the curves of one recipe."""
    figure = Figure(figsize=(4.4, 3.3), layout="constrained")
    axes = figure.add_subplot()
    curve(axes, record)
    axes.set_title(record["title"], fontsize=8.5)
    legend(figure, [record])
    return figure


def grid_of(record: Record) -> list[tuple[str, list[tuple[str, list[str | None]]]]]:
    """Return (heading, rows) of a record's pictures, a block a set and setup; a row is (name, pictures)."""
    blocks = []
    originals = [p for p in record["pictures"] if p["setup"] is None]
    heads = {_key(p): p for p in record["pictures"] if p["setup"] is not None}
    for dataset, setup in dict.fromkeys(heads):
        mine = [p for p in record["pictures"] if _key(p) == (dataset, setup)]
        images = list(dict.fromkeys(p["image"] for p in mine))
        rows = [("original", originals)] if originals else []
        rows += [(label, mine) for label in dict.fromkeys(p["label"] for p in mine)]
        blocks.append((_heading(record, dataset, heads[dataset, setup]), [
            (NAMES.get(label, label), [_png(pictures, dataset, image, label) for image in images]) for label, pictures in rows
        ]))  # fmt: skip
    return blocks


def _key(picture: Mapping[str, Any]) -> tuple[str, str]:
    return picture["dataset"], str(picture["setup"])


def _heading(record: Record, dataset: str, picture: Mapping[str, Any]) -> str:
    setup = picture["setup"]
    if setup["lines"] is None:
        return f"{dataset}, m = {setup['m']}"
    found = [c["coefficients"] for c in record["counts"] if c["setup"] == setup]
    found += [p["m"] for p in record["points"] if p["setup"] == setup]
    return f"{setup['lines']} lines, {found[0]} coefficients"


def _png(pictures: Sequence[Mapping[str, Any]], dataset: str, image: int | None, label: str) -> str | None:
    fits = (p["png"] for p in pictures if (p["dataset"], p["image"], p["label"]) == (dataset, image, label))
    return next(fits, None)


def height_of(record: Record) -> float:
    """Inches that the pictures of a record take, one block under the other."""
    return sum(0.34 + _TILE * len(rows) for _, rows in grid_of(record))


def pictures(figure: Figure, record: Record, left: float, top: float) -> None:
    """Draw a record's pictures from a place on the page, in inches from its upper left corner."""
    width, height = figure.get_size_inches()
    for heading, rows in grid_of(record):
        figure.text(left / width, 1 - (top + 0.2) / height, heading, fontsize=7.5)
        top += 0.27
        for name, row in rows:
            figure.text((left + 1.02) / width, 1 - (top + _TILE / 2) / height, _broken(name), ha="right", va="center", fontsize=7)
            for i, text in enumerate(row):
                place = (left + 1.1 + _TILE * i) / width, 1 - (top + _TILE) / height
                _tile(figure, (*place, 0.95 * _TILE / width, 0.95 * _TILE / height), text)
            top += _TILE
        top += 0.07


def _broken(name: str) -> str:
    return name.replace(", ", ",\n").replace(" (", "\n(")


def _tile(figure: Figure, place: tuple[float, float, float, float], text: str | None) -> None:
    axes = figure.add_axes(place, xticks=[], yticks=[], frameon=False)
    if text is None:
        axes.text(0.5, 0.5, "-", ha="center", va="center", color=GREY)
        return
    pixels = matplotlib.image.imread(BytesIO(base64.b64decode(text)), format="png")
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def pictures_figure(record: Record) -> Figure:
    """Draw the pictures of one recipe; where its record holds none, say so."""
    across = max((len(row) for _, rows in grid_of(record) for _, row in rows), default=3)
    figure = Figure(figsize=(max(3.2, 1.3 + _TILE * across), 0.4 + max(0.4, height_of(record))))
    figure.text(0.03, 1 - 0.2 / figure.get_size_inches()[1], record["title"], fontsize=7.5, fontweight="bold", wrap=True)
    pictures(figure, record, 0.1, 0.3)
    if not record["pictures"]:
        figure.text(0.03, 0.2, "The record holds no pictures.", color=GREY)
    return figure


Cells = Sequence[Sequence[tuple[str, str]]]


def grid(axes: Axes, rows: Sequence[str], columns: Sequence[str], cells: Cells) -> None:
    """Write a table of (the paper's, ours) pairs: ours in black under the paper's in grey."""
    axes.set(xlim=(-0.9, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.9), xticks=[], yticks=[])
    axes.set_frame_on(False)
    for j, column in enumerate(columns):
        axes.text(j, -0.62, column, ha="center", va="center", fontweight="bold")
    for i, (row, line) in enumerate(zip(rows, cells, strict=True)):
        axes.axhline(i - 0.45, color=PALE, linewidth=0.6)
        axes.text(-0.9, i, row, va="center")
        for j, (printed, found) in enumerate(line):
            axes.text(j, i - 0.18, printed, ha="center", va="center", color=GREY, fontsize=7)
            axes.text(j, i + 0.18, found, ha="center", va="center", color=BLACK, fontsize=7)


def gains_table(record: Record) -> tuple[list[str], list[str], list[list[tuple[str, str]]]]:
    """Rows (noise), columns (m) and cells of Table 1."""
    noises, sizes = (list(dict.fromkeys(n["setup"][name] for n in record["numbers"])) for name in ("variance", "m"))
    found = {(g["setup"]["variance"], g["setup"]["m"]): spoken(g["gain"]) for g in record["gains"]}
    printed = {(n["setup"]["variance"], n["setup"]["m"]): f"{n['value']:g}" for n in record["numbers"]}
    cells = [[(f"paper {printed[v, m]}", found.get((v, m), "-")) for m in sizes] for v in noises]
    return [f"$\\sigma^2$ = {v:g}" for v in noises], [f"m = {m}" for m in sizes], cells


def runtimes_table(record: Record) -> tuple[list[str], list[str], list[list[tuple[str, str]]]]:
    """Rows (methods), columns (m) and cells of Table 2."""
    labels, sizes = (list(dict.fromkeys(n[name] if name == "label" else n["setup"]["m"] for n in record["numbers"]))
                     for name in ("label", "m"))  # fmt: skip
    points = {(p["label"], p["setup"]["m"]): p for p in record["points"]}
    cells = [[_runtime(record, points.get((label, m)), label, m) for m in sizes] for label in labels]
    return [NAMES.get(label, label) for label in labels], [f"m = {m}" for m in sizes], cells


def _runtime(record: Record, point: Mapping[str, Any] | None, label: str, m: int) -> tuple[str, str]:
    printed = next(n["value"] for n in record["numbers"] if (n["label"], n["setup"]["m"]) == (label, m))
    return f"paper {printed:g}", "-" if point is None else f"{point['seconds'][0]:.1f} ({point['device']})"


def table_figure(record: Record) -> Figure:
    """Draw the table of one recipe, the paper's numbers beside ours."""
    figure = Figure(figsize=(7.0, 3.0), layout="constrained")
    axes = figure.add_subplot()
    grid(axes, *(gains_table if record["kind"] == "gains" else runtimes_table)(record))
    axes.set_title(record["title"], fontsize=8.5)
    return figure


DRAWERS: dict[str, Callable[[Record], Figure]] = {
    "curves": curves_figure,
    "pictures": pictures_figure,
    "pattern": pictures_figure,
    "gains": table_figure,
    "runtimes": table_figure,
}


def draw_recipe(record: Record) -> Figure:
    """Draw a record as the figure or table of the paper that it is about."""
    with matplotlib.style.context(["default", STYLE]):
        return DRAWERS[record["kind"]](record)
