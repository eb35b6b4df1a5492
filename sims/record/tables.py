"""The recorded tables: the rows that figures draw, theory and simulation told apart by `source`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from untrained.sims.random.draws import jacobian_smallest_singular_values
from untrained.sims.random.streams import stream
from untrained.sims.record.store import FOLDER, write_record
from untrained.theory.laws.masked import masked_smallest_decides
from untrained.theory.ledger import ledger

_Row = dict[str, Any]
VERSION = 1
"""Raised by hand when the numbers of a table change."""
_SIZES = (16, 64)
LEVEL_RATIOS = {16: (6, 1e4, 18), 64: (6, 400, 10)}
"""Lowest d/n, highest d/n and how many between them for the exact law, whose cost grows with n and d."""
TRIALS = 20_000
QUANTILES = {"quantile 0.001": 0.001, "median": 0.5, "quantile 0.999": 0.999}
_LEMMAS = {"own": "own.lemB1_200", "proof": "vanveen18.lemB1.proof", "printed": "vanveen18.lemB1.printed"}
_LIMIT = math.sqrt(0.5)


def _ratios(low: float, high: float, points: int) -> tuple[float, ...]:
    return tuple(float(ratio) for ratio in np.geomspace(low, high, points))


def _row(source: str, n: int | None, d_over_n: float, quantity: str, value: float) -> _Row:
    """One row; six digits, so that the last bits of a machine's arithmetic do not show."""
    numbers = {"d_over_n": float(f"{d_over_n:.6g}"), "value": float(f"{value:.6g}")}
    return {"source": source, "n": n, "quantity": quantity, **numbers}


def simulated_rows(seed: int, n: int, d: int, trials: int = TRIALS) -> Iterator[_Row]:
    """Quantiles of sigma_min(J) / (nu sqrt(d) ||z||) over random draws at one width.

    Raises
    ------
    ValueError
        where the seed is negative or a size is out of range.
    """
    values = jacobian_smallest_singular_values(stream(seed, "sigma_min", n, d), n, d, trials) / math.sqrt(d)
    for quantity, share in QUANTILES.items():
        yield _row("simulation", n, d / n, quantity, float(np.quantile(values, share)))


def failure_level(n: int, d: int, halvings: int = 8) -> float:
    """Level that sigma_min(J) / (nu sqrt(d) ||z||) stays below with probability 2e^{-n}, by its exact law.

    It is sought between the edge and three times as far below the limit, or 0, where it is certain to be.

    Source: K. R. Davidson and S. J. Szarek 2001, Theorem II.13, with Hoeffding's bound for the binomial.
    """
    spread, allowed = math.sqrt(n / d), 2 * math.exp(-n)
    low, high = max(_LIMIT - 3 * spread, 0.0), _LIMIT - spread
    for _ in range(halvings):
        middle = (low + high) / 2
        if masked_smallest_decides(n, d, middle * middle * d, allowed):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _edge_rows() -> Iterator[_Row]:
    """The limit as n grows with d/n fixed, and the width at which it reaches the lemma's 1/2."""
    for ratio in _ratios(2, 1e4, 120):
        yield _row("edge", None, ratio, "level", _LIMIT - 1 / math.sqrt(ratio))
    yield _row("edge", None, (_LIMIT - 0.5) ** -2, "width", 0.5)


def _lemma_rows() -> Iterator[_Row]:
    """The width from which each version of the lemma promises its level, as the ledger states it."""
    for quantity, claim_id in _LEMMAS.items():
        values = ledger()[claim_id].values
        yield _row("lemma", None, float(values["width_ratio"]), quantity, float(values["fraction"]))


def _threshold_rows() -> Iterator[_Row]:
    """The exact threshold of the lemma at each n that the ledger lists."""
    claim = ledger()["own.lemB1_threshold"]
    for case in claim.exact.cases if claim.exact else ():
        yield _row("threshold", case["n"], case["d"] / case["n"], "width", 0.5)


def sigma_min_rows(seed: int) -> list[_Row]:
    """How large sigma_min(J) is against the width: simulated, by its exact law, in the limit, by the lemma.

    Raises
    ------
    ValueError
        where the seed is negative.
    """
    rows: list[_Row] = []
    for n in _SIZES:
        for ratio in _ratios(3, 1e4, 24):
            rows += simulated_rows(seed, n, round(n * ratio))
        for d in (round(n * ratio) for ratio in _ratios(*LEVEL_RATIOS[n])):
            rows.append(_row("exact law", n, d / n, "level of failure 2e^-n", failure_level(n, d)))
    return [*rows, *_edge_rows(), *_lemma_rows(), *_threshold_rows()]


TABLE_ROWS: Mapping[str, Callable[[int], list[_Row]]] = {"sigma_min": sigma_min_rows}


def record_tables(seed: int, folder: Path = FOLDER) -> list[Path]:
    """Compute every table and write it into the record.

    Raises
    ------
    ValueError
        where the seed is negative.
    OSError
        where the folder cannot be written to.
    """
    return [
        write_record("table", name, {"rows": rows(seed), "seed": seed, "version": VERSION}, folder)
        for name, rows in TABLE_ROWS.items()
    ]
