"""Every branch of the judge, on evidence made by hand."""

import copy
import math
from dataclasses import replace

import pytest

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.evidence import Compared, Counted, Enclosed, Exact, Searched, Symbolic
from untrained.theory.verdict import affirms, contradicts, finding, judge, refutes, trials_to_resolve

LEVEL = 0.01


def symbolic(*residuals, sufficient=False):
    return Symbolic(("identity",), residuals, "because", sufficient)


def exact(margin, *, informative=3, cases=3, exhausts=False, undecided=0, worst=None):
    return Exact(cases, informative, margin, worst or {"n": 1}, "", exhausts, undecided)


def enclosed(low, high, *, exhausts=False, sufficient=False):
    return Enclosed({"x": "1.00"}, (low, high), "", exhausts, sufficient)


def searched(margin, *, draws=10, applicable=10, informative=10, worst=None):
    return Searched(draws, applicable, informative, margin, worst or {"n": 2})


def counted(low, high, claimed, *, successes=90, trials=100, applicable=100, worst=None):
    case, trial = {"cell": 1}, worst or {"trial": 7}
    return Counted(case, claimed, successes, trials, applicable, LEVEL, low, high, -0.5, trial)


def compared(low, high, sense="<", limit=1.0, *, pairs=30):
    return Compared({"m": 500}, (low + high) / 2, low, high, sense, limit, LEVEL, pairs)


STRADDLES = counted(0.85, 0.95, 0.9)
TOO_FEW = counted(0.95, 1.0, 0.9999, successes=100)

FINDINGS = {
    "identities that reduce prove": (symbolic(), "proves"),
    "a residual refutes": (symbolic("x - 1"), "refutes"),
    "a residual of a sufficient argument decides nothing": (symbolic("x - 1", sufficient=True), "open"),
    "a sufficient argument that goes through proves": (symbolic(sufficient=True), "proves"),
    "a negative exact margin refutes": (exact(-0.1), "refutes"),
    "a negative exact margin refutes though other cases are undecided": (exact(-0.1, undecided=1), "refutes"),
    "a negative margin of no case says nothing": (exact(-0.1, cases=0, informative=0), "silent"),
    "an undecided exact case leaves it open": (exact(0.1, undecided=1), "open"),
    "an undecided exact case leaves even an exhaustive list open": (
        exact(0.1, undecided=1, exhausts=True),
        "open",
    ),
    "exact cases that exhaust the domain prove": (exact(0.1, exhausts=True), "proves"),
    "exact cases support": (exact(0.1), "supports"),
    "equality is no refutation": (exact(0.0), "supports"),
    "exact cases where the bound says nothing are silent": (exact(0.1, informative=0), "silent"),
    "an exhaustive list of no cases is silent": (exact(0.1, cases=0, informative=0, exhausts=True), "silent"),
    "an exhaustive list without one informative case proves nothing": (
        exact(0.1, informative=0, exhausts=True),
        "silent",
    ),
    "an attack that fails is silent": (replace(searched(0.5), attack=True), "silent"),
    "an attack that succeeds refutes": (replace(searched(-0.1), attack=True), "refutes"),
    "an attack that a count fails with is silent": (replace(counted(0.9, 0.95, 0.9), attack=True), "silent"),
    "an attack that a count succeeds with refutes": (replace(counted(0.8, 0.89, 0.9), attack=True), "refutes"),
    "an enclosure below zero refutes": (enclosed(-2, -1), "refutes"),
    "an enclosure of a sufficient condition below zero is open": (enclosed(-2, -1, sufficient=True), "open"),
    "an enclosure around zero is open": (enclosed(-1, 1, exhausts=True), "open"),
    "an enclosure that ends at zero is open": (enclosed(-1, 0), "open"),
    "an enclosure above zero that exhausts the domain proves": (enclosed(0, 1, exhausts=True), "proves"),
    "an enclosure above zero supports": (enclosed(0, 1), "supports"),
    "a counterexample refutes": (searched(-0.1), "refutes"),
    "a search without a counterexample supports": (searched(0.0), "supports"),
    "a search whose hypotheses never held is silent": (
        searched(-1.0, applicable=0, informative=0),
        "silent",
    ),
    "a search where the bound said nothing is silent": (searched(0.5, informative=0), "silent"),
    "an exact margin that is no number is open": (exact(math.nan, exhausts=True), "open"),
    "an enclosure that is no number is open": (enclosed(math.nan, math.nan, exhausts=True), "open"),
    "a search whose margin is no number refutes": (searched(math.nan), "refutes"),
    "an interval below the claim refutes": (counted(0.8, 0.89, 0.9), "refutes"),
    "an interval that reaches the claim from below does not refute": (counted(0.8, 0.9, 0.9), "open"),
    "an interval above the claim supports": (counted(0.9, 0.95, 0.9), "supports"),
    "an interval around the claim is open": (STRADDLES, "open"),
    "trials too few for the claim are unresolved": (TOO_FEW, "unresolved"),
    "an interval of a comparison below its limit supports": (compared(0.5, 0.9), "supports"),
    "an interval of a comparison above its limit refutes": (compared(1.1, 1.5), "refutes"),
    "an interval of a comparison around its limit is open": (compared(0.9, 1.1), "open"),
    "an interval that reaches a limit to stay below is open": (compared(0.5, 1.0), "open"),
    "an interval that reaches a limit to keep supports": (compared(0.5, 1.0, "<="), "supports"),
    "an interval from a limit to stay below upwards refutes": (compared(1.0, 1.5), "refutes"),
    "an interval from a limit to keep upwards is open": (compared(1.0, 1.5, "<="), "open"),
    "an interval above a limit to exceed supports": (compared(1.1, 1.5, ">"), "supports"),
    "an interval below a limit to exceed refutes": (compared(0.5, 1.0, ">"), "refutes"),
    "an interval from a limit to reach upwards supports": (compared(1.0, 1.5, ">="), "supports"),
    "an interval below a limit to reach refutes": (compared(0.5, 0.9, ">="), "refutes"),
    "an interval that ends at a limit to reach is open": (compared(0.5, 1.0, ">="), "open"),
    "a comparison without a bound is open": (compared(-math.inf, math.inf, pairs=1), "open"),
    "a comparison that is no number is open": (compared(math.nan, math.nan), "open"),
    "a comparison whose ends are exchanged is open": (compared(0.9, 0.5), "open"),
    "a comparison of no pair is silent": (compared(1.1, 1.5, pairs=0), "silent"),
    "a claim of probability zero is silent": (counted(0.8, 0.9, 0.0), "silent"),
    "a cell whose hypotheses never held is silent": (
        counted(0.0, 1.0, 0.9, successes=0, applicable=0),
        "silent",
    ),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_is_what_the_evidence_says(name):
    evidence, expected = FINDINGS[name]
    assert finding(evidence) == expected


REFUTING = [symbolic("x"), exact(-0.1), enclosed(-2, -1), searched(-0.1), counted(0.8, 0.89, 0.9), compared(1.1, 1.5)]
PROVING = [symbolic(), exact(0.1, exhausts=True), enclosed(0, 1, exhausts=True)]
SUPPORTING = [exact(0.1), enclosed(0, 1), searched(0.1), counted(0.9, 0.95, 0.9), compared(0.5, 0.9)]


def kind(evidence):
    return type(evidence).__name__


def a_control(like):
    """A false sibling refuted by the same kind of evidence."""
    return {"wrong": [next(e for e in REFUTING if kind(e) == kind(like))]}


def test_without_evidence_a_claim_is_untested():
    verdict = judge([], {"wrong": REFUTING})
    assert (verdict.status, verdict.margin, verdict.informative) == ("UNTESTED", None, None)


@pytest.mark.parametrize("evidence", REFUTING, ids=kind)
def test_each_kind_of_evidence_refutes(evidence):
    verdict = judge([evidence, searched(0.5)], {})
    assert verdict.status == "REFUTED"
    assert verdict.why == f"refuted by {kind(evidence)}"
    assert verdict.decided_by == (kind(evidence),)


def test_refutation_by_two_kinds_names_both():
    verdict = judge([searched(-1.0), exact(-1.0), exact(-2.0)], {})
    assert verdict.why == "refuted by Exact and Searched"
    assert verdict.decided_by == ("Exact", "Searched")


def test_refutation_that_contradicts_a_proof_says_so():
    verdict = judge([symbolic(), searched(-0.1)], {})
    assert verdict.status == "REFUTED"
    assert verdict.why == "refuted by Searched; this contradicts other evidence that proves it"


def test_refutation_needs_no_control():
    assert judge([searched(-0.1)], {"wrong": [searched(0.1)]}).status == "REFUTED"


@pytest.mark.parametrize("evidence", REFUTING[:1] + REFUTING[2:3], ids=kind)
def test_refutation_by_an_argument_rests_on_its_needs(evidence):
    verdict = judge([evidence], {}, {"b": "SUPPORTED", "a": "REFUTED", "c": "PROVED"})
    assert verdict.status == "INCONCLUSIVE"
    assert verdict.why == "refuted if a, b holds, which is not proved here"
    assert judge([evidence], {}, {"c": "PROVED"}).status == "REFUTED"


@pytest.mark.parametrize("evidence", REFUTING[1:2] + REFUTING[3:], ids=kind)
def test_refutation_by_a_case_rests_on_nothing(evidence):
    assert judge([evidence, symbolic("x")], {}, {"lemma": "REFUTED"}).status == "REFUTED"


@pytest.mark.parametrize("evidence", PROVING, ids=kind)
def test_each_exhaustive_kind_proves(evidence):
    verdict = judge([evidence], a_control(evidence))
    assert (verdict.status, verdict.why) == ("PROVED", f"proved by {kind(evidence)}")


def test_a_proof_whose_needs_are_proved_is_a_proof():
    assert judge([symbolic()], a_control(symbolic()), {"lemma": "PROVED"}).status == "PROVED"


@pytest.mark.parametrize("status", ["SUPPORTED", "CONSISTENT", "INCONCLUSIVE", "VACUOUS", "UNTESTED"])
def test_a_proof_is_support_where_a_need_is_not_proved(status):
    verdict = judge([symbolic()], a_control(symbolic()), {"lemma": status, "other": "PROVED"})
    assert verdict.status == "SUPPORTED"
    assert verdict.why == "proved if lemma holds, which is not proved here"


def test_a_proof_is_inconclusive_where_a_need_is_refuted():
    needs = {"b": "REFUTED", "a": "SUPPORTED", "c": "REFUTED"}
    verdict = judge([symbolic()], a_control(symbolic()), needs)
    assert verdict.status == "INCONCLUSIVE"
    assert verdict.why == "the argument rests on b, c, which is refuted"


@pytest.mark.parametrize("evidence", SUPPORTING, ids=kind)
def test_each_kind_of_evidence_supports(evidence):
    verdict = judge([evidence], a_control(evidence))
    assert (verdict.status, verdict.why) == ("SUPPORTED", f"no counterexample by {kind(evidence)}")


def test_support_does_not_rest_on_needs():
    verdict = judge([searched(0.1)], a_control(searched(0.1)), {"lemma": "REFUTED"})
    assert verdict.status == "SUPPORTED"


def test_support_with_a_missed_control_is_consistency():
    controls = {**a_control(searched(0.1)), "b": [searched(0.1)], "a": [searched(0.2)]}
    verdict = judge([searched(0.1)], controls)
    assert verdict.status == "CONSISTENT"
    assert verdict.why == "the same evidence failed to refute the false sibling a, b"
    assert (verdict.controls_refuted, verdict.controls_missed) == (("wrong",), ("a", "b"))


def test_a_proof_with_a_missed_control_is_consistency():
    assert judge([symbolic()], {"wrong": [symbolic()]}).status == "CONSISTENT"


def test_support_without_a_control_is_consistency():
    verdict = judge([searched(0.1)], {})
    assert verdict.status == "CONSISTENT"
    assert verdict.why == "no false sibling was tested, so the evidence has shown no power"


def test_support_of_a_fitted_constant_is_consistency():
    verdict = judge([symbolic()], a_control(symbolic()), fitted=True)
    assert (verdict.status, verdict.why) == (
        "CONSISTENT",
        "a constant was fitted, so agreement is by construction",
    )


def test_trials_too_few_alone_are_consistency():
    verdict = judge([TOO_FEW], a_control(TOO_FEW))
    assert verdict.status == "CONSISTENT"
    assert "below what the trials resolve; that would take about" in verdict.why
    assert verdict.decided_by == ("Counted",)


@pytest.mark.parametrize(
    "evidence",
    [
        STRADDLES,
        enclosed(-1, 1),
        exact(0.0, undecided=1),
        symbolic("x", sufficient=True),
        enclosed(-2, -1, sufficient=True),
    ],
    ids=kind,
)
def test_open_evidence_is_inconclusive_whatever_supports_it(evidence):
    verdict = judge([evidence, searched(0.1)], a_control(searched(0.1)))
    assert (verdict.status, verdict.why) == ("INCONCLUSIVE", f"{kind(evidence)} straddles the claim")


def test_a_proof_stands_beside_open_evidence():
    assert judge([symbolic(), STRADDLES], a_control(symbolic())).status == "PROVED"


@pytest.mark.parametrize("claimed", [0.0, -0.5])
def test_a_probability_that_says_nothing_is_vacuous(claimed):
    verdict = judge([counted(0.8, 0.9, claimed), searched(0.5, informative=0)], {})
    assert verdict.status == "VACUOUS"
    assert verdict.why.startswith("the hypotheses were never met")


def test_a_control_refuted_by_another_kind_is_missed():
    verdict = judge([searched(0.1)], {"wrong": [symbolic("x"), searched(0.1)]})
    assert (verdict.status, verdict.controls_missed) == ("CONSISTENT", ("wrong",))


def test_a_control_refuted_by_a_kind_that_was_silent_is_missed():
    silent = searched(0.5, informative=0)
    verdict = judge([symbolic(), silent], {"wrong": [symbolic(), searched(-0.5)]})
    assert verdict.controls_missed == ("wrong",)


def test_a_control_that_something_proves_is_missed():
    verdict = judge([searched(0.1)], {"wrong": [symbolic(), searched(-0.5)]})
    assert (verdict.status, verdict.controls_missed) == ("CONSISTENT", ("wrong",))


def test_a_refuted_claim_counts_controls_refuted_by_the_kind_that_refuted_it():
    controls = {"a": [symbolic("x"), searched(0.1)], "b": [exact(0.1), searched(-0.2)]}
    verdict = judge([symbolic(), searched(-0.1)], controls)
    assert (verdict.controls_refuted, verdict.controls_missed) == (("b",), ("a",))


def test_the_informative_share_counts_all_tested_cases():
    evidence = [
        exact(0.1, cases=4, informative=1),
        searched(0.1, draws=10, applicable=8, informative=5),
        counted(0.9, 0.95, 0.9, trials=6, applicable=4),
        counted(0.9, 0.95, 0.0, trials=20, applicable=20),
        compared(0.5, 0.9, pairs=7),
        compared(-math.inf, math.inf, pairs=1),
        symbolic(),
        enclosed(0, 1),
    ]
    assert judge(evidence, {}).informative == (1 + 5 + 4 + 7) / (4 + 10 + 6 + 20 + 7 + 1)


@pytest.mark.parametrize("evidence", [symbolic(), enclosed(0, 1)], ids=kind)
def test_evidence_without_cases_has_no_informative_share(evidence):
    assert judge([evidence], {}).informative is None


def test_the_worst_case_is_that_of_the_least_margin():
    evidence = [exact(0.3, worst={"n": 1}), searched(0.2, worst={"n": 2}), enclosed(0.4, 0.5)]
    verdict = judge(evidence, {})
    assert (verdict.margin, verdict.worst_case) == (0.2, {"n": 2})


def test_the_margin_of_an_enclosure_is_its_lower_end():
    verdict = judge([enclosed(0.1, 0.2), exact(0.3)], {})
    assert (verdict.margin, verdict.worst_case) == (0.1, {"enclosed": {"x": "1.00"}})


def test_the_margin_of_a_count_is_of_the_failure_that_the_claim_allows():
    assert judge([counted(0.3, 0.7, 0.8, successes=50, applicable=100)], {}).margin == pytest.approx(-0.5, abs=1e-12)
    verdict = judge([counted(0.85, 0.95, 0.8, successes=90, applicable=100)], {})
    assert verdict.margin == pytest.approx(0.25, abs=1e-12)
    assert verdict.worst_case == {"cell": 1, "trial": 7}


@pytest.mark.parametrize("sense", ["<", "<=", ">", ">="])
def test_a_comparison_supports_exactly_where_its_opposite_is_refuted(sense):
    opposed = {"supports": "refutes", "refutes": "supports", "open": "open"}
    for low, high in ((0.5, 0.9), (0.5, 1.0), (0.9, 1.1), (1.0, 1.0), (1.0, 1.5), (1.1, 1.5)):
        one = compared(low, high, sense)
        assert one.opposite().opposite() == one
        assert finding(one.opposite()) == opposed[finding(one)]


def test_a_comparison_is_supported_with_its_opposite_for_a_false_sibling():
    one = compared(0.5, 0.75)
    verdict = judge([one], {"opposite": [one.opposite()]})
    assert (verdict.status, verdict.margin, verdict.worst_case) == ("SUPPORTED", 0.25, {"m": 500})
    assert judge([one.opposite()], {"opposite": [one]}).status == "REFUTED"
    assert judge([compared(0.5, 1.5)], {}).status == "INCONCLUSIVE"
    assert judge([compared(0.5, 1.5, pairs=0)], {}).status == "VACUOUS"


@pytest.mark.parametrize(
    ("evidence", "margin"),
    [
        (compared(1.0, 1.5, "<", 2.0), 0.25),
        (compared(2.5, 3.0, "<", 2.0), -0.25),
        (compared(1.0, 2.5, "<", 2.0), -0.25),
        (compared(2.5, 3.0, ">", 2.0), 0.25),
        (compared(1.0, 1.5, ">", 2.0), -0.25),
        (compared(0.5, 1.5, ">", 0.0), 0.5),
        (compared(-2.0, -1.0, ">", 0.0), -1.0),
        (compared(-4.0, -3.0, "<", -2.0), 0.5),
    ],
)
def test_the_margin_of_a_comparison_is_of_the_end_that_decides_in_units_of_the_limit(evidence, margin):
    assert judge([evidence], {}).margin == margin


@pytest.mark.parametrize(
    "untested",
    [
        counted(0.0, 1.0, 0.9, applicable=0, successes=0),
        Searched(10, 0, 0, 0.0, {}),
        Exact(3, 0, 0.0, {}),
        compared(0.5, 0.9, pairs=0),
    ],
    ids=kind,
)
def test_evidence_of_no_case_has_no_margin(untested):
    assert judge([untested], {}).margin is None
    assert judge([untested, searched(0.1)], {}).margin == 0.1


def test_an_identity_has_margin_zero_and_no_worst_case():
    verdict = judge([symbolic()], {})
    assert (verdict.margin, verdict.worst_case) == (0.0, {})


def test_a_residual_is_the_worst_case():
    verdict = judge([symbolic("x - 1", "y"), exact(0.5)], {})
    assert (verdict.margin, verdict.worst_case) == (-1.0, {"residual": "x - 1"})


def test_an_infinitely_bad_case_is_the_worst():
    assert judge([searched(-math.inf), exact(-1.0)], {}).margin == -math.inf


def test_the_judge_is_pure():
    arguments = (
        [symbolic(), exact(0.1), searched(0.2), STRADDLES],
        {"b": [symbolic("x")], "a": [exact(-1.0)]},
        {"lemma": "SUPPORTED"},
    )
    before = copy.deepcopy(arguments)
    assert judge(*arguments) == judge(*arguments)
    assert arguments == before


def test_the_order_of_evidence_does_not_change_the_status():
    evidence = [symbolic(), exact(0.1), STRADDLES, searched(0.2)]
    controls = a_control(symbolic())
    forward, backward = judge(evidence, controls), judge(evidence[::-1], controls)
    assert (forward.status, forward.why, forward.margin) == (backward.status, backward.why, backward.margin)


STATUSES = ("PROVED", "SUPPORTED", "CONSISTENT", "INCONCLUSIVE", "VACUOUS", "REFUTED", "UNTESTED")
OPPOSED = {
    *((now, "PROVED") for now in STATUSES if now != "PROVED"),
    ("PROVED", "REFUTED"),
    ("SUPPORTED", "REFUTED"),
    ("REFUTED", "SUPPORTED"),
    ("PROVED", "VACUOUS"),
}


@pytest.mark.parametrize("recorded", STATUSES)
@pytest.mark.parametrize("now", STATUSES)
def test_two_verdicts_contradict_only_where_they_cannot_both_stand(now, recorded):
    assert contradicts(now, recorded) == ((now, recorded) in OPPOSED)


@pytest.mark.parametrize("failure", [0.9, 0.3, 0.0123, 4e-5])
@pytest.mark.parametrize("level", [0.4, 0.05, 1e-7])
def test_trials_to_resolve_is_the_least_number(failure, level):
    n = trials_to_resolve(failure, level)
    assert clopper_pearson(0, n, level)[1] <= failure
    assert n == 1 or clopper_pearson(0, n - 1, level)[1] > failure


@pytest.mark.parametrize("failure", [0.0, 1.0, -0.2, 1.5, math.nan])
def test_failures_that_cannot_be_resolved_are_refused(failure):
    with pytest.raises(ValueError, match="failure must lie strictly between 0 and 1"):
        trials_to_resolve(failure, 0.05)


def test_an_unresolved_count_says_how_many_trials_it_would_have_taken():
    claimed, level = 1 - 1e-6, 1e-4
    count = Counted({"n": 1}, claimed, 100, 100, 100, level, (level / 2) ** 0.01, 1.0, 0.5)
    verdict = judge([count], {"sibling": [Counted({"n": 1}, claimed, 0, 100, 100, level, 0.0, 0.1, -0.5)]})
    assert verdict.status == "CONSISTENT"
    assert f"{trials_to_resolve(1 - claimed, level):.1e} trials" in verdict.why


ATTACK = replace(searched(0.5), attack=True)


def test_an_attack_alone_affirms_nothing():
    verdict = judge([ATTACK], {"false": [replace(searched(-0.1), attack=True)]})
    assert (verdict.status, affirms([ATTACK])) == ("VACUOUS", False)


def test_a_control_may_be_refuted_by_the_attack_that_the_claim_withstood():
    verdict = judge([symbolic(sufficient=True), ATTACK], {"false": [symbolic("1", sufficient=True), searched(-0.1)]})
    assert (verdict.status, verdict.controls_refuted) == ("PROVED", ("false",))


def test_a_proof_none_of_whose_tested_cases_met_the_hypotheses_says_so():
    cases = exact(0.0, informative=0, cases=16)
    verdict = judge([symbolic(), cases], {"false": [symbolic("1")]})
    assert verdict.status == "PROVED"
    assert verdict.why == "proved by Symbolic; VACUOUS on all 16 cases tested, none of which met the hypotheses"
    assert "VACUOUS" not in judge([symbolic(), exact(0.1)], {"false": [symbolic("1")]}).why


def test_a_proof_names_the_theorems_under_which_it_stands():
    verdict = judge([symbolic()], {"false": [symbolic("1")]}, assumes=("textbook.a", "textbook.b"))
    assert (verdict.status, verdict.assumes) == ("PROVED", ("textbook.a", "textbook.b"))
    assert verdict.why == "proved by Symbolic, under textbook.a and textbook.b"


def test_the_nearest_refuted_control_is_part_of_the_verdict():
    controls = {"far": [symbolic("1")], "near": [symbolic("1")], "missed": [symbolic()]}
    verdict = judge([symbolic()], controls, distances={"far": 100.0, "near": 1.4, "missed": 1.01})
    assert verdict.nearest == 1.4
    assert judge([symbolic()], {"false": [symbolic("1")]}).nearest is None


@pytest.mark.parametrize(
    ("evidence", "affirmed", "refuted"),
    [
        ([symbolic()], True, False),
        ([symbolic("1", sufficient=True)], False, False),
        ([symbolic("1", sufficient=True), exact(0.1)], False, False),
        ([symbolic(), exact(-0.1)], False, True),
        ([exact(0.1), ATTACK], True, False),
        ([], False, False),
    ],
)
def test_evidence_affirms_refutes_or_does_neither(evidence, affirmed, refuted):
    assert (affirms(evidence), refutes(evidence)) == (affirmed, refuted)
