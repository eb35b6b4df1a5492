"""Orthonormal transforms, cosine, Walsh-Hadamard and Fourier, and operators that take some rows of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import pi, tan
from typing import Any, ClassVar

import numpy as np
import torch

from untrained.sims.operators.base import LinearMap, Operator, Shape
from untrained.sims.random.streams import stream

LARGEST_MATRIX = 512
"""Length up to which a product with the transform's matrix beats the fast transform."""


def dct2(x: torch.Tensor) -> torch.Tensor:
    """Orthonormal DCT-II over the last two dimensions."""
    return _along_rows(_along_rows(x, False).mT, False).mT


def inverse_dct2(c: torch.Tensor) -> torch.Tensor:
    """Inverse, and transpose, of `dct2`."""
    return _along_rows(_along_rows(c, True).mT, True).mT


def walsh_hadamard2(x: torch.Tensor) -> torch.Tensor:
    """Orthonormal Walsh-Hadamard transform in Sylvester's order over the last two dimensions; its own inverse.

    It is that of the flattened image, whose matrix is the Kronecker product of those of columns and rows.

    Raises
    ------
    ValueError
        where a side is no power of two.
    """
    for side in x.shape[-2:]:
        if side & (side - 1):
            raise ValueError(f"sides must be powers of two for the Hadamard transform (use dct), got {x.shape[-2:]}")
    return _hadamard_rows(_hadamard_rows(x).mT).mT


def _along_rows(x: torch.Tensor, inverse: bool) -> torch.Tensor:
    length = x.shape[-1]
    if length > LARGEST_MATRIX:
        return _inverse_dct_by_fft(x) if inverse else _dct_by_fft(x)
    matrix = _matrix(_cosines, length, x.dtype, x.device)
    return x @ (matrix if inverse else matrix.T)


@lru_cache(maxsize=16)
def _matrix(kind: Callable[[int], torch.Tensor], length: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    # A tensor made in inference mode could later take no part in a differentiated product.
    with torch.inference_mode(False):
        return kind(length).to(device, dtype)


def _cosines(length: int) -> torch.Tensor:
    k, j = np.arange(length)[:, None], np.arange(length)[None, :]
    matrix = np.sqrt(2 / length) * np.cos(np.pi * (2 * j + 1) * k / (2 * length))
    matrix[0] = length**-0.5
    return torch.from_numpy(matrix)


def _weights(length: int, like: torch.Tensor) -> torch.Tensor:
    """e^{-i pi k/(2 N)} times the factor that makes row k of unit length."""
    k = torch.arange(length, dtype=torch.float64)
    scale = torch.full((length,), (2 / length) ** 0.5, dtype=torch.float64)
    scale[0] = length**-0.5
    kind = torch.complex64 if like.dtype == torch.float32 else torch.complex128
    return torch.polar(scale, -torch.pi * k / (2 * length)).to(like.device, kind)


def _dct_by_fft(x: torch.Tensor) -> torch.Tensor:
    folded = torch.cat([x[..., ::2], x[..., 1::2].flip(-1)], -1)
    return (torch.fft.fft(folded) * _weights(x.shape[-1], x)).real


def _inverse_dct_by_fft(c: torch.Tensor) -> torch.Tensor:
    length = c.shape[-1]
    folded = torch.fft.fft(c * _weights(length, c)).real
    x = torch.empty_like(c)
    half = (length + 1) // 2
    x[..., ::2], x[..., 1::2] = folded[..., :half], folded[..., half:].flip(-1)
    return x


def _hadamard_rows(x: torch.Tensor) -> torch.Tensor:
    """By the matrix, or for long rows by its Kronecker factors: the fast transform with a large radix."""
    length = x.shape[-1]
    side = min(LARGEST_MATRIX, length)
    x = x.unflatten(-1, (length // side, side)) @ _matrix(_sylvester, side, x.dtype, x.device)
    return (x if length == side else _hadamard_rows(x.mT).mT).flatten(-2)


def _sylvester(side: int) -> torch.Tensor:
    matrix = torch.ones(1, 1, dtype=torch.float64)
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    while len(matrix) < side:
        matrix = torch.kron(two, matrix)
    return matrix / side**0.5


class SubsampledTransform(Operator):
    """m coefficients of a transform of each channel, drawn without replacement from all C H W of them.

    The scrambled kinds flip the sign of each pixel at random first, which spreads a natural image evenly over the
    coefficients.
    """

    orthonormal = True
    maps: ClassVar[dict[str, tuple[LinearMap, LinearMap]]] = {
        "dct": (dct2, inverse_dct2),
        "hadamard": (walsh_hadamard2, walsh_hadamard2),
    }

    def __init__(self, name: str, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.name, self.gain = name, m / self.n
        self._forward, self._inverse = self.maps[name.removeprefix("scrambled-")]
        rng = stream(seed, "A")
        self.rows = torch.from_numpy(np.sort(rng.permutation(self.n)[:m]))
        scrambled = name.startswith("scrambled-")
        self.signs = torch.from_numpy(rng.integers(2, size=shape, dtype=np.int8) * 2 - 1) if scrambled else None

    def _signed(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.signs is None else x * self.signs

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return self._forward(self._signed(x)).reshape(-1, self.n)[:, self.rows]

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        c = y.new_zeros(len(y), self.n)
        c[:, self.rows] = y
        return self._signed(self._inverse(c.reshape(-1, *self.shape)))


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


def radial_lines(height: int, width: int, lines: int) -> np.ndarray:
    """The number of the first line that each of `radial_frequencies` lies on, or its opposite."""
    numbers: dict[tuple[int, ...], int] = {}
    for number in range(lines):
        for point in _line(height, width, pi * number / lines):
            for place in (point, -point):
                numbers.setdefault(tuple(place.tolist()), number)
    points = radial_frequencies(height, width, lines).tolist()
    return np.array([numbers[tuple(point)] for point in points], dtype=np.int64)


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

    @property
    def layouts(self) -> dict[str, tuple[int, ...]]:
        """The real numbers of each channel."""
        return {"channels, numbers": (self.shape[0], self.m // self.shape[0])}

    @property
    def row_groups(self) -> torch.Tensor:
        """The line of each coefficient, the first where lines meet; the mean is a group of its own."""
        line = np.concatenate([[-1], *2 * [radial_lines(*self.shape[1:], self.lines)]])
        return torch.from_numpy(np.tile(line, self.shape[0]))

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
