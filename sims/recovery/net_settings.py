"""What Net-GD, Net-PGD and their phase retrieval depend on, and the presets by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from untrained.sims.networks.generators import ARCHITECTURES
from untrained.sims.networks.initialisation import LAWS
from untrained.sims.recovery.stopping import RULES

STARTS = ("random", "centred", "spectral")
_COMBINATIONS = ("best", "mean", "weighted")


def one_of(name: str, value: str, names: tuple[str, ...]) -> None:
    """Refuse a value that is none of the names."""
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}")


def within(name: str, value: float, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Refuse a value outside [low, high), or (low, high) with `above`."""
    if not (low < value < high if above else low <= value < high):
        least = f"above {low:g}" if above else f"at least {low:g}"
        most = "" if math.isinf(high) else f" and below {high:g}"
        raise ValueError(f"{name} must be {least}{most}, got {value}")


@dataclass(frozen=True)
class NetGDSettings:
    """What a Net-GD fit depends on, beside measurements and seed; the defaults are those of the published code.

    Images u are on [0, 1], as in the paper. What descends is (||A u - y||^2 + tv_weight TV(u))/m, u = G(w; z), by SGD
    with momentum or by Adam; with `decay` the learning rate falls to 2 % of itself along a cosine. `average` is the
    decay of an exponential average of the iterates, which is then what is returned.
    `combine` says what restarts give: "best" is the one of least ||A u - y||^2 + tv_weight TV(u), "weighted" the
    average with Gibbs weights in it, "mean" the plain one. None looks at the truth.
    `witnesses` are restarts beside those, fitted without a share `held_out` of the measurements, by which the error of
    the image is bounded (see `error_bar`); they have no part in the image.
    With the rule "held-out" every restart is fitted without that share, one half of which chooses and the other bounds.
    `start` is where descent begins: weights as drawn, or fitted to a centred blob or to a spectral estimate.

    Source: jagatap19 Section 4 and the published code (Net-GD).
    """

    network: str = "pixelwise"
    network_options: Mapping[str, Any] = field(default_factory=dict)
    initialisation: str = "torch-today"
    optimiser: str = "sgd"
    learning_rate: float = 0.08
    momentum: float = 0.9
    decay: bool = False
    warm_up: int = 0
    steps: int = 5000
    tv_weight: float = 0.0
    restarts: int = 1
    combine: str = "best"
    average: float = 0.0
    start: str = "random"
    stopping: str = "fixed"
    window: int | None = None
    witnesses: int = 1
    held_out: float = 0.1
    noise: float = 0.0

    def __post_init__(self) -> None:
        one_of("network", self.network, tuple(ARCHITECTURES))
        one_of("initialisation", self.initialisation, LAWS)
        one_of("optimiser", self.optimiser, self.optimisers())
        one_of("combine", self.combine, _COMBINATIONS)
        one_of("start", self.start, STARTS)
        one_of("stopping", self.stopping, RULES)
        within("learning_rate", self.learning_rate, 0, above=True)
        for name in ("steps", "restarts"):
            within(name, getattr(self, name), 1)
        for name in ("tv_weight", "warm_up", "witnesses", "noise"):
            within(name, getattr(self, name), 0)
        for name in ("momentum", "average"):
            within(name, getattr(self, name), 0, 1)
        within("held_out", self.held_out, 0, 1, above=True)
        if self.window is not None:
            within("window", self.window, 1)

    def optimisers(self) -> tuple[str, ...]:
        """The optimisers there are."""
        return ("sgd", "adam")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        fall = max(0.02, (1 + math.cos(math.pi * step / self.steps)) / 2) if self.decay else 1.0
        return self.learning_rate * fall * min(1.0, step / (self.warm_up + 1))


@dataclass(frozen=True)
class NetPGDSettings(NetGDSettings):
    """What a Net-PGD fit depends on: `steps` outer ones of length `eta`, each followed by a projection.

    The projection min_w ||v - G(w; z)||^2 + tv_weight TV starts from the weights it has, and is taken as solved once an
    inner step lowers the misfit of the mean problem by less than `tolerance` of itself, at the latest after
    `inner_steps`; how far from solved they were is in the recovery's certificate. `outer_momentum` is that of the
    gradient step, which Algorithm 1 has not and the published code has; its length there, 10 on the mean of squares,
    is 20/m of ours, which `eta` None stands for.

    Source: jagatap19 Algorithm 1 and the published code (Net-PGD).
    """

    eta: float | None = None
    outer_momentum: float = 0.9
    inner_steps: int = 12
    tolerance: float = 0.0
    learning_rate: float = 0.5
    steps: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta is not None:
            within("eta", self.eta, 0, above=True)
        within("outer_momentum", self.outer_momentum, 0, 1)
        within("inner_steps", self.inner_steps, 1)
        within("tolerance", self.tolerance, 0, 1)

    def length(self, m: int) -> float:
        """The length of a gradient step for m measurements."""
        return 20.0 / m if self.eta is None else self.eta


@dataclass(frozen=True)
class NetPhaseSettings(NetPGDSettings):
    """What phase retrieval depends on: Algorithm 2 ("pgd"), or descent on || |A u| - y ||^2 ("gd").

    Source: jagatap19 Algorithm 2.
    """

    algorithm: str = "pgd"
    witnesses: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("algorithm", self.algorithm, ("gd", "pgd"))
