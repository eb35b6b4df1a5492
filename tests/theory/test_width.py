import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from untrained.theory.objects import descent, width

# Ten operations on floats.
CLOSE = 1e-13
SIZES = st.tuples(st.floats(1e-3, 1e3), st.integers(1, 10**4), st.integers(1, 10**8))
NEAREST = 4.248050856e15


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_alpha_is_a_quarter_of_nu_times_the_root_of_d_times_the_norm_of_z(sizes):
    y, n, d = sizes
    nu = y / (math.sqrt(d * n) * 3.0)
    assert width.alpha(y, n) == pytest.approx(nu * math.sqrt(d) * 3.0 / 4, rel=CLOSE)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_beta_is_nu_times_the_bound_on_the_norm_of_v(sizes):
    y, n, d = sizes
    nu = y / (math.sqrt(d * n) * 3.0)
    assert width.beta(y, n, d) == pytest.approx(nu * (math.sqrt(d) + 2 * math.sqrt(n)) * 3.0, rel=CLOSE)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_radius_is_five_initial_misfits_of_three_over_alpha(sizes):
    y, n, _ = sizes
    assert width.radius(n) == pytest.approx(descent.radius_needed(width.alpha(y, n), 3 * y), rel=CLOSE)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_printed_factor_is_the_contraction_at_the_printed_step(sizes):
    y, n, d = sizes
    factor = descent.contraction(width.step_printed(y, n, d), width.alpha(y, n))
    assert factor == pytest.approx(width.factor_printed(n, d), rel=CLOSE)
    half = descent.contraction(width.step_printed(y, n, d, 0.5), width.alpha(y, n))
    assert half == pytest.approx(width.factor_printed(n, d, 0.5), rel=CLOSE)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_proof_factor_is_the_contraction_at_the_proof_step(sizes):
    y, n, d = sizes
    factor = descent.contraction(width.step_proof(y, n, d), width.alpha(y, n))
    assert factor == pytest.approx(width.factor_proof(n, d), rel=CLOSE)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_proof_step_lies_between_the_relaxed_step_and_a_sixteenth_of_twice_the_printed_one(sizes):
    # (sqrt d + 2 sqrt n)^2 lies between d + 4n and 2(d + 4n), so relaxing 1/beta^2 gives nd/(2(4n + d)).
    y, n, d = sizes
    relaxed = n * d / (2 * (4 * n + d) * y**2)
    assert width.step_printed(y, n, d) / relaxed == pytest.approx(16, rel=CLOSE)
    assert relaxed * (1 - CLOSE) <= width.step_proof(y, n, d) <= 2 * relaxed * (1 + CLOSE)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(SIZES)
def test_printed_step_exceeds_what_the_proof_allows_at_least_eightfold(sizes):
    y, n, d = sizes
    ratio = width.step_printed(y, n, d) * width.beta(y, n, d) ** 2
    assert 8 * (1 - CLOSE) <= ratio <= 16 * (1 + CLOSE)


def test_literal_values():
    assert width.alpha(6.0, 9) == pytest.approx(0.5)
    assert width.beta(6.0, 9, 16) == pytest.approx(5.0)
    assert width.radius(9) == pytest.approx(180.0)
    assert width.step_printed(6.0, 9, 16) == pytest.approx(8 * 144 / 52 / 36)
    assert width.step_proof(6.0, 9, 16) == pytest.approx(0.04)
    assert width.factor_printed(9, 16) == pytest.approx(1 - 16 / 416)
    assert width.factor_proof(9, 16) == pytest.approx(1 - 16 / 6400)


@pytest.mark.parametrize("bad", [0, -1, 2.5, math.nan])
def test_bad_sizes_are_refused(bad):
    with pytest.raises(ValueError, match="rows must be an integer >= 1"):
        width.alpha(1.0, bad)
    with pytest.raises(ValueError, match="rows must be an integer >= 1"):
        width.radius(bad)
    with pytest.raises(ValueError, match="width must be an integer >= 1"):
        width.beta(1.0, 3, bad)


@pytest.mark.parametrize("linear", [0.0, 1.0])
@pytest.mark.parametrize(("n", "d"), [(1, 388801), (3, 10**8), (7, 10**12), (100, 10**20)])
def test_perturbation_share_is_the_printed_display(n, d, linear):
    u = 3 * (120 * math.sqrt(n / d)) ** (2 / 3)
    # The printed logarithm is that of (d/n)^{1/3}/(3 * 120^{2/3}).
    logarithm = math.log((d / n) ** (1 / 3) / (3 * 120 ** (2 / 3)))
    printed = 2 * math.sqrt(n / d) + math.sqrt(2 * u * logarithm + linear * u)
    # The logarithm is 1e-6 at the first case and so known to 1e-9 of itself there.
    assert width.perturbation_share(d / n, linear=linear) == pytest.approx(printed, rel=1e-8)


def test_perturbation_share_reaches_one_twelfth_at_4_248e15():
    # Ten digits of the aspect; the share goes with about its -1/6th power.
    assert width.perturbation_share(NEAREST) == pytest.approx(1 / 12, rel=1e-10)


def test_one_twelfth_agrees_with_fifty_digits():
    with mpmath.workdps(50):
        r = mpmath.mpf(NEAREST)
        u = 3 * mpmath.cbrt(120) ** 2 / mpmath.cbrt(r)
        share = 2 / mpmath.sqrt(r) + mpmath.sqrt(2 * u * mpmath.log(1 / u))
        assert abs(share * 12 - 1) < 1e-10
        assert width.perturbation_share(NEAREST) == pytest.approx(float(share), rel=CLOSE)


def test_the_inequality_fails_below_and_holds_above_that_aspect():
    assert width.perturbation_share(NEAREST * (1 - 1e-6)) > 1 / 12
    assert width.perturbation_share(NEAREST * (1 + 1e-6)) < 1 / 12


def test_the_linear_term_asks_for_more():
    for aspect in (1e6, 1e12, NEAREST):
        assert width.perturbation_share(aspect, linear=1.0) > width.perturbation_share(aspect)


def test_the_share_is_defined_from_388800_on():
    assert width.perturbation_share(388800 * (1 + 1e-9)) == pytest.approx(2 / math.sqrt(388800), rel=0.1)


@pytest.mark.parametrize("aspect", [388800 * (1 - 1e-9), 1000.0, 1.0, 1e-9, 0.0, -5.0, math.nan, math.inf])
def test_aspects_below_388800_are_refused(aspect):
    with pytest.raises(ValueError, match="aspect must be at least 27"):
        width.perturbation_share(aspect)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (10, 20), (30, 5), (100, 4000)])
def test_failure_probability_is_the_printed_sum(n, d):
    terms = [mpmath.mpf(5) * mpmath.exp(-mpmath.mpf(n) / 2), mpmath.exp(-mpmath.mpf(d) / 2)]
    terms.append(mpmath.exp(-4 * mpmath.cbrt(d * d * n)))
    assert width.failure_probability(n, d) == pytest.approx(float(sum(terms)), rel=CLOSE)


def test_failure_probability_says_nothing_for_three_rows_and_something_for_four():
    assert width.failure_probability(3, 10**9) > 1
    assert width.failure_probability(4, 10**9) < 1
