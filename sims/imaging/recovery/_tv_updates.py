"""How the augmented Lagrangian of total variation is minimised in the image: with A factorised, or with A split off.

Both minimise over x, for a target t and a weight rho, ||A x - y||^2/2 + rho (<x, (D^T D + shift) x>/2 - <t, x>).
"""

from __future__ import annotations

from typing import Protocol

import torch

from sims.imaging.recovery._rows import filtered_rows, row_blocks, worth_holding
from sims.imaging.recovery._systems import conjugate_gradients, factorised
from sims.imaging.recovery._tv_gradient import filtered, laplacian
from sims.imaging.sensing import Operator

SMALL = 1 << 22
"""Up to this many entries of A all is done in float64."""
STRUCTURED = 0
"""The most measurements of a fast transform for which its rows are held."""
OVER = 1.8
"""Over-relaxation."""


class Update(Protocol):
    """Minimises over the image; `q` is a dual variable of A x, nearly the residual y - A x."""

    def __call__(self, target: torch.Tensor, rho: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x (C, H, W) and q (m,)."""

    def rescale(self, factor: float) -> None:
        """Take note that rho was multiplied by a factor."""


class Factorised:
    """Exact: with G = (D^T D + shift)^{-1}, x = G t + G A^T s/rho where (I + A G A^T/rho) s = y - A G t.

    A G (m, n) and A G A^T are computed once. Where the shift is 0 the means of the channels would be left to A alone;
    then they are held near their last values by a proximal term, rho times half the squared change.
    """

    def __init__(self, operator: Operator, y: torch.Tensor, shift: float) -> None:
        self.operator, self.y, self._held = operator, y, shift == 0
        response = laplacian(*operator.shape[1:], y.device) + shift
        response[0, 0] += self._held
        self._inverse = 1 / response
        small = operator.m * operator.n <= SMALL
        self._dtype = torch.float64 if small else torch.float32
        self._rows = filtered_rows(operator, self._filter, y.device, self._dtype)
        self._system = self._products()
        self._mean = y.new_zeros(operator.shape[0], 1, 1)
        self._rho = 0.0

    def _filter(self, x: torch.Tensor) -> torch.Tensor:
        return filtered(x, self._inverse)

    def _products(self) -> torch.Tensor:
        shape = self.operator.shape
        parts = [self.operator.forward(self._rows[p].unflatten(-1, shape)) for p in row_blocks(self.operator)]
        system = torch.cat(parts).double()
        return (system + system.T) / 2

    def __call__(self, target: torch.Tensor, rho: float) -> tuple[torch.Tensor, torch.Tensor]:
        if rho != self._rho:
            self._solve, self._rho = factorised(self._system / rho, 1.0), rho
        x = self._filter(target + self._mean if self._held else target)
        s = self._solve(self.y - self.operator.forward(x.to(self._dtype)).double())
        x = x + (s.to(self._dtype) @ self._rows).double().reshape(x.shape) / rho
        self._mean = x.mean((-2, -1), keepdim=True)
        return x, s

    def rescale(self, factor: float) -> None:
        """Nothing here is measured in rho."""


class Split:
    """By a copy v of x that alone sees A: x costs two cosine transforms, v a system with A A^T + rho.

    That system takes one product where A A^T is a multiple of the identity, and a few where A is Gaussian.
    """

    def __init__(self, operator: Operator, y: torch.Tensor, shift: float, weight: float = 1.0) -> None:
        self.operator, self.y, self._weight = operator, y, weight
        self._inverse = 1 / (laplacian(*operator.shape[1:], y.device) + shift + weight)
        self._v = y.new_zeros(operator.shape)
        self._b, self._s = torch.zeros_like(self._v), torch.zeros_like(y)

    def __call__(self, target: torch.Tensor, rho: float) -> tuple[torch.Tensor, torch.Tensor]:
        mu = rho * self._weight
        x = filtered(target + self._weight * (self._v - self._b), self._inverse)
        u = OVER * x + (1 - OVER) * self._v + self._b
        residual = self.y - self.operator.forward(u)
        enough = 1e-10 * residual.norm()

        def product(s: torch.Tensor) -> torch.Tensor:
            return self.operator.forward(self.operator.adjoint(s)) + mu * s

        s = conjugate_gradients(product, residual, lambda r: r.norm() <= enough, lambda r: r, 50)
        self._v = u + self.operator.adjoint(s)
        self._b = u - self._v
        return self._v, mu * s

    def rescale(self, factor: float) -> None:
        """Keep rho times the scaled multiplier."""
        self._b /= factor


def make_update(operator: Operator, y: torch.Tensor, shift: float) -> Update:
    """Return the exact update where holding A G is worth it, else the split one."""
    kind = Factorised if worth_holding(operator, y.device, STRUCTURED) else Split
    return kind(operator, y, shift)
