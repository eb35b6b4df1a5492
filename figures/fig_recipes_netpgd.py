"""What do Net-GD and Net-PGD recover at which ratio, here, in the paper, and beside controls without a network?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from untrained.figures.recipe_tables import RecipeRecord, labels_of
from untrained.figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE
from untrained.sims.experiments.recipes.jagatap19 import NET_RECIPES, measurement_ratio
from untrained.sims.experiments.recipes.recipe import NAMES, Recipe
from untrained.sims.record.store import FOLDER, read_all

_PANELS = {
    "jagatap19-cs": "Digits, y = Ax",
    "jagatap19-cpr": "Digits, y = |Ax|",
    "jagatap19-celeba": "Faces, y = Ax",
}
"""The recipe of each panel, and what it measures."""
_DARK, _LIGHT = "#333333", "#8c8c8c"
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
_FILLED: dict[str, Any] = {"markersize": 3.8, "linewidth": 0.9, "markeredgewidth": 0.7, "clip_on": False}
_HOLLOW: dict[str, Any] = {
    "markersize": 4.6,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
    "linestyle": (0, (1, 2)),
    "linewidth": 0.7,
}
_FLOOR = "floor"
_LOWEST, _HIGHEST = 1e-3, 5.0
"""Ends of the axis; a mean below it is written at the edge."""
_APART = 0.024
"""How far methods at one ratio stand from it at most, as a share of the axis."""
_WIDTH, _HEIGHT, _SIZE = 8.27, 4.85, 6.6
"""The page in inches, and the size of small letters in points."""
_LEFT, _BOTTOM, _PANEL, _TALL, _GAP = 0.62, 1.68, 2.38, 2.6, 0.19
"""Inches: the first panel's corner, the size of a panel, and the distance of two."""


def fig_recipes_netpgd(folder: Path = FOLDER) -> Figure:
    """Draw nMSE against f = m/n for each recipe of Jagatap and Hegde; what is not recorded is said in its panel.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    figure = Figure(figsize=(_WIDTH, _HEIGHT))
    for i, (name, words) in enumerate(_PANELS.items()):
        corner = (_LEFT + i * (_PANEL + _GAP)) / _WIDTH, _BOTTOM / _HEIGHT
        axes = figure.add_axes((*corner, _PANEL / _WIDTH, _TALL / _HEIGHT))
        _frame(axes, NET_RECIPES[name], first=i == 0)
        _panel(axes, NET_RECIPES[name], records.get(name), words)
    _legends(figure, [records[name] for name in _PANELS if name in records])
    _caption(figure)
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
    axes.set_xticks(ratios, [_spoken(f) for f in ratios], fontsize=7)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks([1e-3, 1e-2, 1e-1, 1], ["0.001", "0.01", "0.1", "1"] if first else [], fontsize=7)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.set_xlabel("f = m/n", labelpad=1)
    if first:
        axes.set_ylabel("nMSE", labelpad=1)


def _panel(axes: Axes, recipe: Recipe, record: RecipeRecord | None, words: str) -> None:
    if record is None or not record["points"]:
        axes.set_title(words, fontsize=7.5, loc="left")
        note, middle = f"not recorded:\nuntrained reproduce {recipe.name}", axes.transAxes
        axes.text(0.5, 0.5, note, ha="center", color=GREY, transform=middle)
        return
    axes.set_title("\n".join(wrap(f"{words}: {_message(record)}", 42)), fontsize=7.5, loc="left")
    _floor(axes, record)
    labels = [label for label in labels_of(record) if _plain(label) in _LOOKS]
    for k, label in enumerate(labels):
        _ours(axes, record, label, _APART * (2 * k / max(1, len(labels) - 1) - 1))
        _paper(axes, record, label)
    notes = [*_images(record), *_gaps(recipe, record)]
    axes.text(0.02, 0.985, "\n".join(notes), transform=axes.transAxes, fontsize=_SIZE, color=GREY, va="top")


def _plain(label: str) -> str:
    """The method of a label: with magnitudes Net-GD is the same method."""
    return label.replace("-phase", "")


def _means(record: RecipeRecord, label: str) -> list[tuple[float, Sequence[Any]]]:
    """Ratio and [mean, low, high] of each point of a run that has a mean, by ratio."""
    points = [p for p in record["points"] if p["label"] == label and p["nmse"] is not None]
    return sorted((measurement_ratio(p["dataset"], p["m"]), p["nmse"]) for p in points)


def _message(record: RecipeRecord) -> str:
    """Which kind of method has the least mean, and at which ratios."""
    least: dict[float, tuple[float, str]] = {}
    for label in (label for label in labels_of(record) if _plain(label) in _LOOKS):
        for f, (mean, _, _) in _means(record, label):
            least[f] = min(least.get(f, (mean, label)), (mean, label))
    runs = [(name, list(fs)) for name, fs in groupby(sorted(least), lambda f: _kind(least[f][1]))]
    spans = [(name, " to ".join(dict.fromkeys(map(_spoken, (fs[0], fs[-1]))))) for name, fs in runs]
    return "least mean by " + ", by ".join(f"{name} at f\xa0=\xa0{span}" for name, span in spans)


def _kind(label: str) -> str:
    return "a network" if label.startswith("net-") else NAMES[label]


def _ours(axes: Axes, record: RecipeRecord, label: str, shift: float) -> None:
    """Means joined by a line, each with its interval; one below the axis is written at its edge."""
    colour, marker = _LOOKS[_plain(label)]
    low, high = axes.get_xlim()
    places = [(f * (high / low) ** shift, mean) for f, mean in _means(record, label)]
    x, y = [x for x, _ in places], [max(mean[0], _LOWEST) for _, mean in places]
    axes.plot(x, y, color=colour, marker=marker, **_FILLED)
    for place, (mean, bottom, top) in places:
        if bottom is not None and top is not None and mean > _LOWEST:
            axes.plot([place, place], [max(bottom, _LOWEST), top], color=colour, linewidth=0.9)
        if mean < _LOWEST:
            look: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "color": colour, "fontsize": _SIZE}
            axes.annotate(f"{mean:.0e}", (place, _LOWEST), (-4, 3), **look)


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
    """Names below the panels: ours with filled markers, the paper's with hollow ones."""
    ours = dict.fromkeys(_plain(label) for record in records for label in labels_of(record))
    theirs = dict.fromkeys(_plain(n["label"]) for record in records for n in record["numbers"])
    shown = [Line2D([], [], color=c, marker=m, label=NAMES[k], **_FILLED) for k, (c, m) in _LOOKS.items() if k in ours]
    if _FLOOR in ours:
        shown.append(Line2D([], [], color=BLACK, linewidth=0.9, linestyle=(0, (4, 1.5)), label=NAMES[_FLOOR]))
    hollow = [
        Line2D([], [], color=c, marker=m, label=NAMES[k], **_HOLLOW) for k, (c, m) in _LOOKS.items() if k in theirs
    ]
    _legend(figure, shown, "ours (bars: 95 % intervals)", _LEFT, 4)
    _legend(figure, hollow, "paper's slides (hollow)", _LEFT + 5.6, 2)


def _legend(figure: Figure, handles: Sequence[Line2D], title: str, left: float, columns: int) -> None:
    if handles:
        place = left / _WIDTH, (_BOTTOM - 0.42) / _HEIGHT
        look: dict[str, Any] = {
            "frameon": False,
            "fontsize": 7,
            "title_fontsize": 7,
            "alignment": "left",
            "borderaxespad": 0,
        }
        figure.legend(handles=handles, title=title, loc="upper left", bbox_to_anchor=place, ncols=columns, **look)


def _caption(figure: Figure) -> None:
    words = (
        "nMSE = ||u - u*||²/||u*||² on [0, 1]. Ours: mean over the images of the panel with its 95 % t-interval; an "
        "interval that reaches 0 ends at the axis; methods at one f stand a little apart. Without a preset Net-GD and "
        "Net-PGD have the published settings. Floor: what four descents on the image itself reach, an upper bound of "
        "the least error (band: its interval). Paper: Jagatap and Hegde 2019, read off the curves of their slides (p. "
        "27-28): other digits, and no numbers for faces."
    )
    text = "\n".join(wrap(words, 152))
    figure.text(_LEFT / _WIDTH, 0.07 / _HEIGHT, text, fontsize=_SIZE, color=GREY, va="bottom", linespacing=1.3)
