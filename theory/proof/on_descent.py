"""Conclusions about the descent of the two-layer generator, on a drawn case."""

from __future__ import annotations

import numpy as np

from untrained.theory.claim import Case, Constants, Sides
from untrained.theory.objects import relu_descent, relu_generator
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.conclusions import rounding

STEPS = 12


def _start(case: Case) -> tuple[Array, Array, Array, Array, Array]:
    """V, W, z, y of a case, scaled so that one neuron on moves by its own size, and a stable step."""
    V, W, z = case["V"], case["W"], case["z"]
    y = case["y"] * np.linalg.norm(V, axis=(-2, -1))[..., None] * np.linalg.norm(z, axis=-1)[..., None]
    return V, W, z, y * case["pull"], relu_descent.stable_step(V, z)


def _alignments(path: list[Array], z: Array) -> Array:
    """W_t z, (..., T + 1, d)."""
    return np.stack([np.matmul(W, z[..., None])[..., 0] for W in path], axis=-2)


def reduced_to_alignments(case: Case, c: Constants) -> Sides:
    """Largest difference of W_t z and of W_t - W_0 between the descent of all weights and that of h."""
    V, W, z, y, step = _start(case)
    path = relu_descent.descend_weights(V, W, z, y, step, STEPS)
    h = _alignments(path, z)
    norm = np.linalg.norm(z, axis=-1)
    ours = np.stack(relu_descent.descend_reduced(V, h[..., 0, :], y, step * norm ** c["z_power"], STEPS), axis=-2)
    moved = np.stack([np.linalg.norm(w - W, axis=(-2, -1)) for w in path], axis=-1)
    claimed = np.linalg.norm(ours - ours[..., :1, :], axis=-1) / norm[..., None]
    error = np.linalg.norm(h - ours, axis=-1).max(-1) + norm * np.abs(moved - claimed).max(-1)
    size = np.linalg.norm(W, axis=(-2, -1)) * norm + np.linalg.norm(h - h[..., :1, :], axis=-1).max(-1)
    d, k = W.shape[-2:]
    return Sides(error, rounding(STEPS * (d + k + V.shape[-2]), size))


def switched_on(case: Case, c: Constants) -> Sides:
    """Neurons that change from off to on (or, in a false sibling, from on to off) at any step."""
    V, W, z, y, step = _start(case)
    on = _alignments(relu_descent.descend_weights(V, W, z, y, step, STEPS), z) >= 0
    before, after = on[..., :-1, :], on[..., 1:, :]
    changed = before & ~after if c["off"] else ~before & after
    return Sides(changed.sum((-2, -1)), np.zeros(changed.shape[:-2]), unit=np.ones(changed.shape[:-2]))


def change_of_jacobian(case: Case, c: Constants) -> Sides:
    """||J_t - J_0||^2, J formed in full, against the largest eigenvalue of J_0 J_0^T - J_t J_t^T."""
    V, W, z, y, step = _start(case)
    last = relu_descent.descend_weights(V, W, z, y, step, STEPS)[-1]
    J0, J = relu_generator.jacobian(V, W, z), relu_generator.jacobian(V, last, z)
    true = np.linalg.norm(J - J0, 2, axis=(-2, -1)) ** 2
    shrunk = relu_generator.gram(V, W, z) - relu_generator.gram(V, last, z)
    if c["norms"]:
        claimed = np.linalg.norm(J0, 2, axis=(-2, -1)) ** 2 - np.linalg.norm(J, 2, axis=(-2, -1)) ** 2
    else:
        claimed = np.linalg.eigvalsh(shrunk)[..., -1]
    scale = np.linalg.norm(V, axis=(-2, -1)) ** 2 * np.linalg.norm(z, axis=-1) ** 2
    return Sides(np.abs(true - claimed), rounding(W.shape[-2] * W.shape[-1], scale))


def fitted_by(case: Case, c: Constants) -> Sides:
    """The step at which a run has fitted its signal against the most that is granted."""
    return Sides(case["fit"], float(c["granted"]))


def often(case: Case, c: Constants) -> float:
    """The claimed share of runs."""
    return float(c["share"])
