"""The model of total variation, a lower bound of its minimum, and the exact minimisers over x that its search needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from untrained.sims.operators import Operator
from untrained.sims.operators.transforms import dct2, inverse_dct2
from untrained.sims.recovery.baselines.linear_systems import (
    conjugate_gradients,
    factorised,
    filtered_rows,
    row_blocks,
)
from untrained.sims.recovery.total_variation import (
    discrete_gradient,
    gradient_adjoint,
    gradient_norms,
    laplacian_symbol,
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

    def __post_init__(self) -> None:
        channels, height, width = self.operator.shape
        symbol = laplacian_symbol(height, width).to(self.y.device)
        symbol[0, 0] = math.inf
        object.__setattr__(self, "_inverse", 1 / symbol)
        constants = torch.eye(channels, dtype=self.dtype, device=self.y.device)[:, :, None, None]
        images = constants.repeat(1, 1, height, width)
        object.__setattr__(self, "_means", torch.linalg.qr(self.operator.forward(images).double().T).Q)

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
        orthogonal to A of them. Last, all three are scaled to what p may be.
        """
        q, p, v = start.q, start.p, start.v
        if not self.box:
            q, v = q - self._means @ (self._means.T @ q), torch.zeros_like(v)
        missing = self.operator.adjoint(q.to(self.dtype)).double() - gradient_adjoint(p) - v
        v = v + missing.mean((-2, -1), keepdim=True) if self.box else v
        p = p + discrete_gradient(filtered(missing, self._inverse))
        return self._scaled_bound(q, float(gradient_norms(p, self.kind).max()), float(v.abs().sum()))

    def _scaled_bound(self, q: torch.Tensor, longest: float, cost: float) -> float:
        slope, square = float(q @ self.y) - cost, float(q @ q)
        if not slope > 0:
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
