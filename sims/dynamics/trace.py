"""What a descent leaves behind, and Theorem B.5 on it: its alpha, beta and R, whether A1 to A3 held, and the rates.

A neuron that is off stays off, so J_t J_t^T only ever shrinks: along a path sigma_min(J_t) and ||J_t|| fall and
||J_t - J_0|| grows. The end of a run therefore decides A2 and A3 for the whole of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from untrained.theory.objects.descent import ConvergenceGuarantee
from untrained.theory.objects.shapes import Array

CONVERGED, STALLED, DIVERGED, ENDED = "converged", "stalled", "diverged", "budget ended"


@dataclass(frozen=True)
class Spectra:
    """The Jacobian at some steps: extreme singular values and ||J_t - J_0||, each (B, len(steps)); NaN once over."""

    steps: Array
    smallest: Array
    largest: Array
    change: Array


@dataclass(frozen=True)
class Trace:
    """B runs: ||r_t||, ||W_t - W_0||_F and neurons switched off, each (B, T + 1) and NaN after a run's end.

    `outcomes` says how each ended: "converged" (misfit at most tolerance ||y||), "stalled" (the gradient vanished and
    the misfit did not), "diverged" (no longer finite) or "budget ended"; `ends` is the step of that.
    """

    misfits: Array
    distances: Array
    switched: Array
    spectra: Spectra
    outcomes: tuple[str, ...]
    ends: Array
    passes: int

    def final(self, values: Array) -> Array:
        """The entry of each run at its end, (B,)."""
        return values[np.arange(len(self.ends)), self.ends]


FLOOR = 1e-12
"""Misfits below this share of ||y|| are rounding, and tell nothing of a rate."""


@dataclass(frozen=True)
class Assumptions:
    """What Theorem B.5 asks and promises of each of B runs, and what happened; every array is (B,).

    alpha is sigma_min(J_0)/2, beta the largest ||J_t|| of the path, which is ||J_0||; `radius` is R = 5 ||r_0||/alpha.
    `a1` holds where alpha > 0, `a2` where ||J_t - J_0|| <= alpha/3 along the path, `a3` by the choice of beta,
    `step_allowed` where eta <= 1/beta^2, `inside` where ||W_t - W_0|| <= R. `promised` is the theorem's factor a step,
    1 - eta alpha^2/4 (NaN where alpha is 0); `mean_factor` is the geometric mean of the factors, `worst` the largest.
    `stable_step` is 2/||J_0||^2, the step beyond which the linearised descent diverges, and `stable_step_end` the same
    at the run's end.
    """

    alpha: Array
    beta: Array
    radius: Array
    a1: np.ndarray
    a2: np.ndarray
    a3: np.ndarray
    step_allowed: np.ndarray
    inside: np.ndarray
    promised: Array
    mean_factor: Array
    worst: Array
    stable_step: Array
    stable_step_end: Array

    @property
    def all_held(self) -> np.ndarray:
        """Whether all that the theorem assumes held along the path."""
        return self.a1 & self.a2 & self.a3 & self.step_allowed


def assumptions(trace: Trace, step: Array, y_norm: Array) -> Assumptions:
    """Evaluate the meta-theorem on each run of a trace: step (B,), y_norm (B,).

    Raises
    ------
    ValueError
        where step or y_norm is not one number a run.
    Source: vanveen18 Theorem B.5
    """
    step, y_norm = np.asarray(step, float), np.asarray(y_norm, float)
    if step.shape != trace.ends.shape or y_norm.shape != trace.ends.shape:
        got = f"{step.shape} and {y_norm.shape}"
        raise ValueError(f"step and y_norm must be one number for each of {len(trace.ends)} runs, got {got}")
    spectra, last = trace.spectra, trace.spectra.largest[:, -1]
    guarantee = ConvergenceGuarantee(spectra.smallest[:, 0] / 2, spectra.largest[:, 0], trace.misfits[:, 0])
    alpha, beta, radius = guarantee.alpha, guarantee.beta, guarantee.radius
    a1 = alpha > 0
    promised = np.where(a1, guarantee.factor(step), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        stable, stable_end = 2 / beta**2, 2 / last**2
    mean_factor, worst = rates(trace.misfits, y_norm)
    change = np.nan_to_num(spectra.change[:, -1], nan=np.inf)
    inside = np.nanmax(np.where(np.isfinite(trace.misfits), trace.distances, np.nan), axis=1) <= radius
    return Assumptions(
        alpha, beta, radius, a1, a1 & (change <= guarantee.budget), np.ones_like(a1), step * beta**2 <= 1, inside,
        promised, mean_factor, worst, stable, stable_end,
    )  # fmt: skip


def rates(misfits: Array, y_norm: Array) -> tuple[Array, Array]:
    """Return the geometric mean and the largest of the factors ||r_{t+1}||/||r_t||, above FLOOR ||y||; NaN without any.

    misfits (B, T + 1), NaN after a run's end; y_norm (B,).
    """
    above = np.isfinite(misfits) & (misfits > FLOOR * y_norm[:, None])
    used = above[:, :-1] & above[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(used, np.log(misfits[:, 1:] / misfits[:, :-1]), np.nan)
    count = used.sum(1)
    total, largest = np.nansum(logs, 1), np.max(np.where(used, logs, -np.inf), 1)
    mean = np.where(count > 0, np.exp(total / np.maximum(count, 1)), np.nan)
    return mean, np.where(count > 0, np.exp(largest), np.nan)
