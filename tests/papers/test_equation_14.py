"""Eq. (14): suprema by trying every set, exact laws in scipy, and false siblings."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy import stats

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.ledger import ledger
from untrained.theory.objects import sparse_norms
from untrained.theory.papers.vanveen18 import equation_14 as equation

GENERAL, PRINTED = "vanveen18.eq14.general_t", "vanveen18.eq14.printed"
CORRECTED, IN_RANGE = "vanveen18.eq14.corrected", "vanveen18.eq14.in_range"
DOMAIN, WIDTH = "own.eq14_domain", "own.sparse_width"


def values(claim_id, **changes):
    return {**ledger()[claim_id].values, **changes}


@pytest.mark.parametrize(("n", "s", "d"), [(2, 1, 6), (3, 6, 6), (1, 6, 6), (3, 1, 8)])
@pytest.mark.parametrize("deviation", [F(1, 2), F(1)])
def test_the_law_of_the_supremum_by_trying_every_set(n, s, d, deviation):
    trials = 3000
    V = np.random.default_rng([51, n, s, d]).standard_normal((trials, n, d))
    norms = np.array([sparse_norms.largest_norm_exhaustive(v, s) for v in V])
    bound = float(deviation) * math.sqrt(n) + math.sqrt(2 * s * math.log(d / s) + s)
    law = equation.supremum_failure({"n": n, "s": s, "d": d}, values(CORRECTED, deviation=deviation)).lhs
    low, high = clopper_pearson(int(np.sum(norms > bound)), trials, 1e-6)
    assert low <= float(law) <= high


def test_a_case_without_an_exact_law_is_refused():
    with pytest.raises(ValueError, match="case must have s = d, s = 1 or n = 1"):
        equation.supremum_failure({"n": 2, "s": 2, "d": 4}, values(CORRECTED))


def test_the_general_bound_at_one_row_in_scipy():
    sides = equation.general_failure({"n": 1, "d": 5, "t": F(1, 2)}, values(GENERAL))
    assert float(sides.lhs) == pytest.approx(stats.chi.sf(1.5 + stats.chi.mean(5), 5), rel=1e-9)
    assert float(sides.rhs) == pytest.approx(math.exp(-1 / 8), rel=1e-12)


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        (GENERAL, {}, "affirmed"),
        (GENERAL, {"power": F(201, 100)}, "refuted"),
        (GENERAL, {"rows": F(99, 100)}, "refuted"),
        (PRINTED, {}, "refuted"),
        (CORRECTED, {}, "affirmed"),
        (CORRECTED, {"linear": F(9, 10)}, "refuted"),
        (CORRECTED, {"failure_rate": 50}, "refuted"),
        (CORRECTED, {"failure_rate": F(82, 100)}, "refuted"),
        (CORRECTED, {"failure_rate": F(51, 100)}, "lost"),
        (CORRECTED, {"deviation": F(177, 100)}, "refuted"),
        (IN_RANGE, {}, "affirmed"),
        (IN_RANGE, {"share": F(186, 1000)}, "refuted"),
        (IN_RANGE, {"log_factor": F(199, 100)}, "refuted"),
    ],
)
def test_what_the_evidence_says_of_other_constants(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says


def test_nine_tenths_of_the_linear_term_fail_at_one_row():
    sides = equation.supremum_failure({"n": 1, "s": 10**4, "d": 10**4}, values(CORRECTED, linear=F(9, 10)))
    assert float(sides.lhs) > 0.99
    assert sides.margin < 0


@pytest.mark.parametrize(
    ("claim_id", "name", "says"),
    [
        (IN_RANGE, "share", "refuted"),
    ],
)
def test_each_hypothesis_is_needed(claim_id, name, says):
    assert outcome(claim_id, without=(name,)) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        (GENERAL, "textbook.chevet", {"rows": 2}),
        (GENERAL, "textbook.chevet", {"width": 2}),
        (GENERAL, "textbook.gaussian_lipschitz", {"rate": F(1, 4)}),
        (GENERAL, "textbook.gaussian_lipschitz", {"lipschitz": F(1, 2)}),
        (GENERAL, "textbook.gaussian_lipschitz", {"factor": 2}),
        (GENERAL, "textbook.gaussian_lipschitz", {"power": 1}),
        (CORRECTED, GENERAL, {"rows": 2}),
        (CORRECTED, GENERAL, {"width": 2}),
        (CORRECTED, GENERAL, {"failure_rate": F(1, 4)}),
        (CORRECTED, GENERAL, {"power": 1}),
        (CORRECTED, GENERAL, {"failure_factor": 2}),
        (CORRECTED, WIDTH, {"linear": F(5, 4)}),
        (CORRECTED, WIDTH, {"log_factor": 3}),
        (IN_RANGE, DOMAIN, {"share": F(1, 10)}),
        (IN_RANGE, DOMAIN, {"log_factor": 3}),
    ],
)
def test_the_proofs_read_what_they_need(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
