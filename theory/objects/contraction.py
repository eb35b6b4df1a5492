"""The contraction factor of Net-PGD at eta = 1: sup ||P_S(x - A^T A(x - x*)) - x*||/||x - x*|| over x and x* in S.

For a finite union of rays S. By scaling x* is a unit vector r_i and x = t r_j; each score <r_k, v> is linear in t, so
that the nearest ray changes at roots of linear functions, and between them the squared ratio is quadratic over
quadratic. Ties count with every nearest point. x* = 0 is the limit of t without end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from untrained.theory.objects.shapes import Array, real_array


@dataclass(frozen=True)
class Contraction:
    """The supremum, and where it is attained: x* = r_star, x = length r_ray (inf: in the limit), x+ on r_winner.

    A winner one past the last ray is the origin.
    """

    factor: float
    star: int
    ray: int
    length: float
    winner: int


def contraction_of_rays(rays: Array, A: Array) -> Contraction:
    """The contraction factor over the union of rays (N, d), each t r with t >= 0, for measurements A (n, d).

    Raises
    ------
    ValueError
        where a ray is 0, two rays coincide, or the dimensions disagree.
    """
    r, measurements = real_array("rays", rays, 2), real_array("A", A, 2)
    if measurements.shape[1] != r.shape[1]:
        raise ValueError(f"A must have a column for each of the {r.shape[1]} dimensions, got {measurements.shape[1]}")
    lengths = np.linalg.norm(r, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError("rays must not be 0")
    r = r / lengths
    cosines = r @ r.T
    if (cosines - np.eye(len(r))).max(initial=-1) > 1 - 1e-12:
        raise ValueError("rays must be distinct")
    images = r @ measurements.T
    moved = cosines - images @ images.T  # <r_k, (I - A^T A) r_j>
    best = Contraction(0.0, 0, 0, 0.0, len(r))
    for i in range(len(r)):
        for j in range(len(r)):
            best = max(best, _of_pair(cosines, moved, i, j), key=lambda one: one.factor)
    return best


def _of_pair(cosines: Array, moved: Array, i: int, j: int) -> Contraction:
    """The supremum over t for one x* = r_i and one ray of x, over every winner's interval; the origin scores 0."""
    own = np.append(cosines[i], 0.0)
    a, b = np.append(cosines[i] - moved[i], 0.0), np.append(moved[j], 0.0)
    best = Contraction(0.0, i, j, 0.0, len(cosines))
    for k, (low, high) in enumerate(zip(*_winning(a, b), strict=True)):
        if low > high + 1e-12 * (1 + abs(high)):
            continue
        if i == j == k:
            value, t = float(moved[i, i] ** 2), float(low)  # the same at every t
        else:
            over = np.array([b[k] ** 2, 2 * b[k] * (a[k] - own[k]), a[k] ** 2 - 2 * a[k] * own[k] + 1])
            value, t = _largest(over, np.array([1.0, -2 * cosines[i, j], 1.0]), float(low), float(high))
        if (factor := max(value, 0.0) ** 0.5) > best.factor:
            best = Contraction(factor, i, j, t, k)
    return best


def _winning(a: Array, b: Array) -> tuple[Array, Array]:
    """For each line a_k + b_k t the interval of t >= 0 on which it is the largest; low > high where there is none."""
    rise, gap = b[:, None] - b[None, :], a[None, :] - a[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        root = gap / rise
    low = np.where(rise > 0, root, 0.0).max(axis=1, initial=0.0)
    high = np.where(rise < 0, root, np.inf).min(axis=1)
    beaten = ((rise == 0) & (gap > 0)).any(axis=1)
    return low, np.where(beaten, -1.0, high)


def _largest(over: Array, under: Array, low: float, high: float) -> tuple[float, float]:
    """The largest value on [low, high] of a quadratic over a positive quadratic, and its place."""
    p, q = over, under
    slope = [p[0] * q[1] - p[1] * q[0], 2 * (p[0] * q[2] - p[2] * q[0]), p[1] * q[2] - p[2] * q[1]]
    turning = [float(t.real) for t in np.roots(slope) if low < t.real < high]
    finite = [low, *turning, *([high] if high < np.inf else [])]
    values = [(float(np.polyval(p, t) / np.polyval(q, t)), t) for t in finite]
    return max(values + ([(float(p[0] / q[0]), float("inf"))] if high == np.inf else []))
