"""Orthonormal bases of images: the two-dimensional cosine transform and periodised Daubechies wavelets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from math import comb, gcd, prod

import numpy as np
import torch

from untrained.sims.operators import Shape
from untrained.sims.operators.transforms import dct2, inverse_dct2

LONGEST_WAVELET = 15
"""The largest N of dbN: the roots behind longer filters lose more digits than an orthonormal basis should."""


class Basis(ABC):
    """Orthonormal coefficients of images, arranged as an image, channel by channel.

    Source: vanveen18 Section 5.1 (Lasso in a DCT or a Daubechies wavelet basis)
    """

    levels = 0

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    @property
    def n(self) -> int:
        """Number of coefficients, and of pixels."""
        return prod(self.shape)

    @abstractmethod
    def analysis(self, x: torch.Tensor) -> torch.Tensor:
        """Coefficients of images, (..., C, H, W) to (..., C, H, W)."""

    @abstractmethod
    def synthesis(self, c: torch.Tensor) -> torch.Tensor:
        """Images of coefficients: the inverse and the transpose of `analysis`."""

    @abstractmethod
    def frequency(self) -> torch.Tensor:
        """How fast the atom of each coefficient varies, (C, H, W) in float64; 0 where it varies least."""


class CosineBasis(Basis):
    """DCT-II of each channel."""

    def analysis(self, x: torch.Tensor) -> torch.Tensor:
        """Cosine coefficients."""
        return dct2(x)

    def synthesis(self, c: torch.Tensor) -> torch.Tensor:
        """Sum of cosines."""
        return inverse_dct2(c)

    def frequency(self) -> torch.Tensor:
        """Half cycles over the image: the distance of (i, j) from (0, 0)."""
        rows, columns = (torch.arange(side, dtype=torch.float64) for side in self.shape[1:])
        return torch.hypot(rows[:, None], columns[None, :]).expand(self.shape)


class WaveletBasis(Basis):
    """Periodised Daubechies wavelets dbN, coarse coefficients in the corner: [[LL, LH], [HL, HH]], and so on in LL.

    Halving a side keeps periodised wavelets orthonormal while the side is even; beyond that, by default, the filter
    must not outgrow the signal after the first (PyWavelets' rule too). `levels` says how often the image was halved:
    never where a side is odd, and then the basis is that of pixels.

    Raises
    ------
    ValueError
        where the wavelet is unknown, or more levels are asked for than stay orthonormal.
    """

    def __init__(self, shape: Shape, wavelet: str = "db4", levels: int | None = None) -> None:
        super().__init__(shape)
        self._low = daubechies(wavelet)
        common = gcd(*shape[1:])
        possible = (common & -common).bit_length() - 1
        useful = max(1, (min(shape[1:]) // (len(self._low) - 1)).bit_length() - 1)
        self.levels = min(possible, useful) if levels is None else levels
        if not 0 <= self.levels <= possible:
            raise ValueError(f"levels must be between 0 and {possible} for sides {shape[1:]}, got {levels}")

    def analysis(self, x: torch.Tensor) -> torch.Tensor:
        """Wavelet coefficients."""
        c = x.clone()
        for height, width in self._corners():
            part = c[..., :height, :width]
            c[..., :height, :width] = self._halving(height, x) @ part @ self._halving(width, x).mT
        return c

    def synthesis(self, c: torch.Tensor) -> torch.Tensor:
        """Sum of wavelets."""
        x = c.clone()
        for height, width in reversed(self._corners()):
            part = x[..., :height, :width]
            x[..., :height, :width] = self._halving(height, c).mT @ part @ self._halving(width, c)
        return x

    def frequency(self) -> torch.Tensor:
        """2^j for the wavelets j levels above the coarsest ones, 0 for the scaling functions."""
        f = torch.zeros(self.shape, dtype=torch.float64)
        for level, (height, width) in enumerate(self._corners()):
            f[:, :height, :width] = 2.0 ** (self.levels - 1 - level)
            f[:, : height // 2, : width // 2] = 0.0
        return f

    def _corners(self) -> list[tuple[int, int]]:
        return [(self.shape[1] >> level, self.shape[2] >> level) for level in range(self.levels)]

    def _halving(self, side: int, like: torch.Tensor) -> torch.Tensor:
        return _halving_matrix(self._low, side).to(like.device, like.dtype)


def make_basis(name: str, shape: Shape, wavelet: str = "db4") -> Basis:
    """Return the basis of a name, dct or wavelet, for images of a shape.

    Raises
    ------
    ValueError
        where the name or the wavelet is unknown.
    """
    if name not in ("dct", "wavelet"):
        raise ValueError(f"basis must be dct or wavelet, got {name!r}")
    return CosineBasis(shape) if name == "dct" else WaveletBasis(shape, wavelet)


@lru_cache(maxsize=16)
def daubechies(name: str) -> tuple[float, ...]:
    """Return the 2N taps of the low-pass synthesis filter of dbN (haar is db1), with sum sqrt(2).

    |H|^2 at z = e^{iw} is (cos^2(w/2))^N times a polynomial in sin^2(w/2); the filter takes of each pair of its roots
    in z the one inside the unit circle.

    Raises
    ------
    ValueError
        where the name is not db1 to db15 or haar.
    Source: Daubechies, Ten Lectures on Wavelets, Section 6.4
    """
    number = "1" if name == "haar" else name.removeprefix("db")
    if not number.isdecimal() or not 1 <= int(number) <= LONGEST_WAVELET or name == number:
        raise ValueError(f"wavelet must be haar or db1 to db{LONGEST_WAVELET}, got {name!r}")
    N = int(number)
    y = np.roots([comb(N - 1 + k, k) for k in reversed(range(N))])
    z = 1 - 2 * y + np.sqrt((1 - 2 * y) ** 2 - 1 + 0j)
    inner = np.where(np.abs(z) < 1, z, 1 / z)
    h = np.poly(np.concatenate([-np.ones(N), inner])).real
    return tuple((h * 2**0.5 / h.sum()).tolist())


@lru_cache(maxsize=32)
def _halving_matrix(low: tuple[float, ...], side: int) -> torch.Tensor:
    """Low-pass half above high-pass half, (side, side), orthogonal; its product beats a strided convolution here."""
    h = torch.tensor(low, dtype=torch.float64)
    g = h.flip(0) * (-1.0) ** torch.arange(len(low))
    starts = 2 * torch.arange(side // 2)[:, None] + 1 - len(low) // 2
    places = (starts + torch.arange(len(low))) % side
    zero = torch.zeros(side // 2, side, dtype=torch.float64)
    return torch.cat([zero.scatter_add(1, places, taps.expand(places.shape)) for taps in (h, g)])
