"""Triton kernels for columns that are never held: one draws blocks, one draws and multiplies in a single pass.

They draw the numbers of `counter`, word by word: a word gives the cosine entry of a row i < n/2 and the sine entry of
row i + n/2 of the same column, so n must be even. Imported on CUDA only, where Triton comes with torch.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl

TILE = 64
"""Counters a program takes, each four columns wide."""


@triton.jit
def _philox(counter, k0, k1):
    """The four words of each counter: Philox 4x64-10."""
    m0 = tl.full(counter.shape, 0xD2E7470EE14C6C93, tl.uint64)
    m1 = tl.full(counter.shape, 0xCA5A826395121157, tl.uint64)
    x0 = counter.to(tl.uint64)
    x1 = tl.zeros_like(x0)
    x2 = tl.zeros_like(x0)
    x3 = tl.zeros_like(x0)
    a = tl.zeros_like(x0) + k0.to(tl.uint64)
    b = tl.zeros_like(x0) + k1.to(tl.uint64)
    for _ in range(10):
        high0 = tl.umulhi(x0, m0)
        high1 = tl.umulhi(x2, m1)
        x0, x1, x2, x3 = high1 ^ x1 ^ a, x2 * m1, high0 ^ x3 ^ b, x0 * m0
        a = a + tl.full(counter.shape, 0x9E3779B97F4A7C15, tl.uint64)
        b = b + tl.full(counter.shape, 0xBB67AE8584CAA73B, tl.uint64)
    return x0, x1, x2, x3


@triton.jit
def _normals(word):
    """Cosine and sine normals of a word."""
    u = ((word >> 32).to(tl.float32) + 0.5) * 2.3283064365386963e-10
    turn = (word & 0xFFFFFFFF).to(tl.float32) * 1.4629180792671596e-09
    r = tl.sqrt(-2.0 * tl.log(u))
    return r * tl.cos(turn), r * tl.sin(turn)


@triton.jit
def _lane(x0, x1, x2, x3, lane: tl.constexpr):
    word = x0
    if lane == 1:
        word = x1
    elif lane == 2:
        word = x2
    elif lane == 3:
        word = x3
    return word


@triton.jit
def _draw(out, k0, k1, first, words, TILE: tl.constexpr):
    """Block first + axis 1 of a key's normals, into row axis 1 of `out`."""
    quarter = tl.program_id(0) * TILE + tl.arange(0, TILE)
    row = tl.program_id(1).to(tl.int64)
    x0, x1, x2, x3 = _philox((first + row) * (words // 4) + quarter + 1, k0, k1)
    place = out + row * 2 * words
    inside = quarter < words // 4
    for lane in tl.static_range(4):
        cosine, sine = _normals(_lane(x0, x1, x2, x3, lane))
        tl.store(place + 4 * quarter + lane, cosine, mask=inside)
        tl.store(place + words + 4 * quarter + lane, sine, mask=inside)


@triton.jit
def _multiply(
    margins, output, off, S, v0, v1, g0, g1, count, size, drift, z_norm, HALF: tl.constexpr, ROWS: tl.constexpr,
    TILE: tl.constexpr,
):  # fmt: skip
    """Margins of the columns of a block (below 0: just gone off), and the program's share of V h over those on.

    Axis 0 goes over tiles, axis 1 over blocks; HALF is n/2, ROWS the power of two from it on.
    """
    block = tl.program_id(1).to(tl.int64)
    quarter = tl.program_id(0) * TILE + tl.arange(0, TILE)
    row = tl.arange(0, ROWS)
    used = (row < HALF)[:, None] & (quarter < size // 4)[None, :]
    counters = block * (size * HALF // 4) + row[:, None] * (size // 4) + quarter[None, :] + 1
    x0, x1, x2, x3 = _philox(counters, v0, v1)
    top = tl.load(S + row, mask=row < HALF, other=0.0)
    bottom = tl.load(S + HALF + row, mask=row < HALF, other=0.0)
    upper = tl.zeros((ROWS,), tl.float32)
    lower = tl.zeros((ROWS,), tl.float32)
    half = size // 2
    for lane in tl.static_range(4):
        cosine, sine = _normals(_lane(x0, x1, x2, x3, lane))
        cosine = tl.where(used, cosine, 0.0)
        sine = tl.where(used, sine, 0.0)
        column = 4 * quarter + lane
        late = column >= half
        w0, w1, w2, w3 = _philox(block * (half // 4) + quarter - tl.where(late, half // 4, 0) + 1, g0, g1)
        early_h, late_h = _normals(_lane(w0, w1, w2, w3, lane))
        h0 = tl.abs(tl.where(late, late_h, early_h))
        place = block * size + column
        inside = (column < size) & (place < count)
        on = tl.load(off + place, mask=inside, other=1) == 0
        moved = tl.sum(top[:, None] * cosine, 0) + tl.sum(bottom[:, None] * sine, 0)
        h = z_norm * h0 - drift * moved
        norm = tl.sqrt(tl.sum(cosine * cosine, 0) + tl.sum(sine * sine, 0))
        tl.store(margins + place, tl.where(on, h / (drift * norm), float("inf")), mask=inside)
        h = tl.where(on & (h >= 0), h, 0.0)
        upper += tl.sum(cosine * h[None, :], 1)
        lower += tl.sum(sine * h[None, :], 1)
    share = output + (tl.program_id(1) * tl.num_programs(0) + tl.program_id(0)) * 2 * HALF
    tl.store(share + row, upper, mask=row < HALF)
    tl.store(share + HALF + row, lower, mask=row < HALF)


def _halves(key: tuple[int, int]) -> tuple[int, int]:
    """The words of a key as Triton takes them: signed."""
    first, second = (word - 2**64 if word >= 2**63 else word for word in key)
    return first, second


def normal_blocks(
    key: tuple[int, int], first: int, blocks: int, count: int, device: torch.device | str
) -> torch.Tensor:
    """Blocks first, ..., of a key's normals, (blocks, count) float32."""
    out = torch.empty(blocks, count, dtype=torch.float32, device=device)
    words = count // 2
    _draw[(triton.cdiv(words // 4, TILE), blocks)](out, *_halves(key), first, words, TILE=TILE)
    return out


def multiply(
    key: tuple[int, int], key_h: tuple[int, int], S: torch.Tensor, off: torch.Tensor, n: int, size: int, drift: float,
    z_norm: float,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Draw every column once: margins (count,) and V h over the neurons that are on, (n,) float64.

    S (n,) is the sum of residuals, `off` (count,) says which neurons are off, `size` is the number of columns a block.

    Raises
    ------
    ValueError
        where n is odd.
    """
    if n % 2:
        raise ValueError(f"n must be even for the fused kernel, got {n}")
    count = len(off)
    blocks, tiles = -(-count // size), triton.cdiv(size // 4, TILE)
    margins = torch.empty(count, dtype=torch.float32, device=off.device)
    output = torch.zeros(blocks * tiles, n, dtype=torch.float32, device=off.device)
    _multiply[(tiles, blocks)](
        margins, output, off.to(torch.uint8), S.float(), *_halves(key), *_halves(key_h), count, size, drift, z_norm,
        HALF=n // 2, ROWS=1 << max(0, math.ceil(math.log2(n // 2))), TILE=TILE,
    )  # fmt: skip
    return margins, output.double().sum(0)
