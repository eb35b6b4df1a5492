"""Eigenvalues of pencils (P, Q) = (G^T A^T A G, G^T G) between certain bounds, and the signs of eigenvectors.

Let C hold approximate eigenvectors, C^T Q C = I + E and C^T P C = Lambda + F with |E| <= e < 1, |F| <= f. By min-max
the i-th eigenvalue lies between (lambda_i -+ f)/(1 +- e). Its eigenvectors are C y, |y| = 1, and (lambda_j - mu) y_j =
-((F - mu E) y)_j: all but y_i is at most (f + mu e)/gap together. e and f hold every rounding error (Higham's gamma_n,
any order of summation). Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, Section 3.5
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
from flint import arb, arb_mat, ctx

from untrained.theory.objects.decoders import Integers
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.balls import ends

_ROUNDING = 2.0**-53
_SLACK = 1.001
"""Covers the rounding of the error bounds themselves."""
_TINY = 1e-290
"""Covers underflow: matrices are scaled to a largest entry between 1/2 and 1."""
BALL_BITS = 320
"""Precision of ball arithmetic on pencils."""
_NEGLIGIBLE = 240
"""Columns whose product is below 2 to minus this, relatively, count as orthogonal."""
_SWEEPS = 16


@dataclass(frozen=True)
class EigenPairs:
    """Eigenvalues of s pencils, in order: bounds (s, k), coefficients (s, k, k), signs that are certain."""

    low: Array
    high: Array
    coefficients: Array
    certain: np.ndarray

    @property
    def spread(self) -> Array:
        """How far at most each eigenvalue is from its nearest neighbour (s, k); infinite where it has none."""
        between = np.maximum(self.high[:, 1:], self.high[:, :-1]) - np.minimum(self.low[:, 1:], self.low[:, :-1])
        padded = np.pad(between * _SLACK, ((0, 0), (1, 1)), constant_values=np.inf)
        result: Array = np.minimum(padded[:, 1:], padded[:, :-1])
        return result


def pairs_in_floats(A: Array, basis: Array, whitening: Array) -> EigenPairs:
    """Pairs for A (n, d), G = basis (s, d, k) and W (s, k, k), G W nearly orthonormal, with all rounding errors."""
    (n, d), k = A.shape, basis.shape[2]
    image = A @ (basis @ whitening)
    values, rotation = np.linalg.eigh(np.swapaxes(image, 1, 2) @ image)
    C = whitening @ rotation
    Y = basis @ C
    W = A @ Y
    size_y, size_w = _frobenius(Y), _frobenius(W)
    error_y = _gamma(k + 2) * _frobenius(np.abs(basis) @ np.abs(C))
    error_w = np.linalg.norm(A) * (_gamma(d) * size_y + error_y)
    e = _frobenius(np.swapaxes(Y, 1, 2) @ Y - np.eye(k)) + _gamma(d) * size_y**2 + 2 * error_y * (size_y + error_y)
    f = _frobenius(np.swapaxes(W, 1, 2) @ W - values[:, :, None] * np.eye(k))
    f = f + _gamma(n) * size_w**2 + 2 * error_w * (size_w + error_w)
    return _bounded(values, C, _SLACK * e + _TINY, _SLACK * f + _TINY)


def _frobenius(x: Array) -> Array:
    result: Array = np.sqrt(np.square(x).sum((1, 2)))
    return result


def _gamma(n: int) -> float:
    return (n + 1) * _ROUNDING


def _bounded(values: Array, C: Array, e: Array, f: Array) -> EigenPairs:
    """What the argument above makes of values (s, k), vectors (s, k, k) and errors (s,)."""
    sound = ((e < 0.5) & np.isfinite(f))[:, None]
    e, f = np.where(sound, e[:, None], 0.5), np.where(sound, f[:, None], np.inf)
    low = np.maximum(values - f, 0) / (1 + e) * (1 - 8 * _ROUNDING)
    high = (values + f) / (1 - e) * (1 + 8 * _ROUNDING)
    distances = np.maximum(values[:, None, :] - high[:, :, None], low[:, :, None] - values[:, None, :])
    gaps = np.where(np.eye(values.shape[1], dtype=bool), np.inf, distances).min(2)
    with np.errstate(invalid="ignore"):  # where f is infinite
        rest = np.where(sound & (gaps > 0), _SLACK * (f + high * e) / np.where(gaps > 0, gaps, 1), np.inf)
    reach = np.sqrt(np.square(C).sum(2))[:, :, None] * rest[:, None, :]
    certain = (rest < 0.5)[:, None, :] & (np.abs(C) > 1.2 * reach)  # y_i is at least sqrt(3)/2
    return EigenPairs(low, high, C, certain)


def pairs_in_balls(A: arb_mat, generators: Integers) -> EigenPairs:
    """Pairs of one pencil, G = generators (d, k), by the same argument in ball arithmetic."""
    k = generators.shape[1]
    with ctx.workprec(BALL_BITS):
        G = arb_mat(generators.tolist())
        image = A * G
        Q, P = G.transpose() * G, image.transpose() * image
        C = _eigenvectors(image, Q)
        E, S = C.transpose() * Q * C, C.transpose() * P * C
        order = sorted(range(k), key=lambda i: S[i, i].mid().fmpq())
        values = [S[i, i].mid() for i in order]
        e = _norm([E[i, j] - (i == j) for i in range(k) for j in range(k)])
        f = _norm([S[i, j] - (S[i, i].mid() if i == j else 0) for i in range(k) for j in range(k)])
        if not (e < 0.5 and f.is_finite()):
            return _bounded(np.zeros((1, k)), np.eye(k)[None], np.ones(1), np.ones(1))
        columns = [[C[i, j] for i in range(k)] for j in order]
        return _bounded_balls(values, columns, e, f)


def _norm(entries: Sequence[arb]) -> arb:
    return sum((x * x for x in entries), arb(0)).upper().sqrt().upper()


def _bounded_balls(values: list[arb], columns: list[list[arb]], e: arb, f: arb) -> EigenPairs:
    """`_bounded` for one pencil, without rounding; the ends and coefficients as floats."""
    k, low, high, certain = len(values), [], [], []
    lengths = [_norm([column[l] for column in columns]) for l in range(k)]
    for i, value in enumerate(values):
        low.append(((value - f).max(arb(0)) / (1 + e)).lower())
        high.append(((value + f) / (1 - e)).upper())
        gaps = [(x - high[i]).max(low[i] - x) for j, x in enumerate(values) if j != i]
        gap = reduce(arb.min, gaps, arb(math.inf))
        rest = (f + high[i] * e) / gap if gap > 0 else arb(1)
        certain.append([rest < 0.5 and abs(c) > 1.2 * rest * size for c, size in zip(columns[i], lengths, strict=True)])
    coefficients = np.array([[float(c) for c in column] for column in columns]).T
    bounds = np.array([(ends(a)[0], ends(b)[1]) for a, b in zip(low, high, strict=True)])
    return EigenPairs(bounds[None, :, 0], bounds[None, :, 1], coefficients[None], np.array(certain).T[None])


def _eigenvectors(image: arb_mat, Q: arb_mat) -> arb_mat:
    """Columns C, exact, with C^T Q C near I and those of image C nearly orthogonal: one-sided Jacobi rotations."""
    whitening = _cholesky(Q).inv().transpose().mid()
    k, moved = whitening.nrows(), (image * whitening).mid()
    columns = [[m[row, i] for m in (whitening, moved) for row in range(m.nrows())] for i in range(k)]
    size = sum((_dot(column[k:], column[k:]) for column in columns), arb(0))
    for _ in range(_SWEEPS):
        turns = [_rotate(columns, i, j, k, size) for i, j in combinations(range(k), 2)]
        if not any(turns):
            break
    return arb_mat([column[:k] for column in columns]).transpose()


def _rotate(columns: list[list[arb]], i: int, j: int, start: int, size: arb) -> bool:
    """Turn two columns so that from `start` on they are orthogonal; False where they are so already."""
    (one, other), inner = (columns[i], columns[j]), _dot(columns[i][start:], columns[j][start:])
    if abs(inner) <= size * arb(2) ** -_NEGLIGIBLE:
        return False
    cotangent = (_dot(other[start:], other[start:]) - _dot(one[start:], one[start:])) / (2 * inner)
    tangent = (1 if cotangent >= 0 else -1) / (abs(cotangent) + (1 + cotangent**2).sqrt())
    c = 1 / (1 + tangent**2).sqrt()
    s = c * tangent
    columns[i] = [(c * x - s * y).mid() for x, y in zip(one, other, strict=True)]
    columns[j] = [(s * x + c * y).mid() for x, y in zip(one, other, strict=True)]
    return True


def _dot(a: Sequence[arb], b: Sequence[arb]) -> arb:
    return sum((x * y for x, y in zip(a, b, strict=True)), arb(0)).mid()


def _cholesky(Q: arb_mat) -> arb_mat:
    k = Q.nrows()
    L = arb_mat(k, k)
    for i in range(k):
        for j in range(i + 1):
            rest = Q[i, j] - sum((L[i, m] * L[j, m] for m in range(j)), arb(0))
            L[i, j] = rest.sqrt() if i == j else rest / L[j, j]
    return L
