"""Operators on pixels: known pixels (inpainting) and block averages (super-resolution)."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape, refuse_masked
from untrained.sims.random.streams import stream


class Inpainting(Operator):
    """Known pixels, the same positions in every channel; y holds channel by channel, rows of the image in order.

    `coefficients` counts positions, and m = C * positions. Positions are drawn without replacement, or are the True
    entries of a given mask (H, W).
    """

    name = "inpainting"
    orthonormal = True

    def __init__(self, shape: Shape, positions: int, seed: int = 0, mask: np.ndarray | None = None) -> None:
        super().__init__(shape, shape[0] * positions, seed if mask is None else 0)
        self.gain = self.m / self.n
        pixels = shape[1] * shape[2]
        places = stream(seed, "A").permutation(pixels)[:positions] if mask is None else np.flatnonzero(mask)
        self._own_mask = mask is not None
        self.positions = torch.from_numpy(np.sort(places))

    @property
    def coefficients(self) -> int:
        """Known positions."""
        return len(self.positions)

    @property
    def options(self) -> dict[str, Any]:
        """The mask, where it was given."""
        return {"mask": pack_mask(self.mask().numpy())} if self._own_mask else {}

    @property
    def row_groups(self) -> torch.Tensor:
        """The position of each row: its channels are seen together."""
        return self.positions.cpu().repeat(self.shape[0])

    @property
    def layouts(self) -> dict[str, tuple[int, ...]]:
        """The known pixels of each channel; an image where all are known."""
        every = {"channels, height, width": self.shape} if self.m == self.n else {}
        return {**every, "channels, positions": (self.shape[0], len(self.positions))}

    def mask(self) -> torch.Tensor:
        """The known positions, (H, W) of bool."""
        mask = torch.zeros(self.shape[1] * self.shape[2], dtype=torch.bool)
        mask[self.positions.cpu()] = True
        return mask.reshape(self.shape[1:])

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(-2)[..., self.positions].flatten(1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        x = y.new_zeros(len(y), self.shape[0], self.shape[1] * self.shape[2])
        x[..., self.positions] = y.reshape(len(y), self.shape[0], -1)
        return x.reshape(-1, *self.shape)


class SuperResolution(Operator):
    """Means of s x s blocks of pixels, s = `factor`: a smaller image (C, H/s, W/s), flattened.

    Its n/s^2 rows are orthogonal and of squared length s^-2, so its gain is s^-4.
    """

    name = "superres"

    def __init__(self, shape: Shape, factor: int) -> None:
        super().__init__(shape, shape[0] * (shape[1] // factor) * (shape[2] // factor))
        self.factor, self.gain = factor, factor**-4.0

    @property
    def options(self) -> dict[str, Any]:
        """The factor."""
        return {"factor": self.factor}

    @property
    def layouts(self) -> dict[str, tuple[int, ...]]:
        """A smaller image."""
        channels, height, width = self.shape
        return {"channels, height, width": (channels, height // self.factor, width // self.factor)}

    def squared_norm(self) -> float:
        """s^-2, exactly: rows are orthogonal and of that squared length."""
        return self.factor**-2.0

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        s = self.factor
        return x.reshape(-1, channels, height // s, s, width // s, s).mean((-3, -1)).flatten(1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        s = self.factor
        small = y.reshape(-1, channels, height // s, 1, width // s, 1) / s**2
        return small.expand(-1, -1, -1, s, -1, s).reshape(-1, *self.shape)


def pack_mask(mask: np.ndarray) -> str:
    """A mask as base64 of its bits, row by row."""
    return base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")


def read_mask(mask: object, shape: Shape, name: str = "mask") -> np.ndarray:
    """A mask (H, W) of bool from an array, a tensor or the text of `pack_mask`; `name` is the argument it came as.

    Raises
    ------
    ValueError
        where it is of another shape or kind, or knows no pixel.
    """
    refuse_masked(name, mask)
    if isinstance(mask, str):
        mask = _unpack_mask(mask, shape, name)
    array = np.asarray(mask.cpu() if isinstance(mask, torch.Tensor) else mask)
    if array.dtype != np.bool_ or array.shape != shape[1:]:
        raise ValueError(f"{name} must be bool of shape {shape[1:]}, got {array.dtype} of shape {array.shape}")
    if not array.any():
        raise ValueError(f"{name} must know at least one pixel, got none")
    return array


def _unpack_mask(text: str, shape: Shape, name: str) -> np.ndarray:
    pixels = shape[1] * shape[2]
    try:
        packed = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except ValueError as error:
        raise ValueError(f"{name} must be bool of shape {shape[1:]}, got the text {text[:40]!r}") from error
    if len(packed) != -(-pixels // 8):
        raise ValueError(f"mask must hold {-(-pixels // 8)} bytes for shape {shape[1:]}, got {len(packed)}")
    return np.unpackbits(packed, count=pixels).astype(bool).reshape(shape[1:])
