"""Pictures of recipes as a grid: a row a setup, a column the original or a method, the score of each below it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import matplotlib.image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.recipe_tables import RecipeRecord
from untrained.figures.style import FULL, GREY
from untrained.sims.experiments.recipes.recipe import NAMES, SCORE_NAMES, noise_words

Picture = Mapping[str, Any]
ORIGINAL = "original"
_WORDS, _MOST = 0.16, 1.35
"""Inches: a line of words between rows, and the widest column."""


class Tile(NamedTuple):
    """A picture as it is recorded, and its score, None for an original or where it is not recorded."""

    png: str
    score: float | None


PictureRow = tuple[str, dict[str, list[Tile]]]
"""What a setup is called, and the tiles of each label, an image each."""


def picture_rows(record: RecipeRecord) -> list[PictureRow]:
    """The setups of a record that has pictures, each with the originals and what every method made of them."""
    heads = {(p["dataset"], str(p["setup"])): p for p in record["pictures"] if p["setup"] is not None}
    return [(setup_name(record, head), dict(_tiles(record, head))) for head in heads.values()]


def _tiles(record: RecipeRecord, head: Picture) -> Iterator[tuple[str, list[Tile]]]:
    """Label and tiles: the originals of the images that a setup has, then each method in the order of the record."""
    mine = [p for p in record["pictures"] if (p["dataset"], p["setup"]) == (head["dataset"], head["setup"])]
    images = list(dict.fromkeys(p["image"] for p in mine))
    originals = [p for p in record["pictures"] if p["setup"] is None and p["dataset"] == head["dataset"]]
    for label in dict.fromkeys(p["label"] for p in [*originals, *mine]):
        chosen = [p for p in (originals if label == ORIGINAL else mine) if p["label"] == label]
        by_image = {p["image"]: p["png"] for p in chosen}
        scores = _scores(record, head, label)
        yield label, [Tile(by_image[i], scores.get(i)) for i in images if i in by_image]


def _scores(record: RecipeRecord, head: Picture, label: str) -> dict[int, float]:
    """The score of each image of a run, from the groups of the record."""
    name = record.get("score", "mse")
    runs = [
        g for g in record["groups"] if (g["dataset"], g["setup"], g["label"]) == (head["dataset"], head["setup"], label)
    ]
    return {image: score for g in runs for image, score in zip(g["image"], g.get(name) or (), strict=False)}


def setup_name(record: RecipeRecord, picture: Picture) -> str:
    """How the images of a picture were measured, in few words."""
    setup = picture["setup"]
    if setup.get("sigma") is not None:
        return noise_words(setup)
    if setup["lines"] is None:
        return f"m = {setup['m']}"
    counted = [c["coefficients"] for c in record["counts"] if c["setup"] == setup]
    counted += [p["m"] for p in record["points"] if p["setup"] == setup]
    return f"{setup['lines']} lines,\n{counted[0]} coefficients"


def picture_grid(rows: Sequence[PictureRow], score: str = "MSE") -> Figure:
    """Draw rows of pictures under the names of methods, as large as the page allows, the least score of a row in bold.

    With PSNR the largest is bold. Where a setup has several images, each method has a column an image.
    """
    labels = list(dict.fromkeys(label for _, tiles in rows for label in tiles))
    images = max(len(tiles) for _, row in rows for tiles in row.values())
    side = min(_MOST / images, (FULL - 0.75) / (len(labels) * images))
    height = len(rows) * (side + _WORDS) + 0.35
    figure = Figure(figsize=(FULL, height), layout="constrained")
    places = figure.subplots(len(rows), len(labels) * images, squeeze=False)
    for axes in places.flat:
        axes.set(xticks=[], yticks=[], frame_on=False)
    for line, (name, row) in zip(places, rows, strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        _row(line, labels, row, images, score)
    for k, label in enumerate(labels):
        places[0][k * images].set_title(NAMES.get(label, label), fontsize=6.8)
    return figure


def _row(line: Sequence[Axes], labels: Sequence[str], row: Mapping[str, list[Tile]], images: int, score: str) -> None:
    for i in range(images):
        values = [tiles[i].score for tiles in row.values() if i < len(tiles)]
        scored = [value for value in values if value is not None]
        best = (max if score.startswith("PSNR") else min)(scored, default=None)
        for k, label in enumerate(labels):
            if i < len(row.get(label, ())):
                draw_tile(line[k * images + i], row[label][i], best, score)


def draw_tile(axes: Axes, tile: Tile, best: float | None = None, score: str = "MSE") -> None:
    """A picture, below it its score, in bold where it is the best."""
    pixels = matplotlib.image.imread(BytesIO(base64.b64decode(tile.png)), format="png")
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    if tile.score is not None:
        weight = "bold" if tile.score == best else "normal"
        text = f"{tile.score:.1f} dB" if score.startswith("PSNR") else f"{tile.score:.2g}"
        axes.set_xlabel(text, fontsize=6.6, labelpad=1.5, fontweight=weight)


def nothing(name: str) -> Figure:
    """A figure that says which recipe to run, as no picture is recorded."""
    figure = Figure(figsize=(FULL, 0.8), layout="constrained")
    axes = figure.subplots()
    axes.set(xticks=[], yticks=[], frame_on=False)
    axes.text(0.5, 0.5, f"no pictures recorded: untrained reproduce {name}", ha="center", va="center", color=GREY)
    return figure


def pictures_figure(record: RecipeRecord) -> Figure:
    """Draw the pictures of one recipe; where its record holds none, say so."""
    rows = picture_rows(record)
    figure = picture_grid(rows, SCORE_NAMES[record.get("score", "mse")]) if rows else nothing(record["name"])
    figure.suptitle(record["title"], x=0.01, ha="left", fontsize=7.6)
    return figure
