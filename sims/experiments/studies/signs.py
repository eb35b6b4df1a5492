"""How many neurons switch off, and how far does the Jacobian move, against how far W has gone?

Seen at the end of a run at distance R = ||W_t - W_0||; the exact worst case over the ball of that radius, all neurons
counted and only those on at the start, which alone a path can switch; a V-aware choice of the latter that makes
||J(W) - J(W_0)|| large (a lower bound on its supremum); Lemma C.3's 2 ceil((2dR)^{2/3}) and Lemma B.2's bound at the
same R. ||J|| is in units of nu ||z|| sqrt(d).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from untrained.sims.dynamics.columns import StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.experiments.studies.common import (
    by_parameters,
    columns,
    directions,
    entry,
    median_entry,
    quantiles,
    width_of,
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.sign_changes import adversarial_set, worst_count
from untrained.theory.objects.sparse_norms import width_bound
from untrained.theory.objects.width import radius, step_proof

_TOLERANCE = 1e-8


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow the runs of a cell and compare the end of each with the worst case at its distance."""
    n, d, runs, steps = parameters["n"], width_of(parameters), parameters["runs"], parameters["steps"]
    eta = torch.full((runs,), step_proof(1.0, n, d), dtype=torch.float64)
    stored = columns(seed, runs, n, d, device)
    trace = descend(stored, directions(seed, runs, n), eta, steps, tolerance=_TOLERANCE)
    R, scale = trace.final(trace.distances), math.sqrt(n)  # nu ||z|| sqrt(d) = 1/sqrt n for ||y|| = 1
    worst = np.array([_worst(each, float(r), seed, run) for run, (each, r) in enumerate(zip(stored, R, strict=True))])
    values = {
        "radius": R,
        "off": trace.final(trace.switched),
        "change": trace.spectra.change[:, -1] * scale,
        "allowed": trace.spectra.smallest[:, 0] * scale / 6,
        "worst_all": worst[:, 0],
        "worst_on": worst[:, 1],
        "worst_change": worst[:, 2] / math.sqrt(d),
    }
    quantities = {key: value for name, x in values.items() for key, value in quantiles(name, x).items()}
    return {"d": d, "converged": trace.outcomes.count("converged"), "runs_counted": runs, **quantities}


def _worst(stored: StoredColumns, R: float, seed: int, run: int) -> tuple[float, float, float]:
    """Largest |S(W)| within R over all neurons and over those on, and a large ||V_S|| over the latter."""
    g = stored.h0.cpu().numpy()
    others = stream(seed, "off", stored.n, stored.width, run).standard_normal(stored.width - stored.count)
    count_all = float(worst_count(np.concatenate([g, others]), R))
    V = stored.V.cpu().numpy()
    chosen = adversarial_set(V, g, R)
    norm = float(np.linalg.norm(V[:, chosen], 2)) if chosen.any() else 0.0
    return count_all, float(worst_count(g, R)), norm


def count_bound(d: int, R: float) -> int:
    """2 ceil((2dR)^{2/3}), at most d. Source: vanveen18 Lemma C.3."""
    return min(d, 2 * math.ceil((2 * d * R) ** (2 / 3)))


def change_bound(n: int, d: int, R: float) -> float:
    """Lemma B.2's bound over nu ||z|| sqrt(d), with the linear term that its proof leaves out."""
    return (2 * math.sqrt(n) + width_bound(count_bound(d, R), d)) / math.sqrt(d)


def change_bound_printed(n: int, d: int, R: float) -> float | None:
    """Lemma B.2's bound as printed over nu ||z|| sqrt(d); None where its logarithm is negative."""
    x = (2 * d * R) ** (2 / 3)
    return (2 * math.sqrt(n) + math.sqrt(6 * x * math.log(d / (3 * x)))) / math.sqrt(d) if 3 * x <= d else None


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Neurons and Jacobians at each n and d/n: seen, in the worst case and bounded at the median distance."""
    rows = []
    for (n, ratio), group in by_parameters(cells, ("n", "ratio")).items():
        rows += _cell_rows({"n": n, "ratio": ratio}, group)
    return rows


def _cell_rows(at: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> list[TableRow]:
    n, d = at["n"], group[0]["d"]
    rows = [median_entry("simulation", name, at, group) for name in ("radius", "off", "change", "allowed")]
    rows += [median_entry("worst case", name, at, group) for name in ("worst_all", "worst_on", "worst_change")]
    for name, R in (("at the distance gone", rows[0]["value"]), ("at the theorem's R", radius(n))):
        rows.append(entry("theorem", f"off {name}", at, count_bound(d, R)))
        rows.append(entry("theorem", f"change {name}", at, change_bound(n, d, R)))
        rows.append(entry("printed", f"change {name}", at, change_bound_printed(n, d, R)))
    return rows


SIGNS_STUDY = Study(
    name="signs",
    says="How many neurons switch off, and how far does the Jacobian move? Seen, in the worst case and bounded.",
    axes={
        "n": (8, 32),
        "ratio": (6, 10, 20, 40, 80, 160, 400, 1000, 4000),
        "runs": (8,),
        "steps": (10_000,),
    },
    domain={"n": (1, 1024), "ratio": (0.1, 1e5), "runs": (1, 4096), "steps": (2, 10_000_000)},
    seeds=1,
    row=_row,
    table=_table,
)
