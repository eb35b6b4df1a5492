import math

import numpy as np
import pytest
import torch
from scipy import stats

from untrained.sims.dynamics.counter import _box_muller_by_torch, _words, key_of, normals, words_by_torch

_MASK = 2**64 - 1


def philox_by_the_letter(key, counter):
    """Philox 4x64-10 of Salmon and others in Python's own integers."""
    x, k = [counter & _MASK, counter >> 64, 0, 0], list(key)
    for _ in range(10):
        p, q = 0xD2E7470EE14C6C93 * x[0], 0xCA5A826395121157 * x[2]
        x = [(q >> 64) ^ x[1] ^ k[0], q & _MASK, (p >> 64) ^ x[3] ^ k[1], p & _MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & _MASK, (k[1] + 0xBB67AE8584CAA73B) & _MASK]
    return x


@pytest.mark.parametrize("block", [0, 1, 7, 2**40])
def test_words_are_those_of_philox_by_numpy_by_torch_and_by_the_letter(block):
    key = key_of(3, "V")
    wanted = [w for c in range(4) for w in philox_by_the_letter(key, block * 4 + c + 1)]
    assert _words(key, block, 16).tolist() == wanted
    assert [w & _MASK for w in words_by_torch(key, block, 16, "cpu").tolist()] == wanted


def test_normals_are_those_of_box_and_muller():
    key = key_of(0, "h0")
    words = _words(key, 2, 8).tolist()
    wanted = [
        math.sqrt(-2 * math.log(((w >> 32) + 0.5) / 2**32)) * turn(2 * math.pi * (w & 0xFFFFFFFF) / 2**32)
        for turn in (math.cos, math.sin)
        for w in words
    ]
    # float32 cosines of angles up to 2 pi: a few 1e-7 of a radius of at most 7.
    np.testing.assert_allclose(normals(key, 2, 16), wanted, rtol=0, atol=5e-6)


def test_torch_turns_words_into_the_same_normals():
    key = key_of(1, "V")
    words = torch.from_numpy(_words(key, 5, 4096).view(np.int64))
    torch.testing.assert_close(_box_muller_by_torch(words), normals(key, 5, 8192), rtol=0, atol=5e-6)


def test_the_law_is_standard_normal():
    x = torch.cat([normals(key_of(0, "V"), block, 1 << 15) for block in range(8)]).double().numpy()
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert stats.kstest(x**2, "chi2", (1,)).pvalue > 1e-3
    halves = x.reshape(8, 2, -1)
    correlation = (halves[:, 0] * halves[:, 1]).mean() * math.sqrt(halves[:, 0].size)
    squares = ((halves[:, 0] ** 2 - 1) * (halves[:, 1] ** 2 - 1)).mean() * math.sqrt(halves[:, 0].size) / 2
    assert abs(correlation) < 4
    assert abs(squares) < 4


def test_blocks_keys_and_roles_differ():
    first = normals(key_of(0, "V"), 0, 64)
    others = [normals(key_of(0, "V"), 1, 64), normals(key_of(1, "V"), 0, 64), normals(key_of(0, "h0"), 0, 64)]
    assert all((first != other).all() for other in others)


@pytest.mark.parametrize(("block", "count"), [(0, 0), (0, 12), (-1, 8)])
def test_sizes_that_are_no_blocks_are_refused(block, count):
    with pytest.raises(ValueError, match="count must be a positive multiple of 8 and block at least 0, got"):
        normals(key_of(0, "V"), block, count)
