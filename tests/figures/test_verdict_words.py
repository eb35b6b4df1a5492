"""Why a verdict is what it is: the sentences against the numbers that they are made from."""

import re
from dataclasses import replace

import pytest

from untrained.figures.verdict_words import LEADS, case_words, margin_words, percent_words, reasons, sides_at
from untrained.sims.record.entries import evidence_from_json, evidence_to_json
from untrained.theory.claim import FAILURE_SIDES, Claim, ExactRoute, Sides, Source
from untrained.theory.evidence import Compared, Counted, Enclosed, Exact, Searched, Symbolic
from untrained.theory.ledger import ledger

STATEMENT = Claim("own.two", Source("own", "a test"), "x <= 2.", "x<=2", "an x above 2")


def entry(verdict, *evidence, **changes):
    return {
        "verdict": verdict,
        "why": "",
        "margin": None,
        "decided_by": [],
        "assumes": [],
        "controls": [],
        "nearest": None,
        "evidence": [evidence_to_json(one) for one in evidence],
        **changes,
    }


def counted(successes, trials, claimed, low, high, **case):
    return Counted(case, claimed, successes, trials, trials, 1e-3, low, high, 0.0)


def told(verdict, *evidence, claim=STATEMENT, **changes):
    lead, *rest = reasons(claim, entry(verdict, *evidence, **changes))
    assert lead == LEADS[verdict]
    return " ".join(rest)


def test_every_recorded_verdict_has_its_reasons(record):
    for claim_id, recorded in record.items():
        lead, *rest = reasons(ledger()[claim_id], recorded)
        assert lead == LEADS[recorded["verdict"]]
        assert rest, f"what decided {claim_id} is told"
        assert all(sentence.endswith(".") for sentence in rest)
        assert all(theorem in " ".join(rest) for theorem in recorded["assumes"])


def test_both_probabilities_of_a_refuted_bound_are_told(record):
    text = " ".join(reasons(ledger()["vanveen18.eq14.printed"], record["vanveen18.eq14.printed"]))
    assert "At n = 8, s = 40, d = 40 the probability of failure is 1, and the probability that the claim allows" in text
    assert "0.0183, 54.6 times less" in text  # e^{-4} = 0.0183, and a margin of -53.6


def exact_refutations(record):
    for claim_id, recorded in record.items():
        for data in recorded["evidence"] if recorded["verdict"] == "REFUTED" else ():
            if data["kind"] == "Exact" and "Exact" in recorded["decided_by"]:
                yield ledger()[claim_id], evidence_from_json(data)


def test_whatever_exact_cases_refute_has_both_sides_named(record):
    pairs = list(exact_refutations(record))
    assert len(pairs) >= 10
    for claim, evidence in pairs:
        left, right = sides_at(claim, evidence)
        assert left > right, claim.id
    unnamed = {claim.id for claim, _ in pairs if claim.exact.compares == ExactRoute.compares}
    assert unnamed == {"vanveen18.lemB2.ceiling.printed"}, "2 ceil(x) <= 3 x is its own two sides"


def test_sides_that_do_not_give_the_recorded_margin_are_not_shown():
    route = ExactRoute(({"x": 3},), lambda case, c: Sides(case["x"], 2))
    claim = replace(STATEMENT, exact=route)
    evidence = Exact(1, 1, -0.5, {"x": 3})
    assert sides_at(claim, evidence) == (3, 2)
    assert sides_at(claim, replace(evidence, margin=-0.6)) is None
    assert sides_at(claim, replace(evidence, worst_case={"y": 3})) is None
    text = told("REFUTED", replace(evidence, margin=-0.6), claim=claim)
    assert text == "At x = 3 the conclusion fails by 0.6 times its bound, by an exact law or exact arithmetic."


def test_sides_that_round_alike_are_told_apart():
    route = ExactRoute(({"x": 3},), lambda case, c: Sides(1, 1 - 1e-8), compares=FAILURE_SIDES)
    text = told("REFUTED", Exact(1, 1, -1e-8, {"x": 3}, first_failure={"x": 3}), claim=replace(STATEMENT, exact=route))
    assert "is 1, and the probability that the claim allows is 0.99999999," in text


def test_a_count_is_told_with_its_interval_and_the_claim():
    text = told("REFUTED", counted(297, 600, 0.908, 0.416, 0.574, n=8, d=400))
    assert text == (
        "At n = 8, d = 400 it held in 297 of 600 trials, so the probability lies between 41.6 % and 57.4 % "
        "(level 0.001), where at least 90.8 % is claimed."
    )


def test_a_rare_failure_is_told_as_one():
    text = told("CONSISTENT", counted(48, 48, 1 - 2.0**-40, 0.8, 1.0, n=64))
    assert "the failure probability lies between 0 % and 20 %" in text
    assert "a failure probability of at most 9.09e-13 is claimed" in text
    assert "48 trials, even without a failure, cannot tell" in text
    assert "would take about 8.4e+12." in text  # log(2/level)/2^-40


def test_of_many_cells_the_worst_come_first_and_the_rest_are_counted():
    cells = [counted(90 + i, 100, 0.5, 0.8 + i / 100, 1.0, n=i) for i in (3, 1, 2, 4)]
    text = told("SUPPORTED", *cells)
    assert text.startswith("At n = 1 it held in 91 of 100")
    assert "At n = 2 it" in text
    assert "The other 2 cells of this kind say the same." in text
    assert "At n = 3" not in text


def test_a_missed_false_sibling_is_told_with_its_words():
    missed = {"id": "own.two~three", "says": "x <= 3.", "verdict": "CONSISTENT", "refuted_by_same_route": False}
    text = told("CONSISTENT", Symbolic(("a",), (), ""), controls=[missed])
    assert "did not refute a false sibling, three: “x <= 3.” (CONSISTENT)." in text
    refuted = {**missed, "refuted_by_same_route": True}
    assert "refutes the false sibling, the nearest with a constant off by 50 %." in told(
        "PROVED", Symbolic(("a",), (), ""), controls=[refuted], nearest=1.5
    )
    assert "sibling" not in told("REFUTED", Symbolic(("a",), ("b",), ""), controls=[refuted], nearest=1.5)


_TOLD = (
    ("PROVED", Symbolic(("a", "b"), (), "It is so."), r".*the 2 steps .* \(a; b\)\. The argument: It is so\."),
    ("PROVED", Symbolic(tuple("abcdef"), (), ""), r".*6 steps of the argument \(a; b; c; d; and 2 more\)\."),
    ("REFUTED", Symbolic(("a",), ("a: x",), ""), r".*something over where nothing may be left: a: x\."),
    ("PROVED", Enclosed({"q": "0.250"}, (0.1, 0.2), "", True), r".*q: 0\.25\. .* between 0\.1 and 0\.2, above zero\."),
    ("REFUTED", Enclosed({"q": "1"}, (-0.2, -0.1)), r".*between -0\.2 and -0\.1, below zero\."),
    ("REFUTED", Searched(9, 8, 7, -2.0, {"n": 4}, {"n": 1}), r"Of 9 .* 8 met .* is n = 1, .* n = 4, misses by 2 .*\."),
    ("SUPPORTED", Searched(9, 8, 7, 0.5, {"n": 4}), r"Of 9 .* 8 met the hypotheses .* on 7: it held every time\."),
    ("SUPPORTED", Compared({}, 1.0, 0.5, 1.5, ">", 0.0, 0.01, 6), r"Over 6 .* \[0\.5, 1\.5\] .* > 0 is claimed\."),
    ("INCONCLUSIVE", Compared({"n": 2}, 0.0, -1.0, 1.0, ">", 0.0, 0.01, 6), r"At n = 2, over 6 pairs .*"),
    ("SUPPORTED", Exact(3, 3, 0.5, {"n": 4}), r"At n = 4 the conclusion holds, .* That is the tightest of 3 cases\."),
    ("PROVED", Exact(3, 3, 0.5, {"n": 4}, "All are listed.", True), r".*tightest of 3 cases: All are listed\."),
)  # fmt: skip


@pytest.mark.parametrize(("verdict", "evidence", "words"), _TOLD)
def test_each_kind_of_evidence_is_told(verdict, evidence, words):
    assert re.fullmatch(words, told(verdict, evidence))


def test_evidence_that_decided_nothing_is_left_out():
    assert "trials" not in told("PROVED", Symbolic(("a",), (), ""), counted(9, 9, 0.5, 0.6, 1.0))
    assert told("UNTESTED") == ""
    assert "proved if own.x holds" in told("SUPPORTED", Symbolic(("a",), (), ""), why="proved if own.x holds").lower()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"margin": None}, ""),
        ({"margin": 0.0, "decided_by": ["Symbolic"]}, "nothing is left over: algebra decides"),
        ({"margin": 0.0, "decided_by": ["Exact"]}, "it holds with equality at its worst case"),
        ({"margin": -53.598}, "where it is worst it fails by 53.6 times its bound"),
        ({"margin": 0.25}, "where it is tightest it holds with 0.25 of its bound to spare"),
    ],
)
def test_a_margin_in_words(changes, words):
    assert margin_words(entry("PROVED", **changes)) == words


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.416, "41.6 %"), (0.99998, "99.998 %"), (3e-7, "3e-05 %")],
)
def test_a_percentage_tells_a_share_from_none_and_from_all(share, text):
    assert percent_words(share) == text


def test_a_case_is_written_with_short_numbers():
    assert (
        case_words({"n": 8, "d": 10**18, "x": 0.123456, "rule": "printed"})
        == "n = 8, d = 1e+18, x = 0.1235, rule = printed"
    )
