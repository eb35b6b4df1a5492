"""The Lasso by a semismooth Newton method for the dual of proximal steps, which is at home where lambda is small.

A proximal step c+ = argmin ||B c - y||^2/2 + sum_j p_j |c_j| + ||c - c_k||^2/(2 sigma) is found in the dual variable u,
the residual y - B c+ at its optimum: u minimises psi(u) = ||u||^2/2 - <y, u> + ||S(c_k + sigma B^T u)||^2/(2 sigma),
where S shrinks by sigma p_j, and c+ = S(c_k + sigma B^T u). The generalised Hessian I + sigma B_J B_J^T of this smooth
function needs only the columns J with c+_j != 0, of which there are at most about m near the optimum.

Source: Li, Sun, Toh, A highly efficient semismooth Newton augmented Lagrangian method for solving Lasso problems, 2018
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from untrained.sims.recovery.baselines._lasso_columns import Dictionary

MOST = 30
"""The most Newton steps in a proximal step."""
Told = Callable[[torch.Tensor, float, float], bool]
"""Told coefficients, ||B c - y||^2/2 and sum_j p_j |c_j| at each Newton step; says whether there may be more."""


@dataclass(frozen=True)
class Step:
    """Coefficients c with their primal value, the dual variable u, and how many Newton steps these took."""

    c: torch.Tensor
    u: torch.Tensor
    primal: float
    newtons: int


def feasible_scale(u: torch.Tensor, y: torch.Tensor, correlations: torch.Tensor, penalties: torch.Tensor) -> float:
    """The s of largest dual value <y, s u> - ||s u||^2/2 among those with |B^T (s u)| <= penalties."""
    bound = float((penalties / correlations.abs()).min())
    square = float(u @ u)
    best = float(u @ y) / square if square > 0 else 0.0
    return max(-bound, min(bound, best))


def dual_value(u: torch.Tensor, y: torch.Tensor, correlations: torch.Tensor, penalties: torch.Tensor) -> float:
    """Dual value of u after scaling: a lower bound of the Lasso's minimum."""
    s = feasible_scale(u, y, correlations, penalties)
    return s * float(u @ y) - s * s * float(u @ u) / 2


def proximal_step(
    B: Dictionary,
    y: torch.Tensor,
    penalties: torch.Tensor,
    start: tuple[torch.Tensor, torch.Tensor],
    sigma: float,
    told: Told,
) -> Step:
    """One proximal step from (c, u) for ||B c - y||^2/2 + sum_j penalties_j |c_j|, as exact as its length asks for."""
    before, u = start
    correlations, threshold = B.adjoint(u), sigma * penalties
    floor, newtons, going = 1e-14 * float(y.norm()), 0, True
    while True:
        c = soft(before + sigma * correlations, threshold)
        gradient = u - y + B.forward(c)
        data, penalty = float((u - gradient).square().sum()) / 2, float(penalties @ c.abs())
        enough = max(floor, float((c - before).norm()) / sigma**0.5)
        if not going or newtons == MOST or float(gradient.norm()) <= enough:
            return Step(c, u, data + penalty, newtons)
        going, newtons = told(c, data, penalty), newtons + 1
        d = B.newton(c != 0, sigma, gradient)
        along = B.adjoint(d)
        t = _line_search(_Slope(u - y, d, before + sigma * correlations, sigma * along, along, threshold))
        u, correlations = u + t * d, correlations + t * along


def soft(z: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """Shrink each entry towards 0 by its threshold."""
    return z - z.clamp(-threshold, threshold)


class _Slope:
    """The derivative of psi along d: t -> <u + t d - y, d> + <B^T d, S(z + t sigma B^T d)>."""

    def __init__(self, u_less_y: torch.Tensor, d: torch.Tensor, z: torch.Tensor, *rest: torch.Tensor) -> None:
        self._fixed, self._curved = float(u_less_y @ d), float(d @ d)
        self._z, (self._step, self._along, self._threshold) = z, rest

    def __call__(self, t: float) -> float:
        c = soft(self._z + t * self._step, self._threshold)
        return self._fixed + t * self._curved + float(self._along @ c)


def _line_search(slope: Callable[[float], float]) -> float:
    """A step whose slope is at most a tenth of the first one, by bisection: near the best one, as psi is convex."""
    small = 0.1 * abs(slope(0.0))
    low, high, t = 0.0, 1.0, 1.0
    for _ in range(20):
        here = slope(t)
        if abs(here) <= small or (here < 0 and t == 1):
            break
        low, high = (t, high) if here < 0 else (low, t)
        t = (low + high) / 2
    return t
