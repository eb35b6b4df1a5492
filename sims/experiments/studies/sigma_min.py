"""How large is sigma_min(J) against the width, from the narrowest layer to the lemma's promise?

Quantiles of sigma_min(J)/(nu sqrt(d) ||z||) over random draws; by the exact law the level that it stays below with
probability 2e^{-n}; the limit as n grows; and the widths at which the versions of Lemma B.1 promise their levels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import six_digits, width_of
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.draws import jacobian_smallest_singular_values
from untrained.sims.random.streams import stream
from untrained.theory.laws.masked import masked_smallest_decides
from untrained.theory.ledger import ledger

LEVEL_RATIOS = {16: (6, 1e4, 18), 64: (6, 400, 10)}
"""Lowest d/n, highest d/n and how many between them for the exact law, whose cost grows with n and d."""
QUANTILES = {"quantile 0.001": 0.001, "median": 0.5, "quantile 0.999": 0.999}
LEMMAS = {"own": "own.lemB1_200", "proof": "vanveen18.lemB1.proof", "printed": "vanveen18.lemB1.printed"}
LIMIT = math.sqrt(0.5)
"""Limit of sigma_min(J)/(nu sqrt(d) ||z||) as d/n grows."""


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, float]:
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


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Quantiles at each width, the exact law, the limit, the promises of the lemma, and its threshold."""
    rows: list[TableRow] = []
    for n in dict.fromkeys(cell.parameters["n"] for cell in cells):
        for cell in cells:
            if cell.parameters["n"] == n:
                rows += _quantile_rows(n, cell.row)
        rows += _level_rows(n)
    return [*rows, *_edge_rows(), *_lemma_rows(), *_threshold_rows()]


def _entry(source: str, n: int | None, d_over_n: float, quantity: str, value: float) -> TableRow:
    numbers = {"d_over_n": six_digits(d_over_n), "value": six_digits(value)}
    return {"source": source, "n": n, "quantity": quantity, **numbers}


def _quantile_rows(n: int, columns: Mapping[str, Any]) -> Iterator[TableRow]:
    for quantity in QUANTILES:
        yield _entry("simulation", n, columns["d"] / n, quantity, columns[quantity])


def _level_rows(n: int) -> Iterator[TableRow]:
    for ratio in _ratios(*LEVEL_RATIOS[n]) if n in LEVEL_RATIOS else ():
        d = round(n * ratio)
        yield _entry("exact law", n, d / n, "level of failure 2e^-n", failure_level(n, d))


def _edge_rows() -> Iterator[TableRow]:
    """The limit as n grows with d/n fixed, and the width at which it reaches the lemma's 1/2."""
    for ratio in _ratios(2, 1e4, 120):
        yield _entry("edge", None, ratio, "level", LIMIT - 1 / math.sqrt(ratio))
    yield _entry("edge", None, (LIMIT - 0.5) ** -2, "width", 0.5)


def _lemma_rows() -> Iterator[TableRow]:
    """The width from which each version of the lemma promises its level, as the ledger states it."""
    for quantity, claim_id in LEMMAS.items():
        values = ledger()[claim_id].values
        yield _entry("lemma", None, float(values["width_ratio"]), quantity, float(values["fraction"]))


def _threshold_rows() -> Iterator[TableRow]:
    """The exact threshold of the lemma at each n that the ledger lists."""
    claim = ledger()["own.lemB1_threshold"]
    for case in claim.exact.cases if claim.exact else ():
        yield _entry("threshold", case["n"], case["d"] / case["n"], "width", 0.5)


def _ratios(low: float, high: float, points: int) -> tuple[float, ...]:
    return tuple(float(ratio) for ratio in np.geomspace(low, high, points))


SIGMA_MIN_STUDY = Study(
    name="sigma_min",
    says="How large is sigma_min(J) from narrow to very wide? Quantiles, the exact law, the limit and the lemma.",
    axes={"n": (16, 64), "ratio": _ratios(3, 1e4, 24), "trials": (20_000,)},
    domain={"n": (1, 4096), "ratio": (0.1, 1e6), "trials": (1, 1_000_000)},
    seeds=1,
    row=_row,
    table=_table,
)
