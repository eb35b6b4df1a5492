"""Conclusions along runs at widths in use, on hand-made misfits, and what other numbers make of them."""

import math
from fractions import Fraction as F
from types import SimpleNamespace

import numpy as np
import pytest
from papers.statements import outcome

from untrained.theory.ledger import ledger
from untrained.theory.papers.own import practice

N, D = 8, 400
# The factors per step at (8, 400), the formulas of the paper written anew.
PRINTED = 1 - 3 * 400 / (8 * (4 * 8 + 400))
PROOF = 1 - 3 * 400 / (64 * (20 + 2 * math.sqrt(8)) ** 2)
RULES = [("printed", PRINTED), ("proof", PROOF)]


def constants(rule, **changes):
    return {"rule": rule, "decrease": 3, "misfit": 3, "floor": F(1, 10**12), "failure": 1, **changes}


def run(misfits):
    return {"run": SimpleNamespace(misfits=np.array(misfits)), "n": N, "d": D}


@pytest.mark.parametrize(("rule", "factor"), RULES)
@pytest.mark.parametrize("tau", [0, 1, 13, 30])
def test_the_bound_sees_one_step_beyond_it_by_a_tenth_of_a_percent(rule, factor, tau):
    misfits = np.tile(1.5 * factor ** np.arange(32), (3, 1))
    misfits[:, tau] = 3 * factor**tau * np.array([1.001, 0.999, 0.5])
    misfits[:, 31] = 0
    margin = practice.bound_along(run(misfits), constants(rule)).margin
    np.testing.assert_allclose(margin, [-0.001, 0.001, 0.5], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("sides", [practice.bound_along, practice.rate_along])
def test_a_run_that_has_not_come_down_to_the_floor_has_shown_nothing(sides):
    c = constants("proof", floor=F(1, 100))
    down = [1.0, 0.5, 0.1, 0.011]
    assert sides(run([down]), c).margin < 0
    assert sides(run([[*down, 0.01]]), c).margin > 0


def test_what_comes_after_the_floor_does_not_count():
    c = constants("proof", floor=F(1, 100))
    misfits = [[1.0, 0.5, 0.01, 50.0]]
    assert practice.bound_along(run(misfits), c).lhs == pytest.approx(1 / 3)
    assert practice.rate_along(run(misfits), c).lhs == pytest.approx(0.5)


@pytest.mark.parametrize(("rule", "factor"), RULES)
@pytest.mark.parametrize("slow", [1, 7, 20])
def test_the_rate_is_that_of_the_slowest_step(rule, factor, slow):
    ratios = np.full((3, 21), 0.9 * factor)
    ratios[:, slow - 1] = factor * np.array([1.001, 0.999, 1.5])
    ratios[:, 20] = 0
    misfits = np.concatenate([np.ones((3, 1)), np.cumprod(ratios, axis=-1)], axis=-1)
    sides = practice.rate_along(run(misfits), constants(rule))
    assert sides.rhs == pytest.approx(factor, rel=1e-14)
    np.testing.assert_allclose(sides.margin, factor * np.array([-0.001, 0.001, -0.5]), rtol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(8, 400), (3, 7)])
def test_a_step_follows_its_rule(n, d):
    case = {"n": n, "d": d, "step": 0.25}
    proof = d * n / (math.sqrt(d) + 2 * math.sqrt(n)) ** 2
    assert practice.step_by_rule({**case, "rule": "proof"}) == pytest.approx(proof / 4, rel=1e-13)
    assert practice.step_by_rule({**case, "rule": "printed"}) == pytest.approx(2 * n * d / (4 * n + d), rel=1e-13)


def test_a_decrease_of_more_than_all_leaves_nothing():
    assert practice.factor_by_rule({"n": N, "d": D}, constants("printed", decrease=100)) == 0


@pytest.mark.parametrize(("n", "d"), [(8, 400), (2, 3), (1, 1)])
def test_the_theorem_s_probability_has_its_three_terms(n, d):
    failure = 5 * math.exp(-n / 2) + math.exp(-d / 2) + math.exp(-4 * d ** (2 / 3) * n ** (1 / 3))
    half = practice.theorem_probability({"n": n, "d": d}, {"failure": F(1, 2)})
    assert half == pytest.approx(1 - failure / 2, abs=1e-14)


def test_the_runs_of_a_claim_follow_its_constants():
    c = {"sizes": ((2, 5), (3, 6)), "rule": "printed", "step": F(1, 2)}
    assert practice._cells(c) == tuple(
        {"n": n, "d": d, "steps": 300, "rule": "printed", "step": 0.5} for n, d in ((2, 5), (3, 6))
    )


def test_eight_claims_have_eight_conclusions():
    ids = [claim.id for claim in practice.CLAIMS]
    assert len(set(ids)) == 8
    assert [ledger()[i].constants["rule"].value for i in ids] == ["printed", "proof"] * 4


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        ("own.practice.bound.proof", {}, "affirmed"),
        ("own.practice.bound.proof", {"rule": "printed"}, "refuted"),
        ("own.practice.bound.proof", {"misfit": F(7, 5)}, "refuted"),
        ("own.practice.rate.proof", {"decrease": 18}, "refuted"),
        ("own.image.bound.printed", {}, "refuted"),
        ("own.image.rate.proof", {}, "lost"),  # twelve runs tell nothing of 6e-14
    ],
)
def test_a_statement_with_another_number(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says
