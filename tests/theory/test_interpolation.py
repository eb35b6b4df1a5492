"""The smoothest interpolant against least squares, a long descent, exact laws and draws."""

import math

import numpy as np
import pytest
from scipy.linalg import lstsq

from untrained.theory.objects.dual_kernels import basis_spectrum, gaussian_kernel, triangle_kernel, trigonometric_basis
from untrained.theory.objects.interpolation import (
    best_range_finder_bound,
    effective_ridge,
    equivalent_error,
    range_finder_bound,
    self_regularisation,
    smooth_bound,
    smooth_interpolant,
    smoothness,
    unmeasured_norm,
)

TRIANGLE = basis_spectrum(triangle_kernel(60, 5))


def drawn_problem(m, n, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n)), rng.standard_normal(m), rng.uniform(0.1, 3, n)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 4), (3, 5), (5, 5)])
def test_it_is_j_times_the_least_squares_solution_of_least_norm(m, n):
    A, y, s = drawn_problem(m, n, 1)
    s[0] = s[0] if m == n else 0.0
    c = lstsq(A * np.sqrt(s), y)[0]
    np.testing.assert_allclose(smooth_interpolant(A, y, s), np.sqrt(s) * c, rtol=1e-9, atol=1e-12)
    printed = s[:, None] * A.T @ np.linalg.pinv(A @ np.diag(s) @ A.T) @ y
    np.testing.assert_allclose(smooth_interpolant(A, y, s), printed, rtol=1e-7, atol=1e-10)


def test_a_batch_is_one_after_another():
    A, y = np.random.default_rng(2).standard_normal((2, 3, 4, 6)), np.random.default_rng(3).standard_normal((2, 3, 4))
    s = np.arange(1.0, 7)
    np.testing.assert_allclose(smooth_interpolant(A, y, s)[1, 2], smooth_interpolant(A[1, 2], y[1, 2], s), atol=1e-12)
    assert unmeasured_norm(A, s)[1, 2] == pytest.approx(unmeasured_norm(A[1, 2], s))


def test_descent_on_a_general_j_ends_there():
    """J = W diag(sigma) V^T with more columns than rows, ten thousand steps from zero."""
    rng = np.random.default_rng(4)
    s, W = TRIANGLE[:12], trigonometric_basis(12)
    V = np.linalg.qr(rng.standard_normal((20, 12)))[0]
    J, A = W * np.sqrt(s) @ V.T, rng.standard_normal((4, 12))
    y, c, B = rng.standard_normal(4), np.zeros(20), A @ J
    for _ in range(10_000):
        c -= B.T @ (B @ c - y) / np.linalg.norm(B, 2) ** 2
    np.testing.assert_allclose(W.T @ J @ c, smooth_interpolant(A @ W, y, s), atol=1e-9)


def test_no_other_interpolant_is_smoother():
    A, y, s = drawn_problem(3, 6, 5)
    least = smooth_interpolant(A, y, s)
    np.testing.assert_allclose(A @ least, y, atol=1e-10)
    kernel = np.linalg.svd(A)[2][3:]
    others = least + np.random.default_rng(6).standard_normal((500, 3)) @ kernel
    assert smoothness(others, s).min() > smoothness(least, s)


def test_smoothness_is_infinite_where_j_does_not_reach():
    assert smoothness(np.array([[3.0, 0], [1, 1]]), np.array([9.0, 0])).tolist() == [1, math.inf]


def test_the_unmeasured_norm_is_the_largest_error_of_many_signals():
    A, _, s = drawn_problem(3, 4, 7)
    c = np.random.default_rng(8).standard_normal((200_000, 4))
    x = np.sqrt(s) * c
    errors = np.linalg.norm(smooth_interpolant(A[None], x @ A.T, s) - x, axis=1) / np.linalg.norm(c, axis=1)
    assert errors.max() == pytest.approx(float(unmeasured_norm(A, s)), rel=1e-3)
    assert errors.max() <= unmeasured_norm(A, s)


def test_bounds_of_the_range_finder_as_printed():
    s = np.array([9.0, 4, 1, 1, 0.25, 0.25, 0.25, 0.25])
    mean = (1 + math.sqrt(2 / 3)) * 1 + math.e * math.sqrt(6) / 4 * math.sqrt(3)
    assert range_finder_bound(s[::-1], 6, 4) == pytest.approx(mean)
    tail = (1 + 16 * math.sqrt(1 + 2 / 5)) * 1 + 8 * math.sqrt(6) / 5 * math.sqrt(3)
    assert range_finder_bound(s, 6, 4, "tail") == pytest.approx(tail)
    every = [range_finder_bound(s, 6, p) for p in (2, 3, 4, 5)]
    assert best_range_finder_bound(s, 6) == (min(every), 2 + int(np.argmin(every)))


@pytest.mark.parametrize("m", [12, 30, 45])
def test_the_mean_over_draws_obeys_the_bound_of_the_range_finder(m):
    A = np.random.default_rng(9).standard_normal((40, m, 60))
    assert unmeasured_norm(A, TRIANGLE).mean() < best_range_finder_bound(TRIANGLE, m)[0]


def test_the_bound_of_the_paper_takes_the_smallest_values():
    s = np.array([1.0, 16, 4, 9])
    assert smooth_bound(np.array([0, 4.0, 0, 0]), s, 3) == pytest.approx(math.sqrt((1 + 4) / 3))


@pytest.mark.parametrize("m", [1, 7, 30, 59])
def test_the_ridge_by_bisection(m):
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(v / (v + middle) for v in TRIANGLE) > m else (low, middle)
    assert effective_ridge(TRIANGLE, m) == pytest.approx(low, rel=1e-10)


def test_a_flat_spectrum_is_exact():
    x, s = np.array([0.6, 0.8, 0, 0, 0, 0, 0, 0, 0, 0]), np.full(10, 3.0)
    error = equivalent_error(x, s, 4, 0.5)
    assert error.signal == pytest.approx(1 - 4 / 10)  # a projector on 4 of 10 dimensions, uniformly distributed
    assert error.noise == pytest.approx(0.25 * 4 / (10 - 4))
    assert error.total == error.signal + error.noise


def test_every_dimension_measured_leaves_noise_alone():
    x = np.eye(60)[0]
    assert (equivalent_error(x, TRIANGLE, 60).total, equivalent_error(x, TRIANGLE, 60, 0.1).noise) == (0, math.inf)
    without = np.array([4.0, 1, 0])
    assert equivalent_error(np.array([1.0, 2, 3]), without, 2).signal == 9


@pytest.mark.parametrize(("m", "noise"), [(30, 0.0), (60, 0.05), (60, 0.3)])
def test_the_equivalent_is_near_the_mean_of_draws(m, noise):
    rng, s = np.random.default_rng(10), basis_spectrum(triangle_kernel(300, 10))
    A, x = rng.standard_normal((300, m, 300)), np.repeat([math.sqrt(0.2), 0], [5, 295])
    estimates = smooth_interpolant(A, A @ x + noise * rng.standard_normal((300, m)), s)
    mean = np.square(estimates - x).sum(1).mean()
    assert mean == pytest.approx(equivalent_error(x, s, m, noise).total, rel=0.1)


def test_noise_is_harmless_up_to_a_number_of_measurements():
    x = np.repeat([math.sqrt(0.2), 0], [5, 55])
    by_hand = [equivalent_error(x, TRIANGLE, m, 0.3).total for m in range(1, 60)]
    result = self_regularisation(x, TRIANGLE, 0.3)
    assert result.best == 1 + int(np.argmin(by_hand))
    assert result.error**2 == pytest.approx(min(by_hand))
    assert result.useless == next(m for m in range(result.best, 60) if by_hand[m - 1] > 1)
    assert self_regularisation(x, TRIANGLE, 0.0).best == 59
    assert self_regularisation(x, TRIANGLE, 0.0).useless is None


def test_the_noise_part_rises_with_the_measurements():
    s = basis_spectrum(gaussian_kernel(80, 0.02))
    noises = [equivalent_error(np.eye(80)[0], s, m, 1.0).noise for m in range(1, 80)]
    assert (np.diff(noises) > 0).all()


ONES = np.ones(4)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: smooth_interpolant(np.ones((5, 4)), np.ones(5), ONES), "A must have at most 4 rows, got 5"),
        (
            lambda: smooth_interpolant(np.ones((2, 3)), np.ones(2), ONES),
            "rows of A and spectrum must agree in length, got 3 and 4",
        ),
        (
            lambda: smooth_interpolant(np.ones((2, 4)), np.ones(3), ONES),
            "y and columns of A must agree in length, got 3 and 2",
        ),
        (
            lambda: smooth_interpolant(np.ones((2, 4)), np.ones(2), 0 * ONES),
            "spectrum must be a vector of numbers >= 0, not all",
        ),
        (
            lambda: smooth_interpolant(np.ones((2, 4)), np.ones(2), -ONES),
            "spectrum must be a vector of numbers >= 0, not all",
        ),
        (lambda: smooth_interpolant(np.ones((2, 4)), np.array([1, np.nan]), ONES), "y must be finite"),
        (lambda: smoothness(np.ones(3), ONES), "x and spectrum must agree in length, got 3 and 4"),
        (lambda: range_finder_bound(ONES, 4, 1), "p must be an integer >= 2, got 1"),
        (lambda: range_finder_bound(ONES, 4, 3, "tail"), "p must be an integer >= 4, got 3"),
        (lambda: range_finder_bound(ONES, 4, 4), "p must be at most 3 for 4 rows, got 4"),
        (lambda: range_finder_bound(ONES, 5, 2), "m must be at most 4, got 5"),
        (lambda: best_range_finder_bound(ONES, 4, "tail"), "m must be at least 5, got 4"),
        (lambda: effective_ridge(np.array([1.0, 0, 1]), 3), "m must be at most 2, got 3"),
        (lambda: equivalent_error(ONES, ONES, 2, -1), "noise must be at least 0, got -1"),
        (
            lambda: self_regularisation(np.ones(2), np.array([1.0, 0]), 1),
            "spectrum must have at least 2 positive values, got 1",
        ),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
