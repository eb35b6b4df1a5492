import math

import pytest
from flint import arb

from untrained.theory.claim import Claim, Constant, ExactRoute, Hypothesis, Sides, Source
from untrained.theory.proof.exact import FLOAT_GUARD, decide
from untrained.theory.verdict import finding

CASES = ({"x": 1}, {"x": 2}, {"x": 3})


def toy(sides, *, cases=CASES, hypotheses=(), covers="", informative=None):
    """A claim that x is at most `most`, or whatever the sides say."""
    return Claim(
        "own.toy",
        Source("own", "toy"),
        "x <= most",
        "x",
        "a larger x",
        hypotheses=hypotheses,
        constants={"most": Constant(4)},
        exact=ExactRoute(cases, sides, covers, informative),
    )


def at_most(case, c):
    return Sides(float(case["x"]), float(c["most"]))


def fixed(margin):
    return lambda case, c: Sides(1 - margin(case["x"]), 1.0, unit=1.0)


def test_a_claim_that_holds_keeps_its_least_margin():
    outcome = decide(toy(at_most))
    assert (outcome.cases, outcome.informative, outcome.undecided) == (3, 3, 0)
    assert (outcome.margin, outcome.worst_case) == (0.25, {"x": 3})
    assert (finding(outcome), outcome.first_failure) == ("supports", {})


def test_a_claim_whose_list_covers_its_domain_is_proved():
    outcome = decide(toy(at_most, covers="x is 1, 2 or 3"))
    assert (outcome.exhausts, outcome.argument, finding(outcome)) == (True, "x is 1, 2 or 3", "proves")


def test_a_claim_that_fails_shows_its_worst_and_its_first_failure():
    outcome = decide(toy(at_most, cases=({"x": 3}, {"x": 5}, {"x": 8})))
    assert (outcome.margin, outcome.worst_case, outcome.first_failure) == (-1.0, {"x": 8}, {"x": 5})
    assert finding(outcome) == "refutes"


def test_equality_holds():
    outcome = decide(toy(at_most, cases=({"x": 4},)))
    assert (outcome.margin, outcome.undecided) == (0.0, 0)


@pytest.mark.parametrize("margin", [FLOAT_GUARD, FLOAT_GUARD / 3, -FLOAT_GUARD / 3, -FLOAT_GUARD])
def test_a_float_margin_within_the_guard_decides_nothing(margin):
    outcome = decide(toy(lambda case, c: Sides(-margin, 0.0, unit=1.0), covers="all"))
    assert (outcome.undecided, outcome.margin, finding(outcome)) == (3, 0.0, "open")


@pytest.mark.parametrize(("margin", "says"), [(1.01 * FLOAT_GUARD, "supports"), (-1.01 * FLOAT_GUARD, "refutes")])
def test_a_float_margin_beyond_the_guard_decides(margin, says):
    outcome = decide(toy(lambda case, c: Sides(-margin, 0.0, unit=1.0)))
    assert (outcome.margin, finding(outcome)) == (margin, says)


def test_a_certain_failure_beats_an_undecided_case():
    outcome = decide(toy(lambda case, c: Sides(case["x"] - 2.0, 0.0, unit=1.0), cases=({"x": 3}, {"x": 2 + 1e-12})))
    assert (outcome.undecided, outcome.margin, outcome.worst_case) == (1, -1.0, {"x": 3})
    assert finding(outcome) == "refutes"


def test_not_a_number_decides_nothing():
    outcome = decide(toy(lambda case, c: Sides(math.nan, 1.0)))
    assert (outcome.undecided, finding(outcome)) == (3, "open")


@pytest.mark.parametrize("margin", [arb("nan"), arb(0, 1), arb(0, math.inf)], ids=str)
def test_a_ball_around_zero_or_around_everything_decides_nothing(margin):
    outcome = decide(toy(lambda case, c: Sides(-margin, arb(0), unit=arb(1))))
    assert (outcome.undecided, outcome.margin, finding(outcome)) == (3, 0.0, "open")


def test_a_ball_above_zero_keeps_its_lower_end():
    outcome = decide(toy(lambda case, c: Sides(arb(1, 0.25), arb(2), unit=arb(1))))
    assert outcome.margin == pytest.approx(0.75, abs=1e-8)
    assert outcome.margin <= 0.75


def test_a_ball_below_zero_keeps_its_upper_end():
    outcome = decide(toy(lambda case, c: Sides(arb(3, 0.25), arb(2), unit=arb(1))))
    assert outcome.margin == pytest.approx(-0.75, abs=1e-8)
    assert outcome.margin >= -0.75
    assert finding(outcome) == "refutes"


def test_cases_outside_the_hypotheses_are_left_out():
    small = Hypothesis("small", "x < 3", lambda case, c: case["x"] < 3)
    outcome = decide(toy(at_most, hypotheses=(small,)))
    assert (outcome.informative, outcome.margin, outcome.worst_case) == (2, 0.5, {"x": 2})


def test_hypotheses_that_are_never_met_say_nothing():
    never = Hypothesis("never", "x > most", lambda case, c: case["x"] > c["most"])
    outcome = decide(toy(fixed(lambda x: -1.0), hypotheses=(never,), covers="all"))
    assert (outcome.informative, outcome.exhausts, finding(outcome)) == (0, False, "silent")


def test_cases_where_the_bound_says_nothing_are_not_informative():
    outcome = decide(toy(at_most, informative=lambda case, c: case["x"] > 1))
    assert (outcome.cases, outcome.informative) == (3, 2)


def test_a_claim_without_an_exact_route_is_refused():
    claim = Claim("own.toy", Source("own", "toy"), "says", "tex", "nothing")
    with pytest.raises(ValueError, match=r"must have an exact route, got own\.toy without one"):
        decide(claim)
