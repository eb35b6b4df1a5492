"""Widths that the first steps put out of reach: what becomes of the statements with other numbers and premises."""

from fractions import Fraction as F

import pytest
from flint import arb
from papers.statements import outcome, proof_says

from untrained.theory.ledger import ledger
from untrained.theory.papers.own import impossible

FIRST, PROOF, TWO = (f"own.impossible.{name}" for name in ("first_step", "proof_step", "two_steps"))
STEP = (F(1), F(1, 2), 1)


@pytest.mark.parametrize("claim_id", [FIRST, PROOF, TWO])
def test_the_ratio_is_seen_to_three_digits(claim_id):
    values = ledger()[claim_id].values
    assert outcome(claim_id) == "affirmed"
    assert outcome(claim_id, low=values["high"]) == "refuted"
    assert outcome(claim_id, high=values["low"]) == "refuted"


@pytest.mark.parametrize("name", ["size", "share", "rows"])
@pytest.mark.parametrize("factor", [F(98, 100), F(102, 100)])
def test_another_step_has_another_ratio(name, factor):
    assert outcome(FIRST, **{name: ledger()[FIRST].values[name] * factor}) == "refuted"


def test_another_number_of_steps_has_another_ratio():
    assert outcome(TWO, steps=1) == "refuted"


@pytest.mark.parametrize(
    "records",
    [
        {"own.descent.reduction": {"drift": 2}},
        {"own.descent.off_stays_off": {"state": "on"}},
        {"textbook.gordon": {"factor": F(1, 2)}},
        {"textbook.gaussian_lipschitz": {"lipschitz": 2}},
    ],
)
def test_the_argument_rests_on_its_premises(records):
    assert proof_says(FIRST) == "proves"
    assert proof_says(FIRST, records=records) == "refutes"


def test_what_a_longer_first_step_leaves_out_is_more():
    margins = [float(impossible.signal_left_out(F(43, 10), (F(size), F(1, 2), 1), 1)) for size in (1, 2, 4)]
    assert 0 < margins[0] < margins[1] < margins[2]


def test_every_ratio_from_four_on_is_left_out_up_to_the_claimed_one_and_none_beyond():
    low, high = ledger()[FIRST].values["low"], ledger()[FIRST].values["high"]
    assert impossible.left_out_from(F(4), low, STEP) > 0
    assert not impossible.left_out_from(F(4), high, STEP) > 0
    for ratio in (F(4), F(42, 10), low):
        assert impossible.signal_left_out(ratio, STEP, 1) >= impossible.left_out_from(F(4), low, STEP).lower()


def test_no_step_and_a_step_without_bound_decide_without_an_error():
    assert outcome(FIRST, size=0) != "affirmed"
    assert outcome(FIRST, size=1000) == "refuted"
    assert isinstance(impossible.signal_left_out(F(4), (F(0), F(1, 2), 1), 1), arb)
