"""Both sides of a conclusion on a drawn case: pure functions of the case's arrays and the claim's constants.

Arrays carry a leading batch axis; a rounding allowance is derived from sizes where a conclusion is an identity.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from untrained.theory.claim import Case, Constants, Sides
from untrained.theory.laws import order_statistics
from untrained.theory.objects import descent, relu_generator, sign_changes, sparse_norms, width
from untrained.theory.objects.shapes import Array

EPS = float(np.finfo(np.float64).eps)


def rounding(terms: float, scale: Any) -> Any:
    """Allowance for a sum of `terms` products of size `scale`: Higham's gamma, with room for two such sums."""
    return 4 * (terms + 10) * EPS * scale + 1e-300


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


def folded_rate(case: Case, c: Constants) -> Sides:
    """Theorem B.5's rate on a folded map: the largest misfit / ((1 - rate eta alpha^2)^tau ||r_0||) over the run.

    1e-12 ||r_0|| is added to the bound, for the run's own rounding.
    """
    path, step = _folded_run(case, c)
    factor = max(0.0, 1 - float(c["rate"]) * step * FOLDED_ALPHA**2)
    allowed = (factor ** np.arange(len(path.misfits)) + 1e-12) * path.misfits[0]
    return Sides(float(np.max(path.misfits[1:] / allowed[1:])), 1.0)


def folded_path(case: Case, c: Constants) -> Sides:
    """Theorem B.5's path inequality on a folded map, worst over the run, with the path's length or the distance."""
    path, _ = _folded_run(case, c)
    moved = path.lengths if c["length"] else path.distances
    left = float(c["path"]) * FOLDED_ALPHA * moved + path.misfits
    return Sides(float(np.max(left[1:])), path.misfits[0] * (1 + 1e-12))


FOLDED_ALPHA = 0.5
"""alpha of the folded maps, half the smallest entry of their spectrum."""


def folded_map(case: Case) -> tuple[descent.FoldedMap, Array]:
    """Build a case's folded map: J(theta_0) has the singular values 1..spread, and J moves by bend/6 at most."""
    rotation, _ = np.linalg.qr(case["Q"][0])
    bend, start = float(case["bend"]) / 12, case["start"][0]
    spectrum = np.linspace(1.0, float(case["spread"]), int(case["n"])) - bend * np.where(start >= 0, 1.0, -1.0)
    return descent.FoldedMap(rotation, spectrum, bend, case["y"][0]), start


def folded_beta(case: Case) -> float:
    """beta = spread + bend/6, which no Jacobian of the map exceeds."""
    return float(case["spread"]) + float(case["bend"]) / 6


def _folded_run(case: Case, c: Constants) -> tuple[descent.Path, float]:
    map_, start = folded_map(case)
    step = float(c["step"]) / folded_beta(case) ** 2
    return descent.descend(map_, start, step, 40), step


def folded_integrates(case: Case, c: Constants) -> bool:
    """f(theta) - f(theta_0) is the average Jacobian on the segment times theta - theta_0, theta after one step."""
    map_, start = folded_map(case)
    r, J = map_(start)
    end = start - J.T @ r / folded_beta(case) ** 2
    crosses, move = (start >= 0) != (end >= 0), end - start
    active = np.where(crosses, np.maximum(start, end) / np.where(crosses, np.abs(move), 1.0), start >= 0)
    average = map_.spectrum + map_.bend * (2 * active - 1)
    change = map_(end)[0] - r
    scale = float(np.linalg.norm(start) + np.linalg.norm(end)) * float(case["spread"] + 2)
    return bool(np.linalg.norm(change - map_.rotation @ (average * move)) <= 1e-12 * scale)


def folded_meets_a1(case: Case, c: Constants) -> bool:
    """A1: sigma_min(J(theta_0)) >= 2 alpha."""
    map_, start = folded_map(case)
    values = np.linalg.svd(map_(start)[1], compute_uv=False)
    return bool(values[-1] >= 2 * FOLDED_ALPHA * (1 - 1e-12))


def folded_meets_a2(case: Case, c: Constants) -> bool:
    """A2: ||J(theta) - J(theta_0)|| <= alpha/3 everywhere; flipping a sign moves J by exactly 2 bend."""
    map_, _ = folded_map(case)
    return 2 * abs(map_.bend) <= FOLDED_ALPHA / 3


def folded_meets_a3(case: Case, c: Constants) -> bool:
    """A3: ||J(theta)|| <= beta everywhere: no entry of the spectrum plus the bend exceeds it."""
    map_, _ = folded_map(case)
    return bool(np.max(np.abs(map_.spectrum) + abs(map_.bend)) <= folded_beta(case) * (1 + 1e-12))


def bound_along(case: Case, c: Constants) -> Sides:
    """Misfits of a run against 3 factor^tau ||y||: the largest ratio over tau.

    1e-12 ||y|| is added to the bound: a run in float64 cannot fall below its own rounding.
    """
    misfits = case["run"].misfits
    n, d = case["V"].shape[-2:]
    allowed = 3 * _factor(c, n, d) ** np.arange(misfits.shape[-1]) + 1e-12
    return Sides((misfits / allowed).max(axis=-1), 1.0)


def rate_along(case: Case, c: Constants) -> Sides:
    """Largest ||r_{tau+1}||/||r_tau|| of a run, down to misfits of 1e-9, against the factor per step."""
    misfits = case["run"].misfits
    n, d = case["V"].shape[-2:]
    started = misfits[:, :-1] > 1e-9
    ratio = np.where(started, misfits[:, 1:] / np.where(started, misfits[:, :-1], 1.0), 0.0)
    return Sides(ratio.max(axis=-1), _factor(c, n, d))


def _factor(c: Constants, n: int, d: int) -> float:
    if c["rule"] == "printed":
        return width.factor_printed(n, d, float(c["eta_bar"]))
    return 1 - float(c["sharpen"]) * (1 - width.factor_proof(n, d))


def step_of(rule: str, eta_bar: float = 1.0) -> Any:
    """Return the step of a case by rule: the printed one at ||y|| = 1, or the proof's 1/beta^2."""

    def step(case: Case) -> float:
        n, d = int(case["n"]), int(case["d"])
        return width.step_printed(1.0, n, d, eta_bar) if rule == "printed" else width.step_proof(1.0, n, d)

    return step


def theorem_probability(case: Case, c: Constants) -> float:
    """1 - 5 e^{-n/2} - e^{-d/2} - e^{-4 d^{2/3} n^{1/3}}."""
    return 1 - width.failure_probability(int(case["n"]), int(case["d"]))


def sigma_min_above(case: Case, c: Constants) -> Sides:
    """sigma_min(J)/(nu ||z||) against fraction sqrt d from below."""
    bound = float(c["fraction"]) * math.sqrt(case["d"])
    return Sides(bound, case["sigma"], unit=bound)
