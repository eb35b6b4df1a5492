"""What `check` says of a network: words and tables, and a page of spectrum and bound, fits and leading eigenvectors."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from untrained.figures.drawing import picture_bytes
from untrained.figures.style import BLACK, BLUE, GREY, ORANGE, STYLE
from untrained.figures.tables import Parts, Table, number
from untrained.sims.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from untrained.sims.diagnosis.report import Quantity, Report

_ROW = 8


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
    names = [place] if len(reports) == 1 else [place.with_stem(f"{place.stem}-{_slug(one.name)}") for one in reports]
    for path, one in zip(names, reports, strict=True):
        write_bytes(path, picture_bytes(page(one), place.suffix.lower()))
    return names


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def page(report: Report) -> Figure:
    """Draw the page of one report."""
    with matplotlib.style.context(["default", STYLE]):
        pictures = len(report.curves.pictures)
        figure = Figure(figsize=(7.6, 7.0 if pictures else 5.4), layout="constrained")
        figure.suptitle(report.name, fontsize=10, fontweight="bold", x=0.01, ha="left")
        heights = [3, 1.6, 1.9][: 3 if pictures else 2]
        rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        left, right = rows[0].subplots(1, 2)
        _spectrum(left, report)
        _fits(right, report)
        _pictures(rows[1], _vectors(report), r"leading eigenvectors of $JJ^T$ at the start", signed=True)
        if pictures:
            _pictures(rows[2], report.curves.pictures, "target, and what descent made of it", signed=False)
    return figure


def _spectrum(axes: Axes, report: Report) -> None:
    places, values = report.curves.spectrum
    positive = values > 0
    axes.plot(places[positive], np.sqrt(values[positive]), color=BLUE)
    if report.curves.bound:
        axes.axhline(report.curves.bound, color=BLACK, linestyle=(0, (4, 1.2)), linewidth=0.9)
        label = r"$\sigma_{\min}$ that the lemma promises"
        axes.annotate(label, (places[0], report.curves.bound), fontsize=7, va="bottom")
    axes.set(xscale="log", yscale="log", xlabel="place $i$", ylabel=r"$\sigma_i(J(\theta_0))$")


def _fits(axes: Axes, report: Report) -> None:
    times = report.curves.times[1:]
    for (name, (predicted, real)), colour in zip(report.curves.fits.items(), (BLUE, ORANGE, GREY), strict=False):
        axes.plot(times[: len(predicted) - 1], predicted[1:], color=colour, linestyle=(0, (2, 1.2)), linewidth=1.0)
        axes.plot(times[: len(real) - 1], real[1:], color=colour, label=name)
    axes.plot([], [], color=BLACK, linestyle=(0, (2, 1.2)), linewidth=1.0, label="predicted")
    axes.set(xscale="log", ylim=(0, None), xlabel="step", ylabel=r"$\|r_t\|\;/\;\|r_0\|$")
    axes.legend(fontsize=7, frameon=False)


def _vectors(report: Report) -> dict[str, np.ndarray]:
    shape = tuple(report.facts["image"])
    vectors = report.curves.eigenvectors[:, :_ROW]
    return {str(i + 1): vectors[:, i].reshape(shape) for i in range(vectors.shape[1])}


def _pictures(figure: Any, pictures: Any, title: str, *, signed: bool) -> None:
    figure.suptitle(title, fontsize=8, x=0.01, ha="left", color=GREY)
    places = np.atleast_1d(figure.subplots(1, max(_ROW if signed else 1, len(pictures))))
    for place in places:
        place.set_axis_off()
    for place, (name, picture) in zip(places, pictures.items(), strict=False):
        place.set_title(name, fontsize=7)
        _draw(place, np.asarray(picture, float), signed=signed)


def _draw(place: Axes, picture: np.ndarray, *, signed: bool) -> None:
    if picture.shape[1] == 1:
        place.plot(picture.mean(0)[0], color=BLUE, linewidth=0.7)
        return
    if signed:
        flat = picture.mean(0)
        reach = float(np.abs(flat).max()) or 1.0
        place.imshow(flat, cmap="RdBu", vmin=-reach, vmax=reach, interpolation="nearest")
        return
    low, high = picture.min(), picture.max()
    pixels = (picture - low) / max(high - low, 1e-12)
    place.imshow(
        pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(0), cmap="gray", interpolation="nearest"
    )
