"""What the linearised network promises: fit curves, denoising and its early stopping, compressed sensing.

Near theta_0 descent moves the output as f_t = f_0 + J c_t, so all follows from the spectral measure of J J^T at the
vectors concerned: residuals shrink by 1 - eta lambda_i along eigenvector w_i. Source: heckel20a (linear least squares,
denoising), heckel20b (smoothest interpolant).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsqr

from untrained.sims.diagnosis.range_geometry.isometry import RowMap
from untrained.sims.lanczos import lanczos
from untrained.sims.ntk.spectrum import Measure, Spectrum

LONGEST = 1e12
"""Steps beyond which a fit counts as never."""


def _decay(step: float, eigenvalues: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(1 - eta lambda)^tau, (T, k), for real tau and eta lambda in [0, 1]."""
    base = np.clip(1 - step * eigenvalues, 0, 1)
    with np.errstate(divide="ignore"):
        logs = np.log(base)
    return np.exp(np.where(times[:, None] > 0, times[:, None] * np.maximum(logs, -1e4)[None], 0.0))


def misfits(measure: Measure, step: float, times: np.ndarray) -> np.ndarray:
    """Predicted ||r_tau|| at each time, from the spectral measure at r_0; (T,).

    Source: heckel20a, r_tau = sum_i (1 - eta sigma_i^2)^tau <w_i, r_0> w_i
    """
    return np.sqrt(_decay(step, measure.nodes, np.asarray(times, float)) ** 2 @ measure.weights)


def fit_time(measure: Measure, step: float, share: float) -> float:
    """Steps until the predicted misfit is `share` of the first one, infinite where it never is; whole steps.

    Raises
    ------
    ValueError
        where the share is not strictly between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie strictly between 0 and 1, got {share}")
    goal = share * np.sqrt(measure.weights.sum())
    low, high = 0.0, np.log2(LONGEST)
    if misfits(measure, step, np.array([LONGEST]))[0] > goal:
        return float("inf")
    if misfits(measure, step, np.ones(1))[0] <= goal:
        return 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if misfits(measure, step, np.array([2**middle]))[0] <= goal else (middle, high)
    return float(np.ceil(2**high * (1 - 1e-8)))


@dataclass(frozen=True)
class Denoising:
    """Predicted E||f_tau - x||^2/n for y = x + noise of variance sigma^2 an entry, at `times`; its least, and when.

    `noisy` is sigma^2, the risk of y itself, which descent run to the end comes to.
    """

    times: np.ndarray
    risks: np.ndarray
    noisy: float

    @property
    def stop(self) -> float:
        """The best time to stop."""
        return float(self.times[int(np.argmin(self.risks))])

    @property
    def risk(self) -> float:
        """The least risk."""
        return float(self.risks.min())

    @property
    def gain(self) -> float:
        """Decibels gained on the noisy image by stopping in time."""
        return float(10 * np.log10(self.noisy / max(self.risk, 1e-300)))


def denoising(signal: Measure, density: Measure, step: float, sigma: float, longest: float = 1e7) -> Denoising:
    """Predict denoising from the measures at x - f_0 and over all directions (weights adding up to n).

    Source: heckel20a, bias and variance of its denoising bound, here as an expectation over the noise
    """
    times = np.unique(np.round(np.geomspace(1, longest, 600)))
    n = density.weights.sum()
    bias = misfits(signal, step, times) ** 2
    spread = (1 - _decay(step, density.nodes, times)) ** 2 @ density.weights
    return Denoising(times, (bias + sigma**2 * spread) / n, sigma**2)


@dataclass(frozen=True)
class Interpolant:
    """Descent on ||A f - y||^2/2 linearised at theta_0: f at `time` steps, and at the end, (n,) each.

    The end is the smoothest interpolant, f_0 + J (A J)^+ (y - A f_0).
    """

    time: float
    then: np.ndarray
    end: np.ndarray


def interpolant(
    spectrum: Spectrum, A: RowMap, y: np.ndarray, f0: np.ndarray, step: float, time: float, products: int = 60
) -> Interpolant:
    """Predict compressed sensing of y (m,) by f_t = f_0 + J c_t, all from K = J J^T.

    Where the spectrum is whole, A K A^T is too; else `products` with it make a Lanczos approximation, of which Ritz
    values below a millionth of the largest are left out. Eigenvalues below rounding are taken for 0.

    Source: heckel20b, argmin sum_i <w_i, x>^2/sigma_i^2 subject to A x = y
    """
    r = y - A.forward(f0[None])[0]
    values, components = _whole(spectrum, A, r) if spectrum.exact else _sketched(spectrum, A, r, products)
    inverse = np.where(values > 0, 1 / np.where(values > 0, values, 1), 0)
    decay = _decay(step, values, np.array([time]))[0]
    then, end = (components @ (part * inverse) for part in (1 - decay, np.ones_like(decay)))
    return Interpolant(time, *(f0 + spectrum.apply(A.adjoint(c[None])[0]) for c in (then, end)))


def _whole(spectrum: Spectrum, A: RowMap, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of A K A^T (m,), 0 where they are rounding, and the components of r along eigenvectors (m, m)."""
    KAt = np.stack([spectrum.apply(row) for row in A.matrix()])
    M = A.forward(KAt)
    values, vectors = np.linalg.eigh((M + M.T) / 2)
    floor = values[-1] * max(A.m, spectrum.n) * np.finfo(float).eps
    return np.where(values > floor, values, 0), vectors * (vectors.T @ r)


def _sketched(spectrum: Spectrum, A: RowMap, r: np.ndarray, products: int) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values (k,) of A K A^T from r, and the components of r along the Ritz vectors (m, k)."""

    def apply(c: np.ndarray) -> np.ndarray:
        return A.forward(spectrum.apply(A.adjoint(c[None])[0])[None])[0]

    krylov = lanczos(apply, r, products)
    values, vectors = krylov.values, krylov.vectors(slice(None))
    return np.where(values > 1e-6 * values[-1], values, 0), vectors * (vectors.T @ r)


def least_norm(A: RowMap, y: np.ndarray) -> np.ndarray:
    """The image of least norm with these measurements, A^+ y (n,)."""
    rows = LinearOperator(
        (A.m, A.n), lambda x: A.forward(x.reshape(1, -1))[0], lambda c: A.adjoint(c.reshape(1, -1))[0], dtype=float
    )
    image: np.ndarray = lsqr(rows, y, atol=1e-10, btol=1e-10, iter_lim=10 * A.m)[0]
    return image
