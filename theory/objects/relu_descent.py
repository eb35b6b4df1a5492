"""Gradient descent of the two-layer generator, with all its weights and reduced to h = W z.

Every function takes leading batch axes: V (..., n, d), W (..., d, k), z (..., k), y (..., n), step (...).
"""

from __future__ import annotations

import numpy as np

from untrained.theory.objects import relu_generator
from untrained.theory.objects.shapes import Array


def stable_step(output_weights: Array, latent: Array) -> Array:
    """1/(||V|| ||z||)^2, at most 1/||J(W)||^2 for every W. Source: vanveen18 Lemma B.3."""
    norms = np.linalg.norm(output_weights, 2, axis=(-2, -1)) * np.linalg.norm(latent, axis=-1)
    result: Array = norms**-2.0
    return result


def descend_weights(V: Array, W: Array, z: Array, y: Array, step: Array, steps: int) -> list[Array]:
    """W_0, ..., W_T of W - eta grad ||V phi(W z) - y||^2/2. Source: vanveen18 Theorem 4.1."""
    path = [W]
    for _ in range(steps):
        path.append(path[-1] - step[..., None, None] * relu_generator.gradient(V, path[-1], z, y))
    return path


def descend_reduced(V: Array, h: Array, y: Array, drift: Array, steps: int) -> list[Array]:
    """h_0, ..., h_T of h - drift phi'(h) V^T (V phi(h) - y), where drift is eta ||z||^2."""
    path = [h]
    for _ in range(steps):
        r = np.matmul(V, np.maximum(path[-1], 0)[..., None])[..., 0] - y
        back = np.matmul(np.swapaxes(V, -1, -2), r[..., None])[..., 0]
        path.append(path[-1] - drift[..., None] * back * (path[-1] >= 0))
    return path
