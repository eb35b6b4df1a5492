"""The sparse width: order statistics by simulation, the excess in floats, and false siblings."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy import stats

from untrained.theory.ledger import ledger
from untrained.theory.papers.own import sparse_width as width

SPARSE, DOMAIN, MILLS = "own.sparse_width", "own.eq14_domain", "textbook.mills"


def excess(t, log_factor=2.0):
    return 1 + t * stats.norm.pdf(t) / stats.norm.sf(t) + log_factor * math.log(2 * stats.norm.sf(t))


@pytest.mark.parametrize(("s", "d"), [(1, 10), (5, 10), (18, 100), (90, 100)])
def test_the_mean_by_simulation(s, d):
    g = np.random.default_rng([41, s, d]).standard_normal((40_000, d))
    energy = np.sort(g * g, axis=1)[:, -s:].sum(axis=1)
    ours = width.largest_energy({"s": s, "d": d}, ledger()[SPARSE].values)
    assert float(ours.lhs) == pytest.approx(energy.mean(), abs=5 * energy.std() / 200)
    assert float(ours.rhs) == pytest.approx(2 * s * math.log(d / s) + s, rel=1e-12)


def test_the_excess_at_the_share_in_floats():
    claim = ledger()[DOMAIN]
    evidence = claim.proofs[0](claim.premises(ledger()))
    t = stats.norm.isf(0.09)
    assert float(evidence.quantities["excess at t"]) == pytest.approx(excess(t), abs=1e-12)
    assert float(evidence.quantities["share"]) == pytest.approx(0.18, abs=1e-12)


def test_the_excess_falls_and_vanishes_at_the_largest_share():
    levels = np.linspace(0.001, 8, 4000)
    values = np.array([excess(t) for t in levels])
    assert np.all(np.diff(values) < 0)
    assert values[0] == pytest.approx(1, abs=0.01)
    zero = levels[np.argmax(values < 0)]
    assert 2 * stats.norm.sf(zero) == pytest.approx(0.185, abs=1e-3)


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        (SPARSE, {}, "affirmed"),
        (SPARSE, {"linear": F(9, 10)}, "refuted"),
        (SPARSE, {"linear": F(9999, 10000)}, "refuted"),
        (SPARSE, {"linear": 0}, "refuted"),
        (SPARSE, {"log_factor": F(195, 100)}, "refuted"),
        (SPARSE, {"log_factor": 3}, "affirmed"),
        (DOMAIN, {}, "affirmed"),
        (DOMAIN, {"share": F(1849, 10000)}, "affirmed"),
        (DOMAIN, {"share": F(1851, 10000)}, "refuted"),
        (DOMAIN, {"share": F(22, 100)}, "refuted"),
        (DOMAIN, {"share": 1}, "refuted"),
        (DOMAIN, {"log_factor": F(199, 100)}, "refuted"),
    ],
)
def test_what_the_evidence_says_of_other_constants(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says


def test_without_the_share_the_printed_width_is_false():
    assert proof_says(DOMAIN, without=("share",)) == "open"
    assert outcome(DOMAIN, without=("share",)) == "refuted"


@pytest.mark.parametrize("claim_id", [SPARSE, DOMAIN])
@pytest.mark.parametrize("constants", [{"slope": F(11, 10)}, {"inverse": F(11, 10)}])
def test_both_proofs_read_mills_ratio(claim_id, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={MILLS: constants}) == "open"
