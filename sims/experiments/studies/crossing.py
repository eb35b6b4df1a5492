"""Where a share crosses one half, with an interval, and how such a place moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_expit
from scipy.stats import chi2, norm

from untrained.theory.objects.shapes import Array

_SLOPES = (1e-3, 1e3)
"""Least and largest slope, per range of x: a steeper one is not told apart from a jump."""
_TRIALS = 41


@dataclass(frozen=True)
class Crossing:
    """Where P(success) = 1/2, the likelihood-ratio interval of that place, and the slope of the logit there."""

    at: float
    low: float
    high: float
    slope: float


@dataclass(frozen=True)
class Trend:
    """Slope of a line with its interval."""

    slope: float
    low: float
    high: float


def crossing(x: Array, successes: Array, trials: Array, *, level: float = 0.05) -> Crossing | None:
    """Fit P(success) = 1/(1 + exp(-slope (x - at))), slope > 0, by maximum likelihood; None where no `at` is inside.

    x, successes, trials: (cells,). The interval holds every `at` that the likelihood ratio does not refuse at the
    level; where it would go beyond the x that were tried it ends with them.

    Raises
    ------
    ValueError
        where the shapes differ, a count is impossible or the level is not in (0, 1).
    """
    x, k, m = (np.asarray(values, float) for values in (x, successes, trials))
    _check(x, k, m, level)
    low, high = float(x.min()), float(x.max())
    if low == high or not 0 < k.sum() < m.sum():
        return None
    places = np.linspace(low, high, _TRIALS)
    best = int(np.argmax([_profile(a, x, k, m)[0] for a in places]))
    if best in (0, _TRIALS - 1):
        return None
    inner = (float(places[best - 1]), float(places[best + 1]))
    options = {"xatol": 1e-9}
    at = float(minimize_scalar(lambda a: -_profile(a, x, k, m)[0], bounds=inner, method="bounded", options=options).x)
    most, slope = _profile(at, x, k, m)
    floor = most - float(chi2.isf(level, 1)) / 2

    def above(a: float) -> float:
        return _profile(a, x, k, m)[0] - floor

    return Crossing(at, _edge(above, at, low), _edge(above, at, high), slope)


def _check(x: Array, k: Array, m: Array, level: float) -> None:
    if not x.shape == k.shape == m.shape or x.ndim != 1 or not len(x):
        raise ValueError(f"x, successes and trials must be of one shape, got {x.shape}, {k.shape} and {m.shape}")
    if not ((k >= 0) & (k <= m)).all():
        raise ValueError("successes must lie between 0 and trials, got one that does not")
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")


def _profile(at: float, x: Array, k: Array, m: Array) -> tuple[float, float]:
    """Largest log likelihood at a place, over the slopes, and the slope of it; the likelihood is concave in these."""

    def loss(log_slope: float) -> float:
        logit = math.exp(log_slope) * (x - at)
        return -float((k * log_expit(logit) + (m - k) * log_expit(-logit)).sum())

    bounds = tuple(math.log(slope / np.ptp(x)) for slope in _SLOPES)
    optimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return -float(optimum.fun), math.exp(float(optimum.x))


def _edge(above: Callable[[float], float], inside: float, end: float) -> float:
    return end if above(end) >= 0 else float(brentq(above, inside, end, xtol=1e-9))


def trend(x: Array, values: Array, errors: Array, *, level: float = 0.05) -> Trend:
    """Slope of the weighted least-squares line through values (cells,) with standard errors (cells,).

    Where the values scatter about the line by more than their errors say, the interval is widened to the scatter.

    Raises
    ------
    ValueError
        where fewer than three places differ, or an error is not positive.
    """
    x, v, e = (np.asarray(each, float) for each in (x, values, errors))
    if len(np.unique(x)) < 3 or not x.shape == v.shape == e.shape:
        raise ValueError(f"x, values and errors must be of one shape with three different x, got {x.shape}")
    if not (e > 0).all():
        raise ValueError("errors must be above 0, got one that is not")
    w = e**-2
    mean = (w * x).sum() / w.sum()
    power = (w * (x - mean) ** 2).sum()
    slope = float((w * (x - mean) * v).sum() / power)
    left = v - (w * v).sum() / w.sum() - slope * (x - mean)
    scatter = max(1.0, float((w * left**2).sum()) / (len(x) - 2))
    half = float(norm.isf(level / 2)) * math.sqrt(scatter / power)
    return Trend(slope, slope - half, slope + half)
