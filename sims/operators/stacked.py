"""Several operators at once: each image of a batch is measured by its own."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.operators.random_matrices import Gaussian


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
        self._check("images", x, self.shape)
        return torch.stack([a.forward(xb) for a, xb in zip(self.operators, x, strict=True)])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A_b^T y_b, from (B, ..., m) to (B, ..., C, H, W); differentiable."""
        self._check("measurements", y, (self.m,))
        return torch.stack([a.adjoint(yb) for a, yb in zip(self.operators, y, strict=True)])

    @torch.no_grad()
    def residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """r_b = A_b x_b - y_b, shape (B, ..., m), and A_b^T r_b, shape of x, detached from any graph.

        x is (B, ..., C, H, W) and y is (B, m), the same for all that lies between, or (B, ..., m).
        """
        self._check("images", x, self.shape)
        self._check("measurements", y, (self.m,))
        each = [a.residual_and_gradient(xb, yb) for a, xb, yb in zip(self.operators, x, y, strict=True)]
        return torch.stack([e[0] for e in each]), torch.stack([e[1] for e in each])

    def squared_norm(self) -> float:
        """The largest ||A_b||^2."""
        return max(a.squared_norm() for a in self.operators)

    def to(self, device: str | torch.device) -> Stack:
        """The same operators on a device."""
        return Stack([a.to(device) for a in self.operators])

    def _check(self, name: str, value: torch.Tensor, tail: tuple[int, ...]) -> None:
        self.operators[0].check(name, value, tail)
        if value.ndim == len(tail) or len(value) != len(self):
            raise ValueError(f"{name} must be {len(self)}, one for each operator, got shape {tuple(value.shape)}")


class SameStack(Stack):
    """One operator for all images: a single product with a larger batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x_b."""
        self._check("images", x, self.shape)
        return self.operators[0].forward(x)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A^T y_b."""
        self._check("measurements", y, (self.m,))
        return self.operators[0].adjoint(y)

    def residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """r_b = A x_b - y_b and A^T r_b."""
        self._check("images", x, self.shape)
        self._check("measurements", y, (self.m,))
        return self.operators[0].residual_and_gradient(x, _spread(y, x.ndim - 2))

    def to(self, device: str | torch.device) -> SameStack:
        """The same operator on a device."""
        return SameStack([self.operators[0].to(device)] * len(self))


class DenseStack(Stack):
    """Gaussian operators whose matrices are slices of one tensor (B, m, n), 4 B m n bytes in all."""

    def __init__(self, operators: Sequence[Gaussian], matrices: torch.Tensor) -> None:
        super().__init__(operators)
        self.matrices = matrices
        for operator, matrix in zip(operators, matrices, strict=True):
            operator.matrix = matrix

    @classmethod
    def gather(cls, operators: Sequence[Gaussian]) -> DenseStack:
        """Move the matrices into one tensor one by one, so that never more than one of them is held twice."""
        first = operators[0].matrix
        matrices = first.new_empty(len(operators), *first.shape)
        for place, operator in zip(matrices, operators, strict=True):
            operator.matrix = place.copy_(operator.matrix)
        return cls(operators, matrices)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A_b x_b, on an accelerator by one batched product."""
        if not self._batched(x):
            return super().forward(x)
        self._check("images", x, self.shape)
        flat = x.reshape(len(self), -1, self.matrices.shape[-1])
        return torch.bmm(flat, self.matrices.mT).reshape(*x.shape[:-3], self.m)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A_b^T y_b, on an accelerator by one batched product."""
        if not self._batched(y):
            return super().adjoint(y)
        self._check("measurements", y, (self.m,))
        return torch.bmm(y.reshape(len(self), -1, self.m), self.matrices).reshape(*y.shape[:-1], *self.shape)

    @torch.no_grad()
    def residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """r_b = A_b x_b - y_b and A_b^T r_b; on a CPU each matrix is read once."""
        if not self._batched(x):
            return super().residual_and_gradient(x, y)
        self._check("measurements", y, (self.m,))
        r = self.forward(x) - _spread(y, x.ndim - 2)
        return r, self.adjoint(r)

    def to(self, device: str | torch.device) -> DenseStack:
        """The same operators on a device, their matrices again slices of one tensor."""
        dense = [copy.copy(a) for a in self.operators if isinstance(a, Gaussian)]
        return DenseStack(dense, self.matrices.to(device))

    def _batched(self, value: torch.Tensor) -> bool:
        return value.is_cuda and value.dtype == self.matrices.dtype


def _spread(y: torch.Tensor, ndim: int) -> torch.Tensor:
    """Put dimensions of length 1 between the first and the last until there are ndim."""
    return y.reshape(len(y), *[1] * (ndim - y.ndim), *y.shape[1:])


def stack(operators: Sequence[Operator]) -> Stack:
    """Return one operator-like object of several operators.

    Equal operators are kept once. Other Gaussian matrices are gathered in one tensor, of which the given operators then
    hold slices: nothing is kept twice.

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
    if len({(a.fingerprint(), a.device) for a in operators}) == 1:
        return SameStack([first] * len(operators))
    dense = [a for a in operators if isinstance(a, Gaussian)]
    return DenseStack.gather(dense) if len(dense) == len(operators) else Stack(operators)
