"""The initial misfit ||V phi(W_0 z) - y||: its exact law (Lemma B.4), and its large-deviation rate.

With nu = ||y||/(sqrt(dn)||z||): V phi(W_0 z) = ||y|| sqrt(Y/(dn)) g in law, g standard normal in R^n,
Y = sum of (g_l)_+^2 over d neurons, a chi-square whose degrees of freedom are Binomial(d, 1/2).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import chdtrc, chndtr
from scipy.stats import binom, chi2

from untrained.theory.objects.shapes import whole_number

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_PIECES = 24
_LONGEST = 0.5
"""Longest piece in log Y: longer ones miss the step of width sqrt(2/n) in the tail of chi2_n."""
_TAIL = 1e-30


def _over_energy(d: int, given_energy: Callable[[np.ndarray], np.ndarray]) -> float:
    """E F(Y) for Y the ReLU energy: the atom at 0, then Gauss-Legendre in log Y between extreme quantiles."""
    atom = 0.5**d
    low, high = _energy_range(d)
    pieces = max(_PIECES, math.ceil(math.log(high / low) / _LONGEST))
    edges = np.linspace(math.log(low), math.log(high), pieces + 1)
    half, middle = np.diff(edges)[:, None] / 2, ((edges[1:] + edges[:-1]) / 2)[:, None]
    Y = np.exp(middle + half * _NODES)
    total = float((half * _WEIGHTS * Y * _energy_density(d, Y) * given_energy(Y)).sum())
    return atom * float(given_energy(np.zeros(1))[0]) + total


def _energy_range(d: int) -> tuple[float, float]:
    s_low, s_high = max(1, int(binom.ppf(_TAIL, d, 0.5))), max(1, int(binom.isf(_TAIL, d, 0.5)))
    low = max(float(chi2.ppf(_TAIL, s_low)), 1e-40)
    return low, float(chi2.isf(_TAIL, s_high))


def _energy_density(d: int, Y: np.ndarray) -> np.ndarray:
    s = np.arange(max(1, int(binom.ppf(_TAIL, d, 0.5))), int(binom.isf(_TAIL, d, 0.5)) + 1)
    weights = binom.pmf(s, d, 0.5)
    density = np.zeros_like(Y)
    for share, dof in zip(weights, s, strict=True):
        density += share * chi2.pdf(Y, dof)
    return density


def output_exceeds(rows: int, width: int, factor: float) -> float:
    """P(||V phi(W_0 z)|| > factor ||y||) = P(chi2_n Y > factor^2 d n), by quadrature over Y.

    Good to about 1e-10 relative where it is above 1e-20; rows and widths to some thousands.

    Raises
    ------
    ValueError
        where n or d is below 1 or the factor is negative or NaN.
    Source: vanveen18 Lemma B.4
    """
    n, d = whole_number("rows", rows, 1), whole_number("width", width, 1)
    if not factor >= 0:
        raise ValueError(f"factor must be >= 0, got {factor}")

    def tail(Y: np.ndarray) -> np.ndarray:
        positive = np.maximum(Y, 1e-300)
        return np.where(Y > 0, chdtrc(n, factor**2 * d * n / positive), 0.0)

    return _over_energy(d, tail)


def misfit_exceeds(rows: int, width: int, factor: float) -> float:
    """P(||V phi(W_0 z) - y|| > factor ||y||), factor > 1: given Y the square is a scaled noncentral chi-square.

    Computed as one minus the mass inside, so good to about 1e-12 absolute for
    factors of 1.001 and more.

    Raises
    ------
    ValueError
        where n or d is below 1 or the factor is not above 1.
    Source: vanveen18 Lemma B.4
    """
    n, d = whole_number("rows", rows, 1), whole_number("width", width, 1)
    if not factor > 1:
        raise ValueError(f"factor must be > 1, got {factor}")

    def tail(Y: np.ndarray) -> np.ndarray:
        tau = np.maximum(Y, 1e-300) / (d * n)
        beyond = 1 - chndtr(factor**2 / tau, n, 1 / tau)
        return np.where(1e-9 * d * n < Y, np.nan_to_num(beyond, nan=0.0), 0.0)

    return _over_energy(d, tail)


def chi_square_rate(ratio: float) -> float:
    """(c - 1 - log c)/2: P(chi2_n >= c n) <= e^{-n rate(c)} for c >= 1."""
    if not ratio > 0:
        raise ValueError(f"ratio must be > 0, got {ratio}")
    return (ratio - 1 - math.log(ratio)) / 2


def relu_energy_rate(ratio: float) -> float:
    """sup_t [t a - log(1/2 + (1 - 2t)^{-1/2}/2)]: P(Y >= a d) <= e^{-d rate(a)} for a >= 1/2."""
    a = ratio
    if not a > 0:
        raise ValueError(f"ratio must be > 0, got {a}")
    least = minimize_scalar(
        lambda t: math.log(0.5 + 0.5 / math.sqrt(1 - 2 * t)) - t * a,
        bounds=(0, 0.5 - 1e-12),
        method="bounded",
        options={"xatol": 1e-13},
    )
    return max(0.0, -float(least.fun))


def product_rate(aspect: float) -> float:
    """rho(d/n) with P(chi2_n Y > 4 d n) <= e^{-n rho(d/n)}: the least joint cost of chi2_n/n times Y/d = 4."""
    r = aspect
    if not r > 0:
        raise ValueError(f"aspect must be > 0, got {r}")
    least = minimize_scalar(
        lambda a: chi_square_rate(4 / a) + r * relu_energy_rate(a),
        bounds=(0.5, 4),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(least.fun)
