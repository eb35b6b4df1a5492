"""Bounds that hold for linear algebra in double precision: all rounding errors are in them, in any order of summation.

A sum of k products is off by at most gamma(k) times the sum of their absolute values, fused or not. Largest entries of
arrays are between 1e-20 and 1e20, so that what underflow adds is below UNDERFLOW, for products of four of them as well.
Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, Sections 3.1 and 10.1
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh

from untrained.theory.objects.shapes import Array

UNIT_ROUNDOFF = 2.0**-53
UNDERFLOW = 1e-200
BOUND_SLACK = 1.001
"""Covers the rounding of the bounds on errors themselves."""
ROWS_AT_ONCE = 1024
"""Rows whose products are summed before the blocks are."""


def gamma(terms: int) -> float:
    """1.001 k u/(1 - k u), which bounds the relative error of k roundings one after the other."""
    return BOUND_SLACK * terms * UNIT_ROUNDOFF / (1 - terms * UNIT_ROUNDOFF)


def blocked_terms(rows: int) -> int:
    """Roundings that a summand sees in `transposed_product`."""
    return min(rows, ROWS_AT_ONCE) + -(-rows // ROWS_AT_ONCE)


def transposed_product(left: Array, right: Array) -> Array:
    """left^T right for (N, p) and (N, q) or (N,), by blocks of rows, which keeps errors small."""
    parts = [left[i : i + ROWS_AT_ONCE].T @ right[i : i + ROWS_AT_ONCE] for i in range(0, len(left), ROWS_AT_ONCE)]
    total: Array = np.zeros((left.shape[1], *right.shape[1:]))
    for part in parts:
        total += part
    return total


def length_above(x: Array) -> float:
    """An upper bound of the Euclidean norm of all entries."""
    return float(np.linalg.norm(x)) * (1 + gamma(x.size + 8)) + UNDERFLOW


def float_above(x: float) -> float:
    """The next float above."""
    return math.nextafter(x, math.inf)


def float_below(x: float) -> float:
    """The next float below."""
    return math.nextafter(x, -math.inf)


def least_eigenvalue(matrix: Array, error: float) -> float:
    """A number that no eigenvalue of a symmetric matrix within `error` (in norm) of `matrix` (N, N) is below.

    Only the lower triangle of `matrix` is read; -inf where nothing is certain.

    Where Cholesky's method ends in floats, no eigenvalue is below -gamma(N + 1) trace/(1 - gamma(N + 1)): R^T R = A + D
    with |D| <= gamma |R^T||R|, and row i of |R^T| has a square of at most a_ii/(1 - gamma).
    Source: S. M. Rump, Verification of positive definiteness, BIT 46 (2006), Section 2
    """
    N = len(matrix)
    if not (math.isfinite(error) and np.isfinite(matrix).all()):
        return -math.inf
    guess = float(eigh(matrix, eigvals_only=True, subset_by_index=[0, 0], check_finite=False)[0])
    spread = float(np.trace(matrix)) - N * guess
    for factor in (2.0, 16.0, 1024.0):
        shift = guess - factor * (gamma(N + 2) * spread + N * UNIT_ROUNDOFF * abs(guess)) - UNDERFLOW
        moved = matrix - shift * np.eye(N)
        try:
            np.linalg.cholesky(moved)
        except np.linalg.LinAlgError:
            continue
        diagonal = np.diagonal(moved)
        below = BOUND_SLACK * gamma(N + 2) * float(diagonal.sum()) + 2 * UNIT_ROUNDOFF * (
            float(diagonal.max()) + abs(shift)
        )
        return shift - BOUND_SLACK * (below + error) - 2 * UNIT_ROUNDOFF * abs(shift) - UNDERFLOW
    return -math.inf


def largest_singular_value(gram: Array, error: float) -> float:
    """An upper bound of ||V|| from V V^T within `error` (in norm) of `gram` (n, n)."""
    return float_above(float_above(math.sqrt(max(-least_eigenvalue(-gram, error), 0.0))))


def least_singular_value(gram: Array, error: float) -> float:
    """A lower bound of sigma_min(V), 0 where none is known, from V V^T within `error` (in norm) of `gram` (n, n)."""
    return max(float_below(float_below(math.sqrt(max(least_eigenvalue(gram, error), 0.0)))), 0.0)


def gram_with_error(columns: Array) -> tuple[Array, float]:
    """sum v v^T for rows v of `columns` (N, n), and the error of it in norm."""
    size = float(np.square(columns).sum())
    return transposed_product(columns, columns), BOUND_SLACK * gamma(blocked_terms(len(columns)) + 2) * size + UNDERFLOW
