"""Curves of a recipe: mean error of each method against measurements or noise, with intervals over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from untrained.figures.recipe_tables import labels_of
from untrained.figures.style import AMBER, BLUE, GREEN, GREY, ORANGE, PURPLE, RED
from untrained.sims.experiments.recipes.recipe import NAMES

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
"""How far apart the runs of one setup stand, in units of the distance of setups."""
_LEAST = 1e-3
"""Where a bar that would reach zero ends on the logarithmic axis, in units of the mean."""


def curve(axes: Axes, record: Record) -> None:
    """Draw mean MSE against the axis of a recipe, with bars that span the 95 % intervals over images."""
    labels = labels_of(record)
    places = {name: i for i, name in enumerate(dict.fromkeys(_place(record, p) for p in record["points"]))}
    for k, label in enumerate(labels):
        shift = _SPREAD * (k / max(1, len(labels) - 1) - 0.5)
        drawn = [p for p in record["points"] if p["label"] == label and p["mse"] is not None and p["mse"][0] > 0]
        _run(axes, [places[_place(record, p)] + shift for p in drawn], [p["mse"] for p in drawn], label)
    _frame(axes)
    axes.set_xticks(range(len(places)), list(places))
    axes.set(xlim=(-0.5, len(places) - 0.5), xlabel=_axis(record))


def _place(record: Record, point: Mapping[str, Any]) -> str:
    return f"{point['setup']['variance']:g}" if record["axis"] == "variance" else str(point["m"])


def _axis(record: Record) -> str:
    if record["axis"] == "variance":
        return r"noise, $\sigma^2$"
    fourier = any(point["setup"]["lines"] for point in record["points"])
    return "Fourier coefficients" if fourier else r"measurements, $m$"


def _run(axes: Axes, x: Sequence[float], means: Sequence[Sequence[Any]], label: str) -> None:
    colour, marker = LOOK.get(label, (GREY, "o"))
    name = NAMES.get(label, label)
    axes.plot(x, [mean for mean, _, _ in means], color=colour, marker=marker, markersize=3.4, linewidth=0.8, label=name)
    for place, (mean, low, high) in zip(x, means, strict=True):
        if low is not None and high is not None:
            axes.plot([place, place], [max(low, _LEAST * mean), high], color=colour, linewidth=1.0)


def _frame(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0), numticks=9))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("MSE")


def legend(figure: Figure) -> None:
    """Name every run below the panels, once."""
    named = [pair for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    handles = {name: handle for handle, name in named}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), frameon=False)


def curves_figure(record: Record) -> Figure:
    """Draw the curves of one recipe."""
    figure = Figure(figsize=(4.8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    curve(axes, record)
    axes.set_title(record["title"], fontsize=8.5)
    legend(figure)
    return figure
