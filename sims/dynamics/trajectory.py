"""Gradient descent on ||V ReLU(W z) - y||^2/2, followed through h = W z: the only part of W that moves.

The gradient in W is diag(phi'(h)) V^T r z^T, so W_{t+1} z = h - eta ||z||^2 phi'(h) V^T r and
||W_t - W_0||_F = ||h_t - h_0||/||z||: the d x k iteration reduces exactly to one on R^d.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from untrained.theory.objects.shapes import Array, real_array, same_length, whole_number


@dataclass(frozen=True)
class Trajectory:
    """What a batch of runs did: misfits (batch, T+1), ||W_t - W_0||_F (batch, T+1), signs changed at the end.

    `diverged_at` holds the step at which a misfit stopped being finite, or -1.
    """

    misfits: Array
    distances: Array
    sign_changes: Array
    diverged_at: Array


def follow(V: Array, g: Array, y: Array, *, step: float, steps: int, z_norm: float) -> Trajectory:
    """Follow a batch of runs from W_0 with alignments g = W_0 z/||z||.

    V: (batch, n, d) with the theorem's scale left out: unit variance; it is scaled by
    nu = ||y||/(sqrt(dn) ||z||) per run here. g: (batch, d). y: (batch, n). step: eta in the theorem's units.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, y or z is zero, or the step is not positive.
    Source: vanveen18 Theorem 4.1
    """
    V, g, y = real_array("V", V, 3), real_array("g", g, 2), real_array("y", y, 2)
    d = same_length("columns of V", V.shape[-1], "g", g.shape[-1])
    n = same_length("rows of V", V.shape[-2], "y", y.shape[-1])
    same_length("batch of V", V.shape[0], "batch of g", g.shape[0])
    same_length("batch of V", V.shape[0], "batch of y", y.shape[0])
    if not step > 0 or not z_norm > 0:
        raise ValueError(f"step and z_norm must be > 0, got {step} and {z_norm}")
    y_norm = np.linalg.norm(y, axis=-1)
    if not (y_norm > 0).all():
        raise ValueError("y must not be the zero vector, got one of norm 0")
    nu = y_norm / (np.sqrt(d * n) * z_norm)
    run = _run(V, g * z_norm, y, step * z_norm**2, whole_number("steps", steps, 0), nu)
    return replace(run, distances=run.distances / z_norm)


def _run(V: Array, h0: Array, y: Array, step: float, steps: int, nu: Array) -> Trajectory:
    h, V_T = h0.copy(), np.swapaxes(V, -1, -2)
    misfits, distances = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps + 1):
            r = nu[:, None] * np.matmul(V, np.maximum(h, 0.0)[..., None])[..., 0] - y
            misfits.append(np.linalg.norm(r, axis=-1))
            distances.append(np.linalg.norm(h - h0, axis=-1))
            if t < steps:
                h = h - (step * nu)[:, None] * np.matmul(V_T, r[..., None])[..., 0] * (h >= 0)
    m = np.stack(misfits, axis=-1)
    m = np.where(np.isnan(m), np.inf, m)
    finite = np.isfinite(m)
    diverged = np.where(finite.all(axis=-1), -1, np.argmin(finite, axis=-1))
    return Trajectory(m, np.stack(distances, axis=-1), ((h >= 0) != (h0 >= 0)).sum(axis=-1), diverged)
