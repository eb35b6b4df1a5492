"""A2 attacked: how much the Jacobian changes, at least, within a ball around theta_0, and where it is too much.

What is found is a lower bound, so an attack can refute A2 and never prove it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from untrained.sims.diagnosis.adversarial.hunt import CLOSER, PLENTY, Found, Hunt, Watch
from untrained.sims.networks.network import Network


@dataclass(frozen=True)
class Attack:
    """||J(theta) - J(theta_0)|| >= `found` at `distance` <= `radius` along `direction`; by name in `tried`.

    `bound` is the one given, or what may be rounding where that is more. `passed_at` is the least distance at which it
    was seen passed (along `passed_by`), None where it never was; `largest` the largest ||J(theta)|| met. `further` is
    what some of the pushes did a thousand times further out.
    """

    radius: float
    bound: float
    found: float
    direction: str
    distance: float
    passed_at: float | None
    passed_by: str | None
    largest: float
    tried: dict[str, float]
    further: dict[str, float]

    @property
    def refuted(self) -> bool:
        """Whether ||J(theta) - J(theta_0)|| <= bound was seen to fail inside the ball."""
        return self.found > self.bound


def attack(
    network: Network,
    radius: float,
    *,
    bound: float,
    seed: int = 0,
    effort: int = 3,
    paths: Mapping[str, torch.Tensor] | None = None,
    watch: Watch | None = None,
) -> Attack:
    """Attack ||J(theta) - J(theta_0)|| <= bound (alpha/3) for ||theta - theta_0|| <= radius.

    Pushed are: random directions; all weights and each layer's, shrunk to zero and grown; the given `paths` (count,),
    such as where a descent went; flips of as many rectifiers as can be reached; then ascents of u^T J(theta) v from
    the best, at most `effort` at a time. Where the bound is passed the ball shrinks and all is tried again. With
    effort 0 there are no ascents, and the first push that passes the bound many times over ends the first search.

    Raises
    ------
    ValueError
        where the radius is not finite and above 0, the bound is negative or not a number, or a path is of another
        length.
    Source: vanveen18 Theorem B.5, A2
    """
    if not 0 < radius < math.inf:
        raise ValueError(f"radius must be finite and above 0, got {radius}")
    if not 0 <= bound < math.inf:
        raise ValueError(f"bound must be a finite number >= 0, got {bound}")
    for name, path in (paths or {}).items():
        if path.shape != (network.count,):
            raise ValueError(f"path {name!r} must have shape ({network.count},), got {tuple(path.shape)}")
    hunt = Hunt(network, seed, effort, bound, paths or {}, watch)
    best = hunt.search(radius, math.inf if effort else PLENTY * hunt.bound)
    passed = _nearest(hunt, best) if best.change.norm > hunt.bound else None
    best = hunt.top or best
    return Attack(
        radius, hunt.bound, best.change.norm, best.name, best.distance,
        None if passed is None else passed.distance, None if passed is None else passed.name,
        hunt.largest, hunt.tried, hunt.further(radius, best),
    )  # fmt: skip


def _nearest(hunt: Hunt, best: Found) -> Found:
    """The nearest point at which the bound is passed: a first flip or on the way to the best; then in smaller balls."""
    passed = hunt.flipped(best.distance) or hunt.closer(best)
    while passed.distance > hunt.least:
        best = hunt.again(CLOSER * passed.distance)
        if best.change.norm <= hunt.bound:
            break
        passed = hunt.closer(best)
    return passed
