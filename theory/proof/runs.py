"""Both sides of a conclusion along a run of gradient descent: on folded maps, and on the two-layer generator.

As in `conclusions`, these are functions of a drawn case and of the claim's constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from untrained.theory.claim import Case, Constants, Sides, rounding
from untrained.theory.objects import descent, relu_generator, width
from untrained.theory.objects.shapes import Array

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
    return descent.follow_gradient(map_, start, step, 40), step


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


def step_of(rule: str, eta_bar: float = 1.0) -> Any:
    """Return the step of a case by rule: the printed one at ||y|| = 1, or the proof's 1/beta^2."""

    def step(case: Case) -> float:
        n, d = int(case["n"]), int(case["d"])
        return width.step_printed(1.0, n, d, eta_bar) if rule == "printed" else width.step_proof(1.0, n, d)

    return step


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


def theorem_probability(case: Case, c: Constants) -> float:
    """1 - 5 e^{-n/2} - e^{-d/2} - e^{-4 d^{2/3} n^{1/3}}."""
    return 1 - width.failure_probability(int(case["n"]), int(case["d"]))


_STEPS = 12


def _start(case: Case) -> tuple[Array, Array, Array, Array, Array]:
    """V, W, z, y of a case, scaled so that one neuron on moves by its own size, and a stable step."""
    V, W, z = case["V"], case["W"], case["z"]
    y = case["y"] * np.linalg.norm(V, axis=(-2, -1))[..., None] * np.linalg.norm(z, axis=-1)[..., None]
    return V, W, z, y * case["pull"], relu_generator.stable_step(V, z)


def _alignments(path: list[Array], z: Array) -> Array:
    """W_t z, (..., T + 1, d)."""
    return np.stack([np.matmul(W, z[..., None])[..., 0] for W in path], axis=-2)


def reduced_to_alignments(case: Case, c: Constants) -> Sides:
    """Largest difference of W_t z and of W_t - W_0 between the descent of all weights and that of h."""
    V, W, z, y, step = _start(case)
    path = relu_generator.descend_weights(V, W, z, y, step, _STEPS)
    h = _alignments(path, z)
    norm = np.linalg.norm(z, axis=-1)
    ours = np.stack(relu_generator.descend_reduced(V, h[..., 0, :], y, step * norm ** c["z_power"], _STEPS), axis=-2)
    moved = np.stack([np.linalg.norm(w - W, axis=(-2, -1)) for w in path], axis=-1)
    claimed = np.linalg.norm(ours - ours[..., :1, :], axis=-1) / norm[..., None]
    error = np.linalg.norm(h - ours, axis=-1).max(-1) + norm * np.abs(moved - claimed).max(-1)
    size = np.linalg.norm(W, axis=(-2, -1)) * norm + np.linalg.norm(h - h[..., :1, :], axis=-1).max(-1)
    d, k = W.shape[-2:]
    return Sides(error, rounding(_STEPS * (d + k + V.shape[-2]), size))


def switched_on(case: Case, c: Constants) -> Sides:
    """Neurons that change from off to on (or, in a false sibling, from on to off) at any step."""
    V, W, z, y, step = _start(case)
    on = _alignments(relu_generator.descend_weights(V, W, z, y, step, _STEPS), z) >= 0
    before, after = on[..., :-1, :], on[..., 1:, :]
    changed = before & ~after if c["off"] else ~before & after
    return Sides(changed.sum((-2, -1)), np.zeros(changed.shape[:-2]), unit=np.ones(changed.shape[:-2]))


def change_of_jacobian(case: Case, c: Constants) -> Sides:
    """||J_t - J_0||^2, J formed in full, against the largest eigenvalue of J_0 J_0^T - J_t J_t^T."""
    V, W, z, y, step = _start(case)
    last = relu_generator.descend_weights(V, W, z, y, step, _STEPS)[-1]
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
