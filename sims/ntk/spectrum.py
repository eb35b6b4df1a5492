"""The spectrum of K = J J^T at one set of weights: whole where the output is small, by Lanczos iteration where not."""

from __future__ import annotations

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.ntk.gram import jacobian_gram
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.measures import Bounds, Density, Measure, Spectrum, checked_count
from untrained.sims.ntk.sampled import LanczosSpectrum, ShareDone

__all__ = ["Bounds", "Density", "ExactSpectrum", "LanczosSpectrum", "Measure", "Spectrum", "spectrum"]

WHOLE = 4096
"""Outputs up to which the whole spectrum is taken."""


class ExactSpectrum(Spectrum):
    """All eigenvalues of a matrix K (n, n), whose rounding is n eps lambda_max in the dtype K came in."""

    exact = True

    def __init__(self, K: torch.Tensor, *, level: float = 1e-3) -> None:
        self.n, self.level = len(K), level
        self._K = K.detach().cpu().double()
        values, vectors = torch.linalg.eigh(self._K)
        self.values: np.ndarray = values.numpy()
        self._vectors: np.ndarray = vectors.numpy()
        self._floor = self.n * torch.finfo(K.dtype).eps * max(float(self.values[-1]), 0.0)

    @property
    def floor(self) -> float:
        """Eigenvalues below it are rounding."""
        return self._floor

    @property
    def largest(self) -> Bounds:
        """The largest eigenvalue."""
        return self._bounds(self.values[-1])

    @property
    def smallest(self) -> Bounds:
        """The smallest eigenvalue."""
        return self._bounds(self.values[0])

    def _bounds(self, value: float) -> Bounds:
        value = max(float(value), 0.0)
        return Bounds(max(value - self.floor, 0.0), value, value + self.floor)

    @property
    def trace(self) -> Bounds:
        """tr K."""
        value, error = float(np.trace(self._K)), self.floor * self.n**0.5
        return Bounds(max(value - error, 0.0), value, value + error)

    @property
    def effective_rank(self) -> Bounds:
        """(tr K)^2/||K||_F^2."""
        value = float(self.trace.value**2 / np.sum(self.values**2)) if self.values[-1] > 0 else 0.0
        error = 4 * self.n * self.floor / max(float(self.values[-1]), 1e-300)
        return Bounds(max(value - error, 0.0), value, value + error)

    def apply(self, u: np.ndarray) -> np.ndarray:
        """K u (n,)."""
        return self._K.numpy() @ self._checked(u)

    def measure(self, u: np.ndarray) -> Measure:
        """The spectral measure at u."""
        return Measure(np.maximum(self.values, 0), (self._vectors.T @ self._checked(u)) ** 2)

    def density(self) -> Density:
        """The measure over all directions."""
        return Density(np.maximum(self.values, 0), np.ones(self.n))

    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The largest eigenvalues and their eigenvectors."""
        c = checked_count(count, self.n)
        return np.maximum(self.values[::-1][:c], 0), self._vectors[:, ::-1][:, :c]

    def rank(self, tol: float | None = None) -> int:
        """Eigenvalues above `tol`."""
        return int(np.sum(self.values > (self.floor if tol is None else tol)))


def spectrum(
    network: Network, *, seed: int = 0, exact: bool | None = None, steps: int = 120, probes: int = 8,
    level: float = 1e-3, progress: ShareDone | None = None,
) -> Spectrum:  # fmt: skip
    """Take the spectrum of J J^T: whole where `exact`, by default up to 4096 outputs, else from products with it.

    Raises
    ------
    ValueError
        where the whole matrix does not fit into memory, or the network allows no products J v.
    """
    if network.n <= WHOLE if exact is None else exact:
        return ExactSpectrum(jacobian_gram(network), level=level)
    return LanczosSpectrum(Jacobian(network), seed=seed, steps=steps, probes=probes, level=level, progress=progress)
