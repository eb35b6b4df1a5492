"""Fourier coefficients along radial lines, as in magnetic resonance imaging."""

from __future__ import annotations

from math import pi, tan
from typing import Any

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape


def radial_frequencies(height: int, width: int, lines: int) -> np.ndarray:
    """Distinct frequencies (row, column) on lines through the origin, in the half plane and without the origin.

    Line j of L has the angle j pi/L in cycles per pixel and is rounded to the grid, step by step along the side on
    which it has more points. Nyquist frequencies are left out, so the pattern is symmetric on every grid; a real image
    has conjugate coefficients at opposite frequencies, hence the half plane: column > 0, or column 0 and row > 0.

    Source: vanveen18 Appendix A, Fourier Sampling (3, 5, 10, 20 lines at 256x256 give 381, 634, 1260, 2500)
    """
    points = np.concatenate([_line(height, width, pi * j / lines) for j in range(lines)])
    rows, columns = np.abs(points).T
    points = points[(rows <= (height - 1) // 2) & (columns <= (width - 1) // 2)]
    half = (points[:, 1] > 0) | ((points[:, 1] == 0) & (points[:, 0] > 0))
    return np.unique(points[half], axis=0)


def _line(height: int, width: int, angle: float) -> np.ndarray:
    slope = tan(angle) * height / width
    if abs(slope) <= 1:
        columns = np.arange(-((width - 1) // 2), (width - 1) // 2 + 1)
        return np.stack([np.rint(slope * columns), columns], -1).astype(np.int64)
    rows = np.arange(-((height - 1) // 2), (height - 1) // 2 + 1)
    return np.stack([rows, np.rint(rows / slope)], -1).astype(np.int64)


class FourierRadial(Operator):
    """The mean and sqrt(2) times real and imaginary parts of the coefficients on radial lines, channel by channel.

    With the orthonormal transform these are orthonormal real rows; there are C (2 coefficients + 1) of them, in the
    order constant coefficient, real parts, imaginary parts for each channel.

    Source: vanveen18 Appendix A, Fourier Sampling
    """

    name = "fourier-radial"
    orthonormal = True

    def __init__(self, shape: Shape, lines: int) -> None:
        frequencies = radial_frequencies(*shape[1:], lines)
        super().__init__(shape, shape[0] * (2 * len(frequencies) + 1))
        self.lines, self.gain = lines, self.m / self.n
        rows, columns = frequencies.T
        stride = shape[2] // 2 + 1
        axis = np.flatnonzero(columns == 0)
        self._places = torch.from_numpy(rows % shape[1] * stride + columns)
        self._axis = torch.from_numpy(axis)
        self._opposite = torch.from_numpy(-rows[axis] % shape[1] * stride)

    @property
    def coefficients(self) -> int:
        """Complex coefficients of a channel, the constant one not counted."""
        return len(self._places)

    @property
    def options(self) -> dict[str, Any]:
        """Number of lines."""
        return {"lines": self.lines}

    def mask(self) -> torch.Tensor:
        """The sampled frequencies, (H, W) of bool, symmetric about the zero frequency, which is at (H//2, W//2)."""
        height, width = self.shape[1:]
        mask = torch.zeros(height, width, dtype=torch.bool)
        points = radial_frequencies(height, width, self.lines)
        for p in (points, -points, np.zeros((1, 2), dtype=np.int64)):
            mask[p[:, 0] + height // 2, p[:, 1] + width // 2] = True
        return mask

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(x, norm="ortho").flatten(-2)
        c = spectrum[..., self._places] * 2**0.5
        return torch.cat([spectrum[..., :1].real, c.real, c.imag], -1).flatten(1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        parts = y.reshape(len(y), channels, -1)
        real, imaginary = parts[..., 1:].chunk(2, -1)
        c = torch.complex(real, imaginary) / 2**0.5
        spectrum = c.new_zeros(len(y), channels, height * (width // 2 + 1))
        spectrum[..., self._places] = c
        spectrum[..., self._opposite] = c[..., self._axis].conj()
        spectrum[..., 0] = parts[..., 0].to(c.dtype)
        return torch.fft.irfft2(spectrum.unflatten(-1, (height, -1)), s=(height, width), norm="ortho")
