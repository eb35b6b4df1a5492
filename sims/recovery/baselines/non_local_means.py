"""Non-local means: each pixel the average of those whose surroundings look alike; a baseline for denoising."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from skimage.restoration import estimate_sigma

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.denoise import Denoiser, denoise_nlm
from untrained.sims.recovery.denoising import sees_every_pixel
from untrained.sims.recovery.result import Recovery, check_measurements


@dataclass(frozen=True)
class NonLocalMeansSettings:
    """`noise` is sigma as measured: each of the m pixels has standard deviation sigma/sqrt(m); 0 has it estimated."""

    noise: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise must be at least 0, got {self.noise}")


def estimated_sigma(image: torch.Tensor) -> float:
    """The standard deviation of a pixel's noise in (C, H, W), by the finest wavelets' median, mean over channels.

    Source: Donoho and Johnstone 1994, as scikit-image has it.
    """
    return float(estimate_sigma(image.numpy(), channel_axis=0, average_sigmas=True))


@torch.no_grad()
def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: NonLocalMeansSettings = NonLocalMeansSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Denoise the image that y (m,) holds, every pixel of it; nothing in it is random.

    `certificate` holds the standard deviation of a pixel that was used.

    Raises
    ------
    ValueError
        where y does not fit the operator, or the operator does not see every pixel.

    Source: Buades, Coll and Morel 2005, as scikit-image has it.
    """
    return denoised("non-local-means", denoise_nlm, operator, y, asdict(settings))


def denoised(
    name: str, denoise: Denoiser, operator: Operator, y: torch.Tensor, settings: Mapping[str, Any]
) -> Recovery:
    """Return what a denoiser makes of the pixels in y (m,), told the `noise` of the settings, or one estimated.

    Raises
    ------
    ValueError
        where y does not fit the operator, or the operator does not see every pixel.
    """
    check_measurements(operator, y, finite=True)
    if not sees_every_pixel(operator):
        raise ValueError(f"operator must see every pixel for {name} (--task denoise), got {operator.name}")
    begun = time.perf_counter()
    noisy = operator.adjoint(y).cpu()
    sigma = settings["noise"] * operator.m**-0.5 or estimated_sigma(noisy)
    image = denoise(noisy, sigma).float()
    return Recovery(
        image=image,
        method=name,
        settings=settings,
        outcome="converged",
        misfit=float((image - noisy).square().sum()),
        steps=1,
        seconds=time.perf_counter() - begun,
        certificate={"pixel_sigma": sigma},
    )
