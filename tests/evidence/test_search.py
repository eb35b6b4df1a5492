import importlib.util
import math
import sys

import hypothesis
import numpy as np
import pytest
from hypothesis.internal.conjecture import providers

from untrained.sims.evidence.search import look, search, strategy
from untrained.theory.claim import Claim, Constant, Draw, Hypothesis, Range, SearchRoute, Sides, Source
from untrained.theory.verdict import finding

DOMAIN = {"n": Range(1, 40), "d": Range(1, 60)}


def toy(sides, *, domain=None, hypotheses=(), trivial=None, law=None, within=None, effort=1.0, claim_id="own.toy"):
    return Claim(
        claim_id,
        Source("own", "toy"),
        "says",
        "tex",
        "a case with a negative margin",
        domain=DOMAIN if domain is None else domain,
        law=law or {},
        hypotheses=hypotheses,
        constants={"a": Constant(7)},
        search=SearchRoute(sides, trivial, effort, within),
    )


def fails_from(n, d=1):
    """Sides that fail exactly where n and d are at least so large, worse as they grow."""

    def sides(case, c):
        beyond = case["n"] >= n and case["d"] >= d
        return Sides(case["n"] + case["d"] if beyond else -1.0, 0.0, unit=1.0)

    return sides


def holds(case, c):
    return Sides(0.0, 1.0)


def test_a_planted_counterexample_is_found_and_shrunk_to_the_least_size():
    outcome = search(toy(fails_from(13, 5)), 200, 0)
    assert outcome.smallest == {"n": 13, "d": 5, "seed": 0}
    assert outcome.margin == -(outcome.worst_case["n"] + outcome.worst_case["d"]) < -50
    assert finding(outcome) == "refutes"


def test_without_shrinking_the_worst_case_is_the_one_of_least_margin():
    outcome = search(toy(fails_from(13, 5)), 200, 0, shrink=False)
    assert outcome.margin == -(outcome.worst_case["n"] + outcome.worst_case["d"]) <= -18
    assert outcome.margin < -50


def test_a_counterexample_that_hangs_on_the_drawn_numbers_refutes_when_looked_at_again():
    law = {"g": Draw("gaussian", ("n",))}
    claim = toy(lambda case, c: Sides(float(np.max(case["g"])), 1.5, unit=1.0), law=law)
    outcome = search(claim, 100, 3)
    margin, _ = look(claim, claim.search, outcome.worst_case, outcome.worst_case["seed"], 3)
    assert margin == outcome.margin < 0
    margin, _ = look(claim, claim.search, outcome.smallest, outcome.smallest["seed"], 3)
    assert outcome.margin <= margin < 0
    assert outcome.smallest["d"] == 1


def test_a_claim_that_holds_has_no_counterexample():
    outcome = search(toy(lambda case, c: Sides(case["n"] - 40, 0.0, unit=1.0)), 100, 0)
    assert finding(outcome) == "supports"
    assert outcome.margin == 40 - outcome.worst_case["n"] <= 5
    assert outcome.draws == outcome.applicable == outcome.informative >= 100


def seeded(root_seed, **changes):
    law = {"g": Draw("gaussian", ("n",))}
    return search(toy(lambda case, c: Sides(float(np.sum(case["g"])), 9.0), law=law, **changes), 60, root_seed)


def test_the_same_root_seed_gives_the_same_evidence():
    assert seeded(1) == seeded(1)


def test_another_root_seed_or_claim_gives_other_draws():
    assert seeded(1).margin != seeded(2).margin
    assert seeded(1).margin != seeded(1, claim_id="own.other").margin


@pytest.fixture
def loaded_constants(tmp_path):
    """Load a module full of odd numbers, as any part of this project might be."""
    path = tmp_path / "numbers_that_nobody_draws.py"
    path.write_text("X = " + repr([*range(2, 60), 0.123456789, *(i + 0.5 for i in range(40))]))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[path.stem])
    yield
    del sys.modules[path.stem]


def recorded_draws(examples=200):
    cases = []

    def sides(case, c):
        cases.append((case["n"], case["d"], case["x"]))
        return Sides(-1.0, 0.0, unit=1.0)

    search(toy(sides, domain={**DOMAIN, "x": Range(0, 50, False)}), examples, 0)
    return cases


def test_the_search_does_not_depend_on_what_other_code_is_loaded(request):
    before = recorded_draws()
    request.getfixturevalue("loaded_constants")
    assert recorded_draws() == before


@pytest.mark.parametrize("name", ["_get_local_constants", "Constants", "CONSTANTS_CACHE"])
def test_a_release_of_hypothesis_without_a_name_that_is_replaced_is_refused(monkeypatch, name):
    monkeypatch.delattr(providers, name)
    with pytest.raises(RuntimeError, match=rf"hypothesis must be a release from .*, got 6\.[0-9.]+ without {name}$"):
        seeded(1)


@pytest.mark.parametrize("version", ["6.134.9", "7.0.0", "5.49.0"])
def test_a_release_of_hypothesis_that_nobody_has_tried_is_refused(monkeypatch, version):
    monkeypatch.setattr(hypothesis, "__version__", version)
    with pytest.raises(RuntimeError, match=rf"hypothesis must be a release from 6\.135 to below 7 .*, got {version}$"):
        seeded(1)


@pytest.mark.parametrize("derandomize", [True, False])
def test_the_search_does_not_depend_on_the_settings_of_the_day(derandomize):
    expected = seeded(1)
    hypothesis.settings.register_profile("day", derandomize=derandomize, max_examples=3)
    hypothesis.settings.load_profile("day")
    try:
        assert seeded(1) == expected
    finally:
        hypothesis.settings.load_profile("tests")


def test_only_cases_that_meet_the_hypotheses_are_applicable():
    sizes = []

    def sides(case, c):
        sizes.append(case["n"])
        return Sides(-1.0, 0.0, unit=1.0)

    even = Hypothesis("even", "n is even", lambda case, c: case["n"] % 2 == 0)
    outcome = search(toy(sides, hypotheses=(even,)), 100, 0)
    assert outcome.applicable == outcome.informative == len(sizes)
    assert 0 < outcome.applicable < outcome.draws
    assert all(n % 2 == 0 for n in sizes)


def test_hypotheses_that_never_hold_leave_nothing_to_say():
    never = Hypothesis("never", "n > 40", lambda case, c: case["n"] > 40)
    outcome = search(toy(fails_from(1), hypotheses=(never,)), 50, 0)
    assert (outcome.applicable, outcome.informative, outcome.margin, outcome.worst_case) == (0, 0, 0.0, {})
    assert outcome.draws >= 50
    assert finding(outcome) == "silent"


def test_every_hypothesis_must_hold_on_every_entry():
    half = Hypothesis("half", "g > 0", lambda case, c: np.array([True, False]))
    assert search(toy(holds, hypotheses=(half,)), 20, 0).applicable == 0


def test_cases_where_the_bound_is_trivial_are_not_informative():
    answers = []

    def trivial(case, c):
        answers.append(case["n"] > c["a"])
        return case["n"] > c["a"]

    outcome = search(toy(holds, trivial=trivial), 60, 0)
    assert outcome.applicable == outcome.draws == len(answers)
    assert 0 < outcome.informative == answers.count(False) < outcome.draws


def test_a_bound_that_is_always_trivial_is_silent():
    outcome = search(toy(holds, trivial=lambda case, c: True), 20, 0)
    assert (outcome.informative, finding(outcome)) == (0, "silent")


def test_a_margin_that_is_no_number_counts_as_failure():
    outcome = search(toy(lambda case, c: Sides(math.nan if case["n"] > 4 else 0.0, 1.0)), 60, 0)
    assert (outcome.margin, outcome.smallest) == (-math.inf, {"n": 5, "d": 1, "seed": 0})
    assert finding(outcome) == "refutes"


def test_one_entry_that_is_no_number_counts_as_failure():
    outcome = search(toy(lambda case, c: Sides(np.array([0.0, math.nan]), 1.0)), 20, 0, shrink=False)
    assert outcome.margin == -math.inf


def test_the_search_stays_within_what_can_be_computed():
    cases = []

    def sides(case, c):
        cases.append(set(case))
        assert 3 <= case["n"] <= 5
        return Sides(0.0, 1.0)

    search(toy(sides, within={"n": Range(3, 5)}), 40, 0)
    assert cases
    assert all(names == {"n"} for names in cases)


@pytest.mark.parametrize(("examples", "effort", "draws"), [(100, 1.0, 100), (100, 0.5, 50), (5, 1.0, 20)])
def test_effort_scales_the_number_of_draws(examples, effort, draws):
    outcome = search(toy(holds, effort=effort, domain={"x": Range(0, 1, False)}), examples, 0)
    assert outcome.draws == draws


def test_a_claim_without_a_search_route_is_refused():
    claim = Claim("own.toy", Source("own", "toy"), "says", "tex", "nothing")
    with pytest.raises(ValueError, match=r"must have a search route, got own\.toy without one"):
        search(claim, 10, 0)


def drawn(values, count=300):
    """Values of a strategy, drawn by hypothesis from one seed."""
    draws = []

    @hypothesis.seed(0)
    @hypothesis.settings(max_examples=count, phases=[hypothesis.Phase.generate], database=None)
    @hypothesis.given(strategy(values))
    def collect(x):
        draws.append(x)

    collect()
    return draws


@pytest.mark.parametrize(
    "values",
    [
        Range(1, 12),
        Range(-3, 3),
        Range(5, 5),
        Range(1, 10**9, True, True),
        Range(0.05, 0.5, False),
        Range(1e-3, 1e3, False, True),
        Range(2.0, 2.0, False, True),
        Range(4.3e15, 1e30, False, True),
    ],
)
def test_every_draw_lies_in_its_range(values):
    draws = drawn(values)
    assert draws
    assert all(values.low <= x <= values.high for x in draws)
    assert all(isinstance(x, int) == values.integer for x in draws)


def test_a_range_by_ratio_reaches_every_order_of_magnitude():
    decades = {math.floor(math.log10(x)) for x in drawn(Range(1e-3, 1e3, False, True))}
    assert decades >= {-3, -2, -1, 0, 1, 2}


def test_a_range_of_integers_reaches_both_ends():
    assert {1, 12} <= set(drawn(Range(1, 12)))
