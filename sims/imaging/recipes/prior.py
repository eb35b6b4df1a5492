"""The learned regularisation of Table 1: networks fitted to other images, and the law of their weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from sims.imaging.learned_prior import Weights, learn_prior, save_prior
from sims.imaging.recipes.cells import Cell, engines, fingerprint, image_seed, settings_of
from sims.imaging.recovery.result import Watch
from sims.imaging.sensing import make_operator


def learned_prior(
    cell: Cell, images: torch.Tensor, device: torch.device, folder: Path, watch: Watch | None = None
) -> Path:
    """Return the file with the law of the weights for a cell's run and m, learned now unless it was before.

    Each of the prior's images is measured without noise by its own A, and fitted without the prior.

    Raises
    ------
    ValueError
        where the set holds too few images.

    Source: vanveen18 Section 3.2.1, Algorithm 1
    """
    plan = cell.run.prior
    assert plan is not None
    numbers = range(plan.first, plan.first + plan.count)
    if len(images) < numbers.stop:
        raise ValueError(f"{cell.dataset} must hold {numbers.stop} images to learn from, got {len(images)}")
    path = folder / f"prior-{_key(cell, images[plan.first : numbers.stop])}.npz"
    if not path.exists():
        fitted = [_fitted(cell, i, images[i], device, watch) for i in numbers]
        save_prior(path, learn_prior(fitted, meta={"dataset": cell.dataset, "images": list(numbers)}))
    return path


def _key(cell: Cell, images: torch.Tensor) -> str:
    content = {
        "code": engines(),
        "dataset": cell.dataset,
        "images": [fingerprint(image) for image in images],
        "setup": asdict(replace(cell.setup, variance=0.0)),
        "settings": asdict(settings_of(cell.run)),
        "prior": asdict(cell.run.prior) if cell.run.prior else None,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _fitted(cell: Cell, number: int, image: torch.Tensor, device: torch.device, watch: Watch | None) -> Weights:
    """Weights of the network fitted to one image's measurements."""
    seed, setup = image_seed(cell.dataset, number), cell.setup
    c, h, w = image.shape
    operator = make_operator(setup.operator, (c, h, w), setup.m, seed, device, **setup.options())
    with torch.no_grad():
        y = operator.forward(image.to(device))
    return _weights(operator, y, settings_of(cell.run), seed, watch)


def _weights(operator: Any, y: torch.Tensor, settings: Any, seed: int, watch: Watch | None) -> Weights:
    from sims.imaging.recovery import csdip

    chosen = csdip.architecture(settings.network, operator.shape, **settings.network_options)
    data = csdip._Data([operator], y[None], settings, seed)
    fit = csdip._Fit(chosen, data, settings, [seed], y.device)
    for step in range(1, settings.steps + 1):
        seen = fit.advance(step)
        if watch is not None and step % 10 == 0:
            watch(step, settings.steps, float(seen.misfits.mean()))
    return fit.network.copy_of(0)
