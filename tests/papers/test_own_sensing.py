"""Gaussian measurements: Theorem B.5's numbers against drawn matrices, laws of singular values by simulation."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from papers.statements import outcome, proof_says
from scipy.stats import chi2

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.ledger import ledger
from untrained.theory.papers.own import sensing

SENSED, VALUES = "own.gaussian_sensing", "own.gaussian_sensing.values"


def constants(claim_id, **changed):
    return {**ledger()[claim_id].values, **changed}


@pytest.mark.parametrize(("m", "n", "d"), [(1, 3, 4), (3, 5, 9), (4, 4, 6)])
def test_the_sensed_matrix_lies_between_multiples_of_the_white_one(m, n, d):
    rng = np.random.default_rng([6, m, n])
    A, V = rng.standard_normal((m, n)), rng.standard_normal((n, d))
    root = np.linalg.cholesky(A @ A.T)  # (AA^T)^{1/2} up to a rotation
    G = np.linalg.solve(root, A @ V)
    low, high = np.linalg.svd(A, compute_uv=False)[[-1, 0]]
    white, sensed = (np.linalg.svd(x, compute_uv=False) for x in (G, A @ V))
    assert sensed[-1] >= low * white[-1] * (1 - 1e-12)
    assert sensed[0] <= high * white[0] * (1 + 1e-12)


def test_the_white_matrix_is_white_by_simulation():
    rng = np.random.default_rng(7)
    A = rng.standard_normal((2, 4))
    values, vectors = np.linalg.eigh(A @ A.T)
    inverse_root = vectors / np.sqrt(values) @ vectors.T
    G = (inverse_root @ A @ rng.standard_normal((100000, 4, 3))).reshape(100000, -1)
    assert np.allclose(G.T @ G / 100000, np.eye(6), atol=0.03)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (0.5, 2.0), (3.0, 4.0)])
@pytest.mark.parametrize(("m", "d"), [(4, 1000), (9, 10**6)])
def test_the_numbers_are_those_of_theorem_b5(low, high, m, d):
    """alpha, beta, eta, the decrease and R from the lemmas' bounds in floats, y and z of norms 3 and 2."""
    c, y, z = {k: float(v) for k, v in constants(SENSED).items()}, 3.0, 2.0
    nu = y / (math.sqrt(d * m) * z)
    alpha, white = low * nu * math.sqrt(d) * z / 4, nu * math.sqrt(d) * z / 4
    beta = nu * (math.sqrt(d) + 2 * math.sqrt(m)) * z
    eta, eta_white = 1 / (high * beta) ** 2, 1 / beta**2
    assert alpha == pytest.approx(low * y / (c["alpha_divisor"] * math.sqrt(m)))
    assert eta == pytest.approx(eta_white * high ** -c["step_power"])
    assert eta * alpha**2 / 4 == pytest.approx(eta_white * white**2 / 4 * (low / high) ** c["rate_power"])
    R, R_white = 5 * (2 * high + 1) * y / alpha, 5 * 3 * y / white
    assert pytest.approx(c["radius"] * (c["output"] * high + c["target"]) * math.sqrt(m) / low) == R
    assert (2 * d * R / (2 * d * R_white)) ** (2 / 3) == pytest.approx((R / R_white) ** c["share_power"])
    assert alpha / 3 / high == pytest.approx(c["budget"] * low / high * y / math.sqrt(m))


@pytest.mark.parametrize("changed", [{"root": 1}, {"step_power": 1}, {"rate_power": 1}, {"radius": 15}, {"output": 1}])
def test_other_numbers_are_refuted(changed):
    assert outcome(SENSED) == "affirmed"
    assert outcome(SENSED, **changed) == "refuted"


def test_the_descent_asks_for_its_hypotheses():
    assert outcome(SENSED, without=("normal",)) == "refuted"
    assert outcome(SENSED, without=("values",)) == "refuted"


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        ("vanveen18.lemB1.proof", {"fraction": F(1, 3)}),
        ("vanveen18.lemB2.in_range", {"power": F(1, 2)}),
        ("vanveen18.lemB4.norm", {"factor": 3}),
        ("vanveen18.lemB4.triangle", {"target": 2}),
        ("vanveen18.lemB4.arithmetic", {"nu_power": F(1, 3)}),
        ("vanveen18.thmB5.rate", {"radius": 4}),
        ("vanveen18.thmB5.rate", {"a1": 3}),
        ("vanveen18.thmB5.rate", {"a2": F(1, 4)}),
        ("vanveen18.alpha_R", {"radius": 61}),
        ("vanveen18.width.normalisation", {"budget": F(1, 13)}),
    ],
)
def test_the_numbers_are_read_from_the_records(record, changed):
    assert proof_says(SENSED) == "proves"
    assert proof_says(SENSED, records={record: changed}) == "refutes"


@pytest.mark.parametrize(("m", "n", "deviation"), [(2, 5, F(1)), (3, 3, F(3, 4)), (4, 20, F(6, 5))])
def test_the_law_of_the_values_by_simulation(m, n, deviation):
    rng = np.random.default_rng([9, m])
    values = np.linalg.svd(rng.standard_normal((20000, m, n)), compute_uv=False)
    outside = np.abs(values - math.sqrt(n)) > float(deviation) * math.sqrt(m)
    low, high = clopper_pearson(int(outside.any(axis=-1).sum()), 20000, 1e-6)
    ours = sensing.values_outside({"m": m, "n": n}, constants(VALUES, deviation=deviation))
    assert low <= float(ours.lhs) <= high


@pytest.mark.parametrize("n", [1, 4, 30])
def test_one_row_has_the_length_of_a_normal_vector(n):
    c = constants(VALUES, deviation=F(1, 2), columns=F(9, 10))
    ends = [max(0, 0.9 * math.sqrt(n) + sign / 2) ** 2 for sign in (-1, 1)]
    sides = sensing.values_outside({"m": 1, "n": n}, c)
    assert float(sides.lhs) == pytest.approx(1 - float(np.diff(chi2.cdf(ends, n))[0]), abs=1e-10)
    assert float(sides.rhs) == pytest.approx(2 * math.exp(-0.5))


def test_a_claimed_failure_of_nothing_is_refuted():
    sides = sensing.values_outside({"m": 2, "n": 3}, constants(VALUES, failure_factor=0))
    assert sides.margin < arb(0)


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        ("textbook.davidson_szarek.largest", {"rate": F(1, 3)}),
        ("textbook.davidson_szarek.smallest", {"rate": F(1, 3)}),
        ("textbook.davidson_szarek.largest", {"factor": 2}),
        ("textbook.davidson_szarek.smallest", {"factor": 2}),
        ("textbook.davidson_szarek.largest", {"rows": F(11, 10)}),
        ("textbook.davidson_szarek.smallest", {"rows": F(11, 10)}),
        ("textbook.davidson_szarek.largest", {"columns": F(11, 10)}),
        ("textbook.davidson_szarek.smallest", {"columns": F(9, 10)}),
        ("textbook.davidson_szarek.largest", {"power": 1}),
    ],
)
def test_the_values_rest_on_davidson_and_szarek(record, changed):
    assert proof_says(VALUES) == "proves"
    assert proof_says(VALUES, records={record: changed}) == "open"


@pytest.mark.parametrize("changed", [{"deviation": F(136, 100)}, {"columns": F(99, 100)}, {"failure_rate": 3}])
def test_false_siblings_of_the_values_are_refuted(changed):
    assert outcome(VALUES) == "affirmed"
    assert outcome(VALUES, **changed) == "refuted"
