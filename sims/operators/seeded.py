"""The Gaussian operator without its matrix: blocks of rows are drawn anew at every product."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.random.streams import stream

ENTRIES = 1 << 20
"""Entries of a block of rows; a part of the law: another number gives another matrix."""


class SeededGaussian(Operator):
    """i.i.d. N(0, 1/m) entries that are never held: block b of rows is drawn by Philox with the key (seed, b).

    The law is that of `gaussian`, the matrix of a seed is another one. Each product draws all m n numbers, about
    a second for 10^8 of them on one core, and holds a block of 4 MB (a row where a row is longer) for each thread.
    """

    name = "gaussian-seeded"
    gain = 1.0

    def __init__(self, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.rows = max(1, ENTRIES // self.n)
        self._key = int(stream(seed, "A").integers(2**64, dtype=np.uint64))

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
