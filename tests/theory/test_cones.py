"""Moments over polyhedral cones: closed forms, sums over a fine grid of directions, and identities of every cone."""

import math

import numpy as np
import pytest
from flint import arb

from untrained.theory.laws import cones


def floats(matrix):
    return np.array([[float(x) for x in row] for row in matrix])


def balls(matrix):
    return [[arb(float(x)) for x in row] for row in matrix]


def in_the_plane(normals, steps=200_000):
    """E v v^T over a cone of the plane: E r^2 = 2 times the mean of the directions' products."""
    angles = (np.arange(steps) + 0.5) * 2 * math.pi / steps
    v = np.stack([np.cos(angles), np.sin(angles)])
    inside = (np.array(normals) @ v > 0).all(0)
    return 2 * (v[:, inside] @ v[:, inside].T) / steps


def in_space(normals, steps=1500):
    """The same over the sphere, E r^2 = 3, each point of a grid in height and longitude of one weight."""
    heights = (np.arange(steps) + 0.5) * 2 / steps - 1
    turns = (np.arange(steps) + 0.5) * 2 * math.pi / steps
    z, t = (axis.ravel() for axis in np.meshgrid(heights, turns))
    v = np.stack([np.sqrt(1 - z * z) * np.cos(t), np.sqrt(1 - z * z) * np.sin(t), z])
    inside = (np.array(normals) @ v > 0).all(0)
    return 3 * (v[:, inside] @ v[:, inside].T) / steps**2


def drawn(size, seed):
    return np.random.default_rng([61, size, seed]).standard_normal((size, size))


@pytest.mark.parametrize("size", range(6))
def test_independent_variables_have_a_share_of_a_half_each(size):
    identity = np.eye(size)
    assert float(cones.orthant(balls(identity))) == pytest.approx(0.5**size, abs=1e-12)


@pytest.mark.parametrize("size", range(1, 6))
def test_variables_that_share_half_their_variance_are_all_positive_in_one_of_so_many_orders(size):
    """x_i = u_i - u_0: all above 0 where u_0 is the least of size + 1."""
    cosines = np.full((size, size), 0.5) + 0.5 * np.eye(size)
    assert float(cones.orthant(balls(cosines))) == pytest.approx(1 / (size + 1), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_second_moments_in_the_plane_are_sums_over_directions(seed):
    normals = drawn(2, seed)
    np.testing.assert_allclose(floats(cones.second_moments(balls(normals))), in_the_plane(normals), atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_second_moments_in_space_are_sums_over_directions(seed):
    normals = drawn(3, seed)
    np.testing.assert_allclose(floats(cones.second_moments(balls(normals))), in_space(normals), atol=2e-3)


@pytest.mark.parametrize(("size", "seed"), [(2, 0), (3, 0), (4, 0), (4, 1), (5, 0)])
def test_moments_are_symmetric_and_their_trace_is_the_share_times_the_dimension(size, seed):
    """The length is independent of the direction, so E ||v||^2 over a cone is its share times the dimension."""
    normals = balls(drawn(size, seed))
    moments = floats(cones.second_moments(normals))
    units = [[x / cones.dot(n, n).sqrt() for x in n] for n in normals]
    share = float(cones.orthant([[cones.dot(u, v) if u is not v else arb(1) for v in units] for u in units]))
    np.testing.assert_allclose(moments, moments.T, atol=1e-7)
    assert np.trace(moments) == pytest.approx(size * share, abs=1e-7)
    assert np.linalg.eigvalsh(moments).min() > -1e-9


@pytest.mark.parametrize("seed", range(2))
def test_a_cone_and_what_turning_a_face_round_leaves_make_up_the_cone_without_that_face(seed):
    """Faces 1 to 3 in R^4, with the fourth one way and the other: together those of the wedge, by moments in R^3."""
    normals = drawn(4, seed)
    normals[:3, 3] = 0
    turned = normals.copy()
    turned[3] *= -1
    both = floats(cones.second_moments(balls(normals))) + floats(cones.second_moments(balls(turned)))
    np.testing.assert_allclose(both[:3, :3], floats(cones.second_moments(balls(normals[:3, :3]))), atol=1e-7)


def test_too_many_half_spaces_or_too_few_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="at most 5 half-spaces, got 6"):
        cones.orthant(balls(np.eye(6)))
    with pytest.raises(ValueError, match="normals must be as many as their entries, got 2"):
        cones.second_moments(balls(np.eye(3)[:2]))
