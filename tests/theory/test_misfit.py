import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import iti0k0

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.laws import misfit as mf
from untrained.theory.objects import relu_generator as rg


def mixture(n, d, given_energy):
    """E F(Y) without the atom: a sum over the number of active neurons, each by adaptive quadrature."""
    total = 0.0
    for s in range(1, d + 1):
        edges = np.linspace(-14.0, math.log(stats.chi2.isf(1e-32, s)), 9)

        def integrand(x, s=s):
            Y = math.exp(x)
            return stats.chi2.pdf(Y, s) * Y * given_energy(Y)

        parts = (quad(integrand, a, b, epsabs=1e-16, epsrel=1e-9)[0] for a, b in pairwise(edges))
        total += math.comb(d, s) / 2**d * sum(parts)
    return total


def slow_output(n, d, factor):
    """P(chi2_n Y > factor^2 d n)."""
    return mixture(n, d, lambda Y: stats.chi2.sf(factor**2 * d * n / Y, n))


def slow_misfit(n, d, factor):
    """P(tau ncx2_n(1/tau) > factor^2), tau = Y/(dn): zero for tau < 1e-4: it needs 20 deviations."""

    def tail(Y):
        tau = Y / (d * n)
        return stats.ncx2.sf(factor**2 / tau, n, 1 / tau) if tau > 1e-4 else 0.0

    return mixture(n, d, tail)


def drawn(n, d, trials):
    """Outputs relative to ||y||, straight from the definition of the network, with k = 2, and y/||y||."""
    rng = np.random.default_rng([70, n, d])
    y, z = rng.standard_normal(n), rng.standard_normal(2)
    W = rng.standard_normal((trials, d, 2))
    V = float(rg.output_scale(y, z, d)) * rng.standard_normal((trials, n, d))
    return rg.output(V, W, z) / np.linalg.norm(y), y / np.linalg.norm(y)


MONTE_CARLO = [(1, 1, 1.2), (1, 6, 1.5), (5, 1, 1.2), (4, 4, 1.3), (12, 20, 1.1)]


@pytest.mark.parametrize(("n", "d", "factor"), MONTE_CARLO)
def test_output_probability_agrees_with_drawn_networks(n, d, factor):
    out, _ = drawn(n, d, 20000)
    low, high = clopper_pearson(int((np.linalg.norm(out, axis=-1) > factor).sum()), 20000, 1e-4)
    assert low <= mf.output_exceeds(n, d, factor) <= high
    assert 0 < low < high < 0.5


@pytest.mark.parametrize(("n", "d", "factor"), MONTE_CARLO)
def test_misfit_probability_agrees_with_drawn_networks(n, d, factor):
    out, y = drawn(n, d, 20000)
    low, high = clopper_pearson(int((np.linalg.norm(out - y, axis=-1) > factor).sum()), 20000, 1e-4)
    assert low <= mf.misfit_exceeds(n, d, factor) <= high
    assert 0 < low < high < 1


@pytest.mark.parametrize(("n", "d", "factor"), [(1, 1, 2.0), (3, 5, 1.5), (10, 3, 2.0), (30, 10, 2.0), (4, 12, 4.0)])
def test_output_probability_agrees_with_a_slow_mixture(n, d, factor):
    # The slow twin asks for 1e-9 relative on each piece.
    assert mf.output_exceeds(n, d, factor) == pytest.approx(slow_output(n, d, factor), rel=1e-8)


@pytest.mark.parametrize(("n", "d", "factor"), [(300, 3, 4.0), (300, 10, 2.0), (1000, 8, 1.2)])
def test_output_probability_resolves_the_sharp_step_of_many_rows(n, d, factor):
    assert mf.output_exceeds(n, d, factor) == pytest.approx(slow_output(n, d, factor), rel=1e-8)


@pytest.mark.parametrize(("n", "d", "factor"), [(1, 1, 3.0), (3, 5, 1.5), (10, 3, 3.0), (4, 8, 1.2)])
def test_misfit_probability_agrees_with_a_slow_mixture(n, d, factor):
    # 1e-11 for the quadrature of the slow twin, whose pieces are asked for 1e-9 of at most 1/2 or so.
    assert mf.misfit_exceeds(n, d, factor) == pytest.approx(slow_misfit(n, d, factor), rel=1e-8, abs=1e-11)


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 2.0, 5.0])
def test_one_row_and_one_neuron_put_out_a_product_of_two_normals(factor):
    # |g| (g')_+ exceeds f with half the probability of |g g'| > f, whose density is (2/pi) K_0.
    exact = 0.5 - float(iti0k0(factor)[1]) / math.pi
    assert mf.output_exceeds(1, 1, factor) == pytest.approx(exact, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("factor", [1.001, 1.2, 2.0, 4.0])
def test_misfit_of_one_row_and_one_neuron_is_a_shifted_product_of_normals(factor):
    # |X - 1| > f means X > f + 1 or X < 1 - f; X is 0 half the time and else a symmetric product.
    beyond = [0.5 - float(iti0k0(x)[1]) / math.pi for x in (factor + 1, factor - 1)]
    assert mf.misfit_exceeds(1, 1, factor) == pytest.approx(sum(beyond) / 2, abs=1e-12)


@pytest.mark.parametrize("d", [1, 2, 10, 60, 99, 108, 150, 1000])
@pytest.mark.parametrize("n", [1, 50])
def test_output_vanishes_exactly_when_every_neuron_is_off(n, d):
    assert mf.output_exceeds(n, d, 0.0) == pytest.approx(1 - 0.5**d, rel=1e-10)


@pytest.mark.parametrize("d", [1, 2, 10, 60, 105, 200])
def test_law_of_the_relu_energy_has_mass_one_mean_and_second_moment(d):
    # E (g_+)^2 = 1/2 and E (g_+)^4 = 3/2, so Var Y = 5d/4; the atom at 0 is what completes the mass.
    assert mf._over_energy(d, np.ones_like) == pytest.approx(1, rel=1e-10)
    assert mf._over_energy(d, lambda Y: Y) == pytest.approx(d / 2, rel=1e-10)
    assert mf._over_energy(d, np.square) == pytest.approx(5 * d / 4 + d * d / 4, rel=1e-10)


def test_probabilities_fall_with_the_factor():
    factors = [1.05, 1.3, 1.8, 2.5, 4.0]
    for function in (mf.output_exceeds, mf.misfit_exceeds):
        values = [function(6, 9, f) for f in factors]
        assert sorted(values, reverse=True) == values
        assert values[0] > values[-1]


def test_misfit_beyond_three_is_rarer_than_output_beyond_two():
    # By the triangle inequality ||f - y|| > 3 ||y|| forces ||f|| > 2 ||y||.
    for n, d in [(1, 1), (2, 9), (9, 2), (15, 15)]:
        assert mf.misfit_exceeds(n, d, 3.0) <= mf.output_exceeds(n, d, 2.0)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0, 1.7, 4.0, 30.0])
def test_chi_square_rate_is_the_legendre_transform(ratio):
    t = 0.5 - np.geomspace(1e-4, 20, 200001)
    brute = (t * ratio + np.log1p(-2 * t) / 2).max()
    # Grid ratio 1.00006 about the maximum: the relative loss is its square.
    assert brute <= mf.chi_square_rate(ratio) + 1e-12
    assert brute == pytest.approx(mf.chi_square_rate(ratio), abs=1e-7)


@pytest.mark.parametrize("ratio", [0.5, 0.6, 1.0, 2.0, 4.0, 25.0])
def test_relu_energy_rate_is_the_legendre_transform(ratio):
    t = 0.5 - np.geomspace(1e-4, 0.5, 200001)
    brute = (t * ratio - np.log(0.5 + 0.5 / np.sqrt(1 - 2 * t))).max()
    assert brute <= mf.relu_energy_rate(ratio) + 1e-12
    assert brute == pytest.approx(mf.relu_energy_rate(ratio), abs=1e-7)


def test_rates_vanish_at_the_means():
    assert mf.chi_square_rate(1.0) == 0.0
    # The search stops at a t of about 1e-9, where the rate is of the order of its square.
    assert mf.relu_energy_rate(0.5) <= 1e-12
    assert mf.relu_energy_rate(0.3) <= 1e-8


@pytest.mark.parametrize("d", [1, 4, 25])
@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.5, 4.0])
def test_relu_energy_rate_bounds_the_tail_of_the_energy(d, ratio):
    tail = sum(math.comb(d, s) / 2**d * stats.chi2.sf(ratio * d, s) for s in range(1, d + 1))
    assert tail <= math.exp(-d * mf.relu_energy_rate(ratio))


@pytest.mark.parametrize("n", [1, 5, 60])
@pytest.mark.parametrize("ratio", [1.0, 1.3, 2.0, 5.0])
def test_chi_square_rate_bounds_the_tail_of_a_chi_square(n, ratio):
    assert stats.chi2.sf(ratio * n, n) <= math.exp(-n * mf.chi_square_rate(ratio))


@pytest.mark.parametrize("aspect", [0.01, 0.3, 1.0, 5.0, 100.0])
def test_product_rate_is_the_least_over_all_splittings(aspect):
    splits = np.linspace(0.5, 4, 3001)
    brute = min(mf.chi_square_rate(4 / a) + aspect * mf.relu_energy_rate(a) for a in splits)
    # Second-order loss of a grid of mesh 0.0012 times curvatures up to about 100.
    assert mf.product_rate(aspect) <= brute + 1e-12
    assert mf.product_rate(aspect) == pytest.approx(brute, abs=1e-4)


def test_product_rate_of_a_square_network_is_just_above_one_half():
    assert 0.5 <= mf.product_rate(1.0) < 0.501


def test_product_rate_grows_with_the_aspect():
    rates = [mf.product_rate(r) for r in (0.1, 0.5, 1.0, 2.0, 10.0)]
    assert sorted(rates) == rates


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("d", [1, 3, 10, 40, 120])
def test_product_rate_bounds_the_exact_probability(n, d):
    assert mf.output_exceeds(n, d, 2.0) <= math.exp(-n * mf.product_rate(d / n))


@pytest.mark.parametrize("function", [mf.output_exceeds, mf.misfit_exceeds])
@pytest.mark.parametrize("bad", [0, -3, 2.5, True, "4", math.nan])
def test_bad_sizes_are_refused(function, bad):
    with pytest.raises(ValueError, match="rows must be an integer >= 1"):
        function(bad, 3, 2.0)
    with pytest.raises(ValueError, match="width must be an integer >= 1"):
        function(3, bad, 2.0)


@pytest.mark.parametrize("factor", [-0.1, math.nan])
def test_bad_output_factors_are_refused(factor):
    with pytest.raises(ValueError, match="factor must be >= 0"):
        mf.output_exceeds(3, 3, factor)


@pytest.mark.parametrize("factor", [1.0, 0.5, -2.0, math.nan])
def test_bad_misfit_factors_are_refused(factor):
    with pytest.raises(ValueError, match="factor must be > 1"):
        mf.misfit_exceeds(3, 3, factor)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_bad_ratios_are_refused(bad):
    with pytest.raises(ValueError, match="ratio must be > 0"):
        mf.chi_square_rate(bad)
    with pytest.raises(ValueError, match="ratio must be > 0"):
        mf.relu_energy_rate(bad)
    with pytest.raises(ValueError, match="aspect must be > 0"):
        mf.product_rate(bad)
