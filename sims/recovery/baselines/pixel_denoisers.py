"""The image that was measured, as it is or by block matching, ours or of a package: baselines for denoising."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.block_matching import denoise_block_matching
from untrained.sims.recovery.baselines.denoise import Denoiser, denoise_bm3d
from untrained.sims.recovery.baselines.non_local_means import denoised
from untrained.sims.recovery.result import Recovery

_DENOISERS: dict[str, tuple[str, Denoiser]] = {
    "none": ("noisy", lambda noisy, _: noisy),
    "block-matching": ("block-matching", denoise_block_matching),
    "bm3d": ("bm3d", denoise_bm3d),
}
"""The method's name and what it does."""


@dataclass(frozen=True)
class PixelDenoiserSettings:
    """`noise` is sigma as measured: each of the m pixels has standard deviation sigma/sqrt(m); 0 has it estimated."""

    denoiser: Literal["none", "block-matching", "bm3d"] = "none"
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.denoiser not in _DENOISERS:
            raise ValueError(f"denoiser must be one of {', '.join(_DENOISERS)}, got {self.denoiser!r}")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise must be at least 0, got {self.noise}")


@torch.no_grad()
def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: PixelDenoiserSettings = PixelDenoiserSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Return the pixels of y (m,) as they are, or denoised; nothing in it is random.

    Raises
    ------
    ValueError
        where y does not fit the operator, the operator does not see every pixel, or the package is not installed.

    Source: Dabov, Foi, Katkovnik and Egiazarian 2007 (BM3D), written here (block-matching) or by the package `bm3d`.
    """
    name, denoise = _DENOISERS[settings.denoiser]
    return denoised(name, denoise, operator, y, asdict(settings))
