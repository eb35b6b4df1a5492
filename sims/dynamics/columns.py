"""The columns of V that a run ever uses, in three stores: held, held in half the memory, and never held.

A neuron with <w_l, z> < 0 has no gradient, so it never moves and never counts: of V and h_0 = W_0 z only the columns
that are on at the start matter. Entries of V have unit variance here; the theorem's scale nu is the run's.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch

from untrained.sims.dynamics.counter import key_of, normals, pairs, words_at
from untrained.sims.random.streams import stream

COLUMN_BLOCK = 1 << 18
"""Entries of V in a block; a part of the law of what a seed draws."""
AT_ONCE = 256
"""Blocks that an accelerator draws at a time."""


@dataclass(frozen=True)
class Block:
    """Columns `start`, ... of those that are on at the start: V (n, B), h_0 (B,) > 0 for ||z|| = 1, norms (B,)."""

    start: int
    V: torch.Tensor
    h0: torch.Tensor
    norms: torch.Tensor


class Columns(Protocol):
    """Where the columns come from: n rows, `width` neurons d, of which `count` are on at the start."""

    n: int
    width: int
    count: int
    dtype: torch.dtype
    device: torch.device

    def blocks(self) -> Iterator[Block]:
        """All columns in their order."""
        ...


class StoredColumns:
    """Columns held in memory: V (n, D) and h_0 (D,) of the neurons that are on; d counts all."""

    def __init__(self, V: torch.Tensor, h0: torch.Tensor, width: int) -> None:
        if V.ndim != 2 or h0.shape != V.shape[1:]:
            raise ValueError(f"V and h0 must be of shape (n, D) and (D,), got {tuple(V.shape)} and {tuple(h0.shape)}")
        if not (h0 >= 0).all() or width < len(h0):
            raise ValueError("h0 must be that of the neurons that are on, all at least 0 and no more than the width")
        self.V, self.h0, self.width = V, h0.to(V.dtype), width
        self.n, self.count, self.dtype, self.device = V.shape[0], V.shape[1], V.dtype, V.device
        self._norms = torch.linalg.vector_norm(V, dim=0)

    @classmethod
    def of(cls, V: torch.Tensor, h0: torch.Tensor) -> StoredColumns:
        """Keep of V (n, d) and h_0 (d,) the columns that are on."""
        on = h0 >= 0
        return cls(V[:, on].contiguous(), h0[on], len(h0))

    @classmethod
    def draw(cls, regenerated: Regenerated) -> StoredColumns:
        """Hold what a generator draws: the same numbers."""
        V = torch.empty(regenerated.n, regenerated.count, dtype=regenerated.dtype, device=regenerated.device)
        h0 = torch.empty(regenerated.count, dtype=regenerated.dtype, device=regenerated.device)
        for block in regenerated.blocks():
            place = slice(block.start, block.start + len(block.h0))
            V[:, place], h0[place] = block.V, block.h0
        return cls(V, h0, regenerated.width)

    def blocks(self) -> Iterator[Block]:
        """One block."""
        yield Block(0, self.V, self.h0, self._norms)


class Half:
    """Columns held in 16 bits an entry, and used in the dtype they came in; `error` is ||V - V_16||_F/||V||_F."""

    def __init__(self, columns: Columns, kind: torch.dtype = torch.bfloat16) -> None:
        if kind not in (torch.bfloat16, torch.float16):
            raise ValueError(f"kind must be torch.bfloat16 or torch.float16, got {kind}")
        self.n, self.width, self.count = columns.n, columns.width, columns.count
        self.dtype, self.device = columns.dtype, columns.device
        self.V = torch.empty(self.n, self.count, dtype=kind, device=self.device)
        self.h0 = torch.empty(self.count, dtype=self.dtype, device=self.device)
        lost, whole = 0.0, 0.0
        for block in columns.blocks():
            place = slice(block.start, block.start + len(block.h0))
            self.V[:, place], self.h0[place] = block.V, block.h0
            lost += float((self.V[:, place].to(self.dtype) - block.V).double().square().sum())
            whole += float(block.V.double().square().sum())
        self.error = (lost / whole) ** 0.5

    def blocks(self) -> Iterator[Block]:
        """Blocks of the size of those drawn, each widened for its use."""
        size = block_size(self.n)
        for start in range(0, self.count, size):
            V = self.V[:, start : start + size].to(self.dtype)
            yield Block(start, V, self.h0[start : start + size], torch.linalg.vector_norm(V, dim=0))


def block_size(n: int) -> int:
    """Columns of a block: a multiple of 8."""
    return max(8, COLUMN_BLOCK // n // 8 * 8)


class Regenerated:
    """Columns drawn anew, block by block, whenever they are needed: nothing of size d is held.

    d neurons are drawn, of which a binomial number D is on; entries of V are standard normal, h_0 half-normal. A seed
    draws the same numbers in either dtype and on any device but for float32 rounding of logarithms and cosines.
    """

    def __init__(
        self,
        n: int,
        width: int,
        seed: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        if n < 1 or width < 1:
            raise ValueError(f"n and width must be at least 1, got {n} and {width}")
        if dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
        self.n, self.width, self.dtype, self.device = n, width, dtype, torch.device(device)
        self.count = int(stream(seed, "on").binomial(width, 0.5))
        self._V, self._h0 = key_of(seed, "V"), key_of(seed, "h0")

    def block(self, number: int) -> Block:
        """One block, from its number alone."""
        size = block_size(self.n)
        start = number * size
        width = min(size, self.count - start)
        V = normals(self._V, number, size * self.n, self.device).view(self.n, size)[:, :width].to(self.dtype)
        h0 = normals(self._h0, number, size, self.device)[:width].abs().to(self.dtype)
        return Block(start, V, h0, torch.linalg.vector_norm(V, dim=0))

    @property
    def fused(self) -> bool:
        """Whether a pass can draw and multiply in one kernel: on CUDA, with Triton, for even n."""
        return self.device.type == "cuda" and self.n % 2 == 0 and importlib.util.find_spec("triton") is not None

    def multiplied(
        self, S: torch.Tensor, off: torch.Tensor, drift: float, z_norm: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Margins of all columns (below 0: just gone off) and V h over those on, by the fused kernel."""
        from untrained.sims.dynamics import fused

        return fused.multiply(self._V, self._h0, S, off, self.n, block_size(self.n), drift, z_norm)

    def gathered(self, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """V (n, K) and h_0 (K,) of some columns, by their places; n even."""
        size, rows = block_size(self.n), torch.arange(self.n // 2, device=self.device)[:, None]
        block, column = places // size, places % size
        words = words_at(self._V, block * (size * self.n // 8) + rows * (size // 4) + column // 4 + 1)
        lanes = (column % 4).expand(len(rows), -1)[..., None]
        V = torch.cat(pairs(words.gather(-1, lanes)[..., 0]))
        late = column >= size // 2
        words = words_at(self._h0, block * (size // 8) + (column - size // 2 * late) // 4 + 1)
        cosine, sine = pairs(words.gather(-1, (column % 4)[:, None])[:, 0])
        return V.to(self.dtype), torch.where(late, sine, cosine).abs().to(self.dtype)

    def _on_accelerator(self) -> Iterator[Block]:
        """Many blocks at a time, drawn by a kernel."""
        from untrained.sims.dynamics import fused

        size = block_size(self.n)
        for first in range(0, -(-self.count // size), AT_ONCE):
            blocks = min(AT_ONCE, -(-self.count // size) - first)
            start, end = first * size, min(self.count, (first + blocks) * size)
            V = fused.normal_blocks(self._V, first, blocks, size * self.n, self.device)
            V = V.view(blocks, self.n, size).transpose(0, 1).reshape(self.n, -1)[:, : end - start].to(self.dtype)
            h0 = (
                fused.normal_blocks(self._h0, first, blocks, size, self.device)
                .view(-1)[: end - start]
                .abs()
                .to(self.dtype)
            )
            yield Block(start, V, h0, torch.linalg.vector_norm(V, dim=0))

    def blocks(self) -> Iterator[Block]:
        """All blocks, drawn ahead by as many threads as torch has; their order never changes."""
        if self.fused:
            yield from self._on_accelerator()
            return
        numbers = iter(range(-(-self.count // block_size(self.n))))
        threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        if threads == 1:
            yield from map(self.block, numbers)
            return
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            ahead = [pool.submit(self.block, number) for number in islice(numbers, 2 * threads)]
            while ahead:
                yield ahead.pop(0).result()
                ahead += [pool.submit(self.block, number) for number in islice(numbers, 1)]


class Mixed:
    """Columns A v_l of another store: the compressed-sensing form, with y in R^m."""

    def __init__(self, columns: Columns, A: torch.Tensor) -> None:
        if A.ndim != 2 or A.shape[1] != columns.n:
            raise ValueError(f"A must be of shape (m, {columns.n}), got {tuple(A.shape)}")
        self._of, self._A = columns, A.to(columns.dtype).to(columns.device)
        self.n, self.width, self.count = len(A), columns.width, columns.count
        self.dtype, self.device = columns.dtype, columns.device

    def blocks(self) -> Iterator[Block]:
        """A times each block."""
        for block in self._of.blocks():
            V = self._A @ block.V
            yield Block(block.start, V, block.h0, torch.linalg.vector_norm(V, dim=0))
