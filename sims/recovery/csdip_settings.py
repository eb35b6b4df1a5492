"""What a CS-DIP fit depends on, the presets by name, and what a fit needs: bytes at its peak, multiply-adds a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import torch

from untrained.sims.networks.generators import ARCHITECTURES
from untrained.sims.networks.initialisation import LAWS
from untrained.sims.networks.loading import KNOWN_NETWORKS
from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator, Shape
from untrained.sims.recovery.stopping import RULES
from untrained.sims.runtime import memory_available

_COMBINATIONS = ("best", "mean", "plausible")


@dataclass(frozen=True)
class CSDIPSettings:
    """Everything a fit depends on, beside measurements and seed; the defaults are the paper's.

    `network` is a generator's name, which takes the shape of the image, a name with options such as
    `deep-decoder@64x64`, or `FILE.py:FACTORY`; `initialisation` is the law of the named ones.
    `tv_scale`, where it is above 0, makes the penalty concave: a jump d counts tv_scale log(1 + |d|/tv_scale), so that
    steep edges cost little more than small ones; 0 is total variation itself.
    `tv_by_noise` times the deviation of A^T eta's pixels, `noise`/sqrt(m gain), is the least weight of the penalty.
    `combine` says what restarts give: "best" is the restart of least misfit, "mean" their average image, "plausible"
    their average by how plausible each is (`plausible_weights`).
    `average` is the decay of an exponential average of the iterates, which is then what is returned (0: no average).
    `input_noise` is the standard deviation of fresh noise on z at every step; over `warm_up` steps the learning rate
    grows from nothing, so that the first ones, large while gradients are unknown, do not kill whole regions of ReLUs.

    Source: vanveen18 eq. 3 and Appendix A; Candes, Wakin and Boyd 2008 (the penalty that is concave)
    """

    network: str = "dcgan"
    network_options: Mapping[str, Any] = field(default_factory=dict)
    initialisation: str = "torch-0.4.1"
    optimiser: str = "rmsprop"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    warm_up: int = 0
    steps: int = 1000
    tv_weight: float = 0.01
    tv_scale: float = 0.0
    tv_by_noise: float = 0.0
    prior: str | None = None
    prior_weight: float = 0.0
    restarts: int = 1
    combine: str = "best"
    average: float = 0.0
    input_noise: float = 0.0
    stopping: str = "last-window"
    window: int | None = None
    held_out: float = 0.1
    noise: float = 0.0
    compile: bool = False

    def __post_init__(self) -> None:
        if self.network.partition("@")[0] not in (*ARCHITECTURES, *KNOWN_NETWORKS) and ":" not in self.network:
            names = ", ".join(dict.fromkeys((*ARCHITECTURES, *KNOWN_NETWORKS)))
            raise ValueError(f"network must be one of {names}, or FILE.py:FACTORY, got {self.network!r}")
        _one_of("initialisation", self.initialisation, LAWS)
        _one_of("optimiser", self.optimiser, ("rmsprop", "adam"))
        _one_of("combine", self.combine, _COMBINATIONS)
        _one_of("stopping", self.stopping, RULES)
        for name, low in (("steps", 1), ("restarts", 1)):
            _at_least(name, getattr(self, name), low)
        if self.window is not None:
            _at_least("window", self.window, 1)
        for name in ("tv_weight", "tv_scale", "tv_by_noise", "prior_weight", "input_noise", "noise", "warm_up"):
            _at_least(name, getattr(self, name), 0)
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        for name in ("average", "momentum", "held_out"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, got {getattr(self, name)}")
        if self.prior_weight and not self.prior:
            raise ValueError("prior_weight needs a learned prior, got none: name its file with prior")

    def penalty_weight(self, m: int, gain: float) -> float:
        """The weight of the image's penalty in a fit of m measurements whose squares A makes `gain` times a pixel's."""
        return max(self.tv_weight, self.tv_by_noise * self.noise / sqrt(m * gain))

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        return self.learning_rate * min(1.0, step / (self.warm_up + 1))


def _one_of(name: str, value: str, names: Sequence[str]) -> None:
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}")


def _at_least(name: str, value: float, low: float) -> None:
    if not value >= low:
        raise ValueError(f"{name} must be at least {low}, got {value}")


_SMOOTH: dict[str, Any] = {
    "network": "decoder",
    "network_options": {"width": 24, "slope": 0.1},
    "tv_weight": 0.05,
    "tv_by_noise": 0.9,
    "warm_up": 20,
    "average": 0.95,
}
_EDGES: dict[str, Any] = {"tv_weight": 0.07, "tv_scale": 0.3}
_CRISP: dict[str, Any] = {"network_options": {"width": 24, "slope": 0.1, "upsampling": "nearest"}, "tv_weight": 0.01}
_SHARP: dict[str, Any] = {
    "network": "dcgan",
    "network_options": {"width": 32, "slope": 0.1},
    "warm_up": 100,
}
_STEADY: dict[str, Any] = {"tv_weight": 0.3, "learning_rate": 1e-4}
PRESETS = {
    "paper": CSDIPSettings(),
    "fast": CSDIPSettings(**_SMOOTH, steps=800),
    "smooth": CSDIPSettings(**(_SMOOTH | _EDGES), steps=800),
    "crisp": CSDIPSettings(**(_SMOOTH | _CRISP), steps=800),
    "sharp": CSDIPSettings(**(_SMOOTH | _SHARP), steps=500),
    "steady": CSDIPSettings(**(_SMOOTH | _SHARP | _STEADY), steps=1000),
}
"""`paper`: eq. 3 as published. `smooth`: a smaller network of smooth upsampling, more TV, averages. `crisp`: the
same without smoothing and with less TV, where much is measured. `sharp`: a narrow DCGAN with a warm-up. `steady`: the
same by shorter steps and with more TV, where what is measured are some coefficients of a transform. `fast`: smooth or
sharp, by the size of the image and how much of it is measured; see `preset`.
"""

LARGE, MUCH = 64 * 64, 0.02
"""Pixels above which, and measurements a number of the image from which on, a sharper network recovers more.

At 64x64 it does from a quarter of the numbers without noise, but not with noise, nor in holes.
"""


def preset(name: str, operator: Operator) -> CSDIPSettings:
    """Return the settings that a preset's name stands for when an image is recovered from these measurements.

    Raises
    ------
    ValueError
        where there is no such preset.
    """
    _one_of("preset", name, tuple(PRESETS))
    if name != "fast" or is_small(operator.shape) or operator.m < MUCH * operator.n:
        return PRESETS[name]
    return PRESETS["sharp"]


def is_small(shape: Shape) -> bool:
    """Whether an image (C, H, W) is of few pixels, for which presets have settings of their own."""
    return shape[1] * shape[2] <= LARGE


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
