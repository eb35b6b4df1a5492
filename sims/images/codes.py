"""Pixel codes as files have them: upright, without alpha, and what a reader of them ought to know."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from untrained.sims.files import Refused
from untrained.sims.images.resizing import PIXEL_LIMIT

_LEAST_SHARE = {255.0: 16, 65535.0: 4}
"""By the code of white: the largest code of an image must reach one part in so many, for cameras have 10 to 14 bits."""

_SURE = 0.5
"""Floats with a pixel below minus this are on [-1, 1]; one between it and zero may as well be an overshoot."""


@dataclass(frozen=True)
class Codes:
    """Pixel codes (C, H, W) as the file has them, with the codes of black and of white, and notes on the reading.

    `opaque` (H, W) says which pixels are no part transparent; None where the file has no transparency.
    """

    pixels: np.ndarray
    black: float
    white: float
    notes: tuple[str, ...] = ()
    opaque: np.ndarray | None = None

    def to_scale(self) -> np.ndarray:
        """Return the pixels on [-1, 1] in float64, each rounded once."""
        return (2.0 * self.pixels - (self.black + self.white)) / (self.white - self.black)

    def turned(self, orientation: int) -> Codes:
        """Return the same turned upright."""
        planes = np.moveaxis(upright(np.moveaxis(self.pixels, 0, -1), orientation), -1, 0)
        opaque = None if self.opaque is None else upright(self.opaque, orientation)
        return replace(self, pixels=planes, opaque=opaque)


def check_sides(path: Path, height: int, width: int) -> None:
    """Refuse an image without pixels or with too many, before it is decoded.

    Raises
    ------
    ValueError
        where it is one.
    """
    if height * width == 0:
        raise Refused(f"path must name an image with pixels, got {path} of {height} x {width}")
    if height * width > PIXEL_LIMIT:
        raise Refused(f"path must name an image of at most {PIXEL_LIMIT} pixels, got {path} of {height} x {width}")


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels (H, W) or (H, W, C) upright by the orientation of EXIF and TIFF; other values than 1 to 8 are 1.

    Source: Exif 2.32, tag 274: which sides of the picture the first row and the first column are.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]


def integer_codes(
    pixels: np.ndarray, white: float, *, alpha: np.ndarray | None = None, multiplied: bool = False
) -> Codes:
    """Codes of integers (H, W) or (H, W, C) from 0 to `white`, laid on black by an alpha (H, W) on the same scale.

    `multiplied` says that the colours have been multiplied by the alpha, which is the composite on black.
    """
    planes = np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), -1, 0)
    notes = _faintness(planes, white)
    if alpha is not None and bool((alpha < white).any()):
        notes += ("its transparent pixels are laid on black",)
        planes = planes if multiplied else planes * (alpha / white)
    return Codes(planes, 0.0, white, notes, None if alpha is None else alpha == white)


def _faintness(planes: np.ndarray, white: float) -> tuple[str, ...]:
    """Ten to fourteen bits of a camera in sixteen, or a mask of ones, say nothing of their white but this."""
    top = int(planes.max())
    if not 0 < top * _LEAST_SHARE.get(white, 0) <= white:
        return ()
    likely = 2 ** top.bit_length() - 1
    return (
        f"its largest code is {top} of {white:.0f}, so no pixel is above {2 * top / white - 1:.3g} on [-1, 1]: "
        f"where white is {likely}, multiply the codes by {white:.0f}/{likely}",
    )


def float_codes(path: Path, planes: np.ndarray, signed: bool | None, own: bool = False) -> Codes:
    """Codes of floats (C, H, W), on the scale that is said; those of `own` files may leave it, as recovered images may.

    Raises
    ------
    ValueError
        where they are not finite, off the scale, or may be on either.
    """
    planes = planes.astype(np.float64)
    low, high = float(planes.min()), float(planes.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Refused(f"path must name an image of finite pixels, got {path} with NaN or infinity: fill these in")
    black = -1.0 if (low < 0 if signed is None else signed) else 0.0
    got = f"{path} with pixels from {low:g} to {high:g}"
    if (low < black or high > 1) and not own:
        scale = {True: "[-1, 1]", False: "[0, 1]", None: "[0, 1] or [-1, 1]"}[signed]
        advice = "divide them by the value of white" if high > 2 else "clip them"
        raise Refused(f"path must name an image of floats on {scale}, got {got}: {advice}")
    if signed is None and -_SURE < low < 0:
        raise Refused(
            f"path must name an image of floats on [0, 1], or on [-1, 1] with some below -{_SURE}, got {got}, "
            "which may be either: clip it to [0, 1], or where -1 is black write (x + 1)/2"
        )
    faint = signed is None and 0 < high <= 1 / _LEAST_SHARE[255.0]
    notes = (f"its largest pixel is {high:g}, which is nearly black on [0, 1]",) if faint else ()
    return Codes(planes, black, 1.0, notes)
