import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from untrained.theory.claim import Claim, Constant, Control, Lazy, Range, SearchRoute, Sides, Source


def route(case, c):
    return Sides(0.0, 1.0)


def other_route(case, c):
    return Sides(1.0, 0.0)


CLAIM = Claim(
    id="toy.claim",
    source=Source("toy", "Lemma 1"),
    says="x is at most a",
    tex="x",
    refuted_by="a larger x",
    domain={"x": Range(0, 1)},
    constants={"a": Constant(1), "b": Constant(Fraction(1, 2), "fitted", "by eye")},
    needs=("toy.lemma",),
    controls=(Control("less", "a is 0"),),
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


def test_a_margin_is_in_units_of_the_bound():
    assert Sides(3.0, 4.0).margin == 0.25
    assert Sides(-1.0, -2.0).margin == -0.5
    assert Sides(3.0, 4.0, unit=2.0).margin == 0.5
    np.testing.assert_array_equal(Sides(np.array([1.0, 3.0]), 2.0).margin, [0.5, -0.5])


def test_values_are_the_values_of_the_constants():
    assert CLAIM.values == {"a": 1, "b": Fraction(1, 2)}


def test_a_sibling_has_the_changed_constants_and_keeps_the_rest():
    sibling = CLAIM.sibling(Control("less", "a is 0", {"b": 7}))
    assert sibling.id == "toy.claim~less"
    assert sibling.says == "a is 0"
    assert sibling.values == {"a": 1, "b": 7}
    assert sibling.constants["b"] == Constant(7, "fitted", "by eye")
    assert (sibling.controls, sibling.needs) == ((), ())
    assert (sibling.search, sibling.domain) == (CLAIM.search, CLAIM.domain)


def test_a_sibling_has_the_changed_routes():
    changes = {"search": SearchRoute(other_route), "domain": {"x": Range(5, 6)}}
    sibling = CLAIM.sibling(Control("other", "another route", {}, changes))
    assert sibling.search.sides is other_route
    assert sibling.domain == {"x": Range(5, 6)}


def test_a_sibling_leaves_the_claim_alone():
    before = dataclasses.replace(CLAIM)
    CLAIM.sibling(Control("less", "a is 0", {"a": 0}))
    assert before == CLAIM


def test_a_sibling_refuses_unknown_constants():
    with pytest.raises(ValueError, match=r"toy\.claim~typo changes unknown constants \['c', 'd'\]"):
        CLAIM.sibling(Control("typo", "", {"d": 0, "a": 0, "c": 1}))


def test_a_claim_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'says'"):
        CLAIM.says = "something else"


def test_a_lazy_route_calls_the_function_it_names():
    assert Lazy("math", "gcd")(12, 18) == 6


def test_a_lazy_route_imports_nothing_before_it_is_called():
    missing = Lazy("theory.no_such_module", "f")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        missing()
