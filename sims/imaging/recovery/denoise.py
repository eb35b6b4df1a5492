"""Denoisers behind one interface: images of pixels on [-1, 1], the noise's standard deviation in the same units."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from skimage.restoration import denoise_nl_means

Denoiser = Callable[[torch.Tensor, float], torch.Tensor]
"""From images (..., C, H, W) and sigma to images of the same shape."""

TV_WEIGHT, TV_STEPS = 0.8, 60
"""Total variation: its weight in units of sigma, and the dual steps taken."""
NLM_DECAY, NLM_PATCH, NLM_REACH = 0.8, 5, 6
"""Non-local means: decay of the weights in units of sigma, side of a patch, how far patches are looked for."""
WAVELET_LEVELS = 4
LOW = tuple((a + b * math.sqrt(3.0)) / 8.0 for a, b in ((1, 1), (3, 1), (3, -1), (1, -1)))
HIGH = (LOW[3], -LOW[2], LOW[1], -LOW[0])
"""Daubechies' filters of four taps, of norm 1/sqrt(2)."""


def denoise_tv(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by total variation of weight TV_WEIGHT sigma.

    images: (..., C, H, W). sigma: the noise's standard deviation in pixel units.
    """
    return total_variation(images, TV_WEIGHT * sigma, TV_STEPS)


def total_variation(images: torch.Tensor, weight: float, steps: int) -> torch.Tensor:
    """Minimise ||u - x||^2/2 + weight TV(u), TV the sum over pixels of the gradient's norm over channels and directions.

    images: (..., C, H, W). steps: of the accelerated projected gradient on the dual.
    Source: Beck and Teboulle 2009, fast gradient-based algorithms for constrained total variation denoising
    """
    if weight <= 0.0:
        return images
    x, p, t = images / weight, torch.zeros((2, *images.shape), dtype=images.dtype, device=images.device), 1.0
    q = p
    for _ in range(steps):
        q = q + _gradient(x - _gradient_adjoint(q)) / 8.0
        p, old = q / q.square().sum((0, -3), keepdim=True).sqrt().clamp_min(1.0), p
        t, t_old = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0, t
        q = p + (t_old - 1.0) / t * (p - old)
    return images - weight * _gradient_adjoint(p)


def _gradient(u: torch.Tensor) -> torch.Tensor:
    g = torch.zeros((2, *u.shape), dtype=u.dtype, device=u.device)
    g[0, ..., :-1, :] = u[..., 1:, :] - u[..., :-1, :]
    g[1, ..., :-1] = u[..., 1:] - u[..., :-1]
    return g


def _gradient_adjoint(g: torch.Tensor) -> torch.Tensor:
    down, right = g[0], g[1]
    u = torch.zeros_like(down)
    u[..., 1:, :] += down[..., :-1, :]
    u[..., :-1, :] -= down[..., :-1, :]
    u[..., 1:] += right[..., :-1]
    u[..., :-1] -= right[..., :-1]
    return u


def denoise_wavelet(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by soft thresholds of Daubechies' four-tap wavelet, averaged over all shifts, channel by channel.

    images: (..., C, H, W), taken as periodic. Each band has BayesShrink's threshold: noise variance over signal deviation.
    Source: Coifman and Donoho 1995, translation-invariant denoising; Chang, Yu and Vetterli 2000, adaptive thresholding
    """
    levels = max(0, min(WAVELET_LEVELS, int(math.log2(min(images.shape[-2:]) / 4.0))))
    return cycle_spun(images, levels, lambda band, scale: _bayes_shrink(band, sigma * scale))


def cycle_spun(images: torch.Tensor, levels: int, shrink: Denoiser) -> torch.Tensor:
    """Average, over all shifts, of an orthonormal wavelet transform with its details shrunk.

    images: (..., C, H, W), taken as periodic. `shrink(band, scale)` is given the details and what white noise of
    deviation 1 has in that band: without decimation the transform is a tight frame whose bands are scaled by 2^-level.
    """
    if levels == 0:
        return images
    return _spin(images, 1, levels, shrink)


def _spin(x: torch.Tensor, gap: int, levels: int, shrink: Denoiser) -> torch.Tensor:
    if gap == 2**levels:
        return x
    out = torch.zeros_like(x)
    for rows in (LOW, HIGH):
        for columns in (LOW, HIGH):
            band = _filter(_filter(x, rows, gap, -2), columns, gap, -1)
            kept = _spin(band, 2 * gap, levels, shrink) if rows is columns is LOW else shrink(band, 0.5 / gap)
            out += _filter(_filter(kept, rows, -gap, -2), columns, -gap, -1)
    return out


def _filter(x: torch.Tensor, taps: tuple[float, ...], gap: int, axis: int) -> torch.Tensor:
    y = taps[0] * x
    for k, tap in enumerate(taps[1:], 1):
        y = y + tap * x.roll(-k * gap, axis)
    return y


def _bayes_shrink(band: torch.Tensor, sigma: float) -> torch.Tensor:
    signal = (band.square().mean((-2, -1), keepdim=True) - sigma**2).clamp_min(0.0).sqrt()
    threshold = torch.where(signal > 0.0, sigma**2 / signal, torch.inf)
    return band - band.clamp(-threshold, threshold)


def denoise_nlm(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Denoise by non-local means: each pixel an average of those whose surroundings look alike.

    images: (..., C, H, W).
    Source: Buades, Coll and Morel 2005, as scikit-image has it (fast mode)
    """
    return _each(images, lambda image: _nlm(image, sigma))


def _nlm(image: np.ndarray, sigma: float) -> np.ndarray:
    options: dict[str, Any] = {"patch_size": NLM_PATCH, "patch_distance": NLM_REACH, "fast_mode": True}
    return denoise_nl_means(image, h=NLM_DECAY * sigma, sigma=sigma, channel_axis=-1, **options)


def _each(images: torch.Tensor, denoise: Callable[[np.ndarray], np.ndarray]) -> torch.Tensor:
    """Denoise one (H, W, C) array after the other."""
    flat = images.detach().reshape(-1, *images.shape[-3:]).permute(0, 2, 3, 1).cpu().numpy()
    out = torch.from_numpy(np.stack([denoise(image).reshape(image.shape) for image in flat]))
    return out.permute(0, 3, 1, 2).reshape(images.shape).to(images)
