"""The search for a push that changes a network's Jacobian most: plain pushes, flips, ascents, in balls that shrink."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch

from untrained.sims.diagnosis.adversarial.difference import Change, Difference, largest
from untrained.sims.diagnosis.adversarial.pushes import Push, ascents, first_kinks, flips, plain
from untrained.sims.networks.network import Network
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.random.streams import stream

Watch = Callable[[str, float, float], None]
"""Told of each push tried: its name, the distance and the change found."""
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
class Found:
    """The best push so far."""

    name: str
    step: torch.Tensor
    distance: float
    change: Change


@dataclass
class Hunt:
    """One network under attack; `top` is the most that was found, and moves below `least` are rounding."""

    network: Network
    seed: int
    effort: int
    bound: float
    paths: Mapping[str, torch.Tensor]
    watch: Watch | None
    difference: Difference = field(init=False)
    largest: float = 0.0
    top: Found | None = None
    tried: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.difference = Difference(self.network)
        theta = self.network.vector()
        self.draw = torch.from_numpy(stream(self.seed, "attack", "start").standard_normal(self.network.n)).to(theta)
        base = self.difference.base
        self.u = _leading(base, self.draw)
        self.largest = float(base.adjoint(self.u).norm())
        self.bound = max(self.bound, ROUNDING * self.largest)
        self.least = torch.finfo(theta.dtype).eps * float(theta.norm())

    def at(self, name: str, step: torch.Tensor, u: torch.Tensor, steps: int) -> Found:
        """What the Jacobian's change is at theta_0 + step."""
        start = u + 0.3 * self.draw / self.draw.norm()
        change = self.difference.at(step, start, steps)
        self.largest = max(self.largest, change.largest)
        self.tried[name] = max(self.tried.get(name, 0.0), change.norm)
        distance = float(step.norm())
        if self.watch:
            self.watch(name, distance, change.norm)
        found = Found(name, step, distance, change)
        if self.top is None or change.norm > self.top.change.norm:
            self.top = found
        return found

    def best(self, pushes: Iterable[Push], best: Found | None, enough: float = math.inf) -> Found | None:
        """The best of the pushes and of what was there before, looked at again with care."""
        old = best
        for push in pushes:
            for distance in push.distances:
                u = self.u if best is None else best.change.u
                found = self.at(push.name, distance * push.direction, u, QUICK)
                if best is None or found.change.norm > best.change.norm:
                    best = found
            if best is not None and best.change.norm > enough:
                break
        if best is None or best is old:
            return best
        again = self.at(best.name, best.step, best.change.u, CAREFUL)
        return again if again.change.norm >= best.change.norm else best

    def search(self, radius: float, enough: float) -> Found:
        """The best push of a ball: plain ones, flips, then ascents from the best; less where `enough` comes early."""
        usual = plain(self.network, radius, self.seed, self.paths, layers=4 * max(1, self.effort))
        best = self.best(usual, None, enough)
        assert best is not None
        for _ in range(2):  # the second time for what was found the first time
            if best.change.norm <= enough:
                best = self.best(flips(self.network, radius, best.change.u), best, enough) or best
        return self.ascend(best, radius, min(enough, PLENTY * self.bound))

    def flipped(self, radius: float) -> Found | None:
        """The nearest of the first flips that passes the bound, if one does."""
        for push in first_kinks(self.network):
            if push.distances[0] > radius:
                break
            found = self.at(push.name, push.distances[0] * push.direction, self.u, 2 * QUICK)
            if found.change.norm > self.bound:
                return found
        return None

    def again(self, radius: float) -> Found:
        """The same for a smaller ball, until the bound is passed; flips first, since they are what happens near by."""
        best = self.best(flips(self.network, radius, self.u), None, self.bound)
        if best is None or best.change.norm <= self.bound:
            return self.search(radius, self.bound)
        return best

    def ascend(self, best: Found, radius: float, enough: float) -> Found:
        """Ascents from the best push, as long as they gain."""
        for _ in range(self.effort):
            if best.change.norm > enough:
                break
            u, v = self.difference.pair(best.step, best.change)
            found = self.best(ascents(self.network, best.step, u, v, radius), best) or best
            gained, best = found.change.norm > best.change.norm * 1.01, found
            if not gained:
                break
        return best

    def closer(self, found: Found) -> Found:
        """The nearest point on the way to what was found where the bound is still passed, to a factor."""
        high, low = found, 0.0
        while low == 0 and high.distance > self.least:
            share = 0.7 * self.bound / high.change.norm  # were the change in proportion to the distance
            trial = self._along(high, high.distance * min(0.25, max(1e-3, share)))
            high, low = (trial, low) if trial.change.norm > self.bound else (high, trial.distance)
        while high.distance > SHARP * low > 0:
            trial = self._along(high, math.sqrt(high.distance * low))
            high, low = (trial, low) if trial.change.norm > self.bound else (high, trial.distance)
        return high

    def _along(self, found: Found, distance: float) -> Found:
        return self.at(found.name, found.step * (distance / found.distance), found.change.u, 2 * QUICK)

    def further(self, radius: float, best: Found) -> dict[str, float]:
        """What the best push, a random one and shrinking do a thousand times further out."""
        pushes = {push.name: push.direction for push in _some(plain(self.network, radius, self.seed, {}))}
        pushes[best.name] = best.step / best.distance
        return {n: self.difference.at(FURTHER * radius * d, self.u, QUICK).norm for n, d in pushes.items()}


def _some(pushes: Iterable[Push]) -> Iterable[Push]:
    return [push for push in pushes if push.name in ("random", "growing all weights", "shrinking all weights")]


def _leading(base: Jacobian, start: torch.Tensor) -> torch.Tensor:
    """A left singular vector of J_0 that belongs to a large singular value."""
    return largest(base.gram, start, CAREFUL) if base.has_products else start / start.norm()
