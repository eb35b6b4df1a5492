"""How wide must the hidden layer be for gradient descent to converge? The share of runs that do, against d/n and n.

Random signals, the proof's step 1/beta^2. A run converges where ||r|| <= 1e-8 ||y|| within the budget of steps. A cell
follows `runs` runs in one batch and counts them, also those that would have converged within a part of the budget. A
run that has stalled never converges, so without a budget the threshold lies between those of both.

The columns that are on at the start must hold y in their cone, for no others ever come on. By Cover's count of sign
patterns that has probability P(Bin(D, 1/2) >= n) given D of them, and D is Bin(d, 1/2): P(Bin(d, 1/4) >= n) in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import binom

from untrained.sims.dynamics.reduced import descend
from untrained.sims.experiments.studies.common import (
    OUTCOMES,
    by_parameters,
    columns,
    crossing,
    directions,
    entry,
    outcome_counts,
    quantiles,
    share,
    trend,
    width_of,
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.theory.objects.width import step_proof

_TOLERANCE = 1e-8
PARTS = {"converged_16th": 16, "converged_quarter": 4}
"""Columns that count the runs converged within a part of the budget."""
NORMAL = 1.96
"""Standard errors on either side of a 95 % interval."""


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow the runs of a cell and count their outcomes."""
    n, d, runs, steps = parameters["n"], width_of(parameters), parameters["runs"], parameters["steps"]
    eta = torch.full((runs,), step_proof(1.0, n, d), dtype=torch.float64)
    trace = descend(columns(seed, runs, n, d, device), directions(seed, runs, n), eta, steps, tolerance=_TOLERANCE)
    counts = outcome_counts(trace)
    done = np.array([outcome == "converged" for outcome in trace.outcomes])
    parts = {name: int((done & (trace.ends <= steps // part)).sum()) for name, part in PARTS.items()}
    left = np.where(done, np.nan, trace.final(trace.misfits))
    return {"d": d, **counts, **parts, **quantiles("steps_taken", trace.ends[done]), **quantiles("misfit_left", left)}


def fit_exists(n: int, d: int) -> float:
    """P(y lies in the cone of the columns that are on at the start) = P(Bin(d, 1/4) >= n).

    Source: T. M. Cover 1965, by the symmetry of the normal law.
    """
    return float(binom.sf(n - 1, d, 0.25))


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Shares of converged runs, d/n at which half converge for each n and its trend, and the exact law of a fit."""
    rows: list[TableRow] = []
    for (n, ratio), group in by_parameters(cells, ("n", "ratio")).items():
        rows += _cell_rows({"n": n, "ratio": ratio}, group)
    sizes = sorted({parameters["n"] for parameters, _, _ in cells})
    for quantity in ("converged", *PARTS, "stalled"):
        rows += _threshold_rows(sizes, rows, quantity)
    return rows + [entry("exact law", "half converged", {"n": n, "ratio": None}, _half_exact(n)) for n in sizes]


def _cell_rows(at: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> list[TableRow]:
    trials = sum(r[name] for r in group for name in OUTCOMES)
    counted = (*OUTCOMES, *PARTS)
    rows = [share("simulation", name, at, sum(r[name] for r in group), trials) for name in counted]
    return [*rows, entry("exact law", "fit exists", at, fit_exists(at["n"], group[0]["d"]))]


def _threshold_rows(sizes: Iterable[int], rows: Sequence[TableRow], quantity: str) -> list[TableRow]:
    """d/n at which half of the runs converge at each n, and by how much it moves when n doubles."""
    thresholds = [_threshold(n, [r for r in rows if r["n"] == n and r["quantity"] == quantity]) for n in sizes]
    rows = [each | {"quantity": f"half {quantity}"} for each in thresholds if each is not None]
    inner = [each for each in rows if each["low"] < each["value"] < each["high"]]
    if len(inner) < 3:
        return rows
    errors = np.array([each["high"] - each["low"] for each in inner]) / (2 * NORMAL)
    line = trend(np.log2([each["n"] for each in inner]), np.array([each["value"] for each in inner]), errors)
    at = {"n": None, "ratio": None}
    return [*rows, entry("simulation", f"half {quantity}, change per doubling", at, line.slope, line.low, line.high)]


def _threshold(n: int, rows: Sequence[TableRow]) -> TableRow | None:
    """The fit is in log(d/n); of runs that stall it is the others that are counted."""
    trials = np.array([each["count"] for each in rows])
    successes = np.round(trials * np.array([each["value"] for each in rows]))
    if rows[0]["quantity"] == "stalled":
        successes = trials - successes
    fit = crossing(np.log([each["ratio"] for each in rows]), successes, trials)
    if fit is None:
        return None
    value, low, high = np.exp([fit.at, fit.low, fit.high])
    return entry("simulation", "half", {"n": n, "ratio": None}, value, low, high, int(trials.sum()))


def _half_exact(n: int) -> float:
    """Least d/n with a fit in half of the draws."""
    d = n
    while fit_exists(n, d) < 0.5:
        d += 1
    return d / n


PHASE_STUDY = Study(
    name="phase",
    says="Does gradient descent converge? Runs that do, against d/n and n, at the proof's step.",
    axes={
        "n": (4, 8, 16, 32, 64, 128),
        "ratio": (2, 3, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 10, 14),
        "runs": (32,),
        "steps": (20_000,),
    },
    domain={"n": (1, 1024), "ratio": (0.1, 1e4), "runs": (1, 4096), "steps": (16, 10_000_000)},
    seeds=2,
    row=_row,
    table=_table,
)
