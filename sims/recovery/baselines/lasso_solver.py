"""The Lasso by a semismooth Newton method for the dual of proximal steps, over a falling sequence of penalties.

A proximal step c+ = argmin ||B c - y||^2/2 + sum_j p_j |c_j| + ||c - c_k||^2/(2 sigma) is found in the dual variable u,
the residual y - B c+ at its optimum: u minimises psi(u) = ||u||^2/2 - <y, u> + ||S(c_k + sigma B^T u)||^2/(2 sigma),
where S shrinks by sigma p_j, and c+ = S(c_k + sigma B^T u). The generalised Hessian I + sigma B_J B_J^T of this smooth
function needs only the columns J with c+_j != 0, of which there are at most about m near the optimum.

lambda is lowered step by step, and only columns that may be active are looked at. Columns left out are checked at the
end of each stage by their correlations with the dual variable, and come in where they break |b_j^T u| <= penalty_j:
what the search ends with is optimal over all columns.

Source: Li, Sun, Toh, A highly efficient semismooth Newton augmented Lagrangian method for solving Lasso problems, 2018
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.lasso_columns import ColumnSource, Dictionary

PENALTY_FACTOR = 5.0
"""By what the penalties fall from one stage to the next."""
STAGE_GAP = 0.03
"""Relative duality gap at which a stage before the last one ends, over the columns looked at."""
SOFT_THRESHOLDS = 0.1, 1000.0
"""Soft thresholds of a stage's first proximal step and of any, over the size of the largest coefficient."""
MANY_NEWTON_STEPS = 8
"""Newton steps in a proximal step after which sigma shrinks instead of doubling."""
PATIENCE = 4
"""Proximal steps in a row that may leave the gap as it is, which is then as small as rounding lets it be."""
MOST_NEWTON_STEPS = 30
"""The most Newton steps in a proximal step."""
Callback = Callable[[torch.Tensor, float, float], bool]
"""Called with coefficients, ||B c - y||^2/2 and sum_j p_j |c_j| at each Newton step; says whether there may be more."""


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
    callback: Callback,
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
        if not going or newtons == MOST_NEWTON_STEPS or float(gradient.norm()) <= enough:
            return Step(c, u, data + penalty, newtons)
        going, newtons = callback(c, data, penalty), newtons + 1
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


@dataclass
class NewtonLog:
    """Counts Newton steps, tells of them, and ends the search where they are used up or a loss is not finite."""

    total: int
    progress: Progress | None = None
    steps: int = 0
    losses: list[float] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether there is no step left."""
        return self.steps >= self.total or self.diverged

    @property
    def diverged(self) -> bool:
        """Whether the last loss was not finite."""
        return bool(self.losses) and not math.isfinite(self.losses[-1])

    def count(self, loss: float) -> bool:
        """Count a step; whether there may be more."""
        self.steps += 1
        self.losses.append(loss)
        if self.progress is not None:
            self.progress(self.steps, self.total, loss)
        return not self.ended


class PenaltyPath:
    """The search for argmin_c ||B c - y||^2/2 + sum_j penalties_j |c_j|; `c` and `u` are the last known ones.

    y is (m,), the penalties (n,) are positive, both float64 and on one device; `scale` is a typical ||b_j||^2.
    """

    def __init__(self, y: torch.Tensor, penalties: torch.Tensor, scale: float, log: NewtonLog) -> None:
        self.y, self.penalties, self.scale, self.log = y, penalties, scale, log
        self.c, self.u = torch.zeros_like(penalties), y / PENALTY_FACTOR

    def run(self, source: ColumnSource, tolerance: float) -> None:
        """Lower the penalties to their values, then go on until the relative duality gap is at most `tolerance`."""
        self.source = source
        self.correlations = source.correlations(self.y)
        self._unit = float(self.correlations.abs().max() / self.penalties.median()) / self.scale
        times = float((self.correlations.abs() / self.penalties).max()) / PENALTY_FACTOR
        if times == 0:
            return
        while times > 1.5 and not self.log.ended:
            self._stage(times, STAGE_GAP)
            times /= PENALTY_FACTOR
        if not self.log.ended:
            self._stage(1.0, tolerance / 2)

    def _stage(self, times: float, tolerance: float) -> None:
        """Proximal steps for penalties so many times the final ones, until the relative duality gap is small enough."""
        penalties = times * self.penalties
        first, largest = (size * self._unit / times for size in SOFT_THRESHOLDS)
        sigma, best, idle = first, math.inf, 0
        chosen = self._first_columns(penalties)
        while idle < PATIENCE and not self.log.ended:
            step = self._proximal(chosen, penalties, times, sigma)
            self.correlations = self.source.correlations(self.u)
            gap = step.primal - dual_value(self.u, self.y, self.correlations, penalties)
            if gap <= tolerance * step.primal:
                return
            idle = 0 if gap < 0.9 * best or sigma < largest else idle + 1
            best = min(gap, best)
            sigma = min(largest, sigma * self._change(step.newtons))
            chosen = self._with_broken(chosen, penalties)

    def _change(self, newtons: int) -> float:
        """By what sigma is to change, and where far too much was asked of a step, all later first sigmas too."""
        if newtons == MOST_NEWTON_STEPS:
            self._unit /= 4
            return 0.25
        return 0.7 if newtons >= MANY_NEWTON_STEPS else 2.0

    def _first_columns(self, penalties: torch.Tensor) -> torch.Tensor:
        """The active columns and as many again, and more, of those nearest to being active."""
        scores = self.correlations.abs() / penalties
        count = 2 * int((self.c != 0).sum()) + len(self.y) // 4 + 200
        if self.source.everything or count >= len(scores):
            return torch.arange(len(scores), device=scores.device)
        likely = self.c != 0
        likely[scores.topk(count).indices] = True
        return likely.nonzero().squeeze(-1)

    def _with_broken(self, chosen: torch.Tensor, penalties: torch.Tensor) -> torch.Tensor:
        """The chosen columns and those left out that break |b_j^T u| <= penalty_j, the worst ones first."""
        excess = self.correlations.abs() / penalties
        excess[chosen] = 0.0
        worst = excess.topk(min(len(excess), 2 * len(self.y) + len(chosen)))
        return torch.cat([chosen, worst.indices[worst.values > 1]])

    def _proximal(self, chosen: torch.Tensor, penalties: torch.Tensor, times: float, sigma: float) -> Step:
        def callback(c: torch.Tensor, data: float, penalty: float) -> bool:
            going = self.log.count(data + penalty / times)
            self._keep(chosen, c)
            return going

        start, B = (self.c[chosen], self.u), self.source.restricted(chosen)
        step = proximal_step(B, self.y, penalties[chosen], start, sigma, callback)
        self._keep(chosen, step.c)
        self.u = step.u
        return step

    def _keep(self, chosen: torch.Tensor, c: torch.Tensor) -> None:
        if not self.log.diverged:
            self.c = torch.zeros_like(self.c).index_copy_(0, chosen, c)
