import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from scipy import integrate, stats

from untrained.theory.laws.masked import masked_smallest_below, masked_smallest_decides, smallest_sufficient_width
from untrained.theory.laws.wishart import eigenvalues_inside, largest_eigenvalue_above, smallest_eigenvalue_below
from untrained.theory.proof.balls import ends


def holds_float(ball, value, relative=1e-9):
    """Whether a float computed elsewhere agrees with a ball."""
    low, high = ends(ball)
    return low * (1 - relative) <= value <= high * (1 + relative)


def two_by_two_box(s, a, b):
    """P(both eigenvalues of W_2(s) in [a, b]) by nested quadrature of the joint density."""

    def inner(y, low):
        def density(x):
            return (x * y) ** ((s - 3) / 2) * math.exp(-(x + y) / 2) * (y - x)

        return integrate.quad(density, low, y, epsabs=0, epsrel=1e-11)[0]

    def box(low, high):
        return integrate.quad(lambda y: inner(y, low), low, high, epsabs=0, epsrel=1e-10)[0]

    return box(a, b) / box(0.0, 40.0 + 10.0 * s)


def brute_mixture(n, d, level):
    """The law of the masked matrix, summed over every subset size with exact weights."""
    with ctx.workprec(200):
        total = arb(0)
        for s in range(d + 1):
            weight = arb(fmpq(math.comb(d, s), 2**d))
            total += weight * smallest_eigenvalue_below(n, s, level, relative_bits=80)
        return total


@pytest.mark.parametrize("s", [1, 2, 5, 40, 1000])
@pytest.mark.parametrize("ratio", [0.05, 0.7, 1.0, 1.6])
def test_one_row_is_chi_square(s, ratio):
    level = ratio * s
    assert holds_float(smallest_eigenvalue_below(1, s, level), stats.chi2.cdf(level, s))
    assert holds_float(largest_eigenvalue_above(1, s, level), stats.chi2.sf(level, s))
    assert holds_float(largest_eigenvalue_above(s, 1, level), stats.chi2.sf(level, s))


@pytest.mark.parametrize(("s", "a", "b"), [(3, 0.5, 4.0), (4, 0.2, 9.0), (7, 2.0, 12.0), (8, 0.0, 5.0)])
def test_two_rows_match_quadrature_of_the_joint_density(s, a, b):
    assert holds_float(eigenvalues_inside(2, s, a, b), two_by_two_box(s, a, b), 1e-7)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 16, 33, 64])
@pytest.mark.parametrize("level", [Fraction(1, 10**30), Fraction(1, 50), Fraction(3)])
def test_one_more_column_than_rows_gives_an_exponential_law(n, level):
    # With s = n + 1 the density has no power of x, so shifting the box shows P(smallest > t) = exp(-n t/2).
    ball = smallest_eigenvalue_below(n, n + 1, level)
    with ctx.workprec(3000):
        exact = 1 - (arb(fmpq(-n * level.numerator, 2 * level.denominator))).exp()
        assert ball.contains(exact)
        assert ball.rel_accuracy_bits() >= 40


def test_three_rows_match_monte_carlo():
    rng = np.random.default_rng(20240501)
    s, trials, below, above = 6, 40_000, 1.5, 14.0
    v = rng.standard_normal((trials, 3, s))
    values = np.linalg.eigvalsh(v @ v.transpose(0, 2, 1))
    cases = [
        (smallest_eigenvalue_below(3, s, below), values[:, 0] < below),
        (largest_eigenvalue_above(3, s, above), values[:, -1] > above),
        (eigenvalues_inside(3, s, below, above), (values[:, 0] >= below) & (values[:, -1] <= above)),
    ]
    for ball, hits in cases:
        interval = stats.binomtest(int(hits.sum()), trials).proportion_ci(0.9999, method="exact")
        assert interval.low < float(ball) < interval.high
        assert 0.05 < float(ball) < 0.95


@pytest.mark.parametrize("n", [2, 3, 10, 17])
@pytest.mark.parametrize("s", [20, 33, 90])
def test_inside_everything_has_probability_one_and_parts_are_nested(n, s):
    with ctx.workprec(200):
        assert eigenvalues_inside(n, s, 0, None, relative_bits=60).contains(1)
    a, b = 0.8 * (math.sqrt(s) - math.sqrt(n)) ** 2, 1.2 * (math.sqrt(s) + math.sqrt(n)) ** 2
    both = eigenvalues_inside(n, s, a, b)
    above, below = smallest_eigenvalue_below(n, s, a), largest_eigenvalue_above(n, s, b)
    with ctx.workprec(200):
        assert 1 - above - below < both < 1 - above


def test_tail_has_relative_accuracy():
    ball = smallest_eigenvalue_below(16, 1600, 800)
    finer = smallest_eigenvalue_below(16, 1600, 800, relative_bits=300)
    assert ball.contains(finer)
    assert finer.rel_accuracy_bits() >= 300
    assert ball.rel_accuracy_bits() >= 40
    assert 1e-53 < float(ball) < 1e-52


@pytest.mark.parametrize("n", [2, 5, 12])
def test_law_decreases_in_columns(n):
    laws = [smallest_eigenvalue_below(n, s, 4.0) for s in range(n - 1, n + 20)]
    assert laws[0] == 1
    assert all(later < earlier for earlier, later in pairwise(laws))


def test_fewer_columns_than_rows():
    assert smallest_eigenvalue_below(5, 3, 1e-9) == 1
    assert smallest_eigenvalue_below(5, 3, 0) == 0
    assert eigenvalues_inside(5, 3, 0.1, 9.0) == 0
    assert eigenvalues_inside(5, 0, 0, 1) == 1
    assert largest_eigenvalue_above(5, 0, 1) == 0
    assert largest_eigenvalue_above(5, 3, 9.0).overlaps(largest_eigenvalue_above(3, 5, 9.0))
    assert eigenvalues_inside(5, 3, 0, 9.0).overlaps(eigenvalues_inside(3, 5, 0, 9.0))


def test_levels_of_every_kind_agree():
    kinds = [2, 2.0, Fraction(2), arb(2)]
    laws = [smallest_eigenvalue_below(4, 9, kind) for kind in kinds]
    assert all(law.overlaps(laws[0]) for law in laws)
    assert eigenvalues_inside(3, 5, 2, 2) == 0


def test_global_precision_is_restored():
    before = ctx.prec
    smallest_eigenvalue_below(4, 9, 1.0)
    masked_smallest_below(2, 6, 1.0)
    with pytest.raises(ArithmeticError):
        smallest_eigenvalue_below(2, 5, arb(1, 0.01))
    assert ctx.prec == before


@pytest.mark.parametrize(("n", "d", "level"), [(1, 1, 0.25), (2, 9, 2.25), (3, 40, 10), (5, 120, 30), (4, 3, 1)])
def test_mixture_matches_the_sum_over_every_size(n, d, level):
    whole = brute_mixture(n, d, level)
    part = masked_smallest_below(n, d, level, relative_width=1e-6)
    low, high = ends(part)
    assert part.overlaps(whole)
    assert high - low <= 1.1e-6 * high
    assert masked_smallest_below(n, d, level, relative_width=0.3).overlaps(whole)


def test_mixture_is_decided_on_both_sides():
    exact = float(brute_mixture(4, 100, 25))
    assert masked_smallest_decides(4, 100, 25, 1.001 * exact) is True
    assert masked_smallest_decides(4, 100, 25, 0.999 * exact) is False
    assert masked_smallest_decides(4, 100, 25, 1) is True
    assert masked_smallest_decides(4, 100, 25, Fraction(0)) is False


def test_undecidable_limit_is_refused():
    with pytest.raises(ArithmeticError, match="undecided"):
        masked_smallest_decides(2, 9, 2.25, brute_mixture(2, 9, 2.25))


@pytest.mark.parametrize(("n", "width"), [(1, 1), (2, 31), (4, 149), (8, 413)])
def test_smallest_sufficient_width(n, width):
    assert smallest_sufficient_width(n) == width
    with ctx.workprec(200):
        limit = 2 * arb(-n).exp()
        assert brute_mixture(n, width, Fraction(width, 4)) <= limit
        assert width == n or brute_mixture(n, width - 1, Fraction(width - 1, 4)) > limit


@pytest.mark.parametrize(("n", "width"), [(3, 87), (16, 962), (32, 2073)])
def test_larger_sufficient_widths(n, width):
    assert smallest_sufficient_width(n) == width


def test_no_narrower_width_suffices_for_two_rows():
    with ctx.workprec(200):
        limit = 2 * arb(-2).exp()
        assert not any(brute_mixture(2, d, Fraction(d, 4)) <= limit for d in range(2, 31))


@pytest.mark.parametrize("start", [4, 60, 149, 2000])
def test_width_does_not_depend_on_the_start(start):
    assert smallest_sufficient_width(4, start=start) == 149


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: smallest_eigenvalue_below(0, 3, 1.0), "n"),
        (lambda: smallest_eigenvalue_below(2, -1, 1.0), "s"),
        (lambda: smallest_eigenvalue_below(2, 3, math.nan), "level"),
        (lambda: smallest_eigenvalue_below(2, 3, -1.0), "level"),
        (lambda: smallest_eigenvalue_below(2, 3, math.inf), "level"),
        (lambda: smallest_eigenvalue_below(2, 3, "1"), "level"),
        (lambda: smallest_eigenvalue_below(2, 3, 1.0, relative_bits=0), "relative_bits"),
        (lambda: largest_eigenvalue_above(2.5, 3, 1.0), "n"),
        (lambda: largest_eigenvalue_above(2, 3, math.nan), "level"),
        (lambda: eigenvalues_inside(2, 3, -1, None), "low"),
        (lambda: eigenvalues_inside(2, 3, 2, 1), "high"),
        (lambda: masked_smallest_below(2, -1, 1.0), "d"),
        (lambda: masked_smallest_below(2, 4, 0.0), "level"),
        (lambda: masked_smallest_below(2, 4, 1.0, relative_width=0.0), "relative_width"),
        (lambda: masked_smallest_decides(2, 4, 1.0, math.nan), "limit"),
        (lambda: smallest_sufficient_width(0), "n"),
        (lambda: smallest_sufficient_width(3, start=2), "start"),
    ],
)
def test_bad_input_is_refused(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        call()
