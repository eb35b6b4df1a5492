"""Some rows of an operator, as an operator: what a fit sees when other measurements are held out."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from untrained.sims.operators.base import Operator
from untrained.sims.operators.random_matrices import product, residual_products, transposed


class RowSubset(Operator):
    """The rows of `whole` at `rows`, whole numbers in increasing order.

    It goes by the name of `whole`, since methods choose their ways by what the rows are. Of a matrix that is held,
    consecutive rows are a view and others a copy; of any other operator all rows are computed, and some left out.

    Raises
    ------
    ValueError
        where no row is named, or one that there is not.
    """

    def __init__(self, whole: Operator, rows: torch.Tensor) -> None:
        if not len(rows) or int(rows.min()) < 0 or int(rows.max()) >= whole.m:
            raise ValueError(f"rows must be at least one of the {whole.m} there are, got {len(rows)}")
        super().__init__(whole.shape, len(rows), whole.seed)
        self.whole, self.rows, self.name = whole, rows, whole.name
        self.gain, self.orthonormal = whole.gain * len(rows) / whole.m, whole.orthonormal
        matrix = getattr(whole, "matrix", None)
        if isinstance(matrix, torch.Tensor):
            self.matrix: torch.Tensor = matrix[_slice(rows)]

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        if hasattr(self, "matrix"):
            return product(self.matrix, x.reshape(-1, self.n))
        return self.whole.forward(x)[:, self.rows]

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        if hasattr(self, "matrix"):
            return transposed(self.matrix, y).reshape(-1, *self.shape)
        whole = y.new_zeros(len(y), self.whole.m)
        whole[:, self.rows] = y
        return self.whole.adjoint(whole)

    def _residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if hasattr(self, "matrix"):
            return residual_products(self.matrix, x.reshape(-1, self.n), y)
        return super()._residual_and_gradient(x, y)

    @property
    def device(self) -> torch.device | None:
        """Where the numbers of the whole lie; which rows there are is known on the CPU."""
        return self.whole.device

    def to(self, device: str | torch.device) -> RowSubset:
        """The same rows of the whole on a device."""
        return RowSubset(self.whole.to(device), self.rows)

    @property
    def row_groups(self) -> torch.Tensor:
        """The groups of the rows there are."""
        return self.whole.row_groups[self.rows]

    @property
    def options(self) -> dict[str, Any]:
        """The whole operator, and which of its rows; it is made by the one who holds some out."""
        rows = hashlib.sha256(self.rows.cpu().numpy().astype("<i8").tobytes()).hexdigest()
        return {"whole": self.whole.spec(), "rows": rows, "rebuildable": False}


def _slice(rows: torch.Tensor) -> slice | torch.Tensor:
    """Consecutive rows as a slice, which takes no memory of its own."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else rows
