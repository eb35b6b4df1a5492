"""What a spectrum of K = J J^T is asked for: spectral measures, and numbers with their error bars."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Measure:
    """A spectral measure: eigenvalues or what stands for them (k,), and their weights (k,)."""

    nodes: np.ndarray
    weights: np.ndarray

    def integral(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Sum of weights f(nodes)."""
        return float(self.weights @ f(self.nodes))


@dataclass(frozen=True)
class Density(Measure):
    """The measure over all directions, weights adding up to n; the mean of `probes`, none where it is exact."""

    probes: tuple[Measure, ...] = ()

    def error(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Standard error of the integral, from the spread between the probes."""
        if not self.probes:
            return 0.0
        return float(np.std([probe.integral(f) for probe in self.probes], ddof=1) / np.sqrt(len(self.probes)))


@dataclass(frozen=True)
class Bounds:
    """A number with the ends of its error bar."""

    low: float
    value: float
    high: float


class Spectrum(ABC):
    """Eigenvalues sigma_i^2 of K = J J^T (n, n). All error bars together fail with probability `level` at most, and
    eigenvalues below `floor` cannot be told from rounding.
    """

    n: int
    exact: bool
    level: float

    @property
    @abstractmethod
    def floor(self) -> float:
        """Eigenvalues below it are rounding."""

    @property
    @abstractmethod
    def largest(self) -> Bounds:
        """The largest eigenvalue, sigma_max^2."""

    @property
    @abstractmethod
    def smallest(self) -> Bounds:
        """The smallest eigenvalue, sigma_min^2 where n <= count; its high end is a Rayleigh quotient."""

    @property
    @abstractmethod
    def trace(self) -> Bounds:
        """tr K = ||J||_F^2."""

    @property
    @abstractmethod
    def effective_rank(self) -> Bounds:
        """(tr K)^2/||K||_F^2."""

    @abstractmethod
    def apply(self, u: np.ndarray) -> np.ndarray:
        """K u (n,) of a vector u (n,)."""

    @abstractmethod
    def measure(self, u: np.ndarray) -> Measure:
        """Weights <w_i, u>^2 at the eigenvalues, or their Gauss rule; they add up to ||u||^2."""

    @abstractmethod
    def density(self) -> Density:
        """Weight 1 at each eigenvalue, or an estimate from random probes."""

    @abstractmethod
    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The largest eigenvalues (c,), decreasing, and their eigenvectors (n, c); c < count where fewer are known."""

    @abstractmethod
    def rank(self, tol: float | None = None) -> int:
        """Eigenvalues above `tol`, by default the floor.

        Raises
        ------
        ValueError
            where the spectrum is not exact.
        """

    def _checked(self, u: np.ndarray) -> np.ndarray:
        if np.shape(u) != (self.n,):
            raise ValueError(f"u must have shape ({self.n},), got {np.shape(u)}")
        return np.asarray(u, np.float64)


def checked_count(count: int, n: int) -> int:
    """The count, or n where it is more.

    Raises
    ------
    ValueError
        where it is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    return min(count, n)
