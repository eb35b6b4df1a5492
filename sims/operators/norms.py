"""The spectral norm of a map known only by its products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from untrained.sims.random.streams import stream


def spectral_norm_squared(
    gram: Callable[[torch.Tensor], torch.Tensor], n: int, *, tolerance: float = 1e-4, steps: int = 300
) -> float:
    """Return ||A||^2 from products with A^T A on float64 vectors of length n, by Lanczos.

    The largest Ritz value grows to ||A||^2 from below. The search ends when its residual says that an eigenvalue of
    A^T A lies within `tolerance` of it, relatively. Only the last two vectors are kept: lost orthogonality repeats Ritz
    values, but does not move the largest.
    """
    q = torch.from_numpy(stream(0, "spectral norm").standard_normal(n))
    q, before = q / q.norm(), torch.zeros_like(q)
    diagonal: list[float] = []
    beside: list[float] = []
    value = 0.0
    for _ in range(steps):
        w = gram(q)
        diagonal.append(float(w @ q))
        w = w - diagonal[-1] * q - (beside[-1] if beside else 0.0) * before
        beside.append(float(w.norm()))
        value, residual = _largest_ritz(diagonal, beside)
        if residual <= tolerance * value:
            break
        before, q = q, w / beside[-1]
    return value


def _largest_ritz(diagonal: list[float], beside: list[float]) -> tuple[float, float]:
    """The largest eigenvalue of the tridiagonal matrix and the norm of its vector's residual."""
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return float(values[-1]), beside[-1] * abs(float(vectors[-1, -1]))
