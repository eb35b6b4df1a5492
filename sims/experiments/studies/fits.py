"""Fits of untrained networks to whole images, step by step: targets, optimisers, and steps that are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from untrained.sims.diagnosis.bias import target
from untrained.sims.experiments.studies.common import entry
from untrained.sims.experiments.study import TableRow
from untrained.sims.networks.copies import Copies
from untrained.sims.networks.network import Network
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array

OPTIMISERS = ("sgd", "adam")
"""SGD at 0.1 with momentum 0.9, and Adam at 0.01, as the paper's notebooks have them."""
IMAGE_NAMES, UNIFORM = ("shepp-logan", "camera"), "noise"


def picture(name: str, size: int, seed: int) -> Array:
    """An image of scikit-image, or uniform noise, as pixels (size * size,) on [-1, 1]."""
    if name == UNIFORM:
        return stream(seed, "uniform noise", size).uniform(-1, 1, size * size)
    return target(f"example:{name}", (1, size, size))


def fitted_outputs(
    network: Network, y: Array, seed: int, optimiser: str, steps: int, device: str = "cpu"
) -> Iterator[tuple[Array, Copies]]:
    """Yield the output (n,) before each of so many steps and after the last, and what holds the weights then.

    The loss is the mean square of the difference to y (n,), both halved as on [0, 1]; in single precision.

    Raises
    ------
    ValueError
        where the optimiser is unknown.
    """
    copies = network.copies(network.image_shape, [(seed, 0)], device=device)
    weights = [weight for weight in copies.weights.values() if weight.requires_grad]
    goal = torch.from_numpy(y).to(weights[0]).reshape(network.image_shape)
    descent = _optimiser(optimiser, weights)
    for step in range(steps + 1):
        image = copies(copies.z)[0]
        yield image.detach().cpu().double().numpy().reshape(-1), copies
        if step < steps:
            descent.zero_grad()
            ((image - goal) / 2).square().mean().backward()
            descent.step()


def _optimiser(name: str, weights: Sequence[torch.Tensor]) -> torch.optim.Optimizer:
    if name not in OPTIMISERS:
        raise ValueError(f"optimiser must be one of {', '.join(OPTIMISERS)}, got {name!r}")
    if name == "adam":
        return torch.optim.Adam(weights, lr=0.01)
    return torch.optim.SGD(weights, lr=0.1, momentum=0.9)


def checkpoints(steps: int, each_tenfold: int = 6) -> tuple[int, ...]:
    """0 and whole numbers spread by ratio from 1 to `steps`, so many to a factor of ten, both ends with them."""
    count = int(np.ceil(each_tenfold * np.log10(max(steps, 1)))) + 1
    inner = np.geomspace(1, max(steps, 1), max(count, 2)).round().astype(int)
    return (0, *sorted({int(t) for t in inner if t <= steps} | ({steps} if steps else set())))


def thinned(steps: int, stride: int) -> tuple[int, ...]:
    """One in so many checkpoints, with both ends: a record has room for no more."""
    return tuple(sorted({0, *checkpoints(steps)[1::stride], steps}))


def spread_entry(quantity: str, at: Mapping[str, Any], values: Iterable[float | None]) -> TableRow:
    """Median over seeds with the least and the most; seeds without a value are left out of it and of the count."""
    numbers = [float(value) for value in values if value is not None]
    if not numbers:
        return entry("simulation", quantity, at, None, None, None, 0)
    return entry("simulation", quantity, at, float(np.median(numbers)), min(numbers), max(numbers), len(numbers))
