"""Fourier coefficients that several receiver coils see, on some columns of the Cartesian grid: parallel imaging."""

from __future__ import annotations

from functools import lru_cache
from math import tau
from typing import Any

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape
from untrained.sims.random.streams import stream

RING = 1.5
"""Distance of the coils from the middle, in half sides: outside the corners, which are at 2^(1/2)."""
CENTRE = 0.08
"""Share of the columns that are sampled in the centre, as is usual at fourfold acceleration."""
COLUMN_RULES = ("random", "equispaced")
"""How columns outside the centre are chosen."""


def coil_sensitivities(coils: int, height: int, width: int) -> np.ndarray:
    """Smooth complex sensitivities S_c, (coils, H, W), of coils evenly on a ring; sum_c |S_c|^2 = 1 at every pixel.

    Before they are normalised |S_c| is the inverse distance from coil c, and its phase the direction from there,
    counted from the direction of the coil: the field of a straight wire across the plane.

    Source: the birdcage coil of magnetic resonance imaging, idealised.
    """
    rows, columns = (((2 * np.arange(side) + 1) / side - 1) for side in (height, width))
    turns = np.exp(1j * tau * np.arange(coils) / coils)[:, None, None]
    S = turns.conj() / (columns[None, None, :] + 1j * rows[None, :, None] - RING * turns).conj()
    sensitivities: np.ndarray = S / np.sqrt((np.abs(S) ** 2).sum(0))
    return sensitivities


def sampled_columns(width: int, count: int, centre: int, columns: str, seed: int) -> np.ndarray:
    """Frequencies of the sampled columns in increasing order, zero in the middle of W: `centre` low ones, and others.

    The others, count - centre of them, are drawn without replacement, or lie evenly among all that are left, from an
    offset that is drawn.
    """
    frequencies = np.arange(width) - width // 2
    first = width // 2 - centre // 2
    outside = np.delete(frequencies, np.s_[first : first + centre])
    extra, rng = count - centre, stream(seed, "A")
    if columns == "random":
        chosen = rng.permutation(len(outside))[:extra]
    else:
        chosen = np.floor((np.arange(extra) + rng.random()) * len(outside) / max(1, extra)).astype(np.int64)
    return np.sort(np.concatenate([frequencies[first : first + centre], outside[chosen]]))


class MulticoilFourier(Operator):
    """y_c = M F (S_c x) for coils c: the columns of the orthonormal transform that are sampled, of each channel.

    The image is real and S_c x is complex, so real and imaginary parts of all coefficients are measurements: for each
    channel first the real parts, coil by coil and row by row, then the imaginary ones. m may be above n: for a real
    image it is 2 coils/acceleration times n. round(W/acceleration) columns are sampled, of which round(centre W), at
    least one, are the lowest frequencies. A^T A <= I, and = I where every column is sampled.

    Source: heckel20b Section 5 (multi-coil measurements of magnetic resonance imaging).
    """

    name = "multicoil"
    _complex = True

    def __init__(
        self,
        shape: Shape,
        coils: int,
        acceleration: float,
        centre: float = CENTRE,
        columns: str = "random",
        seed: int = 0,
    ) -> None:
        width = shape[2]
        count, lowest = column_counts(width, acceleration, centre)
        super().__init__(shape, 2 * shape[0] * coils * shape[1] * count, seed)
        self.coils, self.acceleration, self.centre, self.columns = coils, acceleration, centre, columns
        self.gain = count / width
        self.places = torch.from_numpy(sampled_columns(width, count, lowest, columns, seed) % width)

    @property
    def coefficients(self) -> int:
        """Complex coefficients of a channel, of all coils."""
        return self.m // (2 * self.shape[0])

    @property
    def options(self) -> dict[str, Any]:
        """Coils, acceleration, share of columns in the centre, and how the others are chosen."""
        return {
            "coils": self.coils, "acceleration": self.acceleration, "centre": self.centre, "columns": self.columns
        }  # fmt: skip

    @property
    def layouts(self) -> dict[str, tuple[int, ...]]:
        """The sampled columns, as each coil sees each channel."""
        return {"channels, coils, height, columns": (self.shape[0], self.coils, self.shape[1], len(self.places))}

    @property
    def memory(self) -> int:
        """Bytes of the columns and, in float32, of the sensitivities and of one image's coil images."""
        return super().memory + 8 * (1 + self.shape[0]) * self.coils * self.shape[1] * self.shape[2]

    @property
    def row_groups(self) -> torch.Tensor:
        """The column of each row."""
        return self.places.cpu().repeat(self.m // len(self.places))

    def mask(self) -> torch.Tensor:
        """The sampled frequencies, (H, W) of bool, with the zero frequency at (H//2, W//2)."""
        row = torch.zeros(self.shape[2], dtype=torch.bool)
        row[self.places.cpu()] = True
        return row.roll(self.shape[2] // 2).expand(self.shape[1:]).clone()

    def real_rows(self, y: torch.Tensor) -> torch.Tensor:
        """Complex coefficients in one row as the real ones: of each channel real parts, then imaginary ones."""
        return torch.view_as_real(y.resolve_conj()).reshape(self.shape[0], -1, 2).mT.flatten()

    def _maps(self, like: torch.Tensor) -> torch.Tensor:
        kind = torch.complex64 if like.dtype == torch.float32 else torch.complex128
        return _tensor_maps(self.coils, *self.shape[1:], kind, like.device)

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        rows = torch.fft.fft(x[:, :, None] * self._maps(x), norm="ortho")[..., self.places]
        spectrum = torch.fft.fft(rows, dim=-2, norm="ortho")
        return torch.stack([spectrum.real, spectrum.imag], 2).flatten(1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        parts = y.reshape(len(y), channels, 2, self.coils, height, len(self.places))
        rows = torch.fft.ifft(torch.complex(parts[:, :, 0], parts[:, :, 1]), dim=-2, norm="ortho")
        whole = rows.new_zeros(*rows.shape[:-1], width)
        whole[..., self.places] = rows
        return (torch.fft.ifft(whole, norm="ortho") * self._maps(y).conj()).sum(2).real


def column_counts(width: int, acceleration: float, centre: float) -> tuple[int, int]:
    """Numbers of all sampled columns and of those in the centre, each at least one."""
    return max(1, round(width / acceleration)), max(1, round(centre * width))


@lru_cache(maxsize=16)
def _tensor_maps(coils: int, height: int, width: int, kind: torch.dtype, device: torch.device) -> torch.Tensor:
    # A tensor made in inference mode could later take no part in a differentiated product.
    with torch.inference_mode(False):
        return torch.from_numpy(coil_sensitivities(coils, height, width)).to(device, kind)
