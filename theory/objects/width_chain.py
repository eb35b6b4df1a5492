"""From 4.3e15 down: how much width each improvement of Theorem 4.1's proof saves, alone and with those before it.

The paper's chain asks that all neurons that may be lost in the ball that the meta-theorem needs change the Jacobian by
alpha/3 at most, alpha half of sigma_min at the start. Lengths are in units of sqrt n, sigma_min in units of sqrt d.
Source: vanveen18 Section B.4
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from untrained.theory.objects import path_budget
from untrained.theory.objects.path_budget import PathBudget, least_serving
from untrained.theory.proof.balls import ball

_USUAL = (Fraction(1, 2), Fraction(1, 4))
"""Rate of an event's failure, and the most of 1/n: e^{-n/2} and n >= 4, from where on 5 e^{-n/2} is below 1."""


@dataclass(frozen=True)
class ProofChain:
    """What the paper's chain takes: `path` R alpha/||r_0||, `linear` the linear term of the sparse width.

    `misfit` and `smallest` are ||r_0||/||y|| and sigma_min/sqrt d at the start, as functions of d/n.
    """

    path: Fraction = Fraction(5)
    linear: Fraction = Fraction(0)
    misfit: Callable[[Fraction], arb] = field(default=lambda aspect: arb(3))
    smallest: Callable[[Fraction], arb] = field(default=lambda aspect: arb(1) / 2)

    def margin(self, aspect: Fraction) -> arb:
        """alpha/3 less 2 sqrt(n/d) + sqrt(2 v log(1/v) + linear v), with v = 3 (2R)^{2/3} (n/d)^{1/3} the flips."""
        alpha = self.smallest(aspect) / 2
        radius = ball(self.path) * self.misfit(aspect) / alpha
        v = 3 * (2 * radius) ** (arb(2) / 3) * ball(aspect) ** (-arb(1) / 3)
        if not alpha > 0 or not v < arb(-1).exp():
            return arb(-1)
        change = 2 / ball(aspect).sqrt() + (2 * v * (1 / v).log() + ball(self.linear) * v).sqrt()
        return alpha / 3 - change


def _sharp_misfit(aspect: Fraction) -> arb:
    return path_budget.surplus(PathBudget(aspect, *_USUAL), Fraction(0), 1).misfit


def _sharp_smallest(aspect: Fraction) -> arb:
    """What the margins, Gordon's comparison and the deviation leave of sigma_min before anything is cut."""
    path = PathBudget(aspect, *_USUAL)
    energy = arb(1) / 2 - path.lost
    return energy.sqrt() - path.below if energy > 0 else arb(-1)


def product_margin(aspect: Fraction) -> arb:
    """x w(x) - rho eps at the best of many lengths x: a path no longer than ||r_0||/m(L) for its L (gradient flow)."""
    path, best = PathBudget(aspect, *_USUAL), arb(-1)
    misfit = _sharp_misfit(aspect)
    for angle in np.linspace(0.6, 1.5, 181):
        psi = arb(float(angle))
        length, energy = (path_budget.price_paid(psi) / 2).sqrt(), path_budget.energy_left(psi) / 2 - path.lost
        if energy > 0:
            left = length * (energy.sqrt() - path.below) - misfit * path.ratio
            best = left if left > best else best
    return best


def integral_margin(
    step: Fraction = Fraction(0), rate: Fraction = _USUAL[0], inverse_rows: Fraction = _USUAL[1]
) -> Any:
    """The surplus of `own.sharper` as a function of d/n."""

    def margin(aspect: Fraction) -> arb:
        return path_budget.surplus(PathBudget(aspect, rate, inverse_rows), step).surplus

    return margin


@dataclass(frozen=True)
class Improvement:
    """One step of the proof made sharper: the claim that says so, and the least d/n with it alone and together."""

    name: str
    claim: str
    alone: Fraction | None
    together: Fraction


_RATE_100 = Fraction(62147, 10**6)
"""A rate with which five events fail together at most once in a hundred from n = 100 on."""
_RATE_LIMIT = Fraction(1, 2 * 10**6)


def improvements() -> tuple[Improvement, ...]:
    """The chain as printed and each improvement in turn; widths are certain to serve, to four digits from above."""
    printed = ProofChain()
    sharp: dict[str, tuple[str, dict[str, Any]]] = {
        "linear term of the sparse width": ("own.sparse_width", {"linear": Fraction(1)}),
        "length of the path": ("own.meta_path", {"path": Fraction(21, 23)}),
        "misfit at the start": ("own.path_budget.misfit", {"misfit": _sharp_misfit}),
        "smallest singular value": ("own.path_budget.margins", {"smallest": _sharp_smallest}),
    }
    rows = [Improvement("the paper's inequality", "vanveen18.width.minimal", None, least_serving(printed.margin))]
    chain = printed
    for name, (claim, change) in sharp.items():
        chain = replace(chain, **change)
        alone = replace(printed, **change)
        rows.append(Improvement(name, claim, least_serving(alone.margin), least_serving(chain.margin)))
    later: tuple[tuple[str, str, Callable[[Fraction], arb]], ...] = (
        ("cuts charged by their price", "own.path_budget.angles", product_margin),
        ("the integral over the path (flow)", "own.sharper.flow", integral_margin()),
        (
            "a hundred rows, failure 1 %",
            "own.sharper.flow.hundred",
            integral_margin(Fraction(0), _RATE_100, Fraction(1, 100)),
        ),
        ("rows without end", "own.sharper.flow.limit", integral_margin(Fraction(0), _RATE_LIMIT, Fraction(1, 10**6))),
    )
    return (*rows, *(Improvement(name, claim, None, least_serving(margin)) for name, claim, margin in later))
