"""Several operators at once: each image of a batch is measured by its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sims.imaging.sensing.base import Operator, Shape
from sims.imaging.sensing.gaussian import Gaussian


class Stack:
    """B operators of one shape and one m; image b of a batch (B, ..., C, H, W) is measured by operator b."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self.operators = tuple(operators)
        self.shape: Shape = operators[0].shape
        self.m = operators[0].m

    def __len__(self) -> int:
        return len(self.operators)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A_b x_b, from (B, ..., C, H, W) to (B, ..., m); differentiable."""
        self._check(x)
        return torch.stack([a.forward(xb) for a, xb in zip(self.operators, x, strict=True)])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A_b^T y_b, from (B, ..., m) to (B, ..., C, H, W); differentiable."""
        self._check(y)
        return torch.stack([a.adjoint(yb) for a, yb in zip(self.operators, y, strict=True)])

    def misfit_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """||A_b x_b - y_b||^2, shape (B, ...), and A_b^T (A_b x_b - y_b), shape of x.

        x is (B, ..., C, H, W) and y is (B, m), the same for all that lies between, or (B, ..., m).
        """
        self._check(x)
        self._check(y)
        each = [a.misfit_and_gradient(xb, yb) for a, xb, yb in zip(self.operators, x, y, strict=True)]
        return torch.stack([e[0] for e in each]), torch.stack([e[1] for e in each])

    def to(self, device: str | torch.device) -> Stack:
        """The same operators on a device."""
        return stack([a.to(device) for a in self.operators])

    def _check(self, value: torch.Tensor) -> None:
        if value.ndim < 1 or len(value) != len(self):
            raise ValueError(f"first dimension must be {len(self)}, one for each operator, got {tuple(value.shape)}")


class DenseStack(Stack):
    """Gaussian operators whose matrices are slices of one tensor (B, m, n), 4 B m n bytes in all."""

    def __init__(self, operators: Sequence[Gaussian]) -> None:
        super().__init__(operators)
        first = operators[0].matrix
        self.matrices = first.new_empty(len(operators), *first.shape)
        for place, operator in zip(self.matrices, operators, strict=True):
            operator.matrix = place.copy_(operator.matrix)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A_b x_b by one batched product."""
        self._check(x)
        flat = x.reshape(len(self), -1, self.matrices.shape[-1])
        return torch.bmm(flat, self.matrices.mT).reshape(*x.shape[:-3], self.m)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A_b^T y_b by one batched product."""
        self._check(y)
        flat = y.reshape(len(self), -1, self.m)
        return torch.bmm(flat, self.matrices).reshape(*y.shape[:-1], *self.shape)


def stack(operators: Sequence[Operator]) -> Stack:
    """Return one operator-like object of several operators.

    Gaussian matrices are gathered in one tensor, of which the given operators then hold slices: nothing is kept twice.

    Raises
    ------
    ValueError
        where there is none, or shapes or numbers of measurements differ.
    """
    if not operators:
        raise ValueError("operators must be at least one, got none")
    first = operators[0]
    for other in operators:
        if (other.shape, other.m) != (first.shape, first.m):
            raise ValueError(
                f"operators must agree in shape and m, got {first.shape}, {first.m} and {other.shape}, {other.m}"
            )
    dense = [a for a in operators if isinstance(a, Gaussian)]
    return DenseStack(dense) if len(dense) == len(operators) else Stack(operators)
