"""Double over-parameterisation: ends of flows by integration, least costs by linear programming, other numbers."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy.integrate import solve_ivp
from scipy.optimize import linprog

from untrained.sims.random.streams import stream
from untrained.theory.papers.own.double import OneMeasurement, cost_at_the_end
from untrained.theory.papers.you20 import bias


def flow_end(A, y, alpha, gamma):
    """Where u, g and h end, from the equations of gradient flow on the squared misfit over 4."""
    (m, n), start = A.shape, gamma * np.ones(A.shape[1] + 2 * A.shape[0])

    def velocity(_, v):
        u, g, h = v[:n], v[n : n + m], v[n + m :]
        r = A @ u**2 + g**2 - h**2 - y
        return np.concatenate([-u * (A.T @ r), -alpha * r * g, alpha * r * h])

    v = solve_ivp(velocity, (0, 400), start, method="LSODA", rtol=1e-10, atol=1e-14).y[:, -1]
    return v[:n] ** 2, v[n : n + m] ** 2 - v[n + m :] ** 2


@pytest.mark.parametrize(("alpha", "sign"), [(F(1, 2), 1), (F(1), -1), (F(3, 2), 1)])
def test_the_limit_is_where_the_flow_ends(alpha, sign):
    one = OneMeasurement(((F(2), 1), (F(-3, 2), 2)), alpha, sign)
    trace, s = one.limit(F(7))
    x, outliers = flow_end(np.array([[2, -1.5, -1.5]]), np.array([float(sign)]), float(alpha), np.exp(-3.5))
    assert (float(trace), float(s)) == pytest.approx((x.sum(), outliers[0]), abs=1e-7)
    assert float(cost_at_the_end(one, F(7))) == pytest.approx(x.sum() + abs(outliers[0]) / float(alpha), abs=1e-7)


def least_cost(A, y, alpha):
    """min sum x + |s|/alpha with x >= 0, A x + s = y."""
    (m, n), eye = A.shape, np.eye(len(y))
    cost = np.concatenate([np.ones(n), np.ones(2 * m) / alpha])
    return linprog(cost, A_eq=np.hstack([A, eye, -eye]), b_eq=y).fun


@pytest.mark.parametrize("alpha", [0.4, 1.0, 2.5])
def test_the_gap_of_several_measurements_by_integration(alpha):
    rng = stream(3, "double over-parameterisation")
    A, y = rng.standard_normal((3, 5)), rng.standard_normal(3)
    least, costs = least_cost(A, y, alpha), []
    for gamma in (1e-2, 1e-4):
        x, s = flow_end(A, y, alpha, gamma)
        np.testing.assert_allclose(A @ x + s, y, atol=1e-7)
        costs.append(x.sum() + np.abs(s).sum() / alpha)
        N = 5 + 6 / alpha
        assert costs[-1] <= least * (1 + np.log(max(N, alpha * N)) / np.log(least / (N * gamma**2)))
    assert least - 1e-6 <= costs[1] < costs[0]


def test_with_equal_rates_the_parts_share_y():
    """e t = x solves 2 x^2 - y x = e^2 at a = alpha = 1: x is y/2 but for e^2/y at most."""
    for level in (2, 8):
        e = np.exp(-float(level))
        trace, s = OneMeasurement(((F(1), 1),), F(1)).limit(F(level))
        assert float(trace) == pytest.approx((1 + np.sqrt(1 + 8 * e**2)) / 4, abs=1e-14)
        assert 0 < float(trace) - 0.5 <= e**2
        assert float(s) == pytest.approx(1 - float(trace), abs=1e-14)


@pytest.mark.parametrize("case", [c for c in bias._LIMITS if "start" not in c and "indefinite" not in c][::4])
def test_what_is_left_of_a_shrinking_start_is_the_part_that_is_claimed(case):
    """The closed form at a tiny start is near the cost of the first part to reach y."""
    one = bias.one_measurement(case)
    first = min([*(1 / abs(a) for a, _ in one.eigenvalues if a * one.sign > 0), 1 / one.alpha])
    assert float(cost_at_the_end(one, F(4000))) == pytest.approx(float(first), rel=1e-6)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.double.gap", {"factor": F(95, 100)}, (), "refuted"),
        ("own.double.gap", {"twice": F(19, 10)}, (), "lost"),
        ("own.double.gap", {}, ("small",), "refuted"),
        ("own.double.gap", {}, ("commuting",), "lost"),
        ("own.double.gap", {}, ("psd",), "refuted"),
        ("own.double.scalar", {"factor": F(99, 100)}, (), "refuted"),
        ("own.double.scalar", {"power": F(99, 100)}, (), "refuted"),
        ("own.double.scalar", {}, ("above",), "refuted"),
        ("you20.bias", {"power": -1}, (), "refuted"),
        ("you20.bias", {"power": 0}, (), "refuted"),
        ("you20.bias", {"factor": F(99, 100)}, (), "refuted"),
        ("you20.bias", {}, ("start",), "refuted"),
        ("you20.bias", {}, ("psd",), "refuted"),
        ("you20.bias", {}, ("commuting",), "lost"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


def test_a_bound_without_a_factor_gives_no_limit_but_any_finite_one_does():
    assert proof_says("you20.bias") == "proves"
    assert proof_says("you20.bias", records={"own.double.gap": {"factor": 7}}) == "proves"
    assert proof_says("you20.bias", power=2) == "open"
