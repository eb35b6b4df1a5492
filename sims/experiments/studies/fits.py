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
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.conv_decoder import ConvDecoderFit, ConvDecoderSettings
from untrained.sims.recovery.net_fit import FittedRows, Measured
from untrained.sims.recovery.net_gd import network_of
from untrained.theory.objects.shapes import Array

OPTIMISERS = ("sgd", "adam")
"""SGD at 0.1 with momentum 0.9, and Adam at 0.01, as the paper's notebooks have them."""
DECODER_AND_UNET = ("conv-decoder", "skip-unet")
"""The two networks of heckel20a's figures 1 and 12."""
IMAGE_NAMES, UNIFORM = ("shepp-logan", "camera"), "noise"


def picture(name: str, size: int, seed: int) -> Array:
    """An image of scikit-image, or uniform noise, as pixels (size * size,) on [-1, 1]."""
    if name == UNIFORM:
        return stream(seed, "uniform noise", size).uniform(-1, 1, size * size)
    return target(f"example:{name}", (1, size, size))


def doubling_decoder(channels: int, size: int) -> Network:
    """The decoder of images (1, size, size) from 4x4 or four doublings below, whichever is larger."""
    return architecture("conv-decoder", (1, size, size), channels=channels, depth=min(4, int(np.log2(size)) - 2))


def decoder_course(
    operator: Operator, y: torch.Tensor, x: torch.Tensor, settings: ConvDecoderSettings, seed: int, device: str
) -> tuple[Measured, Array, Array]:
    """Fit y (m,): what is fitted, and before each step the misfit minimised and the mean squared error on [0, 1].

    x is the truth (C, H, W) on [-1, 1]; both courses are (steps,).
    """
    operator, truth = operator.to(device), x.to(device)
    data = Measured([operator], y[None].to(device), 1)
    rows = FittedRows(data.m, settings.held_out, [seed], [False], split=False).to(data.y.device)
    fit = ConvDecoderFit(network_of(settings, operator), data, rows, settings, [(seed, 0)])
    misfits, errors = np.empty(settings.steps), np.empty(settings.steps)
    for step in range(1, settings.steps + 1):
        now = fit.advance(step)
        misfits[step - 1] = float(now.misfits[0])
        # Pixels of [-1, 1]: the square is four times that on [0, 1].
        errors[step - 1] = float((now.images[0] - truth).square().mean()) / 4
    return data, misfits, errors


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
    inner = steps_by_ratio(1, max(steps, 1), max(count, 2))
    return (0, *sorted({t for t in inner if t <= steps} | ({steps} if steps else set())))


def steps_by_ratio(first: int, last: int, count: int) -> list[int]:
    """So many whole numbers, as near to even in the logarithm as they can be; small ones may come twice."""
    return [int(t) for t in np.geomspace(first, last, count).round()]


def first_at(values: Sequence[float] | np.ndarray, level: float) -> int | None:
    """First place at which a value is at most the level; None where none is."""
    below = np.flatnonzero(np.asarray(values) <= level)
    return int(below[0]) if len(below) else None


def thinned(steps: int, stride: int) -> tuple[int, ...]:
    """One in so many checkpoints, with both ends: a record has room for no more."""
    return tuple(sorted({0, *checkpoints(steps)[1::stride], steps}))


def spread_entry(quantity: str, at: Mapping[str, Any], values: Iterable[float | None]) -> TableRow:
    """Median over seeds with the least and the most; seeds without a value are left out of it and of the count."""
    numbers = [float(value) for value in values if value is not None]
    if not numbers:
        return entry("simulation", quantity, at, None, None, None, 0)
    return entry("simulation", quantity, at, float(np.median(numbers)), min(numbers), max(numbers), len(numbers))
