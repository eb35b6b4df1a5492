"""What a fit needs, known before it starts: bytes at its peak and multiply-adds a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.recovery.csdip_settings import CSDIPSettings
from untrained.sims.runtime import memory_available


@dataclass(frozen=True)
class Need:
    """What a fit needs: bytes at its peak, and multiply-adds of the networks and operators a step."""

    memory: int
    products: int


def need(operators: Sequence[Operator], chosen: Network, settings: CSDIPSettings, device: torch.device) -> Need:
    """Estimate memory and work before starting, by a pass that only follows shapes."""
    copies = len(operators) * settings.restarts
    at_once = min(copies, copies_at_once(chosen, device) * (torch.get_num_threads() if device.type == "cpu" else 1))
    size = chosen.size
    operators_hold = sum(op.memory for op in operators) * (1 if len(operators) == 1 else 2)
    memory = operators_hold + 4 * at_once * (STATES * size.weights + 3 * size.activations)
    return Need(memory, copies * (3 * size.products + 2 * operators[0].m * int(np.prod(operators[0].shape))))


STATES = 5
"""Numbers held for each weight by either optimiser: itself, its gradient, two moments and a temporary."""

GPU_MEMORY = 16 << 30
"""Bytes that a GPU is taken to have where it does not say."""

CACHE = 24 << 20
"""Bytes of weights and optimiser states that a core's caches are counted on for, by which problems are grouped."""


def copies_at_once(chosen: Network, device: torch.device) -> int:
    """Return how many networks to run as one program: what the caches hold, or on a GPU its memory."""
    bytes_a_copy = 4 * STATES * chosen.size.weights
    if device.type == "cpu":
        return max(1, CACHE // bytes_a_copy)
    bytes_a_copy += 12 * chosen.size.activations
    return max(1, int(0.8 * (memory_available(device) or GPU_MEMORY)) // bytes_a_copy)


def check_fits(operators: Sequence[Operator], chosen: Network, settings: CSDIPSettings, device: torch.device) -> None:
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
