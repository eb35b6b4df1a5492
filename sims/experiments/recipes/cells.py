"""Cells: one image, measured in one setup, recovered by one run; what identifies them and their order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from untrained.sims.experiments.recipes.recipe import Part, Recipe, Run, Setup
from untrained.sims.operators import Operator
from untrained.sims.operators.registry import law_version
from untrained.sims.random.streams import stream
from untrained.sims.recovery.methods import method, settings_for

FORMAT = 2
"""Number of the law by which images are measured and scored; it is raised when other numbers come out."""


@dataclass(frozen=True)
class Cell:
    """One image of a set, measured in a setup and recovered by a run."""

    dataset: str
    image: int
    setup: Setup
    run: Run


@dataclass(frozen=True)
class Batch:
    """Cells that share set and setup, and whose images are measured at the same time."""

    dataset: str
    setup: Setup
    cells: tuple[Cell, ...]

    def images(self) -> list[int]:
        """The images of the cells, each once."""
        return list(dict.fromkeys(cell.image for cell in self.cells))


def image_seed(dataset: str, image: int) -> int:
    """Seed of everything random about one image: its A, its noise and its networks, the same in every recipe."""
    return int(stream(0, "recipes", dataset, image).integers(2**31))


def settings_of(run: Run, learned: Path | None = None, operator: Operator | None = None) -> Any:
    """Return a run's settings for an operator, with the file that was learned for it or, where none is given, without.

    Raises
    ------
    ValueError
        where the method does not have a setting, or a file that it needs is absent.
    """
    if run.learned is None:
        return settings_for(run.method, run.settings, run.preset, operator)
    if learned is not None:
        given = {**run.settings, run.learned.what: str(learned)}
        return settings_for(run.method, given, run.preset, operator)
    given = {key: text for key, text in run.settings.items() if not key.startswith(run.learned.what)}
    return settings_for(run.method, given, run.preset, operator)


def versions_of(setup: Setup, run: Run) -> dict[str, int]:
    """The versions of the laws that a cell's numbers follow; the recipes themselves are not among them."""
    return {"cells": FORMAT, "operator": law_version(setup.operator), "method": method(run.method).version}


def fingerprint(image: torch.Tensor) -> str:
    """SHA-256, in hexadecimal, of an image's shape and pixels."""
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    digest.update(image.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def key(cell: Cell, image: torch.Tensor) -> str:
    """Return what identifies a cell's numbers: equal for the same cell of two recipes, different for any other.

    Raises
    ------
    ValueError
        where the run's settings are not ones of its method.
    """
    content = {
        "versions": versions_of(cell.setup, cell.run),
        "dataset": cell.dataset,
        "image": cell.image,
        "pixels": fingerprint(image),
        "setup": asdict(cell.setup),
        "method": cell.run.method,
        "settings": _identified(asdict(settings_of(cell.run))),
        "learned": None if cell.run.learned is None else [asdict(cell.run.learned), dict(cell.run.settings)],
        "seed": image_seed(cell.dataset, cell.image),
    }
    if cell.run.preset:
        content["preset"] = cell.run.preset
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _identified(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with each file that they name replaced by a hash of its content."""
    return {name: _content(value) if isinstance(value, str) else value for name, value in settings.items()}


def _content(text: str) -> str:
    path = Path(text)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else text


def cells_of(
    recipe: Recipe, held: Mapping[str, int], images: int | None = None, labels: Iterable[str] | None = None
) -> list[Cell]:
    """Return every cell of a recipe, the first images first, so that what is cut short is a smaller whole.

    `held` says how many images each set has; `images` asks for so many of each part.
    """
    wanted = None if labels is None else set(labels)
    cells = [
        Cell(part.dataset, image, setup, run)
        for part in recipe.parts
        for image in part.images(held.get(part.dataset), images)
        for setup in part.setups
        for run in part.runs
        if wanted is None or run.label in wanted
    ]
    return sorted(cells, key=lambda cell: cell.image)


def batches_of(cells: Sequence[Cell], at_once: Mapping[str, int]) -> Iterator[Batch]:
    """Group cells by set, block of images and setup, in the order of the blocks; `at_once` is how many make a block."""
    groups: dict[tuple[str, int, Setup], list[Cell]] = {}
    for cell in cells:
        block = cell.image // at_once.get(cell.dataset, 1)
        groups.setdefault((cell.dataset, block, cell.setup), []).append(cell)
    for (dataset, _, setup), group in groups.items():
        yield Batch(dataset, setup, tuple(group))


def at_once_of(parts: Iterable[Part], wanted: int | None = None) -> dict[str, int]:
    """Return how many images of each set are recovered side by side."""
    return {part.dataset: wanted or part.at_once for part in parts}
