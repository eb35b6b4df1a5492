"""Pictures of a recipe: a block a set and setup, in it a row an original or method and a column an image."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib.image
from matplotlib.figure import Figure

from untrained.figures.recipe_tables import RecipeRecord
from untrained.figures.style import GREY
from untrained.sims.experiments.recipes.recipe import NAMES, noise_words

Picture = Mapping[str, Any]
_SIDE, _HEAD, _GAP, _NAME = 0.58, 0.27, 0.1, 0.9
"""Inches: side of a picture, height of a heading, gap below a block, width of the names."""


@dataclass(frozen=True)
class PictureBlock:
    """The pictures of one set in one setup: rows of (name, PNG a column, None where there is none)."""

    heading: str
    rows: tuple[tuple[str, tuple[str | None, ...]], ...]

    def height(self) -> float:
        """Inches from its upper edge to the next block's."""
        return _HEAD + _SIDE * len(self.rows) + _GAP

    def width(self) -> float:
        """Inches from the names to the last column."""
        return _NAME + _SIDE * max(len(row) for _, row in self.rows)


def blocks_of(record: RecipeRecord) -> list[PictureBlock]:
    """Return the blocks of a record's pictures, none where it holds no pictures."""
    heads = {_place(p): p for p in record["pictures"] if p["setup"] is not None}
    return [_block(record, head) for head in heads.values()]


def _place(picture: Picture) -> tuple[str, str]:
    return picture["dataset"], str(picture["setup"])


def _block(record: RecipeRecord, head: Picture) -> PictureBlock:
    mine = [p for p in record["pictures"] if _place(p) == _place(head)]
    images = tuple(dict.fromkeys(p["image"] for p in mine))
    pictures = [p for p in record["pictures"] if p["setup"] is None and p["dataset"] == head["dataset"]] + mine
    labels = dict.fromkeys(p["label"] for p in pictures)
    rows = ((NAMES.get(label, label), tuple(_png(pictures, image, label) for image in images)) for label in labels)
    return PictureBlock(_heading(record, head), tuple(rows))


def _png(pictures: Sequence[Picture], image: int | None, label: str) -> str | None:
    return next((p["png"] for p in pictures if (p["image"], p["label"]) == (image, label)), None)


def _heading(record: RecipeRecord, picture: Picture) -> str:
    setup = picture["setup"]
    if setup.get("sigma") is not None:
        return f"{picture['dataset']}, {noise_words(setup)}"
    if setup["lines"] is None:
        return f"{picture['dataset']}, m = {setup['m']}"
    counted = [c["coefficients"] for c in record["counts"] if c["setup"] == setup]
    counted += [p["m"] for p in record["points"] if p["setup"] == setup]
    return f"{setup['lines']} lines, {counted[0]} coefficients"


def place_blocks(blocks: Sequence[PictureBlock], width: float) -> Iterator[tuple[float, float, PictureBlock]]:
    """Yield (left, top, block) in inches: blocks side by side as long as they fit, then below."""
    left, top, below = 0.0, 0.0, 0.0
    for block in blocks:
        if left and left + block.width() > width:
            left, top = 0.0, below
        yield left, top, block
        left, below = left + block.width() + _GAP, max(below, top + block.height())


def height_of(blocks: Sequence[PictureBlock], width: float) -> float:
    """Inches that blocks take on a page of a width."""
    return max((top + block.height() for _, top, block in place_blocks(blocks, width)), default=0.0)


def draw_blocks(figure: Figure, blocks: Sequence[PictureBlock], left: float, top: float, width: float) -> None:
    """Draw blocks from a place on the page, in inches from its upper left corner."""
    for right, down, block in place_blocks(blocks, width):
        _draw_block(figure, block, left + right, top + down)


def _draw_block(figure: Figure, block: PictureBlock, left: float, top: float) -> None:
    write_line(figure, left, top + 0.14, block.heading)
    top += _HEAD
    for name, row in block.rows:
        broken = name.replace(", ", ",\n").replace(" (", "\n(")
        write_line(figure, left + _NAME - 0.07, top + _SIDE / 2, broken, ha="right", color=GREY)
        for i, text in enumerate(row):
            _tile(figure, left + _NAME + _SIDE * i, top, text)
        top += _SIDE


def write_line(figure: Figure, left: float, top: float, text: str, **style: Any) -> None:
    """Write a line at a place in inches from the upper left corner of the page."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, text, va="center", **{"fontsize": 7, **style})


def _tile(figure: Figure, left: float, top: float, text: str | None) -> None:
    width, height = figure.get_size_inches()
    side = 0.95 * _SIDE
    place = (left / width, 1 - (top + side) / height, side / width, side / height)
    axes = figure.add_axes(place, xticks=[], yticks=[], frameon=False)
    if text is None:
        axes.text(0.5, 0.5, "-", ha="center", va="center", color=GREY)
        return
    pixels = matplotlib.image.imread(BytesIO(base64.b64decode(text)), format="png")
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def pictures_figure(record: RecipeRecord) -> Figure:
    """Draw the pictures of one recipe; where its record holds none, say so."""
    blocks, width = blocks_of(record), 7.9
    figure = Figure(figsize=(8.27, 0.5 + max(0.4, height_of(blocks, width))))
    write_line(figure, 0.15, 0.2, record["title"], fontsize=8.5, fontweight="bold")
    draw_blocks(figure, blocks, 0.15, 0.4, width)
    if not blocks:
        write_line(figure, 0.15, 0.55, "The record holds no pictures.", color=GREY)
    return figure
