import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from untrained.theory.objects import sign_changes as sc

SLACK = 1 + 1e-12


def start(seed, d, k):
    """W_0 and z."""
    rng = np.random.default_rng([seed, d, k])
    return rng.standard_normal((d, k)), rng.standard_normal(k)


def subsets(d):
    """Every set of columns."""
    return [list(S) for size in range(d + 1) for S in combinations(range(d), size)]


def spectral(V, S):
    """||V_S||."""
    return float(np.linalg.norm(V[:, S], 2)) if len(S) else 0.0


@pytest.mark.parametrize("d", [1, 2, 5, 9])
@pytest.mark.parametrize("radius", [0.1, 0.7, 1.5, 3.0, 30.0])
def test_worst_count_is_the_best_over_all_flip_sets(d, radius):
    g = np.random.default_rng([20, d]).standard_normal(d)
    slow = max(len(S) for S in subsets(d) if np.linalg.norm(g[S]) <= radius)
    assert sc.worst_count(g, radius) == slow


def test_no_flip_set_is_cheaper_than_moving_each_row_along_z():
    W, z = start(21, 1, 4)
    g = float(sc.alignments(W, z)[0])
    # Least norm of u with <w + u, z> = 0, by the normal equations.
    least = np.linalg.lstsq(z[None, :], -(W @ z), rcond=None)[0]
    assert np.linalg.norm(least) == pytest.approx(abs(g), rel=1e-13)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(("d", "k"), [(1, 1), (6, 2), (12, 3), (40, 7)])
def test_worst_weights_change_exactly_the_worst_count_within_the_radius(seed, d, k):
    W, z = start(seed, d, k)
    radius = 0.05 + 0.25 * (seed % 10)
    moved = sc.worst_weights(W, z, radius)
    assert sc.changed(moved, W, z).sum() == sc.worst_count(sc.alignments(W, z), radius)
    assert np.linalg.norm(moved - W, 2) <= radius * SLACK
    assert np.linalg.norm(moved - W) <= radius * SLACK


@pytest.mark.parametrize("seed", range(5))
def test_worst_weights_change_the_activation_pattern_itself(seed):
    W, z = start(100 + seed, 12, 3)
    moved = sc.worst_weights(W, z, 1.5)
    assert ((moved @ z >= 0) != (W @ z >= 0)).sum() == sc.worst_count(sc.alignments(W, z), 1.5)


def test_perturbation_has_rank_one():
    W, z = start(22, 10, 4)
    values = np.linalg.svd(sc.worst_weights(W, z, 2.0) - W, compute_uv=False)
    # The second value is rounding of entries of order one.
    assert values[0] > 0.1
    assert values[1] <= 1e-14


def test_flipping_rows_changes_those_rows_and_no_other():
    W, z = start(23, 8, 3)
    rows = np.array([True, False, True, True, False, False, True, False])
    moved = sc.flip_rows(W, z, rows)
    np.testing.assert_array_equal(sc.changed(moved, W, z), rows)
    np.testing.assert_array_equal(moved[~rows], W[~rows])


def test_a_row_on_the_boundary_flips():
    W, z = np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([1.0, 1.0])
    moved = sc.worst_weights(W, z, 0.1)
    np.testing.assert_array_equal(sc.changed(moved, W, z), [True, False])


def test_random_nudges_within_the_ball_never_beat_the_worst_count():
    W, z = start(24, 8, 2)
    rng = np.random.default_rng(25)
    radius = 1.2
    nudges = rng.standard_normal((3000, 8, 2))
    nudges[:1500] = rng.standard_normal((1500, 8, 1)) * z
    nudges *= radius / np.linalg.norm(nudges, axis=(1, 2), keepdims=True)
    counts = sc.changed(W + nudges, W, z).sum(axis=-1)
    worst = sc.worst_count(sc.alignments(W, z), radius)
    assert counts.max() <= worst
    assert counts.max() >= 1


def test_worst_case_under_the_spectral_norm_is_no_larger_than_under_the_frobenius_norm():
    # Any W with ||W - W_0|| <= R has ||(W - W_0) z|| <= R ||z||, so the same budget binds.
    W, z = start(26, 8, 3)
    rng = np.random.default_rng(27)
    nudges = np.linalg.qr(rng.standard_normal((2000, 8, 3)))[0] * 0.9
    counts = sc.changed(W + nudges, W, z).sum(axis=-1)
    assert counts.max() <= sc.worst_count(sc.alignments(W, z), 0.9 * SLACK)


def test_batches_agree_with_loops():
    rng = np.random.default_rng(28)
    W, z = rng.standard_normal((4, 6, 3)), rng.standard_normal((4, 3))
    slow = np.stack([sc.worst_weights(W[i], z[i], 1.0) for i in range(4)])
    # Alignments come from differently blocked products: a few units of rounding.
    np.testing.assert_allclose(sc.worst_weights(W, z, 1.0), slow, rtol=0, atol=1e-13)
    g = sc.alignments(W, z)
    radii = np.array([0.0, 0.5, 1.0, 9.0])
    np.testing.assert_array_equal(sc.worst_count(g, radii), [sc.worst_count(g[i], radii[i]) for i in range(4)])


def test_alignments_are_inner_products_with_the_direction_of_z():
    W, z = np.array([[3.0, 4.0], [-4.0, 3.0], [1.0, 0.0]]), np.array([6.0, 8.0])
    np.testing.assert_allclose(sc.alignments(W, z), [5.0, 0.0, 0.6], atol=1e-15)


def test_radius_zero_changes_nothing():
    W, z = start(29, 6, 3)
    assert sc.worst_count(sc.alignments(W, z), 0.0) == 0
    np.testing.assert_array_equal(sc.worst_weights(W, z, 0.0), W)
    assert not sc.adversarial_set(np.ones((2, 6)), sc.alignments(W, z), 0.0).any()


def test_radius_infinity_changes_everything():
    W, z = start(30, 6, 3)
    assert sc.worst_count(sc.alignments(W, z), math.inf) == 6
    assert sc.changed(sc.worst_weights(W, z, math.inf), W, z).all()


@pytest.mark.parametrize("radius", [-1.0, -1e-300, math.nan])
def test_bad_radii_are_refused_everywhere(radius):
    W, z = start(31, 6, 3)
    g = sc.alignments(W, z)
    with pytest.raises(ValueError, match="radius must be >= 0"):
        sc.worst_count(g, radius)
    with pytest.raises(ValueError, match="radius must be >= 0"):
        sc.worst_weights(W, z, radius)
    with pytest.raises(ValueError, match="radius must be >= 0"):
        sc.adversarial_set(np.ones((2, 6)), g, radius)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=12),
    st.floats(0, 40),
    st.floats(0, 40),
)
def test_worst_count_grows_with_the_radius(entries, one, other):
    g = np.array(entries)
    assert sc.worst_count(g, min(one, other)) <= sc.worst_count(g, max(one, other)) <= len(entries)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0, 30), st.randoms(use_true_random=False))
def test_worst_count_ignores_order_and_sign(entries, radius, random):
    shuffled = [-x for x in entries]
    random.shuffle(shuffled)
    assert sc.worst_count(np.array(entries), radius) == sc.worst_count(np.array(shuffled), radius)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("radius", [0.4, 1.0, 2.0])
def test_adversarial_set_lies_between_the_smallest_first_set_and_the_optimum(seed, radius):
    rng = np.random.default_rng([40, seed])
    d = 5 + seed % 4
    V, g = rng.standard_normal((4, d)), rng.standard_normal(d)
    chosen = np.flatnonzero(sc.adversarial_set(V, g, radius))
    optimum = max(spectral(V, S) for S in subsets(d) if np.linalg.norm(g[S]) <= radius * SLACK)
    smallest = np.argsort(np.abs(g))[: int(sc.worst_count(g, radius))]
    assert np.linalg.norm(g[chosen]) <= radius * SLACK
    assert spectral(V, smallest) <= spectral(V, chosen) * SLACK
    assert spectral(V, chosen) <= optimum * SLACK


def test_adversarial_set_uses_what_it_knows_of_v():
    # Column 2 is ten times the others and affordable: smallest-first takes 0 and 1 and then runs out.
    V = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 10.0]]) + 0.1
    g = np.array([0.60, 0.61, 0.62])
    chosen = sc.adversarial_set(V, g, 1.0)
    assert chosen[2]
    assert spectral(V, np.flatnonzero(chosen)) > 5 * spectral(V, [0, 1])


def test_adversarial_set_with_a_large_budget_is_everything():
    rng = np.random.default_rng(41)
    assert sc.adversarial_set(rng.standard_normal((3, 7)), rng.standard_normal(7), 100.0).all()


def test_adversarial_set_refuses_alignments_that_do_not_fit_v():
    with pytest.raises(ValueError, match=r"columns of output_weights and alignment .* got 4 and 5"):
        sc.adversarial_set(np.ones((3, 4)), np.ones(5), 1.0)


def test_zero_latent_is_refused():
    with pytest.raises(ValueError, match="latent must not be the zero vector"):
        sc.alignments(np.ones((3, 2)), np.zeros(2))


def test_shapes_that_disagree_are_refused():
    with pytest.raises(ValueError, match="columns of weights and latent"):
        sc.changed(np.ones((3, 2)), np.ones((3, 2)), np.ones(3))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_alignments_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="alignment must be finite"):
        sc.worst_count(np.array([1.0, bad]), 1.0)
    with pytest.raises(ValueError, match="weights must be finite"):
        sc.alignments(np.array([[1.0, bad]]), np.ones(2))
