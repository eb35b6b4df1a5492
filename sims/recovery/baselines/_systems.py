"""The linear systems of Newton steps: Gram matrices kept between them, Cholesky factors, conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch

Map = Callable[[torch.Tensor], torch.Tensor]


class Grams:
    """Inner products of the columns of `rows` (m, n), kept as columns become active: few do from step to step.

    They are in the dtype of the rows.
    """

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows = rows
        self._reset(0)

    def _reset(self, capacity: int) -> None:
        m, n = self._rows.shape
        self._place = torch.full((n,), -1, device=self._rows.device)
        self._count = 0
        self._columns = self._rows.new_empty(capacity, m)
        self._gram = self._rows.new_empty(capacity, capacity)

    def of(self, numbers: torch.Tensor) -> torch.Tensor:
        """The Gram matrix of the columns of these numbers, a copy."""
        fresh = numbers[self._place[numbers] < 0]
        if len(fresh):
            self._add(numbers if self._make_room(len(fresh), len(numbers)) else fresh)
        places = self._place[numbers]
        return self._gram[places[:, None], places]

    def _make_room(self, fresh: int, wanted: int) -> bool:
        """Grow by half; or start anew, and say so, where most of what is kept is no longer active."""
        needed, kept = self._count + fresh, self._count
        if needed <= len(self._columns):
            return False
        if kept > 2 * wanted:
            self._reset(len(self._columns))
            return True
        columns, gram = self._columns, self._gram
        grown = needed + needed // 2
        self._columns, self._gram = columns.new_empty(grown, columns.shape[1]), gram.new_empty(grown, grown)
        self._columns[:kept], self._gram[:kept, :kept] = columns[:kept], gram[:kept, :kept]
        return False

    def _add(self, numbers: torch.Tensor) -> None:
        old, new = self._count, self._count + len(numbers)
        self._columns[old:new] = self._rows[:, numbers].T
        self._place[numbers] = torch.arange(old, new, device=numbers.device)
        products = self._columns[old:new] @ self._columns[:new].T
        self._gram[old:new, :new] = products
        self._gram[:old, old:new] = products[:, :old].T
        self._count = new


def factorised(matrix: torch.Tensor, shift: float) -> Map:
    """Return b -> (matrix + shift I)^{-1} b; where rounding makes that indefinite, with a larger shift."""
    diagonal = matrix.diagonal().clone()
    for _ in range(20):
        matrix.diagonal().copy_(diagonal + shift)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if not int(failed):
            return lambda b: torch.cholesky_solve(b.to(factor.dtype)[:, None], factor).squeeze(-1).to(b.dtype)
        shift = 10 * max(shift, float(diagonal.max()) * torch.finfo(matrix.dtype).eps)
    return lambda b: b


def conjugate_gradients(product: Map, b: torch.Tensor, small: Map, inverse: Map, most: int) -> torch.Tensor:
    """Solve product(x) = b, preconditioned by `inverse`, until small(residual), a truth value, or `most` products."""
    x, r = torch.zeros_like(b), b
    z = inverse(r)
    p, rho = z, r @ z
    for _ in range(most):
        if not float(rho) > 0:
            break
        q = product(p)
        step = rho / (p @ q)
        x, r = x + step * p, r - step * q
        if small(r):
            break
        z = inverse(r)
        rho, last = r @ z, rho
        p = z + rho / last * p
    return x
