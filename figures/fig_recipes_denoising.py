"""What do untrained networks denoise, beside controls, and which is fitted first on the way: the image or the noise?"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib.image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import curve
from untrained.figures.recipe_curves import dots_of
from untrained.figures.recipe_tables import RecipeRecord
from untrained.figures.style import BLUE, GREY, ORANGE
from untrained.sims.experiments.recipes.recipe import NAMES
from untrained.sims.record.store import FOLDER, pick, read_all, read_record

_TABLE, _EXAMPLE = "heckel20a-table1", "heckel20a-fig2"
_COLUMNS = 4
_CURVES = (("conv-decoder", "deep decoder", BLUE), ("skip-unet", "skip net", ORANGE))


def fig_recipes_denoising(folder: Path = FOLDER) -> Figure:
    """Draw PSNR by method beside the paper's, and the example denoised; what is not recorded is said.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    figure = Figure(figsize=(8.27, 5.0), layout="constrained")
    places = figure.add_gridspec(1, 2)
    left, right = figure.add_subfigure(places[0]), figure.add_subfigure(places[1])
    axes = left.subplots()
    if _TABLE in records:
        dots_of(axes, records[_TABLE])
        axes.set_title("\n".join(wrap(_dots_title(records[_TABLE]), 36)), fontsize=7.5, loc="left")
    else:
        _nothing(axes, _TABLE)
    if _EXAMPLE in records and records[_EXAMPLE]["pictures"]:
        _tiles(right, records[_EXAMPLE])
    else:
        _nothing(right.subplots(), _EXAMPLE)
    return figure


def _dots_title(record: RecipeRecord) -> str:
    used = record["images"][0]
    return f"{used['used']} of {used['dataset']}, 95 % intervals (hollow: the paper, {used['paper']} of 512x512)"


def _nothing(axes: Axes, name: str) -> None:
    axes.set(xticks=[], yticks=[], frame_on=False)
    axes.text(0.5, 0.5, f"not recorded:\nuntrained reproduce {name}", ha="center", color=GREY)


def _tiles(figure: Any, record: RecipeRecord) -> None:
    """The original and what was made of the noisy image, each with its PSNR."""
    means = {p["label"]: p["psnr"][0] for p in record["points"] if p["psnr"] is not None}
    pictures = record["pictures"]
    places = figure.subplots(-(-len(pictures) // _COLUMNS), _COLUMNS).ravel()
    for axes, picture in zip(places, pictures, strict=False):
        label = picture["label"]
        pixels = matplotlib.image.imread(BytesIO(base64.b64decode(picture["png"])), format="png")
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        name = "\n".join(wrap(NAMES.get(label, label), 17))
        axes.set_title(name + (f"\n{means[label]:.2f} dB" if label in means else ""), fontsize=6.5)
    for axes in places:
        axes.set(xticks=[], yticks=[], frame_on=False)


def fig_heckel20a_fig1(folder: Path = FOLDER) -> Figure:
    """Draw the loss of fits to an image and to noise, and the error of the fit to the noisy image, against steps.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig1", folder)
    size = record["axes"]["size"][0]
    figure = Figure(figsize=(8.27, 2.9), layout="constrained")
    panels = (("image", "loss"), ("noise", "loss"), ("noisy image", "loss"), ("noisy image", "error"))
    titles = ("fit of the image", "fit of noise", "fit of the noisy image", "its error to the image")
    places = figure.subplots(1, len(panels), sharex=True)
    for axes, (target, quantity), title in zip(places, panels, titles, strict=True):
        _course(axes, record["rows"], {"target": target, "size": size}, quantity)
        axes.set(xscale="log", yscale="log", xlabel="step", title=title)
    places[0].set_ylabel(f"mean of squares on [0, 1], {size}x{size}")
    places[0].legend(frameon=False, fontsize=7)
    return figure


def _course(axes: Axes, rows: list[dict[str, Any]], at: Mapping[str, Any], quantity: str) -> None:
    for network, name, colour in _CURVES:
        chosen = pick(rows, source="simulation", quantity=quantity, network=network, **at)
        curve(axes, chosen, "step", color=colour, label=name)
        low, high = ([row[end] for row in chosen] for end in ("low", "high"))
        axes.fill_between([row["step"] for row in chosen], low, high, color=colour, alpha=0.2, linewidth=0)
