"""Net-PGD beyond the bare step: inexact projections, phases, colours, normalisation, Lemma 1 with its constants."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy.stats import chi2

from untrained.theory.objects import decoders
from untrained.theory.papers.own import netpgd_oracle, netpgd_phase, netpgd_set

RNG = np.random.default_rng(19)


@pytest.mark.parametrize(("share", "hypotenuse"), [(F(3, 4), F(5, 4)), (F(12, 5), F(13, 5))])
def test_the_inexact_bound_is_attained_on_the_line(share, hypotenuse):
    case = {"alpha": F(1, 5), "eta": 1, "share": share, "hypotenuse": hypotenuse}
    sides = netpgd_oracle.inexact_on_the_line(case, {"factor": 2, "room": 1})
    assert sides.lhs == sides.rhs
    g = 0.2
    assert float(sides.lhs) == pytest.approx((g + math.sqrt(g**2 + float(share * g) ** 2)) ** 2)


def test_an_inexact_step_takes_the_farthest_that_a_loop_allows():
    S, A, eta, e = RNG.standard_normal((1, 6, 3)), RNG.standard_normal((1, 2, 3)), 0.4, 2.0
    sides = netpgd_oracle.inexact_on_points({"S": S, "A": A, "eta": eta, "e": e}, {"factor": 2, "room": 1})
    v = S[0, 1] - eta * A[0].T @ (A[0] @ (S[0, 1] - S[0, 0]))
    allowed = [x for x in S[0] if math.dist(x, v) ** 2 <= math.dist(S[0, 0], v) ** 2 + e]
    assert sides.lhs == pytest.approx(max(math.dist(x, S[0, 0]) for x in allowed) ** 2, rel=1e-12)


def test_a_phase_step_is_that_of_the_algorithm_line_by_line():
    S, A, eta = RNG.standard_normal((1, 5, 3)), RNG.standard_normal((1, 4, 3)), 0.6
    c = {"factor": 2, "flip": 2, "power": 2}
    sides = netpgd_phase.phase_on_points({"S": S, "A": A, "eta": eta}, c)
    star, x, y = S[0, 0], S[0, 1], np.abs(A[0] @ S[0, 0])
    p = np.sign(A[0] @ x)
    v = x - eta * A[0].T @ (A[0] @ x - y * p)
    new = min(S[0], key=lambda point: math.dist(point, v))
    assert sides.lhs == pytest.approx(math.dist(new, star), rel=1e-12)


def test_the_largest_share_of_rows_is_that_of_many_directions():
    rows, vectors = RNG.standard_normal((3, 5)), RNG.standard_normal((5, 2))
    h = vectors @ RNG.standard_normal((2, 50_000))
    ratios = np.square(rows @ h).sum(0) / np.square(h).sum(0)
    assert netpgd_phase.largest_square(rows, vectors) == pytest.approx(ratios.max(), rel=1e-6)
    assert netpgd_phase.largest_square(rows[:0], vectors) == 0


@pytest.mark.parametrize(("delta", "turn"), [(0.1, 0.0), (0.6, -0.4), (0.9, 0.1)])
def test_the_energy_of_flipped_rows_by_simulation(delta, turn):
    sides = netpgd_phase.wedge_energy({"delta": delta, "turn": turn}, {"slope": 2, "power": 2})
    omega = math.pi / 2 + math.asin(delta) + turn
    h = delta * np.array([math.cos(omega), math.sin(omega)])
    star = np.array([1.0, 0.0])
    a = RNG.standard_normal((2_000_000, 2))
    energy = np.square(a @ h) * ((a @ star) * (a @ (star + h)) < 0) / delta**2
    assert sides.lhs == pytest.approx(energy.mean(), abs=5 * energy.std() / math.sqrt(len(energy)))


def test_colours_come_as_near_to_the_limit_as_one_likes_and_weights_diverge():
    """f(r + e q)(b/e + c/2) + f(r + e p)(c/2 - b/e) -> (q - p) b + r c, q, r, p three rays in a row."""
    code = netpgd_set.COLOURED
    before, r, after = netpgd_set.successive_outputs(code)[0]
    rays = {netpgd_set._output(code, ray): ray for one in netpgd_set.regions(code) for ray in one.rays}
    p, m, q = (np.array(rays[x], dtype=float) for x in (before, r, after))
    b, c = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    limit = np.outer(np.array(after) - np.array(before), b) + np.outer(r, c)
    for e in (1e-1, 1e-3, 1e-5):
        first, second = b / e + c / 2, c / 2 - b / e
        x = np.outer(np.maximum(code @ (m + e * q), 0), first) + np.outer(np.maximum(code @ (m + e * p), 0), second)
        assert np.linalg.norm(x - limit) == pytest.approx(e * np.linalg.norm(np.outer(np.add(before, after), c)) / 2)
        assert np.linalg.norm(first) >= 1 / e


def test_no_two_channels_reach_the_limit_of_colours():
    """Dense search over directions of both channels, weights by least squares: the distance stays away from 0."""
    code = netpgd_set.COLOURED
    before, r, after = netpgd_set.successive_outputs(code)[0]
    limit = np.stack([np.array(after) - np.array(before), np.array(r)], axis=1).astype(float)
    angles = np.linspace(0, 2 * math.pi, 181)[:-1]
    outputs = np.maximum(code @ np.stack([np.cos(angles), np.sin(angles)]), 0)
    apart = [
        np.linalg.norm(limit - H @ np.linalg.lstsq(H, limit, rcond=None)[0])
        for i in range(180)
        for j in range(i)
        if min(i - j, 180 - i + j) > 3
        for H in [outputs[:, [i, j]]]
    ]
    assert min(apart) > 1e-3


def test_normalised_outputs_lie_in_the_subspace_that_is_claimed():
    """Batch normalisation as torch computes it, weights scaled so that patterns do not change."""
    import torch

    code, weights = decoders.integer_decoder((2, 2), 6, 3, signed=True)
    W = weights[0].astype(float) * RNG.uniform(0.5, 2, (40, 1, 2))
    pictures, generator = [], torch.Generator().manual_seed(3)
    for w in W:
        hidden = torch.from_numpy(np.maximum(code @ w, 0)).T.reshape(1, 2, 6, 6)
        norm = torch.nn.BatchNorm2d(2, dtype=torch.float64)
        torch.nn.init.normal_(norm.weight, generator=generator)
        torch.nn.init.normal_(norm.bias, generator=generator)
        last = torch.randn(2, dtype=torch.float64, generator=generator)
        pictures.append((norm(hidden)[0].reshape(2, 36).T @ last).detach().numpy())
    case = {"k_1": 2, "k_2": 2, "side": 6, "seed": 3}
    c = {"inner": 1, "outer": 1, "shift": 1}
    assert np.linalg.matrix_rank(np.stack(pictures), tol=1e-9) <= netpgd_set.normalised_dimension(case, c).rhs == 5


def test_the_failure_on_a_line_is_that_of_a_chi_square():
    c = {"rows": 100, "rate": F(1, 26), "power": 2}
    case = {"k_1": 1, "k_2": 1, "d": 4, "alpha": F(1, 5)}
    n = math.ceil(100 * math.log(4) / 0.04)
    law = chi2.cdf(0.8 * n, n) + chi2.sf(1.2 * n, n)
    assert netpgd_set.line_fails(case, c).lhs == pytest.approx(law, rel=1e-9)


def test_two_channels_of_opposite_sign_reach_all_dimensions_of_a_positive_code():
    """What refutes too few rows in Lemma 1: with fewer than k_1 some output is not measured."""
    code, rng = np.abs(decoders.integer_decoder((3, 2), 4, 3, signed=True)[0][:3]) + 1, RNG
    target = code @ rng.standard_normal(3)
    u = np.linalg.solve(code, target)
    shift = 1e3 * np.ones(3)
    outputs = np.maximum(code @ (u + shift), 0) - np.maximum(code @ shift, 0)
    np.testing.assert_allclose(outputs, target, atol=1e-9)
    case = {"k_1": 3, "k_2": 2, "d": 6, "alpha": F(99, 100)}
    assert netpgd_set.line_fails(case, {"rows": F(1, 10), "rate": F(1, 26), "power": 2}).lhs == 1
    assert netpgd_set.line_fails(case, {"rows": 1, "rate": F(1, 26), "power": 2}).lhs < 1


@pytest.mark.parametrize("ratio", [1.1, 1.5, 2.0])
def test_no_step_of_a_fine_search_beats_the_sharp_factor_of_the_misfit(ratio):
    """A = diag(1, sqrt ratio), x* = 0, x over directions, x+ over the disc of points as near to q as x* is."""
    A, t = np.diag([1.0, math.sqrt(ratio)]), np.linspace(0, math.pi, 181)
    worst = 0.0
    for x in np.stack([np.cos(t), np.sin(t)], axis=1):
        q = x - A.T @ (A @ x) / ratio
        angles = np.linspace(0, 2 * math.pi, 721)
        plus = q + np.linalg.norm(q) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        worst = max(worst, float(np.linalg.norm(plus @ A.T, axis=1).max() / np.linalg.norm(A @ x)))
    assert worst <= 2 * (1 - 1 / ratio) * (1 + 1e-9)
    assert worst >= 2 * (1 - 1 / ratio) * (1 - 1e-3)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("own.netpgd.loss_sharp", {"factor": F(199, 100)}, (), "refuted"),
        ("own.netpgd.loss_sharp", {"limit": F(21, 10)}, (), "refuted"),
        ("own.netpgd.loss_sharp", {}, ("below",), "lost"),
        ("own.netpgd.polarised", {}, ("nearest",), "refuted"),
        ("own.netpgd.polarised", {}, ("isometry",), "refuted"),
        ("own.netpgd.inexact", {"room": F(99, 100)}, (), "refuted"),
        ("own.netpgd.inexact", {}, ("nearly",), "lost"),
        ("own.netpgd.iterations", {"lead": F(99, 100)}, (), "refuted"),
        ("own.netpgd.iterations", {}, ("isometry",), "lost"),
        ("own.netpgd.factor", {"most": F(489, 1000)}, (), "refuted"),
        ("own.netpgd.factor", {"least": F(492, 1000)}, (), "refuted"),
        ("own.netpgd.factor", {"pixel": 1}, (), "refuted"),
        ("own.netpgd.phase", {"flip": F(19, 10)}, (), "refuted"),
        ("own.netpgd.phase", {"power": F(3)}, (), "refuted"),
        ("own.netpgd.flips", {"slope": F(19, 10)}, (), "refuted"),
        ("own.netpgd.flips", {}, ("gaussian",), "lost"),
        ("own.netpgd.colours", {"colours": 1}, (), "refuted"),
        ("own.netpgd.colours", {"neurons": 1}, (), "refuted"),
        ("own.netpgd.batch_norm", {"shift": 0}, (), "refuted"),
        ("own.netpgd.batch_norm", {}, ("affine",), "lost"),
        ("own.netpgd.differences", {}, ("linear_output",), "refuted"),
        ("own.netpgd.lemma1", {"rate": F(1, 4)}, (), "refuted"),
        ("own.netpgd.lemma1", {"rows": 90}, (), "lost"),
        ("own.netpgd.theorem", {"below": F(79, 100)}, (), "refuted"),
        ("own.netpgd.theorem", {"rows": 3199}, (), "lost"),
        ("own.netpgd.theorem", {}, ("nearest",), "lost"),
        ("jagatap19.alg1.iterations", {}, (), "refuted"),
        ("jagatap19.set.sigmoid", {}, (), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("own.netpgd.iterations", "own.netpgd.polarised", {"factor": 3}),
        ("own.netpgd.phase", "own.netpgd.polarised", {"factor": 3}),
        ("own.netpgd.lemma1", "textbook.davidson_szarek.largest", {"rate": F(1, 4)}),
        ("own.netpgd.lemma1", "own.netpgd.patterns", {"factor": 3}),
        ("own.netpgd.lemma1", "jagatap19.region.corrected", {"outer": 2}),
        ("own.netpgd.theorem", "own.netpgd.lemma1", {"rows": 101}),
        ("own.netpgd.theorem", "own.netpgd.lemma1", {"rate": F(1, 27)}),
        ("own.netpgd.theorem", "own.netpgd.loss_sharp", {"factor": 3}),
        ("own.netpgd.theorem", "own.netpgd.loss_sharp", {"limit": F(3, 2)}),
        ("own.netpgd.theorem", "own.netpgd.differences", {"second": 2}),
    ],
)
def test_a_weaker_premise_does_not_carry(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
