"""What the studies share: random signals, columns of V, the rows of a table, and where a share crosses one half.


A row of a table says by `source` where its value is from ("simulation", "theorem", "proof", ...), so that theory and
simulation stand in one table. A cell follows several runs at once, each with columns and a signal of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_expit
from scipy.stats import chi2, norm

from untrained.sims.dynamics.columns import Regenerated, StoredColumns
from untrained.sims.dynamics.trace import CONVERGED, DIVERGED, ENDED, STALLED, Trace
from untrained.sims.evidence.counts import clopper_pearson
from untrained.sims.experiments.study import StoredRow, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array

OUTCOMES = {"converged": CONVERGED, "stalled": STALLED, "diverged": DIVERGED, "ended": ENDED}
"""Columns that count runs by how they ended."""
_LEVEL = 0.05
"""Every interval of a table misses with at most this probability, each by itself."""


def width_of(parameters: Mapping[str, Any]) -> int:
    """d, from n and the ratio d/n."""
    return max(1, round(parameters["n"] * parameters["ratio"]))


def directions(seed: int, runs: int, n: int) -> torch.Tensor:
    """Random unit vectors, (runs, n)."""
    y = stream(seed, "y", n).standard_normal((runs, n))
    return torch.from_numpy(y / np.linalg.norm(y, axis=1, keepdims=True))


def seeds_of_runs(seed: int, runs: int, *names: str | int) -> list[int]:
    """A seed for each run of a cell; cells of other sizes have others, so that they are independent."""
    return [int(word) for word in stream(seed, "runs", *names).integers(2**62, size=runs)]


def columns(seed: int, runs: int, n: int, d: int, device: str) -> list[StoredColumns]:
    """Columns of V and h_0 for each run, held in float64."""
    matrices = (
        Regenerated(n, d, own, dtype=torch.float64, device=device) for own in seeds_of_runs(seed, runs, "columns", n, d)
    )
    return [StoredColumns.draw(each) for each in matrices]


def outcome_counts(trace: Trace) -> dict[str, int]:
    """How many runs ended in each way."""
    return {name: trace.outcomes.count(outcome) for name, outcome in OUTCOMES.items()}


def quantiles(name: str, values: Array | Sequence[float]) -> dict[str, float | None]:
    """Median and quartiles of finite values as columns of a row; None where there is none."""
    x = np.asarray(values, float)
    x = x[np.isfinite(x)]
    levels = {"": 0.5, "_low": 0.25, "_high": 0.75}
    return {f"{name}{end}": float(np.quantile(x, q)) if len(x) else None for end, q in levels.items()}


def middle(values: Iterable[float | None]) -> float | None:
    """Median of what is not None."""
    numbers = [value for value in values if value is not None]
    return float(np.median(numbers)) if numbers else None


def by_parameters(cells: Iterable[StoredRow], names: Sequence[str]) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    """Group the rows of all seeds by some parameters, in the order in which they come."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for parameters, _, row in cells:
        groups.setdefault(tuple(parameters[name] for name in names), []).append(row)
    return groups


def entry(
    source: str,
    quantity: str,
    at: Mapping[str, Any],
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    count: int | None = None,
) -> TableRow:
    """One row of a table, its numbers to six digits."""
    numbers = {"value": value, "low": low, "high": high}
    rounded = {name: None if x is None else six_digits(x) for name, x in numbers.items()}
    return {"source": source, "quantity": quantity, **at, **rounded, "count": count}


def six_digits(x: float) -> float:
    """Round to six digits, so that the last bits of a machine's arithmetic do not show in a record."""
    return float(f"{x:.6g}")


def share(source: str, quantity: str, at: Mapping[str, Any], successes: int, trials: int) -> TableRow:
    """A share with its Clopper-Pearson interval."""
    low, high = clopper_pearson(successes, trials, _LEVEL)
    return entry(source, quantity, at, successes / trials, low, high, trials)


def median_entry(source: str, quantity: str, at: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> TableRow:
    """The median over seeds of a column that `quantiles` made, and of its quartiles."""
    value, low, high = (middle(row[f"{quantity}{end}"] for row in rows) for end in ("", "_low", "_high"))
    return entry(source, quantity, at, value, low, high, sum(row["runs_counted"] for row in rows))


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
