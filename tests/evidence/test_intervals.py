import math

import numpy as np
import pytest
from scipy import stats

from untrained.sims.evidence.counts import clopper_pearson, split_level


@pytest.mark.parametrize("trials", [1, 2, 7, 30, 101])
@pytest.mark.parametrize("level", [0.5, 0.05, 1e-4])
def test_coverage_is_at_least_nominal_by_exact_summation(trials, level):
    intervals = np.array([clopper_pearson(k, trials, level) for k in range(trials + 1)])
    chances = np.concatenate([np.linspace(0, 1, 101), intervals.ravel(), np.geomspace(1e-8, 0.01, 20)])
    for p in chances:
        covered = (intervals[:, 0] <= p) & (p <= intervals[:, 1])
        # Sums of at most 102 probabilities, each good to about 1e-13.
        assert stats.binom.pmf(np.arange(trials + 1), trials, p)[covered].sum() >= 1 - level - 1e-11


@pytest.mark.parametrize("trials", [30, 101])
@pytest.mark.parametrize("level", [0.5, 0.05, 1e-4])
def test_intervals_are_far_from_everything_and_often_miss_somewhere(trials, level):
    intervals = np.array([clopper_pearson(k, trials, level) for k in range(trials + 1)])
    assert (intervals[:, 1] - intervals[:, 0]).max() < 0.7
    misses = [
        stats.binom.pmf(np.arange(trials + 1), trials, p)[(intervals[:, 0] > p) | (p > intervals[:, 1])].sum()
        for p in np.linspace(0.01, 0.99, 99)
    ]
    # Each tail is conservative only by the grain of the binomial.
    assert max(misses) > level / 4


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (500, 1000), (1, 10**6)])
@pytest.mark.parametrize("level", [0.5, 0.01, 1e-6])
def test_intervals_end_at_quantiles_of_the_beta_law(k, n, level):
    low = 0.0 if k == 0 else stats.beta.ppf(level / 2, k, n - k + 1)
    high = 1.0 if k == n else stats.beta.isf(level / 2, k + 1, n - k)
    # The ends come from a root search to 2e-12 absolute; 1 - (1 - level) is good to 1e-10 relative.
    np.testing.assert_allclose(clopper_pearson(k, n, level), (low, high), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize(("k", "n"), [(1, 5), (4, 5), (7, 40), (39, 40)])
def test_ends_have_exactly_half_the_level_beyond_them(k, n):
    low, high = clopper_pearson(k, n, 0.02)
    assert stats.binom.sf(k - 1, n, low) == pytest.approx(0.01, rel=1e-9)
    assert stats.binom.cdf(k, n, high) == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize("n", [1, 10, 10**6])
def test_no_and_all_successes_have_closed_forms(n):
    low, high = clopper_pearson(0, n, 0.01)
    assert low == 0.0
    assert high == pytest.approx(-math.expm1(math.log(0.005) / n), rel=1e-10)
    low, high = clopper_pearson(n, n, 0.01)
    assert low == pytest.approx(math.exp(math.log(0.005) / n), rel=1e-10)
    assert high == 1.0


def test_successes_and_failures_mirror_each_other():
    low, high = clopper_pearson(3, 17, 0.05)
    assert clopper_pearson(14, 17, 0.05) == pytest.approx((1 - high, 1 - low), rel=1e-12)


def test_intervals_shrink_with_the_level():
    widths = [np.diff(clopper_pearson(5, 40, level))[0] for level in (1e-8, 1e-3, 0.1, 0.9)]
    assert sorted(widths, reverse=True) == widths


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0), (0, -1), (math.nan, 5)])
def test_counts_that_do_not_fit_are_refused(k, n):
    with pytest.raises(ValueError, match=r"successes must lie in 0\.\.trials"):
        clopper_pearson(k, n, 0.05)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_levels_outside_zero_to_one_are_refused(level):
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
        clopper_pearson(1, 5, level)


def test_split_levels_add_up_to_the_family_level():
    assert split_level(0.01, 1) == 0.01
    assert split_level(0.01, 40) * 40 == pytest.approx(0.01, rel=1e-15)


@pytest.mark.parametrize("intervals", [0, -3])
def test_splitting_over_nothing_is_refused(intervals):
    with pytest.raises(ValueError, match="intervals must be at least 1"):
        split_level(0.01, intervals)
