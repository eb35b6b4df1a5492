"""What every recovery method returns, and how it tells of its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

Watch = Callable[[int, int, float], None]
"""Told (step, steps in all, loss) as a method goes on."""


@dataclass(frozen=True)
class Recovery:
    """A recovered image with all that is needed to check it.

    `image` is (C, H, W) float32 on the CPU; `misfit` is ||y - A image||^2 of that very image; `outcome` is one of
    "converged", "steps ended", "stopped early", "diverged at step t" and "interrupted"; `certificate` holds what proves
    the quality of the solution (a duality gap), where there is such a thing.
    """

    image: torch.Tensor
    method: str
    settings: Mapping[str, Any]
    outcome: str
    misfit: float
    steps: int
    seconds: float
    certificate: Mapping[str, float] = field(default_factory=dict)
    trace: Mapping[str, list[float]] = field(default_factory=dict)
