"""Laws of suprema against enumeration, integration and simulation."""

import math
from itertools import product

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from scipy import integrate, stats

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.laws import suprema
from untrained.theory.objects import sign_changes, sparse_norms


def ends(x):
    return float(x.lower()), float(x.upper())


def assert_holds(law, counted, trials):
    """The ball and a Clopper-Pearson interval at 1e-6 meet."""
    low, high = clopper_pearson(int(counted), trials, 1e-6)
    bottom, top = ends(law)
    assert bottom <= high
    assert top >= low


@pytest.mark.parametrize(("count", "level"), [(1, 0.3), (1, 5.0), (2, 1.0), (7, 3.0), (1000, 33.0)])
def test_the_chi_tail_is_scipys(count, level):
    assert float(suprema.chi_above(count, arb(level))) == pytest.approx(stats.chi.sf(level, count), rel=1e-12)


@pytest.mark.parametrize("level", [-1.0, 0.0])
def test_a_norm_exceeds_what_is_below_zero(level):
    assert suprema.chi_above(3, arb(level)).overlaps(arb(1))


@pytest.mark.parametrize("count", [1, 2, 3, 50, 10**6])
def test_the_mean_of_chi(count):
    assert float(suprema.chi_mean(count)) == pytest.approx(
        stats.chi.mean(count) if count < 100 else math.sqrt(count - 0.5), rel=1e-6
    )


def test_one_row_and_one_column_have_the_same_norm_as_wishart_gives():
    from untrained.theory.laws.wishart import largest_eigenvalue_above

    for n, d in ((1, 6), (6, 1)):
        assert float(suprema.norm_above(n, d, arb(3.5))) == pytest.approx(
            float(largest_eigenvalue_above(n, d, arb(3.5) ** 2)), rel=1e-10
        )


def test_the_longest_column_by_its_product():
    below = stats.chi.cdf(2.5, 3) ** 20
    assert float(suprema.longest_column_above(3, 20, arb(2.5))) == pytest.approx(1 - below, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 9, 40])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.9])
def test_binomial_tails_are_sums(d, p):
    for m in range(d + 2):
        slow = sum(math.comb(d, k) * p**k * (1 - p) ** (d - k) for k in range(m, d + 1))
        low, high = ends(suprema.binomial_above(d, m, arb(p)))
        assert low * (1 - 1e-12) <= slow <= high * (1 + 1e-12)
        assert high - low <= 1e-12 * max(high, 1e-300)


@pytest.mark.parametrize(("d", "m", "p"), [(10**6, 250_500, 0.25), (10**6, 249_000, 0.25), (10**5, 40, 1e-4)])
def test_long_binomial_tails_are_scipys(d, m, p):
    low, high = ends(suprema.binomial_above(d, m, arb(p)))
    slow = stats.binom.sf(m - 1, d, p)
    assert low * (1 - 1e-8) <= slow <= high * (1 + 1e-8)


def test_a_rare_binomial_tail_keeps_its_digits():
    law = suprema.binomial_above(10**12, 10**6, arb(10) ** -7)
    d, m, p = 10**12, 10**6, arb(10) ** -7
    with ctx.workprec(512):
        mass = (
            arb(d + 1).lgamma() - arb(d - m + 1).lgamma() - arb(m + 1).lgamma() + m * p.log() + (d - m) * (1 - p).log()
        )
        assert 0 < float(law.log() - mass) < 0.2


@pytest.mark.parametrize(
    ("d", "k", "radius"), [(5, 1, 0.2), (5, 2, 0.5), (20, 3, 0.2), (60, 12, 1.0), (60, 16, 1.0), (60, 30, 1.0)]
)
def test_the_worst_count_lies_where_simulation_puts_it(d, k, radius):
    trials = 20_000
    g = np.random.default_rng([5, d, k]).standard_normal((trials, d))
    counted = np.sum(sign_changes.worst_count(g, radius) >= k)
    low, high = clopper_pearson(int(counted), trials, 1e-6)
    assert float(suprema.changes_at_least(d, k, arb(radius), arb(0)).lower()) <= high
    assert float(suprema.changes_at_least(d, k, arb(radius), arb(1)).upper()) >= low


@pytest.mark.parametrize(
    ("d", "k", "radius"), [(5, 1, 0.2), (20, 2, 0.3), (60, 10, 1.0), (60, 14, 1.0), (400, 40, 0.6)]
)
@pytest.mark.parametrize("sides", [1, 2])
def test_chernoffs_bound_is_above_what_simulation_counts(d, k, radius, sides):
    g = np.random.default_rng([6, d, k, sides]).standard_normal((20_000, d))
    costs = np.sort(np.where((sides == 2) | (g > 0), g * g, np.inf), axis=1)[:, :k].sum(axis=1)
    low, high = clopper_pearson(int(np.sum(costs <= radius**2)), 20_000, 1e-6)
    with ctx.workprec(suprema.BITS):
        assert float(suprema._by_transform(d, k, arb(radius), sides)) >= low
    assert float(suprema.changes_at_least(d, k, arb(radius), arb(0), sides).lower()) <= high
    assert float(suprema.changes_at_least(d, k, arb(radius), arb(1), sides).upper()) >= low


@pytest.mark.parametrize(("d", "radius", "k", "sides"), [(50, 0.7, 20, 2), (50, 0.7, 12, 1), (3, 2.0, 3, 2)])
def test_the_transform_of_a_small_square_is_its_integral(d, radius, k, sides, monkeypatch):
    """Chernoff's bound of sum (t^2 - g_l^2)_+ by quadrature, at one a and theta."""
    a, theta = 1.3, 0.6
    monkeypatch.setattr(suprema, "changes_tilt", lambda ratio, sides: (a, theta))
    t = a * (radius * d) ** (2 / 3) / d
    inside = integrate.quad(lambda x: math.expm1(theta * (1 - (x / t) ** 2)) * stats.norm.pdf(x), 0, t)[0]
    slow = math.exp(-theta * (k - (radius / t) ** 2)) * (1 + sides * inside) ** d
    with ctx.workprec(suprema.BITS):
        assert float(suprema._by_transform(d, k, arb(radius), sides)) == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("ratio", [1.4, 1.9, 3.0])
def test_no_other_level_and_exponent_are_better(ratio, sides):
    def rate(a, theta):
        psi = integrate.quad(lambda u: math.expm1(theta * (1 - u * u)), 0, 1)[0]
        return theta * (ratio - 1 / a**2) - sides / math.sqrt(2 * math.pi) * a * psi

    a, theta = suprema.changes_tilt(ratio, sides)
    best = rate(a, theta)
    assert best > 0
    around = [(a * x, theta * y) for x in (0.2, 0.9, 0.999, 1.001, 1.1, 5) for y in (0.2, 0.9, 0.999, 1, 1.001, 1.1, 5)]
    assert all(rate(*other) < best for other in around)


def test_one_change_from_above_is_exact_and_from_below_one_entry_alone():
    p = math.erf(0.1 / math.sqrt(2))
    assert float(suprema.changes_at_least(8, 1, arb(0.1), arb(1))) == pytest.approx(1 - (1 - p) ** 8, rel=1e-12)
    assert float(suprema.changes_at_least(8, 1, arb(0.1), arb(0))) == pytest.approx(8 * p * (1 - p) ** 7, rel=1e-6)


def test_more_changes_than_rows_never_happen():
    assert suprema.changes_at_least(3, 4, arb(100), arb(0)) == 0


@pytest.mark.parametrize("bins", [1, 8, 64])
@pytest.mark.parametrize(("x", "scale"), [(100, 1), (1000, 0.6), (1000, 2)])
def test_each_way_is_below_what_the_event_needs(bins, x, scale):
    d, k = 10**9, 2 * x + 1
    radius = arb(x) ** arb(1.5) / (arb(scale) * d)
    with ctx.workprec(suprema.BITS):
        needed = suprema._needs(d, k, x + 1, radius)
        for way in (suprema._one_way, suprema._likely_way):
            assert way(d, k, radius, bins) <= needed


@pytest.mark.parametrize("share", [fmpq(1, 10**60), fmpq(1, 100), fmpq(18, 100), fmpq(1, 2), fmpq(99, 100)])
def test_the_quantile_is_one(share):
    with ctx.workprec(256):
        assert abs(float(suprema.beyond(suprema.quantile(share)) / arb(share)) - 1) < 1e-12


@pytest.mark.parametrize("t", [0.1, 1.0, 2.5])
def test_moments_beyond_a_level_are_integrals(t):
    for power, ours in ((0, suprema.beyond), (2, suprema.energy_beyond), (4, suprema._fourth_beyond)):
        slow = 2 * integrate.quad(lambda g, k=power: g**k * stats.norm.pdf(g), t, 40)[0]
        assert float(ours(arb(t))) == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize(("d", "s"), [(1000, 1), (1000, 100), (9000, 4000)])
def test_the_mean_of_the_largest_squares_holds_the_order_statistics(d, s):
    low, high = ends(suprema.mean_of_largest_squares(d, s))
    assert low <= sparse_norms.squared_width_exact(s, d) * (1 + 1e-9)
    assert high >= sparse_norms.squared_width_exact(s, d) * (1 - 1e-9)
    assert low > 0.5 * high


def test_bounds_of_the_largest_squares_by_simulation():
    d, s, trials = 4000, 700, 2000
    squares = np.sort(np.random.default_rng(6).standard_normal((trials, d)) ** 2, axis=1)[:, -s:].sum(axis=1)
    for level in np.quantile(squares, [0.001, 0.5, 0.999]):
        assert_holds(suprema.largest_squares_above(d, s, arb(float(level))), np.sum(squares > level), trials)


@pytest.mark.parametrize(("s", "share"), [(0.18, 0.9), (0.18, 1.1)])
def test_the_largest_squares_of_a_wide_row_are_decided(s, share):
    d = 10**12
    mean = float(suprema.energy_beyond(suprema.quantile(fmpq(18, 100)))) * d
    low, high = ends(suprema.largest_squares_above(d, int(s * d), arb(mean * share)))
    assert (low > 0.97) if share < 1 else (high < 1e-6)


@pytest.mark.parametrize("phi", [0.1, 0.7, 1.5])
def test_moments_of_the_cone_are_integrals(phi):
    def mean(f):
        return integrate.quad(lambda a: f(math.cos(a), math.sin(a)), -phi, phi)[0] / math.pi

    slow = (
        2 * mean(lambda c, s: c**2),
        2 * mean(lambda c, s: s**2),
        8 * mean(lambda c, s: c**4),
        8 * mean(lambda c, s: c**2 * s**2),
        8 * mean(lambda c, s: s**4),
    )
    assert [float(x) for x in suprema._cone(arb(phi))] == pytest.approx(slow, rel=1e-9)


def test_a_row_over_the_affordable_sets_by_trying_every_set():
    d, radius, trials = 10, 0.6, 300
    rng = np.random.default_rng(7)
    sets = np.array(list(product((0, 1), repeat=d)))
    v, g = rng.standard_normal((2, trials, d))
    best = np.array([np.max(sets @ (a * a) * (sets @ (b * b) <= radius**2)) for a, b in zip(v, g, strict=True)])
    for level in np.sqrt(np.quantile(best, [0.05, 0.5, 0.95])):
        assert_holds(suprema.row_above(d, arb(radius), arb(float(level))), np.sum(best > level**2), trials)


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_a_wide_row_over_the_affordable_sets_is_decided(factor):
    d, budget = 10**20, 0.05
    angle = suprema._angle(budget)
    typical = math.sqrt(float(suprema._cone(angle)[0]) * d)
    low, high = ends(suprema.row_above(d, arb(budget * d).sqrt(), arb(typical * factor)))
    assert (low > 0.999) if factor < 1 else (high < 0.001)
