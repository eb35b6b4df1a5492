"""What the studies share: random signals, columns of V, and the rows of the table that a study is summed up in.

A row of a table says by `source` where its value is from ("simulation", "theorem", "proof", ...), so that theory and
simulation stand in one table. A cell follows several runs at once, each with columns and a signal of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

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
