"""The spectral norm of a map known only by its products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from sims.chance.streams import stream


def spectral_norm_squared(
    gram: Callable[[torch.Tensor], torch.Tensor], n: int, *, tolerance: float = 1e-4, steps: int = 200
) -> float:
    """Return ||A||^2 from products with A^T A on vectors of length n, by Lanczos with full reorthogonalisation.

    The largest Ritz value grows to ||A||^2 from below; the search ends when its residual says that an eigenvalue lies
    within `tolerance` of it, relatively, or after `steps` products.
    """
    q = torch.from_numpy(stream(0, "spectral norm").standard_normal(n))
    basis, diagonal, beside = [q / q.norm()], [], []
    for _ in range(min(steps, n)):
        w = gram(basis[-1])
        diagonal.append(float(w @ basis[-1]))
        w = _orthogonal(_orthogonal(w, basis), basis)
        beside.append(float(w.norm()))
        value, residual = _largest_ritz(diagonal, beside)
        if residual <= tolerance * value or beside[-1] == 0:
            break
        basis.append(w / beside[-1])
    return max(value, 0.0)


def _orthogonal(w: torch.Tensor, basis: list[torch.Tensor]) -> torch.Tensor:
    for q in basis:
        w = w - (q @ w) * q
    return w


def _largest_ritz(diagonal: list[float], beside: list[float]) -> tuple[float, float]:
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return float(values[-1]), beside[-1] * abs(float(vectors[-1, -1]))
