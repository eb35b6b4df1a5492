"""Net-PGD's contraction, its set and its isometry: slow twins, attained constants, missing premises."""

import math
from fractions import Fraction as F
from itertools import product

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.objects import decoders
from untrained.theory.papers.jagatap19 import dimension
from untrained.theory.papers.own import netpgd, set_isometry

RNG = np.random.default_rng(12)


def test_the_restricted_constant_is_the_extreme_of_many_directions():
    A, vectors = RNG.standard_normal((3, 5)), RNG.standard_normal((5, 2))
    h = vectors @ RNG.standard_normal((2, 20000))
    h /= np.linalg.norm(h, axis=0)
    ratios = np.square(A @ h).sum(0) - 1
    assert netpgd.restricted_constant(A, vectors) == pytest.approx(np.abs(ratios).max(), rel=1e-6)


@pytest.mark.parametrize("vectors", [np.zeros((4, 2)), np.ones((4, 2))])
def test_the_restricted_constant_of_fewer_directions(vectors):
    A = RNG.standard_normal((2, 4))
    h = np.ones(4) / 2
    expected = abs(float(np.square(A @ h).sum()) - 1) if vectors.any() else 0
    assert netpgd.restricted_constant(A, vectors) == pytest.approx(expected, rel=1e-12)


def test_a_drawn_step_contracts_as_a_loop_says():
    S, A, eta = RNG.standard_normal((1, 4, 3)), RNG.standard_normal((1, 2, 3)), 0.7
    sides = netpgd.contraction_on_points({"S": S, "A": A, "eta": eta}, {"factor": 2})
    gradient = S[0, 1] - eta * A[0].T @ (A[0] @ S[0, 1] - A[0] @ S[0, 0])
    distances = [math.dist(point, gradient) for point in S[0]]
    new = S[0, distances.index(min(distances))]
    assert sides.lhs == pytest.approx(math.dist(new, S[0, 0]), rel=1e-12)


@pytest.mark.parametrize(("alpha", "eta"), [(F(1, 10), 1), (F(1, 2), 1), (F(1, 10), F(6, 5))])
def test_the_polarised_factor_two_is_attained(alpha, eta):
    sides = netpgd.nearest_of_three({"alpha": alpha, "eta": eta}, {"factor": 2})
    assert sides.lhs == sides.rhs


def test_the_loss_s_factor_is_attained():
    sides = netpgd.loss_in_the_plane({"beta": 1.3, "gamma": 0.5}, {"step": 1, "power": 2, "ratio": 1, "less": 1})
    assert sides.lhs == pytest.approx(1.3 / 0.5 - 1, rel=1e-4)
    assert sides.margin >= 0


@pytest.mark.parametrize("angle", [0.05, 0.7, math.pi / 2, 2.4, 3.1])
def test_the_cone_s_factor_is_the_largest_ratio_of_a_grid(angle):
    """x+ = (1, 0), w = (1, h) with h up to tan(angle/2), x* at the angle with any length: brute force over both."""
    cosine, sine = math.cos(angle), math.sin(angle)
    h = np.linspace(-2, math.tan(angle / 2), 801)[:, None]
    q = np.geomspace(1e-3, 1e3, 4001)[None, :]
    ratios = np.sqrt((1 + q * q - 2 * q * cosine) / np.maximum((1 - q * cosine) ** 2 + (h - q * sine) ** 2, 1e-300))
    rho = 0.5 + math.sqrt(1.25 + cosine)
    assert ratios.max() <= rho * (1 + 1e-9)
    assert ratios.max() >= rho * (1 - 1e-3)
    sides = netpgd.cone_in_the_plane({"angle": angle}, {"base": F(1, 2), "inner": F(5, 4)})
    assert sides.lhs == pytest.approx(rho, rel=1e-12)


def test_the_golden_ratio_at_a_right_angle_and_two_at_none():
    sides = [
        netpgd.cone_in_the_plane({"angle": a}, {"base": F(1, 2), "inner": F(5, 4)}).rhs for a in (math.pi / 2, 1e-9)
    ]
    assert sides == pytest.approx([(1 + math.sqrt(5)) / 2, 2], rel=1e-12)


def test_the_rank_at_a_pattern_is_that_of_a_loop():
    code, weights = decoders.integer_decoder((2, 3), 6, 3, signed=True)
    active = code.astype(object).dot(weights[0]) > 0
    columns = [code[:, j] * active[:, k] for k, j in product(range(3), range(2))]
    rank = np.linalg.matrix_rank(np.stack(columns, axis=1).astype(float))
    case = {"k_1": 2, "k_2": 3, "side": 6, "seed": 3}
    assert dimension.pattern_dimension(case, {"inner": 1, "outer": 1}).lhs == rank == 6


def test_two_channels_of_opposite_sign_span_two_dimensions():
    """The step "one pattern, k_1 dimensions" at k_1 = 1: outputs (a, 0) and (0, b)."""
    code = np.array([[1], [-1]])
    outputs = [np.maximum(code @ np.array([[w]]), 0)[:, 0] for w in (1, -1)]
    assert np.linalg.matrix_rank(np.stack(outputs)) == 2
    assert outcome("jagatap19.region.printed") == "refuted"


@pytest.mark.parametrize(("d", "k"), [(3, 2), (4, 3), (6, 4)])
def test_the_number_of_patterns_solves_its_recursion(d, k):
    count = decoders.pattern_bound
    assert count(d, k) == count(d - 1, k) + count(d - 1, k - 1)


def test_a_difference_of_outputs_is_an_output_of_both_channels():
    Z, U = RNG.standard_normal((6, 3)), RNG.standard_normal((12, 6))
    u, v = RNG.standard_normal((3, 2)), RNG.standard_normal((3, 4))
    a, b = RNG.standard_normal(2), RNG.standard_normal(4)
    difference = U @ np.maximum(Z @ u, 0) @ a - U @ np.maximum(Z @ v, 0) @ b
    both = U @ np.maximum(Z @ np.hstack([u, v]), 0) @ np.concatenate([a, -b])
    np.testing.assert_allclose(difference, both, atol=1e-12)


def test_the_plane_s_failure_by_simulation():
    n, alpha, trials = 100, 0.2, 20000
    A = RNG.standard_normal((trials, n, 2)) / math.sqrt(n)
    squares = np.linalg.svd(A, compute_uv=False) ** 2
    share = ((squares > 1 + alpha) | (squares < 1 - alpha)).any(1).mean()
    c = {"factor": 2, "channels": 2, "rate": F(1, 2), "power": 2, "patterns": 2, "less": 1}
    law = float(set_isometry.plane_failure({"n": n, "alpha": F(1, 5)}, c).lhs.mid())
    assert share == pytest.approx(law, abs=5 * math.sqrt(law / trials))


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.netpgd.polarised", {"factor": F(199, 100)}, (), "refuted"),
        ("own.netpgd.loss", {"less": F(101, 100)}, (), "refuted"),
        ("own.netpgd.loss", {"power": 3}, (), "refuted"),
        ("own.netpgd.loss", {"power": 1}, (), "refuted"),
        ("own.netpgd.loss", {}, ("below",), "lost"),
        ("own.netpgd.cone", {"inner": F(124, 100)}, (), "refuted"),
        ("own.netpgd.cone", {}, ("cone",), "refuted"),
        ("own.netpgd.cone", {}, ("nearest",), "refuted"),
        ("own.netpgd.differences", {"second": 2}, (), "refuted"),
        ("own.netpgd.patterns", {"less": 0}, (), "refuted"),
        ("own.netpgd.set_isometry", {"rate": 2}, (), "refuted"),
        ("own.netpgd.rank.slides", {"dimension": 195}, (), "refuted"),
        ("jagatap19.thm1.on_S", {}, (), "refuted"),
        ("jagatap19.thm1.on_differences", {}, (), "affirmed"),
        ("jagatap19.thm1.on_differences", {"threshold": F(34, 100)}, (), "refuted"),
        ("jagatap19.thm1.on_differences", {"power": 1}, (), "refuted"),
        ("jagatap19.thm1.premise.slides", {}, (), "refuted"),
        ("jagatap19.thm1.premise.slides", {"rows": 195}, (), "refuted"),
        ("jagatap19.thm1.premise.code", {}, (), "refuted"),
        ("jagatap19.lemma1.sizes", {"mnist_asks": 2498}, (), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("jagatap19.thm1.on_differences", "own.netpgd.loss", {"less": F(1, 2)}),
        ("jagatap19.thm1.on_differences", "own.netpgd.loss", {"step": 2}),
        ("own.netpgd.inexact", "own.netpgd.polarised", {"factor": 3}),
        ("own.netpgd.set_isometry", "textbook.davidson_szarek.largest", {"rate": F(1, 4)}),
        ("own.netpgd.set_isometry", "own.netpgd.differences", {"second": 2}),
        ("own.netpgd.set_isometry", "own.netpgd.patterns", {"factor": 3}),
        ("own.netpgd.set_isometry", "jagatap19.region.corrected", {"outer": 2}),
    ],
)
def test_a_weaker_premise_does_not_carry(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
