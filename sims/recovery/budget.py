"""What a fit needs, known before it starts: bytes at its peak and multiply-adds a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from untrained.sims.networks.generators import Architecture
from untrained.sims.operators import Operator
from untrained.sims.recovery.csdip_settings import CSDIPSettings
from untrained.sims.runtime import memory_available


@dataclass(frozen=True)
class Need:
    """What a fit needs: bytes at its peak, and multiply-adds of the networks and operators a step."""

    memory: int
    products: int


def need(operators: Sequence[Operator], chosen: Architecture, settings: CSDIPSettings, device: torch.device) -> Need:
    """Estimate memory and work before starting, by a pass that only follows shapes."""
    copies = len(operators) * settings.restarts
    at_once = min(copies, copies_at_once(chosen, device) * (torch.get_num_threads() if device.type == "cpu" else 1))
    activations, products = _follow(chosen)
    held = sum(op.memory for op in operators) * (1 if len(operators) == 1 else 2)
    memory = held + 4 * at_once * (STATES * chosen.weights() + 3 * activations)
    return Need(memory, copies * (3 * products + 2 * operators[0].m * int(np.prod(operators[0].shape))))


STATES = 5
"""Numbers held for each weight by either optimiser: itself, its gradient, two moments and a temporary."""

PLENTY = 16 << 30
"""Bytes that a GPU is taken to have where it does not say."""

CACHE = 24 << 20
"""Bytes of weights and optimiser states that a core's caches are counted on for, by which problems are grouped."""


def copies_at_once(chosen: Architecture, device: torch.device) -> int:
    """Return how many networks to run as one program: what the caches hold, or on a GPU its memory."""
    bytes_a_copy = 4 * STATES * chosen.weights()
    if device.type == "cpu":
        return max(1, CACHE // bytes_a_copy)
    activations, _ = _follow(chosen)
    return max(1, int(0.8 * (memory_available(device) or PLENTY)) // (bytes_a_copy + 12 * activations))


def _follow(chosen: Architecture) -> tuple[int, int]:
    """Numbers in all layers' outputs, and multiply-adds of one forward pass."""
    totals = [0, 0]

    def count(layer: torch.nn.Module, inputs: Any, out: torch.Tensor) -> None:
        totals[0] += out.numel()
        for weight in layer.parameters(recurse=False):
            if weight.ndim == 4:
                pixels = inputs[0] if isinstance(layer, torch.nn.ConvTranspose2d) else out
                totals[1] += weight.numel() * pixels.shape[-1] * pixels.shape[-2]

    with torch.device("meta"), torch.no_grad():
        network = chosen.build()
        hooks = [m.register_forward_hook(count) for m in network.modules() if not list(m.children())]
        network(torch.empty(1, *chosen.latent_shape))
    for hook in hooks:
        hook.remove()
    return totals[0], totals[1]


def check_fits(
    operators: Sequence[Operator], chosen: Architecture, settings: CSDIPSettings, device: torch.device
) -> None:
    """Refuse a fit that cannot be held in the memory that is free.

    Raises
    ------
    ValueError
        with the advice what to make smaller.
    """
    free = memory_available(device)
    needed = need(operators, chosen, settings, device).memory - sum(
        op.memory for op in operators
    )  # these are held already
    if free is not None and needed > free:
        raise ValueError(
            f"the fit must be held in the {free / 1e9:.1f} GB of memory that is free, got a need of "
            f"{needed / 1e9:.1f} GB: ask for fewer restarts or images at once, or for a narrower network"
        )
