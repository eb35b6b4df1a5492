"""The generator G(C) = ReLU(UC)v with circulant U: U, the signs of v, the Jacobian, and its law for rows in a plane.

J(C) = [v_1 D_1 U, ..., v_k D_k U], D_l the mask of the neurons of column l that are on. Source: heckel20a Section 3
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from untrained.theory.objects.dual_kernels import kernel_array, transfer
from untrained.theory.objects.shapes import Array, real_array, same_length, whole_number


def circulant_rows(kernel: Array) -> Array:
    """U (n, n) for a kernel on a line or a torus of n points: row s is the kernel moved by s, in C order."""
    u = kernel_array(kernel)
    axes = tuple(range(u.ndim))
    rows: Array = np.stack([np.roll(u, shift, axes).ravel() for shift in np.ndindex(u.shape)])
    return rows


def half_signs(channels: int) -> Array:
    """v (k,): half of the entries 1/sqrt(k), the other half -1/sqrt(k), of norm 1.

    Raises
    ------
    ValueError
        where the number of channels is odd, or no positive integer.
    """
    k = whole_number("channels", channels, 1)
    if k % 2:
        raise ValueError(f"channels must be even, so that half of v is positive, got {k}")
    v: Array = np.repeat([1.0, -1.0], k // 2) / np.sqrt(k)
    return v


def convolution_output(rows: Array, weights: Array, signs: Array) -> Array:
    """G(C) = ReLU(UC)v (n,) for rows U (n, n), weights C (n, k) and v (k,)."""
    U, C, v = _operands(rows, weights, signs)
    output: Array = np.maximum(U @ C, 0) @ v
    return output


def convolution_jacobian(rows: Array, weights: Array, signs: Array) -> Array:
    """J(C) (n, nk), the derivative by the columns of C one after another."""
    U, C, v = _operands(rows, weights, signs)
    masks = (U @ C > 0) * v
    blocks: Array = masks.T[:, :, None] * U
    return np.concatenate(list(blocks), axis=1)


def residuals_after(kernel: Array, weights: Array, targets: Array, steps: int) -> Array:
    """G(C) - y (B, n) after gradient descent on (1/2)||G(C) - y||^2 from weights (B, n, k) to targets (B, n).

    The step is 1/max |Fu|^2 for a kernel (n,) on a line, the longest that is safe at every C; v is `half_signs`.

    Raises
    ------
    ValueError
        where shapes do not fit together, or k is odd.
    """
    C, y, U = real_array("weights", weights, 3).copy(), real_array("targets", targets, 2), circulant_rows(kernel)
    same_length("kernel", len(U), "rows of weights", C.shape[1])
    same_length("targets", len(y), "weights", len(C))
    same_length("columns of targets", y.shape[1], "kernel", len(U))
    v, eta = half_signs(C.shape[2]), 1 / float(transfer(kernel).max()) ** 2
    for _ in range(whole_number("steps", steps, 0)):
        H = U @ C
        r = np.maximum(H, 0) @ v - y
        C -= eta * (U.T @ ((H > 0) * v * r[:, :, None]))
    residuals: Array = np.maximum(U @ C, 0) @ v - y
    return residuals


def _operands(rows: Array, weights: Array, signs: Array) -> tuple[Array, Array, Array]:
    U, C, v = real_array("rows", rows, 2), real_array("weights", weights, 2), real_array("signs", signs, 1)
    same_length("columns of rows", U.shape[1], "rows of weights", C.shape[0])
    same_length("columns of weights", C.shape[1], "signs", v.shape[0])
    return U, C, v


class Arc(NamedTuple):
    """Directions of a plane in which the same rows are on: their probability, and which rows these are."""

    probability: Fraction
    active: Array


def plane_arcs(angles: tuple[Fraction, ...]) -> list[Arc]:
    """The patterns of rows in a plane, at rational multiples of pi, with their probabilities for a Gaussian column.

    The direction of the column is uniform; a row is on where it is less than a quarter of a turn away.
    """
    edges = sorted({(a + side) % 2 for a in angles for side in (Fraction(1, 2), Fraction(-1, 2))})
    arcs = []
    for first, last in zip(edges, [*edges[1:], edges[0] + 2], strict=True):
        middle = (first + last) / 2
        away = [abs((middle - a + 1) % 2 - 1) for a in angles]
        arcs.append(Arc((last - first) / 2, np.array([float(x < Fraction(1, 2)) for x in away])))
    return arcs


def plane_rows(angles: tuple[Fraction, ...], lengths: tuple[Fraction, ...]) -> Array:
    """U (n, 2): rows in a plane at these multiples of pi, of these lengths."""
    a = np.array([float(x) for x in angles]) * np.pi
    rows: Array = np.stack([np.cos(a), np.sin(a)], axis=1) * np.array([float(x) for x in lengths])[:, None]
    return rows
