"""Smooth networks: the scalar one by integration, the recovery bound by search, missing premises."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy.integrate import solve_ivp

from untrained.theory.papers.buskulic23 import flow, recovery


@pytest.mark.parametrize("level", [0.1, 0.25, 0.45])
def test_the_scalar_network_by_integrating_its_flow(level):
    """theta' = J (level - g), g = theta - theta^2/2: what is left of J, and the path, at the end."""
    end = solve_ivp(lambda t, th: (1 - th) * (level - th + th**2 / 2), (0, 400), [0.0], rtol=1e-10, atol=1e-12).y[0, -1]
    sides = flow.scalar_network({"share": F(level) * 2}, {"twice": F(19, 10), "limit": F(1, 2)})
    assert abs(1 - 1.9 * level - (1 - end) ** 2) == pytest.approx(float(sides.lhs), rel=1e-5)
    assert flow.scalar_network({"share": F(level) * 2}, {"twice": 2, "limit": F(1, 2)}).margin == 0
    assert end == pytest.approx(1 - math.sqrt(1 - 2 * level), rel=1e-6)


def test_a_target_above_a_half_is_never_fitted():
    flow_end = solve_ivp(lambda t, th: max(1 - th[0], 0) * (0.6 - th + th**2 / 2), (0, 400), [0.0], rtol=1e-9).y[0, -1]
    assert flow_end - flow_end**2 / 2 < 0.5 + 1e-6


def test_no_pair_of_a_search_in_the_plane_beats_the_recovery_bound_and_some_meet_it():
    """A = (1, 0): h and k over a fine grid of the plane, noise and misfit 0."""
    angles, sizes = np.linspace(0, 2 * math.pi, 721), np.geomspace(0.05, 20, 161)
    h = np.stack([np.cos(angles), np.sin(angles)])
    for cosine in (0.3, 0.8):
        allowed = h[:, np.abs(h[0]) >= cosine]
        ratios = [
            np.linalg.norm(s * allowed[:, :, None] - h[:, None, :], axis=0)
            * (np.abs(s * allowed[0][:, None] - h[0][None, :]) < 2e-2)
            for s in sizes
        ]
        best = max(r.max() for r in ratios)
        assert best <= (1 + 2e-2) / cosine
        assert best >= 0.95 / cosine


@pytest.mark.parametrize("name", ["fit", "noise", "distance"])
def test_the_recovery_bound_is_attained(name):
    case = {"fit": 0, "noise": 0, "distance": 0, "t": F(1, 3), name: 1}
    sides = recovery.tilted_line(case, {"fit": 1, "noise": 1, "spread": 1})
    assert sides.lhs == sides.rhs == F(25, 9)
    assert recovery.tilted_line(case, {"fit": 1, "noise": 1, "spread": 1}, near=1).rhs >= sides.rhs


def test_a_point_reached_twice_is_no_exception_to_the_recovery_bound():
    """x^ = x', where every lambda would do: one above ||A|| is none, for the sharp form is false with it."""
    S, A = np.array([[[1.0, 0.0]]]), np.eye(2)[None]
    case = {"S": S, "A": A, "x": np.zeros((1, 2)), "noise": np.zeros((1, 2)), "level": 0.0}
    sides = recovery.drawn_points(case, {"fit": 0, "noise": 1, "spread": 1})
    assert sides.lhs == 1 <= sides.rhs < 1 + 1e-9


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.smooth_flow", {"twice": F(19, 10)}, (), "refuted"),
        ("own.smooth_flow", {"limit": F(55, 100)}, (), "refuted"),
        ("own.smooth_flow", {"limit": F(49, 100)}, (), "refuted"),
        ("own.smooth_flow", {"twice": F(21, 10)}, (), "refuted"),
        ("own.smooth_flow", {}, ("range",), "lost"),
        ("own.smooth_flow", {}, ("lipschitz",), "lost"),
        ("buskulic23.flow", {"share": F(7, 10)}, (), "affirmed"),
        ("buskulic23.flow", {"share": F(72, 100)}, (), "refuted"),
        ("buskulic23.flow", {"level": F(38, 100)}, (), "refuted"),
        ("own.recovery_bound", {"spread": F(99, 100)}, (), "refuted"),
        ("own.recovery_bound", {}, ("injective",), "lost"),
        ("buskulic23.recovery", {}, ("injective",), "lost"),
        ("buskulic23.recovery", {"fit": F(99, 100)}, (), "refuted"),
        ("own.fourier_loss", {"scale": F(11, 10)}, (), "refuted"),
        ("own.fourier_loss", {}, ("unitary",), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("buskulic23.flow", "own.smooth_flow", {"twice": 4}),
        ("buskulic23.recovery", "own.recovery_bound", {"spread": 2}),
    ],
)
def test_a_weaker_premise_does_not_carry(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
