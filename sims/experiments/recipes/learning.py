"""What a run learns from other images of its set: the law of networks' weights for Table 1, CSGM's generator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from untrained.sims.experiments.recipes.cells import Cell, fingerprint, image_seed, settings_of, versions_of
from untrained.sims.experiments.recipes.recipe import Learned
from untrained.sims.networks.vae import save_generator, train_generator
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.progress import Progress
from untrained.sims.recovery.csdip import fitted_weights
from untrained.sims.recovery.learned_prior import learn_prior, save_prior


def learned_file(
    cell: Cell, images: torch.Tensor, device: torch.device, folder: Path, watch: Progress | None = None
) -> Path:
    """Return the file with what a cell's run learns, learned now unless it was before; images are the whole set's.

    Raises
    ------
    ValueError
        where the set holds too few images.
    """
    plan = cell.run.learned
    assert plan is not None
    if len(images) < plan.first + plan.count:
        raise ValueError(f"{cell.dataset} must hold {plan.first + plan.count} images to learn from, got {len(images)}")
    path = folder / f"{plan.what}-{_key(cell, plan, images[plan.first : plan.first + plan.count])}.npz"
    if not path.exists():
        _LEARNERS[plan.what](path, cell, plan, images, device, watch)
    return path


def _key(cell: Cell, plan: Learned, images: torch.Tensor) -> str:
    content = {
        "versions": versions_of(cell.setup, cell.run),
        "dataset": cell.dataset,
        "pixels": fingerprint(images),
        "plan": asdict(plan),
    }
    if plan.what == "prior":
        content |= {"setup": asdict(replace(cell.setup, variance=0.0)), "settings": asdict(settings_of(cell.run))}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _prior(
    path: Path, cell: Cell, plan: Learned, images: torch.Tensor, device: torch.device, watch: Progress | None
) -> None:
    """Fit a network to each image's measurements, by its own A and without noise, and learn the law of the weights.

    Source: vanveen18 Section 3.2.1, Algorithm 1
    """
    numbers = range(plan.first, plan.first + plan.count)
    fitted = [_fitted(cell, number, images[number], device, watch) for number in numbers]
    save_prior(path, learn_prior(fitted, meta={"dataset": cell.dataset, "images": list(numbers)}))


def _fitted(
    cell: Cell, number: int, image: torch.Tensor, device: torch.device, watch: Progress | None
) -> Mapping[str, torch.Tensor]:
    seed, setup = image_seed(cell.dataset, number), cell.setup
    c, h, w = image.shape
    operator = make_operator(setup.operator, (c, h, w), setup.m, seed, device, **setup.options())
    y = measure(image.to(device), operator).y
    return fitted_weights(operator, y, settings_of(cell.run), seed=seed, watch=watch)


def _generator(
    path: Path, cell: Cell, plan: Learned, images: torch.Tensor, device: torch.device, watch: Progress | None
) -> None:
    """Train on images that are not evaluated; it is done on the CPU, whatever the device."""
    save_generator(path, train_generator(images[plan.first : plan.first + plan.count], watch=watch))


_LEARNERS: Mapping[str, Callable[..., Any]] = {"prior": _prior, "generator": _generator}
