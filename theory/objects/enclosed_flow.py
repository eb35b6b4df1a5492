"""The gradient flow of G(W) = V relu(W z) from one start in floats, with a bound on how far the true one is.

With x = relu(W z)/||z|| and time in units of 1/||z||^2 the flow is x_l' = -a_l for neurons that are on, a = V^T (V x -
y/||z||). Let X follow it up to a defect delta, on a set of its own, e = x - X. Where both sets are the same, e.e' is
-|V e|^2 + e.delta. A neuron that is on in x alone, or in X alone, adds -x_l a_l(X), or -X_l a_l(x), which is not above
0 as long as that pull is not below. So |e| grows by int |delta| at most, if within the error E of zero every neuron's
pull is at least |v_l| ||V|| E, which says the same of the other's, until it is off in both. One that goes off in X at
X_l falls from X_l + E at most, at its pull less |v_l| ||V|| E.

X is a Taylor polynomial between two deaths: r' = -K r, K = V_A V_A^T. With k_j near (-K)^j r and q = sum k_j s^(j + 1)/
(j + 1)!, X = X_0 - V_A^T q has the defect V_A^T (r - k_0 - sum (K k_j + k_(j + 1)) s^(j + 1)/(j + 1)!), k_p = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from untrained.theory.objects.enclosed_descent import SLACK_OF_SUMS, EnclosedActivations
from untrained.theory.objects.float_bounds import BOUND_SLACK, UNIT_ROUNDOFF, gamma, gram_with_error, length_above
from untrained.theory.objects.shapes import Array

_TERMS = 12
_LONGEST = 0.25
"""Longest step, in units of 1/||V||^2."""
_HALVINGS = 40


@dataclass(frozen=True)
class FlowState:
    """Where a flow stands: X with its error; K = V_A V_A^T of its neurons; and x_l at most, of those off in X alone.

    lengths: |v_l| (N,), from above.
    """

    here: EnclosedActivations
    gram: Array
    gram_error: float
    left: Array
    lengths: Array


@dataclass(frozen=True)
class _Course:
    """X from the begin of a step: k_j/unit^j as columns (n, p), unit near ||V||^2, pulls and their slopes (N,), errors.

    `rounding` is that of r, `mismatch` the share of unit |k_j| that |K k_j + k_(j + 1)| comes to.
    """

    k: Array
    pull: Array
    slope: Array
    rounding: float
    mismatch: float
    unit: float

    @cached_property
    def sizes(self) -> Array:
        """Upper bounds (p,) of the norms |k_j|/unit^j."""
        return np.array([length_above(one) for one in self.k.T])

    def primitive(self, time: float) -> Array:
        """The vector q(time) in R^n."""
        result: Array = self.k @ self.powers(time)
        return result

    def reach(self, time: float) -> float:
        """Sum of |k_j| time^(j + 1)/(j + 1)!."""
        return float(self.sizes @ self.powers(time))

    def powers(self, time: float) -> Array:
        """unit^j time^(j + 1)/(j + 1)! for j < _TERMS."""
        total = time * self.unit
        return np.array([total ** (j + 1) / math.factorial(j + 1) for j in range(_TERMS)]) / self.unit

    def defect(self, time: float) -> float:
        """Upper bound of |r - k_0 - ...| until `time`, where |defect of X| is at most ||V|| times as large."""
        last = self.sizes[-1] * (time * self.unit) ** _TERMS / math.factorial(_TERMS)
        return BOUND_SLACK * (self.rounding + self.mismatch * self.unit * self.reach(time) + last)

    def beyond_slope(self, time: float) -> float:
        """Upper bound of |r + s k_1 - (V X - y/||z||)| for s until `time`."""
        later = self.sizes[2:] @ self.powers(time)[1:-1] * self.unit
        return self.defect(time) + BOUND_SLACK * float(later)


def start_of_flow(here: EnclosedActivations) -> FlowState:
    """The flow at its start; neurons whose sign is open are off in X."""
    left = np.where(here.open, here.x + here.error, 0.0)
    error = SLACK_OF_SUMS * (here.error + length_above(here.x[here.open]))
    here = replace(here, x=np.where(here.on, here.x, 0.0), error=error)
    gram, error = gram_with_error(here.columns[here.on])
    lengths = np.sqrt(np.square(here.columns).sum(1)) * (1 + gamma(here.columns.shape[1] + 4))
    return FlowState(here, gram, error, left, lengths)


def next_of_flow(state: FlowState) -> FlowState | None:
    """The flow at the next death, or one step later; None where a sign stays open."""
    course = _course(state)
    longest = _LONGEST / state.here.norm**2
    level = 2 * _coordinate_rounding(state, course, longest)
    time = _time_of_death(state, course, longest, level)
    for _ in range(_HALVINGS):
        after = _advance(state, course, time, level)
        if after is not None:
            return after
        time /= 2
    return None


def _course(state: FlowState) -> _Course:
    here, unit = state.here, state.here.norm**2
    gram, size = state.gram / unit, length_above(state.gram)
    r, rounding = here.residual()
    k = [r]
    for _ in range(_TERMS - 1):
        k.append(-(gram @ k[-1]))
    pulls = here.columns @ np.stack(k[:2], axis=1)
    mismatch = BOUND_SLACK * (state.gram_error + gamma(len(r) + 4) * size) / unit
    return _Course(np.stack(k, axis=1), pulls[:, 0], pulls[:, 1] * unit, rounding, mismatch, unit)


def _coordinate_rounding(state: FlowState, course: _Course, time: float) -> Array:
    """How far x - V^T q(time) is off in floats (N,), for smaller times as well."""
    products = gamma(len(course.k) + 2 * _TERMS + 12) * course.reach(time)
    return BOUND_SLACK * (state.lengths * products + 2 * UNIT_ROUNDOFF * state.here.x)


def _time_of_death(state: FlowState, course: _Course, longest: float, level: Array) -> float:
    """When the first neuron of X is down to its `level`, or `longest`."""
    here, time = state.here, longest
    dying = np.flatnonzero(here.on & (here.x - here.columns @ course.primitive(longest) < level))
    heights, falls = here.x[dying] - level[dying], here.columns[dying] @ course.k
    while len(heights):
        ways = falls @ course.powers(time)
        soon = ways > heights
        heights, falls, ways = heights[soon], falls[soon], ways[soon]
        if not len(heights):
            break
        first = int(np.argmin(heights / ways))
        if heights[first] <= 0:
            return 0.0
        time = _crossing(course, float(heights[first]), falls[first], time)
        heights, falls = np.delete(heights, first), np.delete(falls, first, axis=0)
    return time


def _crossing(course: _Course, height: float, falls: Array, time: float) -> float:
    """When a polynomial has come down by a height, before a time at which it is below."""

    def left(share: float) -> float:
        return height - float(falls @ course.powers(share * time))

    return time * float(brentq(left, 0.0, 1.0, xtol=1e-16, rtol=1e-15))


def _advance(state: FlowState, course: _Course, time: float, level: Array) -> FlowState | None:
    """The flow at a time, None where a pull near zero is not certain enough until then."""
    here, n = state.here, len(course.k)
    x = here.x - here.columns @ course.primitive(time)
    rounding = gamma(n + 2 * _TERMS + 12) * here.size * course.reach(time) + 2 * UNIT_ROUNDOFF * length_above(here.x)
    error = SLACK_OF_SUMS * (here.error + BOUND_SLACK * (here.norm * time * course.defect(time) + rounding))
    threshold = BOUND_SLACK * error * here.norm * state.lengths
    low, high = _pulls(state, course, time)
    falling = low >= threshold
    safe = np.where(falling, x > level / 2, here.x - time * np.maximum(high, 0.0) * BOUND_SLACK > error)
    if not (np.all(safe[here.on]) and np.all(low[here.open] >= 2 * threshold[here.open])):
        return None
    killed = here.on & falling & (x <= 2 * level)
    left = np.where(here.open, state.left - time * (low - threshold) / BOUND_SLACK, 0.0)
    jump = length_above(x[killed])
    speed = _speed(here, course, time, error, np.maximum(abs(low), abs(high)))
    moved = replace(
        here,
        x=np.where(here.on & ~killed, np.maximum(x, 0.0), 0.0),
        error=SLACK_OF_SUMS * (error + jump),
        on=here.on & ~killed,
        open=(here.open & (left > 0)) | killed,
        length=SLACK_OF_SUMS * (here.length + time * speed),
        time=SLACK_OF_SUMS * (here.time + time),
    )
    gone = here.columns[killed]
    gram_error = state.gram_error + 8 * UNIT_ROUNDOFF * (length_above(state.gram) + length_above(gone) ** 2)
    gram = state.gram - gone.T @ gone
    return replace(state, here=moved, gram=gram, gram_error=gram_error, left=np.where(killed, x + error, left))


def _pulls(state: FlowState, course: _Course, time: float) -> tuple[Array, Array]:
    """Bounds (N,) of the pulls v_l.(V X - y/||z||) from the begin of a step to `time`."""
    ends = course.pull, course.pull + time * course.slope
    products = gamma(len(course.k) + 6) * (course.sizes[0] + time * course.unit * course.sizes[1])
    spread = BOUND_SLACK * state.lengths * (course.beyond_slope(time) + products)
    return np.minimum(*ends) - spread, np.maximum(*ends) + spread


def _speed(here: EnclosedActivations, course: _Course, time: float, error: float, largest: Array) -> float:
    """Upper bound of |V_A^T r| of the true flow until `time`: it falls on a fixed A, and those open count in full."""
    products = gamma(len(course.k) + 2) * here.size * course.sizes[0]
    rest = here.norm * (2 * course.defect(time) + here.norm * error)
    return length_above(course.pull[here.on]) + length_above(largest[here.open]) + BOUND_SLACK * (products + rest)
