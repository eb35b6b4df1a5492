import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.laws.order_statistics import CHERNOFF_EXPONENT, smallest_entry, smallest_entry_below


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.data())
def test_smallest_entry_is_an_entry_of_the_sorted_magnitudes(entries, data):
    rank = data.draw(st.integers(1, len(entries)))
    assert smallest_entry(np.array(entries), rank) == sorted(abs(x) for x in entries)[rank - 1]


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_batches_agree_with_a_full_sort(rank):
    v = np.random.default_rng(50).standard_normal((4, 5, 7))
    np.testing.assert_array_equal(smallest_entry(v, rank), np.sort(np.abs(v), axis=-1)[..., rank - 1])


@pytest.mark.parametrize("rank", [0, -1, 1.5, True, "1", math.nan, math.inf])
def test_bad_ranks_are_refused(rank):
    with pytest.raises(ValueError, match="rank must be an integer >= 1"):
        smallest_entry(np.ones(3), rank)
    with pytest.raises(ValueError, match="rank must be an integer >= 1"):
        smallest_entry_below(rank, 3, 0.5)


def test_ranks_beyond_the_length_are_refused():
    with pytest.raises(ValueError, match="rank must be at most the length 3, got 4"):
        smallest_entry(np.ones(3), 4)
    with pytest.raises(ValueError, match="rank must be at most the width 3, got 4"):
        smallest_entry_below(4, 3, 0.5)


@pytest.mark.parametrize("level", [-0.1, math.nan])
def test_bad_levels_are_refused(level):
    with pytest.raises(ValueError, match="level must be >= 0"):
        smallest_entry_below(1, 3, level)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="values must be finite"):
        smallest_entry(np.array([1.0, math.nan]), 1)


@pytest.mark.parametrize("d", [1, 2, 7, 30])
@pytest.mark.parametrize("level", [1e-3, 0.2, 1.0, 2.5])
def test_probability_is_the_binomial_sum_in_exact_fractions(d, level):
    p = Fraction(math.erf(level / math.sqrt(2)))
    for m in range(1, d + 1):
        exact = sum(math.comb(d, j) * p**j * (1 - p) ** (d - j) for j in range(m, d + 1))
        # p is rounded once; the tail is a power of at most d of it, and the function adds some rounding.
        assert smallest_entry_below(m, d, level) == pytest.approx(float(exact), rel=1e-12, abs=0)


@pytest.mark.parametrize(("m", "d", "level"), [(1, 1, 0.7), (1, 12, 0.05), (4, 12, 0.4), (12, 12, 1.8), (20, 60, 0.5)])
def test_probability_agrees_with_monte_carlo(m, d, level):
    trials = 20000
    g = np.random.default_rng([51, m, d]).standard_normal((trials, d))
    low, high = clopper_pearson(int((smallest_entry(g, m) < level).sum()), trials, 1e-4)
    assert low <= smallest_entry_below(m, d, level) <= high
    # Narrow enough to tell something: six standard deviations of a frequency are below 0.022.
    assert high - low < 0.03


def test_levels_zero_and_infinity_give_zero_and_one():
    assert smallest_entry_below(2, 5, 0.0) == 0.0
    assert smallest_entry_below(5, 5, math.inf) == 1.0


def test_probability_falls_with_the_rank_and_grows_with_the_level():
    by_rank = [smallest_entry_below(m, 10, 0.6) for m in range(1, 11)]
    by_level = [smallest_entry_below(4, 10, level) for level in (0.1, 0.3, 0.9, 2.0)]
    assert sorted(by_rank, reverse=True) == by_rank
    assert sorted(by_level) == by_level


def test_chernoff_exponent_is_0_3178():
    assert pytest.approx(0.31788, abs=1e-5) == CHERNOFF_EXPONENT


@pytest.mark.parametrize("d", [1, 2, 3, 10, 50, 300])
def test_chernoff_bound_holds_at_every_rank(d):
    for m in range(1, d + 1):
        assert smallest_entry_below(m, d, m / (2 * d)) <= math.exp(-CHERNOFF_EXPONENT * m)


def test_chernoff_exponent_is_sharp_for_many_neurons():
    m, d = 400, 10**6
    rate = -math.log(smallest_entry_below(m, d, m / (2 * d))) / m
    # A binomial tail differs from its exponential rate by a factor of order sqrt(m): log(50)/400 = 0.01.
    assert CHERNOFF_EXPONENT <= rate <= CHERNOFF_EXPONENT + 0.01
