"""The smoothest interpolant of Gaussian measurements: its error against their number, with noise and without.

Signals are uniform on the unit sphere of the first vectors of the trigonometric basis, the spectrum is the dual one of
a triangle. Errors are roots of means over signal and noise, exact for the A of a seed; theory is the deterministic
equivalent and, of the error without noise, two bounds. Source: heckel20b, the linear model
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import by_parameters, entry
from untrained.sims.experiments.studies.fits import spread_entry
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.dual_kernels import basis_spectrum, triangle_kernel
from untrained.theory.objects.interpolation import (
    best_range_finder_bound,
    equivalent_error,
    smooth_bound,
    smooth_interpolant,
    smoothness,
)
from untrained.theory.objects.shapes import Array

_AT = ("n", "half_width", "span", "noise", "m")


def interpolation_root(A: Array, spectrum: Array, span: int, noise: float) -> float:
    """Root of the mean of ||xhat - x||^2 over unit x in the first coordinates and noise, for this A (m, n)."""
    units = np.eye(A.shape[1])[:span]
    missed = np.square(smooth_interpolant(A, units @ A.T, spectrum) - units).sum() / span
    added = noise**2 * np.square(smooth_interpolant(A, np.eye(len(A)), spectrum)).sum() if noise else 0.0
    return math.sqrt(missed + added)


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    n, m, span, noise = (parameters[name] for name in ("n", "m", "span", "noise"))
    s = basis_spectrum(triangle_kernel(n, parameters["half_width"]))
    x = np.repeat([1 / math.sqrt(span), 0.0], [span, n - span])
    A = stream(seed, "interpolation", m, n).standard_normal((m, n))
    return {
        "error": interpolation_root(A, s, span, noise),
        "equivalent": math.sqrt(equivalent_error(x, s, m, noise).total),
        "range_finder": best_range_finder_bound(s, m)[0] * float(smoothness(x, s)),
        "constant_one": float(smooth_bound(x, s, m)),
    }


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Errors over draws of A, the equivalent, and without noise the bounds."""
    rows = []
    for values, group in by_parameters(cells, _AT).items():
        at, law = dict(zip(_AT, values, strict=True)), group[0]
        rows.append(spread_entry("error", at, [row["error"] for row in group]))
        rows.append(entry("equivalent", "error", at, law["equivalent"]))
        if not at["noise"]:
            rows.append(entry("range finder", "error", at, law["range_finder"]))
            rows.append(entry("constant 1", "error", at, law["constant_one"]))
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    n, m, span = parameters["n"], parameters["m"], parameters["span"]
    if not max(m, span) < n:
        raise ValueError(f"m and span must be below n = {n}, got {m} and {span}")
    triangle_kernel(n, parameters["half_width"])


INTERPOLATION_STUDY = Study(
    name="interpolation",
    says="How far is the smoothest interpolant from the signal? Error against m, with noise, by draws, law and bounds.",
    axes={
        "m": (20, 30, 40, 60, 80, 100, 120, 150, 180, 210, 240, 260, 280, 290, 295, 298),
        "n": (300,),
        "half_width": (10,),
        "span": (5,),
        "noise": (0.0, 0.1),
    },
    domain={"m": (3, 4095), "n": (4, 4096), "half_width": (1, 2048), "span": (1, 4095), "noise": (0.0, 1e6)},
    seeds=10,
    row=_row,
    table=_table,
    check=_check,
)
