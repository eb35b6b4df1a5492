"""What a network takes, known before it is run in earnest: weights, activations, multiply-adds, bytes and seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn

from untrained.sims.networks.network import Network
from untrained.sims.networks.probe import run_module
from untrained.sims.runtime import memory_available

VECTORS, VECTORS_A_SEED = 50, 5
"""Vectors of weights in float64 that an examination holds at its peak, and what each further seed adds (measured)."""

SQUARES, SQUARES_A_SEED = 4, 2
"""Matrices (n, n) of a whole spectrum at its peak, and what each seed keeps of its own (measured)."""

SEARCH, DESCENTS, ROW = 4000, 20, 3
"""Runs forth and back that the search for perturbations takes, a step of all descents, and a row of J J^T (measured).

Networks of 0.02 to 3 million weights came within a factor of 2.5 of this.
"""


LEAST_TRIED, LEAST_SECONDS = 4, 0.4
"""Steps after the first, and seconds, that an estimate is made of at least."""


@dataclass(frozen=True)
class Estimate:
    """What something long will take: seconds, and bytes at its peak; `at_most` where a rule may end it before.

    `besides` names what takes time of its own that nobody can tell.
    """

    seconds: float
    memory: int
    at_most: bool = False
    besides: str = ""

    def __str__(self) -> str:
        others = f", besides what {self.besides} will take" if self.besides else ""
        return f"{'at most ' if self.at_most else ''}about {self.seconds:.3g} s and {self.memory / 1e9:.2g} GB{others}"


@dataclass(frozen=True)
class NetworkSize:
    """Weights, numbers in all layers' outputs, and multiply-adds of one forward pass of a network."""

    weights: int
    activations: int
    products: int


def size_of(network: Network) -> NetworkSize:
    """Count by one pass; a generator known by name is followed by its shapes alone, whatever its size.

    Raises
    ------
    ValueError
        where a network of a user's own cannot be run.
    """
    if network.build is None or network.latent is None:
        return _counted(network.module, network.z)
    with torch.device("meta"):
        return _counted(network.build(), torch.empty(1, *network.latent.shape))


def count_of(network: Network) -> int:
    """Weights of a network, which is not run for it."""
    if network.build is None:
        return sum(weight.numel() for weight in network.start(0)[0].parameters())
    return network.size.weights


def examination_estimate(network: Network, *, seeds: int, steps: int, rows: Callable[[int], int]) -> Estimate:
    """Estimate what `check` takes, from its weights and the time of a run forth and back, before anything long begins.

    `rows(n)` says how many products with J J^T (n, n) a spectrum takes; it is whole where they are n.

    Raises
    ------
    ValueError
        where it would not fit into the memory that is free, or the network cannot be examined.
    """
    memory = check_examination_fits(network, seeds)
    one = network.draw(0)
    runs = SEARCH + DESCENTS * steps + ROW * seeds * rows(one.n)
    if rows(one.n) == one.n:
        memory += 8 * one.n**2 * (SQUARES + SQUARES_A_SEED * seeds)
    else:  # half of the products build a basis, which is held
        memory += 8 * one.n * (rows(one.n) // 2)
    _check_fits(network.name, memory, f"{one.n} outputs", "an output of fewer numbers, or fewer seeds")
    return Estimate(runs * _seconds_a_run(one), memory)


def check_examination_fits(network: Network, seeds: int) -> int:
    """Return the bytes that `check` takes for its vectors of weights.

    Raises
    ------
    ValueError
        where they do not fit into the memory that is free.
    """
    count = count_of(network)
    memory = 8 * count * (VECTORS + VECTORS_A_SEED * (seeds - 1))
    _check_fits(network.name, memory, f"{count} weights", "a narrower network, or fewer seeds")
    return memory


def _check_fits(name: str, memory: int, what: str, advice: str) -> None:
    free = memory_available()
    if free is not None and memory > free:
        raise ValueError(
            f"{name} must be examined in the {free / 1e9:.1f} GB of memory that is free, got a need of "
            f"{memory / 1e9:.1f} GB for its {what}: take {advice}"
        )


def _seconds_a_run(network: Network) -> float:
    """The shorter time of two runs forth and back."""
    weights, times = [network.parameter(name) for name in network.weights], []
    for _ in range(2):
        begun = time.perf_counter()
        y = network.output()
        torch.autograd.grad(y, weights, torch.ones_like(y), allow_unused=True)
        times.append(time.perf_counter() - begun)
    return min(times)


def _counted(module: nn.Module, z: torch.Tensor) -> NetworkSize:
    totals = [0, 0]

    def count(layer: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, torch.Tensor):
            return
        totals[0] += output.numel()
        for weight in layer.parameters(recurse=False):
            totals[1] += _products(layer, weight, inputs[0] if inputs else output, output)

    hooks = [layer.register_forward_hook(count) for layer in module.modules() if not list(layer.children())]
    try:
        with torch.enable_grad():  # which a forward may ask for
            run_module(module, z)
    finally:
        for hook in hooks:
            hook.remove()
    return NetworkSize(sum(weight.numel() for weight in module.parameters()), *totals)


def _products(layer: nn.Module, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> int:
    """Multiply-adds of one weight: a kernel's entries meet every pixel, a matrix's every row."""
    if weight.ndim > 2:
        pixels = x if isinstance(layer, nn.modules.conv._ConvTransposeNd) else y
        return weight.numel() * prod(pixels.shape[2 - weight.ndim :])
    return weight.numel() * (y.numel() // y.shape[-1]) if weight.ndim == 2 and y.ndim else 0
