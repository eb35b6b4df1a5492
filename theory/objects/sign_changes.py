"""S(W): the neurons whose sign of <w_l, z> changes, and the exact worst case over ||W - W_0|| <= R.

W enters only through W z. Moving w_l along z by |g_l|, g_l = <w_l, z>/||z||, flips neuron l at the least
cost, so the largest S takes the smallest |g_l| first; the perturbation is rank one and its spectral and
Frobenius norms agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from untrained.theory.objects.shapes import Array, nonzero_norm, real_array, same_length


def alignments(weights: Array, latent: Array) -> Array:
    """g = W z / ||z||, shape (..., d). Source: vanveen18 Lemma C.3."""
    W, z = real_array("weights", weights, 2), real_array("latent", latent, 1)
    same_length("columns of weights", W.shape[-1], "latent", z.shape[-1])
    return np.matmul(W, z[..., None])[..., 0] / nonzero_norm("latent", z)[..., None]


def changed(weights: Array, initial_weights: Array, latent: Array) -> Array:
    """Boolean mask (..., d) of the rows whose sign of <w_l, z> differs. Source: vanveen18 Section C.2."""
    differs: Array = np.sign(alignments(weights, latent)) != np.sign(alignments(initial_weights, latent))
    return differs


def _radius(radius: float) -> float:
    if not radius >= 0:
        raise ValueError(f"radius must be >= 0, got {radius}")
    return radius


def worst_count(alignment: Array, radius: float | Array) -> Array:
    """Largest |S(W)| over ||W - W_0|| <= R: the most of the smallest g_l^2 that sum to at most R^2.

    alignment: (..., d). Returns integers of shape (...).

    Raises
    ------
    ValueError
        where the radius is negative or NaN, or an entry is not finite.
    Source: vanveen18 Lemma C.2
    """
    g = real_array("alignment", alignment, 1)
    R = np.asarray(radius, dtype=np.float64)
    if not (R >= 0).all():
        raise ValueError(f"radius must be >= 0, got {radius}")
    cost = np.cumsum(np.sort(g * g, axis=-1), axis=-1)
    return (cost <= (R * R)[..., None]).sum(axis=-1)


def worst_weights(initial_weights: Array, latent: Array, radius: float) -> Array:
    """The W within `radius` of W_0 that changes the most signs, shape (..., d, k)."""
    W, z = real_array("initial_weights", initial_weights, 2), real_array("latent", latent, 1)
    g = alignments(W, z)
    order = np.argsort(np.abs(g), axis=-1)
    ranks = np.argsort(order, axis=-1)
    flip = ranks < worst_count(g, _radius(radius))[..., None]
    return flip_rows(W, z, flip)


def flip_rows(initial_weights: Array, latent: Array, rows: NDArray[np.bool_]) -> Array:
    """Move the chosen rows along z to the far side of zero, at the least cost.

    They go past zero by 8 k units of rounding of ||w_l||, so that no rounding of W z undoes the flip.
    """
    W, z = initial_weights, latent
    g = alignments(W, z)
    past = 8 * W.shape[-1] * np.finfo(float).eps * np.linalg.norm(W, axis=-1)
    target = np.where(g >= 0, -past, past)
    shift = np.where(rows, target - g, 0.0) / nonzero_norm("latent", z)[..., None]
    return W + shift[..., None] * z[..., None, :]


def adversarial_set(output_weights: Array, alignment: Array, radius: float, rounds: int = 4) -> Array:
    """Mask (d,) of flips within `radius` chosen to make ||V_S|| large, knowing V.

    Starts from the smallest |g_l|, then alternates between the leading left singular vector u of V_S and the
    affordable set with the largest sum of <u, v_l>^2 per cost g_l^2. A lower bound on the supremum.
    """
    V, g = real_array("output_weights", output_weights, 2), real_array("alignment", alignment, 1)
    same_length("columns of output_weights", V.shape[-1], "alignment", g.shape[-1])
    chosen = _affordable(-np.abs(g), g, radius)
    best, best_norm = chosen, _norm_of(V, chosen)
    for _ in range(rounds):
        if not chosen.any():
            break
        u = np.linalg.svd(V[:, chosen], full_matrices=False)[0][:, 0]
        chosen = _affordable((u @ V) ** 2 / np.maximum(g * g, 1e-300), g, radius)
        norm = _norm_of(V, chosen)
        if norm > best_norm:
            best, best_norm = chosen, norm
    return best


def _affordable(worth: Array, g: Array, radius: float) -> Array:
    order = np.argsort(-worth)
    within = np.cumsum((g * g)[order]) <= _radius(radius) ** 2
    chosen = np.zeros(g.shape, dtype=bool)
    chosen[order[: int(np.argmin(within)) if not within.all() else len(order)]] = True
    return chosen


def _norm_of(V: Array, chosen: Array) -> float:
    return float(np.linalg.norm(V[:, chosen], 2)) if chosen.any() else 0.0
