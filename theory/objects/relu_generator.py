"""The two-layer generator f(W) = V ReLU(W z): output, residual, gradient, Jacobian, J J^T, and its descent.

Every function takes leading batch axes: V (..., n, d), W (..., d, k), z (..., k), y (..., n), step (...).
"""

from __future__ import annotations

import math

import numpy as np

from untrained.theory.objects.shapes import Array, nonzero_norm, real_array, same_length


def _checked(output_weights: Array, weights: Array, latent: Array) -> tuple[Array, Array, Array]:
    V, W = real_array("output_weights", output_weights, 2), real_array("weights", weights, 2)
    z = real_array("latent", latent, 1)
    same_length("columns of output_weights", V.shape[-1], "rows of weights", W.shape[-2])
    same_length("columns of weights", W.shape[-1], "latent", z.shape[-1])
    return V, W, z


def _apply(matrix: Array, vector: Array) -> Array:
    out: Array = np.matmul(matrix, vector[..., None])[..., 0]
    return out


def relu(x: Array) -> Array:
    """phi(x) = max(0, x), entrywise. Source: vanveen18 eq. (7)."""
    return np.maximum(x, 0.0)


def activation_pattern(weights: Array, latent: Array) -> Array:
    """phi'(W z) in {0, 1}^d, with phi'(0) = 1 as the paper sets it. Source: vanveen18 Section B.1."""
    W, z = real_array("weights", weights, 2), real_array("latent", latent, 1)
    same_length("columns of weights", W.shape[-1], "latent", z.shape[-1])
    return (_apply(W, z) >= 0).astype(np.float64)


def output_scale(target: Array, latent: Array, width: int) -> Array:
    """nu = ||y|| / (sqrt(d n) ||z||), the standard deviation of the entries of V.

    target: (..., n), latent: (..., k), width: d. Returns shape (...).

    Raises
    ------
    ValueError
        where z is zero, y is empty, d < 1, or an entry is not finite.
    Source: vanveen18 Theorem 4.1
    """
    y, z = real_array("target", target, 1), real_array("latent", latent, 1)
    if not width >= 1:
        raise ValueError(f"width must be at least 1, got {width}")
    n = y.shape[-1]
    if n < 1:
        raise ValueError(f"target must have at least 1 entry, got shape {y.shape}")
    scale: Array = np.linalg.norm(y, axis=-1) / (math.sqrt(width * n) * nonzero_norm("latent", z))
    return scale


def output(output_weights: Array, weights: Array, latent: Array) -> Array:
    """f(W) = V phi(W z), shape (..., n).

    Raises
    ------
    ValueError
        where shapes disagree or an entry is not finite.
    Source: vanveen18 eq. (7)
    """
    V, W, z = _checked(output_weights, weights, latent)
    return _apply(V, relu(_apply(W, z)))


def residual(output_weights: Array, weights: Array, latent: Array, target: Array) -> Array:
    """r(W) = V phi(W z) - y, shape (..., n). Source: vanveen18 Section B.2 (without its stray outer phi)."""
    f, y = output(output_weights, weights, latent), real_array("target", target, 1)
    same_length("rows of output_weights", f.shape[-1], "target", y.shape[-1])
    return f - y


def gradient(output_weights: Array, weights: Array, latent: Array, target: Array) -> Array:
    """Gradient of ||V phi(W z) - y||^2 / 2 with respect to W, shape (..., d, k).

    It is diag(phi'(W z)) V^T r z^T: J^T r without ever forming J.
    Source: vanveen18 Section B.2
    """
    V, W, z = _checked(output_weights, weights, latent)
    r = residual(V, W, z, target)
    back = _apply(np.swapaxes(V, -1, -2), r) * activation_pattern(W, z)
    return back[..., :, None] * z[..., None, :]


def jacobian(output_weights: Array, weights: Array, latent: Array) -> Array:
    """J(W) = (V diag(phi'(W z))) * (1 z^T), the row-wise Khatri-Rao product, shape (..., n, d k).

    W is vectorised row by row. Meant for small sizes: everything else here avoids forming it.
    Source: vanveen18 eq. (8)
    """
    V, W, z = _checked(output_weights, weights, latent)
    masked = V * activation_pattern(W, z)[..., None, :]
    J = masked[..., :, :, None] * z[..., None, None, :]
    return J.reshape(*J.shape[:-2], J.shape[-2] * J.shape[-1])


def gram(output_weights: Array, weights: Array, latent: Array) -> Array:
    """J J^T = ||z||^2 V diag(phi'(W z)) V^T in O(n^2 d), shape (..., n, n). Source: vanveen18 eq. (8)."""
    V, W, z = _checked(output_weights, weights, latent)
    masked = V * activation_pattern(W, z)[..., None, :]
    product: Array = np.matmul(masked, np.swapaxes(V, -1, -2))
    return (z * z).sum(axis=-1)[..., None, None] * product


def jacobian_singular_values(output_weights: Array, weights: Array, latent: Array) -> Array:
    """Singular values of J(W), descending, shape (..., min(n, d)): ||z|| times those of V diag(phi').

    Raises
    ------
    ValueError
        where shapes disagree or an entry is not finite.
    Source: vanveen18 eq. (8)
    """
    V, W, z = _checked(output_weights, weights, latent)
    values = np.linalg.svd(V * activation_pattern(W, z)[..., None, :], compute_uv=False)
    return np.asarray(np.linalg.norm(z, axis=-1)[..., None] * values, dtype=np.float64)


def stable_step(output_weights: Array, latent: Array) -> Array:
    """1/(||V|| ||z||)^2, at most 1/||J(W)||^2 for every W. Source: vanveen18 Lemma B.3."""
    norms = np.linalg.norm(output_weights, 2, axis=(-2, -1)) * np.linalg.norm(latent, axis=-1)
    result: Array = norms**-2.0
    return result


def descend_weights(V: Array, W: Array, z: Array, y: Array, step: Array, steps: int) -> list[Array]:
    """W_0, ..., W_T of W - eta grad ||V phi(W z) - y||^2/2. Source: vanveen18 Theorem 4.1."""
    path = [W]
    for _ in range(steps):
        path.append(path[-1] - step[..., None, None] * gradient(V, path[-1], z, y))
    return path


def descend_reduced(V: Array, h: Array, y: Array, drift: Array, steps: int) -> list[Array]:
    """h_0, ..., h_T of h - drift phi'(h) V^T (V phi(h) - y), where drift is eta ||z||^2."""
    path = [h]
    for _ in range(steps):
        r = _apply(V, np.maximum(path[-1], 0)) - y
        back = _apply(np.swapaxes(V, -1, -2), r)
        path.append(path[-1] - drift[..., None] * back * (path[-1] >= 0))
    return path
