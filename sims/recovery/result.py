"""What every recovery method returns, and what it is given to recover from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from untrained.sims.operators import Operator


def check_measurements(operator: Operator, y: torch.Tensor, *, finite: bool = False, linear: bool = True) -> None:
    """Refuse an operator that is not linear, where it must be, and measurements that are not one number a row of it.

    Where asked, they must be finite, and the operator's units such that squares of them are.

    Raises
    ------
    ValueError
        where they are not.
    """
    if linear and not operator.linear:
        raise ValueError(f"operator must be linear for this method, got {operator.name}: see net-pgd-phase")
    if tuple(y.shape) != (operator.m,):
        raise ValueError(f"y must have the operator's {operator.m} entries, got shape {tuple(y.shape)}")
    if finite and not torch.isfinite(y).all():
        raise ValueError("y must be finite, got a NaN or an infinity")
    if finite:
        check_gain(operator)


LEAST_GAIN, MOST_GAIN = 1e-34, 1e34
"""Where ||A x||^2 is as well a number in float32, with some digits below and above it."""


def check_gain(operator: Operator) -> None:
    """Refuse an operator, other than that of zeros, in units whose squares float32 cannot hold.

    Raises
    ------
    ValueError
        where its gain is too small or too large.
    """
    if operator.gain and not LEAST_GAIN <= operator.gain <= MOST_GAIN:
        wanted = (
            f"a gain ||A||_F^2/n from {LEAST_GAIN:g} to {MOST_GAIN:g} for this method, which takes squares in float32"
        )
        raise ValueError(f"operator must have {wanted}, got {operator.gain:.3g}: multiply A and y by one number")


@dataclass(frozen=True)
class Recovery:
    """A recovered image with all that is needed to check it.

    `image` is (C, H, W) float32 on the CPU; `misfit` is ||y - A image||^2 of that very image; `outcome` is one of
    "converged", "steps ended", "stopped early", "diverged at step t" and "interrupted"; `certificate` holds what proves
    the quality of the solution (a duality gap), where there is such a thing; `scores` compare it with the truth, where
    that was given; `others` are images beside it, by name, which are scored where there is a truth; `warning` is a
    sentence where something seems wrong with y.
    """

    image: torch.Tensor
    method: str
    settings: Mapping[str, Any]
    outcome: str
    misfit: float
    steps: int
    seconds: float
    certificate: Mapping[str, float] = field(default_factory=dict)
    trace: Mapping[str, list[float]] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    others: Mapping[str, torch.Tensor] = field(default_factory=dict)
    warning: str = ""

    def __str__(self) -> str:
        size = "x".join(map(str, self.image.shape))
        scores = "".join(f", {name} {self.scores[name]:.4g}" for name in ("mse", "psnr", "ssim") if name in self.scores)
        if "error_high" in self.certificate:
            low, high = (self.certificate[end] for end in ("error_low", "error_high"))
            scores += f", MSE within [{low:.2g}, {high:.2g}] at {self.certificate['error_level']:.0%}"
        ending = f"{self.outcome}, {self.steps} steps in {self.seconds:.3g} s"
        warning = f" (warning: {self.warning})" if self.warning else ""
        return f"{self.method} {size}: {ending}; misfit {self.misfit:.4g}{scores}{warning}"
