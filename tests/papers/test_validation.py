"""Hold-out stopping: choices by simulation, tails by scipy, pixels by descent; statements with other numbers."""

from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from papers.statements import outcome, proof_says
from scipy.stats import chi2, f

from untrained.sims.evidence.counts import clopper_pearson
from untrained.sims.random.streams import stream
from untrained.theory.objects.dual_kernels import dual_kernel, triangle_kernel
from untrained.theory.papers.own import validation

CONSTANTS = {"rate": 2, "degrees": 1, "twice": 2}


@pytest.mark.parametrize(("rho", "rows"), [(1.0, 1), (1.5, 7), (4.0, 100)])
def test_the_tail_is_scipy_s(rho, rows):
    assert float(validation.upper_tail(arb(rho), arb(rows))) == pytest.approx(f.sf(rho, rows, rows), rel=1e-9)


@pytest.mark.parametrize("correlation", [F(0), F(3, 5)])
def test_how_often_the_worse_of_two_is_preferred(correlation):
    trials, m, rho, r = 20000, 5, 2.0, float(correlation)
    g = stream(1, "validation pair", str(correlation)).standard_normal((2, trials, m))
    better, worse = g[0], np.sqrt(rho) * (r * g[0] + np.sqrt(1 - r**2) * g[1])
    wins = int((np.square(worse).sum(1) < np.square(better).sum(1)).sum())
    low, high = clopper_pearson(wins, trials, 1e-6)
    exact = float(validation.worse_preferred({"rows": "gaussian", "r": correlation, "m_v": m}, arb(rho)))
    assert low <= exact <= high


def test_stopping_a_descent_by_gaussian_rows():
    """The linearised descent on Gaussian rows: the chosen stop is as good as promised, mostly much better."""
    rng, n, m, m_v, noise, T, delta = stream(2, "validation stop"), 40, 25, 20, 0.3, 30, 0.05
    s = 1 / (1 + np.arange(n)) ** 2
    case = {"m_v": m_v, "T": T, "delta": delta}
    ratio, bad = float(validation.stop_ratio(case, CONSTANTS)), 0
    for _ in range(60):
        x = rng.standard_normal(n) * np.sqrt(s)
        A, A_v = rng.standard_normal((m, n)), rng.standard_normal((m_v, n))
        y, y_v = A @ x + noise * rng.standard_normal(m), A_v @ x + noise * rng.standard_normal(m_v)
        K = A @ np.diag(s) @ A.T
        values, W = np.linalg.eigh(K)
        times = np.geomspace(1e-3, 1e5, T + 1) / values.max()
        fits = [s * (A.T @ (W @ (-np.expm1(-t * values) / values * (W.T @ y)))) for t in times]
        risks = np.array([np.square(fit - x).sum() for fit in fits]) + noise**2
        bad += risks[np.argmin([np.square(A_v @ fit - y_v).sum() for fit in fits])] > ratio * risks.min()
    assert ratio == pytest.approx(4.870, abs=5e-4)
    assert clopper_pearson(bad, 60, 1e-6)[0] <= delta


@pytest.mark.parametrize(
    ("rows", "ratio", "quantiles"), [(50, 2.932, 3.196), (200, 1.697, 1.751), (1000, 1.265, 1.279)]
)
def test_the_bound_beats_a_ratio_of_quantiles(rows, ratio, quantiles):
    """T = 100, delta = 0.05: upper quantile of the best one's loss over the lower one of every other's."""
    T, delta = 100, 0.05
    by_quantiles = chi2.isf(delta / 2, rows) / chi2.ppf(delta / 2 / T, rows)
    bound = float(validation.stop_ratio({"m_v": rows, "T": T, "delta": F(1, 20)}, CONSTANTS))
    assert (bound, by_quantiles) == (pytest.approx(ratio, abs=5e-4), pytest.approx(quantiles, abs=5e-4))


def test_two_rows_and_uncorrelated_others():
    case = {"m_v": 2, "T": 10, "delta": F(1, 20), "others": "uncorrelated", "rows": "gaussian"}
    rho = float(validation.stop_ratio(case, CONSTANTS))
    draws = stream(3, "validation others").exponential(size=(200_000, 11))
    wrong = int((rho * draws[:, 1:].min(1) < draws[:, 0]).sum())
    low, high = clopper_pearson(wrong, len(draws), 1e-6)
    assert low <= 0.05 * float(validation.failure_of_stop(case, CONSTANTS).lhs) <= high


@pytest.mark.parametrize(("half_width", "distance", "moves"), [(1, 1, False), (3, 4, True), (3, 5, False)])
def test_a_held_out_pixel_by_descent(half_width, distance, moves):
    """Ten steps on the loss of all pixels at least so far from pixel 0."""
    n = 24
    first = dual_kernel(triangle_kernel(n, half_width))
    sigma = np.array([[first[(i - j) % n] for j in range(n)] for i in range(n)])
    fitted = [i for i in range(n) if min(i, n - i) >= distance]
    y, x = stream(4, "validation pixel").standard_normal(n), np.zeros(n)
    for _ in range(10):
        x += 0.5 * sigma[:, fitted] @ (y - x)[fitted]
    assert (abs(x[0]) > 1e-12) == moves
    assert np.abs(x[fitted]).max() > 0.1


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.validation.loss", {"factor": F(19, 10)}, (), "refuted"),
        ("own.validation.loss", {}, ("gaussian",), "refuted"),
        ("own.validation.loss", {}, ("held_out",), "refuted"),
        ("own.validation.pair", {"power": F(101, 100)}, (), "refuted"),
        ("own.validation.pair", {"power": F(99, 100)}, (), "refuted"),
        ("own.validation.pair", {"degrees": F(99, 100)}, (), "refuted"),
        ("own.validation.pair", {}, ("gaussian",), "refuted"),
        ("own.validation.stop", {"rate": F(199, 100)}, (), "refuted"),
        ("own.validation.stop", {"twice": F(201, 100)}, (), "refuted"),
        ("own.validation.stop", {}, ("gaussian",), "refuted"),
        ("own.validation.stop", {}, ("held_out",), "refuted"),
        ("own.validation.pixels", {}, ("white",), "refuted"),
        ("own.validation.reach", {"less": 2}, (), "refuted"),
        ("own.validation.reach", {}, ("linear",), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


def test_a_weaker_premise_does_not_carry():
    assert proof_says("own.validation.stop") == "proves"
    assert proof_says("own.validation.reach", records={"heckel20a.sigma": {"share": 0}}) == "open"
    assert proof_says("own.validation.stop", records={"own.validation.pair": {"power": F(9, 10)}}) == "open"
