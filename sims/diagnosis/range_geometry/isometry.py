"""The RIP on differences of a network's outputs, estimated from below by ratios, and a measurement as a linear map."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.ntk.spectrum import Spectrum
from untrained.sims.operators import Operator
from untrained.sims.random.streams import stream

BATCH = 256
"""Images that an operator is given at a time."""
SPARE = 256
"""Tangents that are looked at beyond m."""
MOVES = (1e-3, 1e-2, 1e-1, 1.0)
"""Moves of the weights, relative to their norm."""


@dataclass(frozen=True)
class RowMap:
    """A (m, n) as functions on rows, in float64: `forward` (k, n) -> (k, m) and `adjoint` (k, m) -> (k, n)."""

    n: int
    m: int
    forward: Callable[[np.ndarray], np.ndarray]
    adjoint: Callable[[np.ndarray], np.ndarray]

    def check(self, n: int) -> None:
        """Check that A takes n numbers.

        Raises
        ------
        ValueError
            where it does not.
        """
        if n != self.n:
            raise ValueError(f"measurement must take {n} numbers as the network gives, got one of {self.n}")

    def matrix(self) -> np.ndarray:
        """A itself (m, n), from its adjoint."""
        return self.adjoint(np.eye(self.m))


def row_map(A: Operator | np.ndarray | torch.Tensor) -> RowMap:
    """A measurement from an operator, whose numbers may be float32 and whose products here are float64, or a matrix.

    Raises
    ------
    ValueError
        where a matrix is not two-dimensional, is empty, or has entries that are not finite numbers.
    """
    if isinstance(A, Operator):
        return RowMap(A.n, A.m, _batched(A.forward, A.shape, A), _batched(A.adjoint, (A.m,), A))
    M = np.asarray(A.detach().cpu() if isinstance(A, torch.Tensor) else A)
    if M.ndim != 2 or M.size == 0 or M.dtype.kind not in "fiu" or not np.isfinite(M).all():
        raise ValueError(f"measurement must be a matrix (m, n) of finite numbers, got shape {M.shape} of {M.dtype}")
    M = M.astype(np.float64)
    return RowMap(M.shape[1], M.shape[0], lambda x: x @ M.T, lambda y: y @ M)


def _batched(
    product: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...], A: Operator
) -> Callable[[np.ndarray], np.ndarray]:
    """The operator's product on rows, some at a time."""

    @torch.no_grad()
    def rows(x: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64)).reshape(len(x), *shape)
        products = [product(part.to(A.device or "cpu")).reshape(len(part), -1).cpu() for part in batch.split(BATCH)]
        return torch.cat(products).numpy()

    return rows


def isometry_ratios(differences: np.ndarray, A: RowMap) -> np.ndarray:
    """||A d||^2/||d||^2 (k,) of each difference d (k, n) other than zero."""
    norms = np.linalg.norm(differences, axis=1)
    units = differences[norms > 0] / norms[norms > 0, None]
    return (A.forward(units) ** 2).sum(1) if len(units) else np.zeros(0)


@dataclass(frozen=True)
class Isometry:
    """What gamma ||d||^2 <= ||A d||^2 <= beta ||d||^2 on S - S allows: gamma <= `low`, beta >= `high`; both by kind.

    Source: jagatap19 Definition 2
    """

    kinds: dict[str, tuple[float, float]]

    @property
    def low(self) -> float:
        """The least ratio seen: gamma is at most that."""
        return min(low for low, _ in self.kinds.values())

    @property
    def high(self) -> float:
        """The largest ratio seen: beta is at least that."""
        return max(high for _, high in self.kinds.values())

    @property
    def delta(self) -> float:
        """The isometry constant is at least that: the largest |ratio - 1|."""
        return max(self.high - 1, 1 - self.low)

    @property
    def factor(self) -> float:
        """beta/gamma - 1, by which a step of Net-PGD shrinks ||y - A x||^2, is at least that; below 1 it may contract.

        Source: jagatap19 Theorem 1, with the constants of its loss form
        """
        return self.high / self.low - 1 if self.low > 0 else math.inf

    @property
    def refuted(self) -> bool:
        """Whether beta < 2 gamma was seen to fail."""
        return not self.factor < 1


def known_range(spectrum: Spectrum, A: RowMap) -> tuple[np.ndarray, np.ndarray]:
    """Singular values of J (p,) above rounding and their left singular vectors (n, p): m + SPARE of them at most.

    Raises
    ------
    ValueError
        where A does not fit the output.
    """
    A.check(spectrum.n)
    values, vectors = spectrum.leading(min(spectrum.n, A.m + SPARE))
    certain = values > spectrum.floor
    return np.sqrt(values[certain]), vectors[:, certain]


def tangent(spectrum: Spectrum, A: RowMap) -> tuple[float, float]:
    """Least and largest ||A J v||^2/||J v||^2 over all v; these are limits of differences, so the RIP must hold there.

    Of a spectrum that is not whole only the leading directions known are taken, which gives less of an answer.

    Raises
    ------
    ValueError
        where A does not fit the output.
    """
    U = known_range(spectrum, A)[1]
    squared = np.linalg.svd(A.forward(U.T), compute_uv=False) ** 2
    return (float(squared[-1]) if U.shape[1] <= A.m else 0.0), float(squared[0])


def moves(network: Network, seed: int = 0, sizes: Sequence[float] = MOVES, each: int = 4) -> np.ndarray:
    """G(theta_0 + w) - G(theta_0) (k, n) for random w of these sizes relative to ||theta_0||, `each` of them."""
    rng, theta = stream(seed, "reach", "moves"), network.vector()
    start, differences = network.output().detach(), []
    for size in sizes:
        for _ in range(each):
            w = torch.from_numpy(rng.standard_normal(network.count)).to(theta)
            with torch.no_grad():
                differences.append(network.moved(w * (size * theta.norm() / w.norm())).output() - start)
    return torch.stack(differences).cpu().double().numpy()


def isometry(
    outputs: np.ndarray,
    A: RowMap,
    further: Mapping[str, np.ndarray] | None = None,
    spectra: Sequence[Spectrum] = (),
) -> Isometry:
    """Hold A against differences: of all pairs of `outputs` (s, n), of what is given `further` (k, n) by name, and of
    tangents.

    Raises
    ------
    ValueError
        where A does not fit the outputs, or there is no difference at all.
    """
    A.check(outputs.shape[1])
    pairs = [outputs[i] - outputs[j] for i, j in combinations(range(len(outputs)), 2)]
    sets = {"pairs of starts": np.reshape(pairs, (-1, outputs.shape[1])), **(further or {})}
    ratios = {name: isometry_ratios(d, A) for name, d in sets.items()}
    kinds = {name: (float(r.min()), float(r.max())) for name, r in ratios.items() if len(r)}
    ends = [tangent(one, A) for one in spectra]
    if ends:
        kinds["tangents"] = min(low for low, _ in ends), max(high for _, high in ends)
    if not kinds:
        raise ValueError("differences must be at least one other than zero, got none")
    return Isometry(kinds)
