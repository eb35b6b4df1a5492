"""Tails of the binomial law in balls, also where they are far below the smallest float and d is astronomic."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from flint import arb, ctx

from untrained.theory.objects.shapes import whole_number
from untrained.theory.proof.balls import ball

_BITS = 256
_REMAINDER = 40
"""A tail is summed until what is left is below 2^-40 of it."""


def binomial_at_least(m: int, d: int, p: Fraction) -> arb:
    """P(Bin(d, p) >= m) for a rational p.

    Raises
    ------
    ValueError
        where d is below 0 or p is not in [0, 1].
    """
    return binomial_at_most(whole_number("d", d, 0) - m, d, 1 - p)


@lru_cache(maxsize=4096)
def binomial_at_most(m: int, d: int, p: Fraction) -> arb:
    """P(Bin(d, p) <= m) for a rational p.

    Raises
    ------
    ValueError
        where d is below 0 or p is not in [0, 1].
    """
    d = whole_number("d", d, 0)
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie in [0, 1], got {p}")
    if m < 0 or m >= d or p in (0, 1):
        return arb(1 if m >= d or (p == 0 and m >= 0) else 0)
    with ctx.workprec(_BITS):
        if m <= d * p:
            return _falling_tail(m, d, ball(p))
        return 1 - _falling_tail(d - m - 1, d, ball(1 - p))


def _falling_tail(m: int, d: int, p: arb) -> arb:
    """P(Bin(d, p) <= m) for m <= dp: the terms fall from m on, by ratios that fall themselves."""
    log_choices = arb(d + 1).lgamma() - arb(m + 1).lgamma() - arb(d - m + 1).lgamma()
    term = (log_choices + m * p.log() + (d - m) * (1 - p).log()).exp()
    odds, total = (1 - p) / p, term
    for k in range(m, 0, -1):
        ratio = odds * k / (d - k + 1)
        left = term * ratio / (1 - ratio) if ratio < 1 else None
        if left is not None and left < total * arb(2) ** -_REMAINDER:
            return total + left.union(arb(0))
        term = term * ratio
        total = total + term
    return total
