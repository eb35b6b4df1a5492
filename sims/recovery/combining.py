"""Several fits of one image taken together: the more plausible count for more, where y tells which those are."""

from __future__ import annotations

import sys

import torch

from untrained.sims.operators import Operator
from untrained.sims.recovery.total_variation import jump_penalty

EDGE_SCALE, EDGE_WEIGHT = 0.1, 0.2
"""The jump, of pixels on [-1, 1], above which an edge costs little more for being steep, and what edges weigh."""
TEMPERATURE, AGREEMENT = 0.02, 0.1
"""Temperature of the weights in units of the least loss, where fits agree, and the disagreement at which it doubles."""


def plausible_mean(operator: Operator, y: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """The mean of images (R, C, H, W) that were fitted to y, weighed by `plausible_weights`."""
    misfits = (operator.forward(images.to(y.device)) - y).square().sum(-1) / (operator.gain or 1.0)
    weights = plausible_weights(images, misfits.to(images.device))
    return (weights[:, None, None, None] * images).sum(0)


def plausible_weights(images: torch.Tensor, misfits: torch.Tensor) -> torch.Tensor:
    """Weights (R,) of sum 1 of images (R, C, H, W) that explain y up to misfits (R,), ||A x - y||^2/gain.

    w_r is proportional to exp(-(L_r - min L)/(T min L)), where L is the misfit and EDGE_WEIGHT times the sum of
    EDGE_SCALE log(1 + |d|/EDGE_SCALE) over differences d of neighbours, and T = TEMPERATURE (1 + (D/AGREEMENT)^4) with
    the `disagreement` D. Of images that explain y alike the one of fewer edges is the likelier where y all but tells
    the image. Where it tells so little that fits disagree altogether, most have fewer edges than the truth, and their
    mean is nearer to it.
    """
    losses = misfits + EDGE_WEIGHT * jump_penalty(images, EDGE_SCALE)
    temperature = TEMPERATURE * (1 + (disagreement(images) / AGREEMENT) ** 4)
    least = losses.min().clamp_min(torch.finfo(losses.dtype).tiny)
    return torch.softmax(-(losses - losses.min()) / (temperature * least), 0)


def disagreement(images: torch.Tensor) -> float:
    """The variance of images (R, C, H, W) about their mean, over that mean's about its level; 0 of images alike."""
    mean = images.mean(0)
    spread = float((images - mean).square().sum()) / max(1, len(images) - 1)
    signal = float((mean - mean.mean((-2, -1), keepdim=True)).square().sum())
    return spread / max(signal, sys.float_info.min)
