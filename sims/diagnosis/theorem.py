"""Theorem B.5 applied to a spectrum: the alpha, beta, R, step and rate it promises a network at its start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from untrained.sims.ntk.spectrum import Bounds
from untrained.theory.objects.descent import RATE, contraction, radius_needed


class HasExtremes(Protocol):
    """What a spectrum of J J^T has to tell: its extreme eigenvalues, and below which they are rounding."""

    @property
    def smallest(self) -> Bounds:
        """The least eigenvalue."""

    @property
    def largest(self) -> Bounds:
        """The largest eigenvalue."""

    @property
    def floor(self) -> float:
        """Eigenvalues below it are rounding."""


@dataclass(frozen=True)
class Promise:
    """Theorem B.5 on ||f(theta) - y||^2/2 from theta_0: what it asks (alpha/3, R, beta) and promises (step, factor).

    `alpha` is sigma_min(J_0)/2, 0 where sigma_min cannot be told from rounding, and `alpha_low` what it is at least;
    `beta` bounds ||J||. With alpha = 0 (A1 fails) the radius is infinite and the factor 1.
    """

    alpha: float
    alpha_low: float
    beta: float
    misfit: float

    @property
    def holds(self) -> bool:
        """Whether A1 certainly holds: sigma_min(J_0) > 0 beyond rounding and error bars."""
        return self.alpha_low > 0

    @property
    def budget(self) -> float:
        """alpha/3, what ||J(theta) - J(theta_0)|| may be at most. Source: vanveen18 Theorem B.5, A2."""
        return self.alpha / 3

    @property
    def radius(self) -> float:
        """R = 5 ||r_0||/alpha, the ball in which A2 must hold. Source: vanveen18 Theorem B.5."""
        return radius_needed(self.alpha, self.misfit) if self.alpha > 0 else math.inf

    @property
    def step(self) -> float:
        """eta = 1/beta^2, the largest that the theorem allows."""
        return self.beta**-2

    @property
    def decrement(self) -> float:
        """eta alpha^2/4, the share of the misfit that is promised to go each step; never lost in rounding."""
        return RATE[0] / RATE[1] * self.step * self.alpha**2

    @property
    def factor(self) -> float:
        """1 - eta alpha^2/4, by which the misfit shrinks each step. Source: vanveen18 Theorem B.5."""
        return contraction(self.step, self.alpha, rate=RATE)


def promise(spectrum: HasExtremes, misfit: float, beta: float | None = None) -> Promise:
    """What Theorem B.5 promises a network with this spectrum and ||f(theta_0) - y|| = misfit.

    beta bounds ||J(theta)||; without it, ||J(theta_0)|| stands in, which A3 then has to allow.

    Raises
    ------
    ValueError
        where the misfit is negative, or beta is not above 0 or less than ||J(theta_0)||.
    Source: vanveen18 Theorem B.5
    """
    if not 0 <= misfit < math.inf:
        raise ValueError(f"misfit must be a finite number >= 0, got {misfit}")
    least = math.sqrt(max(spectrum.largest.low, 0.0))
    chosen = math.sqrt(max(spectrum.largest.value, 0.0)) if beta is None else beta
    # sigma_max is known to its own error only, and may be beta itself.
    if not 0 < chosen < math.inf or chosen < least * (1 - 1e-9):
        raise ValueError(f"beta must be above 0 and at least ||J(theta_0)|| = {least:.6g}, got {beta}")
    smallest, floor = spectrum.smallest, spectrum.floor
    alpha = math.sqrt(smallest.value) / 2 if smallest.value > floor else 0.0
    low = math.sqrt(smallest.low) / 2 if smallest.low > floor else 0.0
    return Promise(alpha, min(alpha, low), chosen, misfit)
