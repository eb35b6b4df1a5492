"""How many dimensions a network's range has, and a move in it that a measurement of fewer numbers does not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.diagnosis.range_geometry.isometry import RowMap, isometry_ratios, known_range
from untrained.sims.networks.network import Network
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.spectrum import Spectrum
from untrained.sims.random.streams import stream

SIZES = 12
"""Sizes of the step of a witness, each a quarter of the one before."""
CORRECTIONS = 6
"""Chord steps that make a witness exact at each size."""
APART = 1e-6
"""Least ||d||/||G|| of a difference that counts, so that rounding (1e-16 of G) stays below 1e-10 of d."""


@dataclass(frozen=True)
class Dimension:
    """The range of G near theta_0 has at least `least` dimensions, and exactly so many where `exact`."""

    least: int
    exact: bool

    def hidden_by(self, m: int) -> bool | None:
        """Whether m measurements must miss some direction of it: m < p; None where this is open."""
        return True if m < self.least else False if self.exact else None


def dimension(
    spectra: Sequence[Spectrum], network: Network | None = None, *, sketch: int = 64, seed: int = 0
) -> Dimension:
    """Rank of J, the most over several starts; from spectra that are not whole, a lower bound by sketches of `network`.

    J Omega has the rank of J, or that of Omega (count, sketch) where this is less, with probability 1: rank(J Omega) is
    never more than rank(J). Ranks are counted above rounding.

    Raises
    ------
    ValueError
        where there is no spectrum, or none is whole and no network is given.
    """
    if not spectra:
        raise ValueError("spectra must be at least one, got none")
    whole = [one.rank() for one in spectra if one.exact]
    if whole:
        return Dimension(max(whole), True)
    if network is None:
        raise ValueError("network must be given where no spectrum is whole, got none")
    return Dimension(sketched_rank(Jacobian(network), sketch, seed), False)


def sketched_rank(jacobian: Jacobian, columns: int, seed: int = 0) -> int:
    """Rank of J Omega for a Gaussian Omega (count, columns): at most that of J.

    Raises
    ------
    ValueError
        where columns is below 1, or the network allows no products J v.
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    rng, size = stream(seed, "reach", "sketch"), min(columns, jacobian.n, jacobian.count)
    draws = (torch.from_numpy(rng.standard_normal(jacobian.count)) for _ in range(size))
    sketch = np.stack([jacobian.forward(omega).cpu().double().numpy() for omega in draws], 1)
    values = np.linalg.svd(sketch, compute_uv=False)
    # Squared as eigenvalues of J J^T are, so that a rank means the same for both.
    floor = jacobian.n * torch.finfo(jacobian.network.dtype).eps
    return int((values**2 > floor * values[0] ** 2).sum())


@dataclass(frozen=True)
class Witness:
    """Moves theta_0 -> theta_0 + step (count,) that A hardly sees: ||A d||^2/||d||^2 for ever smaller ones.

    `sizes` are ||step||, `ratios` those of d = G(theta_0 + step) - G(theta_0), `moved` ||d||; `difference` (n,) is the
    d of least ratio, `step` the move there.
    """

    sizes: tuple[float, ...]
    ratios: tuple[float, ...]
    moved: tuple[float, ...]
    step: torch.Tensor
    difference: np.ndarray

    @property
    def least(self) -> float:
        """The least ratio: gamma of the RIP on S - S is at most that."""
        return min(self.ratios)


def witness(network: Network, spectrum: Spectrum, A: RowMap, size: float | None = None) -> Witness | None:
    """A weight direction v with A J v = 0 and J v != 0, followed to ever smaller steps and corrected by chord steps.

    With eigenpairs (lambda, w) of J J^T, J^T w/sqrt(lambda) are orthonormal weight directions whose images are
    sqrt(lambda) w: among those that A does not see the one with the largest image is taken. None where A sees all that
    is known of the range: where its dimension, or the eigenpairs known, are not more than m.

    Raises
    ------
    ValueError
        where A does not fit the output.
    """
    roots, U = known_range(spectrum, A)
    if len(roots) <= A.m:
        return None
    B = A.forward((U * roots).T).T
    a = _unseen(B, roots)
    jacobian = Jacobian(network)
    v = jacobian.adjoint(_tensor(U @ (a / roots), network))
    follow = _Follow(network, jacobian, A, U, roots, np.linalg.pinv(B))
    return follow.down(v / v.norm(), size or 0.1 * float(network.vector().norm()))


def _unseen(B: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """The unit a (p,) with B a = 0 and the largest ||roots a||, for B (m, p), p > m."""
    null = np.linalg.qr(B.T, mode="complete")[0][:, B.shape[0] :]
    inside = np.linalg.svd(roots[:, None] * null, full_matrices=False)[2][0]
    return null @ inside


def _tensor(x: np.ndarray, network: Network) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x)).to(network.parameter(network.weights[0]))


@dataclass
class _Follow:
    """Steps along one weight direction, each corrected so that A sees nothing: w <- w - J^T U a/roots, B a = A d."""

    network: Network
    jacobian: Jacobian
    A: RowMap
    U: np.ndarray
    roots: np.ndarray
    inverse: np.ndarray

    def __post_init__(self) -> None:
        self.start = self._output(torch.zeros_like(self.network.vector()))

    def _output(self, step: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return self.network.moved(step).output().cpu().double().numpy()

    def down(self, v: torch.Tensor, size: float) -> Witness:
        """The best that corrections make of the step, from the first size on, each a quarter of the one before."""
        attempts = [self._corrected(size * 4.0**-k * v) for k in range(SIZES)]
        solved = [one for one in attempts if one is not None]
        if not solved:
            raise ValueError("network must be finite near its start, got no finite difference of outputs")
        best = min(solved, key=lambda one: one[1])
        sizes, ratios, moved = zip(*((float(s.norm()), r, float(np.linalg.norm(d))) for s, r, d in solved), strict=True)
        return Witness(sizes, ratios, moved, best[0], best[2])

    def _corrected(self, step: torch.Tensor) -> tuple[torch.Tensor, float, np.ndarray] | None:
        """The best of the step and its corrections: (step, ratio, difference)."""
        best = None
        for _ in range(CORRECTIONS + 1):
            d = self._output(step) - self.start
            if not np.isfinite(d).all() or np.linalg.norm(d) <= APART * np.linalg.norm(self.start):
                break
            ratio = float(isometry_ratios(d[None], self.A)[0])
            if best is None or ratio < best[1]:
                best = (step, ratio, d)
            a = self.inverse @ self.A.forward(d[None])[0]
            step = step - self.jacobian.adjoint(_tensor(self.U @ (a / self.roots), self.network))
        return best
