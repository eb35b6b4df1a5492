"""Lower bounds of m(s) = min of sigma_min(V_S) over survivors S = A without R, sum over R of g_l^2 <= s^2.

Quartic. For a unit u, x_l = v_l.u and any weight lambda >= 0,

    sum_R x_l^2 <= sum_A (x_l^2 - lambda g_l^2)_+ + lambda s^2,  (q - b)_+ <= (q + c)^2/(4(b + c)) for q >= 0, c > -b,

as (q + c)^2 - 4(b + c)(q - b) = (q + c - 2(b + c))^2. With a the vector of the upper triangle of u u^T, off-diagonal
entries times sqrt 2, and i that of the identity, x_l^2 + c_l = f_l.a for f_l the vector of v_l v_l^T + c_l I, |a| = 1
and i.a = 1. So |V_S^T u|^2 + lambda s^2 is at least a^T Q a, Q = sym(h i^T) - sum alpha_l f_l f_l^T, where h is the
vector of sum v_l v_l^T and alpha_l = 1/(4(b_l + c_l)), b_l = lambda g_l^2; any multiple mu/n of a^T (i i^T - I) a = 0
may be added:

    m(s)^2 >= lambda_min(Q + (mu/n)(i i^T - I)) - lambda s^2 for all lambda, mu: s stands outside of the matrix.

Any c will do; for Gaussian x of variance 1 the mean is least at c = sqrt(b^2 - 2b + 3) - b.

Removal. No l with g_l > s is in R: m(s) >= sigma_min of the columns with g_l > s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from untrained.theory.objects.float_bounds import (
    BOUND_SLACK,
    ROWS_AT_ONCE,
    UNDERFLOW,
    UNIT_ROUNDOFF,
    blocked_terms,
    gamma,
    gram_with_error,
    least_eigenvalue,
    least_singular_value,
)
from untrained.theory.objects.shapes import Array

_NEGLIGIBLE = 1e-24
"""Columns whose squares are below this share of the largest one are left out."""


@dataclass(frozen=True)
class Quartic:
    """One weight lambda: m(s)^2 >= energy - weight s^2 for every s, by the multiple `shift` of i i^T - I over n."""

    weight: float
    shift: float
    energy: float

    def square_below(self, s: Array) -> Array:
        """A lower bound of m(s)^2, which may be negative."""
        charge = self.weight * s * s
        result: Array = self.energy - charge - 4 * UNIT_ROUNDOFF * (abs(self.energy) + charge)
        return result


def quartic_bound(columns: Array, margins: Array, weight: float) -> Quartic:
    """The bound for survivors among rows of `columns` (N, n), with lower bounds `margins` (N,) >= 0 of the g_l.

    The energy is -inf where nothing is certain.
    """
    squares = np.square(columns).sum(1)
    large = squares > _NEGLIGIBLE * squares.max(initial=0.0)  # fewer columns have a smaller sigma_min
    columns, margins = columns[large], margins[large]
    Q, error = _quartic_form(columns, margins, weight)
    identity = _triangle(np.eye(columns.shape[1]))
    shift = _best_shift(Q, identity)
    moved = Q + (shift / columns.shape[1]) * (np.outer(identity, identity) - np.eye(len(Q)))
    rounding = 8 * UNIT_ROUNDOFF * (float(np.linalg.norm(Q)) + (1 + len(Q)) * abs(shift))
    return Quartic(weight, shift, least_eigenvalue(moved, error + BOUND_SLACK * rounding))


def _triangle(matrices: Array) -> Array:
    """Upper triangles (..., n(n + 1)/2), off-diagonal entries times sqrt 2: |.| is the Frobenius norm."""
    rows, other = np.triu_indices(matrices.shape[-1])
    result: Array = matrices[..., rows, other] * np.where(rows == other, 1.0, math.sqrt(2))
    return result


def _quartic_form(columns: Array, margins: Array, weight: float) -> tuple[Array, float]:
    """Q and the error of it in norm.

    An entry of f is within 4 roundings of what stands in it, |f| <= |v|^2 + |c| sqrt n without signs, the same for h.
    """
    n, squares = columns.shape[1], np.square(columns).sum(1)
    c, alpha = _parabolas(weight * np.square(margins) * (1 - 4 * UNIT_ROUNDOFF), squares / n)
    gram, gram_error = gram_with_error(columns)
    identity, h = _triangle(np.eye(n)), _triangle(gram)
    linear = (np.outer(h, identity) + np.outer(identity, h)) / 2
    fourth = _fourth_moments(columns, c, np.sqrt(alpha))
    sizes = float((alpha * np.square(squares + np.abs(c) * math.sqrt(n))).sum())
    error = gamma(blocked_terms(len(columns)) + 20) * sizes + math.sqrt(n) * gram_error
    error += 8 * UNIT_ROUNDOFF * (float(np.linalg.norm(linear)) + float(np.linalg.norm(fourth)))
    return linear - fourth, BOUND_SLACK * error + UNDERFLOW


def _parabolas(b: Array, variances: Array) -> tuple[Array, Array]:
    """c > -b, and alpha >= 1/(4(b + c)) for these floats."""
    scaled = b / variances
    c = variances * (np.sqrt(scaled * scaled - 2 * scaled + 3) - scaled)
    return c, (1 + 8 * UNIT_ROUNDOFF) / (4 * (b + c))


def _fourth_moments(columns: Array, c: Array, roots: Array) -> Array:
    """sum alpha f f^T, for roots of alpha, by blocks of neurons."""
    n = columns.shape[1]
    identity, total = _triangle(np.eye(n)), np.zeros((n * (n + 1) // 2,) * 2)
    for begin in range(0, len(columns), ROWS_AT_ONCE):
        v = columns[begin : begin + ROWS_AT_ONCE]
        f = _triangle(v[:, :, None] * v[:, None, :]) + c[begin : begin + ROWS_AT_ONCE, None] * identity
        f *= roots[begin : begin + ROWS_AT_ONCE, None]
        total += f.T @ f
    return total


def _best_shift(Q: Array, identity: Array) -> float:
    """The mu for which the least eigenvalue is largest: nothing is certain here, nor needs to be.

    With q, w and T the parts of Q along i and across it, mu = t - q + w^T (T - t)^-1 w makes t - mu/n an eigenvalue,
    the least one for t below the spectrum of T.
    """
    n = identity @ identity
    if len(Q) == 1 or not Q.any():
        return 0.0
    q, w, T = _split(Q, identity / math.sqrt(n))
    values, axes = np.linalg.eigh(T)
    squares = np.square(axes.T @ w)

    def shift(t: float) -> float:
        return t - q + float((squares / (values - t)).sum())

    reach = values[-1] - values[0] + abs(q - values[0]) + abs(values[0])
    bounds = (values[0] - reach, values[0] - 1e-9 * reach)
    best = minimize_scalar(lambda t: shift(t) / n - t, bounds=bounds, method="bounded", options={"xatol": 1e-9 * reach})
    return shift(float(best.x))


def _split(Q: Array, direction: Array) -> tuple[float, Array, Array]:
    """Parts of Q along a unit vector and across it, by the reflection that takes the first axis there."""
    mirror = direction.copy()
    mirror[0] += math.copysign(1.0, direction[0])
    mirror /= np.linalg.norm(mirror)
    half = Q - 2 * np.outer(mirror, mirror @ Q)
    turned = half - 2 * np.outer(half @ mirror, mirror)
    return float(turned[0, 0]), turned[1:, 0], turned[1:, 1:]


def survivors_below(bounds: Sequence[Quartic], s: Array) -> Array:
    """Lower bounds of m at s, the best of the quartic ones, 0 where none says anything."""
    squares = np.max([one.square_below(s) for one in bounds], axis=0)
    result: Array = np.sqrt(np.maximum(squares, 0.0)) * (1 - 4 * UNIT_ROUNDOFF)
    return result


def removal_bound(columns: Array, margins: Array, s: float) -> float:
    """sigma_min, from below, of the rows of `columns` (N, n) whose `margins` (N,), lower bounds of g_l, are above s."""
    return least_singular_value(*gram_with_error(columns[margins > s]))
