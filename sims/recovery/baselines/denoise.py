"""Denoisers behind one interface: images of pixels on [-1, 1], the noise's standard deviation in the same units."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable

import numpy as np
import torch
from skimage.restoration import denoise_nl_means

from untrained.sims.recovery.baselines.block_matching import denoise_block_matching
from untrained.sims.recovery.total_variation import total_variation_proximal

Denoiser = Callable[[torch.Tensor, float], torch.Tensor]
"""From images (..., C, H, W) and sigma to images of the same shape."""

TV_WEIGHT, TV_STEPS = 0.8, 60
"""Total variation: its weight in units of sigma times the root of the number of channels, and the dual steps taken."""
NLM_DECAY, NLM_PATCH, NLM_REACH = 0.6, 5, 6
"""Non-local means: decay of the weights in units of sigma, side of a patch, how far away patches are looked for."""
WAVELET_LEVELS = 5
"""Most levels of the wavelet transform; small images have fewer."""


def denoise_tv(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by total variation of weight TV_WEIGHT sigma sqrt(C), as the noise of C channels adds up in one gradient.

    images: (..., C, H, W). sigma: the noise's standard deviation in pixel units.
    """
    return total_variation_proximal(images, TV_WEIGHT * sigma * math.sqrt(images.shape[-3]), TV_STEPS)


def denoise_wavelet(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by soft thresholds of the Haar wavelet, averaged over all shifts, channel by channel.

    images: (..., C, H, W), taken as periodic. A band's threshold is the noise's variance over the signal's deviation.
    Source: Coifman and Donoho 1995, translation-invariant denoising; Chang, Yu and Vetterli 2000, adaptive thresholding
    """
    levels = max(0, min(WAVELET_LEVELS, int(math.log2(min(images.shape[-2:]))) - 2))
    return cycle_spun(images, levels, lambda band, scale: _bayes_shrink(band, sigma * scale))


def cycle_spun(images: torch.Tensor, levels: int, shrink: Denoiser) -> torch.Tensor:
    """Average, over all shifts, of the orthonormal Haar transform with its details shrunk.

    images: (..., C, H, W), taken as periodic. `shrink(band, scale)` is given the details and the deviation that white
    noise of deviation 1 has in them: without decimation the transform is a tight frame, and that is 2^-level.
    """
    return _spin(images, 1, 2**levels, shrink)


def _spin(x: torch.Tensor, gap: int, end: int, shrink: Denoiser) -> torch.Tensor:
    if gap == end:
        return x
    out = torch.zeros_like(x)
    for down in (1, -1):
        for right in (1, -1):
            band = _pair(_pair(x, gap, -2, down), gap, -1, right)
            part = _spin(band, 2 * gap, end, shrink) if down == right == 1 else shrink(band, 0.5 / gap)
            out += _pair(_pair(part, -gap, -2, down), -gap, -1, right)
    return out


def _pair(x: torch.Tensor, gap: int, axis: int, sign: int) -> torch.Tensor:
    """Half the sum (sign 1) or difference (-1) of each pixel and the one `gap` further on."""
    return (x + sign * x.roll(-gap, axis)) / 2.0


def _bayes_shrink(band: torch.Tensor, sigma: float) -> torch.Tensor:
    signal = (band.square().mean((-2, -1), keepdim=True) - sigma**2).clamp_min(0.0).sqrt()
    threshold = torch.where(signal > 0.0, sigma**2 / signal, torch.inf)
    return band - band.clamp(-threshold, threshold)


def denoise_nlm(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by non-local means: each pixel the average of those whose surroundings look alike.

    images: (..., C, H, W).
    Source: Buades, Coll and Morel 2005, a non-local algorithm for image denoising, as scikit-image has it (fast mode)
    """

    def one(image: np.ndarray) -> np.ndarray:
        size = {"patch_size": NLM_PATCH, "patch_distance": NLM_REACH}
        return denoise_nl_means(image, h=NLM_DECAY * sigma, sigma=sigma, fast_mode=True, channel_axis=-1, **size)

    return _each(images, one) if sigma > 0.0 else images


def denoise_bm3d(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by block matching and 3-D filtering, with the package `bm3d` that a user installed.

    images: (..., C, H, W).
    Source: Dabov, Foi, Katkovnik and Egiazarian 2007, image denoising by sparse 3-D collaborative filtering

    Raises
    ------
    ValueError
        where the package is not installed.
    """
    _refuse_missing_bm3d()
    bm3d = importlib.import_module("bm3d")

    def one(image: np.ndarray) -> np.ndarray:
        run = bm3d.bm3d_rgb if image.shape[-1] == 3 else bm3d.bm3d
        return 2.0 * np.asarray(run((image + 1.0) / 2.0, sigma / 2.0)) - 1.0

    return _each(images, one) if sigma > 0.0 else images


def _refuse_missing_bm3d() -> None:
    if importlib.util.find_spec("bm3d") is None:
        raise ValueError(
            "denoiser bm3d must be installed first: `pip install bm3d`, whose licence is for non-commercial use only"
        )


def _each(images: torch.Tensor, denoise: Callable[[np.ndarray], np.ndarray]) -> torch.Tensor:
    """Denoise one array (H, W, C) after the other."""
    flat = images.detach().reshape(-1, *images.shape[-3:]).permute(0, 2, 3, 1).cpu().numpy()
    out = np.stack([denoise(image).reshape(image.shape) for image in flat])
    return torch.from_numpy(out).permute(0, 3, 1, 2).reshape(images.shape).to(images)


DENOISERS: dict[str, Denoiser] = {
    "tv": denoise_tv,
    "nlm": denoise_nlm,
    "wavelet": denoise_wavelet,
    "block-matching": denoise_block_matching,
    "bm3d": denoise_bm3d,
}


def denoiser(name: str) -> Denoiser:
    """Return a denoiser by name.

    Raises
    ------
    ValueError
        where there is none of that name, or it needs a package that is not installed.
    """
    if name not in DENOISERS:
        raise ValueError(f"denoiser must be one of {', '.join(DENOISERS)}, got {name!r}")
    if name == "bm3d":
        _refuse_missing_bm3d()
    return DENOISERS[name]
