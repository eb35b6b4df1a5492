"""Lanczos iteration on a symmetric positive semidefinite map: Ritz pairs, Gauss rules, bounds on the extremes.

It is the one iteration for extreme eigenvalues: of J J^T, of changes of J, and of A^T A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import brentq

Apply = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Krylov:
    """K Q = Q T + beta_k q_{k+1} e_k^T for orthonormal columns Q (n, k): T has the diagonal `alphas` (k,) and beside
    it betas[:-1]; the last of the `betas` (k,) is beta_k, which is 0 where the space is invariant.
    """

    alphas: np.ndarray
    betas: np.ndarray
    Q: np.ndarray

    @cached_property
    def _eigen(self) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = eigh_tridiagonal(self.alphas, self.betas[:-1])
        return values, vectors

    @property
    def values(self) -> np.ndarray:
        """Ritz values (k,), increasing."""
        return self._eigen[0]

    @property
    def residuals(self) -> np.ndarray:
        """||K x - theta x|| (k,) of each Ritz pair: an eigenvalue lies within it of theta."""
        return self.betas[-1] * np.abs(self._eigen[1][-1])

    def vectors(self, places: slice) -> np.ndarray:
        """Ritz vectors (n, c) of the values at these places."""
        return self.Q @ self._eigen[1][:, places]

    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights (k,) of the Gauss rule for u^T f(K) u, u the unit start; the weights add up to 1.

        Source: Golub and Meurant, Matrices, Moments and Quadrature, 2010, Theorem 6.2
        """
        return self.values, self._eigen[1][0] ** 2


def lanczos(
    apply: Apply, start: np.ndarray, steps: int, *, tolerance: float = 0.0, basis: bool = True, strict: bool = True
) -> Krylov:
    """Run up to `steps` steps from a vector (n,); fewer where the space closes before.

    It also ends where an eigenvalue lies within `tolerance`, relatively, of the largest Ritz value. With `basis` each
    vector is made orthogonal to all before it, twice; without, only the last two vectors are held, and Q is empty: lost
    orthogonality repeats Ritz values, but does not move the largest. Where the map gives what is not finite, the steps
    before that are returned if it is not to be `strict`.

    Raises
    ------
    ValueError
        where the start is zero or not finite, where steps is below 1, or where the map gives what is not finite.
    """
    size = float(np.linalg.norm(start))
    if not (np.isfinite(size) and size > 0):
        raise ValueError(f"start must be a finite vector other than zero, got one of norm {size}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    k = min(steps, len(start)) if basis else steps
    Q = np.empty((len(start), k if basis else 0), order="F")
    alphas, betas = np.zeros(k), np.zeros(k)
    before, q = np.zeros_like(start), start / size
    for j in range(k):
        if basis:
            Q[:, j] = q
        w = apply(q)
        if not np.isfinite(w).all():
            if strict:
                raise ValueError("the map must give finite numbers, got a NaN or an infinity")
            return Krylov(alphas[:j], betas[:j], Q[:, :j])
        alphas[j] = q @ w
        scale = max(float(np.linalg.norm(w)), float(np.abs(alphas).max()), float(betas.max()))
        w = _orthogonal(w, Q[:, : j + 1]) if basis else w - alphas[j] * q - (betas[j - 1] if j else 0.0) * before
        betas[j] = np.linalg.norm(w)
        closed = betas[j] <= 10 * np.finfo(float).eps * np.sqrt(k) * scale
        if closed or (tolerance and _is_settled(alphas[: j + 1], betas[: j + 1], tolerance)):
            betas[j] = 0.0 if closed else betas[j]
            return Krylov(alphas[: j + 1], betas[: j + 1], Q[:, : j + 1])
        before, q = q, w / betas[j]
    if k == len(start):
        betas[-1] = 0.0
    return Krylov(alphas, betas, Q)


def _orthogonal(w: np.ndarray, Q: np.ndarray) -> np.ndarray:
    for _ in range(2):  # twice is enough to be orthogonal to rounding
        w = w - Q @ (Q.T @ w)
    return w


def _is_settled(alphas: np.ndarray, betas: np.ndarray, tolerance: float) -> bool:
    krylov = Krylov(alphas, betas, np.empty((0, 0)))
    return bool(krylov.residuals[-1] <= tolerance * krylov.values[-1])


def largest_eigenvalue(
    apply: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, *, tolerance: float = 1e-4, steps: int = 300
) -> float:
    """Return the largest eigenvalue of a map on tensors (n,), to a relative tolerance; it grows to it from below.

    Only two vectors are held at a time. Where the map is 0 so is what is returned.
    """
    krylov = lanczos(_on_arrays(apply, start), _array(start), steps, tolerance=tolerance, basis=False)
    return float(krylov.values[-1])


def leading_vector(apply: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, steps: int) -> torch.Tensor:
    """Return the unit Ritz vector (n,) of the largest eigenvalue after `steps` steps at most.

    It is that of fewer where what the map gives is not finite, and the start itself where it never is.
    """
    krylov = lanczos(_on_arrays(apply, start), _array(start), steps, strict=False)
    if not len(krylov.alphas):
        return start / start.norm()
    u = torch.from_numpy(krylov.vectors(slice(-1, None))[:, 0]).to(start)
    return u / u.norm()


def _array(x: torch.Tensor) -> np.ndarray:
    array: np.ndarray = x.detach().cpu().double().numpy()
    return array


def _on_arrays(apply: Callable[[torch.Tensor], torch.Tensor], like: torch.Tensor) -> Apply:
    return lambda q: _array(apply(torch.from_numpy(q).to(like)))


def beyond_largest(krylov: Krylov, level: float) -> float:
    """Return what the largest eigenvalue passes with probability `level` at most, for a start uniform on the sphere.

    With p = det(x - T), ||p(K) u||^2 = (beta_1 ... beta_k)^2 is at least p(lambda_1)^2 <w_1, u>^2, and |<w_1, u>| < t
    has a probability of sqrt(2n/pi) t at most. Eigenvalues above the Ritz values cannot hide from a random start.

    Source: van Dorsselaer, Hochstenbach and van der Vorst, SIAM J. Matrix Anal. Appl. 22, 2000

    Raises
    ------
    ValueError
        where the level is not strictly between 0 and 1.
    """
    top = float(krylov.values[-1])
    return top + _gap(top - krylov.values, krylov, level)


def below_smallest(krylov: Krylov, level: float) -> float:
    """Return what the smallest eigenvalue is below with probability `level` at most; never below 0.

    Source: as for `beyond_largest`

    Raises
    ------
    ValueError
        where the level is not strictly between 0 and 1.
    """
    least = float(krylov.values[0])
    return max(0.0, least - _gap(krylov.values - least, krylov, level))


def _gap(distances: np.ndarray, krylov: Krylov, level: float) -> float:
    """The x >= 0 at which the product of (distances + x)/beta reaches 1/t."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
    if krylov.betas[-1] == 0:
        return 0.0
    goal = float(np.log(krylov.betas).sum()) - np.log(level) + 0.5 * np.log(2 * len(krylov.Q) / np.pi)

    def excess(s: float) -> float:
        return float(np.log(distances + np.exp(s)).sum()) - goal

    high = float(np.log(max(distances.max(), krylov.betas.max()))) + 1
    while excess(high) < 0:
        high += 1
    low = high - 1
    while excess(low) > 0 and low > high - 200:
        low -= 4
    return float(np.exp(low if excess(low) > 0 else brentq(excess, low, high, xtol=1e-12)))
