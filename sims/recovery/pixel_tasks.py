"""Photographs as measurements: pixels of which some are known, and pixels that are means of smaller ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np
import torch

from untrained.sims.images.images import source_codes
from untrained.sims.images.resizing import PIXEL_LIMIT, Size, centre_crop, resize
from untrained.sims.operators import make_operator
from untrained.sims.operators.base import bounded_integer
from untrained.sims.operators.masks import read_mask
from untrained.sims.operators.measurements import Measurement, check_deviation, check_pixels, image_tensor, measure
from untrained.sims.operators.own_files import mask_in_file
from untrained.sims.recovery.denoising import TOP_CODE
from untrained.sims.recovery.result import Recovery


@dataclass(frozen=True)
class KnownPixels:
    """An image of which the pixels `known` (H, W) are looked at, the same in every channel, and no others.

    Their noise has standard deviation `sigma` (pixels on 0 to 255); None has it estimated, and with 0 they are copied
    into what is recovered. `mask` is the file that says which are known, for the report.
    """

    known: np.ndarray = field(repr=False)
    sigma: float | None = None
    mask: str | None = None

    def __post_init__(self) -> None:
        if self.sigma is not None:
            check_deviation("sigma", self.sigma)

    @property
    def files(self) -> tuple[str, ...]:
        """The file that says which pixels are known, where there is one."""
        return () if self.mask is None else (self.mask,)

    def measurement(self, image: torch.Tensor, device: torch.device | str = "cpu") -> Measurement:
        """Return the known pixels of an image (C, H, W) on [-1, 1] as a measurement.

        Raises
        ------
        ValueError
            where the mask is of another shape, or knows no pixel.
        """
        channels, height, width = image.shape
        operator = make_operator("inpainting", (channels, height, width), device=device, mask=self.known)
        return _with_sigma(measure(image.to(device), operator), self.sigma)

    def about(self) -> dict[str, Any]:
        """What a report says of it."""
        return {"inpainting": {"mask": self.mask, "known": int(self.known.sum()), "sigma": self.sigma}}


def with_known_copied(recovery: Recovery, measurement: Measurement, sensing: object) -> Recovery:
    """The recovery with known pixels as they were measured, where these have no noise; scores are not taken again."""
    if not (isinstance(sensing, KnownPixels) and sensing.sigma == 0):
        return recovery
    operator, y = measurement.operator.to("cpu"), measurement.y.cpu()
    known = operator.adjoint(torch.ones_like(y)) > 0
    image = torch.where(known, operator.adjoint(y), recovery.image)
    return replace(recovery, image=image, misfit=float((operator.forward(image) - y).double().square().sum()))


@dataclass(frozen=True)
class BlockMeans:
    """An image whose pixels are the means of the blocks, `factor` pixels a side, of a larger one.

    Their noise has standard deviation `sigma` (pixels on 0 to 255); None is none.
    """

    factor: int = 2
    sigma: float | None = None

    def __post_init__(self) -> None:
        if self.sigma is not None:
            check_deviation("sigma", self.sigma)

    def measurement(self, image: torch.Tensor, device: torch.device | str = "cpu") -> Measurement:
        """Return an image (C, H, W) on [-1, 1] as a measurement of one of factor times its sides.

        Raises
        ------
        ValueError
            where the factor is no whole number of at least 2, or makes more than PIXEL_LIMIT pixels.
        """
        check_pixels("image", image)
        channels, height, width = image.shape
        factor = bounded_integer("factor", self.factor, 2)
        if factor**2 * height * width > PIXEL_LIMIT:
            sides = f"{factor * height} x {factor * width}"
            raise ValueError(f"factor must make an image of at most {PIXEL_LIMIT} pixels, got {factor} for {sides}")
        operator = make_operator("superres", (channels, factor * height, factor * width), device=device, factor=factor)
        return _with_sigma(Measurement(operator, image.to(device).flatten()), self.sigma or 0.0)

    def about(self) -> dict[str, Any]:
        """What a report says of it."""
        return {"upscaling": {"factor": self.factor, "sigma": self.sigma}}


def _with_sigma(measurement: Measurement, sigma: float | None) -> Measurement:
    level = 2 * (sigma or 0.0) / TOP_CODE * sqrt(measurement.operator.m)
    return Measurement(measurement.operator, measurement.y, level)


def inpainting_of(source: str, mask: str | None, sigma: float | None, size: Size | None = None) -> KnownPixels:
    """Return which pixels of an image file are known: those of a mask file, or the opaque ones of its alpha channel.

    Where `size` crops and resamples the image, a pixel is known where all that it is a mean of is known.

    Raises
    ------
    ValueError
        where image or mask cannot be read, the mask is of another shape, or there is none and the image has no alpha.
    """
    codes = source_codes(source)
    _, height, width = codes.pixels.shape
    known = codes.opaque if mask is None else read_mask(mask_in_file(mask), (1, height, width))
    if known is None:
        raise ValueError(
            f"mask must be given for an image without alpha, which says what is known, got none for {source}"
        )
    if size is not None:
        known = resize(centre_crop(known, size).astype(np.float64), size) > 1 - 1e-9
    return KnownPixels(known, sigma, mask)


def one_image(image: Any) -> torch.Tensor:
    """Return an image (C, H, W) of floats, C = 1 or 3, as a detached float32 tensor.

    Raises
    ------
    ValueError
        where it is none.
    """
    pixels = image_tensor("image", image)
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or not pixels.numel():
        raise ValueError(f"image must be of shape (1 or 3, height, width), got {tuple(pixels.shape)}")
    return pixels


def known_part(image: Any, known: Any = None) -> tuple[torch.Tensor, np.ndarray]:
    """Return an image (C, H, W) with 0 for NaN, and its known pixels (H, W): those named, or all that are not NaN.

    Raises
    ------
    ValueError
        where the image is no such array, a known pixel is NaN, or no pixel is unknown by name or by NaN.
    """
    pixels = one_image(image).cpu()
    finite = ~pixels.isnan().any(0).numpy()
    if known is None and finite.all():
        raise ValueError("known must say which pixels are known where no pixel of the image is NaN, got none")
    mask = finite if known is None else read_mask(known, (pixels.shape[0], pixels.shape[1], pixels.shape[2]), "known")
    if not finite[mask].all():
        raise ValueError("known must be pixels with numbers, got one that is NaN")
    return pixels.nan_to_num(nan=0.0), mask
