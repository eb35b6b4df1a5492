"""Compressive sensing by the smoothest interpolant: the limit of gradient descent on (1/2)||A J c - y||^2 from zero.

All is written in the coordinates <w_i, x> of the left singular vectors of J, whose squared singular values are the
spectrum s_i = sigma_i^2: there J is diag(sigma), and A stands for A W, which is Gaussian where A is. The limit is
x = Sigma A^T (A Sigma A^T)^+ y, the interpolant of least sum of x_i^2/s_i. Source: heckel20b, the linear model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from untrained.theory.objects.shapes import Array, real_array, same_length, whole_number


def spectrum_array(spectrum: Array) -> Array:
    """A spectrum, shape (n,), in any order.

    Raises
    ------
    ValueError
        where it is no vector, has an entry below 0 or not finite, or is 0.
    """
    s = real_array("spectrum", spectrum, 1)
    if s.ndim != 1 or (s < 0).any() or not s.any():
        raise ValueError("spectrum must be a vector of numbers >= 0, not all of them 0")
    return s


def _scaled_rows(A: Array, s: Array) -> Array:
    """AJ."""
    rows = real_array("A", A, 2)
    same_length("rows of A", rows.shape[-1], "spectrum", len(s))
    if rows.shape[-2] > rows.shape[-1]:
        raise ValueError(f"A must have at most {rows.shape[-1]} rows, got {rows.shape[-2]}")
    result: Array = rows * np.sqrt(s)
    return result


def smooth_interpolant(A: Array, y: Array, spectrum: Array) -> Array:
    """Where gradient descent from zero ends: coordinates (..., n) from A (..., m, n) and y (..., m).

    Where no x = Jc has Ax = y, it is the least-squares solution of least norm of c.

    Raises
    ------
    ValueError
        where lengths do not agree, m > n, or the spectrum is 0.
    """
    s = spectrum_array(spectrum)
    scaled, values = _scaled_rows(A, s), real_array("y", y, 1)
    same_length("y", values.shape[-1], "columns of A", scaled.shape[-2])
    result: Array = np.sqrt(s) * (np.linalg.pinv(scaled) @ values[..., None])[..., 0]
    return result


def smoothness(x: Array, spectrum: Array) -> Array:
    """(sum of x_i^2/s_i)^(1/2) over the last axis, the least ||c|| with x = Jc; infinite where there is none."""
    s, coordinates = spectrum_array(spectrum), real_array("x", x, 1)
    same_length("x", coordinates.shape[-1], "spectrum", len(s))
    beyond = (coordinates[..., s == 0] != 0).any(-1)
    inside = np.square(coordinates[..., s > 0] / np.sqrt(s[s > 0])).sum(-1)
    result: Array = np.where(beyond, np.inf, np.sqrt(inside))
    return result


def unmeasured_norm(A: Array, spectrum: Array) -> Array:
    """||J(I - P)||, P the projector on the range of J^T A^T: the error of a randomised range finder."""
    s = spectrum_array(spectrum)
    scaled = _scaled_rows(A, s)
    rest = np.eye(len(s)) - np.linalg.pinv(scaled) @ scaled
    result: Array = np.linalg.norm(np.sqrt(s)[:, None] * rest, 2, axis=(-2, -1))
    return result


# Bounds by Halko, Martinsson and Tropp: q + p = m, q leading values and p further rows.

BoundForm = Literal["mean", "tail"]


def range_finder_bound(spectrum: Array, m: int, p: int, form: BoundForm = "mean") -> float:
    """Bound of ||J(I - P)|| for m Gaussian rows, p of them beyond the q = m - p leading values.

    `mean` bounds the mean, p >= 2: (1 + sqrt(q/(p-1))) sigma_{q+1} + (e sqrt(m)/p) (sum_{j>q} s_j)^{1/2}. `tail` holds
    with probability 1 - 3e^{-p}, p >= 4: (1 + 16 sqrt(1 + q/(p+1))) sigma_{q+1} + (8 sqrt(m)/(p+1)) (same sum)^{1/2}.
    Source: Halko, Martinsson, Tropp 2011, Theorem 10.6 and Corollary 10.9

    Raises
    ------
    ValueError
        where p is too small, or leaves no leading value, or m > n.
    """
    s = np.sort(spectrum_array(spectrum))[::-1]
    m, p = measurements(m, len(s)), whole_number("p", p, 2 if form == "mean" else 4)
    q = m - p
    if q < 1:
        raise ValueError(f"p must be at most {m - 1} for {m} rows, got {p}")
    head, rest = math.sqrt(s[q]), math.sqrt(s[q:].sum())
    if form == "mean":
        return (1 + math.sqrt(q / (p - 1))) * head + math.e * math.sqrt(m) / p * rest
    return (1 + 16 * math.sqrt(1 + q / (p + 1))) * head + 8 * math.sqrt(m) / (p + 1) * rest


def best_range_finder_bound(spectrum: Array, m: int, form: BoundForm = "mean") -> tuple[float, int]:
    """The least of these bounds over q + p = m, and its p."""
    least = 2 if form == "mean" else 4
    if m < least + 1:
        raise ValueError(f"m must be at least {least + 1}, got {m}")
    return min((range_finder_bound(spectrum, m, p, form), p) for p in range(least, m))


def smooth_bound(x: Array, spectrum: Array, m: int, share: Fraction = Fraction(2, 3)) -> Array:
    """(sum of x_i^2/s_i)^{1/2} ((1/m) sum_{i > share m} s_i)^{1/2}, s sorted: the paper's bound with constant 1."""
    s = np.sort(spectrum_array(spectrum))[::-1]
    m = measurements(m, len(s))
    result: Array = smoothness(x, spectrum) * math.sqrt(s[math.floor(share * m) :].sum() / m)
    return result


def measurements(m: int, n: int) -> int:
    """A number of measurements, from 1 to n.

    Raises
    ------
    ValueError
        where it is none.
    """
    if whole_number("m", m, 1) > n:
        raise ValueError(f"m must be at most {n}, got {m}")
    return int(m)


# The deterministic equivalent for A with independent standard normal entries.


@dataclass(frozen=True)
class SquaredError:
    """E||xhat - x||^2 by its parts: what of the signal is missed, and what the noise of the measurements adds."""

    signal: float
    noise: float

    @property
    def total(self) -> float:
        """Both parts together."""
        return self.signal + self.noise


def effective_ridge(spectrum: Array, m: int) -> float:
    """kappa >= 0 with sum of s_i/(s_i + kappa) = m: the ridge that m Gaussian rows amount to.

    Raises
    ------
    ValueError
        where fewer than m values of the spectrum are positive.
    """
    s = spectrum_array(spectrum)
    s = s[s > 0]
    m = measurements(m, len(s))
    if m == len(s):
        return 0.0
    low = s.min() * (len(s) - m) / m  # all values at the least one: kappa is at least that, and at most
    high = s.max() * (len(s) - m) / m
    if low == high:
        return float(low)

    def excess(log_kappa: float) -> float:
        return float((s / (s + math.exp(log_kappa))).sum()) - m

    return math.exp(brentq(excess, math.log(low) - 1e-9, math.log(high) + 1e-9, xtol=1e-14, rtol=1e-14))


def equivalent_error(x: Array, spectrum: Array, m: int, noise: float = 0.0) -> SquaredError:
    """E||xhat - x||^2 over standard normal A with m rows and noise of this deviation a measurement, for large n.

    [kappa^2 sum of x_i^2/(s_i + kappa)^2 + noise^2 df/m]/(1 - df/m), df = sum of (s_i/(s_i + kappa))^2. Exact without
    noise where the spectrum is flat; with noise the part for m rows is then m/(n - m), in truth m/(n - m - 1).
    Source: Hastie, Montanari, Rosset, Tibshirani 2022, Surprises in high-dimensional ridgeless least squares

    Raises
    ------
    ValueError
        where lengths do not agree, fewer than m values of the spectrum are positive, or the noise is below 0.
    """
    s, coordinates = spectrum_array(spectrum), real_array("x", x, 1)
    same_length("x", coordinates.shape[-1], "spectrum", len(s))
    if not noise >= 0:
        raise ValueError(f"noise must be at least 0, got {noise}")
    kappa = effective_ridge(s, m)
    if kappa == 0:
        return SquaredError(float(np.square(coordinates[s == 0]).sum()), math.inf if noise else 0.0)
    df = float(np.square(s / (s + kappa)).sum()) / m
    missed = float(np.square(kappa * coordinates / (s + kappa)).sum())
    return SquaredError(missed / (1 - df), noise**2 * df / (1 - df))


@dataclass(frozen=True)
class SelfRegularisation:
    """How far interpolation of noisy measurements may be trusted, by the deterministic equivalent.

    `best` is the m of least error; `useless` the first m from there on at which the error exceeds ||x||, the error of
    x = 0, or None where it does not below n.
    """

    best: int
    error: float
    useless: int | None


def self_regularisation(x: Array, spectrum: Array, noise: float) -> SelfRegularisation:
    """Where the error of the interpolant is least, and where the noise undoes it, over every m below n.

    Raises
    ------
    ValueError
        where the spectrum has fewer than two positive values.
    """
    s = spectrum_array(spectrum)
    positive = int(np.count_nonzero(s))
    if positive < 2:
        raise ValueError(f"spectrum must have at least 2 positive values, got {positive}")
    errors = np.array([equivalent_error(x, s, m, noise).total for m in range(1, positive)])
    best = int(errors.argmin())
    above = np.flatnonzero(errors[best:] > float(np.square(x).sum()))
    return SelfRegularisation(best + 1, math.sqrt(errors[best]), best + 1 + int(above[0]) if above.size else None)
