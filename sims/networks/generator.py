"""A generator of images: how it is built and how its input is drawn, and the checks that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

Shape = tuple[int, int, int]
UPSAMPLINGS = ("nearest", "bilinear")


@dataclass(frozen=True)
class Architecture:
    """A generator G(z; w) of images of one shape: how to build it and how its input z is drawn.

    `build()` returns a module from (1, *latent_shape) to (1, C, H, W); `latent_law` is "normal" or "uniform".
    """

    name: str
    shape: Shape
    build: Callable[[], nn.Module]
    latent_shape: tuple[int, ...]
    latent_law: str = "normal"
    latent_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.latent_law not in ("normal", "uniform"):
            raise ValueError(f"latent_law must be normal or uniform, got {self.latent_law!r}")

    def latent(self, rng: np.random.Generator) -> torch.Tensor:
        """Draw one input z, of shape latent_shape."""
        draw = rng.random if self.latent_law == "uniform" else rng.standard_normal
        return torch.from_numpy((self.latent_scale * draw(self.latent_shape)).astype(np.float32))

    def weights(self) -> int:
        """Number of weights w."""
        with torch.device("meta"):
            return sum(p.numel() for p in self.build().parameters())


class Crop(nn.Module):
    """The centre of an image."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Crop (..., h, w) to (..., height, width)."""
        top, left = (x.shape[-2] - self.height) // 2, (x.shape[-1] - self.width) // 2
        return x[..., top : top + self.height, left : left + self.width]


def size_text(shape: Shape) -> str:
    """Height x width, for people."""
    return "x".join(str(side) for side in shape[1:])


def check(shape: Shape, smallest: int, **counts: int | None) -> None:
    """Refuse shapes that are too small, and counts (none: the default is taken) that are no whole number above 0."""
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"shape must be (1 or 3, height, width), got {shape}")
    if min(shape[1:]) < smallest:
        raise ValueError(f"image must be at least {smallest}x{smallest} for this network, got {size_text(shape)}")
    for name, count in counts.items():
        if count is not None and (not isinstance(count, int) or count < 1):
            raise ValueError(f"{name} must be a whole number of at least 1, got {count!r}")


def check_upsampling(upsampling: str) -> None:
    """Refuse ways of upsampling that are unknown."""
    if upsampling not in UPSAMPLINGS:
        raise ValueError(f"upsampling must be one of {', '.join(UPSAMPLINGS)}, got {upsampling!r}")


def check_slope(slope: float) -> None:
    """Refuse slopes below 0 of a rectifier that are no number in [0, 1)."""
    if not isinstance(slope, int | float) or not 0 <= slope < 1:
        raise ValueError(f"slope must be a number of at least 0 and below 1, got {slope!r}")
