"""The smoothest interpolant's claims: exact laws against draws, and statements with other numbers."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome

from untrained.theory.objects.interpolation import equivalent_error, smooth_bound, smooth_interpolant
from untrained.theory.papers.heckel20b import interpolation
from untrained.theory.papers.own import smooth_interpolation as smooth

RNG = np.random.default_rng(23)


def test_descent_is_followed_step_by_step():
    B, y = RNG.standard_normal((1, 2, 4)), RNG.standard_normal((1, 2))
    case = {"B": B, "y": y, "steps": 3, "share": 0.5}
    sides = interpolation.distance_after(case, {"step": 1, "rate": 1})
    eta = 0.5 / np.linalg.norm(B[0], 2) ** 2
    U, values, Vt = np.linalg.svd(B[0], full_matrices=False)
    now = Vt.T @ ((1 - (1 - eta * values**2) ** 3) / values * (U.T @ y[0]))
    assert sides.lhs == pytest.approx(np.linalg.norm(now - np.linalg.pinv(B[0]) @ y[0]), rel=1e-10)


def test_one_direction_is_the_descent_on_a_diagonal():
    case = {"other": F(1, 2), "along": 2, "share": F(1, 2), "steps": 5}
    sides = interpolation.one_direction(case, {"step": 1, "rate": 1})
    c = 0.0
    for _ in range(5):
        c -= 0.5 * 0.5 * (0.5 * c - 0.5)
    assert float(sides.lhs) == pytest.approx(1 - c)


@pytest.mark.parametrize(
    ("m", "level", "share"),
    [(12, 1.0, F(2, 3)), (12, 1.5, F(2, 3)), (30, 1.4, F(2, 3)), (11, 2.0, F(3, 4)), (12, 3.0, F(9, 10))],
)
def test_the_law_at_two_levels_by_draws(m, level, share):
    """Upper values of 1, lower ones of 1e-8, the expression with constant one from its definition."""
    q, trials = math.floor(share * m), 2000
    s, x = np.repeat([1.0, 1e-8], [q, 2 * (m - q)]), np.eye(2 * m - q)[-1]
    A = RNG.standard_normal((trials, m, len(s)))
    errors = np.linalg.norm(smooth_interpolant(A, A @ x, s) - x, axis=1)
    within = np.mean(errors <= level * float(smooth_bound(x, s, m, share)))
    assert within == pytest.approx(interpolation.ratio_within(m, level, share), abs=4 * math.sqrt(0.25 / trials))


def test_two_levels_say_nothing_where_the_bound_holds_an_infinite_value():
    assert interpolation.two_level_counts(12, F(1, 20)) == (1, 22, math.inf)
    assert interpolation.ratio_within(12, 0.1, F(1, 20)) == pytest.approx(1)


def test_the_median_tends_to_three_halves():
    assert interpolation.ratio_within(3000, 1.4) < 0.01
    assert interpolation.ratio_within(3000, 1.5) == pytest.approx(0.5, abs=0.01)
    assert interpolation.ratio_within(3000, 1.6) > 0.98


def test_the_exact_two_levels_are_those_of_the_equivalent():
    q, e = 4, F(1, 100)
    sides = smooth.constant_at_two_levels({"q": q, "e": e}, {"factor": 1, "share": F(2, 3)})
    s = np.repeat([float((1 - e) / e), float((F(1, 2) + e) / (F(1, 2) - e))], q)
    x = np.eye(2 * q)[-1] * math.sqrt(s[-1])
    assert float(sides.lhs) == pytest.approx(equivalent_error(x, s, 6).signal, rel=1e-9)
    assert float(sides.rhs) == pytest.approx(float(smooth_bound(x, s, 6)) ** 2, rel=1e-9)


def test_three_halves_are_attained_and_one_at_a_tail_from_a_half_on():
    sides = smooth.constant_at_two_levels({"q": 200, "e": F(1, 10**9)}, {"factor": F(3, 2), "share": F(2, 3)})
    assert 1 <= sides.rhs / sides.lhs < 1 + 1e-6
    s = np.sort(RNG.uniform(0.1, 9, (200, 12)) ** 2, axis=1)[:, ::-1]
    for row in s:
        worst = max(math.sqrt(equivalent_error(x, row, 6).signal) for x in np.diag(np.sqrt(row)))
        assert worst <= math.sqrt(row[3:].sum() / 6)


def test_means_over_signals_and_noise_are_those_of_many():
    A, s, nu = RNG.standard_normal((1, 4, 7)), RNG.uniform(0.2, 3, 7), 0.7
    missed, noise = smooth.mean_squares(A, s, 2)
    x = np.zeros((40_000, 7))
    x[:, :2] = RNG.standard_normal((40_000, 2))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = x @ A[0].T + nu * RNG.standard_normal((40_000, 4))
    squares = np.square(smooth_interpolant(A, y, s) - x).sum(1)
    assert squares.mean() == pytest.approx(missed[0] + nu**2 * noise[0], rel=0.03)
    np.testing.assert_allclose(smooth.estimator(A, s)[0] @ y[0], smooth_interpolant(A[0], y[0], s), atol=1e-9)


def test_the_parts_of_an_error_are_those_of_the_interpolants():
    A, x, z, s = (RNG.standard_normal(shape) for shape in ((3, 4, 7), (3, 7), (3, 4), (7,)))
    missed, added = smooth.error_parts(A, x, z, s**2)
    for i in range(3):
        noisy = smooth_interpolant(A[i], A[i] @ x[i] + 0.3 * z[i], s**2) - x[i]
        np.testing.assert_allclose(missed[i] + 0.3 * added[i], noisy, atol=1e-7)


def test_the_statement_is_of_the_equivalent_itself():
    s = RNG.uniform(0.2, 3, 9)
    missed, noise = smooth.claimed_squares(s, 1, 4, {"lead": 1, "inflation": 1})
    error = equivalent_error(np.eye(9)[0], s, 4, 1.0)
    assert (missed, noise) == pytest.approx((error.signal, error.noise))
    assert smooth.claimed_squares(s, 1, 4, {"lead": 2, "inflation": 0})[0] < 2 * missed


def test_the_exact_mean_of_the_range_finder_by_draws():
    """Two values of 1e10, nine of 1, six rows: q = 2, p = 4."""
    s = np.repeat([1e10, 1.0], [2, 9])
    A = RNG.standard_normal((20_000, 6, 11))
    scaled = A * np.sqrt(s)
    rest = np.eye(11) - np.linalg.pinv(scaled) @ scaled
    mean = (np.square(rest).sum(-1) * s).sum(-1).mean()
    case = {"q": 2, "rows": 4, "equal": 9}
    sides = smooth.range_finder_mean(case, {"lead": 1, "slope": 1, "less": 1})
    assert mean == pytest.approx(float(sides.lhs), rel=0.03)
    assert sides.lhs < sides.rhs


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("heckel20b.linear.limit", {"rate": F(101, 100)}, (), "refuted"),
        ("heckel20b.linear.limit", {"step": F(21, 10)}, (), "refuted"),
        ("heckel20b.linear.limit", {}, ("zero",), "lost"),
        ("heckel20b.linear.smoothest", {"factor": F(101, 100)}, (), "affirmed"),
        ("heckel20b.linear.smoothest", {"factor": F(99, 100)}, (), "refuted"),
        ("heckel20b.linear.smoothest", {"power": F(1)}, (), "refuted"),
        ("heckel20b.linear.error", {"factor": F(99, 100)}, (), "refuted"),
        ("heckel20b.linear.constant_one", {}, (), "refuted"),
        ("heckel20b.linear.constant_one", {"probability": F(1, 20)}, (), "refuted"),
        ("heckel20b.linear.constant_two", {}, (), "affirmed"),
        ("heckel20b.linear.constant_two", {"probability": F(9, 10)}, (), "refuted"),
        ("heckel20b.linear.constant_two", {"share": F(5, 6)}, (), "refuted"),
        ("own.smooth.constant", {"factor": F(149, 100)}, (), "refuted"),
        ("own.smooth.constant", {"share": F(1, 2), "factor": 1}, (), "affirmed"),
        ("own.smooth.noise", {"factor": 7}, (), "refuted"),
        ("own.smooth.noise", {"noise": F(1, 100)}, (), "refuted"),
        ("own.smooth.range_finder", {"less": F(95, 100)}, (), "refuted"),
        ("own.smooth.range_finder", {}, ("normal",), "lost"),
        ("own.smooth.scale", {"sigma_power": 1}, (), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says
