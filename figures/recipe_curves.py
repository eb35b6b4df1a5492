"""One recipe's record as a picture: curves of the error, gains, seconds or pictures, by its kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import head, key, looks, panels, picture_bytes, plain_ticks, strip
from untrained.figures.recipe_pictures import pictures_figure
from untrained.figures.recipe_tables import RecipeRecord, labels_of, score_of
from untrained.figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, STYLE
from untrained.sims.experiments.recipes.recipe import NAMES, SCORE_NAMES
from untrained.sims.files import write_bytes, write_text
from untrained.sims.record.store import record_text

_LOOK = {
    "csdip": (BLUE, "o"),
    "csdip-fast": (PURPLE, "P"),
    "csdip-lr": (SKY, "D"),
    "damp": (ORANGE, "^"),
    "tv": (GREEN, "s"),
    "lasso-dct": (AMBER, "v"),
    "lasso-wavelet": (BLACK, "<"),
    "csgm": (RED, "X"),
    "net-gd": (BLUE, "o"),
    "net-gd-best": (GREEN, "D"),
    "net-pgd": (PURPLE, "p"),
    "net-pgd-best": (ORANGE, "P"),
    "ridge": (GREY, "<"),
    "sparta": (AMBER, "^"),
    "amplitude-flow": (BLACK, "v"),
}
"""Colour and marker of each run, by its label."""
_OTHERS = ((GREY, "*"), (RED, "h"), (SKY, "8"), (BLACK, "d"), (AMBER, ">"), (PURPLE, "H"), (GREEN, "X"))
"""Those of labels that a user gives, in their order."""
_LEAST_NOISE = 10.0
"""Below this variance the axis of noise is linear, so that it has a place for none."""


def recipe_looks(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and marker of each label, no two with the same of either."""
    others = iter(_OTHERS * 9)
    pairs = {label: _LOOK.get(label.replace("-phase", "")) or next(others) for label in labels}
    return {label: {"color": colour, "marker": marker} for label, (colour, marker) in pairs.items()}


def curves_of(axes: Axes, record: RecipeRecord) -> None:
    """Draw the mean error against the axis of a recipe, with the 95 % intervals over images as bars.

    The mean of one image, which has no interval, is hollow; an interval that reaches zero ends at the axis.
    """
    score = score_of(record)
    for label, look in recipe_looks(labels_of(record)).items():
        _run(axes, [(_place(record, p), *p[score]) for p in _points(record, label)], NAMES.get(label, label), look)
    _printed(axes, record)
    _frame(axes, record)


def _points(record: RecipeRecord, label: str) -> list[Mapping[str, Any]]:
    score = score_of(record)
    chosen = [p for p in record["points"] if p["label"] == label and p[score] is not None and p[score][0] > 0]
    return sorted(chosen, key=lambda point: _place(record, point))


def _place(record: RecipeRecord, point: Mapping[str, Any]) -> float:
    return float(point["setup"]["variance"] if record["axis"] == "variance" else point["m"])


def _run(axes: Axes, points: Sequence[Sequence[Any]], name: str, look: Mapping[str, Any]) -> None:
    axes.plot([x for x, *_ in points], [mean for _, mean, *_ in points], color=look["color"], linewidth=0.8)
    axes.plot([], [], label=name, linewidth=0.8, **look)
    for x, mean, low, high in points:
        bounded = low is not None and high is not None
        axes.plot([x], [mean], linestyle="", markerfacecolor=look["color"] if bounded else "white", **look)
        if bounded:
            axes.plot([x, x], [max(low, 1e-12), high], color=look["color"], linewidth=0.7, alpha=0.75)


def _printed(axes: Axes, record: RecipeRecord) -> None:
    """Cross the paper's numbers, where it has any, in the colour of their run."""
    styles = recipe_looks(n["label"] for n in record["numbers"])
    for number in record["numbers"] if score_of(record) == "nmse" else ():
        axes.plot([number["setup"]["m"]], [number["value"]], "x", color=styles[number["label"]]["color"], markersize=5)


def _frame(axes: Axes, record: RecipeRecord) -> None:
    """Scales and limits: a little below the least mean, so that intervals that reach zero leave the picture there."""
    score, places = score_of(record), sorted({_place(record, p) for p in record["points"]})
    means = [p[score] for p in record["points"] if p[score] is not None and p[score][0] > 0]
    axes.set_yscale("log")
    if means:
        axes.set_ylim(min(mean for mean, *_ in means) / 2, 1.6 * max(high or mean for mean, _, high in means))
    noise = record["axis"] == "variance"
    axes.set_xscale("symlog", linthresh=_LEAST_NOISE, linscale=0.7) if noise else axes.set_xscale("log")
    plain_ticks(axes, [x for x, after in zip(places, [*places[1:], math.inf], strict=True) if noise or after > 1.4 * x])
    axes.set_xlim((-0.2 * _LEAST_NOISE, 1.6 * places[-1]) if noise else (places[0] / 1.15, 1.15 * places[-1]))
    axes.set(xlabel=_axis(record), ylabel=SCORE_NAMES[score])
    low, high = axes.get_ylim()
    plain_ticks(
        axes, y=[10.0**k for k in range(-12, 3) if low <= 10.0**k <= high] if high > 30 * low else _halves(low, high)
    )


def _halves(low: float, high: float) -> list[float]:
    ticks = [digit * 10.0**k for k in range(-12, 3) for digit in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def _axis(record: RecipeRecord) -> str:
    if record["axis"] == "variance":
        return r"noise, $\sigma^2$"
    fourier = any(point["setup"]["lines"] for point in record["points"])
    return "Fourier coefficients" if fourier else r"measurements, $m$"


def least_error(places: Mapping[float, Mapping[str, float]], sign: str, spoken: Callable[[float], str]) -> str:
    """Which kind of method has the least mean, and from where to where: `places` hold the mean of each name."""
    winners = {x: min(means, key=lambda name: means[name]) for x, means in sorted(places.items()) if means}
    spans = [(name, list(xs)) for name, xs in groupby(winners, lambda x: winners[x])]
    words = [(name, " to ".join(dict.fromkeys(map(spoken, (xs[0], xs[-1]))))) for name, xs in spans]
    return "least mean by " + ", by ".join(f"{name} at {sign}\xa0=\xa0{span}" for name, span in words)


def curves_message(record: RecipeRecord) -> str:
    """Which method has the least mean error where, over the images that all methods have there."""
    score = score_of(record)
    errors: dict[float, dict[str, dict[int, float]]] = {}
    for group in record["groups"]:
        own = errors.setdefault(_place(record, group), {}).setdefault(group["label"], {})
        own.update(zip(group["image"], group.get(score) or (), strict=False))
    places = {x: _common_means(by_label) for x, by_label in errors.items()}
    return least_error(places, "σ²" if record["axis"] == "variance" else "m", lambda x: f"{x:g}")


def _common_means(errors: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """The mean error of each method over the images that all have, none where there are none."""
    common = set.intersection(*(set(own) for own in errors.values()))
    return {short_name(label): sum(own[i] for i in common) / len(common) for label, own in errors.items() if common}


def short_name(label: str) -> str:
    """What a run is called in a title."""
    return NAMES.get(label, label).replace(", preset", "")


def images_words(record: RecipeRecord) -> str:
    """Over how many images the means of a record are."""
    counts = sorted({point["images"] for point in record["points"]})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def legend_entries(records: Iterable[RecipeRecord]) -> list[Any]:
    """An entry for each run of these records."""
    labels = dict.fromkeys(label for record in records for label in labels_of(record))
    return [key(NAMES.get(label, label), linewidth=0.8, **look) for label, look in recipe_looks(labels).items()]


def curves_figure(record: RecipeRecord) -> Figure:
    """Draw the curves of one recipe."""
    figure, (axes,) = panels(1, 1, 3.0)
    curves_of(axes, record)
    head(axes, record["title"], 54)
    strip(figure, legend_entries([record]), 3)
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
                axes.plot([low, high], [place, place], color=colour)
        if label in numbers:
            look: dict[str, Any] = {"marker": "o", "markersize": 5.5, "markerfacecolor": "none", "linestyle": "none"}
            axes.plot([numbers[label]], [place], color=BLACK, **look)
    axes.set_yticks(range(len(labels)), [NAMES.get(label, label) for label in labels])
    axes.set(ylim=(len(labels) - 0.5, -0.5), xlabel=SCORE_NAMES[score])


def scores_figure(record: RecipeRecord) -> Figure:
    """Draw the means of one recipe, a row a method."""
    figure, (axes,) = panels(1, 1, 3.2)
    dots_of(axes, record)
    head(axes, record["title"], 40)
    return figure


def gains_of(axes: Axes, record: RecipeRecord) -> list[Any]:
    """Draw by how much learned regularisation lowers the error against m, for each noise; return the legend's entries.

    Hollow and dotted: the paper's; filled, with their intervals where there are some: ours.
    """
    noises = sorted({n["setup"]["variance"] for n in [*record["numbers"], *record["gains"]]})
    styles = looks(noises)
    for variance, look in styles.items():
        printed = [(n["setup"]["m"], n["value"]) for n in record["numbers"] if n["setup"]["variance"] == variance]
        if printed:
            axes.plot(*zip(*sorted(printed), strict=True), linestyle=(0, (1, 1.5)), markerfacecolor="white", **look)
        for gain in (g for g in record["gains"] if g["setup"]["variance"] == variance and g["gain"] is not None):
            _measured(axes, gain["setup"]["m"], gain["gain"], look)
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xscale="log", xlabel=r"measurements, $m$", ylabel="percent by which the MSE is lower")
    plain_ticks(axes, sorted({n["setup"]["m"] for n in [*record["numbers"], *record["gains"]]}))
    return [key(f"$\\sigma^2$ = {variance:g}", linestyle="", **look) for variance, look in styles.items()]


def _measured(axes: Axes, x: float, interval: Sequence[Any], look: Mapping[str, Any]) -> None:
    value, low, high = interval
    axes.plot([x], [value], linestyle="", **look)
    if low is not None and high is not None:
        axes.plot([x, x], [low, high], color=look["color"], linewidth=0.8)


def runtimes_of(axes: Axes, record: RecipeRecord) -> list[Any]:
    """Draw the seconds an image against m for each method, the paper's hollow; return the legend's entries."""
    labels = dict.fromkeys([*labels_of(record), *(n["label"] for n in record["numbers"])])
    styles = recipe_looks(labels)
    for label, look in styles.items():
        printed = sorted((n["setup"]["m"], n["value"]) for n in record["numbers"] if n["label"] == label)
        if printed:
            axes.plot(*zip(*printed, strict=True), linestyle=(0, (1, 1.5)), markerfacecolor="white", **look)
        points = sorted((p["m"], p["seconds"]) for p in record["points"] if p["label"] == label)
        axes.plot([m for m, _ in points], [seconds[0] for _, seconds in points], color=look["color"], linewidth=0.8)
        for m, seconds in points:
            _measured(axes, m, seconds, look)
    axes.set(xscale="log", yscale="log", xlabel=r"measurements, $m$", ylabel="seconds an image")
    plain_ticks(axes, sorted({p["m"] for p in record["points"]} | {n["setup"]["m"] for n in record["numbers"]}))
    plain_ticks(axes, y=_halves(*axes.get_ylim()))
    return [key(NAMES.get(label, label), linestyle="", **look) for label, look in styles.items()]


def _sides() -> list[Any]:
    """Entries of a legend: filled marks are ours, hollow ones the paper's."""
    hollow = {"markerfacecolor": "white", "linestyle": (0, (1, 1.5))}
    return [key("here", color=GREY, marker="o"), key("the paper", color=GREY, marker="o", **hollow)]


def beside_paper(
    draw: Callable[[Axes, RecipeRecord], list[Any]], record: RecipeRecord, title: str, height: float, letters: int
) -> Figure:
    """A panel in which `gains_of` or `runtimes_of` draws the paper's numbers beside ours, under a title."""
    figure, (axes,) = panels(1, 1, height)
    entries = draw(axes, record)
    head(axes, title, letters)
    strip(figure, [*entries, *_sides()], 3)
    return figure


_DRAWERS: dict[str, Callable[[Mapping[str, Any]], Figure]] = {
    "curves": curves_figure,
    "pictures": pictures_figure,
    "pattern": pictures_figure,
    "scores": scores_figure,
    "gains": lambda record: beside_paper(gains_of, record, record["title"], 3.0, 54),
    "runtimes": lambda record: beside_paper(runtimes_of, record, record["title"], 3.0, 54),
}


def draw_recipe(record: Mapping[str, Any]) -> Figure:
    """Draw a record: curves, pictures, gains or seconds, by its kind."""
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
