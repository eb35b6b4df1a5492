"""Random rows of an orthonormal transform, after random signs of the pixels or not."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Product, Shape
from untrained.sims.operators.transforms import dct2, inverse_dct2, walsh_hadamard2
from untrained.sims.random.streams import stream


class SubsampledTransform(Operator):
    """m coefficients of a transform of each channel, drawn without replacement from all C H W of them.

    The scrambled kinds flip the sign of each pixel at random first, which spreads a natural image evenly over the
    coefficients.
    """

    orthonormal = True
    maps: ClassVar[dict[str, tuple[Product, Product]]] = {
        "dct": (dct2, inverse_dct2),
        "hadamard": (walsh_hadamard2, walsh_hadamard2),
    }

    def __init__(self, name: str, shape: Shape, m: int, seed: int = 0) -> None:
        super().__init__(shape, m, seed)
        self.name, self.gain = name, m / self.n
        self._forward, self._inverse = self.maps[name.removeprefix("scrambled-")]
        rng = stream(seed, "A")
        self.kept = torch.from_numpy(np.sort(rng.permutation(self.n)[:m]))
        scrambled = name.startswith("scrambled-")
        self.signs = torch.from_numpy(rng.integers(2, size=shape, dtype=np.int8) * 2 - 1) if scrambled else None

    def _signed(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.signs is None else x * self.signs

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return self._forward(self._signed(x)).reshape(-1, self.n)[:, self.kept]

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        c = y.new_zeros(len(y), self.n)
        c[:, self.kept] = y
        return self._signed(self._inverse(c.reshape(-1, *self.shape)))
