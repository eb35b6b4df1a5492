"""Methods beside each other: their images and errors as one picture, their numbers as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.style import FULL, GREY, STYLE
from untrained.figures.tables import Table

_COLUMNS = ("method", "MSE", "PSNR", "SSIM", "MSE within", "misfit", "steps", "seconds", "outcome")
_SIDE, _ACROSS = 1.9, 5
"""Inches of the widest panel, and the most panels in a row."""
_ERRORS = "magma"


def side_by_side(images: Sequence[tuple[Mapping[str, Any], Any]], truth: Any = None, measured: str = "") -> Figure:
    """Draw the truth, where it is known, and each method's image under its name, with its scores and seconds.

    `images` holds (entry, image): an entry of a report, and an array-like image (C, H, W) on [-1, 1]; pixels beyond are
    shown as black or white. Images that are not square keep their shape. Below each is a map of its errors where the
    truth is known, all on one scale; the name of the least error is bold. `measured` says how the image was measured.

    Raises
    ------
    ValueError
        where there is no image to show.
    """
    panels = [] if truth is None else [("truth", "", truth)]
    panels += [(entry["method"], caption(entry), image) for entry, image in images]
    if not panels:
        raise ValueError("images must hold at least one image, got none")
    rows = ceil(len(panels) / _ACROSS)
    across, kinds = ceil(len(panels) / rows), 1 if truth is None else 2
    height, width = np.shape(panels[0][2])[-2:]
    side, tall = min(_SIDE, FULL / across), max(0.5, min(2.0, height / width))
    with matplotlib.style.context(["default", STYLE]):
        page = (max(side * across, 2.2), rows * (kinds * side * tall + 0.8) + 0.2 * bool(measured))
        figure = Figure(figsize=page, layout="constrained")
        places = figure.subplots(rows * kinds, across, squeeze=False)
        for place in places.flat:
            place.set_axis_off()
        for i, panel in enumerate(panels):
            _panel(places[kinds * (i // across), i % across], *panel)
        if truth is not None:
            _errors(list(places[1::2].flat), [image for _, _, image in panels])
        _embolden(list(places[::kinds].flat), [None, *images] if truth is not None else images)
        figure.suptitle(measured, x=0.01, ha="left", fontsize=7.6)
    return figure


def measured_words(operator: Any) -> str:
    """How an image was measured: the kind of operator, m, n and their ratio."""
    return f"{operator.name}, m = {operator.m} of n = {operator.n} ({100 * operator.m / operator.n:.3g} %)"


def _errors(places: Sequence[Axes], images: Sequence[Any]) -> None:
    """A map of each image's distance to the first one, the truth, all on one scale, drawn in the truth's place."""
    truth, *others = (_pixels(image) for image in images)
    maps = [np.abs(one - truth).mean(0) for one in others]
    most = max((float(one.max()) for one in maps), default=0.0) or 1.0
    for place, one in zip(places[1:], maps, strict=False):
        place.set_axis_on()
        mesh = place.imshow(one, cmap=_ERRORS, vmin=0, vmax=most, interpolation="nearest")
        _frameless(place, f"mean error {one.mean():.2g}")
    if maps and places[0].figure is not None:
        scale = places[0].inset_axes((0.05, 0.5, 0.9, 0.08))
        places[0].figure.colorbar(mesh, cax=scale, orientation="horizontal", label="error on [0, 1]")


def _embolden(places: Sequence[Axes], images: Sequence[Any]) -> None:
    """The name of the method whose error is the least in bold."""
    errors = {i: one[0]["scores"]["mse"] for i, one in enumerate(images) if one is not None and one[0].get("scores")}
    if errors:
        places[min(errors, key=lambda i: errors[i])].title.set_fontweight("bold")


def image_figure(image: Any, title: str) -> Figure:
    """Draw one image (C, H, W) on [-1, 1] under a title."""
    height, width = np.shape(image)[-2:]
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(_SIDE, _SIDE * max(0.5, min(2.0, height / width)) + 0.3), layout="constrained")
        _panel(figure.subplots(), title, "", image)
    return figure


def caption(entry: Mapping[str, Any]) -> str:
    """The numbers under a method's name: scores only where the truth is known, and how it ended if not as it should."""
    scores = entry.get("scores")
    lines = [] if scores is None else [f"MSE {scores['mse']:.2e}", f"{_psnr(scores)} dB, SSIM {_ssim(scores)}"]
    lines.append(f"{entry['seconds']:.1f} s")
    if entry["outcome"] == "interrupted" or entry["outcome"].startswith("diverged"):
        lines.append(entry["outcome"])
    return "\n".join(lines)


def _psnr(scores: Mapping[str, float | None]) -> str:
    return "-" if scores["psnr"] is None else f"{scores['psnr']:.2f}"


def _ssim(scores: Mapping[str, float | None]) -> str:
    return "-" if scores["ssim"] is None else f"{scores['ssim']:.3f}"


def _pixels(image: Any) -> np.ndarray:
    """An image on [-1, 1] as pixels (C, H, W) on [0, 1]."""
    return np.clip((np.asarray(image, dtype=np.float64) + 1) / 2, 0, 1)


def _panel(place: Axes, name: str, below: str, image: Any) -> None:
    pixels = _pixels(image)
    visible = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    place.set_axis_on()
    place.imshow(visible, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    place.set_title(name, loc="center")
    _frameless(place, below)


def _frameless(place: Axes, below: str) -> None:
    place.set_xlabel(below, color=GREY, fontsize=6.6)
    place.set(xticks=[], yticks=[])
    for spine in place.spines.values():
        spine.set_visible(False)


def method_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row a method; without a truth there are no scores to show.

    "MSE within" is a method's error bar, from measurements that it held out: there is one without the truth.
    """
    scored, bounded = any(entry.get("scores") for entry in entries), any(_bar(entry) for entry in entries)
    columns = [c for c in _COLUMNS if (scored or c not in _COLUMNS[1:4]) and (bounded or c != "MSE within")]
    rows = [[row[column] for column in columns] for row in map(_row, entries)]
    return Table(columns, rows, _COLUMNS[1:-1])


def _bar(entry: Mapping[str, Any]) -> str:
    """The ends of an error bar, or nothing."""
    certificate = entry.get("certificate") or {}
    if "error_high" not in certificate:
        return ""
    return f"[{certificate['error_low']:.2g}, {certificate['error_high']:.2g}], {certificate['error_level']:.0%}"


def _row(entry: Mapping[str, Any]) -> dict[str, str]:
    scores = entry.get("scores")
    texts = {"MSE": "-", "PSNR": "-", "SSIM": "-"}
    if scores is not None:
        texts = {"MSE": f"{scores['mse']:.4g}", "PSNR": _psnr(scores), "SSIM": _ssim(scores)}
    return {
        "method": entry["method"],
        **texts,
        "MSE within": _bar(entry) or "-",
        "misfit": "-" if entry["misfit"] is None else f"{entry['misfit']:.3g}",
        "steps": str(entry["steps"]),
        "seconds": f"{entry['seconds']:.1f}",
        "outcome": entry["outcome"],
    }
