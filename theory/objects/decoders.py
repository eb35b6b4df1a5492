"""The decoder by definition: 1x1 weights, ReLU, bilinear upsampling as a matrix; in exact integers where that is asked.

G(w; z) = U_{L-1} relu(Z_{L-1} W_{L-1}) W_L with Z_l = U_{l-1} relu(Z_{l-1} W_{l-1}). Upsampling matrices are scaled to
integers (by 4 on a line, by 16 in the plane); ranks and patterns do not see the scale. Source: jagatap19 p. 13
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
from flint import nmod_mat

from untrained.theory.objects.shapes import whole_number

Integers = np.ndarray
"""An array of Python integers or int64."""
PRIME = 2**31 - 1
"""Ranks modulo a prime bound true ranks from below."""
SMALL_PRIME = 2**26 - 5
"""Products of two residues fit 2048 times into 63 bits."""


def upsampling_line(length: int) -> Integers:
    """Bilinear upsampling by 2 of a line, times 4, shape (2 length, length): weights 3/4 and 1/4, ends repeated.

    Raises
    ------
    ValueError
        where the length is below 1.
    """
    n = whole_number("length", length, 1)
    U = np.zeros((2 * n, n), dtype=np.int64)
    for i in range(n):
        U[2 * i, i] += 3
        U[2 * i, max(i - 1, 0)] += 1
        U[2 * i + 1, i] += 3
        U[2 * i + 1, min(i + 1, n - 1)] += 1
    return U


def upsampling_plane(height: int, width: int) -> Integers:
    """Bilinear upsampling by 2 of a picture, times 16, shape (4 height width, height width), row by row."""
    return np.kron(upsampling_line(height), upsampling_line(width))


def rank_modulo_prime(matrix: Integers, prime: int = PRIME) -> int:
    """Rank modulo a prime of a matrix of integers: never above the true rank."""
    rows, columns = matrix.shape
    entries = [int(x) % prime for x in matrix.ravel()]
    return int(nmod_mat(rows, columns, entries, prime).rank())


def integer_jacobian(
    code: Integers, weights: Sequence[Integers], upsamplings: Sequence[Integers]
) -> tuple[Integers, int]:
    """Derivative of G before its last upsampling, one row a pixel, and the least |pre-activation|.

    code: (d_1, k_1); weights[l]: (k_l, k_{l+1}), the last with one column; upsamplings[l]: (d_{l+1}, d_l), without the
    last, which is injective and does not change the rank. Where the least pre-activation is not 0 the decoder is smooth
    there and the derivative is exact.
    """
    Z = code.astype(object)
    tangents = [np.zeros((len(Z), Z.shape[1], 0), dtype=object)]
    least = None
    for W, U in zip(weights[:-1], [*upsamplings, None], strict=True):
        H = Z.dot(W)
        least = min([np.abs(H).min(), *([] if least is None else [least])])
        inherited = np.einsum("pcw,ck->pkw", tangents[-1], W.astype(object)) if tangents[-1].shape[2] else tangents[-1]
        own = _own_derivative(Z, W.shape[1])
        moved = own if not tangents[-1].shape[2] else np.concatenate([inherited, own], axis=2)
        moved = moved * (H > 0)[:, :, None]
        Z = np.maximum(H, 0)
        if U is not None:
            Z, moved = U.astype(object).dot(Z), np.einsum("qp,pkw->qkw", U.astype(object), moved)
        tangents.append(moved)
    last = weights[-1].astype(object)
    inherited = np.einsum("pcw,ck->pkw", tangents[-1], last)[:, 0]
    return np.concatenate([inherited, Z], axis=1), int(least if least is not None else 0)


def modular_jacobian(
    code: Integers, weights: Sequence[Integers], upsamplings: Sequence[Integers]
) -> tuple[Integers, int]:
    """What `integer_jacobian` gives, for any number of output channels and modulo SMALL_PRIME: large ones in seconds.

    Rows are pixels times channels. Activation patterns and the least |pre-activation| are those of exact integers; only
    the derivative is reduced, so its rank modulo SMALL_PRIME is never above the true rank.
    """
    Z, least = code.astype(object), None
    moved = np.zeros((*Z.shape, 0), dtype=np.int64)
    for W, U in zip(weights[:-1], [*upsamplings, None], strict=True):
        H = Z.dot(W)
        least = min([np.abs(H).min(), *([] if least is None else [least])])
        moved = _modular_layer(moved, Z, W) * (H > 0)[:, :, None]
        Z = np.maximum(H, 0)
        if U is not None:
            Z = U.astype(object).dot(Z)
            # Exact in float64: entries of U add up to 16 a row.
            lifted = U.astype(float) @ moved.reshape(len(H), -1).astype(float)
            moved = (lifted.astype(np.int64) % SMALL_PRIME).reshape(len(U), *moved.shape[1:])
    whole = _modular_layer(moved, Z, weights[-1])
    return whole.reshape(-1, whole.shape[2]), int(least if least is not None else 0)


def _modular_layer(moved: Integers, Z: Integers, W: Integers) -> Integers:
    """Derivative of Z W in all weights so far (pixels, channels, weights), from that of Z."""
    inherited = np.einsum("pcw,ck->pkw", moved, _reduced(W)) % SMALL_PRIME
    own = _own_derivative(_reduced(Z), W.shape[1]).astype(np.int64)
    return np.concatenate([inherited, own], axis=2)


def _reduced(matrix: Integers) -> Integers:
    return (matrix.astype(object) % SMALL_PRIME).astype(np.int64)


def _own_derivative(Z: Integers, channels: int) -> Integers:
    """d(Z W)_{pk} / dW_{ck'}: Z_{pc} where k = k', shape (pixels, channels, inputs * channels)."""
    pixels, inputs = Z.shape
    own = np.zeros((pixels, channels, inputs * channels), dtype=object)
    for k in range(channels):
        own[:, k, k::channels] = Z
    return own


def integer_decoder(
    widths: Sequence[int], side: int, seed: int, *, signed: bool = False
) -> tuple[Integers, list[Integers]]:
    """A code on side^2 pixels and weights of given widths, by a linear congruence; nothing is drawn.

    The code is positive, as the authors' is, or of both signs. Each layer with a positive input is centred against its
    mean, so that about half of the neurons are active at a pixel.
    """
    code = congruence(side * side * widths[0], seed).reshape(side * side, widths[0])
    code = code if signed else np.abs(code)
    Z, weights = code.astype(object), []
    upsamplings = [upsampling_plane(side * 2**i, side * 2**i) for i in range(len(widths) - 2)]
    for i, (inputs, outputs) in enumerate(zip(widths, [*widths[1:], 1], strict=True)):
        W = congruence(inputs * outputs, seed + i + 1).reshape(inputs, outputs)
        plain = i == len(widths) - 1 or (signed and i == 0)
        weights.append(W if plain else centred(W, Z))
        if i < len(widths) - 2:
            Z = upsamplings[i].astype(object).dot(np.maximum(Z.dot(weights[-1]), 0))
    return code, weights


def congruence(count: int, seed: int) -> Integers:
    """Integers from -100 to 100 by x -> 1103515245 x + 12345 mod 2^31."""
    x, values = seed, []
    for _ in range(count):
        x = (1103515245 * x + 12345) % 2**31
        values.append((x >> 8) % 201 - 100)
    return np.array(values)


def centred(W: Integers, Z: Integers) -> Integers:
    """Columns orthogonal to the mean row of Z, still integers."""
    mean = Z.astype(object).sum(0)
    return W.astype(object) * int(mean.sum()) - np.outer(np.ones(len(mean), dtype=object), mean.dot(W.astype(object)))


def pattern_bound(points: int, dimension: int) -> int:
    """2 sum_{i < k} C(d - 1, i): the most activation patterns of one neuron on d points of R^k."""
    d, k = whole_number("points", points, 1), whole_number("dimension", dimension, 1)
    return 2 * sum(comb(d - 1, i) for i in range(k))


def line_patterns(code: Integers) -> set[tuple[bool, ...]]:
    """Every strict activation pattern of a neuron on the rows of an integer code (d, k), k <= 2, by its boundaries."""
    rows = [tuple(int(x) for x in row) for row in code]
    return {
        tuple(_dot(row, r) > 0 for row in rows)
        for r in _directions(rows)
        if all(_dot(row, r) for row in rows if any(row))
    }


def _dot(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _directions(rows: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """One direction inside every region of the arrangement of the rows' boundaries, for one or two dimensions."""
    if len(rows[0]) == 1:
        yield from ((1,), (-1,))
        return
    if len(rows[0]) != 2:
        raise ValueError(f"code must have 1 or 2 columns for its patterns to be listed, got {len(rows[0])}")
    rays = sorted(
        {ray for a, b in rows if (a, b) != (0, 0) for ray in ((-b, a), (b, -a))}, key=lambda r: np.arctan2(r[1], r[0])
    )
    yield from ((a, b) for a, b in rows)
    yield from ((-a, -b) for a, b in rows)
    for a, b in combinations(rays, 2):
        yield (a[0] + b[0], a[1] + b[1])
