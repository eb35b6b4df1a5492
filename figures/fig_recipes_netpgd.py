"""What do Net-GD and Net-PGD recover at which ratio, here, in the paper, and beside controls without a network?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from untrained.figures.drawing import cite, heads, key, panels, under
from untrained.figures.recipe_curves import least_error
from untrained.figures.recipe_tables import RecipeRecord, labels_of
from untrained.figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, SMALLEST
from untrained.sims.experiments.recipes.jagatap19 import NET_RECIPES, measurement_ratio
from untrained.sims.experiments.recipes.recipe import NAMES, Recipe
from untrained.sims.record.store import FOLDER, read_all

_PANELS = {
    "jagatap19-cs": "Digits, y = Ax",
    "jagatap19-cpr": "Digits, y = |Ax|",
    "jagatap19-celeba": "Faces, y = Ax",
}
"""The recipe of each panel, and what it measures."""
_DARK, _LIGHT = "#333333", "#7d7d7d"
_LOOKS: Mapping[str, tuple[str, str]] = {
    "net-gd": (BLUE, "o"),
    "net-pgd": (PURPLE, "s"),
    "net-gd-best": (GREEN, "D"),
    "net-pgd-best": (ORANGE, "P"),
    "ridge": (_LIGHT, "<"),
    "lasso-dct": (GREY, ">"),
    "tv": (_DARK, "X"),
    "sparta": (AMBER, "^"),
    "amplitude-flow": (BLACK, "v"),
}
"""Colour and marker of each method; what has a network is coloured, a linear control is grey."""
_FILLED: dict[str, Any] = {"linewidth": 0.8}
_HOLLOW: dict[str, Any] = {
    "markersize": 4.4,
    "markerfacecolor": "none",
    "linestyle": (0, (1, 2)),
    "linewidth": 0.7,
}
_FLOOR = "floor"
_LOWEST, _HIGHEST = 1e-3, 5.0
"""Ends of the axis; a mean below it is written at the edge."""


def fig_recipes_netpgd(folder: Path = FOLDER) -> Figure:
    """Draw nMSE against f = m/n for each recipe of Jagatap and Hegde; what is not recorded is said in its panel.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    figure, places = panels(1, len(_PANELS), 3.4)
    titles = []
    for i, (axes, (name, words)) in enumerate(zip(places, _PANELS.items(), strict=True)):
        _frame(axes, NET_RECIPES[name], first=i == 0)
        titles.append(_panel(axes, NET_RECIPES[name], records.get(name), words))
    heads(places, titles, 33)
    _legends(figure, [records[name] for name in _PANELS if name in records])
    under(figure, _CAPTION + cite(folder, "jagatap19.thm1.premise.slides", "own.netpgd.rank.slides"))
    return figure


def _ratios(recipe: Recipe) -> list[float]:
    """The ratios that a recipe asks for; its floor, measured in every pixel, has none."""
    setups = [(part.dataset, setup) for part in recipe.parts for setup in part.setups]
    return [measurement_ratio(set_, s.m) for set_, s in setups if s.m and s.operator != "inpainting"]


def _spoken(ratio: float) -> str:
    """A ratio as the recipe asks for it: m is the nearest whole number."""
    return f"{round(ratio, 2):g}"


def _frame(axes: Axes, recipe: Recipe, *, first: bool) -> None:
    ratios = _ratios(recipe)
    ends = min(ratios), max(ratios)
    margin = (ends[1] / ends[0]) ** 0.06
    axes.set(xscale="log", yscale="log", xlim=(ends[0] / margin, ends[1] * margin), ylim=(_LOWEST, _HIGHEST))
    axes.set_xticks(ratios, [_spoken(f) for f in ratios])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks([1e-3, 1e-2, 1e-1, 1], ["0.001", "0.01", "0.1", "1"] if first else [])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.set(xlabel="f = m/n", ylabel="nMSE" if first else "")


def _panel(axes: Axes, recipe: Recipe, record: RecipeRecord | None, words: str) -> str:
    """Draw one recipe and return its message."""
    if record is None or not record["points"]:
        note, middle = f"not recorded:\nuntrained reproduce {recipe.name}", axes.transAxes
        axes.text(0.5, 0.5, note, ha="center", color=GREY, transform=middle)
        return words
    _floor(axes, record)
    for label in (label for label in labels_of(record) if _plain(label) in _LOOKS):
        _ours(axes, record, label)
        _paper(axes, record, label)
    notes = [*_images(record), *_gaps(recipe, record)]
    axes.text(0.02, 0.985, "\n".join(notes), transform=axes.transAxes, fontsize=SMALLEST, color=GREY, va="top")
    return f"{words}: {_message(record)}"


def _plain(label: str) -> str:
    """The method of a label: with magnitudes Net-GD is the same method."""
    return label.replace("-phase", "")


def _means(record: RecipeRecord, label: str) -> list[tuple[float, Sequence[Any]]]:
    """Ratio and [mean, low, high] of each point of a run that has a mean, by ratio."""
    points = [p for p in record["points"] if p["label"] == label and p["nmse"] is not None]
    return sorted((measurement_ratio(p["dataset"], p["m"]), p["nmse"]) for p in points)


def _message(record: RecipeRecord) -> str:
    """Which kind of method has the least mean, and at which ratios."""
    places: dict[float, dict[str, float]] = {}
    for label in (label for label in labels_of(record) if _plain(label) in _LOOKS):
        for f, (mean, _, _) in _means(record, label):
            own = places.setdefault(f, {})
            own[_kind(label)] = min(mean, own.get(_kind(label), mean))
    return least_error(places, "f", _spoken)


def _kind(label: str) -> str:
    return "a network" if label.startswith("net-") else NAMES[label]


def _ours(axes: Axes, record: RecipeRecord, label: str) -> None:
    """Means joined by a line, each with its interval; one below the axis is written at its edge."""
    colour, marker = _LOOKS[_plain(label)]
    points = _means(record, label)
    axes.plot(
        [f for f, _ in points], [max(mean[0], _LOWEST) for _, mean in points], color=colour, marker=marker, **_FILLED
    )
    for f, (mean, bottom, top) in points:
        if bottom is not None and top is not None and mean > _LOWEST:
            axes.plot([f, f], [max(bottom, _LOWEST), top], color=colour, linewidth=0.7, alpha=0.75)
        if mean < _LOWEST:
            look: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "color": colour, "fontsize": SMALLEST}
            axes.annotate(f"{mean:.0e}", (f, _LOWEST), (-4, 3), **look)


def _paper(axes: Axes, record: RecipeRecord, label: str) -> None:
    """The paper's numbers as hollow markers, at their ratio."""
    colour, marker = _LOOKS[_plain(label)]
    set_ = record["images"][0]["dataset"]
    points = [(measurement_ratio(set_, n["setup"]["m"]), n["value"]) for n in record["numbers"] if n["label"] == label]
    if points:
        axes.plot(*zip(*sorted(points), strict=True), color=colour, **_HOLLOW, marker=marker)


def _floor(axes: Axes, record: RecipeRecord) -> None:
    for point in (p for p in record["points"] if p["label"] == _FLOOR and p["nmse"] is not None):
        mean, low, high = point["nmse"]
        axes.axhline(mean, color=BLACK, linewidth=0.9, linestyle=(0, (4, 1.5)))
        if low is not None and high is not None:
            axes.axhspan(max(low, _LOWEST), high, color=PALE, alpha=0.5, linewidth=0)


def _images(record: RecipeRecord) -> Iterator[str]:
    """How many images the means are over."""
    for row in record["images"]:
        theirs = f" (paper: {row['paper']})" if row["paper"] else ""
        yield f"{row['used']} images{theirs}"


def _gaps(recipe: Recipe, record: RecipeRecord) -> Iterator[str]:
    """What the recipe asks for and the record has nowhere."""
    ratios = {f for label in labels_of(record) for f, _ in _means(record, label)}
    absent = [_spoken(f) for f in _ratios(recipe) if f not in ratios]
    if absent:
        yield f"not recorded: f = {', '.join(absent)}"
    wanted = dict.fromkeys(one.label for part in recipe.parts for one in part.algorithms)
    names = [NAMES[label] for label in wanted if label not in labels_of(record)]
    yield from wrap(f"not recorded: {'; '.join(names)}", 48) if names else ()


def _legends(figure: Figure, records: Sequence[RecipeRecord]) -> None:
    """Names above the panels: ours with filled markers, the paper's with hollow ones."""
    ours = dict.fromkeys(_plain(label) for record in records for label in labels_of(record))
    theirs = dict.fromkeys(_plain(n["label"]) for record in records for n in record["numbers"])
    filled = [key(NAMES[k], color=c, marker=m, **_FILLED) for k, (c, m) in _LOOKS.items() if k in ours]
    if _FLOOR in ours:
        filled.append(key(NAMES[_FLOOR], color=BLACK, linewidth=0.9, linestyle=(0, (4, 1.5))))
    hollow = [key(NAMES[k], color=c, marker=m, **_HOLLOW) for k, (c, m) in _LOOKS.items() if k in theirs]
    _legend(figure, filled, "ours (bars: 95 % intervals)", "outside upper left", 3)
    _legend(figure, hollow, "paper's slides (hollow)", "outside upper right", 2)


def _legend(figure: Figure, handles: Sequence[Line2D], title: str, place: Any, columns: int) -> None:
    if handles:
        figure.legend(handles=handles, title=title, loc=place, alignment="left", ncols=columns)


_CAPTION = (
    "nMSE = ||u - u*||²/||u*||² on [0, 1]. Ours: mean over the images of the panel with its 95 % t-interval; an "
    "interval that reaches 0 ends at the axis. Without a preset Net-GD and Net-PGD have the published settings. Floor: "
    "what four descents on the image itself reach, an upper bound of the least error (band: its interval). Paper: "
    "Jagatap and Hegde 2019, read off the curves of their slides (p. 27-28): other digits, and no numbers for faces."
)
