"""The model of total variation, and a lower bound of its minimum from any multipliers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from sims.imaging.recovery._tv_gradient import Norm, filtered, gradient, gradient_adjoint, laplacian
from sims.imaging.sensing import Operator


@dataclass(frozen=True)
class Multipliers:
    """Dual variables of A x, of D x and of the box: q (m,), p (2, C, H, W), v (C, H, W)."""

    q: torch.Tensor
    p: torch.Tensor
    v: torch.Tensor


@dataclass(frozen=True)
class Model:
    """min_x ||A x - y||^2/2 + penalty TV(x), over all images or over those in the box [-1, 1].

    y (m,) is float64; `dtype` is that of the products with A, the sums being float64 always.
    """

    operator: Operator
    y: torch.Tensor
    penalty: float
    norm: Norm
    box: bool
    dtype: torch.dtype = torch.float64
    _inverse: torch.Tensor = field(init=False)
    _means: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        channels, height, width = self.operator.shape
        eigenvalues = laplacian(height, width, self.y.device)
        eigenvalues[0, 0] = math.inf
        object.__setattr__(self, "_inverse", 1 / eigenvalues)
        constants = torch.eye(channels, dtype=self.dtype, device=self.y.device)[:, :, None, None]
        images = constants.expand(channels, channels, height, width)
        object.__setattr__(self, "_means", torch.linalg.qr(self.operator.forward(images).double().T).Q)

    def value(self, x: torch.Tensor) -> float:
        """What is minimised, at an image in the box."""
        return self.misfit(x) / 2 + self.penalty * self.norm.total(x)

    def misfit(self, x: torch.Tensor) -> float:
        """||A x - y||^2."""
        return float((self.operator.forward(x.to(self.dtype)) - self.y).square().sum())

    def bound(self, start: Multipliers) -> float:
        """A number below which the value of no image lies, whatever the multipliers.

        For all x, q and p, ||A x - y||^2/2 >= <q, y - A x> - ||q||^2/2, and penalty TV(x) >= <p, D x> where every group
        of p has norm at most `penalty`; so where A^T q = D^T p + v, the value of x is at least <q, y> - ||q||^2/2 -
        <v, x>, and in the box <v, x> <= ||v||_1. To make the equality true, p takes up what is missing by a Poisson
        equation. D^T reaches no constants: they go to v, or where there is no box, and so no v, q is first made
        orthogonal to A of them. Last, all three are scaled to what p may be.
        """
        q, p, v = start.q, start.p, start.v
        if not self.box:
            q, v = q - self._means @ (self._means.T @ q), torch.zeros_like(v)
        missing = self.operator.adjoint(q.to(self.dtype)).double() - gradient_adjoint(p) - v
        constant = missing.mean((-2, -1), keepdim=True)
        v = v + constant if self.box else v
        p = p + gradient(filtered(missing, self._inverse))
        return self._scaled_bound(q, float(self.norm.magnitudes(p).max()), float(v.abs().sum()))

    def _scaled_bound(self, q: torch.Tensor, largest: float, cost: float) -> float:
        linear, square = float(q @ self.y) - cost, float(q @ q)
        if not linear > 0:
            return 0.0
        t = min(linear / square, self.penalty / largest if largest > 0 else math.inf)
        return t * linear - t * t * square / 2
