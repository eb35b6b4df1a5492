"""Orthonormal transforms of images, DCT-II and Walsh-Hadamard, and operators of random rows of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

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
