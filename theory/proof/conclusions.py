"""Both sides of a conclusion on a drawn case: pure functions of the case's arrays and the claim's constants.

Arrays carry a leading batch axis; a rounding allowance is derived from sizes where a conclusion is an identity.
"""

from __future__ import annotations

import math

import numpy as np

from untrained.theory.claim import Case, Constants, Sides, rounding
from untrained.theory.laws import order_statistics
from untrained.theory.objects import relu_generator, sign_changes, sparse_norms
from untrained.theory.objects.shapes import Array

EPS = float(np.finfo(np.float64).eps)


def jacobian_on_a_segment(case: Case, c: Constants) -> Sides:
    """f(W + Delta) - f(W) = J vec(Delta) for Delta too short to change a sign."""
    V, W, z = case["V"], case["W"], case["z"]
    h = np.matmul(W, z[..., None])[..., 0]
    size = 0.5 * np.abs(h).min(axis=-1) / (np.linalg.norm(z, axis=-1) * np.linalg.norm(case["Delta"], axis=(-2, -1)))
    Delta = case["Delta"] * size[..., None, None]
    J = relu_generator.jacobian(V, W if c["mask"] else np.abs(W) * np.sign(z)[..., None, :], z)
    change = relu_generator.output(V, W + Delta, z) - relu_generator.output(V, W, z)
    error = np.linalg.norm(change - np.matmul(J, Delta.reshape(*Delta.shape[:-2], -1)[..., None])[..., 0], axis=-1)
    size_of_sums = np.linalg.norm(V, axis=(-2, -1)) * np.linalg.norm(W, axis=(-2, -1)) * np.linalg.norm(z, axis=-1)
    d, k = W.shape[-2:]
    return Sides(error, rounding(d * k, size_of_sums))


def gram_by_closed_form(case: Case, c: Constants) -> Sides:
    """J J^T formed from J against ||z||^2 V diag(phi') V^T."""
    V, W, z = case["V"], case["W"], case["z"]
    J = relu_generator.jacobian(V, W, z)
    claimed = relu_generator.gram(V, W, z) * np.linalg.norm(z, axis=-1)[..., None, None] ** (c["z_power"] - 2)
    error = np.linalg.norm(np.matmul(J, np.swapaxes(J, -1, -2)) - claimed, axis=(-2, -1))
    scale = np.linalg.norm(V, axis=(-2, -1)) ** 2 * np.linalg.norm(z, axis=-1) ** 2
    return Sides(error, rounding(W.shape[-2] * W.shape[-1], scale))


def gradient_by_jacobian(case: Case, c: Constants) -> Sides:
    """grad L against J^T r, with r as printed (an outer ReLU) or without."""
    V, W, z, y = case["V"], case["W"], case["z"], case["y"]
    r = relu_generator.residual(V, W, z, y)
    if c["outer_relu"]:
        r = relu_generator.relu(relu_generator.output(V, W, z)) - y
    J = relu_generator.jacobian(V, W, z)
    claimed = float(c["gradient_factor"]) * np.matmul(np.swapaxes(J, -1, -2), r[..., None])[..., 0]
    true = 2 * float(c["loss_factor"]) * relu_generator.gradient(V, W, z, y).reshape(claimed.shape)
    norms = np.linalg.norm(V, axis=(-2, -1)) * np.linalg.norm(z, axis=-1)
    reach = norms * np.linalg.norm(W, axis=(-2, -1)) + np.linalg.norm(y, axis=-1)
    return Sides(np.linalg.norm(true - claimed, axis=-1), rounding(W.shape[-2] + V.shape[-2], norms * reach))


def masked_norm(case: Case, c: Constants) -> Sides:
    """||J(W)|| against ||V|| ||z|| for the W at hand."""
    values = relu_generator.jacobian_singular_values(case["V"], case["W"], case["z"])
    top = np.linalg.norm(case["V"], 2, axis=(-2, -1)) * np.linalg.norm(case["z"], axis=-1)
    return Sides(values.max(axis=-1), float(c["factor"]) * top * (1 + 100 * EPS))


def sign_changes_below(case: Case, c: Constants) -> Sides:
    """Worst |S(W)| within R = sqrt(m) |W_0 z|_{m-}/||z|| (or without the norm of z) against `per_rank` m."""
    g, m = case["g"], case["m"]
    R = math.sqrt(m) * order_statistics.smallest_entry(g, min(m, g.shape[-1]))
    if not c["norm_of_z"]:
        R = R * case["z_norm"]
    return Sides(sign_changes.worst_count(g, R), np.array(c["per_rank"] * m + c["offset"]), unit=np.array(float(m)))


def worst_sign_changes(case: Case, c: Constants) -> Sides:
    """Worst |S(W)| within R against factor * ceil((2dR)^{2/3})."""
    g = case["g"]
    x = (2 * g.shape[-1] * case["R"]) ** (2 / 3)
    return Sides(sign_changes.worst_count(g, case["R"]), c["factor"] * math.ceil(x))


def sign_change_probability(case: Case, c: Constants) -> float:
    """1 - e^{-(2dR)^{2/3}/6}."""
    return 1 - math.exp(-((2 * case["d"] * case["R"]) ** (2 / 3)) / 6)


def jacobian_change(case: Case, c: Constants) -> Sides:
    """||J(W) - J(W_0)||/(nu ||z||) for adversarial flips within R, against 2 sqrt n + sqrt(2 s log(d/s) + c s).

    s = 2 ceil(x), x = (2dR)^{2/3}, or 3x where the claim limits the share s/d; at most d.
    """
    V, g, R = case["V"], case["g"], case["R"]
    n, d = V.shape[-2:]
    x = (2 * d * R) ** (2 / 3)
    s = min(float(d), 3 * x if "share" in c else 2.0 * math.ceil(x))
    norms = [_flipped_norm(v, a, R) for v, a in zip(V, g, strict=True)]
    bound = c["deviation"] * math.sqrt(n) + sparse_norms.width_bound(s, d, linear=float(c["linear"]))
    return Sides(np.array(norms), bound)


def _flipped_norm(V: Array, g: Array, R: float) -> float:
    flips = sign_changes.adversarial_set(V, g, R)
    return float(np.linalg.norm(V[:, flips], 2)) if flips.any() else 0.0


def perturbation_probability(case: Case, c: Constants) -> float:
    """1 - e^{-n/2} - e^{-(2dR)^{2/3}/6}."""
    return 1 - math.exp(-case["n"] / 2) - math.exp(-((2 * case["d"] * case["R"]) ** (2 / 3)) / 6)


def ceiling_step(case: Case, c: Constants) -> Sides:
    """2 ceil(x) against 3 x, x = (2dR)^{2/3}."""
    return Sides(2 * math.ceil(case["x"]), 3 * case["x"])


def sigma_min_above(case: Case, c: Constants) -> Sides:
    """sigma_min(J)/(nu ||z||) against fraction sqrt d from below."""
    bound = float(c["fraction"]) * math.sqrt(case["d"])
    return Sides(bound, case["sigma"], unit=bound)
