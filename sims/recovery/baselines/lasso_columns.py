"""The columns of A Psi as the Lasso needs them: products and Newton systems, over all columns or some of them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from untrained.sims.images.bases import Basis
from untrained.sims.operators import Operator
from untrained.sims.recovery.baselines.linear_systems import (
    SMALL_MATRIX,
    Grams,
    conjugate_gradients,
    factorised,
    filtered_rows,
    worth_holding,
)

STRUCTURED = 2_000
"""The most measurements of a fast transform for which Newton systems are factorised."""
EXACTNESS = 0.01
"""What is left of the residual of a Newton system, relatively: the method converges globally with any below 1."""


class Dictionary(ABC):
    """B, some columns of A Psi: what the Newton method multiplies and solves with."""

    @abstractmethod
    def forward(self, c: torch.Tensor) -> torch.Tensor:
        """B c, (k,) to (m,)."""

    @abstractmethod
    def adjoint(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u, (m,) to (k,)."""

    @abstractmethod
    def newton(self, active: torch.Tensor, sigma: float, g: torch.Tensor) -> torch.Tensor:
        """A solution d of (I + sigma B_J B_J^T) d = -g up to EXACTNESS ||g||; the mask `active` (k,) is J."""


class ColumnSource(ABC):
    """All n columns b_j; `everything` says that a restriction would save nothing."""

    everything: bool

    @abstractmethod
    def restricted(self, chosen: torch.Tensor) -> Dictionary:
        """The dictionary of the columns with these numbers."""

    @abstractmethod
    def correlations(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u over all columns, (m,) to (n,) in float64."""


class DenseColumns(ColumnSource):
    """B held as m rows, in float64 where it is small and else in float32, as A itself is."""

    def __init__(self, operator: Operator, basis: Basis, free: torch.Tensor) -> None:
        self.everything = operator.m * operator.n <= SMALL_MATRIX
        dtype = torch.float64 if self.everything else torch.float32
        self.rows = project_away(free.to(dtype), filtered_rows(operator, basis.analysis, free.device, dtype))
        self._grams = Grams(self.rows)
        self._last: _Columns | None = None

    def restricted(self, chosen: torch.Tensor) -> Dictionary:
        """Copies of the columns, in float64; those copied last time are not fetched again where they come first."""
        last = self._last
        if last is None or not torch.equal(last.numbers, chosen[: len(last.numbers)]):
            last = _Columns(self._fetch(chosen), chosen, self._grams)
        elif len(chosen) > len(last.numbers):
            fresh = self._fetch(chosen[len(last.numbers) :])
            last = _Columns(torch.cat([last.columns, fresh]), chosen, self._grams)
        self._last = last
        return last

    def _fetch(self, chosen: torch.Tensor) -> torch.Tensor:
        return self.rows[:, chosen].T.double().contiguous()

    def correlations(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u."""
        return (u.to(self.rows.dtype) @ self.rows).double()


class _Columns(Dictionary):
    def __init__(self, columns: torch.Tensor, numbers: torch.Tensor, grams: Grams) -> None:
        self.columns, self.numbers, self._grams = columns, numbers, grams

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        return c @ self.columns

    def adjoint(self, u: torch.Tensor) -> torch.Tensor:
        return self.columns @ u

    def newton(self, active: torch.Tensor, sigma: float, g: torch.Tensor) -> torch.Tensor:
        """d = B_J x - g with (B_J^T B_J + I/sigma) x = B_J^T g (Woodbury), unless J is much larger than m."""
        if int(active.sum()) > 3 * len(g) // 2:
            b = self.columns[active]
            return -factorised(sigma * (b.T @ b), 1.0)(g)

        def product(x: torch.Tensor) -> torch.Tensor:
            return self.adjoint(self.forward(x)) * active + x / sigma

        def solved(b: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(b).masked_scatter_(active, inverse(b[active]))

        def small(r: torch.Tensor) -> torch.Tensor:
            return sigma * self.forward(r).norm() <= enough

        inverse = factorised(self._grams.of(self.numbers[active]), 1 / sigma)
        enough = EXACTNESS * g.norm()
        return self.forward(conjugate_gradients(product, self.adjoint(g) * active, small, solved, 10)) - g


class ImplicitColumns(ColumnSource, Dictionary):
    """B by products only, all columns at once; Newton systems by conjugate gradients."""

    everything = True

    def __init__(self, operator: Operator, basis: Basis, free: torch.Tensor) -> None:
        self._operator, self._basis, self._free = operator, basis, free

    def restricted(self, chosen: torch.Tensor) -> Dictionary:
        """Itself: nothing is gained by leaving out columns."""
        return self

    def correlations(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u."""
        return self._basis.analysis(self._operator.adjoint(project_away(self._free, u))).flatten()

    adjoint = correlations

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        """B c."""
        image = self._basis.synthesis(c.reshape(self._basis.shape))
        return project_away(self._free, self._operator.forward(image))

    def newton(self, active: torch.Tensor, sigma: float, g: torch.Tensor) -> torch.Tensor:
        """By conjugate gradients."""

        def product(p: torch.Tensor) -> torch.Tensor:
            return p + sigma * self.forward(self.adjoint(p) * active)

        enough = EXACTNESS * g.norm()
        return conjugate_gradients(product, -g, lambda r: r.norm() <= enough, lambda r: r, 1000)


def column_source(operator: Operator, basis: Basis, free: torch.Tensor) -> ColumnSource:
    """Return the columns of A Psi less their projections on orthonormal ones, `free` (m, k), which say where they live.

    They are held where that is worth it; else there are products only.
    """
    if worth_holding(operator, free.device, STRUCTURED):
        return DenseColumns(operator, basis, free)
    return ImplicitColumns(operator, basis, free)


def project_away(basis: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The part of u, (m,) or (m, n), that is orthogonal to orthonormal columns (m, k)."""
    return u - basis @ (basis.T @ u) if basis.shape[1] else u
