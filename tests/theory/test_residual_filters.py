"""Filters, exact risks and their laws, against descents, simulation, Imhof's integral and known laws."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binomtest, chi2, ncx2, norm

from untrained.theory.laws.quadratic_forms import QuadraticForm
from untrained.theory.objects.dual_kernels import basis_spectrum, triangle_kernel, trigonometric_basis
from untrained.theory.objects.residual_filters import (
    LinearDenoising,
    degrees_of_freedom,
    early_stopping_time,
    iterate,
    residual_filter,
    unbiased_risk,
)

RNG = np.random.default_rng(20)
VALUES = np.sort(basis_spectrum(triangle_kernel(40, 5)))[::-1]
MODEL = LinearDenoising(RNG.standard_normal(40) / np.arange(1, 41), VALUES, 0.9 / VALUES[0], 1.5)


def imhof(form, x):
    """P(Q > x) by Imhof's integral over the imaginary axis, as printed."""
    a, b = form.offsets, form.deviations
    rates, shifts = b**2, (a / b) ** 2

    def height(u):
        t = rates * u
        theta = 0.5 * (np.arctan(t) + shifts * t / (1 + t**2)).sum() - 0.5 * x * u
        rho = np.prod((1 + t**2) ** 0.25) * np.exp(0.5 * (shifts * t**2 / (1 + t**2)).sum())
        return math.sin(theta) / (u * rho)

    end = 60 / np.sort(rates)[-min(6, len(rates))]
    return 0.5 + quad(height, 0, end, epsabs=1e-12, limit=4000)[0] / math.pi


def convolution(form, x):
    """P(Q <= x) for two terms: the first given the second, as an integral over the second's normal variable."""
    (a, c), (b, d) = form.offsets, form.deviations

    def inside(z):
        rest = x - (c + d * z) ** 2
        if rest <= 0:
            return 0.0
        return norm.pdf(z) * (norm.cdf((math.sqrt(rest) - a) / b) - norm.cdf((-math.sqrt(rest) - a) / b))

    ends = sorted(((-math.sqrt(x) - c) / d, (math.sqrt(x) - c) / d))
    return quad(inside, *ends, epsabs=0, epsrel=1e-11, limit=500)[0]


@pytest.mark.parametrize("n", [1, 2, 3, 30, 300])
@pytest.mark.parametrize("shift", [0.0, 2.5])
@pytest.mark.parametrize("unit", [1.0, 0.02])
def test_equal_deviations_are_a_chi_square(n, shift, unit):
    offsets = np.zeros(n)
    offsets[0] = shift * unit
    form = QuadraticForm(offsets, np.full(n, unit))
    law = ncx2(n, shift**2, scale=unit**2) if shift else chi2(n, scale=unit**2)
    for p in (1e-10, 1e-6, 1e-3, 0.3, 0.5, 0.9):
        low, high = law.ppf(p), law.isf(p)
        assert form.below(low) == pytest.approx(law.cdf(low), rel=1e-7)
        assert form.above(high) == pytest.approx(law.sf(high), rel=1e-7)
        assert form.above(high) + form.below(high) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("form", [((0.3, -1.0), (1.0, 0.2)), ((0.0, 2.0), (0.5, 0.1)), ((0.0, 0.0), (1.0, 3.0))])
def test_two_terms_are_a_convolution(form):
    law = QuadraticForm(*map(np.array, form))
    for x in (0.01, 0.5, 1.0, 4.0):
        assert law.below(x) == pytest.approx(convolution(law, x), rel=1e-8)


def given_the_large_term(x, small, many):
    """Nodes lie where the law of the many is steep, below z = sqrt(x); farther in it adds nothing."""
    spread = small**2 * (many + 40 * math.sqrt(many) + 800)
    start = math.sqrt(max(x - spread, 0))
    z = np.linspace(start, math.sqrt(x), 100_001)
    height = 2 * norm.pdf(z) * chi2.sf((x - z * z) / small**2, many)
    return np.trapezoid(height, z) + 2 * norm.sf(math.sqrt(x))


@pytest.mark.parametrize("small", [0.01, 0.13, 0.5])
@pytest.mark.parametrize("many", [4, 40, 299])
def test_one_large_term_among_many(small, many):
    """The many are a chi-square: P(Q > x) as an integral over the large term's normal variable."""
    form = QuadraticForm(np.zeros(many + 1), np.r_[1.0, np.full(many, small)])
    for shift in (0.1, 1, 2, 5, 15):
        x = form.mean + shift * form.deviation
        assert form.above(x) == pytest.approx(given_the_large_term(x, small, many), rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_both_tails_meet_at_the_mean(seed):
    """Two paths, one on each side of 0, over up to five powers of ten of deviations."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 5, 20, 100]))
    form = QuadraticForm(
        10 ** rng.uniform(-3, 1, n) * rng.integers(0, 2, n), 10 ** rng.uniform(-rng.uniform(0, 5), 0, n)
    )
    assert form.above(form.mean) + form.below(math.nextafter(form.mean, 0)) == pytest.approx(1, abs=1e-8)


def test_imhofs_integral_gives_the_same():
    form = QuadraticForm(RNG.standard_normal(8), RNG.uniform(0.3, 2, 8))
    for shift in (-1.5, 0, 1, 2, 3):
        x = form.mean + shift * form.deviation
        assert form.above(x) == pytest.approx(imhof(form, x), abs=2e-9)


def test_terms_without_noise_move_the_law():
    form = QuadraticForm(np.array([1.0, 2.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert form.below(5.0) == form.below(4.0) == 0
    assert form.above(6.5) == pytest.approx(chi2.sf(1.5, 1), rel=1e-12)
    certain = QuadraticForm(np.array([2.0]), np.zeros(1))
    assert [certain.below(x) for x in (3.9, 4.0, 4.1)] == [0, 1, 1]
    assert [certain.above(x) for x in (3.9, 4.0, 4.1)] == [1, 0, 0]


def test_an_iterate_is_that_of_the_descent_in_the_plane_of_pixels():
    W, tau, eta = trigonometric_basis(9), 7, 0.3
    values = basis_spectrum(triangle_kernel(9, 3))
    J = W * np.sqrt(values)
    y, c = RNG.standard_normal(9), np.zeros(9)
    for _ in range(tau):
        c -= eta * J.T @ (J @ c - y)
    np.testing.assert_allclose(W @ iterate(W.T @ y, values, eta, tau), J @ c, atol=1e-12)
    np.testing.assert_allclose(W @ (residual_filter(values, eta, tau) * (W.T @ y)), y - J @ c, atol=1e-12)


def test_mean_deviation_and_tails_by_simulation():
    """Twelve quantities, each at a level of 0.01/12."""
    draws, taus, quantiles = 40_000, (1, 4, 30), (0.05, 0.5, 0.99)
    z = RNG.standard_normal((draws, 40)) * math.sqrt(MODEL.variance)
    level = 0.01 / (len(taus) * (len(quantiles) + 1))
    for tau in taus:
        errors = np.square(iterate(MODEL.signal, VALUES, MODEL.eta, tau) - MODEL.signal + iterate_of(z, tau)).sum(1)
        law = MODEL.error(tau)
        assert abs(errors.mean() - law.mean) < norm.isf(level / 2) * law.deviation / math.sqrt(draws)
        spread = np.square(errors - law.mean).std() / (2 * law.deviation * math.sqrt(draws))
        assert errors.std() == pytest.approx(law.deviation, abs=5 * spread)
        for q in quantiles:
            x = float(np.quantile(errors, q))
            count = int((errors <= x).sum())
            interval = binomtest(count, draws).proportion_ci(1 - level)
            assert interval.low <= law.below(x) <= interval.high


def iterate_of(z, tau):
    return z * (1 - residual_filter(VALUES, MODEL.eta, tau))


def test_a_risk_is_signal_and_noise():
    left = residual_filter(VALUES, MODEL.eta, 5)
    parts = np.square(left * MODEL.signal).sum(), np.square(1 - left).sum() * 1.5**2 / 40
    assert MODEL.risk(5) == pytest.approx(sum(parts), rel=1e-14)
    assert MODEL.noise_part(5).mean == pytest.approx(parts[1], rel=1e-14)


@pytest.mark.parametrize("noise", [0.02, 0.3, 1.0, 4.0, 100.0])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_the_best_stop_is_the_best_of_all(noise, share):
    model = LinearDenoising(MODEL.signal, VALUES, share / VALUES[0], noise)
    tau, risk = model.best_stop()
    risks = [model.risk(t) for t in range(3000)]
    assert risk == pytest.approx(model.risk(tau), rel=1e-12)
    assert risk <= min(risks) * (1 + 1e-12)
    if tau < 3000:
        assert tau == int(np.argmin(risks))
    assert model.best_linear_risk() <= risk


def test_the_best_linear_filter_is_the_best_of_a_grid():
    model = LinearDenoising(np.array([1.3]), np.array([1.0]), 0.5, 0.7)
    filters = np.linspace(0, 1, 10_001)
    risks = ((1 - filters) * 1.3) ** 2 + filters**2 * 0.49
    assert model.best_linear_risk() == pytest.approx(risks.min(), rel=1e-7)


def test_steins_estimate_has_the_mean_of_the_error():
    z = RNG.standard_normal((20_000, 40)) * math.sqrt(MODEL.variance)
    gaps = [
        unbiased_risk(MODEL.signal + e, VALUES, MODEL.eta, 6, MODEL.noise)
        - np.square(iterate(MODEL.signal + e, VALUES, MODEL.eta, 6) - MODEL.signal).sum()
        for e in z
    ]
    assert np.mean(gaps) == pytest.approx(0, abs=4 * np.std(gaps) / math.sqrt(len(gaps)))


def test_degrees_of_freedom_are_the_trace_of_the_smoother():
    smoother = np.stack([iterate(e, VALUES, MODEL.eta, 3) for e in np.eye(40)])
    assert degrees_of_freedom(VALUES, MODEL.eta, 3) == pytest.approx(np.trace(smoother), rel=1e-14)


def test_at_the_early_stop_the_next_filter_is_the_root_of_the_share():
    tau = early_stopping_time(VALUES[::-1], MODEL.eta, 9)
    assert 1 - (1 - MODEL.eta * VALUES[9]) ** tau == pytest.approx(math.sqrt(9 / 40), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: early_stopping_time(VALUES, MODEL.eta, 2), "p must not split equal values .* got 2"),
        (lambda: early_stopping_time(VALUES, MODEL.eta, 40), "p must be below 40, got 40"),
        (lambda: early_stopping_time(VALUES, 9.0, 1), "eta times value 2 of the spectrum must lie between 0 and 1"),
        (lambda: residual_filter(VALUES, 3 / VALUES[0], 1), "eta must lie above 0 and at most at 2 over the largest"),
        (lambda: residual_filter(-VALUES, 0.1, 1), "spectrum must not be negative"),
        (lambda: residual_filter(VALUES, 1.5 / VALUES[0], 0.5), "tau must be whole where eta is above the inverse"),
        (lambda: residual_filter(VALUES, 0.01, -1), "tau must be at least 0, got -1"),
        (lambda: iterate(np.ones(3), VALUES, 0.01, 1), "observation and spectrum must agree in length, got 3 and 40"),
        (lambda: LinearDenoising(np.ones(40), VALUES, 0.01, 0.0), "noise must be positive, got 0.0"),
        (lambda: LinearDenoising(np.ones(40), VALUES, 1.5 / VALUES[0], 1.0).best_stop(), "eta must be at most 1 over"),
        (lambda: QuadraticForm(np.ones((2, 2)), np.ones(2)), r"must have shape \(n,\), got \(2, 2\) and \(2,\)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
