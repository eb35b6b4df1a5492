"""How large is sigma_min(J_0) against the width? sigma_min(J_0)/(nu sqrt(d) ||z||), and the share of draws below 1/2.

Lemma B.1 asks for 1/2. The limit as n grows at fixed d/n is 1/sqrt 2 - sqrt(n/d); the exact law is that of V_S V_S^T,
S a random half of the columns, and is tabled where its cost allows.

The study sigma_min goes from the narrowest layer to the widest promise: quantiles of the same ratio over random draws;
by the exact law the level that it stays below with probability 2e^{-n}; the limit; and the widths at which the versions
of the lemma promise their levels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import (
    by_parameters,
    crossing,
    entry,
    median_entry,
    quantiles,
    share,
    six_digits,
    width_of,
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.draws import jacobian_smallest_singular_values
from untrained.sims.random.streams import stream
from untrained.theory.claim import listed
from untrained.theory.laws.masked import masked_smallest_below, masked_smallest_decides
from untrained.theory.ledger import ledger

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


LEVEL_RATIOS = {16: (6, 1e4, 18), 64: (6, 400, 10)}
"""Lowest d/n, highest d/n and how many between them for the exact law, whose cost grows with n and d."""
QUANTILES = {"quantile 0.001": 0.001, "median": 0.5, "quantile 0.999": 0.999}
LEMMAS = {"own": "own.lemB1_200", "proof": "vanveen18.lemB1.proof", "printed": "vanveen18.lemB1.printed"}
LIMIT = math.sqrt(0.5)
"""Limit of sigma_min(J)/(nu sqrt(d) ||z||) as d/n grows."""


def _quantiles(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, float]:
    """Draw sigma_min(J) `trials` times and return its quantiles."""
    n, d = parameters["n"], width_of(parameters)
    draws = jacobian_smallest_singular_values(stream(seed, "sigma_min", n, d), n, d, parameters["trials"])
    values = draws / math.sqrt(d)
    return {"d": d, **{name: float(np.quantile(values, share)) for name, share in QUANTILES.items()}}


def failure_level(n: int, d: int, halvings: int = 8) -> float:
    """Level that sigma_min(J)/(nu sqrt(d) ||z||) stays below with probability 2e^{-n}, by its exact law.

    It is sought between the edge and three times as far below the limit, or 0, where it is certain to be.

    Source: K. R. Davidson and S. J. Szarek 2001, Theorem II.13, with Hoeffding's bound for the binomial.
    """
    spread, allowed = math.sqrt(n / d), 2 * math.exp(-n)
    low, high = max(LIMIT - 3 * spread, 0.0), LIMIT - spread
    for _ in range(halvings):
        middle = (low + high) / 2
        if masked_smallest_decides(n, d, middle * middle * d, allowed):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _quantile_table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Quantiles at each width, the exact law, the limit, the promises of the lemma, and its threshold."""
    rows: list[TableRow] = []
    for n in dict.fromkeys(cell.parameters["n"] for cell in cells):
        for cell in cells:
            if cell.parameters["n"] == n:
                rows += _quantile_rows(n, cell.row)
        rows += _level_rows(n)
    return [*rows, *_edge_rows(), *_lemma_rows(), *_threshold_rows()]


def _place(source: str, n: int | None, d_over_n: float, quantity: str, value: float) -> TableRow:
    numbers = {"d_over_n": six_digits(d_over_n), "value": six_digits(value)}
    return {"source": source, "n": n, "quantity": quantity, **numbers}


def _quantile_rows(n: int, columns: Mapping[str, Any]) -> Iterator[TableRow]:
    for quantity in QUANTILES:
        yield _place("simulation", n, columns["d"] / n, quantity, columns[quantity])


def _level_rows(n: int) -> Iterator[TableRow]:
    for ratio in _ratios(*LEVEL_RATIOS[n]) if n in LEVEL_RATIOS else ():
        d = round(n * ratio)
        yield _place("exact law", n, d / n, "level of failure 2e^-n", failure_level(n, d))


def _edge_rows() -> Iterator[TableRow]:
    """The limit as n grows with d/n fixed, and the width at which it reaches the lemma's 1/2."""
    for ratio in _ratios(2, 1e4, 120):
        yield _place("edge", None, ratio, "level", LIMIT - 1 / math.sqrt(ratio))
    yield _place("edge", None, (LIMIT - 0.5) ** -2, "width", 0.5)


def _lemma_rows() -> Iterator[TableRow]:
    """The width from which each version of the lemma promises its level, as the ledger states it."""
    for quantity, claim_id in LEMMAS.items():
        values = ledger()[claim_id].values
        yield _place("lemma", None, float(values["width_ratio"]), quantity, float(values["fraction"]))


def _threshold_rows() -> Iterator[TableRow]:
    """The exact threshold of the lemma at each n that the ledger lists."""
    claim = ledger()["own.lemB1_threshold"]
    for case in listed(claim.exact.cases, claim.values) if claim.exact else ():
        yield _place("threshold", case["n"], case["d"] / case["n"], "width", 0.5)


def _ratios(low: float, high: float, points: int) -> tuple[float, ...]:
    return tuple(float(ratio) for ratio in np.geomspace(low, high, points))


SIGMA_MIN_STUDY = Study(
    name="sigma_min",
    says="How large is sigma_min(J) from narrow to very wide? Quantiles, the exact law, the limit and the lemma.",
    axes={"n": (16, 64), "ratio": _ratios(3, 1e4, 24), "trials": (20_000,)},
    domain={"n": (1, 4096), "ratio": (0.1, 1e6), "trials": (1, 1_000_000)},
    seeds=1,
    row=_quantiles,
    table=_quantile_table,
)
