import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from untrained.theory.objects import sparse_norms as sn


def largest_energy(rng, s, d, trials):
    """Draws of max over |S| = s of ||g_S||^2."""
    return np.sort(rng.standard_normal((trials, d)) ** 2, axis=-1)[:, d - s :].sum(axis=-1)


@pytest.mark.parametrize("share", [1e-12, 1e-4, 0.05, 0.3, 0.7, 0.999, 1.0])
def test_energy_of_largest_is_the_integral_of_the_tail(share):
    t = float(stats.norm.isf(share / 2))
    inside = quad(lambda x: 2 * x * x * stats.norm.pdf(x), t, t + 15, epsabs=0, epsrel=1e-12)[0]
    # Beyond t + 15 there is less than e^{-110} of the whole.
    assert sn.energy_of_largest(share) == pytest.approx(inside, rel=1e-9)


def test_energy_of_nothing_is_zero_and_of_everything_one():
    assert sn.energy_of_largest(0.0) == 0.0
    assert sn.energy_of_largest(1.0) == 1.0


def test_energy_is_increasing_and_concave():
    energy = np.array([sn.energy_of_largest(p) for p in np.linspace(0, 1, 201)])
    assert (np.diff(energy) > 0).all()
    assert (np.diff(energy, 2) < 0).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, math.inf])
def test_bad_shares_are_refused(share):
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\]"):
        sn.energy_of_largest(share)


@pytest.mark.parametrize("d", [1, 2, 10, 1000])
def test_squared_width_of_all_columns_is_the_width(d):
    assert sn.squared_width_exact(d, d) == d


def test_squared_width_of_one_of_two_is_one_plus_two_over_pi():
    # max(a, b) = (a + b + |a - b|)/2 and E |g_1^2 - g_2^2| = E |uv| = 4/pi with u, v ~ N(0, 2), over 2.
    assert sn.squared_width_exact(1, 2) == pytest.approx(1 + 2 / math.pi, rel=1e-9)


@pytest.mark.parametrize("d", [2, 5, 40])
def test_dropping_the_smallest_of_d_matches_its_own_integral(d):
    # E min g^2 = integral of P(g^2 > x)^d, an independent route to s = d - 1.
    smallest = quad(lambda t: 2 * t * math.erfc(t / math.sqrt(2)) ** d, 0, 10, epsabs=0, epsrel=1e-11)[0]
    assert sn.squared_width_exact(d - 1, d) == pytest.approx(d - smallest, rel=1e-8)


@pytest.mark.parametrize("d", [3, 10, 200])
def test_largest_of_d_matches_its_own_integral(d):
    # E max g^2 = integral of P(max g^2 > x), an independent route to s = 1.
    def above(t):
        return 2 * t * -math.expm1(d * math.log1p(-math.erfc(t / math.sqrt(2)))) if t > 0 else 0.0

    largest = quad(above, 0, 4)[0] + quad(above, 4, 14)[0]
    assert sn.squared_width_exact(1, d) == pytest.approx(largest, rel=1e-7)


@pytest.mark.parametrize(("s", "d"), [(1, 6), (3, 6), (5, 6), (1, 50), (7, 50), (30, 200)])
def test_squared_width_agrees_with_monte_carlo(s, d):
    draws = largest_energy(np.random.default_rng([60, s, d]), s, d, 20000)
    assert stats.ttest_1samp(draws, sn.squared_width_exact(s, d)).pvalue > 1e-4


@pytest.mark.parametrize("d", [1, 2, 5, 17, 60])
def test_duality_bounds_the_exact_width_at_every_sparsity(d):
    for s in range(1, d + 1):
        assert math.sqrt(sn.squared_width_exact(s, d)) <= sn.width_by_duality(s, d) * (1 + 1e-10)


@pytest.mark.parametrize("s", [1, 3, 10, 100, 500, 999, 1000])
def test_duality_is_tight_within_five_percent_at_a_thousand(s):
    exact = math.sqrt(sn.squared_width_exact(s, 1000))
    assert exact <= sn.width_by_duality(s, 1000) * (1 + 1e-10)
    assert sn.width_by_duality(s, 1000) <= 1.05 * exact


def test_bound_with_the_linear_term_dominates_duality_on_a_dense_grid():
    shares = np.concatenate([np.linspace(1e-6, 1, 5001), np.geomspace(1e-200, 1e-6, 500)])
    for p in shares:
        # Both squares are per coordinate; a width of 1 makes the sparsity the share.
        assert math.sqrt(sn.energy_of_largest(p)) <= sn.width_bound(p, 1) * (1 + 1e-12)


def test_printed_bound_holds_up_to_a_share_of_0_18():
    for p in np.concatenate([np.linspace(1e-6, 0.18, 2001), np.geomspace(1e-200, 1e-6, 300)]):
        assert math.sqrt(sn.energy_of_largest(p)) <= sn.width_bound(p, 1, linear=0)


@pytest.mark.parametrize("d", [1, 10, 1000])
def test_printed_bound_fails_for_all_columns(d):
    assert sn.width_bound(d, d, linear=0) == 0.0
    assert sn.squared_width_exact(d, d) > 0


def test_printed_bound_fails_even_against_the_exact_width_at_half():
    assert sn.width_bound(500, 1000, linear=0) ** 2 < sn.squared_width_exact(500, 1000)


def test_width_bound_is_the_printed_formula():
    assert sn.width_bound(3, 50, linear=0) == pytest.approx(math.sqrt(6 * math.log(50 / 3)), rel=1e-15)
    assert sn.width_bound(3, 50) == pytest.approx(math.sqrt(6 * math.log(50 / 3) + 3), rel=1e-15)


@pytest.mark.parametrize(("s", "d"), [(0, 5), (-1, 5), (6, 5), (math.nan, 5), (1, math.nan)])
def test_width_bound_refuses_sparsities_outside_the_width(s, d):
    with pytest.raises(ValueError, match=r"sparsity must lie in \(0, width\]"):
        sn.width_bound(s, d)


@pytest.mark.parametrize("function", [sn.width_by_duality, sn.squared_width_exact])
def test_sparsities_that_are_not_positive_integers_are_refused(function):
    for bad in (0, -2, 1.5, True):
        with pytest.raises(ValueError, match="sparsity must be an integer >= 1"):
            function(bad, 5)
        with pytest.raises(ValueError, match="width must be an integer >= 1"):
            function(1, bad)


def test_sparsities_above_the_width_are_refused():
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\]"):
        sn.width_by_duality(6, 5)
    with pytest.raises(ValueError, match="sparsity must be at most the width 5, got 6"):
        sn.squared_width_exact(6, 5)
    with pytest.raises(ValueError, match="sparsity must be at most the width 5, got 6"):
        sn.largest_norm_exhaustive(np.ones((2, 5)), 6)


@pytest.mark.parametrize("sparsity", [0, -1, 1.5])
def test_exhaustive_norm_refuses_bad_sparsities(sparsity):
    with pytest.raises(ValueError, match="sparsity must be an integer >= 1"):
        sn.largest_norm_exhaustive(np.ones((2, 5)), sparsity)


def test_exhaustive_norm_in_its_two_closed_cases():
    V = np.random.default_rng(61).standard_normal((3, 6))
    assert sn.largest_norm_exhaustive(V, 1) == pytest.approx(np.linalg.norm(V, axis=0).max(), rel=1e-13)
    assert sn.largest_norm_exhaustive(V, 6) == pytest.approx(np.linalg.norm(V, 2), rel=1e-13)


def test_exhaustive_norm_grows_with_the_sparsity():
    V = np.random.default_rng(62).standard_normal((3, 7))
    norms = [sn.largest_norm_exhaustive(V, s) for s in range(1, 8)]
    # Adding a column cannot lower the norm, up to rounding.
    assert all(b >= a * (1 - 1e-13) for a, b in pairwise(norms))


@pytest.mark.parametrize(("n", "d", "s"), [(1, 5, 2), (3, 6, 2), (2, 7, 5), (4, 4, 4)])
def test_chevet_bounds_the_mean_largest_norm(n, d, s):
    rng = np.random.default_rng([63, n, d, s])
    norms = [sn.largest_norm_exhaustive(rng.standard_normal((n, d)), s) for _ in range(300)]
    bound = math.sqrt(n) + math.sqrt(sn.squared_width_exact(s, d))
    assert stats.ttest_1samp(norms, bound, alternative="greater").pvalue > 1e-4
    # Not a factor of two above the mean, so that a bound lost by half would be seen.
    assert bound < 2 * np.mean(norms)
