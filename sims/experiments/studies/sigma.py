"""How large is sigma_min(J_0) against the width? sigma_min(J_0)/(nu sqrt(d) ||z||), and the share of draws below 1/2.

Lemma B.1 asks for 1/2. The limit as n grows at fixed d/n is 1/sqrt 2 - sqrt(n/d); the exact law is that of V_S V_S^T,
S a random half of the columns, and is tabled where its cost allows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import (
    by_parameters,
    entry,
    median_entry,
    quantiles,
    share,
    width_of,
)
from untrained.sims.experiments.studies.crossing import crossing
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.draws import jacobian_smallest_singular_values
from untrained.sims.random.streams import stream
from untrained.theory.laws.masked import masked_smallest_below

LEMMA = 0.5
EXACT_COST = 20_000
"""Largest n d for which the exact law is computed."""
NEAREST = 3
"""Cells about the crossing that the fit uses: the law is no logistic curve, which shows at small n."""


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Draw sigma_min(J_0) `trials` times, through the bidiagonal form of a Gaussian matrix."""
    n, d, trials = parameters["n"], width_of(parameters), parameters["trials"]
    values = jacobian_smallest_singular_values(stream(seed, "sigma", n, d), n, d, trials) / math.sqrt(d)
    below = int((values < LEMMA).sum())
    return {"d": d, "below_half": below, "runs_counted": trials, **quantiles("sigma_min", values)}


def edge_level(n: int, d: int) -> float:
    """Limit of sigma_min(J_0)/(nu sqrt(d) ||z||) as n grows at fixed d/n."""
    return max(0.0, math.sqrt(0.5) - math.sqrt(n / d))


@cache
def probability_below(n: int, d: int, level: Fraction) -> float:
    """P(sigma_min(J_0) < level nu sqrt(d) ||z||) by the exact law, to 1e-6 of itself."""
    return float(masked_smallest_below(n, d, level * level * d).mid())


def exact_median(n: int, d: int, halvings: int = 14) -> float:
    """Median of sigma_min(J_0)/(nu sqrt(d) ||z||) by the exact law, to 2^-halvings."""
    low, high = Fraction(0), Fraction(1)
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (middle, high) if probability_below(n, d, middle) < 0.5 else (low, middle)
    return float((low + high) / 2)


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Medians, quartiles and shares below 1/2 at each n and d/n, and the d/n where the median reaches 1/2."""
    rows: list[TableRow] = []
    for (n, ratio), group in by_parameters(cells, ("n", "ratio")).items():
        rows += _cell_rows({"n": n, "ratio": ratio}, group)
    for n in sorted({parameters["n"] for parameters, _, _ in cells}):
        rows += _half_rows(n, [r for r in rows if r["n"] == n and r["quantity"] == "below half"])
    return [*rows, entry("edge", "median reaches half", {"n": None, "ratio": None}, (math.sqrt(0.5) - LEMMA) ** -2)]


def _cell_rows(at: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> list[TableRow]:
    n, d = at["n"], group[0]["d"]
    below, trials = (sum(r[name] for r in group) for name in ("below_half", "runs_counted"))
    rows = [
        median_entry("simulation", "sigma_min", at, group),
        share("simulation", "below half", at, below, trials),
        entry("edge", "sigma_min", at, edge_level(n, d)),
        entry("theorem", "sigma_min", at, LEMMA),
    ]
    if n * d <= EXACT_COST:
        rows.append(entry("exact law", "sigma_min", at, exact_median(n, d)))
        rows.append(entry("exact law", "below half", at, probability_below(n, d, Fraction(1, 2))))
    return rows


def _half_rows(n: int, rows: Sequence[TableRow]) -> list[TableRow]:
    """d/n at which half of the draws reach the lemma's 1/2, by the fit and by the exact law."""
    at, out = {"n": n, "ratio": None}, []
    inner = [r for r in rows if r["source"] == "simulation" and 0 < r["value"] < 1]
    nearest = sorted(inner, key=lambda r: abs(r["value"] - 0.5))[:NEAREST]
    trials = np.array([r["count"] for r in nearest])
    above = trials - np.round(trials * np.array([r["value"] for r in nearest]))
    fit = crossing(np.log([r["ratio"] for r in nearest]), above, trials) if nearest else None
    if fit is not None:
        value, low, high = np.exp([fit.at, fit.low, fit.high])
        out.append(entry("simulation", "median reaches half", at, value, low, high, int(trials.sum())))
    d = n
    while n * d <= EXACT_COST and probability_below(n, d, Fraction(1, 2)) > 0.5:
        d = max(d + 1, round(d * 1.001))
    return out if n * d > EXACT_COST else [*out, entry("exact law", "median reaches half", at, d / n)]


SIGMA_STUDY = Study(
    name="sigma",
    says="How large is sigma_min(J_0) against the width? Draws, the exact law, the limit and the lemma's 1/2.",
    axes={
        "n": (4, 16, 64, 256),
        "ratio": (2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 30, 40, 60, 100, 300, 1000),
        "trials": (10_000,),
    },
    domain={"n": (1, 4096), "ratio": (0.1, 1e6), "trials": (1, 1_000_000)},
    seeds=1,
    row=_row,
    table=_table,
)
