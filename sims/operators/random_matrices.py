"""Gaussian operators: one float32 matrix, drawn once and never copied, or rows drawn anew at every product.

Magnitudes of their products are measured as by a detector that loses the sign: not linear, and they say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NoReturn

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.random.streams import stream

CACHE_BYTES = 16 << 20
"""Bytes of a block of rows that stay in the last cache between the product and the transposed one; smaller blocks cost
more by their number than they save (measured on one core, 2000 x 65536)."""
THREAD_SHARE = 1 << 22
"""Entries of A from which on a thread of its own is worth its start."""
FEW_IMAGES = 16
"""Images from which on arithmetic, not memory, sets the time, so that reading A twice costs nothing."""
ROW_BLOCK_ENTRIES = 1 << 20
"""Entries of a block of rows that is drawn anew; a part of the law: another number gives another matrix."""


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
    rows = max(1, CACHE_BYTES // (4 * A.shape[1]))
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
    """r = A x - y and A^T r for x (batch, n), y (batch, m).

    For few images on a CPU, A is read from main memory once: each block of rows is used twice while in the cache, and
    each thread has rows of its own. Elsewhere arithmetic, not memory, sets the time, and two whole products are taken.
    """
    if A.is_cuda or len(x) >= FEW_IMAGES:
        r = product(A, x) - y
        return r, transposed(A, r)
    threads = min(torch.get_num_threads(), A.shape[0] * A.shape[1] // THREAD_SHARE)
    if threads <= 1:
        return _one_pass(A, x, y)
    ends = [len(A) * k // threads for k in range(threads + 1)]
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        parts = [pool.submit(_one_pass, A[i:j], x, y[:, i:j]) for i, j in pairwise(ends)]
        residuals, gradients = zip(*(part.result() for part in parts), strict=True)
    return torch.cat(residuals, -1), torch.stack(gradients).sum(0)


@torch.no_grad()
def _one_pass(A: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    g, residuals = torch.zeros_like(x), []
    for place, block in blocks(A):
        residuals.append(_residual_and_gradient(block.to(x.dtype), x, y[:, place], g))
    return torch.cat(residuals, -1), g


def _residual_and_gradient(A: torch.Tensor, x: torch.Tensor, y: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """Return r = A x - y and add A^T r to g."""
    if len(x) == 1:
        one = torch.mv(A, x[0]).sub_(y[0])
        g[0].addmv_(A.T, one)
        return one[None]
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

    def _residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return residual_products(self.matrix, x.reshape(-1, self.n), y)


class SeededGaussian(Operator):
    """i.i.d. N(0, 1/m) entries that are never held: block b of rows is drawn by Philox with the key (seed, b).

    The law is that of `gaussian`, the matrix of a seed is another one. Each product draws all m n numbers, about
    a second for 10^8 of them on one core, and holds a block of 4 MB (a row where a row is longer) for each thread.
    """

    name = "gaussian-seeded"
    gain = 1.0

    def __init__(self, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.rows = max(1, ROW_BLOCK_ENTRIES // self.n)
        self._key = int(stream(seed, "A").integers(2**64, dtype=np.uint64))

    @property
    def memory(self) -> int:
        """Bytes of the blocks that a product draws at once, one for each thread."""
        return 4 * max(ROW_BLOCK_ENTRIES, self.n) * torch.get_num_threads()

    def block(self, number: int) -> torch.Tensor:
        """Rows number*rows, ..., of A, at most `rows` of them."""
        rows = min(self.rows, self.m - number * self.rows)
        counter = np.random.Philox(key=np.array([self._key, number], dtype=np.uint64))
        entries = np.random.Generator(counter).standard_normal((rows, self.n), dtype=np.float32)
        entries *= np.float32(self.m**-0.5)
        return torch.from_numpy(entries)

    def _blocks(self, like: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
        count, threads = -(-self.m // self.rows), torch.get_num_threads()
        with ThreadPoolExecutor(threads) as pool:
            for first in range(0, count, threads):
                numbers = range(first, min(first + threads, count))
                for number, block in zip(numbers, pool.map(self.block, numbers), strict=True):
                    place = slice(number * self.rows, (number + 1) * self.rows)
                    yield place, block.to(like.device, like.dtype)

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.reshape(-1, self.n) @ block.T for _, block in self._blocks(x)], -1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        g = y.new_zeros(len(y), self.n)
        for place, block in self._blocks(y):
            g.addmm_(y[:, place], block)
        return g.reshape(-1, *self.shape)

    def _residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x.reshape(-1, self.n)
        g, residuals = torch.zeros_like(x), []
        for place, block in self._blocks(x):
            r = x @ block.T - y[:, place]
            g.addmm_(r, block)
            residuals.append(r)
        return torch.cat(residuals, -1), g


class Magnitude(Operator):
    """y = |A u|, entry by entry, of u = (x + 1)/2 on [0, 1]; A has i.i.d. N(0, 1/m) entries.

    u and -u have the same measurements; m may exceed the number of pixels. There is no adjoint: methods of phase
    retrieval take `linear_part`, which is A.

    Source: jagatap19 Section 2 (compressive phase retrieval)
    """

    name = "magnitude"
    gain = 1.0
    linear = False

    def __init__(self, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.matrix = Gaussian(shape, m, seed).matrix

    @property
    def linear_part(self) -> Operator:
        """A, the Gaussian operator of the same seed, sharing its matrix."""
        part = object.__new__(Gaussian)
        Operator.__init__(part, self.shape, self.m, self.seed)
        part.matrix = self.matrix
        return part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """|A (x + 1)/2|, from (..., C, H, W) to (..., m); differentiable where no entry is zero."""
        return self.linear_part.forward((x + 1) / 2).abs()

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward(x)

    def _transposed(self, y: torch.Tensor) -> NoReturn:
        raise ValueError("operator must be linear to have an adjoint, got magnitude: its linear_part has one")

    def adjoint(self, y: torch.Tensor) -> NoReturn:
        """Refuse: there is no transpose of a map that is not linear."""
        self._transposed(y)

    def residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> NoReturn:
        """Refuse, as `adjoint` does."""
        self._transposed(y)

    def squared_norm(self) -> float:
        """||A||^2 of the linear part."""
        return self.linear_part.squared_norm()
