"""The linear warm-up: least squares fitted by gradient descent to a leading singular vector under as much noise.

A (n, n) is Gaussian with its singular values raised to a power and scaled to 1, x its leading left singular vector,
z a random unit vector. The error ||A c - x|| of descent from 0 on ||A c - (x + z)||^2/2 first falls and then rises. The
exact law is that of the residual filters, sum_i ((1 - q_i) z_i - q_i x_i)^2 with q_i = (1 - eta s_i^2)^tau; `mean` is
the root of its mean over z. The published gradient has a further factor 1/2. Source: heckel20a Figure 5
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from untrained.sims.experiments.studies.common import by_parameters, entry, middle
from untrained.sims.experiments.studies.fits import checkpoints, spread_entry
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.random.streams import stream
from untrained.theory.objects.residual_filters import LinearDenoising, residual_filter
from untrained.theory.objects.shapes import Array

GRADIENTS = {"published": 0.5, "exact": 1.0}
"""By what the gradient of half the squared misfit is multiplied."""
_AT = ("n", "power", "gradient", "step", "steps")


def warm_up_problem(n: int, power: float, seed: int) -> tuple[Array, Array, Array]:
    """A (n, n), its leading left singular vector x (n,) and a random unit vector z (n,)."""
    U, s, Vt = np.linalg.svd(stream(seed, "warm-up", "A", n).standard_normal((n, n)))
    g = stream(seed, "warm-up", "z", n).standard_normal(n)
    return (U * (s / s[0]) ** power) @ Vt, U[:, 0], g / np.linalg.norm(g)


def errors_of_descent(A: Array, x: Array, z: Array, eta: float, steps: int) -> Array:
    """||A c_t - x|| of descent from 0 on ||A c - x - z||^2/2, (steps + 1,)."""
    c, y, errors = np.zeros(A.shape[1]), x + z, np.empty(steps + 1)
    for t in range(steps + 1):
        output = A @ c
        errors[t] = np.linalg.norm(output - x)
        c -= eta * (A.T @ (output - y))
    return errors


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    n, steps = parameters["n"], parameters["steps"]
    eta = parameters["step"] * GRADIENTS[parameters["gradient"]]
    A, x, z = warm_up_problem(n, parameters["power"], seed)
    errors = errors_of_descent(A, x, z, eta, steps)
    U, s, _ = np.linalg.svd(A)
    law = LinearDenoising(U.T @ x, s**2, eta, 1.0)
    exact = np.array([_filtered(U, s**2, x, z, eta, t) for t in range(steps + 1)])
    at = checkpoints(steps)
    return {
        **{f"error_{t}": float(errors[t]) for t in at},
        **{f"exact_{t}": float(exact[t]) for t in at},
        **{f"mean_{t}": float(np.sqrt(law.risk(t))) for t in at},
        **_minimum("least", errors),
        **_minimum("exact_least", exact),
        "largest_difference": float(np.abs(errors - exact).max()),
        "best_stop": law.best_stop()[0],
    }


def _filtered(U: Array, values: Array, x: Array, z: Array, eta: float, tau: int) -> float:
    left = residual_filter(values, eta, tau)
    return float(np.linalg.norm((1 - left) * (U.T @ z) - left * (U.T @ x)))


def _minimum(name: str, errors: Array) -> dict[str, Any]:
    return {f"{name}_step": int(errors.argmin()), f"{name}_error": float(errors.min())}


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Curves of descents, of their filters and of the mean over z, and the step and value of the least error."""
    rows = []
    for values, group in by_parameters(cells, _AT).items():
        at = dict(zip(_AT, values, strict=True))
        for tau in checkpoints(at["steps"]):
            where = {**at, "tau": tau}
            rows.append(spread_entry("error", where, [row[f"error_{tau}"] for row in group]))
            for source, column in (("exact law", "exact"), ("mean over z", "mean")):
                rows.append(entry(source, "error", where, middle(row[f"{column}_{tau}"] for row in group)))
        rows += _minimum_rows({**at, "tau": None}, group)
    return rows


def _minimum_rows(at: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> list[TableRow]:
    rows = []
    for quantity in ("step", "error"):
        name = f"least error, its {quantity}" if quantity == "step" else "least error"
        rows.append(spread_entry(name, at, [row[f"least_{quantity}"] for row in group]))
        rows.append(entry("exact law", name, at, middle(row[f"exact_least_{quantity}"] for row in group)))
    rows.append(entry("mean over z", "least error, its step", at, middle(row["best_stop"] for row in group)))
    return rows


def _check(parameters: Mapping[str, Any]) -> None:
    if parameters["step"] * GRADIENTS[parameters["gradient"]] > 1:
        raise ValueError(f"step must be at most 1 with the exact gradient, got {parameters['step']}")


WARM_UP_STUDY = Study(
    name="heckel20a-fig5",
    says="When should least squares stop? The error to a leading singular vector under noise, and its exact filters.",
    axes={"n": (100,), "power": (3.0,), "gradient": ("published", "exact"), "step": (0.25,), "steps": (1000,)},
    domain={
        "n": (2, 2000),
        "power": (0.0, 20.0),
        "gradient": tuple(GRADIENTS),
        "step": (1e-6, 2.0),
        "steps": (1, 1_000_000),
    },
    seeds=20,
    row=_row,
    table=_table,
    check=_check,
)
