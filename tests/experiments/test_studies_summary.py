import math

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import chi2

from untrained.sims.experiments.studies.common import crossing, trend

X = np.linspace(-2.0, 3.0, 9)


def log_likelihood(at, slope, k, m):
    logit = slope * (X - at)
    return (k * np.log(expit(logit)) + (m - k) * np.log(expit(-logit))).sum()


def test_crossing_is_the_likeliest_place_and_its_interval_what_the_ratio_keeps() -> None:
    m = np.full(9, 30)
    k = np.random.default_rng(0).binomial(m, expit(1.7 * (X - 0.4)))
    fit = crossing(X, k, m)
    places, slopes = np.linspace(-0.2, 1, 241), np.geomspace(0.5, 8, 200)
    table = np.array([max(log_likelihood(a, s, k, m) for s in slopes) for a in places])
    interval = places[table >= table.max() - chi2.isf(0.05, 1) / 2]
    assert fit.at == pytest.approx(places[table.argmax()], abs=0.01)
    assert (fit.low, fit.high) == pytest.approx((interval[0], interval[-1]), abs=0.01)
    assert log_likelihood(fit.at, fit.slope, k, m) == pytest.approx(table.max(), abs=1e-3)


def test_interval_of_a_crossing_holds_the_truth_as_often_as_it_says() -> None:
    generator, m, held = np.random.default_rng(1), np.full(9, 20), 0
    for _ in range(120):
        fit = crossing(X, generator.binomial(m, expit(1.7 * (X - 0.4))), m)
        held += fit.low <= 0.4 <= fit.high
    assert 104 <= held <= 119


def test_a_jump_is_placed_between_its_sides() -> None:
    fit = crossing(np.arange(6.0), np.array([0, 0, 0, 9, 9, 9]), np.full(6, 9))
    assert 2 <= fit.low < fit.at < fit.high <= 3


@pytest.mark.parametrize("k", [[0, 0, 0], [5, 5, 5], [0, 1, 1], [4, 5, 5], [5, 3, 0]])
def test_no_crossing_where_no_share_passes_one_half_on_the_way_up(k: list[int]) -> None:
    assert crossing(np.arange(3.0), np.array(k), np.full(3, 5)) is None


@pytest.mark.parametrize(
    ("x", "k", "m", "level", "message"),
    [
        ([1, 2], [1], [2, 2], 0.05, "must be of one shape"),
        ([], [], [], 0.05, "must be of one shape"),
        ([1, 2], [1, 3], [2, 2], 0.05, "between 0 and trials"),
        ([1, 2], [1, 2], [2, 2], 1.0, "strictly between 0 and 1, got 1.0"),
    ],
)
def test_impossible_counts_are_refused(x, k, m, level, message) -> None:
    with pytest.raises(ValueError, match=message):
        crossing(np.array(x), np.array(k), np.array(m), level=level)


def test_trend_is_the_weighted_least_squares_line_with_its_error() -> None:
    x, v, e = np.array([1.0, 2, 3, 5]), np.array([2.0, 2.5, 3.4, 4.1]), np.array([0.4, 0.2, 0.3, 0.5])
    (slope, _), covariance = np.polyfit(x, v, 1, w=1 / e, cov="unscaled")
    line = trend(x, v, e)
    assert line.slope == pytest.approx(slope)
    assert line.high - line.low == pytest.approx(2 * 1.959964 * math.sqrt(covariance[0, 0]))


def test_trend_is_widened_where_values_scatter() -> None:
    x, v = np.arange(4.0), np.array([0.0, 3.0, -3.0, 0.0])
    (_, _), covariance = np.polyfit(x, v, 1, w=np.full(4, 100.0), cov=True)
    line = trend(x, v, np.full(4, 0.01))
    assert line.high - line.low == pytest.approx(2 * 1.959964 * math.sqrt(covariance[0, 0]))


def test_trend_needs_three_places_and_positive_errors() -> None:
    with pytest.raises(ValueError, match="three different x"):
        trend(np.array([1.0, 1, 2]), np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="errors must be above 0"):
        trend(np.arange(3.0), np.ones(3), np.array([1.0, 0, 1]))
