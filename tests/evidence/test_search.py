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
    found = search(toy(fails_from(13, 5)), 200, 0)
    assert found.smallest == {"n": 13, "d": 5, "seed": 0}
    assert found.margin == -(found.worst_case["n"] + found.worst_case["d"]) < -50
    assert finding(found) == "refutes"


def test_without_shrinking_the_worst_case_is_the_one_of_least_margin():
    found = search(toy(fails_from(13, 5)), 200, 0, shrink=False)
    assert found.margin == -(found.worst_case["n"] + found.worst_case["d"]) <= -18
    assert found.margin < -50


def test_a_counterexample_that_hangs_on_the_drawn_numbers_refutes_when_looked_at_again():
    law = {"g": Draw("gaussian", ("n",))}
    claim = toy(lambda case, c: Sides(float(np.max(case["g"])), 1.5, unit=1.0), law=law)
    found = search(claim, 100, 3)
    margin, _ = look(claim, claim.search, found.worst_case, found.worst_case["seed"], 3)
    assert margin == found.margin < 0
    margin, _ = look(claim, claim.search, found.smallest, found.smallest["seed"], 3)
    assert found.margin <= margin < 0
    assert found.smallest["d"] == 1


def test_a_claim_that_holds_has_no_counterexample():
    found = search(toy(lambda case, c: Sides(case["n"] - 40, 0.0, unit=1.0)), 100, 0)
    assert finding(found) == "supports"
    assert found.margin == 40 - found.worst_case["n"] <= 5
    assert found.draws == found.applicable == found.informative >= 100


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
    seen = []

    def sides(case, c):
        seen.append(case["n"])
        return Sides(-1.0, 0.0, unit=1.0)

    even = Hypothesis("even", "n is even", lambda case, c: case["n"] % 2 == 0)
    found = search(toy(sides, hypotheses=(even,)), 100, 0)
    assert found.applicable == found.informative == len(seen)
    assert 0 < found.applicable < found.draws
    assert all(n % 2 == 0 for n in seen)


def test_hypotheses_that_never_hold_leave_nothing_to_say():
    never = Hypothesis("never", "n > 40", lambda case, c: case["n"] > 40)
    found = search(toy(fails_from(1), hypotheses=(never,)), 50, 0)
    assert (found.applicable, found.informative, found.margin, found.worst_case) == (0, 0, 0.0, {})
    assert found.draws >= 50
    assert finding(found) == "silent"


def test_every_hypothesis_must_hold_on_every_entry():
    half = Hypothesis("half", "g > 0", lambda case, c: np.array([True, False]))
    assert search(toy(holds, hypotheses=(half,)), 20, 0).applicable == 0


def test_cases_where_the_bound_is_trivial_are_not_informative():
    seen = []

    def trivial(case, c):
        seen.append(case["n"] > c["a"])
        return case["n"] > c["a"]

    found = search(toy(holds, trivial=trivial), 60, 0)
    assert found.applicable == found.draws == len(seen)
    assert 0 < found.informative == seen.count(False) < found.draws


def test_a_bound_that_is_always_trivial_is_silent():
    found = search(toy(holds, trivial=lambda case, c: True), 20, 0)
    assert (found.informative, finding(found)) == (0, "silent")


def test_a_margin_that_is_no_number_counts_as_failure():
    found = search(toy(lambda case, c: Sides(math.nan if case["n"] > 4 else 0.0, 1.0)), 60, 0)
    assert (found.margin, found.smallest) == (-math.inf, {"n": 5, "d": 1, "seed": 0})
    assert finding(found) == "refutes"


def test_one_entry_that_is_no_number_counts_as_failure():
    found = search(toy(lambda case, c: Sides(np.array([0.0, math.nan]), 1.0)), 20, 0, shrink=False)
    assert found.margin == -math.inf


def test_the_search_stays_within_what_can_be_computed():
    seen = []

    def sides(case, c):
        seen.append(set(case))
        assert 3 <= case["n"] <= 5
        return Sides(0.0, 1.0)

    search(toy(sides, within={"n": Range(3, 5)}), 40, 0)
    assert seen
    assert all(names == {"n"} for names in seen)


@pytest.mark.parametrize(("examples", "effort", "draws"), [(100, 1.0, 100), (100, 0.5, 50), (5, 1.0, 20)])
def test_effort_scales_the_number_of_draws(examples, effort, draws):
    found = search(toy(holds, effort=effort, domain={"x": Range(0, 1, False)}), examples, 0)
    assert found.draws == draws


def test_a_claim_without_a_search_route_is_refused():
    claim = Claim("own.toy", Source("own", "toy"), "says", "tex", "nothing")
    with pytest.raises(ValueError, match=r"must have a search route, got own\.toy without one"):
        search(claim, 10, 0)


def drawn(values, count=300):
    """Values of a strategy, drawn by hypothesis from one seed."""
    seen = []

    @hypothesis.seed(0)
    @hypothesis.settings(max_examples=count, phases=[hypothesis.Phase.generate], database=None)
    @hypothesis.given(strategy(values))
    def collect(x):
        seen.append(x)

    collect()
    return seen


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
    seen = drawn(values)
    assert seen
    assert all(values.low <= x <= values.high for x in seen)
    assert all(isinstance(x, int) == values.integer for x in seen)


def test_a_range_by_ratio_reaches_every_order_of_magnitude():
    decades = {math.floor(math.log10(x)) for x in drawn(Range(1e-3, 1e3, False, True))}
    assert decades >= {-3, -2, -1, 0, 1, 2}


def test_a_range_of_integers_reaches_both_ends():
    assert {1, 12} <= set(drawn(Range(1, 12)))
