import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigvalsh_tridiagonal

from untrained.theory.objects.gaussian_spectra import (
    davidson_szarek_largest,
    davidson_szarek_smallest,
    jacobian_edge_ratio,
    largest_from_bidiagonal,
    marchenko_pastur_edges,
    smallest_from_bidiagonal,
)


def dense(a, b):
    return np.diag(a) + np.diag(b, -1)


def gaussian_factor(seed, n, s, size):
    """Bidiagonal factors of n x s Gaussian matrices, drawn from the definition of their chi entries."""
    rng = np.random.default_rng(seed)
    a = np.sqrt(rng.chisquare(np.arange(s, s - n, -1.0), size=(size, n)))
    b = np.sqrt(rng.chisquare(np.arange(n - 1, 0, -1.0), size=(size, n - 1)))
    return a, b


def assert_extremes(a, b, relative=1e-12):
    values = np.array([np.linalg.svd(dense(x, y), compute_uv=False) for x, y in zip(a, b, strict=True)])
    tolerance = relative * values[:, 0]
    assert np.all(np.abs(largest_from_bidiagonal(a, b) - values[:, 0]) <= tolerance)
    assert np.all(np.abs(smallest_from_bidiagonal(a, b) - values[:, -1]) <= tolerance)


@pytest.mark.parametrize(
    ("n", "s"),
    [(1, 1), (1, 50), (2, 2), (2, 9), (2, 10**15), (5, 5), (16, 10**15), (64, 64), (64, 113_000), (150, 150)],
)
def test_extremes_match_dense_svd(n, s):
    assert_extremes(*gaussian_factor(7 * n, n, s, 25))


@pytest.mark.parametrize(("n", "s"), [(3, 8), (20, 21), (64, 400), (64, 10**15)])
def test_extremes_match_tridiagonal_eigenvalues(n, s):
    a, b = gaussian_factor(11 * n, n, s, 10)
    lows, highs = smallest_from_bidiagonal(a, b), largest_from_bidiagonal(a, b)
    for x, y, low, high in zip(a, b, lows, highs, strict=True):
        main = x**2 + np.concatenate([[0.0], y**2])
        roots = eigvalsh_tridiagonal(main, x[:-1] * y)
        assert abs(low**2 - roots[0]) <= 1e-12 * roots[-1]
        assert abs(high**2 - roots[-1]) <= 1e-12 * roots[-1]


def test_tiny_singular_value_keeps_relative_accuracy():
    # det = product of the diagonal and the other value is sqrt(2) up to 1e-20, so the smallest is known.
    low = smallest_from_bidiagonal([1.0, 1e-10], [1.0])
    assert low == pytest.approx(1e-10 / math.sqrt(2), rel=1e-12)


def test_a_smallest_value_whose_fourth_power_underflows_stays_finite():
    assert smallest_from_bidiagonal([1.0, 1e-30, 1e-30], [0.0, 67807853.0]) == pytest.approx(1.4747554e-68, rel=1e-6)
    assert smallest_from_bidiagonal([1.0, 1e-30, 1e-30], [0.0, 1e10]) == pytest.approx(0.0, abs=1e-60)


entries = st.one_of(st.just(0.0), st.floats(1e-8, 1e8), st.sampled_from([1.0, -1.0, 2.0, 1e-30]))


def entries_of(length):
    return st.lists(entries, min_size=length, max_size=length)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 9).flatmap(lambda n: st.tuples(entries_of(n), entries_of(n - 1))))
def test_extremes_of_arbitrary_entries(factor):
    a, b = np.array(factor[0]), np.array(factor[1])
    assert_extremes(a[None], b[None])


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_identity_has_one_multiple_root(n):
    a, b = np.ones((3, n)), np.zeros((3, n - 1))
    np.testing.assert_allclose(smallest_from_bidiagonal(a, b), 1.0, rtol=1e-12)
    np.testing.assert_allclose(largest_from_bidiagonal(a, b), 1.0, rtol=1e-12)


def test_constant_bidiagonal_has_known_spectrum():
    # B with ones on both diagonals: B B^T has eigenvalues 4 cos^2(k pi / (2n + 1)).
    n = 200
    low, high = (2 * math.cos(k * math.pi / (2 * n + 1)) for k in (n, 1))
    assert smallest_from_bidiagonal(np.ones(n), np.ones(n - 1)) == pytest.approx(low, rel=1e-12)
    assert largest_from_bidiagonal(np.ones(n), np.ones(n - 1)) == pytest.approx(high, rel=1e-12)


def test_batch_shape_and_order_are_kept():
    a, b = gaussian_factor(3, 6, 9, 5000)
    flat = smallest_from_bidiagonal(a, b)
    deep = smallest_from_bidiagonal(a.reshape(50, 100, 6), b.reshape(50, 100, 5))
    np.testing.assert_array_equal(deep, flat.reshape(50, 100))
    assert flat[4321] == smallest_from_bidiagonal(a[4321], b[4321])
    assert largest_from_bidiagonal(np.ones((0, 4)), np.ones((0, 3))).shape == (0,)


def test_zero_matrix():
    assert smallest_from_bidiagonal(np.zeros(4), np.zeros(3)) == 0
    assert largest_from_bidiagonal(np.zeros(4), np.zeros(3)) == 0


def test_bounds_and_edges():
    assert davidson_szarek_smallest(4, 100, 2.0) == (6.0, math.exp(-2.0))
    assert davidson_szarek_largest(4, 100, 2.0) == (14.0, math.exp(-2.0))
    assert marchenko_pastur_edges(4, 100) == (64.0, 144.0)
    ratio = jacobian_edge_ratio()
    assert ratio == pytest.approx(23.31, abs=0.01)
    assert math.sqrt(ratio / 2) - 1 == pytest.approx(math.sqrt(ratio) / 2, rel=1e-14)


def test_bounds_hold_in_simulation():
    rng = np.random.default_rng(5)
    n, s, t, trials = 6, 30, 1.0, 4000
    values = np.linalg.svd(rng.standard_normal((trials, n, s)), compute_uv=False)
    low, high = davidson_szarek_smallest(n, s, t), davidson_szarek_largest(n, s, t)
    slack = 4 * math.sqrt(low.failure / trials)
    assert np.mean(values[:, -1] < low.level) <= low.failure + slack
    assert np.mean(values[:, 0] > high.level) <= high.failure + slack
    assert np.mean(values[:, -1] < low.level + 2 * t) > low.failure


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: davidson_szarek_smallest(0, 5, 1.0), "rows"),
        (lambda: davidson_szarek_largest(2, -1, 1.0), "columns"),
        (lambda: davidson_szarek_smallest(2, 5, math.nan), "deviation"),
        (lambda: davidson_szarek_largest(2, 5, -1.0), "deviation"),
        (lambda: marchenko_pastur_edges(2, -3), "columns"),
        (lambda: smallest_from_bidiagonal(1.0, []), "diagonal"),
        (lambda: smallest_from_bidiagonal([], []), "diagonal"),
        (lambda: smallest_from_bidiagonal([1.0, 2.0], [1.0, 2.0]), "subdiagonal"),
        (lambda: largest_from_bidiagonal([1.0, math.nan], [1.0]), "diagonal and subdiagonal"),
    ],
)
def test_bad_input_is_refused(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        call()
