"""How wide Theorem 4.1's network must be for a descent whose path pays for every neuron that it loses.

V has independent standard normal entries and n rows, ||y|| = sqrt(dn), ||z|| = 1. A path of length s = x sqrt d cuts
neurons whose margins g_l satisfy sum g_l^2 <= s^2; what sigma_min of the others is left, m(s) = w(x) sqrt d, must have
int m ds > ||r_0||/(1 - c/2). Everything is in terms of eps = sqrt(n/d), tau = t/sqrt n for deviations t, and 1/n.
Source: `own.path_budget.convergence` and what it needs
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from flint import arb, ctx
from scipy.optimize import brentq, minimize_scalar

from untrained.theory.proof.balls import ball

WORKING_BITS = 128
PIECES = 512
"""Pieces of the path, on each of which one multiplier bounds what the cut can remove."""


def energy_left(angle: arb) -> arb:
    """E[x^2; |x| <= tan(psi) |g|] = (2 psi - sin 2 psi)/pi of standard normal x and g: the energy left by the cut."""
    return (2 * angle - (2 * angle).sin()) / arb.pi()


def price_paid(angle: arb) -> arb:
    """E[g^2; |x| > tan(psi) |g|] = (pi - 2 psi - sin 2 psi)/pi: what the cut at the angle psi costs."""
    return (arb.pi() - 2 * angle - (2 * angle).sin()) / arb.pi()


def capped_energy(angle: arb) -> arb:
    """E min(x^2, lambda g^2) at lambda = tan(psi)^2."""
    return energy_left(angle) + angle.tan() ** 2 * price_paid(angle)


def angle_paid(price: float) -> float:
    """The angle at which the cut costs a price in [0, 1], in floats."""
    return float(brentq(lambda p: (math.pi - 2 * p - math.sin(2 * p)) / math.pi - price, 0.0, math.pi / 2, xtol=1e-15))


@dataclass(frozen=True)
class ChernoffBound:
    """The least (need + phi(theta))/theta over 0 < theta < 1/2 for a convex phi with slope phi': between two bounds.

    `most` is its value at `exponent`, a theta near the best.
    """

    exponent: arb
    most: arb
    least: arb


def _chernoff(need: arb, phi: Callable[[arb], arb], slope: Callable[[arb], arb]) -> ChernoffBound:
    """Both bounds near the best exponent. Any one gives `most`; and phi lies above its tangents, so that phi'(theta) is
    a lower bound wherever need + phi(theta) >= theta phi'(theta).
    """

    def bound(theta: arb) -> arb:
        return (need + phi(theta)) / theta

    best = minimize_scalar(
        lambda u: float(bound(_exponent(u))), bounds=(-30.0, 30.0), method="bounded", options={"xatol": 1e-10}
    )
    theta, below = _exponent(float(best.x)), _exponent(float(best.x) - _BACK)
    tangent = bool(need + phi(below) - below * slope(below) >= 0)
    return ChernoffBound(theta, bound(theta), slope(below) if tangent else slope(arb(0)))


_BACK = 1e-6
"""How far below the best exponent, as its logit, the tangent is taken."""


def _exponent(logit: float) -> arb:
    return arb(1 / (2 + math.exp(-logit)))


def output_share(ratio: arb, deviation: arb) -> ChernoffBound:
    """q with ||phi(h_0)||^2 <= q d but for probability e^{-t^2/2}. Source: `own.path_budget.output`."""

    def phi(theta: arb) -> arb:
        return ((1 + (1 - 2 * theta).rsqrt()) / 2).log()

    def slope(theta: arb) -> arb:
        rest = 1 - 2 * theta
        return 1 / (rest * (rest.sqrt() + 1))

    return _chernoff(deviation**2 * ratio**2 / 2, phi, slope)


def misfit_square(share: arb, deviation: arb) -> ChernoffBound:
    """rho^2 with ||r_0|| <= rho sqrt(dn) but for probability e^{-t^2/2}, where ||phi(h_0)||^2 <= share d.

    Source: `own.path_budget.misfit`
    """

    def phi(theta: arb) -> arb:
        rest = 1 - 2 * theta
        return share * (theta / (share * rest) - rest.log() / 2)

    def slope(theta: arb) -> arb:
        rest = 1 - 2 * theta
        return (share + 1 / rest) / rest

    return _chernoff(share * deviation**2 / 2, phi, slope)


@dataclass(frozen=True)
class PathBudget:
    """What is left along a path at d = aspect n, where each event fails with probability e^{-rate n} = e^{-t^2/2}.

    Of all n and d that have no smaller d/n, no larger 1/n and no larger rate, these are the worst: what is left falls,
    and the misfit at the start grows, in eps, tau and 1/n.
    """

    aspect: Fraction
    rate: Fraction
    inverse_rows: Fraction

    @property
    def deviation(self) -> arb:
        """tau = sqrt(2 rate)."""
        return (2 * ball(self.rate)).sqrt()

    @property
    def ratio(self) -> arb:
        """eps = sqrt(n/d)."""
        return (1 / ball(self.aspect)).sqrt()

    @property
    def lost(self) -> arb:
        """What of the energy per neuron is lost to deviations of the margins and to the variance of a norm."""
        return self.ratio * self.deviation / 2 + ball(self.inverse_rows) * self.ratio**2

    @property
    def below(self) -> arb:
        """What the n rows and the deviation of the integral take from sigma_min/sqrt d."""
        return (1 + self.deviation) * self.ratio

    @property
    def uncut(self) -> arb:
        """What is left of sigma_min/sqrt d before any cut, where the energy left is positive."""
        return (arb(1) / 2 - self.lost).sqrt() - self.below

    @property
    def misfit(self) -> arb:
        """rho with ||r_0|| <= rho ||y||, by both Chernoff bounds."""
        return misfit_square(output_share(self.ratio, self.deviation).most, self.deviation).most.sqrt()

    @property
    def end(self) -> float:
        """The length x at which nothing is left, in floats."""
        left = float(self.lost) + float(self.below) ** 2

        def rest(angle: float) -> float:
            return (2 * angle - math.sin(2 * angle)) / (2 * math.pi) - left

        if rest(math.pi / 2) <= 0:
            return 0.0
        angle = float(brentq(rest, 0.0, math.pi / 2, xtol=1e-15))
        return math.sqrt(max(0.0, (math.pi - 2 * angle - math.sin(2 * angle)) / (2 * math.pi)))

    def integral(self, pieces: int = PIECES) -> tuple[arb, arb]:
        """A lower bound of int w(x) dx up to a length, and that length: on each piece the tangent of its middle.

        For every lambda the cut leaves at least (E min(x^2, lambda g^2))/2 - lambda x^2 of the energy per neuron.
        """
        end, total, reached = self.end, arb(0), arb(0)
        for j in range(pieces if end else 0):
            angle = arb(angle_paid(2 * (end * _graded((j + 0.5) / pieces)) ** 2))
            start, stop = reached, arb(end * _graded((j + 1) / pieces))
            energy = capped_energy(angle) / 2 - self.lost
            if not energy > (angle.tan() * stop) ** 2:  # far out the last tangent ends below 0
                break
            total, reached = total + _arc(energy, angle.tan(), start, stop) - self.below * (stop - start), stop
        return total, reached

    def integral_at_most(self, pieces: int = PIECES) -> arb:
        """An upper bound of the largest int w(x) dx so given, by chords: the energy is convex in x^2."""
        end, total = self.end, arb(0)
        angles = [math.pi / 2, *(angle_paid(2 * (end * _graded((j + 1) / pieces)) ** 2) for j in range(pieces))]
        ends = [self._at(arb(angle) if j else arb.pi() / 2) for j, angle in enumerate(angles)]
        for (start, energy), (stop, left) in pairwise(ends):
            slope = (energy - left) / (stop**2 - start**2)
            total += _arc(energy + slope * start**2, slope.sqrt(), start, stop) - self.below * (stop - start)
        return total + self._beyond(*ends[-1])

    def _at(self, angle: arb) -> tuple[arb, arb]:
        """The length x that an angle belongs to, and the energy per neuron that is left there."""
        price = price_paid(angle) / 2
        return (arb(0) if price.contains(0) else price.sqrt()), energy_left(angle) / 2 - self.lost

    def _beyond(self, start: arb, energy: arb) -> arb:
        """An upper bound of what is left beyond a length: the rest of w there, over all of the way to x = 1."""
        rest = energy.sqrt() - self.below
        return rest.max(arb(0)) if rest.is_finite() else arb(0)


def _graded(share: float) -> float:
    """Ends of pieces, denser at the start, where the energy falls like x^(2/3)."""
    return share**1.5


def _arc(energy: arb, slope: arb, start: arb, stop: arb) -> arb:
    """int sqrt(energy - slope^2 x^2) dx from start to stop."""

    def primitive(x: arb) -> arb:
        return (x * (energy - (slope * x) ** 2).sqrt() + energy / slope * (slope * x / energy.sqrt()).asin()) / 2

    return primitive(stop) - primitive(start)


@dataclass(frozen=True)
class Surplus:
    """What the integral has beyond the need: where it is positive, the descent converges.

    `surplus` is int w dx - rho eps/(1 - c/2), `length` the x below which the path stays, `misfit` the rho.
    """

    surplus: arb
    length: arb
    misfit: arb

    @property
    def smallest(self) -> arb:
        """surplus/length: m falls, so where the integral has reached the need it is at least the mean of the rest."""
        return self.surplus / self.length if self.length > 0 else arb(0)


@lru_cache(maxsize=4096)
def surplus(path: PathBudget, step: Fraction, pieces: int = PIECES) -> Surplus:
    """What is left at c = eta beta_0^2 <= step (0 is gradient flow) beyond what is needed.

    Raises
    ------
    ValueError
        where the step is not in [0, 2).
    """
    if not 0 <= step < 2:
        raise ValueError(f"step must be at least 0 and below 2, got {step}")
    with ctx.workprec(WORKING_BITS):
        misfit = path.misfit
        total, length = path.integral(pieces)
        return Surplus(total - misfit * path.ratio / (1 - ball(step) / 2), length, misfit)


def surplus_at_most(path: PathBudget, step: Fraction, pieces: int = PIECES) -> arb:
    """An upper bound of what this argument can leave, whatever multipliers and exponents it takes."""
    with ctx.workprec(WORKING_BITS):
        misfit = misfit_square(output_share(path.ratio, path.deviation).least, path.deviation).least.sqrt()
        return path.integral_at_most(pieces) - misfit * path.ratio / (1 - ball(step) / 2)


def least_aspect(
    rate: Fraction, inverse_rows: Fraction, step: Fraction, digits: int = 6, pieces: int = PIECES
) -> tuple[Fraction, Fraction]:
    """The least d/n that this argument serves: a width that it does, and one that it does not.

    Raises
    ------
    ValueError
        where no width up to 10^30 n serves.
    """

    def fails(aspect: Fraction) -> bool:
        return bool(surplus_at_most(PathBudget(aspect, rate, inverse_rows), step, pieces) < 0)

    high = _least_serving(lambda aspect: surplus(PathBudget(aspect, rate, inverse_rows), step, pieces).surplus, digits)
    low, unit = high, high / 10**digits
    while not fails(low):
        low, unit = low - unit, 2 * unit
        if low <= 0:
            raise ArithmeticError(f"no width is certain to fail at {float(high)}")
    return low, high


def _least_serving(margin: Callable[[Fraction], arb], digits: int = 4) -> Fraction:
    """A width d/n at which a margin is certainly positive, within 10^-digits of itself of one at which it is not.

    Raises
    ------
    ValueError
        where none up to 10^30 serves.
    """
    with ctx.workprec(WORKING_BITS):
        high = Fraction(16)
        while not margin(high) > 0:
            high *= 2
            if high > 10**30:
                raise ValueError("no width up to 10^30 n serves")
        low = high / 2
        while high - low > high / 10**digits:
            middle = (low + high) / 2
            low, high = (low, middle) if margin(middle) > 0 else (middle, high)
        return high
