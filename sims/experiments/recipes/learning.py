"""What an algorithm learns from other images of its set: the law of networks' weights for Table 1, CSGM's generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from untrained.sims.experiments.recipes.cells import (
    ImageCell,
    fingerprint,
    hash_of,
    image_seed,
    image_set,
    settings_of,
    versions_of,
)
from untrained.sims.experiments.recipes.recipe import Learned
from untrained.sims.files import cache_folder
from untrained.sims.networks.vae import save_generator, train_generator
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.progress import Progress
from untrained.sims.recovery.csdip import fitted_weights
from untrained.sims.recovery.learned_prior import learn_prior, save_prior


def learned_file(cell: ImageCell, device: torch.device, progress: Progress | None = None) -> Path:
    """Return the file with what a cell's algorithm learns, learned now unless it was before, also by another.

    Raises
    ------
    ValueError
        where the set holds too few images, or the cache folder cannot be written to.
    """
    learned = cell.algorithm.learned
    assert learned is not None
    images, least = image_set(cell.dataset), learned.first + learned.count
    if len(images) < least:
        raise ValueError(f"{cell.dataset} must hold {least} images to learn from, got {len(images)}")
    images = images[learned.first : least]
    path = _folder() / f"{learned.what}-{_key(cell, learned, images)}.npz"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            _LEARNERS[learned.what](path, cell, learned, images, device, progress)
    return path


def _folder() -> Path:
    folder = cache_folder() / "learned"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        at = f"{folder} ({error.strerror}); XDG_CACHE_HOME names another"
        raise ValueError(f"the cache folder must be one that can be written to, got {at}") from error
    return folder


def _key(cell: ImageCell, learned: Learned, images: torch.Tensor) -> str:
    content = {
        "versions": versions_of(cell),
        "dataset": cell.dataset,
        "pixels": fingerprint(images),
        "learned": asdict(learned),
    }
    if learned.what == "prior":
        content |= {
            "setup": replace(cell.setup, variance=0.0).as_fields(),
            "settings": asdict(settings_of(cell.algorithm)),
        }
    return hash_of(content)


def _prior(
    path: Path, cell: ImageCell, learned: Learned, images: torch.Tensor, device: torch.device, progress: Progress | None
) -> None:
    """Fit a network to each image's measurements, by its own A and without noise, and learn the law of the weights.

    Source: vanveen18 Section 3.2.1, Algorithm 1
    """
    numbers = range(learned.first, learned.first + learned.count)
    weights = [_weights(cell, number, image, device, progress) for number, image in zip(numbers, images, strict=True)]
    save_prior(path, learn_prior(weights, meta={"dataset": cell.dataset, "images": list(numbers)}))


def _weights(
    cell: ImageCell, number: int, image: torch.Tensor, device: torch.device, progress: Progress | None
) -> Mapping[str, torch.Tensor]:
    seed, setup = image_seed(cell.dataset, number), cell.setup
    c, h, w = image.shape
    operator = make_operator(setup.operator, (c, h, w), setup.m, seed, device, **setup.options())
    y = measure(image.to(device), operator).y
    return fitted_weights(operator, y, settings_of(cell.algorithm), seed=seed, watch=progress)


def _generator(
    path: Path, cell: ImageCell, learned: Learned, images: torch.Tensor, device: torch.device, progress: Progress | None
) -> None:
    """Train on images that are not evaluated; it is done on the CPU, whatever the device."""
    save_generator(path, train_generator(images, watch=progress))


_LEARNERS: Mapping[str, Callable[..., Any]] = {"prior": _prior, "generator": _generator}
