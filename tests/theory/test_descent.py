import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from untrained.theory.objects.descent import (
    PATH,
    RATE,
    SHARP_PATH,
    SHARP_RATE,
    FoldedMap,
    contraction,
    follow_gradient,
    radius_needed,
)

ALPHA = 1.0
# A hundred steps of products of entries of order ten lose some hundred units of rounding each.
SLACK = 1e-11


def rotation(rng, n):
    """An orthogonal matrix."""
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def folded(seed, n, bend, spread):
    """A folded map that meets A1 to A3 with alpha = 1, A1 with equality, its start, and beta."""
    rng = np.random.default_rng([80, seed, n])
    start = rng.standard_normal(n)
    above = spread * rng.random(n)
    above[0] = 0.0
    spectrum = 2 * ALPHA + above - bend * np.sign(start)
    fold = FoldedMap(rotation(rng, n), spectrum, bend, 10 * rng.standard_normal(n))
    return fold, start, float(spectrum.max() + bend)


def jacobians(fold):
    """The Jacobian on every orthant: all the values it takes."""
    n = len(fold.spectrum)
    return [fold(np.array(signs))[1] for signs in product([-1.0, 1.0], repeat=n)]


INSTANCES = st.tuples(st.integers(0, 10**6), st.integers(1, 5), st.floats(0, ALPHA / 6), st.floats(0, 6))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(INSTANCES)
def test_assumptions_hold_exactly_on_folded_maps(instance):
    fold, start, beta = folded(*instance)
    first = fold(start)[1]
    everywhere = jacobians(fold)
    rounding = 1e-12 * beta
    assert np.linalg.svd(first, compute_uv=False).min() >= 2 * ALPHA - rounding
    assert max(np.linalg.norm(J - first, 2) for J in everywhere) <= ALPHA / 3 + rounding
    assert max(np.linalg.norm(J, 2) for J in everywhere) <= beta + rounding


@settings(deadline=None, derandomize=True, max_examples=80)
@given(INSTANCES, st.floats(0.01, 1))
def test_sharp_and_printed_rates_hold(instance, share):
    fold, start, beta = folded(*instance)
    step = share / beta**2
    misfits = follow_gradient(fold, start, step, 60).misfits
    times = np.arange(61)
    sharp = contraction(step, ALPHA, rate=SHARP_RATE) ** times * misfits[0]
    printed = contraction(step, ALPHA) ** times * misfits[0]
    assert (misfits <= sharp + SLACK * misfits[0]).all()
    assert (sharp <= printed).all()


@settings(deadline=None, derandomize=True, max_examples=80)
@given(INSTANCES, st.floats(0.01, 1))
def test_sharp_and_printed_paths_hold(instance, share):
    fold, start, beta = folded(*instance)
    path = follow_gradient(fold, start, share / beta**2, 60)
    for ratio in (SHARP_PATH, PATH):
        weight = ALPHA * ratio[0] / ratio[1]
        assert (weight * path.lengths + path.misfits <= path.misfits[0] * (1 + SLACK)).all()
        assert path.distances.max() <= radius_needed(ALPHA, path.misfits[0], path=ratio) * (1 + SLACK)


def test_instances_cross_folds_and_use_their_assumptions_up():
    fold, start, beta = folded(3, 5, ALPHA / 6, 3.0)
    theta = start
    patterns = set()
    for _ in range(60):
        patterns.add(tuple(theta >= 0))
        r, J = fold(theta)
        theta = theta - J.T @ r / beta**2
    assert len(patterns) > 1
    assert max(np.linalg.norm(J - fold(start)[1], 2) for J in jacobians(fold)) == pytest.approx(ALPHA / 3)


def test_a_rate_above_25_ninths_fails_once_the_fold_is_crossed():
    # Beyond the fold the one singular value is (2 - 1/3) alpha, so each step multiplies by 1 - 25 eta/9.
    fold = FoldedMap(np.eye(1), np.array([2 - ALPHA / 6]), ALPHA / 6, np.array([-10.0]))
    step = 1 / 4
    misfits = follow_gradient(fold, np.array([1.0]), step, 60).misfits
    times = np.arange(61)
    assert (misfits <= contraction(step, ALPHA, rate=(25, 9)) ** times * misfits[0] * (1 + SLACK)).all()
    assert misfits[20] > contraction(step, ALPHA, rate=(3, 1)) ** 20 * misfits[0]


def test_a_step_beyond_the_theorem_can_break_the_rate():
    fold, start, beta = folded(4, 3, 0.1, 2.0)
    misfits = follow_gradient(fold, start, 3 / beta**2, 20).misfits
    assert misfits[-1] > misfits[0]


@pytest.mark.parametrize("seed", range(5))
def test_misfit_moves_by_the_averaged_jacobian(seed):
    fold, start, beta = folded(seed, 4, ALPHA / 6, 2.0)
    r, J = fold(start)
    end = start - J.T @ r / beta**2
    # The average of the sign over [a, b] is (|b| - |a|)/(b - a).
    sign = (np.abs(end) - np.abs(start)) / (end - start)
    averaged = fold.rotation * (fold.spectrum + fold.bend * sign)
    np.testing.assert_allclose(fold(end)[0], r + averaged @ (end - start), rtol=0, atol=1e-11)
    np.testing.assert_allclose(fold(end)[0], r - averaged @ J.T @ r / beta**2, rtol=0, atol=1e-11)


@pytest.mark.parametrize("seed", range(5))
def test_averaged_jacobian_is_a_mean_over_the_segment(seed):
    fold, start, beta = folded(seed, 4, ALPHA / 6, 2.0)
    r, J = fold(start)
    move = -J.T @ r / beta**2
    points = (np.arange(4000) + 0.5) / 4000
    averaged = np.mean([fold(start + s * move)[1] for s in points], axis=0)
    # Each column jumps once by 2 bend; a midpoint rule is off by one cell of it at most.
    bound = 2 * fold.bend * np.abs(move).sum() / 4000
    assert np.linalg.norm(fold(start + move)[0] - r - averaged @ move) <= bound


@pytest.mark.parametrize("seed", range(4))
def test_folded_map_jacobian_matches_automatic_differentiation(seed):
    fold, start, _ = folded(seed, 4, 0.1, 2.0)
    P, spectrum = torch.from_numpy(fold.rotation), torch.from_numpy(fold.spectrum)

    def misfit(theta):
        return P @ (spectrum * theta + fold.bend * theta.abs()) - torch.from_numpy(fold.target)

    r, J = fold(start)
    np.testing.assert_allclose(r, misfit(torch.from_numpy(start)).numpy(), atol=1e-12)
    np.testing.assert_allclose(J, torch.func.jacrev(misfit)(torch.from_numpy(start)).numpy(), atol=1e-13)


def test_folded_map_counts_the_sign_of_zero_as_one():
    fold = FoldedMap(np.eye(2), np.array([2.0, 3.0]), 0.5, np.zeros(2))
    np.testing.assert_array_equal(fold(np.array([0.0, -1.0]))[1], np.diag([2.5, 2.5]))


def test_descend_agrees_with_a_direct_loop():
    rng = np.random.default_rng(81)
    A, y, start = rng.standard_normal((3, 5)), rng.standard_normal(3), rng.standard_normal(5)

    def smooth(theta):
        return np.tanh(A @ theta) - y, (1 - np.tanh(A @ theta) ** 2)[:, None] * A

    path = follow_gradient(smooth, start, 0.05, 25)
    thetas = [start]
    for _ in range(25):
        r = np.tanh(A @ thetas[-1]) - y
        thetas.append(thetas[-1] - 0.05 * sum(r[i] * smooth(thetas[-1])[1][i] for i in range(3)))
    np.testing.assert_allclose(path.misfits, [np.linalg.norm(np.tanh(A @ t) - y) for t in thetas], rtol=1e-12)
    np.testing.assert_allclose(path.distances, [np.linalg.norm(t - start) for t in thetas], rtol=1e-12)
    steps = [np.linalg.norm(b - a) for a, b in pairwise(thetas)]
    np.testing.assert_allclose(path.lengths, np.cumsum([0.0, *steps]), rtol=1e-12)
    assert (path.distances <= path.lengths * (1 + 1e-12)).all()


def test_descend_without_steps_measures_the_start_and_leaves_it_alone():
    fold, start, beta = folded(5, 3, 0.1, 1.0)
    before = start.copy()
    path = follow_gradient(fold, start, 1 / beta**2, 0)
    assert path.misfits == pytest.approx([np.linalg.norm(fold(start)[0])])
    np.testing.assert_array_equal(path.distances, [0.0])
    follow_gradient(fold, start, 1 / beta**2, 5)
    np.testing.assert_array_equal(start, before)


def test_contraction_is_one_minus_the_rate_times_eta_alpha_squared():
    assert contraction(0.1, 2.0) == pytest.approx(1 - 0.1 * 4 / 4)
    assert contraction(0.1, 2.0, rate=(23, 9)) == pytest.approx(1 - 23 / 9 * 0.1 * 4)
    assert contraction(0.0, 2.0) == 1.0


def test_radius_needed_is_five_misfits_over_alpha_as_printed():
    assert radius_needed(2.0, 3.0) == pytest.approx(7.5)
    assert radius_needed(2.0, 3.0, path=SHARP_PATH) == pytest.approx(1.5 * 21 / 23)


def test_printed_constants_are_weaker_than_the_sharp_ones():
    assert RATE[0] / RATE[1] < SHARP_RATE[0] / SHARP_RATE[1]
    assert PATH[0] / PATH[1] < SHARP_PATH[0] / SHARP_PATH[1]


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan])
def test_bad_alphas_are_refused(alpha):
    with pytest.raises(ValueError, match="alpha must be > 0"):
        radius_needed(alpha, 1.0)
