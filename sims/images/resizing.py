"""Cropping and resampling: exact areas where an image shrinks, bilinear where it grows."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import coo_array

PIXEL_LIMIT = 2**26
"""The most pixels (height times width) of an image that is read or asked for, about 67 million."""

Size = int | tuple[int, int]
"""A side of a square image, or height and width."""


def checked_size(size: Size) -> tuple[int, int]:
    """Return height and width.

    Raises
    ------
    ValueError
        where a side is below 1 or there are more than PIXEL_LIMIT pixels.
    """
    sides: Any = size if isinstance(size, tuple | list) else (size, size)
    whole = all(isinstance(s, Integral) and not isinstance(s, bool) for s in sides)
    if not whole or len(sides) != 2 or min(sides) < 1:
        raise ValueError(f"size must be a positive integer or two of them, got {size!r}")
    high, wide = map(int, sides)
    if high * wide > PIXEL_LIMIT:
        raise ValueError(f"size must have at most {PIXEL_LIMIT} pixels, got {high} x {wide}")
    return high, wide


def centre_crop(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Return the largest centred part of the last two axes with the aspect ratio of `size`, as a view."""
    (height, width), (high, wide) = pixels.shape[-2:], checked_size(size)
    kept_height = min(height, max(1, (2 * width * high + wide) // (2 * wide)))
    kept_width = min(width, max(1, (2 * height * wide + high) // (2 * high)))
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return pixels[..., top : top + kept_height, left : left + kept_width]


def resize(pixels: np.ndarray, size: Size) -> np.ndarray:
    """Resample the last two axes, in float64; each new pixel is a weighted mean of old ones.

    An axis that shrinks is averaged over exact areas, which needs no other filter against aliasing; one that grows is
    interpolated linearly between pixel centres. So no value leaves the range of the old ones.

    Raises
    ------
    ValueError
        where the size is not one.
    """
    high, wide = checked_size(size)
    return _along(_along(np.asarray(pixels, dtype=np.float64), -2, high), -1, wide)


def _along(pixels: np.ndarray, axis: int, target: int) -> np.ndarray:
    if pixels.shape[axis] == target:
        return pixels
    first = np.moveaxis(pixels, axis, 0)
    mixed = _weights(len(first), target) @ first.reshape(len(first), -1)
    return np.moveaxis(mixed.reshape(target, *first.shape[1:]), 0, axis)


def _weights(source: int, target: int) -> Any:
    taps, shares = _areas(source, target) if target < source else _neighbours(source, target)
    rows = np.broadcast_to(np.arange(target)[:, None], taps.shape)
    return coo_array((shares.ravel(), (rows.ravel(), taps.ravel())), shape=(target, source)).tocsr()


def _areas(source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Old pixel j covers [j target, (j + 1) target] and new pixel i covers [i source, (i + 1) source]: integers."""
    start = np.arange(target)[:, None] * source
    taps = start // target + np.arange(-(-source // target) + 1)
    overlap = np.minimum((taps + 1) * target, start + source) - np.maximum(taps * target, start)
    return np.minimum(taps, source - 1), np.maximum(overlap, 0) / source


def _neighbours(source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    left = np.floor(centre).astype(np.int64)
    taps = np.stack([left, np.minimum(left + 1, source - 1)], axis=1)
    return taps, np.stack([1 - (centre - left), centre - left], axis=1)
