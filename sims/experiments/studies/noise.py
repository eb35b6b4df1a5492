"""Is a signal fitted before noise is? Steps to fit a picture, noise and a noisy picture, and the error on the way.

With Gaussian V the law of a run does not depend on the direction of y, so a picture cannot be preferred: turning y
turns V. A generator with a spectrum can prefer one: "smooth" multiplies V by a fixed map of pixels whose singular
vectors are the cosines and whose singular values fall with frequency (their squares have mean 1). The step is the
proof's over the square of the map's norm. For a noisy picture y = x + e the study also follows the output itself, for
its distance to x, which the runs' misfits to y do not tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.fft import dct

from untrained.sims.dynamics.columns import Columns, Mixed
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.signals import camera_crops
from untrained.sims.experiments.studies.common import (
    OUTCOMES,
    by_parameters,
    columns,
    directions,
    median_entry,
    outcome_counts,
    quantiles,
    share,
)
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.shapes import Array
from untrained.theory.objects.width import step_proof

LEVELS = {"steps_to_1e-1": 1e-1, "steps_to_1e-2": 1e-2, "steps_to_1e-6": 1e-6}
GENERATORS, SIGNALS = ("gaussian", "smooth"), ("picture", "noise", "noisy picture")
NOISE = 0.5
"""||e||/||x|| of a noisy picture."""
DECAY = 0.5
"""Singular values of the smooth map fall like (1 + frequency)^-DECAY in each direction."""


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Follow the runs of a cell; pictures are the first crops, one a run."""
    n, runs, steps = parameters["n"], parameters["runs"], parameters["steps"]
    d = round(n * parameters["ratio"])
    A = smooth_map(n) if parameters["generator"] == "smooth" else np.eye(n)
    stored = [Mixed(each, torch.from_numpy(A)) for each in columns(seed, runs, n, d, device)]
    x, y = signals(parameters["signal"], n, runs, seed)
    eta = np.full(runs, step_proof(1.0, n, d)) / float(np.linalg.norm(A, 2)) ** 2
    trace = descend(stored, torch.from_numpy(y), torch.from_numpy(eta), steps, tolerance=min(LEVELS.values()))
    values = {name: first_below(trace.misfits, level) for name, level in LEVELS.items()}
    if parameters["signal"] == "noisy picture":
        short = min(steps, parameters["errors"])
        error = np.stack([errors(each, y[i], x[i], eta[i], short) for i, each in enumerate(stored)])
        values |= {"least_error": error.min(1), "steps_to_least": error.argmin(1).astype(float)}
        values |= {"last_error": error[:, -1], "noise": np.linalg.norm(y - x, axis=1)}
    quantities = {key: value for name, v in values.items() for key, value in quantiles(name, v).items()}
    return {"d": d, **outcome_counts(trace), "runs_counted": runs, **quantities}


def signals(kind: str, n: int, runs: int, seed: int) -> tuple[Array, Array]:
    """Return what is sought and what is fitted, each (runs, n), the latter of norm 1."""
    white = directions(seed, runs, n).numpy()
    if kind == "noise":
        return white, white
    x = camera_crops(n, (int(i) for i in stream(seed, "crops", n).choice(1 << 16, runs, replace=False)))
    y = x + (NOISE * white if kind == "noisy picture" else 0.0)
    norms = np.linalg.norm(y, axis=1, keepdims=True)
    return x / norms, y / norms


def smooth_map(n: int) -> Array:
    """The map of pixels, (n, n): diagonal in the two-dimensional cosine basis, squares of its values of mean 1.

    Raises
    ------
    ValueError
        where n is not a square.
    """
    side = math.isqrt(n)
    if side * side != n:
        raise ValueError(f"n must be a square number, got {n}")
    C = dct(np.eye(side), axis=0, norm="ortho")
    falls = (1.0 + np.arange(side)) ** -DECAY
    basis, values = np.kron(C, C), np.kron(falls, falls)
    smooth: Array = basis.T @ (values[:, None] * basis)
    return smooth / math.sqrt(np.mean(values**2))


def first_below(misfits: Array, level: float) -> Array:
    """First step at which each run's misfit is at most the level, (B,); NaN where it never is."""
    below = misfits <= level
    return np.where(below.any(1), below.argmax(1), np.nan)


def errors(stored: Columns, y: Array, x: Array, eta: float, steps: int) -> Array:
    """||V ReLU(W_t z) - x|| along the descent to y, (steps + 1,), every neuron followed; ||y|| = ||z|| = 1."""
    nu = 1 / math.sqrt(stored.n * stored.width)
    (block,) = stored.blocks()
    V, h = nu * block.V.cpu().numpy(), block.h0.cpu().numpy().copy()
    out = np.empty(steps + 1)
    for t in range(steps + 1):
        u = V @ np.maximum(h, 0.0)
        out[t] = np.linalg.norm(u - x)
        h -= eta * ((u - y) @ V) * (h >= 0)
    return out


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Steps to fit each kind of signal, and the least error on the way to a noisy picture, for both generators."""
    rows = []
    names = ("generator", "signal", "n", "ratio")
    for values, group in by_parameters(cells, names).items():
        at = dict(zip(names, values, strict=True))
        runs = sum(r[name] for r in group for name in OUTCOMES)
        rows.append(share("simulation", "converged", at, sum(r["converged"] for r in group), runs))
        quantity_names = [*LEVELS, "least_error", "steps_to_least", "last_error", "noise"]
        rows += [median_entry("simulation", name, at, group) for name in quantity_names if name in group[0]]
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    if math.isqrt(parameters["n"]) ** 2 != parameters["n"]:
        raise ValueError(f"n must be a square number, got {parameters['n']}")


NOISE_STUDY = Study(
    name="noise",
    says="Is a signal fitted before noise is? A picture, white noise and a noisy picture, for two generators.",
    axes={
        "generator": GENERATORS,
        "signal": SIGNALS,
        "n": (16, 64),
        "ratio": (10, 20, 50),
        "runs": (16,),
        "steps": (20_000,),
        "errors": (1000,),
    },
    domain={
        "generator": GENERATORS,
        "signal": SIGNALS,
        "n": (4, 1024),
        "ratio": (1, 1e4),
        "runs": (1, 1024),
        "steps": (2, 10_000_000),
        "errors": (1, 1_000_000),
    },
    seeds=1,
    row=_row,
    table=_table,
    check=_check,
)
