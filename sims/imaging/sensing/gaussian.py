"""The dense Gaussian operator: one float32 matrix, drawn once, never copied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from sims.chance.streams import stream
from sims.imaging.sensing.base import Operator, Shape

CACHED = 4 << 20
"""Bytes of a block of rows that stays in a processor's cache between the product and the transposed one."""


def gaussian_matrix(m: int, n: int, seed: int) -> torch.Tensor:
    """Draw A (m, n) with i.i.d. N(0, 1/m) entries, in float32 and in place.

    Rows come one after another, so A of fewer rows is the beginning of A of more, up to the scale.
    """
    A = np.empty((m, n), dtype=np.float32)
    stream(seed, "A").standard_normal(dtype=np.float32, out=A)
    A *= np.float32(m**-0.5)
    return torch.from_numpy(A)


def blocks(A: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Blocks of rows small enough for the cache, with the place of each."""
    rows = max(1, CACHED // (4 * A.shape[1]))
    for start in range(0, A.shape[0], rows):
        place = slice(start, start + rows)
        yield place, A[place]


def product(A: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """A x for x (batch, n), in the dtype of x."""
    if x.dtype == A.dtype:
        return (A @ x[0])[None] if len(x) == 1 else x @ A.T
    return torch.cat([x @ block.to(x.dtype).T for _, block in blocks(A)], -1)


def transposed(A: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """A^T y for y (batch, m), in the dtype of y."""
    if y.dtype == A.dtype:
        return (A.T @ y[0])[None] if len(y) == 1 else y @ A
    result = y.new_zeros(len(y), A.shape[1])
    for place, block in blocks(A):
        result.addmm_(y[:, place], block.to(y.dtype))
    return result


def residual_products(A: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """||A x - y||^2 and A^T (A x - y) for x (batch, n), y (batch, m), reading A from main memory once."""
    if A.is_cuda:
        r = product(A, x) - y
        return r.square().sum(-1), transposed(A, r)
    g, misfit = torch.zeros_like(x), x.new_zeros(len(x))
    for place, block in blocks(A):
        b = block.to(x.dtype)
        if len(x) == 1:
            r = (torch.mv(b, x[0]) - y[0, place])[None]
            g[0].addmv_(b.T, r[0])
        else:
            r = x @ b.T - y[:, place]
            g.addmm_(r, b)
        misfit += r.square().sum(-1)
    return misfit, g


class Gaussian(Operator):
    """i.i.d. N(0, 1/m) entries, so that E ||A x||^2 = ||x||^2.

    Source: vanveen18 Section 5.1
    """

    name = "gaussian"
    gain = 1.0

    def __init__(self, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.matrix = gaussian_matrix(m, self.n, seed)

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return product(self.matrix, x.reshape(-1, self.n))

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        return transposed(self.matrix, y).reshape(-1, *self.shape)

    def _misfit_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return residual_products(self.matrix, x.reshape(-1, self.n), y)
