"""Total variation by an augmented Lagrangian: copies stand for D x, for x in the box and for x as A sees it.

Source: Li, Yin, Zhang, TVAL3 (2009), for the model and the splitting w = D x
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.linear_systems import Map, worth_holding
from untrained.sims.recovery.baselines.tv_model import Factorised, Model, Multipliers, Nearest, filtered
from untrained.sims.recovery.total_variation import discrete_gradient, gradient_adjoint, laplacian_symbol, shrink

Proximal = Callable[[torch.Tensor, float], torch.Tensor]

OVER = 1.8
"""Over-relaxation."""
BOX = DATA = 1.0
"""Weights of the copies of x in the box and before A, beside that of D x."""
CHECKED = 10
"""Iterations from one look at the gap to the next."""
EDGE = 0.1
"""The difference of neighbours, in pixel values, that the first threshold removes."""


@dataclass
class SearchLog:
    """What was seen along the way: values and relative gaps, the best image and the best bound with its multipliers."""

    total: int
    progress: Progress | None = None
    steps: int = 0
    values: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    image: torch.Tensor | None = None
    multipliers: Multipliers | None = None
    bound: float = -math.inf

    @property
    def diverged(self) -> bool:
        """Whether the last value was not finite."""
        return bool(self.values) and not math.isfinite(self.values[-1])

    def record(self, value: float, image: torch.Tensor, bound: float, multipliers: Multipliers) -> None:
        """Take down a value and a bound."""
        if math.isfinite(value) and value <= min(self.values, default=math.inf):
            self.image = image
        if bound > self.bound:
            self.bound, self.multipliers = bound, multipliers
        self.values.append(value)
        least = min(self.values)
        self.gaps.append((least - self.bound) / least if least > 0 else 0.0)
        if self.progress is not None:
            self.progress(self.steps, self.total, value)


class Copy:
    """A copy z of M x with its scaled multiplier c, pulled towards M x with rho times `weight`."""

    def __init__(self, start: torch.Tensor, weight: float, proximal: Proximal, forward: Map, adjoint: Map) -> None:
        self._proximal, self._forward, self._adjoint = proximal, forward, adjoint
        self.weight, self.z, self.c = weight, start, torch.zeros_like(start)
        self.apart, self.moved = torch.zeros_like(start), torch.zeros_like(start)

    def target(self) -> torch.Tensor:
        """Where it pulls x to: weight M^T (z - c)."""
        return self.weight * self._adjoint(self.z - self.c)

    def follow(self, x: torch.Tensor, rho: float) -> None:
        """Go to the proximal point of M x, over-relaxed; remember how far apart they are and how far it moved."""
        image, last = self._forward(x), self.z
        h = OVER * image + (1 - OVER) * last + self.c
        self.z = self._proximal(h, rho * self.weight)
        self.c = h - self.z
        self.apart, self.moved = image - self.z, self.weight * self._adjoint(self.z - last)

    def force(self) -> torch.Tensor:
        """M^T of the multiplier, over rho."""
        return self.weight * self._adjoint(self.c)


class Search:
    """The iterates: x, which minimises the augmented Lagrangian, its copies, and the weight rho."""

    def __init__(self, model: Model, log: SearchLog) -> None:
        self.model, self.log = model, log
        self.rho = model.penalty / EDGE
        zero = model.y.new_zeros(model.operator.shape)
        self._edges = Copy(discrete_gradient(zero), 1.0, self._shrunk, discrete_gradient, gradient_adjoint)
        self._box = Copy(zero, BOX, lambda h, _: h.clamp(-1, 1), _same, _same) if model.box else None
        self._data: Factorised | Nearest = self._make_data(BOX if model.box else 0.0)
        data = Copy(zero, DATA, self._data, _same, _same) if isinstance(self._data, Nearest) else None
        self._copies = [copy for copy in (self._edges, self._box, data) if copy is not None]
        symbol = laplacian_symbol(*model.operator.shape[1:]).to(zero.device)
        self._inverse = 1 / (symbol + sum(copy.weight for copy in self._copies[1:]))

    def _make_data(self, shift: float) -> Factorised | Nearest:
        operator, y = self.model.operator, self.model.y
        if worth_holding(operator, y.device, 0):
            return Factorised(operator, y, shift, self.model.dtype)
        return Nearest(operator, y, self.model.dtype)

    def _shrunk(self, h: torch.Tensor, rho: float) -> torch.Tensor:
        return shrink(h, self.model.penalty / rho, self.model.kind)

    def run(self, tolerance: float) -> None:
        """Iterate until the relative gap is at most `tolerance`, the steps are used up or a value is not finite."""
        while self.log.steps < self.log.total:
            self.log.steps += 1
            x = self._step()
            if self.log.steps % CHECKED == 0 or self.log.steps == self.log.total:
                self._look(x)
                if self.log.diverged or self.log.gaps[-1] <= tolerance:
                    return
                self._balance()

    def _step(self) -> torch.Tensor:
        target = sum((copy.target() for copy in self._copies[1:]), self._edges.target())
        x = self._data(target, self.rho) if isinstance(self._data, Factorised) else filtered(target, self._inverse)
        for copy in self._copies:
            copy.follow(x, self.rho)
        return x

    def _look(self, x: torch.Tensor) -> None:
        image = x.clamp(-1, 1) if self.model.box else x
        v = self.rho * self._box.force() if self._box else torch.zeros_like(x)
        multipliers = Multipliers(self._data.q, self.rho * self._edges.c, v)
        self.log.record(self.model.value(image), image, self.model.bound(multipliers), multipliers)

    def _balance(self) -> None:
        """Change rho so that copies stay apart and move by like shares; rho c, the multiplier itself, stays."""
        apart = _norm(*(copy.weight**0.5 * copy.apart for copy in self._copies))
        size = _norm(*(copy.weight**0.5 * copy.z for copy in self._copies))
        moved = _norm(sum((copy.moved for copy in self._copies[1:]), self._edges.moved))
        force = _norm(self._edges.force())
        if not min(apart, size, moved, force) > 0:
            return
        factor = min(5.0, max(0.2, math.sqrt(apart / size / (moved / force))))
        if not 2 / 3 < factor < 1.5:
            self.rho *= factor
            for copy in self._copies:
                copy.c = copy.c / factor


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


def _norm(*parts: torch.Tensor) -> float:
    return math.hypot(*(float(part.norm()) for part in parts))
