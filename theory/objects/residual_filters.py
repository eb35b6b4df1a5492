"""Gradient descent from 0 on (1/2)||J c - y||^2, y = x + z, z ~ N(0, (noise^2/n) I): filters, exact risk, stopping.

In the eigenbasis of J J^T, eigenvalues sigma_i^2, tau steps of length eta leave (1 - eta sigma_i^2)^tau y_i of y_i.
Coefficients and spectra are aligned arrays (n,). Source: heckel20a, the linear warm-up and the denoising theorem
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from untrained.theory.laws.quadratic_forms import QuadraticForm
from untrained.theory.objects.shapes import Array, real_array, same_length, whole_number


def residual_filter(values: Array, eta: float, tau: float) -> Array:
    """(1 - eta sigma_i^2)^tau, what is left of each coefficient of y.

    Raises
    ------
    ValueError
        where the spectrum has a negative value, the descent diverges, or tau is negative, or not whole where a base is
        negative.
    """
    base = 1 - _stable_steps(values, eta)
    if not tau >= 0:
        raise ValueError(f"tau must be at least 0, got {tau}")
    if tau != int(tau) and base.min() < 0:
        raise ValueError(f"tau must be whole where eta is above the inverse of the largest value, got {tau}")
    result: Array = base**tau
    return result


def _stable_steps(values: Array, eta: float) -> Array:
    spectrum = real_array("spectrum", values, 1)
    if spectrum.min() < 0:
        raise ValueError(f"spectrum must not be negative, got {spectrum.min()}")
    if not 0 < eta * spectrum.max() <= 2:
        raise ValueError(f"eta must lie above 0 and at most at 2 over the largest value, got {eta}")
    return eta * spectrum


def iterate(observation: Array, values: Array, eta: float, tau: float) -> Array:
    """The fit after tau steps, (1 - (1 - eta sigma_i^2)^tau) y_i, from the coefficients y_i."""
    same_length("observation", len(observation), "spectrum", len(values))
    result: Array = (1 - residual_filter(values, eta, tau)) * observation
    return result


@dataclass(frozen=True)
class LinearDenoising:
    """A signal by its coefficients, a spectrum, a step, and the noise: E||z||^2 = noise^2."""

    signal: Array
    values: Array
    eta: float
    noise: float

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        same_length("signal", len(real_array("signal", self.signal, 1)), "spectrum", len(self.values))
        _stable_steps(self.values, self.eta)
        if not self.noise > 0:
            raise ValueError(f"noise must be positive, got {self.noise}")

    @property
    def variance(self) -> float:
        """Of one coefficient of z."""
        return self.noise**2 / len(self.signal)

    def error(self, tau: float) -> QuadraticForm:
        """The law of ||iterate - x||^2: sum_i ((1 - q_i) z_i - q_i x_i)^2, q_i the residual filter."""
        left = residual_filter(self.values, self.eta, tau)
        return QuadraticForm(-left * self.signal, (1 - left) * math.sqrt(self.variance))

    def noise_part(self, tau: float) -> QuadraticForm:
        """The law of sum_i (1 - q_i)^2 z_i^2: E(z)^2 of the theorem."""
        error = self.error(tau)
        return QuadraticForm(np.zeros_like(error.offsets), error.deviations)

    def risk(self, tau: float) -> float:
        """E||iterate - x||^2."""
        return self.error(tau).mean

    def best_linear_risk(self) -> float:
        """The risk of the best filter c_i y_i, which knows x: c_i = x_i^2/(x_i^2 + variance) (Wiener)."""
        power = np.square(self.signal)
        return float((power * self.variance / (power + self.variance)).sum())

    def best_stop(self) -> tuple[int, float]:
        """The whole tau of least risk and that risk, certainly the least of all; the first, where several are.

        Between two taus the risk is at least the signal's part at the later and the noise's at the earlier: intervals
        are halved in the order of this bound. Asks for eta sigma_i^2 <= 1, where both parts are monotone.

        Raises
        ------
        ValueError
            where a step is longer than that.
        """
        last = self._last_useful_step()
        waiting = [(self._least_between(0, last), 0, last)]
        while True:
            bound, first, end = heapq.heappop(waiting)
            if first == end:
                return first, bound
            middle = (first + end) // 2
            for low, high in ((first, middle), (middle + 1, end)):
                heapq.heappush(waiting, (self._least_between(low, high), low, high))

    def _last_useful_step(self) -> int:
        """No coefficient's own risk falls after it: x_i^2 q_i = (1 - q_i) variance is passed for all."""
        steps = self.eta * np.asarray(self.values, dtype=float)
        if steps.max() > 1:
            raise ValueError(f"eta must be at most 1 over the largest value for a best stop, got {self.eta}")
        power = np.square(self.signal)
        use = (power > 0) & (steps > 0) & (steps < 1)
        times = -np.log1p(power[use] / self.variance) / np.log1p(-steps[use])
        return max(1, math.ceil(float(times.max(initial=0.0))))

    def _least_between(self, first: int, end: int) -> float:
        early, late = (residual_filter(self.values, self.eta, tau) for tau in (first, end))
        return float((np.square(late * self.signal) + np.square(1 - early) * self.variance).sum())


def unbiased_risk(observation: Array, values: Array, eta: float, tau: float, noise: float) -> float:
    """Stein's estimate of the risk from y alone: ||y - iterate||^2 - noise^2 + 2 (noise^2/n) degrees of freedom."""
    left = residual_filter(values, eta, tau)
    n = same_length("observation", len(observation), "spectrum", len(values))
    misfit = float(np.square(left * observation).sum())
    return misfit - noise**2 + 2 * noise**2 / n * degrees_of_freedom(values, eta, tau)


def degrees_of_freedom(values: Array, eta: float, tau: float) -> float:
    """Trace of the smoother, sum_i (1 - (1 - eta sigma_i^2)^tau): exact, as the iterate is linear in y."""
    return float((1 - residual_filter(values, eta, tau)).sum())


def early_stopping_time(values: Array, eta: float, p: int) -> float:
    """log(1 - sqrt(p/n))/log(1 - eta sigma_{p+1}^2), sigma_1^2 >= sigma_2^2 >= ...; a real number.

    Raises
    ------
    ValueError
        where p is not below n, splits equal values (a pair of cos and sin), or eta sigma_{p+1}^2 is not in (0, 1).
    """
    p = whole_number("p", p, 1)
    spectrum = np.sort(real_array("spectrum", values, 1))[::-1]
    if p >= len(spectrum):
        raise ValueError(f"p must be below {len(spectrum)}, got {p}")
    if spectrum[p - 1] <= spectrum[p] * (1 + 1e-9):
        raise ValueError(f"p must not split equal values such as those of a pair of cos and sin, got {p}")
    step = eta * spectrum[p]
    if not 0 < step < 1:
        raise ValueError(f"eta times value {p + 1} of the spectrum must lie between 0 and 1, got {step}")
    return math.log1p(-math.sqrt(p / len(spectrum))) / math.log1p(-step)
