"""Denoising as a measurement: every pixel is seen once, with noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf, sqrt
from numbers import Real
from typing import Any, Protocol

import numpy as np
import torch

from untrained.sims.operators import Operator, make_operator
from untrained.sims.operators.base import Shape
from untrained.sims.operators.masks import Inpainting
from untrained.sims.operators.measurements import Measurement, measure
from untrained.sims.random.streams import stream
from untrained.sims.recovery.methods import BY_NOISE

TOP_CODE = 255
"""The top code of 8 bits, which sigma is in units of."""
NOISE_LAWS = ("normal", "uniform")


@dataclass(frozen=True)
class PixelNoise:
    """Noise of standard deviation `sigma` (pixels on 0 to 255) that is added, or is there where the image is `noisy`.

    `clip` cuts what is added to the scale of pixels, as files of 8 bits do. Of a noisy image sigma may be unknown.
    The `law` of a pixel's noise is "normal", or "uniform" about 0; with `same` all channels have one and the same.
    """

    sigma: float | None = None
    noisy: bool = False
    clip: bool = False
    seed: int = 0
    same: bool = False
    law: str = "normal"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must be a non-negative integer, got {self.seed}")
        if self.sigma is None and not self.noisy:
            raise ValueError("sigma must be given to add noise (on the scale 0 to 255), got none: noisy adds none")
        if self.law not in NOISE_LAWS:
            raise ValueError(f"law must be one of {', '.join(NOISE_LAWS)}, got {self.law!r}")
        if self.sigma is not None and not (isinstance(self.sigma, Real) and 0 < self.sigma < inf):
            raise ValueError(f"sigma must be a finite number above 0, got {self.sigma!r}")

    def measurement(self, image: torch.Tensor, device: torch.device | str = "cpu") -> Measurement:
        """Return an image (C, H, W) on [-1, 1] as a measurement of every pixel, noise added where it has none yet.

        Raises
        ------
        ValueError
            where the image is not as `measure` has it.
        """
        channels, height, width = image.shape
        operator = every_pixel((channels, height, width), device)
        noise = 2 * (self.sigma or 0.0) / TOP_CODE * sqrt(operator.m)
        y = measure(image.to(device), operator).y
        if not self.noisy:
            eta = noise * operator.m**-0.5 * self._draw(channels, height * width)
            y = y + torch.from_numpy(eta.astype(np.float32)).to(y.device)
        return Measurement(operator, y.clamp(-1, 1) if self.clip else y, noise)

    def about(self) -> dict[str, Any]:
        """What a report says of it."""
        return {"denoising": asdict(self)}

    def _draw(self, channels: int, pixels: int) -> np.ndarray:
        """Noise of standard deviation 1 in the order of the measurements."""
        rng, count = stream(self.seed, "noise"), pixels if self.same else channels * pixels
        unit = sqrt(3) * (2 * rng.random(count) - 1) if self.law == "uniform" else rng.standard_normal(count)
        return np.tile(unit, channels) if self.same else unit


def every_pixel(shape: Shape, device: torch.device | str = "cpu") -> Operator:
    """Return the operator that sees each pixel of (C, H, W) once, channel by channel: the identity."""
    return make_operator("inpainting", shape, shape[1] * shape[2], device=device)


def sees_every_pixel(operator: Operator) -> bool:
    """Whether an operator is that of `every_pixel`."""
    return operator.name == "inpainting" and operator.m == operator.n


class _Stopped(Protocol):
    @property
    def stopping(self) -> str: ...

    @property
    def noise(self) -> float: ...


def stopping_level(settings: _Stopped, operators: Sequence[Operator], ys: torch.Tensor) -> float:
    """The sigma that the settings' rule goes by, for measurements ys (I, m).

    For the cautious rule pixels that were cut to [-1, 1] and lie on an end do not count: a fit of what is there has no
    residual left. The least share of an image counts; none is left out where an operator sees no pixels, or where one
    lies beyond the scale, so that none was cut.
    """
    if settings.stopping != BY_NOISE or not all(isinstance(operator, Inpainting) for operator in operators):
        return settings.noise
    share = float((ys.abs() < 1).double().mean(1).min()) if bool((ys.abs() <= 1).all()) else 1.0
    return settings.noise * sqrt(share or 1.0)
