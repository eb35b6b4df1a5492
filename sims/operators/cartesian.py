"""Fourier coefficients where a mask of the user's own is true, of one coil or as coil maps of the user's own see it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.operators.masks import pack_mask, read_mask

_PLANE = (-2, -1)


class CartesianFourier(Operator):
    """y_c = M F (S_c x) with F orthonormal, zero frequency and the image's origin in the middle (H//2, W//2).

    The mask M is (H, W), or (W,) where whole columns are sampled; maps S are (coils, H, W), or absent for one coil
    that sees all alike. The image is real: y holds the real parts of all coefficients, channel by channel, coil by coil
    and row by row, then the imaginary ones. With maps the operator cannot be made from its spec.

    Source: heckel20b Section 5.
    """

    name = "fourier-cartesian"
    _complex = True

    def __init__(self, shape: Shape, mask: np.ndarray, maps: np.ndarray | None = None) -> None:
        self._mask = mask
        self._maps = None if maps is None else torch.from_numpy(np.asarray(maps, np.complex128))
        self._coils = 1 if self._maps is None else len(self._maps)
        self.places = torch.from_numpy(np.flatnonzero(mask))
        super().__init__(shape, 2 * shape[0] * self._coils * len(self.places))
        power = 1.0 if maps is None else float(np.square(np.abs(maps), dtype=np.float64).sum()) / mask.size
        self.gain = power * len(self.places) / mask.size

    @property
    def coefficients(self) -> int:
        """Complex coefficients of a channel, of all coils."""
        return self.m // (2 * self.shape[0])

    @property
    def options(self) -> dict[str, Any]:
        """The mask; of maps only what they hash to."""
        packed: dict[str, Any] = {"mask": pack_mask(self._mask)}
        if self._maps is None:
            return packed
        digest = hashlib.sha256(np.ascontiguousarray(self._maps.cpu().numpy()).tobytes()).hexdigest()
        return {**packed, "maps": digest, "rebuildable": False}

    @property
    def row_groups(self) -> torch.Tensor:
        """The frequency of each row, or its column where whole columns are sampled."""
        places = self.places.cpu()
        frequency = places % self.shape[2] if self._whole_columns else places
        return frequency.repeat(self.m // len(frequency))

    def mask(self) -> torch.Tensor:
        """The sampled frequencies, (H, W) of bool, with the zero frequency at (H//2, W//2)."""
        return torch.from_numpy(self._mask)

    @property
    def layouts(self) -> dict[str, tuple[int, ...]]:
        """The whole grid of coefficients, or those that are sampled: as whole columns, where they are, or in a row."""
        first, count = (self.shape[0], self._coils), len(self.places)
        shapes = {"channels, coils, height, width": (*first, *self.shape[1:])}
        if self._whole_columns and count < self._mask.size:
            shapes["channels, coils, height, columns"] = (*first, self.shape[1], count // self.shape[1])
        return {**shapes, "channels, coils, coefficients": (*first, count)}

    def _sampled(self, y: torch.Tensor) -> torch.Tensor:
        """The sampled ones of complex coefficients on the whole grid, (..., H, W); others as they are."""
        if y.shape[-2:] == self.shape[1:] and y.numel() == self.shape[0] * self._coils * self._mask.size:
            y = y.flatten(-2)[..., self.places.to(y.device)]
        return y

    @property
    def _whole_columns(self) -> bool:
        return bool((self._mask == self._mask[:1]).all())

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        k = self._transform(torch.fft.fft2, x[:, :, None] * self._sensitivities(x))
        sampled = k.flatten(-2)[..., self.places].flatten(1)
        return torch.cat([sampled.real, sampled.imag], 1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        sampled = torch.complex(*y.chunk(2, 1)).reshape(len(y), channels, self._coils, -1)
        k = sampled.new_zeros(*sampled.shape[:-1], height * width)
        k[..., self.places] = sampled
        coil_images = self._transform(torch.fft.ifft2, k.unflatten(-1, (height, width)))
        return (coil_images * self._sensitivities(y).conj()).sum(2).real

    def _transform(self, fft: Any, values: torch.Tensor) -> torch.Tensor:
        moved = fft(torch.fft.ifftshift(values, _PLANE), norm="ortho")
        return torch.fft.fftshift(moved, _PLANE)

    def _sensitivities(self, like: torch.Tensor) -> torch.Tensor:
        kind = torch.complex64 if like.dtype == torch.float32 else torch.complex128
        if self._maps is None:
            return torch.ones(1, 1, 1, dtype=kind, device=like.device)
        return self._maps.to(like.device, kind)


def cartesian_fourier(shape: Shape, mask: Any, maps: Any = None) -> CartesianFourier:
    """Return the operator of a mask (H, W) or (W,) and of coil maps (coils, H, W), both checked.

    Raises
    ------
    ValueError
        where one is of another shape or kind, no frequency is sampled, or maps are zero or not finite.
    """
    if not isinstance(mask, str) and np.ndim(mask) == 1:
        mask = np.broadcast_to(np.asarray(mask), (shape[1], len(mask)))
    checked = np.ascontiguousarray(read_mask(mask, shape))
    if maps is None:
        return CartesianFourier(shape, checked)
    if isinstance(maps, str):
        raise ValueError("maps must be an array, got text: an operator with maps of your own cannot be rebuilt")
    array = np.asarray(maps)
    if array.ndim != 3 or array.shape[1:] != shape[1:] or array.dtype.kind not in "biufc":
        raise ValueError(f"maps must be numbers of shape (coils, {shape[1]}, {shape[2]}), got shape {array.shape}")
    if not np.isfinite(array).all() or not array.any():
        raise ValueError("maps must be finite and not all zero, got others")
    return CartesianFourier(shape, checked, array)
