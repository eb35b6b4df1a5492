"""The columns of A Psi as the Lasso needs them: products, Newton systems, and columns of their own in float64."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from sims.imaging.bases import Basis
from sims.imaging.sensing import Operator, memory_available

BLOCK = 1 << 24
"""Entries of A that are transformed at once."""
NEWTON = 10_000
"""The most measurements for which Newton systems are factorised."""
SMALL = 1 << 22
"""Up to this many entries all columns are held in float64 and used at once."""


class Dictionary(ABC):
    """B = A Psi restricted to some columns J of all n: what the Newton method multiplies and solves with."""

    @abstractmethod
    def forward(self, c: torch.Tensor) -> torch.Tensor:
        """B c, (|J|,) to (m,)."""

    @abstractmethod
    def adjoint(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u, (m,) to (|J|,)."""

    @abstractmethod
    def newton(self, active: torch.Tensor, sigma: float, g: torch.Tensor) -> torch.Tensor:
        """Solution d of (I + sigma B_active B_active^T) d = -g; `active` (|J|,) is a mask."""


class Source(ABC):
    """All n columns; `everything` says that a restriction would save nothing."""

    everything: bool

    @abstractmethod
    def restricted(self, chosen: torch.Tensor) -> Dictionary:
        """The dictionary of the columns with these numbers."""

    @abstractmethod
    def correlations(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u over all columns, (m,) to (n,) in float64."""


class HeldColumns(Source):
    """B held as m rows, in float64 where it is small and else in float32, as A itself is."""

    def __init__(self, operator: Operator, basis: Basis, device: torch.device) -> None:
        self.everything = operator.m * operator.n <= SMALL
        dtype = torch.float64 if self.everything else torch.float32
        self.rows = _transformed_rows(operator, basis, device, dtype)
        self._grams = _Grams(self.rows)
        self._all: Dictionary | None = None

    def restricted(self, chosen: torch.Tensor) -> Dictionary:
        """Copies of the columns, in float64."""
        if not self.everything:
            return _Columns(self.rows[:, chosen].T.double().contiguous(), chosen, self._grams)
        self._all = self._all or _Columns(self.rows.T.contiguous(), chosen, self._grams)
        return self._all

    def correlations(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u."""
        return (u.to(self.rows.dtype) @ self.rows).double()


class _Columns(Dictionary):
    def __init__(self, columns: torch.Tensor, numbers: torch.Tensor, grams: _Grams) -> None:
        self._columns, self._numbers, self._grams = columns, numbers, grams

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        places = c.nonzero().squeeze(-1)
        return c[places] @ self._columns[places] if 4 * len(places) < len(c) else c @ self._columns

    def adjoint(self, u: torch.Tensor) -> torch.Tensor:
        return self._columns @ u

    def newton(self, active: torch.Tensor, sigma: float, g: torch.Tensor) -> torch.Tensor:
        """By a Cholesky factor of B^T B + I/sigma over the active columns (Woodbury), or of the m x m matrix itself."""
        if int(active.sum()) > 3 * len(g) // 2:
            b = self._columns[active]
            return -_solve(b.T @ b, 1 / sigma, g / sigma)
        b, gram = self._grams.of(self._numbers[active])
        return b.T @ _solve(gram, 1 / sigma, b @ g) - g


class _Grams:
    """Inner products of columns, kept as columns become active: from one Newton step to the next few change."""

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows = rows
        self._reset(0)

    def _reset(self, capacity: int) -> None:
        m, n = self._rows.shape
        self._place = torch.full((n,), -1, device=self._rows.device)
        self._count = 0
        self._columns = self._rows.new_empty(capacity, m, dtype=torch.float64)
        self._gram = self._rows.new_empty(capacity, capacity, dtype=torch.float64)

    def of(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The columns of these numbers, as rows (|J|, m), and their Gram matrix (|J|, |J|)."""
        fresh = numbers[self._place[numbers] < 0]
        if len(fresh):
            self._add(numbers if self._make_room(len(fresh), len(numbers)) else fresh)
        places = self._place[numbers]
        return self._columns[places], self._gram[places[:, None], places]

    def _make_room(self, fresh: int, wanted: int) -> bool:
        """Grow by half; start anew, and say so, where most of what is kept is no longer active."""
        needed, capacity = self._count + fresh, len(self._columns)
        if needed <= capacity:
            return False
        if self._count > 2 * wanted:
            self._reset(capacity)
            return True
        columns, gram, k = self._columns, self._gram, self._count
        grown = needed + needed // 2
        self._columns = columns.new_empty(grown, columns.shape[1])
        self._gram = gram.new_empty(grown, grown)
        self._columns[:k], self._gram[:k, :k] = columns[:k], gram[:k, :k]
        return False

    def _add(self, numbers: torch.Tensor) -> None:
        old, new = self._count, self._count + len(numbers)
        self._columns[old:new] = self._rows[:, numbers].T
        self._place[numbers] = torch.arange(old, new, device=numbers.device)
        products = self._columns[old:new] @ self._columns[:new].T
        self._gram[old:new, :new] = products
        self._gram[:old, old:new] = products[:, :old].T
        self._count = new


def _solve(gram: torch.Tensor, shift: float, g: torch.Tensor) -> torch.Tensor:
    """(gram + shift I)^{-1} g; where rounding makes that indefinite, with the least larger shift that is not."""
    matrix = gram.clone()
    while True:
        matrix.diagonal().copy_(gram.diagonal() + shift)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if not int(failed):
            return torch.cholesky_solve(g[:, None], factor).squeeze(-1)
        shift *= 10


class Implicit(Source, Dictionary):
    """B by products only, all columns at once; Newton systems by conjugate gradients."""

    everything = True

    def __init__(self, operator: Operator, basis: Basis) -> None:
        self._operator, self._basis = operator, basis

    def restricted(self, chosen: torch.Tensor) -> Dictionary:
        """Itself: nothing is gained by leaving out columns."""
        return self

    def correlations(self, u: torch.Tensor) -> torch.Tensor:
        """B^T u."""
        return self._basis.analysis(self._operator.adjoint(u)).flatten()

    adjoint = correlations

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        """B c."""
        return self._operator.forward(self._basis.synthesis(c.reshape(self._basis.shape)))

    def newton(self, active: torch.Tensor, sigma: float, g: torch.Tensor) -> torch.Tensor:
        """An inexact solution, to a hundredth of ||g||, which leaves Newton's method its global convergence."""
        d, r = torch.zeros_like(g), -g
        p, rho = r, r @ r
        goal = 1e-4 * rho
        for _ in range(500):
            if rho <= goal:
                break
            q = p + sigma * self.forward(self.adjoint(p) * active)
            step = rho / (p @ q)
            d, r = d + step * p, r - step * q
            rho, last = r @ r, rho
            p = r + rho / last * p
        return d


def make_source(operator: Operator, basis: Basis, device: torch.device) -> Source:
    """Return the columns held where m and memory allow that, and else products only."""
    size = operator.m * operator.n * 4
    available = memory_available(device)
    if operator.m <= NEWTON and (available is None or 2 * size <= available):
        return HeldColumns(operator, basis, device)
    return Implicit(operator, basis)


def _transformed_rows(operator: Operator, basis: Basis, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    rows = torch.empty(operator.m, operator.n, device=device, dtype=dtype)
    block = max(1, BLOCK // operator.n)
    matrix = getattr(operator, "matrix", None)
    for start in range(0, operator.m, block):
        stop = min(start + block, operator.m)
        if matrix is None:
            units = torch.eye(operator.m, device=device, dtype=dtype)[start:stop]
            images = operator.adjoint(units)
        else:
            images = matrix[start:stop].to(dtype).reshape(-1, *operator.shape)
        rows[start:stop] = basis.analysis(images).flatten(1)
    return rows
