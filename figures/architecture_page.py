"""One page about a network that `check` examined: spectrum and bound, fits predicted and real, leading eigenvectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from untrained.figures.side_by_side import encoded
from untrained.figures.style import BLACK, BLUE, GREY, ORANGE, STYLE
from untrained.sims.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from untrained.sims.diagnosis.answer import Report

_ROW = 8


def write(reports: Sequence[Report], place: Path) -> list[Path]:
    """Write a page for each report: to `place` itself, or where there are several, with the network's name in it."""
    names = [place] if len(reports) == 1 else [place.with_stem(f"{place.stem}-{_slug(one.name)}") for one in reports]
    for path, one in zip(names, reports, strict=True):
        write_bytes(path, encoded(page(one), place.suffix.lower()))
    return names


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def page(found: Report) -> Figure:
    """Draw the page of one report."""
    with matplotlib.style.context(["default", STYLE]):
        pictures = len(found.curves.pictures)
        figure = Figure(figsize=(7.6, 7.0 if pictures else 5.4), layout="constrained")
        figure.suptitle(found.name, fontsize=10, fontweight="bold", x=0.01, ha="left")
        heights = [3, 1.6, 1.9][: 3 if pictures else 2]
        rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        left, right = rows[0].subplots(1, 2)
        _spectrum(left, found)
        _fits(right, found)
        _pictures(rows[1], _vectors(found), r"leading eigenvectors of $JJ^T$ at the start", signed=True)
        if pictures:
            _pictures(rows[2], found.curves.pictures, "target, and what descent made of it", signed=False)
    return figure


def _spectrum(axes: Axes, found: Report) -> None:
    places, values = found.curves.spectrum
    shown = values > 0
    axes.plot(places[shown], np.sqrt(values[shown]), color=BLUE)
    if found.curves.bound:
        axes.axhline(found.curves.bound, color=BLACK, linestyle=(0, (4, 1.2)), linewidth=0.9)
        label = r"$\sigma_{\min}$ that the lemma promises"
        axes.annotate(label, (places[0], found.curves.bound), fontsize=7, va="bottom")
    axes.set(xscale="log", yscale="log", xlabel="place $i$", ylabel=r"$\sigma_i(J(\theta_0))$")


def _fits(axes: Axes, found: Report) -> None:
    times = found.curves.times[1:]
    for (name, (predicted, real)), colour in zip(found.curves.fits.items(), (BLUE, ORANGE, GREY), strict=False):
        axes.plot(times[: len(predicted) - 1], predicted[1:], color=colour, linestyle=(0, (2, 1.2)), linewidth=1.0)
        axes.plot(times[: len(real) - 1], real[1:], color=colour, label=name)
    axes.plot([], [], color=BLACK, linestyle=(0, (2, 1.2)), linewidth=1.0, label="predicted")
    axes.set(xscale="log", ylim=(0, None), xlabel="step", ylabel=r"$\|r_t\|\;/\;\|r_0\|$")
    axes.legend(fontsize=7, frameon=False)


def _vectors(found: Report) -> dict[str, np.ndarray]:
    shape = tuple(found.facts["image"])
    vectors = found.curves.eigenvectors[:, :_ROW]
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
