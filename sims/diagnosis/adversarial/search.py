"""A2 attacked: how much the Jacobian changes, at least, within a ball around theta_0, and where it is too much.

What comes out is a lower bound, so a search can refute A2 and never prove it. Perturbed are the weights: plain
perturbations, flips of rectifiers, ascents, in balls that shrink.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch

from untrained.sims.diagnosis.adversarial.difference import Change, Difference
from untrained.sims.diagnosis.adversarial.perturbations import (
    Perturbation,
    ascents,
    nearest_flips,
    plain_perturbations,
    sign_flips,
)
from untrained.sims.lanczos import leading_vector
from untrained.sims.networks.network import Network
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream

QUICK, CAREFUL = 3, 10
"""Steps of Lanczos for a push that is tried, and for one that won."""
PLENTY = 10.0
"""A change of so many times the bound needs no ascent."""
FURTHER = 1000.0
"""How much further out the attack must succeed to be worth anything."""
ROUNDING = 1e-10
"""Changes of this share of ||J_0|| may be rounding (which is 1e-16 times some thousand sums), and pass no bound."""
CLOSER, SHARP = 0.8, 1.05
"""The next ball, in units of the distance at which the bound was passed; to what factor that distance is found."""


@dataclass
class Candidate:
    """A perturbation of the weights, how far it goes, and how much the Jacobian changes there."""

    name: str
    step: torch.Tensor
    distance: float
    change: Change


@dataclass
class _Search:
    """One network under attack; `top` is the most that was found, and moves below `least` are rounding."""

    network: Network
    seed: int
    effort: int
    bound: float
    paths: Mapping[str, torch.Tensor]
    progress: Progress | None
    difference: Difference = field(init=False)
    largest: float = 0.0
    count: int = 0
    top: Candidate | None = None
    changes: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.difference = Difference(self.network)
        theta = self.network.vector()
        self.draw = torch.from_numpy(stream(self.seed, "attack", "start").standard_normal(self.network.n)).to(theta)
        base = self.difference.base
        self.u = _leading(base, self.draw)
        self.largest = float(base.adjoint(self.u).norm())
        self.bound = max(self.bound, ROUNDING * self.largest)
        self.least = torch.finfo(theta.dtype).eps * float(theta.norm())

    def at(self, name: str, step: torch.Tensor, u: torch.Tensor, steps: int) -> Candidate:
        """What the Jacobian's change is at theta_0 + step."""
        start = u + 0.3 * self.draw / self.draw.norm()
        change = self.difference.at(step, start, steps)
        self.largest = max(self.largest, change.largest)
        self.changes[name] = max(self.changes.get(name, 0.0), change.norm)
        distance = float(step.norm())
        if self.progress:
            self.count += 1
            self.progress(self.count, 0, change.norm)
        candidate = Candidate(name, step, distance, change)
        if self.top is None or change.norm > self.top.change.norm:
            self.top = candidate
        return candidate

    def best(
        self, perturbations: Iterable[Perturbation], best: Candidate | None, enough: float = math.inf
    ) -> Candidate | None:
        """The best of the pushes and of what was there before, looked at again with care."""
        old = best
        for one in perturbations:
            for distance in one.distances:
                u = self.u if best is None else best.change.u
                candidate = self.at(one.name, distance * one.direction, u, QUICK)
                if best is None or candidate.change.norm > best.change.norm:
                    best = candidate
            if best is not None and best.change.norm > enough:
                break
        if best is None or best is old:
            return best
        again = self.at(best.name, best.step, best.change.u, CAREFUL)
        return again if again.change.norm >= best.change.norm else best

    def search(self, radius: float, enough: float) -> Candidate:
        """The best push of a ball: plain ones, flips, then ascents from the best; less where `enough` comes early."""
        usual = plain_perturbations(self.network, radius, self.seed, self.paths, layers=4 * max(1, self.effort))
        best = self.best(usual, None, enough)
        assert best is not None
        for _ in range(2):  # the second time for what was found the first time
            if best.change.norm <= enough:
                best = self.best(sign_flips(self.network, radius, best.change.u), best, enough) or best
        return self.ascend(best, radius, min(enough, PLENTY * self.bound))

    def flipped(self, radius: float) -> Candidate | None:
        """The nearest of the first flips that passes the bound, if one does."""
        for one in nearest_flips(self.network):
            if one.distances[0] > radius:
                break
            candidate = self.at(one.name, one.distances[0] * one.direction, self.u, 2 * QUICK)
            if candidate.change.norm > self.bound:
                return candidate
        return None

    def again(self, radius: float) -> Candidate:
        """The same for a smaller ball, until the bound is passed; flips first, since they are what happens near by."""
        best = self.best(sign_flips(self.network, radius, self.u), None, self.bound)
        if best is None or best.change.norm <= self.bound:
            return self.search(radius, self.bound)
        return best

    def ascend(self, best: Candidate, radius: float, enough: float) -> Candidate:
        """Ascents from the best push, as long as they gain."""
        for _ in range(self.effort):
            if best.change.norm > enough:
                break
            u, v = self.difference.pair(best.step, best.change)
            after = self.best(ascents(self.network, best.step, u, v, radius), best) or best
            gained, best = after.change.norm > best.change.norm * 1.01, after
            if not gained:
                break
        return best

    def closer(self, best: Candidate) -> Candidate:
        """The nearest point on the way to what was found where the bound is still passed, to a factor."""
        high, low = best, 0.0
        while low == 0 and high.distance > self.least:
            share = 0.7 * self.bound / high.change.norm  # were the change in proportion to the distance
            trial = self._along(high, high.distance * min(0.25, max(1e-3, share)))
            high, low = (trial, low) if trial.change.norm > self.bound else (high, trial.distance)
        while high.distance > SHARP * low > 0:
            trial = self._along(high, math.sqrt(high.distance * low))
            high, low = (trial, low) if trial.change.norm > self.bound else (high, trial.distance)
        return high

    def _along(self, best: Candidate, distance: float) -> Candidate:
        return self.at(best.name, best.step * (distance / best.distance), best.change.u, 2 * QUICK)

    def further(self, radius: float, best: Candidate) -> dict[str, float]:
        """What the best push, a random one and shrinking do a thousand times further out."""
        directions = {
            one.name: one.direction for one in _some(plain_perturbations(self.network, radius, self.seed, {}))
        }
        directions[best.name] = best.step / best.distance
        return {n: self.difference.at(FURTHER * radius * d, self.u, QUICK).norm for n, d in directions.items()}


def _some(perturbations: Iterable[Perturbation]) -> Iterable[Perturbation]:
    return [one for one in perturbations if one.name in ("random", "growing all weights", "shrinking all weights")]


def _leading(base: Jacobian, start: torch.Tensor) -> torch.Tensor:
    """A left singular vector of J_0 that belongs to a large singular value."""
    return leading_vector(base.gram, start, CAREFUL) if base.has_products else start / start.norm()


@dataclass(frozen=True)
class AdversarialSearch:
    """||J(theta) - J(theta_0)|| >= `change` at `distance` <= `radius` along `direction`; by name in `changes`.

    `bound` is the one given, or what may be rounding where that is more. `passed_at` is the least distance at which it
    was seen passed (along `passed_by`), None where it never was; `largest` the largest ||J(theta)|| met. `further` is
    what some of the pushes did a thousand times further out.
    """

    radius: float
    bound: float
    change: float
    direction: str
    distance: float
    passed_at: float | None
    passed_by: str | None
    largest: float
    changes: dict[str, float]
    further: dict[str, float]

    @property
    def refuted(self) -> bool:
        """Whether ||J(theta) - J(theta_0)|| <= bound was seen to fail inside the ball."""
        return self.change > self.bound


def search_ball(
    network: Network,
    radius: float,
    *,
    bound: float,
    seed: int = 0,
    effort: int = 3,
    paths: Mapping[str, torch.Tensor] | None = None,
    progress: Progress | None = None,
) -> AdversarialSearch:
    """Attack ||J(theta) - J(theta_0)|| <= bound (alpha/3) for ||theta - theta_0|| <= radius.

    Perturbations are: random directions; all weights and each layer's, shrunk to zero and grown; the given `paths`
    (count,), such as where a descent went; flips of as many rectifiers as can be reached; then ascents of
    u^T J(theta) v from the best, at most `effort` at a time. Where the bound is passed the ball shrinks and everything
    is tried again. With effort 0 there are no ascents, and the first perturbation that passes the bound many times over
    ends the first search.

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
    search = _Search(network, seed, effort, bound, paths or {}, progress)
    best = search.search(radius, math.inf if effort else PLENTY * search.bound)
    nearest = _nearest(search, best) if best.change.norm > search.bound else None
    best = search.top or best
    return AdversarialSearch(
        radius, search.bound, best.change.norm, best.name, best.distance,
        None if nearest is None else nearest.distance, None if nearest is None else nearest.name,
        search.largest, search.changes, search.further(radius, best),
    )  # fmt: skip


def _nearest(search: _Search, best: Candidate) -> Candidate:
    """The nearest point at which the bound is passed: a first flip or on the way to the best; then in smaller balls."""
    nearest = search.flipped(best.distance) or search.closer(best)
    while nearest.distance > search.least:
        best = search.again(CLOSER * nearest.distance)
        if best.change.norm <= search.bound:
            break
        nearest = search.closer(best)
    return nearest
