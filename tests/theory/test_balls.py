import math
from fractions import Fraction as F

import pytest
from flint import arb, ctx, fmpq

from untrained.theory.proof.balls import ball, bisect_root, enclosed, ends


def test_constants_become_balls():
    assert ball(3) == arb(3)
    assert ball(0.1) == arb(0.1)
    with ctx.workprec(500):
        third = ball(F(1, 3))
        assert third.contains(1 / arb(3))
        assert third.rad() < 1e-140


@pytest.mark.parametrize("x", [arb(0.1), arb(1) / 3, arb(2, 0.5), arb(-7)])
def test_ends_enclose_the_ball(x):
    low, high = ends(x)
    assert arb(low) <= x.lower()
    assert arb(high) >= x.upper()
    assert high - low <= 2 * float(x.rad()) + 1e-14 * (1 + abs(float(x.mid())))


def test_the_least_margin_is_enclosed():
    enclosure = enclosed({"pi": arb.pi()}, [arb(3, 0.5), arb(1, 0.25), arb(1.2, 0.1)], "because")
    assert enclosure.margin == pytest.approx((0.75, 1.25), abs=1e-8)
    assert enclosure.quantities == {"pi": "3.14159265358979"}
    assert (enclosure.argument, enclosure.exhausts, enclosure.sufficient) == ("because", True, False)


def test_the_root_of_two_is_enclosed_to_twelve_digits():
    with ctx.workprec(200):
        root = bisect_root(lambda x: 2 - x * x, F(1), F(2), 12)
        assert root.contains(arb(2).sqrt())
        assert root.rad() < 1e-12


@pytest.mark.parametrize(("low", "high"), [(F(0), F(1)), (F(3, 2), F(2)), (F(2), F(1))])
def test_bisection_refuses_an_interval_without_the_change_of_sign(low, high):
    with pytest.raises(ArithmeticError, match=r"f must change sign from \+ to -"):
        bisect_root(lambda x: 2 - x * x, low, high, 5)


def test_bisection_refuses_a_sign_that_is_not_certain():
    with pytest.raises(ArithmeticError, match=r"the sign at 1\.5 is not certain at \d+ bits"):
        bisect_root(lambda x: 3 - 2 * x, F(1), F(2), 5)


@pytest.mark.parametrize("text", ["1/3", "-1/3", "7", "1/1024"])
def test_ends_enclose_a_fraction(text):
    value = F(text)
    low, high = ends(arb(fmpq(value.numerator, value.denominator)))
    assert F(low) <= value <= F(high)
    assert high - low <= 1e-15 * abs(high)


def test_ends_beyond_the_range_of_floats():
    assert ends(arb(2) ** -5000) == (0.0, 5e-324)
    assert ends(arb(-1) * arb(2) ** -5000) == (-5e-324, 0.0)
    low, high = ends(arb(2) ** 5000)
    assert math.isfinite(low)
    assert high == math.inf


def test_a_ball_that_is_not_finite_may_be_anything():
    assert ends(arb("nan")) == (-math.inf, math.inf)
