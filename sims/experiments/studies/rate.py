"""How fast does gradient descent converge, seen and promised? 1 - factor per step against d/n, at the step 1/beta^2.

Seen are the geometric mean over a run that converges and over its last half; promised are eta alpha^2/4 with the run's
own alpha (Theorem B.5), the proof's d/(64(sqrt d + 2 sqrt n)^2) and the statement's d/(8(4n + d)). In the limit the
linearised descent goes by eta sigma_min(J_0)^2, that is ((sqrt(d/2) - sqrt n)/(sqrt d + 2 sqrt n))^2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.trace import Trace, assumptions
from untrained.sims.experiments.studies.common import (
    by_parameters,
    columns,
    directions,
    entry,
    median_entry,
    outcome_counts,
    quantiles,
    share,
    width_of,
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.theory.objects.shapes import Array
from untrained.theory.objects.width import factor_printed, factor_proof, step_proof

_TOLERANCE = 1e-10
_RATES = ("rate", "rate_late", "rate_linear_start", "rate_linear_end")


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow the runs of a cell; rates are of those that converge."""
    n, d, runs, steps = parameters["n"], width_of(parameters), parameters["runs"], parameters["steps"]
    eta = np.full(runs, step_proof(1.0, n, d))
    stored = columns(seed, runs, n, d, device)
    trace = descend(stored, directions(seed, runs, n), torch.from_numpy(eta), steps, tolerance=_TOLERANCE)
    conditions = assumptions(trace, eta, np.ones(runs))
    done = np.array([outcome == "converged" for outcome in trace.outcomes])
    smallest = trace.spectra.smallest[done]
    rates = {
        "rate": 1 - conditions.mean_factor[done],
        "rate_late": 1 - late_factor(trace)[done],
        "rate_linear_start": eta[0] * smallest[:, 0] ** 2,
        "rate_linear_end": eta[0] * smallest[:, -1] ** 2,
        "rate_promised": 1 - conditions.promised[done],
        "change": 3 * trace.spectra.change[done, -1] / conditions.alpha[done],
    }
    columns_of = {key: value for name, x in rates.items() for key, value in quantiles(name, x).items()}
    assumption_counts = {
        "a1": int(conditions.a1.sum()),
        "a2": int(conditions.a2.sum()),
        "all_held": int(conditions.all_held.sum()),
    }
    beaten = int((conditions.worst[done] <= conditions.promised[done]).sum())
    counts = {
        **outcome_counts(trace),
        **assumption_counts,
        "each_step_as_promised": beaten,
        "runs_counted": int(done.sum()),
    }
    return {"d": d, **counts, **columns_of}


def late_factor(trace: Trace) -> Array:
    """Geometric mean of the factors over the last half of each run, (B,)."""
    at = np.arange(len(trace.ends))
    first = trace.ends // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = np.log(trace.misfits[at, trace.ends] / trace.misfits[at, first])
        return np.exp(fall / np.maximum(trace.ends - first, 1))


def edge_rate(n: int, d: int) -> float:
    """Limit of eta sigma_min(J_0)^2 at eta = 1/beta^2 as n grows at fixed d/n; 0 for d <= 2n."""
    return (max(0.0, math.sqrt(d / 2) - math.sqrt(n)) / (math.sqrt(d) + 2 * math.sqrt(n))) ** 2


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Rates seen and promised at each n and d/n."""
    rows = []
    for (n, ratio), group in by_parameters(cells, ("n", "ratio")).items():
        rows += _cell_rows({"n": n, "ratio": ratio}, group)
    return rows


def _cell_rows(at: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> list[TableRow]:
    n, d = at["n"], group[0]["d"]
    runs = sum(r[name] for r in group for name in ("converged", "stalled", "diverged", "ended"))
    rows = [median_entry("simulation", name, at, group) for name in (*_RATES, "change")]
    rows.append(median_entry("theorem", "rate_promised", at, group))
    rows += [share("simulation", name, at, sum(r[name] for r in group), runs) for name in ("converged", "a1", "a2")]
    rows.append(entry("proof", "rate", at, 1 - factor_proof(n, d)))
    rows.append(entry("printed", "rate", at, 1 - factor_printed(n, d)))
    rows.append(entry("edge", "rate", at, edge_rate(n, d)))
    return rows


RATE_STUDY = Study(
    name="rate",
    says="How fast does gradient descent converge, seen and promised? The rate against d/n at the proof's step.",
    axes={
        "n": (8, 24),
        "ratio": (5, 7, 10, 20, 40, 80, 160, 400, 1000, 3000, 10_000),
        "runs": (8,),
        "steps": (20_000,),
    },
    domain={"n": (1, 1024), "ratio": (0.1, 1e6), "runs": (1, 4096), "steps": (2, 10_000_000)},
    seeds=2,
    row=_row,
    table=_table,
)
