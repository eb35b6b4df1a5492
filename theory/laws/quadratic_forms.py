"""The law of Q = sum_i (a_i + b_i z_i)^2 for independent standard normal z_i: a generalised non-central chi-square.

ln E e^{sQ} = K(s) = sum a_i^2 s/(1 - 2 b_i^2 s) - ln(1 - 2 b_i^2 s)/2, and P(Q > x) is the integral of e^{K(s) - sx}/s
over a path that crosses the real axis between 0 and the first pole, over 2 pi i; crossing below 0 gives -P(Q <= x).
Imhof (1961) takes the imaginary axis; a parabola through the saddle point keeps all digits of a small tail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

from untrained.theory.objects.shapes import Array, real_array, same_length

_NEAREST = 0.5 * (1 - 1e-12)
"""How near to the pole at 1/2 a saddle is looked for: further out there is no tail left to speak of."""


@dataclass(frozen=True)
class QuadraticForm:
    """Q = sum_i (offsets_i + deviations_i z_i)^2, both of shape (n,)."""

    offsets: Array
    deviations: Array

    def __post_init__(self) -> None:
        """Refuse arrays of other shapes, or of two lengths."""
        a, b = real_array("offsets", self.offsets, 1), real_array("deviations", self.deviations, 1)
        if a.ndim != 1 or b.ndim != 1:
            raise ValueError(f"offsets and deviations must have shape (n,), got {a.shape} and {b.shape}")
        same_length("offsets", len(a), "deviations", len(b))

    @property
    def mean(self) -> float:
        """E Q."""
        return float(np.square(self.offsets).sum() + np.square(self.deviations).sum())

    @property
    def deviation(self) -> float:
        """Standard deviation of Q."""
        a, b = np.square(self.offsets), np.square(self.deviations)
        return math.sqrt(float((2 * b**2 + 4 * a * b).sum()))

    def above(self, x: float) -> float:
        """P(Q > x), to a small relative error in a small tail too."""
        return self._upper(x) if x >= self.mean else 1 - self._lower(x)

    def below(self, x: float) -> float:
        """P(Q <= x), to a small relative error in a small tail too."""
        return self._lower(x) if x < self.mean else 1 - self._upper(x)

    def _upper(self, x: float) -> float:
        if not self._scale or self._slope(x, _NEAREST) < 0:
            return 0.0
        return self._crossing(x, self._saddle(x, 1e-300, _NEAREST))

    def _lower(self, x: float) -> float:
        if x <= self._least:
            return 0.0
        low = -1.0
        while self._slope(x, low) > 0:
            low *= 4
        return -self._crossing(x, self._saddle(x, low, -1e-300))

    @cached_property
    def _scale(self) -> float:
        return float(np.square(self.deviations).max(initial=0.0))

    @cached_property
    def _least(self) -> float:
        """What of Q is certain: the squares without noise."""
        return float(np.square(self.offsets[self.deviations == 0]).sum())

    @cached_property
    def _squares(self) -> tuple[Array, Array]:
        """a_i^2 and b_i^2 in the unit of the largest b_i^2."""
        return np.square(self.offsets) / self._scale, np.square(self.deviations) / self._scale

    def _slope(self, x: float, s: float) -> float:
        """(K(s) - s x - ln|s|)' at s; it rises from the left to the right of either half-line."""
        a, b = self._squares
        rest = 1 / (1 - 2 * b * s)
        return float((a * rest**2 + b * rest).sum() - x / self._scale - 1 / s)

    def _saddle(self, x: float, low: float, high: float) -> float:
        result: float = brentq(lambda s: self._slope(x, s), low, high, xtol=1e-14 * abs(low), rtol=1e-12)
        return result

    def _crossing(self, x: float, saddle: float) -> float:
        """Integral of e^{K(s) - sx}/s over s = saddle + iu + bend u^2, over 2 pi i, u in `unit` w.

        Raises
        ------
        ArithmeticError
            where the quadrature does not reach a relative error of 1e-6.
        """
        unit, bend, end = self._path(x, saddle)
        peak = self._exponent(x, np.array([saddle], dtype=complex))[0].real

        def height(w: float) -> float:
            u = w * unit
            s = complex(saddle + bend * u * u, u)
            weight = np.exp(self._exponent(x, np.array([s]))[0] - peak)
            return float((weight / s * complex(1, -2 * bend * u)).real)

        total, error = quad(height, 0, end, epsabs=0, epsrel=1e-10, limit=400)[:2]
        if not error <= 1e-6 * abs(total):
            raise ArithmeticError(f"the law of a quadratic form must have six digits, got {total} to {error}")
        return float(math.exp(peak) * unit * total / math.pi)

    def _exponent(self, x: float, s: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """K(s) - s x for each s."""
        a, b = self._squares
        gap = 1 - 2 * np.multiply.outer(s, b)
        result: NDArray[np.complex128] = (a * s[:, None] / gap - 0.5 * np.log(gap)).sum(1) - s * (x / self._scale)
        return result

    def _path(self, x: float, saddle: float) -> tuple[float, float, float]:
        """The unit of u, the bend, and the last w: steepest descent's bend, or the largest part of it that goes down.

        Where heights have fallen by e^{-50} the path may go on straight up, along which they fall further.
        """
        a, b = self._squares
        rest = 1 / (1 - 2 * b * saddle)
        curvature = float((4 * a * b * rest**3 + 2 * b**2 * rest**2).sum()) + saddle**-2
        third = float((24 * a * b**2 * rest**4 + 8 * b**3 * rest**3).sum()) - 2 * saddle**-3
        unit, w = 1 / math.sqrt(curvature), np.geomspace(1e-2, 1e5, 120)
        bend = max(third, 0.0) / (6 * curvature) + 0.01 / unit
        while bend * unit > 1e-9:
            s: NDArray[np.complex128] = np.asarray(saddle + w * unit * (1j + bend * w * unit), dtype=np.complex128)
            heights = self._exponent(x, s).real - np.log(np.abs(s))
            low = heights < heights[0] - 50
            last = int(low.argmax()) if low.any() else len(w) - 1
            if (np.diff(heights[: last + 1]) <= 1e-9).all():
                return unit, bend, float(w[last]) if low.any() else math.inf
            bend /= 2
        return unit, 0.0, math.inf
