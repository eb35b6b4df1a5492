"""How total variation meets the measurements: A factorised together with D, or a copy of x that alone sees A."""

from __future__ import annotations

import torch

from untrained.sims.operators import Operator
from untrained.sims.recovery.baselines._rows import filtered_rows, row_blocks
from untrained.sims.recovery.baselines._systems import conjugate_gradients, factorised
from untrained.sims.recovery.baselines._tv_model import filtered
from untrained.sims.recovery.differences import laplacian_symbol


class Factorised:
    """The minimiser over x of ||A x - y||^2/2 + rho (<x, (D^T D + shift) x>/2 - <t, x>), for any t and rho.

    With G = (D^T D + shift)^{-1} it is G t + G A^T s/rho, where (I + A G A^T/rho) s = y - A G t; A G (m, n) and A G A^T
    are computed once. Where the shift is 0 the means of the channels would be left to A alone; then a proximal term,
    rho/2 times their squared change, holds them near their last values.
    """

    def __init__(self, operator: Operator, y: torch.Tensor, shift: float, dtype: torch.dtype) -> None:
        self.operator, self.y, self._dtype, self._held = operator, y, dtype, shift == 0
        response = laplacian_symbol(*operator.shape[1:]).to(y.device) + shift
        response[0, 0] += self._held
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
        x = self._filtered(target + self._mean if self._held else target)
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
