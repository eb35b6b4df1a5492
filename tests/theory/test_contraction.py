"""The contraction factor of unions of rays against its definition, and adversarial steps with the exact oracle."""

from __future__ import annotations

import numpy as np
import pytest

from untrained.theory.objects.contraction import Contraction, contraction_of_rays
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array


def step(rays: Array, A: Array, x: Array, star: Array) -> float:
    """One step from the definition: the largest ratio over the nearest points, ties within rounding."""
    v = x - A.T @ (A @ (x - star))
    points = np.maximum(rays @ v, 0)[:, None] * rays
    far = np.linalg.norm(points - v, axis=1)
    nearest = points[far <= far.min() + 1e-12]
    return float(np.linalg.norm(nearest - star, axis=1).max() / np.linalg.norm(x - star))


def drawn(seed: int, N: int = 5, d: int = 4, n: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    rays = rng.standard_normal((N, d))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True), rng.standard_normal((n, d)) / np.sqrt(n)


@pytest.mark.parametrize("seed", range(6))
def test_no_step_on_a_grid_exceeds_it_and_its_own_step_attains_it(seed: int) -> None:
    rays, A = drawn(seed)
    c = contraction_of_rays(rays, A)
    grid = [
        step(rays, A, t * x, star)
        for star in rays
        for x in rays
        for t in np.geomspace(1e-2, 1e2, 601)
        if np.linalg.norm(t * x - star) > 1e-9
    ]
    assert max(grid) <= c.factor + 1e-9
    assert max(grid) >= 0.9 * c.factor
    assert attained(rays, A, c) == pytest.approx(c.factor, rel=1e-5)


def attained(rays: Array, A: Array, c: Contraction) -> float:
    """The best step by the place that is named, on either side of a tie."""
    t = min(c.length, 1e8)
    near = [t * (1 + s) for s in (-1e-7, 0, 1e-7)]
    return max(step(rays, A, u * rays[c.ray], rays[c.star]) for u in near if u != 1 or c.ray != c.star)


def test_an_isometry_contracts_at_once_and_one_ray_by_its_own_energy() -> None:
    rays, _ = drawn(0)
    assert contraction_of_rays(rays, np.eye(4)).factor == pytest.approx(0, abs=1e-7)
    assert contraction_of_rays(np.array([[1.0, 0.0]]), np.array([[0.5, 3.0]])).factor == pytest.approx(0.75)


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_steps_with_the_exact_oracle_never_exceed_it(count: int) -> None:
    rng = np.random.default_rng(7)
    code = np.array([[1], [-2], [3], [-1]])
    S = TwoLayerRange(code, rng.integers(-3, 4, (6, 4)), 1)
    rays = np.concatenate(S.cones, axis=1).T
    A = rng.standard_normal((4, 6)) / 2
    factor = contraction_of_rays(rays, A).factor
    i, j = rng.integers(0, len(rays), (2, count))
    star, x = rays[i], np.exp(3 * rng.standard_normal(count))[:, None] * rays[j]
    plus = S.nearest(x - (x - star) @ A.T @ A).points
    ratios = np.linalg.norm(plus - star, axis=1) / np.linalg.norm(x - star, axis=1)
    assert ratios.max() <= factor * (1 + 1e-9)
    assert ratios.max() >= 0.9 * factor


@pytest.mark.parametrize(
    ("rays", "A", "message"),
    [
        (np.eye(2), np.eye(3), "column for each"),
        (np.zeros((1, 2)), np.eye(2), "must not be 0"),
        (np.array([[1.0, 0.0], [2.0, 0.0]]), np.eye(2), "distinct"),
    ],
)
def test_refusals(rays: Array, A: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contraction_of_rays(rays, A)
