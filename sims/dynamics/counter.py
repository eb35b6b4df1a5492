"""Standard normals by counter: any block of them is drawn at once, from its number alone, on the CPU or on CUDA.

Word p of a key is word p of Philox 4x64-10 with that key and counters from 1 on. A block of 2T numbers takes T words;
the high and low halves a, b of a word give two normals by Box and Muller, sqrt(-2 ln u) cos(2 pi b/2^32) in the first
half of the block and the sine in the second, u = (a + 1/2)/2^32, all in float32: no number exceeds 6.8.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from untrained.sims.random.streams import stream

_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_ROUNDS = 10
_LOW = 0xFFFFFFFF
_TURN = 2 * math.pi * 2.0**-32


def key_of(seed: int, role: str) -> tuple[int, int]:
    """Return the key of a role: two 64-bit words."""
    first, second = stream(seed, role).integers(2**64, size=2, dtype=np.uint64)
    return int(first), int(second)


def normals(key: tuple[int, int], block: int, count: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return block `block` of a key's normals, (count,) float32; count is a multiple of 8 and the same for all blocks.

    Raises
    ------
    ValueError
        where count is no positive multiple of 8, or block is negative.
    """
    if count < 8 or count % 8 or block < 0:
        raise ValueError(
            f"count must be a positive multiple of 8 and block at least 0, got count {count}, block {block}"
        )
    if torch.device(device).type == "cpu":
        return torch.from_numpy(_box_muller(_words(key, block, count // 2)))
    return _box_muller_by_torch(words_by_torch(key, block, count // 2, device))


def _words(key: tuple[int, int], block: int, count: int) -> np.ndarray:
    start = block * (count // 4)
    counter = np.array([start % 2**64, start // 2**64, 0, 0], dtype=np.uint64)
    words: np.ndarray = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=counter).random_raw(count)
    return words


def _box_muller(words: np.ndarray) -> np.ndarray:
    halves = words.view(np.uint32)
    low, high = (0, 1) if words.dtype.isnative and np.little_endian else (1, 0)
    r, turn = halves[high::2].astype(np.float32), halves[low::2].astype(np.float32)
    r += np.float32(0.5)
    r *= np.float32(2.0**-32)
    np.log(r, out=r)
    r *= np.float32(-2)
    np.sqrt(r, out=r)
    turn *= np.float32(_TURN)
    out = np.empty((2, len(words)), np.float32)
    np.cos(turn, out=out[0])
    np.sin(turn, out=out[1])
    out *= r
    return out.reshape(-1)


def words_by_torch(key: tuple[int, int], block: int, count: int, device: torch.device | str) -> torch.Tensor:
    """Return the same words by integer arithmetic of torch, (count,) int64 that holds the 64 bits."""
    counters = torch.arange(1, count // 4 + 1, dtype=torch.int64, device=device) + _signed(block * (count // 4))
    return words_at(key, counters).reshape(-1)


def words_at(key: tuple[int, int], counters: torch.Tensor) -> torch.Tensor:
    """Return the four words of each counter (int64 of any shape), along a last axis."""
    x = [counters, *(torch.zeros_like(counters) for _ in range(3))]
    k = list(key)
    for _ in range(_ROUNDS):
        high0, low0 = _product(x[0], _MULTIPLIERS[0])
        high1, low1 = _product(x[2], _MULTIPLIERS[1])
        x = [high1 ^ x[1] ^ _signed(k[0]), low1, high0 ^ x[3] ^ _signed(k[1]), low0]
        k = [(word + step) % 2**64 for word, step in zip(k, _WEYL, strict=True)]
    return torch.stack(x, -1)


def _signed(word: int) -> int:
    word %= 2**64
    return word - 2**64 if word >= 2**63 else word


def _product(x: torch.Tensor, multiplier: int) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low 64 bits of x times a constant, both taken as unsigned; sums of 32-bit parts never overflow."""
    x0, x1, m0, m1 = x & _LOW, (x >> 32) & _LOW, multiplier & _LOW, multiplier >> 32
    low, cross = x0 * m0, x1 * m0
    middle = ((low >> 32) & _LOW) + (cross & _LOW) + ((other := x0 * m1) & _LOW)
    high = x1 * m1 + ((cross >> 32) & _LOW) + ((other >> 32) & _LOW) + (middle >> 32)
    return high, x * _signed(multiplier)


def _box_muller_by_torch(words: torch.Tensor) -> torch.Tensor:
    return torch.cat(pairs(words))


def pairs(words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cosine and the sine normals of words."""
    r, turn = ((words >> 32) & _LOW).to(torch.float32), (words & _LOW).to(torch.float32)
    r = r.add_(0.5).mul_(2.0**-32).log_().mul_(-2).sqrt_()
    turn.mul_(_TURN)
    return turn.cos().mul_(r), turn.sin_().mul_(r)
