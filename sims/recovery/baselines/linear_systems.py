"""Linear systems of the baselines: rows of an operator, Gram matrices, Cholesky factors, conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from untrained.sims.operators import Operator
from untrained.sims.runtime import memory_available

Map = Callable[[torch.Tensor], torch.Tensor]

ROW_BLOCK = 1 << 24
"""Entries of A that are looked at at once."""
MOST_ROWS = 10_000
"""The most measurements for which an m x m system is factorised."""
SMALL_MATRIX = 1 << 22
"""Up to this many entries of a matrix, products are float64 and all columns are used at once."""
DENSE = "gaussian", "gaussian-seeded", "user"
"""Operators whose products cost as much as a dense matrix's; those of the others are fast transforms."""


def worth_holding(operator: Operator, device: torch.device, structured: int) -> bool:
    """Whether to hold m filtered rows of n float32: they fit, and there are not too many of them.

    Too many are over 10000, or over `structured` where the operator is a fast transform. A large matrix that is sparse
    or in a file was not meant to be held.
    """
    if operator.streamed and operator.m * operator.n > SMALL_MATRIX:
        return False
    available = memory_available(device)
    most = MOST_ROWS if operator.name in DENSE else structured
    return operator.m <= most and (available is None or 8 * operator.m * operator.n <= available)


def filtered_rows(
    operator: Operator, transform: Callable[[torch.Tensor], torch.Tensor], device: torch.device, dtype: torch.dtype
) -> torch.Tensor:
    """Return (m, n): each row of A, as an image, transformed."""
    rows = torch.empty(operator.m, operator.n, device=device, dtype=dtype)
    for place in row_blocks(operator):
        rows[place] = transform(images(operator, place, device, dtype)).flatten(1)
    return rows


def row_blocks(operator: Operator) -> Iterator[slice]:
    """Return consecutive slices of the rows, each of few enough to be held as images."""
    block = max(1, ROW_BLOCK // operator.n)
    return (slice(start, min(start + block, operator.m)) for start in range(0, operator.m, block))


def images(operator: Operator, place: slice, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Rows of A as images."""
    matrix = getattr(operator, "matrix", None)
    if matrix is not None:
        return matrix[place].to(dtype).unflatten(-1, operator.shape)
    units = torch.zeros(place.stop - place.start, operator.m, device=device, dtype=dtype)
    units[:, place].fill_diagonal_(1.0)
    return operator.adjoint(units)


def seen_span(columns: torch.Tensor, gain: float) -> torch.Tensor:
    """Orthonormal columns (m, r) that span those of A times orthonormal images, (m, k), less what A does not see."""
    U, s, _ = torch.linalg.svd(columns, full_matrices=False)
    return U[:, s > _unseen(gain)]


def seen_fit(columns: torch.Tensor, y: torch.Tensor, gain: float) -> torch.Tensor:
    """The shortest c (k,) of least ||columns c - y||, columns (m, k) as in `seen_span`, what is unseen left out."""
    return torch.linalg.pinv(columns, atol=_unseen(gain)) @ y


def _unseen(gain: float) -> float:
    """The length of A x up to which an image x of length 1 is not seen: that may be rounding in float32 alone."""
    return 1e-5 * gain**0.5


def gap_closed(gap: float, value: float, tolerance: float, y: torch.Tensor) -> bool:
    """Whether a duality gap is a small share of the value, or no more than images in float32 leave of measurements y.

    Where an image explains y wholly and costs nothing, as a constant one may, the value itself is rounding.
    """
    return gap <= max(tolerance * value, (1e-6 * float(y.norm())) ** 2 / 2)


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

    def _make_room(self, fresh: int, active: int) -> bool:
        """Grow by half; or start anew, and say so, where most of what is kept is no longer active."""
        needed, count = self._count + fresh, self._count
        if needed <= len(self._columns):
            return False
        if count > 2 * active:
            self._reset(len(self._columns))
            return True
        columns, gram = self._columns, self._gram
        grown = needed + needed // 2
        self._columns, self._gram = columns.new_empty(grown, columns.shape[1]), gram.new_empty(grown, grown)
        self._columns[:count], self._gram[:count, :count] = columns[:count], gram[:count, :count]
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
