"""The chi-square law in balls, also far out in its tails, and the mean of its root."""

from __future__ import annotations

from flint import arb, ctx

from untrained.theory.objects.shapes import whole_number

_BITS = 192
_REMAINDER = 40
"""A series is summed until what is left is below 2^-40 of it."""


def chi_square_above(freedom: int, x: arb) -> arb:
    """P(chi2_k > x)."""
    k = whole_number("freedom", freedom, 1)
    with ctx.workprec(_BITS):
        return (x / 2).gamma_upper(arb(k) / 2, 1) if x > 0 else arb(1)


def chi_square_below(freedom: int, x: arb) -> arb:
    """P(chi2_k < x) for x < k, by the series of the incomplete gamma function, accurate relative to itself."""
    k = whole_number("freedom", freedom, 1)
    if not x > 0:
        return arb(0)
    if not x < k:
        return 1 - chi_square_above(k, x)
    with ctx.workprec(_BITS):
        a, y = arb(k) / 2, x / 2
        term = total = arb(1)
        step = 0
        while True:
            step += 1
            ratio = y / (a + step)
            term = term * ratio
            total = total + term
            left = term * ratio / (1 - ratio)
            if left < total * arb(2) ** -_REMAINDER:
                break
        return (total + left.union(arb(0))) * (a * y.log() - y - (a + 1).lgamma()).exp()


def chi_mean(freedom: int) -> arb:
    """E ||g|| for g standard normal in R^k."""
    k = whole_number("freedom", freedom, 1)
    with ctx.workprec(_BITS):
        return arb(2).sqrt() * ((arb(k + 1) / 2).lgamma() - (arb(k) / 2).lgamma()).exp()
