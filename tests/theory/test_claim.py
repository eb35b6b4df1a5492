import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from untrained.theory.claim import (
    Claim,
    Constant,
    Control,
    Hypothesis,
    Range,
    SearchRoute,
    Sides,
    Source,
    listed,
    rounding,
)


def route(case, c):
    return Sides(0.0, 1.0)


CLAIM = Claim(
    id="toy.claim",
    source=Source("toy", "Lemma 1"),
    says="x is at most $b",
    tex=r"x\le $b",
    refuted_by="a larger x",
    domain={"x": Range(0, "a")},
    hypotheses=(Hypothesis("positive", "x > 0"), Hypothesis("small", "x <= $a")),
    constants={"a": Constant(1), "b": Constant(Fraction(1, 2), "down", "fitted", "by eye")},
    needs=("toy.lemma",),
    controls=(Control("less", {"a": 0}),),
    search=SearchRoute(route),
)


@pytest.mark.parametrize(("low", "high"), [(1, 0), (0.0, -1e-9), (float("nan"), 1.0), (0.0, float("nan"))])
def test_a_range_refuses_to_be_empty(low, high):
    with pytest.raises(ValueError, match="Range needs low <= high"):
        Range(low, high)


@pytest.mark.parametrize("low", [0, -1, 0.0])
def test_a_range_by_ratio_refuses_to_start_at_zero_or_below(low):
    with pytest.raises(ValueError, match=f"Range by_ratio needs low > 0, got low={low}"):
        Range(low, 5, by_ratio=True)


def test_a_range_may_hold_one_value():
    assert Range(3, 3).low == 3


@pytest.mark.parametrize("value", [2, Fraction(2, 3), 0.5, (30, 48), True, "at most 300"])
def test_a_constant_that_is_never_pushed_holds_no_number(value):
    with pytest.raises(ValueError, match="value of a universal constant must be a word without numerals, got"):
        Constant(value, kind="universal")
    assert Constant(value).value == value


def test_a_constant_that_a_paper_leaves_unnamed_is_a_word():
    assert Constant("some C_1", kind="universal").value == "some C_1"


def test_a_margin_is_in_units_of_the_bound():
    assert Sides(3.0, 4.0).margin == 0.25
    assert Sides(-1.0, -2.0).margin == -0.5
    assert Sides(3.0, 4.0, unit=2.0).margin == 0.5
    np.testing.assert_array_equal(Sides(np.array([1.0, 3.0]), 2.0).margin, [0.5, -0.5])


def test_values_are_the_values_of_the_constants():
    assert CLAIM.values == {"a": 1, "b": Fraction(1, 2)}


def test_a_sibling_has_the_changed_constants_and_keeps_the_rest():
    sibling = CLAIM.sibling(Control("less", {"b": 7}))
    assert sibling.id == "toy.claim~less"
    assert (CLAIM.sentence, sibling.sentence) == ("x is at most 1/2", "x is at most 7")
    assert (CLAIM.formula, sibling.formula) == (r"x\le \tfrac{1}{2}", r"x\le 7")
    assert sibling.values == {"a": 1, "b": 7}
    assert sibling.constants["b"] == Constant(7, "down", "fitted", "by eye")
    assert (sibling.controls, sibling.needs) == ((), CLAIM.needs)
    assert (sibling.search, sibling.domain) == (CLAIM.search, CLAIM.domain)
    assert CLAIM.change(Control("less", {"b": 7})) == "b 7 in place of 1/2"


def test_a_sibling_may_lack_hypotheses():
    sibling = CLAIM.sibling(Control("any_x", {}, ("positive",)))
    assert [h.name for h in sibling.hypotheses] == ["small"]
    assert CLAIM.change(Control("any_x", {}, ("positive",))) == "without positive"


def test_a_sibling_leaves_the_claim_alone():
    before = dataclasses.replace(CLAIM)
    CLAIM.sibling(Control("less", {"a": 0}))
    assert before == CLAIM


def test_a_sibling_refuses_unknown_constants_and_hypotheses():
    with pytest.raises(ValueError, match=r"constants of toy\.claim must be its own, got .* \['c', 'd'\]"):
        CLAIM.sibling(Control("typo", {"d": 0, "a": 0, "c": 1}))
    with pytest.raises(ValueError, match=r"hypotheses of toy\.claim must be its own, got .* \['large'\]"):
        CLAIM.without("small", "large")


def test_a_domain_may_be_bounded_by_a_constant():
    assert CLAIM.ranges == {"x": Range(0, 1)}
    assert CLAIM.pushed({"a": 5}).ranges == {"x": Range(0, 5)}
    assert Range(Fraction(1, 2), 2, False).ends == (0.5, 2)
    with pytest.raises(ValueError, match="Range must have numbers for ends here, got low=0, high=a"):
        _ = CLAIM.domain["x"].ends
    with pytest.raises(ValueError, match="Range needs low <= high, got low=0, high=-1"):
        _ = CLAIM.pushed({"a": -1}).ranges


def test_premises_are_constants_hypotheses_and_the_records_that_are_named():
    lemma = Claim("toy.lemma", Source("toy", "Lemma 0"), "x", "x", "x", constants={"k": Constant(3)})
    premises = CLAIM.premises({"toy.lemma": lemma})
    assert (premises["a"], premises.of("toy.lemma")["k"]) == (1, 3)
    assert (premises.given("small"), premises.given("large")) == (True, False)
    with pytest.raises(KeyError, match="toy"):
        premises.of("toy.other")


def test_cases_may_follow_from_constants():
    assert listed(({"x": 1},), CLAIM.values) == ({"x": 1},)
    assert listed(lambda c: ({"x": c["a"]},), CLAIM.values) == ({"x": 1},)


def test_a_claim_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'says'"):
        CLAIM.says = "something else"


def test_the_allowance_for_rounding_is_a_few_units_a_term():
    eps = float(np.finfo(float).eps)
    assert rounding(10, 1) == pytest.approx(4 * 20 * eps, rel=1e-12)
    assert rounding(10, 1e6) == pytest.approx(4 * 20 * eps * 1e6, rel=1e-12)
