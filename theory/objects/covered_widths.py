"""Does the sharper form of Theorem 4.1 cover these sizes, at which rate, and which is the least width that it covers?

n rows and d neurons, V and W standard normal, ||y|| = sqrt(dn), ||z|| = 1. Each of the events that the argument needs
fails with probability e^{-rate n} or less; what their path leaves at d is `path_budget.surplus`, and its sign decides.
Source: `own.sharper.descent` and `own.sharper.flow`, with numbers for one n and d in place of theirs
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from flint import arb, ctx
from scipy.optimize import brentq

from untrained.theory.objects import path_budget
from untrained.theory.objects.path_budget import PathBudget, Surplus, surplus
from untrained.theory.proof.balls import ball, ends

LONGEST_STEP = 2
"""c = eta ||V||^2 from which on a step may lengthen the misfit."""
_WIDEST = Fraction(10**18)
"""d/n beyond which the path is computed at this: what holds of a width holds of every larger one."""
_COARSE = 32
"""Pieces of the path by which a least width is guessed."""
_NEVER = 10**15
"""d/n up to which a least width is looked for."""


def event_count(step: Fraction) -> int:
    """Margins, output, misfit and integral; for descent ||V|| too, which bounds the step. Source: `own.sharper`."""
    return 5 if step else 4


def usual_rate(rows: int, step: Fraction) -> Fraction:
    """1/2, with which the events together fail with probability 5 e^{-n/2}, or 4 e^{-n/2} for flow.

    Raises
    ------
    ValueError
        where that is 1 or more.
    """
    rate, events = Fraction(1, 2), event_count(step)
    if math.log(events) >= float(rate) * rows:
        raise ValueError(
            f"probability must be named where {events} e^(-n/2) is not below 1, got n = {rows} without one"
        )
    return rate


def rate_for(failure: Fraction, rows: int, step: Fraction) -> Fraction:
    """ln(events/failure)/n, rounded up: at this rate the events together fail with probability `failure` or less.

    Raises
    ------
    ValueError
        where the failure is not strictly between 0 and 1.
    """
    if not 0 < failure < 1:
        raise ValueError(f"failure must lie strictly between 0 and 1, got {failure}")
    with ctx.workprec(path_budget.WORKING_BITS):
        return Fraction(ends((event_count(step) / ball(failure)).log() / rows)[1])


@dataclass(frozen=True)
class SharperTheorem:
    """The theorem at n rows, a step of c times 1/(sqrt d + (1 + tau) sqrt n)^2 (0 is gradient flow), and a rate.

    tau = sqrt(2 rate) is taken for 1 where it is less, which gives the step of Theorem 4.1's proof.
    """

    rows: int
    step: Fraction
    rate: Fraction

    @property
    def log_failure(self) -> float:
        """Logarithm of events e^{-rate n}, the probability that is granted to fail."""
        return math.log(event_count(self.step)) - float(self.rate * self.rows)

    @cached_property
    def spread(self) -> Fraction:
        """D with ||V|| <= sqrt d + D sqrt n: 2, or 1 + tau rounded up to three places where that is more."""
        with ctx.workprec(path_budget.WORKING_BITS):
            needed = ends(1 + (2 * ball(self.rate)).sqrt())[1]
        return max(Fraction(2), Fraction(math.ceil(needed * 1000), 1000))

    def left(self, width: int, pieces: int = path_budget.PIECES) -> Surplus:
        """What the path leaves beyond what is needed at d neurons."""
        aspect = min(Fraction(width, self.rows), _WIDEST)
        return surplus(PathBudget(aspect, self.rate, Fraction(1, self.rows)), self.step, pieces)

    def covers(self, width: int) -> bool:
        """Whether there certainly is something left, and the descent converges: then at every larger width too."""
        return bool(self.left(width).surplus > 0)

    def promise(self, width: int) -> Promise:
        """What it says at d neurons."""
        left, c = self.left(width), ball(self.step)
        with ctx.workprec(path_budget.WORKING_BITS):
            eps, smallest = (ball(self.rows) / ball(width)).sqrt(), left.smallest.max(arb(0))
            pays = (left.surplus * (1 - c / 2) + left.misfit * self._ratio(width)) / eps
            fall = c * (2 - c) / 2 * (smallest / (1 + ball(self.spread) * eps)) ** 2 if self.step else smallest**2
            least, speed, share = (max(0.0, ends(x)[0]) for x in (pays, smallest, fall))
            return Promise(least, speed, share, ends(left.misfit)[1], ends(left.length)[1])

    def _ratio(self, width: int) -> arb:
        """The eps that the path is computed with."""
        return (1 / ball(min(Fraction(width, self.rows), _WIDEST))).sqrt()

    def least_width(self) -> int | None:
        """The least d that is covered, one less not being so; None where none up to 10^15 n is."""

        def left(log: float, pieces: int) -> float:
            return float(self.left(math.ceil(self.rows * 2**log), pieces).surplus)

        high = math.log2(_NEVER)
        return (
            _first(self.covers, math.ceil(self.rows * 2 ** _root(left, 0.0, high))) if left(high, _COARSE) > 0 else None
        )


@dataclass(frozen=True)
class Promise:
    """What the theorem says of a width: covered where `pays` is more than `misfit`.

    The path can take at least `pays` ||y|| off the misfit, which is at most `misfit` ||y|| at the start; it is shorter
    than `length` sqrt d, and sigma_min at least `smallest` sqrt d all along. A step takes the share `fall` off the
    bound of the misfit; a time of n/||y||^2 of gradient flow brings the factor e^-fall.
    """

    pays: float
    smallest: float
    fall: float
    misfit: float
    length: float

    @property
    def steps_per_digit(self) -> float:
        """Steps that take the bound of the misfit to a tenth, infinite where nothing falls."""
        return math.log(10) / -math.log1p(-self.fall) if 0 < self.fall < 1 else math.inf


def largest_rate(rows: int, width: int, step: Fraction) -> Fraction | None:
    """The largest rate at which d neurons are covered, from below to six digits.

    None where they are not even at the rate at which the events together may fail with probability 1.
    """

    def left(log: float, pieces: int) -> float:
        return float(SharperTheorem(rows, step, least * Fraction(2**-log)).left(width, pieces).surplus)

    least, low = Fraction(ends(ball(event_count(step)).log() / rows)[1]), -1.0
    if not left(0.0, path_budget.PIECES) > 0:
        return None
    while left(low, _COARSE) > 0:
        low *= 2
    rate = max(least, least * Fraction(2 ** -_root(left, low, 0.0)) * (1 - Fraction(1, 10**6)))
    return rate if SharperTheorem(rows, step, rate).covers(width) else least


def _root(left: Callable[[float, int], float], low: float, high: float) -> float:
    """Where what is left, which grows, turns positive: about there by a path of few pieces, then by all of them."""
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if left(middle, _COARSE) > 0 else (middle, high)
    pieces, away = path_budget.PIECES, 1e-2
    while left(low - away, pieces) > 0:
        away *= 2
    return float(brentq(lambda x: left(x, pieces), low - away, high, xtol=1e-13)) if left(high, pieces) > 0 else high


def _first(covers: Callable[[int], bool], guess: int) -> int:
    """The first number from which on `covers` holds, found from a guess by doubling steps away and halving back."""
    low, high, step = guess, guess, max(1, guess // 10**12)
    if covers(guess):
        while low > 0 and covers(low):
            low, high, step = max(0, low - step), low, 2 * step
    else:
        while not covers(high):
            low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if covers(middle) else (middle, high)
    return high
