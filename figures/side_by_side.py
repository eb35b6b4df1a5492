"""Methods beside each other: their images as one picture, their numbers as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from untrained.figures.style import GREY, STYLE
from untrained.figures.tables import Table

_COLUMNS = ("method", "MSE", "PSNR", "SSIM", "MSE within", "misfit", "steps", "seconds", "outcome")
_SIDE, _ACROSS = 2.1, 4


def side_by_side(images: Sequence[tuple[Mapping[str, Any], Any]], truth: Any = None) -> Figure:
    """Draw the truth, where it is known, and each method's image under its name, scores and seconds.

    `images` holds (entry, image): an entry of a report, and an array-like image (C, H, W) on [-1, 1]; pixels beyond are
    shown as black or white. Images that are not square keep their shape.

    Raises
    ------
    ValueError
        where there is no image to show.
    """
    panels = [] if truth is None else [("truth", "", truth)]
    panels += [(entry["method"], caption(entry), image) for entry, image in images]
    if not panels:
        raise ValueError("images must hold at least one image, got none")
    across = min(len(panels), _ACROSS)
    down = ceil(len(panels) / across)
    height, width = np.shape(panels[0][2])[-2:]
    tall = max(0.5, min(2.0, height / width))
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(_SIDE * across, (_SIDE * tall + 0.75) * down), layout="constrained")
        places = figure.subplots(down, across, squeeze=False).ravel()
        for place, panel in zip(places, panels, strict=False):
            _panel(place, *panel)
        for place in places[len(panels) :]:
            place.set_axis_off()
    return figure


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


def _panel(place: Any, name: str, below: str, image: Any) -> None:
    pixels = np.clip((np.asarray(image, dtype=np.float64) + 1) / 2, 0, 1)
    visible = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    place.imshow(visible, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    place.set_title(name, fontsize=9, fontweight="bold")
    place.set_xlabel(below, color=GREY, fontsize=7.5)
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
