"""A measurement as a map on rows of numbers: an operator on images, or a plain matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.operators import Operator

BATCH = 256
"""Images that an operator is given at a time."""


@dataclass(frozen=True)
class Measured:
    """A (m, n) as functions on rows, in float64: `forward` (k, n) -> (k, m) and `adjoint` (k, m) -> (k, n)."""

    n: int
    m: int
    forward: Callable[[np.ndarray], np.ndarray]
    adjoint: Callable[[np.ndarray], np.ndarray]

    def check(self, n: int) -> None:
        """Check that A takes n numbers.

        Raises
        ------
        ValueError
            where it does not.
        """
        if n != self.n:
            raise ValueError(f"measurement must take {n} numbers as the network gives, got one of {self.n}")

    def matrix(self) -> np.ndarray:
        """A itself (m, n), from its adjoint."""
        return self.adjoint(np.eye(self.m))


def measured(A: Operator | np.ndarray | torch.Tensor) -> Measured:
    """A measurement from an operator, whose numbers may be float32 and whose products here are float64, or a matrix.

    Raises
    ------
    ValueError
        where a matrix is not two-dimensional, is empty, or has entries that are not finite numbers.
    """
    if isinstance(A, Operator):
        return Measured(A.n, A.m, _batched(A.forward, A.shape, A), _batched(A.adjoint, (A.m,), A))
    M = np.asarray(A.detach().cpu() if isinstance(A, torch.Tensor) else A)
    if M.ndim != 2 or M.size == 0 or M.dtype.kind not in "fiu" or not np.isfinite(M).all():
        raise ValueError(f"measurement must be a matrix (m, n) of finite numbers, got shape {M.shape} of {M.dtype}")
    M = M.astype(np.float64)
    return Measured(M.shape[1], M.shape[0], lambda x: x @ M.T, lambda y: y @ M)


def _batched(
    product: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...], A: Operator
) -> Callable[[np.ndarray], np.ndarray]:
    """The operator's product on rows, some at a time."""

    @torch.no_grad()
    def rows(x: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64)).reshape(len(x), *shape)
        found = [product(part.to(A.device or "cpu")).reshape(len(part), -1).cpu() for part in given.split(BATCH)]
        return torch.cat(found).numpy()

    return rows
