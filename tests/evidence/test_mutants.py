"""Mutants on claims whose brackets are known by hand, and one look at every constant and hypothesis of the ledger."""

import math
from fractions import Fraction as F
from functools import cache

import pytest

from untrained.sims.evidence.bench import Bench
from untrained.sims.evidence.mutants import STEPS, is_number, mutate, mutate_all, pushes_seen, sees, values_pushed, ways
from untrained.sims.record.brackets import brackets, report_from_json, report_to_json
from untrained.theory.claim import Claim, Constant, Control, ExactRoute, Hypothesis, Sides, Source
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.ledger import ledger

LOOKS = []


def proof(p):
    """Proves x <= bound wherever bound is at least 3/2, needs the hypothesis, and says no more elsewhere."""
    LOOKS.append("proof")
    holds = p["bound"] >= F(3, 2) and p.given("small")
    return Enclosed({}, (0.0, 1.0) if holds else (-1.0, 1.0), "", True, True)


def sides(case, c):
    """Truth is x <= 1."""
    LOOKS.append("exact")
    return Sides(case["x"], float(c["bound"]), unit=1.0)


def claim(bound=2, **changes):
    fields = {
        "id": "own.bound",
        "source": Source("own", "bound"),
        "says": "x is at most $bound.",
        "tex": "",
        "refuted_by": "a larger x",
        "hypotheses": (Hypothesis("small", "x is small"),),
        "constants": {"bound": Constant(bound, "down"), "unread": Constant(1, "up")},
        "proofs": (proof,),
        "exact": ExactRoute(({"x": 1.0},), sides),
        "controls": (Control("half", {"bound": F(1, 2)}),),
    }
    return Claim(**{**fields, **changes})


@pytest.fixture
def bench():
    LOOKS.clear()
    return Bench(ledger())


def by_name(report):
    return {(one.name, one.way): one for one in report.pushes}


def test_a_bracket_lies_between_what_is_proved_and_what_is_refuted(bench):
    bound = by_name(mutate(claim(), bench))["bound", "down"]
    assert bound.affirmed == pytest.approx(1.5, rel=1e-4)
    assert bound.affirmed >= F(3, 2)
    assert bound.refuted == pytest.approx(1, rel=1e-3)
    assert bound.refuted < 1
    assert bound.strength == "proved"
    assert [push.outcome for push in bound.pushes][:4] == ["affirmed"] * 4
    assert bound.pushes[-1].outcome == "refuted"


def test_a_number_that_no_route_reads_is_a_fault_and_no_route_runs_again_for_it(bench):
    one = claim()
    report = mutate(one, bench)
    assert [fault.name for fault in report.faults] == ["unread"]
    assert pushes_seen([report]) == (2, 3)
    before = list(LOOKS)
    assert bench.outcome(one.pushed({"unread": 7})) == "affirmed"
    assert before == LOOKS


def test_a_hypothesis_that_the_argument_asks_for_loses_the_verdict(bench):
    dropped = by_name(mutate(claim(), bench))["small", "dropped"]
    assert dropped.pushes[0].outcome == "lost"
    assert sees(claim(), "small", bench)
    assert sees(claim(), "bound", bench)
    assert not sees(claim(), "unread", bench)


def test_a_refuted_claim_is_weakened_to_where_it_is_affirmed(bench):
    report = mutate(claim(F(1, 2)), bench)
    bound = by_name(report)["bound", "up"]
    assert report.outcome == "refuted"
    assert (report.faults, pushes_seen([report])) == ((), (0, 0))
    assert bound.weaker
    assert bound.affirmed == pytest.approx(1.5, rel=1e-4)
    assert bound.refuted == pytest.approx(1, rel=1e-3)


def test_without_brackets_the_steps_alone_are_taken(bench):
    bound = by_name(mutate(claim(), bench, brackets=False))["bound", "down"]
    assert (bound.affirmed, bound.refuted) == (None, None)
    assert {push.value for push in bound.pushes} <= {F(2) / step for step in STEPS}


def test_what_raises_on_a_pushed_number_is_undefined(bench):
    def root(p):
        return Symbolic((), () if math.sqrt(p["bound"] - 1) >= 0 else ("x",), "")

    report = mutate(claim(proofs=(root,), exact=None, hypotheses=()), bench)
    assert by_name(report)["bound", "down"].pushes[-1].outcome == "undefined"


@pytest.mark.parametrize(
    ("constant", "expected"),
    [
        (Constant(2), ("up", "down")),
        (Constant(F(1, 2), "up"), ("up",)),
        (Constant("printed", others=("proof",)), ("other",)),
        (Constant("printed"), ("other",)),
        (Constant(True), ("other",)),
        (Constant("some C", kind="universal"), ()),
    ],
)
def test_ways_of_a_constant(constant, expected):
    assert ways(constant) == expected


def test_a_word_without_others_is_a_fault(bench):
    report = mutate(claim(constants={"bound": Constant(2, "down"), "word": Constant("a")}), bench)
    assert [one.name for one in report.faults] == ["word"]


@pytest.mark.parametrize("value", [2, 0, -1, F(1, 3), 0.5, 4.3e15])
@pytest.mark.parametrize("way", ["up", "down"])
def test_steps_grow_in_strength(value, way):
    ladder = values_pushed(Constant(value), way)
    sign = 1 if way == "up" else -1
    strengths = [sign * (x - value) for x in ladder]
    assert strengths == sorted(strengths)
    assert all(strength > 0 for strength in strengths)


def test_whole_numbers_stay_whole_and_first_go_by_one():
    ladder = values_pushed(Constant(3, "up", whole=True), "up")
    assert ladder[0] == 4
    assert all(isinstance(x, int) for x in ladder)
    assert values_pushed(Constant(3, "down", whole=True), "down") == (2, 1, 0)


def test_a_report_comes_back_from_json_with_its_brackets(bench):
    report = mutate(claim(), bench)
    data = report_to_json(report)
    back = report_from_json(data)
    assert report_to_json(back) == data
    assert (back.outcome, len(back.pushes)) == (report.outcome, len(report.pushes))
    (bound,) = [one for one in brackets(data) if one.name == "bound"]
    assert (bound.strength, bound.is_sharp) == ("proved", False)
    assert [one.strength for one in brackets(data, "SUPPORTED") if one.name == "bound"] == ["supported"]


def test_processes_give_what_this_one_gives():
    ids = ["vanveen18.h", "vanveen18.sigma"]
    by_id = {report.id: report for report in mutate_all(ids, 0, 2)}
    assert [report_to_json(by_id[i]) for i in ids] == [
        report_to_json(mutate(ledger()[i], Bench(ledger()))) for i in ids
    ]


@cache
def shared_bench():
    return Bench(ledger())


@pytest.mark.parametrize("claim_id", list(ledger()))
def test_every_number_and_hypothesis_carries_weight(claim_id):
    one, bench = ledger()[claim_id], shared_bench()
    if not bench.affirms(one):
        pytest.skip("not affirmed as it stands: no push can take it away")
    names = [*(name for name, constant in one.constants.items() if ways(constant)), *(h.name for h in one.hypotheses)]
    assert [name for name in names if not sees(one, name, bench)] == []


def test_numbers_are_told_from_switches():
    assert [is_number(x) for x in (1, 0.5, F(1, 2), True, "1", (1, 2), None)] == [True] * 3 + [False] * 4
