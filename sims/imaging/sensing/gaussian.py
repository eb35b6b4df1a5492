"""The dense Gaussian operator: one float32 matrix, drawn once, never copied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from sims.chance.streams import stream
from sims.imaging.sensing.base import Operator, Shape

CACHED = 2 << 20
"""Bytes of a block of rows, for each thread, that stay in the cache between the product and the transposed one."""
FEW = 16
"""Images from which on arithmetic, not memory, sets the time, so that reading A twice costs nothing."""


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
    rows = max(1, CACHED * torch.get_num_threads() // (4 * A.shape[1]))
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
    """||A x - y||^2 and A^T (A x - y) for x (batch, n), y (batch, m).

    For few images on a CPU, A is read from main memory once: each block of rows is used twice while in the cache.
    Where two whole products are faster (accelerators, many images, one image by several threads), they are taken.
    """
    if A.is_cuda or len(x) >= FEW or (len(x) == 1 and torch.get_num_threads() > 1):
        r = product(A, x) - y
        return r.square().sum(-1), transposed(A, r)
    g, residuals = torch.zeros_like(x), []
    for place, block in blocks(A):
        r = _residual_and_gradient(block.to(x.dtype), x, y[:, place], g)
        residuals.append(r)
    return torch.cat(residuals, -1).square().sum(-1), g


def _residual_and_gradient(A: torch.Tensor, x: torch.Tensor, y: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """Return r = A x - y and add A^T r to g."""
    if len(x) == 1:
        one = torch.mv(A, x[0]).sub_(y[0])
        g[0].addmv_(A.T, one)
        return one[None]
    # With several threads, products of a small block with a few images lose more to their meeting than they gain.
    if torch.get_num_threads() > 1:
        r = torch.stack([torch.mv(A, image) for image in x]).sub_(y)
        for total, one in zip(g, r, strict=True):
            total.addmv_(A.T, one)
        return r
    r = (x @ A.T).sub_(y)
    g.addmm_(r, A)
    return r


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
