"""The Lasso by a semismooth Newton method for the dual of proximal steps, which is at home where lambda is small.

A proximal step c+ = argmin 1/2 ||B c - y||^2 + sum_j p_j |c_j| + ||c - c_k||^2/(2 sigma) is, in the dual variable u
(the residual y - B c+ at the optimum), the minimum of the smooth psi(u) = ||u||^2/2 - <y, u> + ||S(c_k + sigma B^T u)||^2/(2 sigma)
with S the soft threshold at sigma p and c+ = S(c_k + sigma B^T u). Its generalised Hessian I + sigma B_J B_J^T needs
only the columns J with c+_j != 0, and near the optimum there are at most about m of these.

Source: Li, Sun, Toh, A highly efficient semismooth Newton augmented Lagrangian method for solving Lasso problems, 2018
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from sims.imaging.recovery._lasso_columns import Dictionary

Told = Callable[[torch.Tensor, float], bool]
"""Told the coefficients and their primal value after each Newton step; says whether to go on."""


@dataclass(frozen=True)
class Pair:
    """Coefficients c, a dual variable u, and how far each proximal step may go (sigma)."""

    c: torch.Tensor
    u: torch.Tensor
    sigma: float


@dataclass(frozen=True)
class Values:
    """Primal and dual value of a pair; u is scaled to be feasible first."""

    primal: float
    dual: float

    @property
    def relative_gap(self) -> float:
        """(primal - dual)/primal; 0 where both vanish."""
        return (self.primal - self.dual) / self.primal if self.primal > 0 else 0.0


def soft(z: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Shrink each entry towards 0 by its threshold."""
    return z - z.clamp(-threshold, threshold)


def feasible_scale(u: torch.Tensor, y: torch.Tensor, correlations: torch.Tensor, penalties: torch.Tensor) -> float:
    """The s that makes the dual value s <y, u> - s^2 ||u||^2/2 largest, given |B^T (s u)| <= penalties."""
    paid = penalties > 0
    bound = float((penalties[paid] / correlations[paid].abs()).min())
    square = float(u @ u)
    best = float(u @ y) / square if square > 0 else 0.0
    return max(-bound, min(bound, best))


def dual_value(u: torch.Tensor, y: torch.Tensor, s: float) -> float:
    """The value of the dual at s u."""
    return s * float(u @ y) - s * s * float(u @ u) / 2


def proximal_newton(
    B: Dictionary, y: torch.Tensor, penalties: torch.Tensor, start: Pair, tolerance: float, largest: float, told: Told
) -> Pair:
    """Minimise 1/2 ||B c - y||^2 + sum_j penalties_j |c_j| to a relative duality gap of at most `tolerance`.

    sigma doubles from one proximal step to the next, up to `largest`; should rounding keep the gap from shrinking, the pair is
    returned as it is.
    """
    pair, best, idle = start, float("inf"), 0
    while idle < 4:
        pair, correlations, primal, going = _proximal_step(B, y, penalties, pair, told)
        gap = primal - dual_value(pair.u, y, feasible_scale(pair.u, y, correlations, penalties))
        idle = 0 if gap < 0.9 * best else idle + 1
        best = min(best, gap)
        if gap <= tolerance * primal or not going:
            break
        pair = Pair(pair.c, pair.u, min(2 * pair.sigma, largest))
    return pair


def _proximal_step(
    B: Dictionary, y: torch.Tensor, penalties: torch.Tensor, pair: Pair, told: Told
) -> tuple[Pair, torch.Tensor, float, bool]:
    u, sigma = pair.u, pair.sigma
    correlations, threshold = B.adjoint(u), sigma * penalties
    floor, going = 1e-14 * float(y.norm()), True
    for _ in range(50):
        c = soft(pair.c + sigma * correlations, threshold)
        gradient = u - y + B.forward(c)
        primal = _primal(u - gradient, c, penalties)
        if not going or float(gradient.norm()) <= max(floor, float((c - pair.c).norm()) / sigma**0.5):
            break
        d = B.newton(c != 0, sigma, gradient)
        along = B.adjoint(d)
        t = _line_search(pair.c, u - y, d, correlations, along, sigma, threshold)
        u, correlations = u + t * d, correlations + t * along
        going = told(c, primal)
    return Pair(c, u, sigma), correlations, primal, going


def _primal(residual: torch.Tensor, c: torch.Tensor, penalties: torch.Tensor) -> float:
    return float(residual @ residual) / 2 + float(penalties @ c.abs())


def _line_search(
    c: torch.Tensor,
    offset: torch.Tensor,
    d: torch.Tensor,
    correlations: torch.Tensor,
    along: torch.Tensor,
    sigma: float,
    threshold: torch.Tensor,
) -> float:
    """A step whose slope of psi is at most a tenth of the first one's, by bisection: psi is convex, so it is near the best."""
    fixed, curved = float(offset @ d), float(d @ d)

    def slope(t: float) -> float:
        return fixed + t * curved + float(along @ soft(c + sigma * (correlations + t * along), threshold))

    small = 0.1 * abs(slope(0.0))
    low, high, t = 0.0, 1.0, 1.0
    for _ in range(20):
        here = slope(t)
        if abs(here) <= small or (here < 0 and t == 1):
            break
        low, high = (t, high) if here < 0 else (low, t)
        t = (low + high) / 2
    return t
