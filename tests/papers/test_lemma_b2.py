"""Lemma B.2: the ceiling on a grid, exact laws in scipy, attacks, and false siblings."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy import stats

from untrained.theory.ledger import ledger
from untrained.theory.papers.vanveen18 import lemma_b2 as lemma
from untrained.theory.verdict import finding

CORRECTED, IN_RANGE = "vanveen18.eq14.corrected", "vanveen18.eq14.in_range"
CEILING, CEILING_PRINTED = "vanveen18.lemB2.ceiling.corrected", "vanveen18.lemB2.ceiling.printed"
B2, B2_IN_RANGE, B2_PRINTED = "vanveen18.lemB2.corrected", "vanveen18.lemB2.in_range", "vanveen18.lemB2.printed"
SHARP, FEWER = "own.lemB2_sharp", "own.lemC2_sharp"
COUNT, CHANGE = "vanveen18.lemC2", "vanveen18.eq13"


def values(claim_id, **changes):
    return {**ledger()[claim_id].values, **changes}


def test_several_rows_are_bounded_from_below_by_one():
    case = {"d": 10**20, "x": F(10**20, 3)}
    c = values(B2_PRINTED)
    one, two = (lemma.movement_failure({**case, "n": n}, c) for n in (1, 2))
    assert float(one.lhs.lower()) > 0.999
    assert float(two.lhs.lower()) > 0.999
    assert two.lhs.overlaps(one.lhs)
    mild = lemma.movement_failure({**case, "n": 2}, {**c, "deviation": 10**12}).lhs
    assert float(mild.lower()) < 0.001
    assert mild.overlaps(one.lhs)


@pytest.mark.parametrize("least", [F(4, 3), F(3, 2), F(2), F(5), F(13, 10), F(1), F(1, 2)])
@pytest.mark.parametrize("slope", [F(3), F(5, 2), F(2)])
def test_the_ceiling_on_a_fine_grid(least, slope):
    grid = [least + F(j, 997) for j in range(30_000)]
    grid += [k + F(1, 10**9) for k in range(math.ceil(least), 40)]
    holds = all(2 * math.ceil(x) <= slope * x for x in grid)
    claim = ledger()[CEILING].pushed({"least": least, "slope": slope})
    assert finding(claim.proofs[0](claim.premises(ledger()))) == ("proves" if holds else "refutes")


def test_all_signs_can_be_changed_within_a_large_radius():
    sides = lemma.movement_failure({"n": 1, "d": 10, "x": 10**40}, values(B2))
    assert float(sides.lhs) == pytest.approx(stats.chi.sf(2 + math.sqrt(10), 10), rel=1e-10)
    assert float(sides.rhs) == pytest.approx(math.exp(-0.5), rel=1e-12)


def test_the_bound_is_the_attacked_ones_bound_in_floats():
    c, d, R = values(B2), 40, 0.2
    V, g = np.random.default_rng(52).standard_normal((2, 3, 5, d))
    sides = lemma.movement_attacked({"V": V, "g": g[:, 0], "R": R}, c)
    s = min(d, 2 * math.ceil((2 * d * R) ** (2 / 3)))
    assert float(sides.rhs) == pytest.approx(2 * math.sqrt(5) + math.sqrt(2 * s * math.log(d / s) + s), rel=1e-12)
    assert np.all(sides.lhs <= np.linalg.norm(V, 2, axis=(1, 2)) * (1 + 1e-12))
    s = math.ceil(1.1895 * (2 * d * R) ** (2 / 3))
    sharp = lemma.movement_attacked({"V": V, "g": g[:, 0], "R": R}, values(SHARP)).rhs
    assert float(sharp) == pytest.approx(2 * math.sqrt(5) + math.sqrt(2 * s * math.log(d / s) + s), rel=1e-12)
    x = (2 * d * R) ** (2 / 3)
    printed = lemma.movement_attacked({"V": V, "g": g[:, 0], "R": 0.02}, values(B2_IN_RANGE)).rhs
    x = (2 * d * 0.02) ** (2 / 3)
    assert float(printed) == pytest.approx(2 * math.sqrt(5) + math.sqrt(6 * x * math.log(d / (3 * x))), rel=1e-12)


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        (CEILING, {}, "affirmed"),
        (CEILING, {"least": 1}, "refuted"),
        (CEILING_PRINTED, {}, "refuted"),
        (B2, {}, "affirmed"),
        (B2, {"failure_rate_rows": 50}, "refuted"),
        (B2, {"failure_rate_flips": 50}, "lost"),
        (B2, {"linear": F(99, 100)}, "refuted"),
        (B2, {"deviation": 0}, "refuted"),
        (B2, {"power": F(65, 100)}, "refuted"),
        (SHARP, {}, "affirmed"),
        (SHARP, {"per_x": F(118, 100)}, "lost"),
        (SHARP, {"per_x": F(1, 10)}, "refuted"),
        (SHARP, {"linear": F(99, 100)}, "refuted"),
        (SHARP, {"power": F(65, 100)}, "refuted"),
        (B2_IN_RANGE, {}, "affirmed"),
        (B2_IN_RANGE, {"share": F(9, 10)}, "refuted"),
        (B2_IN_RANGE, {"share": F(19, 100)}, "lost"),
        (B2_IN_RANGE, {"failure_rate_rows": 50}, "lost"),
        (B2_PRINTED, {}, "refuted"),
    ],
)
def test_what_the_evidence_says_of_other_constants(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says


@pytest.mark.parametrize("deviation", [0, F(1, 10)])
def test_without_a_deviation_the_exact_law_refutes_where_all_signs_change(deviation):
    """No symbolic route is asked."""
    c = values(B2, deviation=deviation)
    assert lemma.movement_failure({"n": 8, "d": 40, "x": 10**40}, c).margin < 0


def test_an_attack_that_fails_supports_nothing():
    for claim_id in (B2, B2_IN_RANGE, SHARP):
        assert ledger()[claim_id].count.attack


@pytest.mark.parametrize(
    ("claim_id", "name", "says"),
    [
        (CEILING, "least", "refuted"),
        (B2_IN_RANGE, "share", "refuted"),
        (B2_IN_RANGE, "least", "lost"),
    ],
)
def test_each_hypothesis_is_needed(claim_id, name, says):
    assert outcome(claim_id, without=(name,)) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        (B2, COUNT, {"factor": 3}),
        (B2, COUNT, {"scale": 3}),
        (B2, COUNT, {"power": 1}),
        (B2, COUNT, {"failure_rate": F(1, 7)}),
        (B2, CORRECTED, {"deviation": 3}),
        (B2, CORRECTED, {"linear": F(5, 4)}),
        (B2, CORRECTED, {"failure_rate": F(1, 4)}),
        (B2, CHANGE, {"z_power": 2}),
        (SHARP, FEWER, {"per_x": F(12, 10)}),
        (SHARP, FEWER, {"scale": 3}),
        (SHARP, FEWER, {"failure_rate": F(1, 7)}),
        (SHARP, CORRECTED, {"linear": F(5, 4)}),
        (SHARP, CHANGE, {"z_power": 2}),
        (B2_IN_RANGE, COUNT, {"factor": 3}),
        (B2_IN_RANGE, COUNT, {"failure_rate": F(1, 7)}),
        (B2_IN_RANGE, CEILING, {"least": 3}),
        (B2_IN_RANGE, CEILING, {"slope": 4}),
        (B2_IN_RANGE, IN_RANGE, {"share": F(1, 10)}),
        (B2_IN_RANGE, IN_RANGE, {"deviation": 3}),
        (B2_IN_RANGE, IN_RANGE, {"log_factor": 3}),
        (B2_IN_RANGE, IN_RANGE, {"failure_rate": F(1, 4)}),
        (B2_IN_RANGE, CHANGE, {"z_power": 2}),
    ],
)
def test_the_proofs_read_what_they_need(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
