"""Compressed sensing, V replaced by A V: does gradient descent converge, and how fast, for which A?

A takes x in R^n to m measurements: rows of an orthonormal transform (the real Fourier or the cosine one) chosen at
random, i.i.d. N(0, 1/m) entries as the experiments have them, or N(0, 1/n) entries, whose rows have the energy of
orthonormal ones. The signal is y = A x/||A x|| for a random x, width d = ratio m, and the step that of the proof at m.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.fft import dct

from untrained.sims.dynamics.columns import Mixed
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
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array
from untrained.theory.objects.width import factor_proof, step_proof

_TOLERANCE = 1e-8
_OUTCOMES_IN_TABLE = ("converged", "stalled", "diverged")
"""Outcomes in the table; the rest ran out of budget."""
ORTHONORMAL = ("fourier", "cosine")
MATRICES = (*ORTHONORMAL, "gaussian 1/m", "gaussian 1/n")


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow the runs of a cell, each with an A of its own."""
    n, m, kind, runs = parameters["n"], parameters["m"], parameters["matrix"], parameters["runs"]
    d = round(m * parameters["ratio"])
    A = [sensing_matrix(kind, m, n, stream(seed, "A", kind, m, n, run)) for run in range(runs)]
    stored = [Mixed(each, torch.from_numpy(a)) for each, a in zip(columns(seed, runs, n, d, device), A, strict=True)]
    y = np.stack([a @ x for a, x in zip(A, directions(seed, runs, n).numpy(), strict=True)])
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    eta = np.full(runs, step_proof(1.0, m, d))
    trace = descend(stored, torch.from_numpy(y), torch.from_numpy(eta), parameters["steps"], tolerance=_TOLERANCE)
    conditions = assumptions(trace, eta, np.ones(runs))
    done = np.array([outcome == "converged" for outcome in trace.outcomes])
    spectra = [np.linalg.svd(a, compute_uv=False) for a in A]
    values = {
        "rate": 1 - conditions.mean_factor[done],
        "sharpness": 2 * eta / conditions.stable_step,
        "sigma_min": conditions.alpha * 2 * math.sqrt(m),  # over nu sqrt(d) ||z|| = 1/sqrt m
        "condition": [s[0] / s[-1] for s in spectra],
        "steps_taken": trace.ends[done],
    }
    quantities = {key: value for name, x in values.items() for key, value in quantiles(name, x).items()}
    return {"d": d, **outcome_counts(trace), "runs_counted": runs, **quantities}


def sensing_matrix(kind: str, m: int, n: int, generator: np.random.Generator) -> Array:
    """Return A (m, n) of a kind: rows of an orthonormal transform chosen at random, or independent normals.

    Raises
    ------
    ValueError
        where the kind is unknown or m > n.
    """
    if kind not in MATRICES or m > n:
        raise ValueError(f"kind must be one of {', '.join(MATRICES)} and m at most n, got {kind!r}, {m} and {n}")
    if kind not in ORTHONORMAL:
        return generator.standard_normal((m, n)) / math.sqrt(m if kind == "gaussian 1/m" else n)
    rows = np.sort(generator.choice(n, m, replace=False))
    transform: Array = fourier(n) if kind == "fourier" else dct(np.eye(n), axis=0, norm="ortho")
    return np.ascontiguousarray(transform[rows])


def fourier(n: int) -> Array:
    """The real Fourier basis as rows, (n, n) orthonormal: the constant, then cosines and sines by frequency."""
    k, t = np.arange(n)[:, None], np.arange(n)[None, :]
    frequency = (k + 1) // 2
    waves = np.where(k % 2 == 1, np.cos(2 * np.pi * frequency * t / n), np.sin(2 * np.pi * frequency * t / n))
    waves[0] = 1.0
    return waves / np.linalg.norm(waves, axis=1, keepdims=True)


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Shares of converged runs and rates at each n, m, d/m and kind of A, with the proof's rate at m."""
    rows = []
    names = ("matrix", "n", "m", "ratio")
    for values, group in by_parameters(cells, names).items():
        at = dict(zip(names, values, strict=True))
        runs = sum(r[name] for r in group for name in OUTCOMES)
        rows += [share("simulation", name, at, sum(r[name] for r in group), runs) for name in _OUTCOMES_IN_TABLE]
        measured = ("rate", "sharpness", "sigma_min")
        rows += [median_entry("simulation", name, at, group) for name in measured]
        rows.append(entry("proof", "rate", at, 1 - factor_proof(at["m"], group[0]["d"])))
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    if parameters["m"] > parameters["n"]:
        raise ValueError(f"m must be at most n, got {parameters['m']} and {parameters['n']}")


SENSING_STUDY = Study(
    name="sensing",
    says="Compressed sensing: does gradient descent converge with A V for V, and how fast, for which A?",
    axes={
        "matrix": MATRICES,
        "n": (16, 32, 64, 128, 256),
        "m": (16,),
        "ratio": (10, 20, 60, 200),
        "runs": (16,),
        "steps": (5000,),
    },
    domain={
        "matrix": MATRICES,
        "n": (1, 4096),
        "m": (1, 1024),
        "ratio": (0.1, 1e5),
        "runs": (1, 4096),
        "steps": (2, 10_000_000),
    },
    seeds=1,
    row=_row,
    table=_table,
    check=_check,
)
