"""The model of total variation, and a lower bound of its minimum from any multipliers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from untrained.sims.operators import Operator
from untrained.sims.operators.transforms import dct2, inverse_dct2
from untrained.sims.recovery.differences import (
    differences,
    laplacian_symbol,
    lengths,
    transposed_differences,
    variation,
)


@dataclass(frozen=True)
class Multipliers:
    """Dual variables of A x, of D x and of the box: q (m,), p (C, 2, H, W), v (C, H, W)."""

    q: torch.Tensor
    p: torch.Tensor
    v: torch.Tensor


@dataclass(frozen=True)
class Model:
    """min_x ||A x - y||^2/2 + penalty TV(x), over all images or over those in the box [-1, 1].

    y (m,) is float64; `kind` is that of `differences.lengths`; `dtype` is that of the products with A, the sums being
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
        return self.misfit(x) / 2 + self.penalty * variation(x.double(), self.kind)

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
        missing = self.operator.adjoint(q.to(self.dtype)).double() - transposed_differences(p) - v
        v = v + missing.mean((-2, -1), keepdim=True) if self.box else v
        p = p + differences(filtered(missing, self._inverse))
        return self._scaled_bound(q, float(lengths(p, self.kind).max()), float(v.abs().sum()))

    def _scaled_bound(self, q: torch.Tensor, longest: float, cost: float) -> float:
        slope, square = float(q @ self.y) - cost, float(q @ q)
        if not slope > 0:
            return 0.0
        t = min(slope / square, self.penalty / longest if longest > 0 else math.inf)
        return t * slope - t * t * square / 2


def filtered(x: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
    """Multiply the cosine coefficients of images (..., H, W) by `response` (H, W)."""
    return inverse_dct2(response.to(x.dtype) * dct2(x))
