"""Guards at the door: each returns the fact it checked, or raises one clear sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def real_array(name: str, value: Any, axes: int) -> Array:
    """Return `value` as finite float64 with at least `axes` axes.

    Raises
    ------
    ValueError
        where it is not numeric, is complex, has too few axes, or holds NaN or infinity.
    """
    x = np.asarray(value)
    if x.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be an array of real numbers, got dtype {x.dtype}")
    if x.ndim < axes:
        raise ValueError(f"{name} must have at least {axes} axes, got shape {x.shape}")
    x = x.astype(np.float64, copy=False)
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity among its entries")
    return x


def same_length(first: str, one: int, second: str, other: int) -> int:
    """Return the common length of two axes that must agree."""
    if one != other:
        raise ValueError(f"{first} and {second} must agree in length, got {one} and {other}")
    return one


def whole_number(name: str, value: Any, least: int) -> int:
    """Return `value` as an int that is at least `least`."""
    if isinstance(value, bool | np.bool_ | str) or not least <= value < math.inf or int(value) != value:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)


def nonzero_norm(name: str, value: Array) -> Array:
    """Return the Euclidean norms over the last axis, all of them positive."""
    norms: Array = np.linalg.norm(value, axis=-1)
    if not (norms > 0).all():
        raise ValueError(f"{name} must not be the zero vector, got one of norm 0")
    return norms
