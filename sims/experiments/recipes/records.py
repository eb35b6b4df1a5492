"""The record of a recipe, from its finished cells, with small pictures: PNG of 8 bits in base64."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from untrained.sims.experiments.recipes.cells import ImageCell, cells_of
from untrained.sims.experiments.recipes.recipe import Recipe, Setup
from untrained.sims.experiments.recipes.summary import Done, columns_of, gains, groups, judged, points
from untrained.sims.images.resizing import resize
from untrained.sims.operators import make_operator
from untrained.sims.record.store import fits
from untrained.sims.runtime import versions

SIDES = (256, 128, 96, 80, 64, 48, 32)
"""Longest sides tried for the pictures of a record; the first that keeps it small is taken."""
PATTERN_SHAPE = (1, 256, 256)
_FORMAT = 1


def record_of(recipe: Recipe, done: Done, sets: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Return the record of a recipe, as JSON can hold it, within the limit of its size.

    `done` holds the recipe's finished cells; `sets` the images (N, C, H, W) they are about.
    """
    record = {
        "format": _FORMAT,
        **{name: getattr(recipe, name) for name in ("name", "kind", "axis", "title", "source")},
        "version": recipe.version,
        "versions": versions(),
        "images": _images(recipe, done, sets),
        "numbers": [number.as_fields() for number in recipe.numbers],
        "silent": list(recipe.silent),
        "differs": [*recipe.differs, *_absent(recipe), *_fewer(recipe, done)],
        "statements": judged(recipe, done, {name: len(images) for name, images in sets.items()}),
        "counts": _counts(recipe),
        "points": points(done, recipe.score),
        "gains": gains(recipe, done),
        "groups": groups(done, recipe.score),
        "pictures": [],
    }
    if recipe.score != "mse":
        record["score"] = recipe.score
    return _with_pictures(record, recipe, done, sets)


def _used(recipe: Recipe, done: Done) -> dict[str, int]:
    images = {(cell.dataset, cell.image) for cell in done}
    return {part.dataset: sum(name == part.dataset for name, _ in images) for part in recipe.parts if part.algorithms}


def _images(recipe: Recipe, done: Done, sets: Mapping[str, torch.Tensor]) -> list[dict[str, Any]]:
    used, papers = _used(recipe, done), {part.dataset: part.paper_count for part in recipe.parts}
    return [{"dataset": d, "used": used[d], "held": len(sets[d]), "paper": papers[d]} for d in used]


def _fewer(recipe: Recipe, done: Done) -> list[str]:
    """A sentence for each set of which there are other images than the paper has."""
    papers = {part.dataset: part.paper_count for part in recipe.parts if part.paper_count is not None}
    counts = {name: _counts_in_words(name, done) for name in papers}
    others = [name for name in papers if counts[name] != str(papers[name])]
    return [f"{counts[name]} images of {name} were used, the paper has {papers[name]}." for name in others]


def _counts_in_words(name: str, done: Done) -> str:
    """How many images of a set each run has."""
    runs = Counter((cell.setup, cell.algorithm) for cell in done if cell.dataset == name)
    least, most = min(runs.values(), default=0), max(runs.values(), default=0)
    return str(most) if least == most else f"{least} to {most}"


def _absent(recipe: Recipe) -> list[str]:
    """A sentence for each algorithm that needs a package which is not installed here."""
    reasons = [algorithm.absence() for part in recipe.parts for algorithm in part.algorithms]
    return [reason for reason in dict.fromkeys(reasons) if reason is not None]


def _counts(recipe: Recipe) -> list[dict[str, Any]]:
    """Coefficients of each pattern, for the recipe that shows patterns."""
    if recipe.kind != "pattern":
        return []
    setups = [setup for part in recipe.parts for setup in part.setups]
    return [{"setup": setup.as_fields(), "coefficients": _pattern(setup).coefficients} for setup in setups]


def _pattern(setup: Setup) -> Any:
    return make_operator(setup.operator, PATTERN_SHAPE, setup.m, **setup.options())


def _with_pictures(
    record: dict[str, Any], recipe: Recipe, done: Done, sets: Mapping[str, torch.Tensor]
) -> dict[str, Any]:
    """The record with pictures as large as its limit allows, or without any."""
    for side in SIDES if recipe.kind in ("pictures", "pattern") else ():
        pictures = _patterns(recipe, side) if recipe.kind == "pattern" else _pictures(recipe, done, sets, side)
        whole = {**record, "pictures": pictures}
        if fits("recipe", whole):
            return whole
    return record


def _patterns(recipe: Recipe, side: int) -> list[dict[str, Any]]:
    """The sampled coefficients in white."""
    setups = [setup for part in recipe.parts for setup in part.setups]
    masks = [2.0 * _pattern(setup).mask()[None].double() - 1 for setup in setups]
    return [_picture("", None, s, "pattern", encoded(m, side)) for s, m in zip(setups, masks, strict=True)]


def _pictures(recipe: Recipe, done: Done, sets: Mapping[str, torch.Tensor], side: int) -> list[dict[str, Any]]:
    """The originals, then what was recovered of them."""
    originals = dict.fromkeys((cell.dataset, cell.image) for cell in done if done[cell]["picture"])
    pictures = [_picture(name, i, None, "original", encoded(sets[name][i], side)) for name, i in originals]
    return pictures + [_recovered(cell, done[cell]["picture"], side) for cell in done if done[cell]["picture"]]


def _recovered(cell: ImageCell, text: str, side: int) -> dict[str, Any]:
    return _picture(cell.dataset, cell.image, cell.setup, cell.algorithm.label, encoded(decoded(text), side))


def _picture(dataset: str, image: int | None, setup: Setup | None, label: str, png: str) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "image": image,
        "setup": None if setup is None else setup.as_fields(),
        "label": label,
        "png": png,
    }


def recorded_rows(recipe: Recipe, record: Mapping[str, Any]) -> dict[ImageCell, dict[str, Any]]:
    """Return the rows of a record by the cells of the recipe as it is now, without what a record does not hold.

    There are none of another version, nor of settings that have changed.
    """
    if record["version"] != recipe.version:
        return {}
    cells = {(c.dataset, c.image, c.setup, c.algorithm.label): c for c in cells_of(recipe, {})}
    pictures = {(p["dataset"], p["image"], p["label"], str(p["setup"])): p["png"] for p in record["pictures"]}
    rows = {}
    for group in record["groups"]:
        for i, image in enumerate(group["image"]):
            cell = cells.get((group["dataset"], image, Setup(**group["setup"]), group["label"]))
            if cell is None or (cell.algorithm.method, dict(cell.algorithm.settings)) != _how(group):
                continue
            columns = {n: group[n][i] if isinstance(group[n], list) else group[n] for n in columns_of(recipe.score)}
            png = pictures.get((cell.dataset, image, cell.algorithm.label, str(group["setup"])))
            rows[cell] = {**columns, "m": group["m"], "picture": png}
    return rows


def _how(group: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    return group["method"], group["settings"]


def rejudged(recipe: Recipe, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the recipe's sentences of now, judged by the rows that it holds."""
    return {**record, "statements": judged(recipe, recorded_rows(recipe, record), held_of(record))}


def held_of(record: Mapping[str, Any]) -> dict[str, int]:
    """How many images of each set there were when the record was made."""
    return {images["dataset"]: images["held"] for images in record["images"]}


def blank(recipe: Recipe) -> dict[str, Any]:
    """Return the record of a recipe of which nothing was run: it holds the paper's numbers only."""
    head = {"name": recipe.name, "kind": recipe.kind, "title": recipe.title, "source": recipe.source}
    numbers = [number.as_fields() for number in recipe.numbers]
    return {**head, "numbers": numbers, "points": [], "gains": [], "counts": [], "pictures": []}


def encoded(image: torch.Tensor, side: int | None = None) -> str:
    """Return an image (C, H, W) on [-1, 1] as text, clipped to 8 bits; no side longer than `side` pixels."""
    pixels = image.detach().cpu().double().numpy()
    longest = max(pixels.shape[1:])
    if side is not None and longest > side:
        height, width = (max(1, round(s * side / longest)) for s in pixels.shape[1:])
        pixels = resize(pixels, (height, width))
    codes = np.rint((np.clip(pixels, -1, 1) + 1) * 127.5).astype(np.uint8)
    layers = codes[0] if len(codes) == 1 else np.moveaxis(codes, 0, -1)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(layers)).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(text: str) -> torch.Tensor:
    """Return the image (C, H, W) on [-1, 1] of a text."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as file:
        codes = np.asarray(file, dtype=np.float64)
    planes = codes[None] if codes.ndim == 2 else np.moveaxis(codes, -1, 0)
    return torch.from_numpy((planes / 127.5 - 1).astype(np.float32))
