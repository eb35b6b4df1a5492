import numpy as np
import pytest
from scipy import stats

from untrained.sims.random import draws
from untrained.sims.random.draws import (
    bidiagonal_factor,
    jacobian_smallest_singular_values,
    largest_singular_values,
    smallest_singular_values,
)
from untrained.theory.laws.masked import masked_smallest_below
from untrained.theory.laws.wishart import largest_eigenvalue_above, smallest_eigenvalue_below


def dense_extremes(rng, n, s, size):
    """Extreme singular values of Gaussian matrices drawn in full."""
    values = np.linalg.svd(rng.standard_normal((size, n, s)), compute_uv=False)
    return (values[:, -1] if s >= n else np.zeros(size)), values[:, 0]


def dense_jacobian(rng, n, d, size):
    """n-th singular values of masked Gaussian matrices drawn in full."""
    masks = rng.random((size, 1, d)) < 0.5
    return np.linalg.svd(rng.standard_normal((size, n, d)) * masks, compute_uv=False)[:, n - 1]


@pytest.mark.parametrize(("n", "s"), [(1, 3), (2, 2), (5, 5), (8, 60)])
def test_extremes_match_dense_matrices(n, s):
    rng = np.random.default_rng(100 * n + s)
    low, high = dense_extremes(rng, n, s, 4000)
    assert stats.ks_2samp(smallest_singular_values(rng, n, s, 4000), low).pvalue > 1e-4
    assert stats.ks_2samp(largest_singular_values(rng, n, s, 4000), high).pvalue > 1e-4


@pytest.mark.parametrize(("n", "s"), [(5, 1), (6, 4)])
def test_fewer_columns_than_rows(n, s):
    rng = np.random.default_rng(n + s)
    _, high = dense_extremes(rng, n, s, 4000)
    assert not smallest_singular_values(rng, n, s, 50).any()
    assert stats.ks_2samp(largest_singular_values(rng, n, s, 4000), high).pvalue > 1e-4
    assert not largest_singular_values(rng, n, 0, 5).any()


def test_jacobian_matches_dense_matrices():
    rng = np.random.default_rng(860)
    ours = jacobian_smallest_singular_values(rng, 8, 60, 4000)
    assert stats.ks_2samp(ours, dense_jacobian(rng, 8, 60, 4000)).pvalue > 1e-4


def test_jacobian_is_zero_where_too_few_columns_are_kept():
    size = 20_000
    zeros = int(np.sum(jacobian_smallest_singular_values(np.random.default_rng(2), 3, 6, size) == 0))
    assert stats.binomtest(zeros, size, stats.binom.cdf(2, 6, 0.5)).pvalue > 1e-4


@pytest.mark.parametrize(("n", "s", "size"), [(1, 4, 1500), (3, 3, 1500), (4, 30, 1500), (12, 40, 500)])
def test_extremes_follow_the_exact_law(n, s, size):
    rng = np.random.default_rng(1000 * n + s)

    def below(values):
        return np.array([float(smallest_eigenvalue_below(n, s, float(v) ** 2)) for v in values])

    def largest_below(values):
        return np.array([1 - float(largest_eigenvalue_above(n, s, float(v) ** 2)) for v in values])

    assert stats.kstest(smallest_singular_values(rng, n, s, size), below).pvalue > 1e-4
    assert stats.kstest(largest_singular_values(rng, n, s, size), largest_below).pvalue > 1e-4


@pytest.mark.parametrize("s", [64, 200, 5000])
def test_sixty_four_rows_follow_the_exact_law(s):
    size = 5000
    rng = np.random.default_rng(s)
    low, high = smallest_singular_values(rng, 64, s, size), largest_singular_values(rng, 64, s, size)
    for share in (0.02, 0.5, 0.98):
        level, top = float(np.quantile(low[:2500], share)) ** 2, float(np.quantile(high[:2500], share)) ** 2
        below = float(smallest_eigenvalue_below(64, s, level))
        above = float(largest_eigenvalue_above(64, s, top))
        assert stats.binomtest(int(np.sum(low[2500:] ** 2 < level)), 2500, below).pvalue > 1e-4
        assert stats.binomtest(int(np.sum(high[2500:] ** 2 > top)), 2500, above).pvalue > 1e-4


def test_jacobian_follows_the_exact_mixture():
    n, d, size = 4, 100, 40_000
    values = jacobian_smallest_singular_values(np.random.default_rng(9), n, d, size)
    for level in (14.0, 25.0, 33.0):
        law = float(masked_smallest_below(n, d, level))
        assert stats.binomtest(int(np.sum(values**2 < level)), size, law).pvalue > 1e-4


def test_factor_entries_are_chi():
    a, b = bidiagonal_factor(np.random.default_rng(4), 3, 7, 3000)
    assert a.shape == (3000, 3)
    assert b.shape == (3000, 2)
    for column, degrees in zip(np.hstack([a, b]).T, [7, 6, 5, 2, 1], strict=True):
        assert stats.kstest(column, stats.chi(degrees).cdf).pvalue > 1e-4


def test_factor_is_padded_below_few_columns():
    a, b = bidiagonal_factor(np.random.default_rng(4), 4, np.array([0, 2, 9]), 3)
    np.testing.assert_array_equal(a > 0, [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
    np.testing.assert_array_equal(b > 0, [[0, 0, 0], [1, 1, 0], [1, 1, 1]])


def test_huge_number_of_columns():
    s = 10**15
    values = smallest_singular_values(np.random.default_rng(6), 8, s, 100)
    assert np.all(np.abs(values - np.sqrt(s)) < 3 * np.sqrt(8))
    assert np.all(values < largest_singular_values(np.random.default_rng(6), 8, s, 100))


def test_each_trial_may_have_its_own_columns():
    columns = np.repeat([5, 50], 2000)
    values = smallest_singular_values(np.random.default_rng(8), 4, columns, 4000)
    rng = np.random.default_rng(81)
    for part, s in ((values[:2000], 5), (values[2000:], 50)):
        assert stats.ks_2samp(part, dense_extremes(rng, 4, s, 2000)[0]).pvalue > 1e-4


def test_block_size_does_not_change_the_draws(monkeypatch):
    calls = [
        lambda: smallest_singular_values(np.random.default_rng(1), 5, 9, 700),
        lambda: largest_singular_values(np.random.default_rng(1), 5, np.arange(700), 700),
        lambda: jacobian_smallest_singular_values(np.random.default_rng(1), 5, 20, 700),
    ]
    wide = [call() for call in calls]
    monkeypatch.setattr(draws, "_BLOCK_NUMBERS", 100)
    for before, call in zip(wide, calls, strict=True):
        np.testing.assert_array_equal(call(), before)


def test_a_longer_run_starts_with_the_shorter_one():
    short, long = (smallest_singular_values(np.random.default_rng(1), 5, 9, size) for size in (30, 300))
    np.testing.assert_array_equal(long[:30], short)
    assert len(np.unique(long)) == 300
    assert smallest_singular_values(np.random.default_rng(1), 5, 9, 0).shape == (0,)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda rng: smallest_singular_values(rng, 0, 5, 3), "rows"),
        (lambda rng: smallest_singular_values(rng, 2, -5, 3), "columns"),
        (lambda rng: smallest_singular_values(rng, 2, 5.5, 3), "columns"),
        (lambda rng: largest_singular_values(rng, 2, np.array([3, 4]), 3), "columns"),
        (lambda rng: largest_singular_values(rng, 2, np.array([3, -4]), 2), "columns"),
        (lambda rng: bidiagonal_factor(rng, 2, 5, -1), "size"),
        (lambda rng: jacobian_smallest_singular_values(rng, 0, 5, 1), "n"),
        (lambda rng: jacobian_smallest_singular_values(rng, 1, -5, 1), "d"),
    ],
)
def test_bad_input_is_refused(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        call(np.random.default_rng(0))
