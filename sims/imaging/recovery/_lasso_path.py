"""The Lasso over many columns: lambda is lowered step by step, and only columns that may be active are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from sims.imaging.recovery._lasso_columns import Source
from sims.imaging.recovery._lasso_newton import (
    Pair,
    Values,
    dual_value,
    feasible_scale,
    proximal_newton,
    soft,
)
from sims.imaging.recovery.result import Watch

FACTOR = 5.0
"""By what lambda falls from one stage to the next."""


@dataclass
class Progress:
    """Counts Newton steps, tells of them, and ends the search where they are used up."""

    total: int
    watch: Watch | None
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def told(self, loss: float) -> bool:
        """Count a step; whether there are more."""
        self.steps += 1
        if self.watch is not None:
            self.watch(self.steps, self.total, loss)
        return self.steps < self.total
