"""Total variation by an augmented Lagrangian: copies stand for D x, for x in the box and for x as A sees it.

Source: Li, Yin, Zhang, TVAL3 (2009), for the model and the splitting w = D x
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from untrained.sims.operators import Operator
from untrained.sims.operators.transforms import dct2, inverse_dct2
from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.linear_systems import (
    Map,
    conjugate_gradients,
    factorised,
    filtered_rows,
    gap_closed,
    row_blocks,
    seen_fit,
    seen_span,
    worth_holding,
)
from untrained.sims.recovery.total_variation import (
    discrete_gradient,
    gradient_adjoint,
    gradient_norms,
    laplacian_symbol,
    shrink,
    total_variation,
)


@dataclass(frozen=True)
class Multipliers:
    """Dual variables of A x, of D x and of the box: q (m,), p (2, C, H, W), v (C, H, W)."""

    q: torch.Tensor
    p: torch.Tensor
    v: torch.Tensor


@dataclass(frozen=True)
class Model:
    """min_x ||A x - y||^2/2 + penalty TV(x), over all images or over those in the box [-1, 1].

    y (m,) is float64; `kind` is that of `total_variation`; `dtype` is that of the products with A, the sums being
    float64 always.
    """

    operator: Operator
    y: torch.Tensor
    penalty: float
    kind: str
    box: bool
    dtype: torch.dtype = torch.float64
    _inverse: torch.Tensor = field(init=False)
    _means: torch.Tensor = field(init=False)
    _span: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        symbol = laplacian_symbol(*self.operator.shape[1:]).to(self.y.device)
        symbol[0, 0] = math.inf
        object.__setattr__(self, "_inverse", 1 / symbol)
        object.__setattr__(self, "_means", self.operator.forward(self._constants()).double().T)
        object.__setattr__(self, "_span", seen_span(self._means, self.operator.gain))

    def _constants(self) -> torch.Tensor:
        """The constant image of length 1 of each channel, (C, C, H, W)."""
        channels, height, width = self.operator.shape
        eye = torch.eye(channels, dtype=self.dtype, device=self.y.device)[:, :, None, None]
        return eye.repeat(1, 1, height, width) / math.sqrt(height * width)

    def best_constant(self) -> tuple[torch.Tensor, Multipliers]:
        """The image (C, H, W) of least misfit of those that cost nothing, and multipliers for where it is the best."""
        lengths = seen_fit(self._means, self.y, self.operator.gain)
        x = torch.tensordot(lengths, self._constants().double(), 1)
        x = x.clamp(-1, 1) if self.box else x
        q = self.y - self.operator.forward(x.to(self.dtype))
        return x, Multipliers(q, torch.zeros_like(discrete_gradient(x)), torch.zeros_like(x))

    def value(self, x: torch.Tensor) -> float:
        """What is minimised, at an image in the box."""
        return self.misfit(x) / 2 + self.penalty * float(total_variation(x.double(), self.kind))

    def misfit(self, x: torch.Tensor) -> float:
        """||A x - y||^2."""
        return float((self.operator.forward(x.to(self.dtype)) - self.y).square().sum())

    def bound(self, start: Multipliers) -> float:
        """A number below which the value of no image lies, whatever the multipliers.

        For all x, q and p, ||A x - y||^2/2 >= <q, y - A x> - ||q||^2/2, and penalty TV(x) >= <p, D x> where every group
        of p has length at most `penalty`; so where A^T q = D^T p + v, the value of x is at least <q, y> - ||q||^2/2 -
        <v, x>, and in the box <v, x> <= ||v||_1. To make the equality true, p takes up what is missing by a Poisson
        equation. D^T reaches no constants: they go to v, or where there is no box, and so no v, q is first made
        orthogonal to A of them, where A sees any. Last, all three are scaled to what p may be.
        """
        q, p, v = start.q, start.p, start.v
        if not self.box:
            q, v = q - self._span @ (self._span.T @ q), torch.zeros_like(v)
        missing = self.operator.adjoint(q.to(self.dtype)).double() - gradient_adjoint(p) - v
        v = v + missing.mean((-2, -1), keepdim=True) if self.box else v
        p = p + discrete_gradient(filtered(missing, self._inverse))
        return self._scaled_bound(q, float(gradient_norms(p, self.kind).max()), float(v.abs().sum()))

    def _scaled_bound(self, q: torch.Tensor, longest: float, cost: float) -> float:
        slope, square = float(q @ self.y) - cost, float(q @ q)
        if not (slope > 0 and square > 0):
            return 0.0
        t = min(slope / square, self.penalty / longest if longest > 0 else math.inf)
        return t * slope - t * t * square / 2


def filtered(x: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
    """Multiply the cosine coefficients of images (..., H, W) by `response` (H, W)."""
    return inverse_dct2(response.to(x.dtype) * dct2(x))


class Factorised:
    """The minimiser over x of ||A x - y||^2/2 + rho (<x, (D^T D + shift) x>/2 - <t, x>), for any t and rho.

    With G = (D^T D + shift)^{-1} it is G t + G A^T s/rho, where (I + A G A^T/rho) s = y - A G t; A G (m, n) and A G A^T
    are computed once. Where the shift is 0 the means of the channels would be left to A alone; then a proximal term,
    rho/2 times their squared change, holds them near their last values.
    """

    def __init__(self, operator: Operator, y: torch.Tensor, shift: float, dtype: torch.dtype) -> None:
        self.operator, self.y, self._dtype, self._shiftless = operator, y, dtype, shift == 0
        response = laplacian_symbol(*operator.shape[1:]).to(y.device) + shift
        response[0, 0] += self._shiftless
        self._inverse = 1 / response
        self._rows = filtered_rows(operator, self._filtered, y.device, dtype)
        self._system = self._products()
        self._mean = y.new_zeros(operator.shape[0], 1, 1)
        self._rho = 0.0
        self.q = torch.zeros_like(y)

    def _filtered(self, x: torch.Tensor) -> torch.Tensor:
        return filtered(x, self._inverse)

    def _products(self) -> torch.Tensor:
        shape = self.operator.shape
        parts = [self.operator.forward(self._rows[p].unflatten(-1, shape)) for p in row_blocks(self.operator)]
        system = torch.cat(parts).double()
        return (system + system.T) / 2

    def __call__(self, target: torch.Tensor, rho: float) -> torch.Tensor:
        """Return x (C, H, W) for a target of that shape; `q`, the s of it, is the residual y - A x."""
        if rho != self._rho:
            self._solve, self._rho = factorised(self._system / rho, 1.0), rho
        x = self._filtered(target + self._mean if self._shiftless else target)
        self.q = self._solve(self.y - self.operator.forward(x.to(self._dtype)))
        x = x + (self.q.to(self._dtype) @ self._rows).double().reshape(x.shape) / rho
        self._mean = x.mean((-2, -1), keepdim=True)
        return x


class Nearest:
    """The minimiser over x of ||A x - y||^2/2 + mu ||x - h||^2/2, for any h and mu.

    It is h + A^T s with (A A^T + mu) s = y - A h, by conjugate gradients: one product where A A^T is a multiple of the
    identity, a few where A is Gaussian.
    """

    def __init__(self, operator: Operator, y: torch.Tensor, dtype: torch.dtype) -> None:
        self.operator, self.y, self._dtype = operator, y, dtype
        self.q = torch.zeros_like(y)

    def __call__(self, h: torch.Tensor, mu: float) -> torch.Tensor:
        """Return x (C, H, W) for an h of that shape; `q` = mu s is the residual y - A x."""
        residual = (self.y - self.operator.forward(h.to(self._dtype))).to(self._dtype)
        enough = torch.finfo(self._dtype).eps ** 0.75 * residual.norm()

        def product(s: torch.Tensor) -> torch.Tensor:
            return self.operator.forward(self.operator.adjoint(s)) + mu * s

        s = conjugate_gradients(product, residual, lambda r: r.norm() <= enough, lambda r: r, 50)
        self.q = mu * s.double()
        return h + self.operator.adjoint(s)


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
        """Iterate until the relative gap is at most `tolerance`, the steps are used up or a value is not finite.

        The best constant image comes first: to no constant does the search come but in the limit.
        """
        x, multipliers = self.model.best_constant()
        value, bound = self.model.value(x), self.model.bound(multipliers)
        if gap_closed(value - bound, value, tolerance, self.model.y):
            self.log.record(value, x, bound, multipliers)
            return
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
