"""An interval for the error of a reconstruction, from measurements that it has not seen; nothing looks at the truth.

For A with independent N(0, 1/m) entries and rows v that took no part in making x, the entries of A_v (x - x*) are
independent N(0, ||x - x*||^2/m), whatever x and x* are: m ||A_v x - y_v||^2/||x - x*||^2 is chi-square with m_v degrees
of freedom. Noise of deviation sigma/sqrt(m) in y adds sigma^2 to ||x - x*||^2 there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import chi2

from untrained.sims.operators.base import Operator

_LAWS = ("gaussian", "gaussian-seeded")
"""Operators of independent N(0, 1/m) entries."""
LEVEL = 0.95


@dataclass(frozen=True)
class ErrorBar:
    """||x - x*||^2 lies in [low, high] with probability `level` over the rows that were not used, `rows` of them.

    Both ends are over the number of pixels, so that they are mean squared errors; `estimate` is unbiased.
    """

    low: float
    estimate: float
    high: float
    rows: int
    level: float = LEVEL

    def certificate(self) -> dict[str, float]:
        """The bar as a recovery's certificate holds it."""
        low, high = {"error_low": self.low}, {"error_high": self.high}
        return {**low, "error": self.estimate, **high, "error_rows": float(self.rows), "error_level": self.level}


def error_bar(residual: torch.Tensor, m: int, n: int, level: float = LEVEL, noise: float = 0.0) -> ErrorBar:
    """Bound the mean squared error over n pixels from A_v x - y_v, the residual on m_v of m rows that x has not seen.

    `level` is split evenly: each end fails with probability (1 - level)/2, exactly. `noise` is sigma of y, whose part
    is taken off the estimate, which may then be below zero, and the lower end alone: the upper one holds as well where
    sigma was estimated too large.

    Raises
    ------
    ValueError
        where there is no such row, or the level is not strictly between 0 and 1.
    """
    rows = residual.numel()
    if not rows:
        raise ValueError("residual must hold at least one measurement that was held out, got none")
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
    total = m * float(residual.double().square().sum()) / n
    low, high = chi2.ppf([(1 + level) / 2, (1 - level) / 2], rows)
    part = noise**2 / n
    return ErrorBar(max(0.0, total / float(low) - part), total / rows - part, total / float(high), rows, level)


def carried(bar: ErrorBar, witness: torch.Tensor, image: torch.Tensor) -> ErrorBar:
    """Carry the bar of a witness over to another image, at their distance: ||x - x*|| <= ||x - w|| + ||w - x*||."""
    distance = float((witness - image).double().square().mean()) ** 0.5
    root = np.sqrt([bar.low, bar.high])
    low, high = max(0.0, float(root[0]) - distance, distance - float(root[1])), float(root[1]) + distance
    return ErrorBar(low**2, bar.estimate, high**2, bar.rows, bar.level)


def has_bar(operator: Operator) -> bool:
    """Whether the law of an operator is the one that bars are derived for."""
    return operator.name in _LAWS
