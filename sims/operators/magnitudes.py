"""The magnitude |A u| of a Gaussian product, as a detector gives it that loses the sign: not linear, and says so."""

from __future__ import annotations

from typing import NoReturn

import torch

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.operators.random_matrices import Gaussian


class Magnitude(Operator):
    """y = |A u|, entry by entry, of u = (x + 1)/2 on [0, 1]; A has i.i.d. N(0, 1/m) entries.

    u and -u have the same measurements; m may exceed the number of pixels. There is no adjoint: methods of phase
    retrieval take `linear_part`, which is A.

    Source: jagatap19 Section 2 (compressive phase retrieval)
    """

    name = "magnitude"
    gain = 1.0
    linear = False

    def __init__(self, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.matrix = Gaussian(shape, m, seed).matrix

    @property
    def linear_part(self) -> Operator:
        """A, the Gaussian operator of the same seed, sharing its matrix."""
        part = object.__new__(Gaussian)
        Operator.__init__(part, self.shape, self.m, self.seed)
        part.matrix = self.matrix
        return part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """|A (x + 1)/2|, from (..., C, H, W) to (..., m); differentiable where no entry is zero."""
        return self.linear_part.forward((x + 1) / 2).abs()

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward(x)

    def _transposed(self, y: torch.Tensor) -> NoReturn:
        raise ValueError("operator must be linear to have an adjoint, got magnitude: its linear_part has one")

    def adjoint(self, y: torch.Tensor) -> NoReturn:
        """Refuse: there is no transpose of a map that is not linear."""
        self._transposed(y)

    def residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> NoReturn:
        """Refuse, as `adjoint` does."""
        self._transposed(y)

    def squared_norm(self) -> float:
        """||A||^2 of the linear part."""
        return self.linear_part.squared_norm()
