"""Which steps converge? Outcomes and rates against the step, in multiples of the proof's 1/beta^2, and d/n.

Beyond 2/||J_0||^2, the edge of stability, the linearised descent diverges. The printed step is 8(sqrt d + 2 sqrt n)^2
/ (4n + d) times the proof's, which is 8 to 16 times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.trace import assumptions
from untrained.sims.experiments.studies.common import (
    OUTCOMES,
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
from untrained.theory.objects.width import step_printed, step_proof

_TOLERANCE = 1e-8
_OUTCOMES_IN_TABLE = ("converged", "stalled", "diverged")
"""Outcomes in the table; the rest ran out of budget."""


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow the runs of a cell; the columns and signals are the same for every step."""
    n, d, runs, steps = parameters["n"], width_of(parameters), parameters["runs"], parameters["steps"]
    eta = np.full(runs, parameters["multiple"] * step_proof(1.0, n, d))
    stored = columns(seed, runs, n, d, device)
    trace = descend(stored, directions(seed, runs, n), torch.from_numpy(eta), steps, tolerance=_TOLERANCE)
    conditions = assumptions(trace, eta, np.ones(runs))
    done = np.array([outcome == "converged" for outcome in trace.outcomes])
    off = trace.final(trace.switched) / d
    values = {
        "rate": 1 - conditions.mean_factor[done],
        "edge_multiple": conditions.stable_step / step_proof(1.0, n, d),
        "sharpness": 2 * eta / conditions.stable_step,
        "sharpness_end": 2 * eta / conditions.stable_step_end,
        "switched_off": off,
        "misfit_most": np.nanmax(np.where(np.isfinite(trace.misfits), trace.misfits, np.nan), axis=1),
    }
    quantities = {key: value for name, x in values.items() for key, value in quantiles(name, x).items()}
    return {"d": d, **outcome_counts(trace), "runs_counted": runs, **quantities}


def printed_multiple(n: int, d: int) -> float:
    """The printed step over the proof's: 8(sqrt d + 2 sqrt n)^2/(4n + d)."""
    return step_printed(1.0, n, d) / step_proof(1.0, n, d)


def edge_multiple(n: int, d: int) -> float:
    """Limit of 2/||J_0||^2 over the proof's step: 2((sqrt d + 2 sqrt n)/(sqrt(d/2) + sqrt n))^2."""
    return 2 * ((math.sqrt(d) + 2 * math.sqrt(n)) / (math.sqrt(d / 2) + math.sqrt(n))) ** 2


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Outcomes and rates at each step, the edges of stability, and where half of the runs first cease to converge."""
    rows: list[TableRow] = []
    for (n, ratio, multiple), group in by_parameters(cells, ("n", "ratio", "multiple")).items():
        at = {"n": n, "ratio": ratio, "multiple": multiple}
        runs = sum(r[name] for r in group for name in OUTCOMES)
        rows += [share("simulation", name, at, sum(r[name] for r in group), runs) for name in _OUTCOMES_IN_TABLE]
        names = ("rate", "sharpness_end", "switched_off")
        rows += [median_entry("simulation", name, at, group) for name in names]
    for (n, ratio), group in by_parameters(cells, ("n", "ratio")).items():
        rows += _edges({"n": n, "ratio": ratio, "multiple": None}, group, rows)
    return rows


def _edges(at: Mapping[str, Any], group: Sequence[Mapping[str, Any]], rows: Sequence[TableRow]) -> list[TableRow]:
    n, ratio, d = at["n"], at["ratio"], group[0]["d"]
    out = [
        median_entry("simulation", "edge_multiple", at, group),
        entry("edge", "edge_multiple", at, edge_multiple(n, d)),
        entry("printed", "step_multiple", at, printed_multiple(n, d)),
        entry("proof", "step_multiple", at, 1.0),
    ]
    steps_by_size = sorted((r for r in rows if _place(r) == (n, ratio, "converged")), key=lambda r: r["multiple"])
    return out + [each for each in (_first_failing(at, steps_by_size),) if each is not None]


def _place(row: TableRow) -> tuple[int, float, str]:
    return row["n"], row["ratio"], row["quantity"]


def _first_failing(at: Mapping[str, Any], steps_by_size: Sequence[TableRow]) -> TableRow | None:
    """The first step of the grid at which fewer than half converge after one at which half did, with that one as `low`.

    Larger steps may converge again, so that no curve that only falls can be fitted.
    """
    for before, after in pairwise(steps_by_size):
        if before["value"] >= 0.5 > after["value"]:
            step, last = after["multiple"], before["multiple"]
            return entry("simulation", "first failing", at, step, last, step, after["count"])
    return None


STEP_STUDY = Study(
    name="step",
    says="Which steps converge? Outcomes and rates against multiples of the proof's step, and the edge of stability.",
    axes={
        "n": (16,),
        "ratio": (8, 16, 32, 64, 128, 512),
        "multiple": (0.25, 0.5, 1, 2, 3, 4, 4.5, 5, 6, 8, 10, 12, 14, 16, 24, 32),
        "runs": (16,),
        "steps": (3000,),
    },
    domain={
        "n": (1, 1024),
        "ratio": (0.1, 1e5),
        "multiple": (1e-6, 1e6),
        "runs": (1, 4096),
        "steps": (2, 10_000_000),
    },
    seeds=1,
    row=_row,
    table=_table,
)
