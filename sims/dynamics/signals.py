"""Real signals: small crops of a photograph that comes with scikit-image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from untrained.theory.objects.shapes import Array


@lru_cache(maxsize=1)
def _camera() -> Array:
    from skimage import data

    picture: Array = data.camera().astype(np.float64) / 255.0
    return picture


def camera_crop(length: int, index: int) -> Array:
    """Return the index-th square crop of `length` pixels of the camera picture, as a vector of norm 1.

    The 512 x 512 picture is reduced eightfold by block means, so that a small crop shows something; crops are
    numbered row by row and the numbering starts again after the last one.

    Raises
    ------
    ValueError
        where length is not a square number from 4 to 4096.
    """
    side = math.isqrt(max(0, length))
    if side * side != length or not 4 <= length <= 4096:
        raise ValueError(f"length must be a square number from 4 to 4096, got {length}")
    small = _camera().reshape(64, 8, 64, 8).mean(axis=(1, 3))
    places = 64 - side + 1
    row, column = divmod(index % places**2, places)
    y: Array = small[row : row + side, column : column + side].ravel()
    return y / np.linalg.norm(y)


def camera_crops(length: int, indices: Iterable[int]) -> Array:
    """Return the crops with these numbers, one a row."""
    return np.stack([camera_crop(length, int(i)) for i in indices])
