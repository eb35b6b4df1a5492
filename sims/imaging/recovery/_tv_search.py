"""Total variation by an augmented Lagrangian: w stands for D x and z for x in the box.

Source: Li, Yin, Zhang, TVAL3 (2009), for the model and the splitting
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from sims.imaging.recovery._tv_gradient import gradient, gradient_adjoint
from sims.imaging.recovery._tv_model import Model, Multipliers
from sims.imaging.recovery._tv_updates import OVER, make_update
from sims.imaging.recovery.result import Watch

BOX = 0.1
"""Weight of z = x beside that of w = D x."""
CHECKED = 10
"""Iterations from one look at the gap to the next."""
JUMP = 0.1
"""The difference of neighbours, in pixel values, that the first threshold removes."""


@dataclass
class Progress:
    """What was seen along the way: values and relative gaps, the best image and the best bound with its multipliers."""

    total: int
    watch: Watch | None = None
    steps: int = 0
    values: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    image: torch.Tensor | None = None
    multipliers: Multipliers | None = None
    bound: float = -math.inf

    @property
    def diverged(self) -> bool:
        """Whether the last value was not finite."""
        return bool(self.values) and not math.isfinite(self.values[-1])

    def saw(self, value: float, image: torch.Tensor, bound: float, multipliers: Multipliers) -> None:
        """Take down a look."""
        if not self.values or value < min(self.values):
            self.image = image
        if bound > self.bound:
            self.bound, self.multipliers = bound, multipliers
        self.values.append(value)
        least = min(self.values)
        self.gaps.append((least - self.bound) / least if least > 0 else 0.0)
        if self.watch is not None:
            self.watch(self.steps, self.total, value)


class Search:
    """The iterates: x, w and z with their scaled multipliers b and c, and the weight rho."""

    def __init__(self, model: Model, progress: Progress) -> None:
        self.model, self.progress = model, progress
        self.rho = model.penalty / JUMP
        self.update = make_update(model.operator, model.y, BOX if model.box else 0.0)
        self.z = model.y.new_zeros(model.operator.shape)
        self.c, self.w = torch.zeros_like(self.z), gradient(self.z)
        self.b = torch.zeros_like(self.w)

    def run(self, tolerance: float) -> None:
        """Iterate until the relative gap is at most `tolerance`, the steps are used up or a value is not finite."""
        while self.progress.steps < self.progress.total:
            self.progress.steps += 1
            x, q, primal, dual = self._step()
            if self.progress.steps % CHECKED == 0 or self.progress.steps == self.progress.total:
                self._look(x, q)
                if self.progress.diverged or self.progress.gaps[-1] <= tolerance:
                    return
                self._balance(primal, dual)

    def _step(self) -> tuple[torch.Tensor, torch.Tensor, float, float]:
        """One iteration: x, the multiplier of A x, and the relative sizes of both residuals of D x = w."""
        weight = BOX if self.model.box else 0.0
        x, q = self.update(gradient_adjoint(self.w - self.b) + weight * (self.z - self.c), self.rho)
        Dx, last = gradient(x), self.w
        h = OVER * Dx + (1 - OVER) * last + self.b
        self.w = self.model.norm.shrink(h, self.model.penalty / self.rho)
        self.b = h - self.w
        if self.model.box:
            h = OVER * x + (1 - OVER) * self.z + self.c
            self.z = h.clamp(-1, 1)
            self.c = h - self.z
        primal = _ratio(Dx - self.w, self.w)
        return x, q, primal, _ratio(gradient_adjoint(self.w - last), gradient_adjoint(self.b))

    def _look(self, x: torch.Tensor, q: torch.Tensor) -> None:
        image = x.clamp(-1, 1) if self.model.box else x
        multipliers = Multipliers(q, self.rho * self.b, self.rho * BOX * self.c)
        self.progress.saw(self.model.value(image), image, self.model.bound(multipliers), multipliers)

    def _balance(self, primal: float, dual: float) -> None:
        """Change rho so that both residuals shrink alike; rho b, the multiplier itself, stays."""
        factor = min(5.0, max(0.2, math.sqrt(primal / dual))) if primal > 0 and dual > 0 else 1.0
        if 2 / 3 < factor < 1.5:
            return
        self.rho *= factor
        self.b, self.c = self.b / factor, self.c / factor
        self.update.rescale(factor)


def _ratio(a: torch.Tensor, b: torch.Tensor) -> float:
    size = float(b.norm())
    return float(a.norm()) / size if size > 0 else 0.0
