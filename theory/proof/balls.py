"""Enclosures in ball arithmetic: the constants of the theory with certain digits, and proofs that need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from untrained.theory.evidence import Enclosed


def ball(value: Any) -> arb:
    """Return a constant as a ball: exact for ints and Fractions, the double itself for floats."""
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(value)


def ends(x: arb) -> tuple[float, float]:
    """Lower and upper end of a ball as floats, rounded outwards; everything where the ball is not finite."""
    if not x.is_finite():
        return -math.inf, math.inf
    with ctx.workprec(64):
        low, high = x.lower(), x.upper()
        near, far = float(low), float(high)
        return (
            near if arb(near) <= low else math.nextafter(near, -math.inf),
            far if arb(far) >= high else math.nextafter(far, math.inf),
        )


def fact(holds: bool) -> arb:
    """A premise that is decided exactly, as a margin: 1 where it holds, else -1."""
    return arb(1 if holds else -1)


def enclosed(
    quantities: Mapping[str, arb],
    margins: list[arb],
    argument: str,
    *,
    exhausts: bool = True,
    sufficient: bool = False,
) -> Enclosed:
    """Record enclosed quantities and the least of the margins (a ball around the claim's margin)."""
    lows, highs = zip(*map(ends, margins), strict=True)
    digits = {name: x.str(15, radius=False) for name, x in quantities.items()}
    return Enclosed(digits, (min(lows), min(highs)), argument, exhausts, sufficient)


def bisect_root(f: Callable[[arb], arb], low: Fraction, high: Fraction, digits: int) -> arb:
    """Enclose the root of f, certainly positive at `low` and negative at `high`, to so many digits.

    Raises
    ------
    ArithmeticError
        where the sign of f cannot be decided at the working precision.
    """
    a, b = low, high
    for end, sign in ((a, 1), (b, -1)):
        if not f(ball(end)) * sign > 0:
            raise ArithmeticError(f"f must change sign from + to - between {float(low)} and {float(high)}")
    while b - a > Fraction(1, 10 ** (digits + 1)) * abs(a):
        middle = (a + b) / 2
        value = f(ball(middle))
        if value > 0:
            a = middle
        elif value < 0:
            b = middle
        else:
            raise ArithmeticError(f"the sign at {float(middle)} is not certain at {ctx.prec} bits")
    return ball(a).union(ball(b))
