"""What a network is asked to fit: photographs cut to its output's shape, and noise of the same norm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from untrained.sims.images.images import EXAMPLES, load_image
from untrained.sims.operators import Shape
from untrained.sims.random.streams import stream

NATURAL = ("camera", "coins", "brick", "cat", "coffee", "moon", "grass", "rocket")
"""Photographs of scikit-image that stand for natural images, those of them that are installed."""


def target(reference: str, shape: Shape, *, unit: bool = False) -> np.ndarray:
    """Return an image file or `example:NAME` as a vector (n,) for an output seen as (C, H, W).

    Pixels are on [-1, 1], or on [0, 1] with `unit`. One row (C = H = 1) gets the middle line of the image.

    Raises
    ------
    ValueError
        where the image cannot be read.
    """
    channels, h, w = shape
    size, grey = ((w, w) if h == 1 else (h, w)), channels != 3
    pixels = load_image(reference, grey=grey, size=size).double().numpy()
    if h == 1:
        pixels = pixels[:, w // 2 : w // 2 + 1]
    if len(pixels) != channels:
        pixels = np.broadcast_to(pixels.mean(0), (channels, h, w))
    flat: np.ndarray = np.array(pixels).reshape(-1)
    return (flat + 1) / 2 if unit else flat


def natural(shape: Shape, *, unit: bool = False) -> dict[str, np.ndarray]:
    """Return the photographs by name, (n,) each."""
    return {name: target(f"example:{name}", shape, unit=unit) for name in NATURAL if name in EXAMPLES}


def noise_like(x: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Return Gaussian noise (n,) of the norm of x."""
    g = stream(seed, "noise", *names).standard_normal(len(x))
    return g * (np.linalg.norm(x) / np.linalg.norm(g))


def is_unit(outputs: Sequence[np.ndarray]) -> bool:
    """Whether all outputs lie on [0, 1], as a sigmoid's do."""
    return all(bool(((f >= 0) & (f <= 1)).all()) for f in outputs)


def as_image(vector: np.ndarray | torch.Tensor, shape: Shape) -> np.ndarray:
    """Return an output (n,) as (C, H, W)."""
    return np.asarray(vector, float).reshape(shape)
