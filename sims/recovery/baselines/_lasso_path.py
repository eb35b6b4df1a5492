"""The Lasso over many columns: lambda is lowered step by step, and only columns that may be active are looked at.

Columns left out are checked at the end of each stage by their correlations with the dual variable, and come in where
they break |b_j^T u| <= penalty_j: what the search ends with is optimal over all columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines._lasso_columns import Source
from untrained.sims.recovery.baselines._lasso_newton import MOST, Step, dual_value, proximal_step

FACTOR = 5.0
"""By what the penalties fall from one stage to the next."""
STAGE_GAP = 0.03
"""Relative duality gap at which a stage before the last one ends, over the columns looked at."""
THRESHOLDS = 0.1, 1000.0
"""Soft thresholds of a stage's first proximal step and of any, over the size of the largest coefficient."""


MANY = 8
"""Newton steps in a proximal step after which sigma shrinks instead of doubling."""
PATIENCE = 4
"""Proximal steps in a row that may leave the gap as it is, which is then as small as rounding lets it be."""


@dataclass
class NewtonLog:
    """Counts Newton steps, tells of them, and ends the search where they are used up or a loss is not finite."""

    total: int
    watch: Progress | None = None
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

    def told(self, loss: float) -> bool:
        """Count a step; whether there may be more."""
        self.steps += 1
        self.losses.append(loss)
        if self.watch is not None:
            self.watch(self.steps, self.total, loss)
        return not self.ended


class Path:
    """The search for argmin_c ||B c - y||^2/2 + sum_j penalties_j |c_j|; `c` and `u` are the last known ones.

    y is (m,), the penalties (n,) are positive, both float64 and on one device; `scale` is a typical ||b_j||^2.
    """

    def __init__(self, y: torch.Tensor, penalties: torch.Tensor, scale: float, progress: NewtonLog) -> None:
        self.y, self.penalties, self.scale, self.progress = y, penalties, scale, progress
        self.c, self.u = torch.zeros_like(penalties), y / FACTOR

    def run(self, source: Source, tolerance: float) -> None:
        """Lower the penalties to their values, then go on until the relative duality gap is at most `tolerance`."""
        self.source = source
        self.correlations = source.correlations(self.y)
        self._unit = float(self.correlations.abs().max() / self.penalties.median()) / self.scale
        times = float((self.correlations.abs() / self.penalties).max()) / FACTOR
        if times == 0:
            return
        while times > 1.5 and not self.progress.ended:
            self._stage(times, STAGE_GAP)
            times /= FACTOR
        if not self.progress.ended:
            self._stage(1.0, tolerance / 2)

    def _stage(self, times: float, tolerance: float) -> None:
        """Proximal steps for penalties so many times the final ones, until the relative duality gap is small enough."""
        penalties = times * self.penalties
        first, largest = (size * self._unit / times for size in THRESHOLDS)
        sigma, best, idle = first, math.inf, 0
        chosen = self._first_columns(penalties)
        while idle < PATIENCE and not self.progress.ended:
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
        if newtons == MOST:
            self._unit /= 4
            return 0.25
        return 0.7 if newtons >= MANY else 2.0

    def _first_columns(self, penalties: torch.Tensor) -> torch.Tensor:
        """The active columns and as many again, and more, of those nearest to being active."""
        scores = self.correlations.abs() / penalties
        wanted = 2 * int((self.c != 0).sum()) + len(self.y) // 4 + 200
        if self.source.everything or wanted >= len(scores):
            return torch.arange(len(scores), device=scores.device)
        likely = self.c != 0
        likely[scores.topk(wanted).indices] = True
        return likely.nonzero().squeeze(-1)

    def _with_broken(self, chosen: torch.Tensor, penalties: torch.Tensor) -> torch.Tensor:
        """The chosen columns and those left out that break |b_j^T u| <= penalty_j, the worst ones first."""
        excess = self.correlations.abs() / penalties
        excess[chosen] = 0.0
        worst = excess.topk(min(len(excess), 2 * len(self.y) + len(chosen)))
        return torch.cat([chosen, worst.indices[worst.values > 1]])

    def _proximal(self, chosen: torch.Tensor, penalties: torch.Tensor, times: float, sigma: float) -> Step:
        def told(c: torch.Tensor, data: float, penalty: float) -> bool:
            going = self.progress.told(data + penalty / times)
            self._keep(chosen, c)
            return going

        start, B = (self.c[chosen], self.u), self.source.restricted(chosen)
        step = proximal_step(B, self.y, penalties[chosen], start, sigma, told)
        self._keep(chosen, step.c)
        self.u = step.u
        return step

    def _keep(self, chosen: torch.Tensor, c: torch.Tensor) -> None:
        if not self.progress.diverged:
            self.c = torch.zeros_like(self.c).index_copy_(0, chosen, c)
