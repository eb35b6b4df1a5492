"""What `check` says of a network: words and tables, and a page of spectrum and bound, fits and leading eigenvectors."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from untrained.figures.drawing import picture_bytes
from untrained.figures.style import BLACK, BLUE, FULL, GREEN, GREY, ORANGE, PURPLE, SMALLEST, STYLE, VERDICTS
from untrained.figures.tables import Parts, Table, number
from untrained.sims.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from untrained.sims.diagnosis.conditions import Condition
    from untrained.sims.diagnosis.report import Quantity, Report

_ROW, _LINE = 8, 0.125
"""Eigenvectors in a row, and inches of a line of the tables."""
_SMALLER = 6.0
_FITS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"))


def report_parts(report: Report) -> Parts:
    """Return all about one network: what it is, what was measured, conditions, predictions, notes and words."""
    parts: list[str | Table] = [f"{report.name}  {_about(report)}", _measured(report.measured), _conditions(report)]
    if report.predictions:
        parts.append(_predictions(report))
    notes = [f"Note: {note}" for note in report.facts.get("notes") or ()]
    return [*parts, *notes, f"\n{report.words}\n"]


def _about(report: Report) -> str:
    f = report.facts
    shape = "x".join(map(str, f["output"]))
    spectrum = "full spectrum" if f["exact"] else "spectrum by Lanczos"
    return f"{f['weights']} weights that train, output {shape} (n = {f['n']}), {spectrum}, {f['seeds']} seeds"


def _measured(quantities: Sequence[Quantity]) -> Table:
    return Table(("measured at the start", "over seeds"), [(one.name, _value(one)) for one in quantities])


def _value(quantity: Quantity) -> str:
    if quantity.interval:
        centre, low, high = quantity.interval
        return f"{centre:.3g} ({low:.3g}, {high:.3g})"
    if quantity.bars:
        low, high = quantity.bars[0]
        return f"{quantity.values[0]:.3g} [{low:.3g}, {high:.3g}]"
    low, high = min(quantity.values), max(quantity.values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _conditions(report: Report) -> Table:
    rows = []
    for one in report.conditions:
        margin = one.verdict.margin
        text = "-" if margin is None or not math.isfinite(margin) else f"{margin:.3g}"
        rows.append((one.name, one.needs, one.has, text, one.verdict.status, one.means))
    return Table(("condition", "needs", "has", "margin", "verdict", "what it means"), rows)


def _predictions(report: Report) -> Table:
    rows = [(p.name, number(p.predicted), number(p.real), p.unit, p.note) for p in report.predictions]
    return Table(("what happens", "linearised theory", "real descent", "in", ""), rows)


def comparison(reports: Sequence[Report]) -> Table:
    """Return several networks beside each other: verdicts, then numbers."""
    verdicts = [{one.name: str(one.verdict.status) for one in report.conditions} for report in reports]
    numbers = [{one.name: _value(one) for one in report.measured} for report in reports]
    fits = [
        {f"{p.name}: predicted, real": f"{number(p.predicted)}, {number(p.real)}" for p in report.predictions}
        for report in reports
    ]
    rows = [*_beside(verdicts), *_beside(numbers), *_beside(fits)]
    return Table(("", *(report.name for report in reports)), rows)


def _beside(columns: Sequence[dict[str, str]]) -> list[list[str]]:
    names = dict.fromkeys(name for column in columns for name in column)
    return [[name, *(column.get(name, "-") for column in columns)] for name in names]


def write_pages(reports: Sequence[Report], place: Path) -> list[Path]:
    """Write a page for each report: to `place` itself, or where there are several, with the network's name in it."""
    places = page_places([one.name for one in reports], place)
    for path, one in zip(places, reports, strict=True):
        write_bytes(path, picture_bytes(page(one), place.suffix.lower()))
    return places


def page_places(names: Sequence[str], place: Path) -> list[Path]:
    """Return where the page of each network lies: at `place` itself, or where there are several, under its name.

    Names that are alike are numbered.
    """
    slugs = [re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") for name in names]
    if len(set(slugs)) < len(slugs):
        slugs = [f"{number}-{slug}" for number, slug in enumerate(slugs, 1)]
    return [place] if len(names) == 1 else [place.with_stem(f"{place.stem}-{slug}") for slug in slugs]


def page(report: Report) -> Figure:
    """Draw the page of one report: spectrum and fits, conditions with verdicts, numbers, eigenvectors and pictures."""
    with matplotlib.style.context(["default", STYLE]):
        pictures = report.curves.pictures
        words = wrap(report.words, 132)
        lines = max(2 * len(report.conditions), len(_numbers(report)), 1) + 1.5
        heights = [0.35 + 0.13 * len(words), 2.2, 0.3 + _LINE * lines, 1.2, *([1.55] if pictures else [])]
        figure = Figure(figsize=(FULL, sum(heights)), layout="constrained")
        rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        _top(rows[0], report, words)
        left, right = rows[1].subplots(1, 2)
        _spectrum(left, report)
        _fits(right, report)
        _tables(rows[2], report)
        _vectors_and_pictures(rows[3:], report, "ef")
    return figure


def network_curves(report: Report) -> Figure:
    """Draw what `page` does but words and tables: spectrum and fits, eigenvectors and pictures."""
    with matplotlib.style.context(["default", STYLE]):
        pictures = report.curves.pictures
        heights = [2.2, 1.2, *([1.55] if pictures else [])]
        figure = Figure(figsize=(FULL, sum(heights)), layout="constrained")
        rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        left, right = rows[0].subplots(1, 2)
        _spectrum(left, report)
        _fits(right, report)
        _vectors_and_pictures(rows[1:], report, "cd")
    return figure


def _vectors_and_pictures(rows: Any, report: Report, letters: str) -> None:
    titles = [rf"$\bf{{{letter}}}$  " for letter in letters]
    _pictures(rows[0], _vectors(report), titles[0] + "leading eigenvectors of $JJ^T$ at the start", signed=True)
    if report.curves.pictures:
        _pictures(rows[1], _scored(report), titles[1] + "what descent was given and made of it", signed=False)


def _top(figure: Any, report: Report, words: Sequence[str]) -> None:
    """Name, size and the answer in words."""
    axes = figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
    axes.text(0.01, 0.96, report.name, fontsize=9.5, fontweight="bold", va="top")
    axes.text(0.99, 0.94, _about(report), color=GREY, ha="right", va="top", fontsize=SMALLEST)
    axes.text(0.01, 0.02, "\n".join(words), va="bottom", fontsize=SMALLEST, linespacing=1.3)


def _tables(figure: Any, report: Report) -> None:
    """Conditions with their verdicts to the left, numbers at the start and along descent to the right."""
    left, right = figure.subplots(1, 2, width_ratios=(1.32, 1))
    height = max(2 * len(report.conditions), len(_numbers(report))) + 0.5
    for axes, letter, title in ((left, "c", "conditions"), (right, "d", "numbers, over seeds or predicted and real")):
        axes.set(xlim=(0, 1), ylim=(height - 0.5, -0.7), xticks=[], yticks=[], frame_on=False)
        axes.set_title(rf"$\bf{{{letter}}}$  {title}")
    for i, one in enumerate(report.conditions):
        _condition(left, 2 * i, one)
    for y, (name, value) in enumerate(_numbers(report)):
        _word(right, 0, y, shorten(name, 34))
        _word(right, 1, y, value, color=GREY, ha="right")


def _condition(axes: Axes, y: int, condition: Condition) -> None:
    """Mark and word of the verdict, and what the network has and would need, in two lines."""
    marker, colour = VERDICTS[condition.verdict.status]
    axes.plot([0.015], [y], marker=marker, color=colour, markersize=4, linestyle="")
    _word(axes, 0.045, y, condition.verdict.status, color=colour)
    _word(axes, 0.22, y, condition.name)
    _word(axes, 0.45, y, shorten(f"has {condition.has}", 50), color=GREY)
    _word(axes, 0.45, y + 1, shorten(f"needs {condition.needs}", 50), color=GREY)


def _word(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    axes.text(x, y, text, va="center", fontsize=_SMALLER, parse_math=False, **look)


def _numbers(report: Report) -> list[tuple[str, str]]:
    """Name and value of what was measured at the start, and of what happens as predicted and real."""
    measured = [(one.name, _value(one)) for one in report.measured]
    return measured + [(f"{p.name}, {p.unit}", f"{number(p.predicted)}, {number(p.real)}") for p in report.predictions]


def shorten(text: str, most: int) -> str:
    """A text, with an ellipsis for what is beyond so many letters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}\u2026"


def _scored(report: Report) -> dict[str, np.ndarray]:
    """The pictures, each with its distance to the target in the name."""
    pictures = {name: np.asarray(picture, float) for name, picture in report.curves.pictures.items()}
    target = pictures.get("target")
    if target is None:
        return pictures
    errors = {name: float(np.mean((picture - target) ** 2)) for name, picture in pictures.items()}
    return {name if name == "target" else f"{name}\nMSE {errors[name]:.2g}": p for name, p in pictures.items()}


def _spectrum(axes: Axes, report: Report) -> None:
    places, values = report.curves.spectrum
    positive = values > 0
    axes.plot(places[positive], np.sqrt(values[positive]), color=BLUE)
    if report.curves.bound:
        axes.axhline(report.curves.bound, color=BLACK, linestyle=(0, (4, 1.2)), linewidth=0.9)
        label = r"$\sigma_{\min}$ that the lemma promises"
        axes.annotate(label, (places[0], report.curves.bound), va="bottom")
    axes.set(xscale="log", yscale="log", xlabel="place $i$", ylabel=r"$\sigma_i(J(\theta_0))$")
    axes.set_title(r"$\bf{a}$  singular values at the start")


def _fits(axes: Axes, report: Report) -> None:
    times = report.curves.times[1:]
    for (name, (predicted, real)), (colour, marker) in zip(report.curves.fits.items(), _FITS, strict=False):
        axes.plot(times[: len(predicted) - 1], predicted[1:], color=colour, linestyle=(0, (2, 1.2)))
        every = max(1, len(real) // 8)
        axes.plot(times[: len(real) - 1], real[1:], color=colour, label=name, marker=marker, markevery=every)
    axes.plot([], [], color=BLACK, linestyle=(0, (2, 1.2)), label="predicted")
    axes.set(xscale="log", ylim=(0, None), xlabel="step", ylabel=r"$\|r_t\|\;/\;\|r_0\|$")
    axes.set_title(r"$\bf{b}$  fits: linearised theory and real descent")
    axes.legend()


def _vectors(report: Report) -> dict[str, np.ndarray]:
    shape = tuple(report.facts["image"])
    vectors = report.curves.eigenvectors[:, :_ROW]
    return {str(i + 1): vectors[:, i].reshape(shape) for i in range(vectors.shape[1])}


def _pictures(figure: Any, pictures: Any, title: str, *, signed: bool) -> None:
    figure.suptitle(title, fontsize=7.2, x=0.01, ha="left")
    places = np.atleast_1d(figure.subplots(1, max(_ROW if signed else 5, len(pictures))))
    for place in places:
        place.set_axis_off()
    arrays = [np.asarray(picture, float) for picture in pictures.values()]
    for place, name, picture in zip(places, pictures, arrays, strict=False):
        place.set_title(name, fontsize=SMALLEST, loc="center")
        _draw(place, picture, None if signed else (float(arrays[0].min()), float(arrays[0].max())))


def _draw(place: Axes, picture: np.ndarray, ends: tuple[float, float] | None) -> None:
    """A picture (C, H, W) from black to white between these ends, or without ends in colours about zero."""
    if picture.shape[1] == 1:
        place.plot(picture.mean(0)[0], color=BLUE, linewidth=0.7)
        return
    if ends is None:
        flat = picture.mean(0)
        reach = float(np.abs(flat).max()) or 1.0
        place.imshow(flat, cmap="RdBu", vmin=-reach, vmax=reach, interpolation="nearest")
        return
    low, high = ends
    pixels = np.clip((picture - low) / max(high - low, 1e-12), 0, 1)
    visible = pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(0)
    place.imshow(visible, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
