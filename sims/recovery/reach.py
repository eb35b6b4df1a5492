"""Whether images on [-1, 1] can have the measurements at all: those of pixels on 0 to 255, say, they cannot."""

from __future__ import annotations

import torch

from untrained.sims.operators import Operator
from untrained.sims.operators.measurements import MANY_OFF, off_scale

SCALE_END = 0.99
"""Pixels from here on are at an end of the scale."""
MOST_NOISE = 3
"""By how many times its deviation noise may be taken to move a number."""
ADVICE = "of pixels on LOW to HIGH, (y - A1 (HIGH + LOW)/2)/((HIGH - LOW)/2) is on this scale"


@torch.no_grad()
def reach_warning(operator: Operator, y: torch.Tensor, image: torch.Tensor, misfit: float, noise: float = 0.0) -> str:
    """Return a sentence where y seems to be of pixels on another scale than [-1, 1], else no text.

    It is certain where ||y|| > ||A|| n^(1/2), which bounds ||A x|| of all images on the scale; ||A|| is looked at only
    where the recovered image is off the scale, or at its ends with a misfit ||y - A x|| above half of ||y||. What a
    `noise` of E ||eta||^2 = noise^2 may do says nothing of the scale.
    """
    length, size = float(y.double().norm()), image.double().abs()
    of_a_pixel = MOST_NOISE * noise / (operator.m * operator.gain) ** 0.5 if operator.gain else 0.0
    ends, off = float((size >= SCALE_END).double().mean()), off_scale(image, of_a_pixel)
    relative = misfit**0.5 / length if length > 0 else 0.0
    if not operator.linear or not (off > MANY_OFF or (relative > 0.5 and ends > 0.1)):
        return ""
    longest = (operator.squared_norm() * operator.n) ** 0.5
    if length > longest + MOST_NOISE * noise:
        return f"no image on [-1, 1] has this y, which is {length / longest:.3g} times as long as the longest: {ADVICE}"
    if off > MANY_OFF:
        return f"y may be of pixels on another scale than [-1, 1], which {off:.0%} of the image's are off: {ADVICE}"
    return ""
