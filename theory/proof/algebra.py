"""Evidence by computer algebra: identities and relations are reduced, and what did not vanish is reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from untrained.theory.evidence import Symbolic


def exact_number(value: Any) -> sp.Expr:
    """Return a constant as an exact sympy number (Fractions and ints stay exact)."""
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    return sp.nsimplify(value)


def reduced(argument: str, identities: Iterable[tuple[str, Any]], *, sufficient: bool = False) -> Symbolic:
    """Collect identities, each an expression that should be 0 or a relation that should be true."""
    checked, residuals = [], []
    for name, expression in identities:
        checked.append(name)
        rest = _rest(expression)
        if rest is not None:
            residuals.append(f"{name}: {rest}")
    return Symbolic(tuple(checked), tuple(residuals), argument, sufficient)


def _rest(expression: Any) -> str | None:
    if isinstance(expression, bool | sp.logic.boolalg.Boolean | sp.core.relational.Relational):
        return None if expression in (True,) else f"not true: {expression}"
    simplified = sp.simplify(expression)
    return None if simplified == 0 else str(simplified)


def gaussian_mean(expression: sp.Expr, entries: Sequence[sp.Symbol], deviation: sp.Expr) -> sp.Expr:
    """E of a polynomial in independent N(0, deviation^2) entries: odd powers vanish, E v^p = (p - 1)!! deviation^p."""
    total = sp.Integer(0)
    for powers, factor in sp.Poly(sp.expand(expression), *entries).terms():
        moments = [0 if p % 2 else sp.factorial2(p - 1) * deviation**p if p else 1 for p in powers]
        total += factor * sp.prod(moments)
    return sp.expand(total)


@lru_cache
def falls_in_aspect(active: Fraction) -> bool:
    """Whether r Lambda(t/r) falls in r for the cumulant functions of (g)_+^2 and of g^2.

    Its derivative is Lambda(u) - u Lambda'(u), u = t/r, which is 0 at u = 0 and whose own derivative is -u Lambda''(u).
    """
    u, t, r, m = sp.symbols("u t r m", positive=True)
    cumulant = sp.Function("Lambda")
    slope = cumulant(u) - u * sp.diff(cumulant(u), u)
    steps = [
        (sp.diff(r * cumulant(t / r), r) - slope.subs(u, t / r)).doit(),
        sp.diff(slope, u) + u * sp.diff(cumulant(u), u, 2),
        sp.diff(1 / sp.sqrt(1 - 2 * u), u) - (1 / sp.sqrt(1 - 2 * u)) ** 3,
    ]
    mixed = 1 - exact_number(active) + exact_number(active) * m  # E e^{u (g)_+^2}, m = (1 - 2u)^{-1/2}, m' = m^3
    curvatures = [sp.fraction(sp.together(_along(_along(sp.log(mean), m), m))) for mean in (mixed, m)]
    positive = all(c >= 0 for over in curvatures for part in over for c in sp.Poly(part, m).all_coeffs())
    return positive and all(sp.simplify(step) == 0 for step in steps)


def _along(expression: sp.Expr, m: sp.Symbol) -> sp.Expr:
    """d/du of a function of m = (1 - 2u)^{-1/2}."""
    return sp.cancel(sp.diff(expression, m) * m**3)


def image_terms(deviation: sp.Expr, claimed: sp.Expr, *, independent: bool) -> list[tuple[str, Any]]:
    """Terms of the covariance of M u, any size: M with entries of a deviation, uncorrelated where independent.

    Entry i is the sum over l of M_il u_l; `claimed` is the deviation of an entry of M u per unit of ||u||.
    """
    x, y, u, w, rho = sp.symbols("x y u w correlation", real=True)
    square = gaussian_mean(x**2, [x], deviation)
    across = gaussian_mean(x * y, [x, y], deviation) if independent else rho * deviation**2
    return [
        ("term (l, l) of the variance", square * u**2 - claimed**2 * u**2),
        ("term (l, l') of the variance", across * u * w),
        ("term (l, l') of the covariance of two entries, l = l' too", across * u * w),
    ]
