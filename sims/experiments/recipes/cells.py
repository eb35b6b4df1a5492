"""Cells of recipes: an image, measured in a setup, recovered by an algorithm; what identifies them and their order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.recipes.recipe import Algorithm, Learned, Part, Recipe, Setup
from untrained.sims.images.datasets import data_folder, dataset, photograph_side
from untrained.sims.operators import OPERATORS, Operator
from untrained.sims.operators.registry import law_version
from untrained.sims.random.streams import stream
from untrained.sims.recovery.methods import METHODS, method, settings_for

CELLS_VERSION = 2
"""Version of the law by which images are measured and scored; it is raised when other numbers come out."""


@dataclass(frozen=True)
class ImageCell:
    """One image of a set, measured in a setup and recovered by an algorithm."""

    dataset: str
    image: int
    setup: Setup
    algorithm: Algorithm

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> ImageCell:
        """Return what `cell` made parameters of."""
        algorithm = dict(parameters["algorithm"])
        learned = algorithm.pop("learned")
        whole = Algorithm(**algorithm, learned=None if learned is None else Learned(**learned))
        return cls(parameters["dataset"], parameters["image"], Setup(**parameters["setup"]), whole)

    @property
    def seed(self) -> int:
        """Seed of everything random about the image."""
        return image_seed(self.dataset, self.image)

    @property
    def pixels(self) -> torch.Tensor:
        """The image, (C, H, W) on [-1, 1]."""
        return image_set(self.dataset)[self.image]

    def cell(self) -> Cell:
        """The cell as the engine has it: parameters that JSON can hold, and a seed."""
        return Cell(asdict(self), self.seed)


def image_seed(name: str, image: int) -> int:
    """Seed of everything random about one image: its A, its noise and its networks, the same in every recipe."""
    return int(stream(0, "recipes", name, image).integers(2**31))


def image_set(name: str) -> torch.Tensor:
    """Return all images of a set, (N, C, H, W) on [-1, 1], read once a process.

    Raises
    ------
    ValueError
        where the set is unknown or its data are absent.
    """
    return _image_set(name, None if photograph_side(name) else data_folder())


@lru_cache(maxsize=3)
def _image_set(name: str, folder: Path | None) -> torch.Tensor:
    return dataset(name)


def settings_of(algorithm: Algorithm, learned: Path | None = None, operator: Operator | None = None) -> Any:
    """Return an algorithm's settings for an operator, with the file that was learned for it or, without one, none.

    Raises
    ------
    ValueError
        where the method does not have a setting, or a file that it needs is absent.
    """
    texts = dict(algorithm.settings)
    if algorithm.learned is not None and learned is not None:
        texts[algorithm.learned.what] = str(learned)
    elif algorithm.learned is not None:
        texts = {key: text for key, text in texts.items() if not key.startswith(algorithm.learned.what)}
    return settings_for(algorithm.method, texts, algorithm.preset, operator)


def laws() -> str:
    """The versions of all laws that the numbers of cells may follow, in words."""
    versions = [("cells", CELLS_VERSION)]
    versions += [(name, law_version(name)) for name in OPERATORS] + [(m.name, m.version) for m in METHODS.values()]
    return ", ".join(f"{name} {version}" for name, version in versions)


def versions_of(cell: ImageCell) -> dict[str, int]:
    """The versions of the laws that a cell's numbers follow; the recipes themselves are not among them."""
    operator, algorithm = law_version(cell.setup.operator), method(cell.algorithm.method).version
    return {"cells": CELLS_VERSION, "operator": operator, "method": algorithm}


def fingerprint(image: torch.Tensor) -> str:
    """SHA-256, in hexadecimal, of an image's shape and pixels."""
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    digest.update(image.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def cell_key(cell: ImageCell, image: torch.Tensor) -> str:
    """Return what identifies the numbers of a cell and its image: equal for two recipes' same cell, else different.

    Raises
    ------
    ValueError
        where the algorithm's settings are not ones of its method.
    """
    algorithm = cell.algorithm
    content = {
        "versions": versions_of(cell),
        "dataset": cell.dataset,
        "image": cell.image,
        "pixels": fingerprint(image),
        "setup": cell.setup.as_fields(),
        "method": algorithm.method,
        "settings": _identified(algorithm.method, settings_of(algorithm)),
        "learned": None if algorithm.learned is None else [asdict(algorithm.learned), dict(algorithm.settings)],
        "seed": cell.seed,
        "preset": algorithm.preset,
        **({} if algorithm.iterate is None else {"iterate": algorithm.iterate}),
    }
    return hash_of(content)


def hash_of(content: Mapping[str, Any]) -> str:
    """32 hexadecimal digits that tell contents apart."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _identified(name: str, settings: Any) -> dict[str, Any]:
    """Settings with each file that they name replaced by a hash of its content.

    Those that came later are left out where they have their default, by which numbers are as they were without them.
    """
    defaults = {f.name: f.default for f in fields(settings)}
    late = {key for key in method(name).later if getattr(settings, key) == defaults[key]}
    values = {key: value for key, value in asdict(settings).items() if key not in late}
    return {key: _content(value) if isinstance(value, str) else value for key, value in values.items()}


def _content(text: str) -> str:
    path = Path(text)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else text


def cells_of(
    recipe: Recipe, sizes: Mapping[str, int], images: int | None = None, labels: Iterable[str] | None = None
) -> list[ImageCell]:
    """Return every cell of a recipe, the first images first, so that what is cut short is a smaller whole.

    `sizes` says how many images each set has; `images` asks for so many of each part.
    """
    chosen = set(recipe.labels() if labels is None else labels)
    cells = [
        ImageCell(part.dataset, image, setup, algorithm)
        for part in recipe.parts
        for image in part.images(sizes.get(part.dataset), images)
        for setup in part.setups
        for algorithm in part.algorithms
        if algorithm.label in chosen and algorithm.absence() is None
    ]
    return sorted(cells, key=lambda cell: cell.image)


def batches_of(cells: Iterable[ImageCell], at_once: Mapping[str, int]) -> Iterator[list[ImageCell]]:
    """Group cells by set, block of images and setup, in the order of the blocks; `at_once` is how many make a block.

    Within a batch the cells of one algorithm follow one another.
    """
    groups: dict[tuple[str, int, Setup], list[ImageCell]] = {}
    for cell in cells:
        block = cell.image // at_once.get(cell.dataset, 1)
        groups.setdefault((cell.dataset, block, cell.setup), []).append(cell)
    for group in groups.values():
        yield sorted(group, key=lambda cell: cell.algorithm.label)


def at_once_of(parts: Sequence[Part], at_once: int | None = None) -> dict[str, int]:
    """Return how many images of each set are recovered side by side."""
    return {part.dataset: at_once or part.at_once for part in parts}
