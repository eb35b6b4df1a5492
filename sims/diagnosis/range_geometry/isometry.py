"""The RIP on differences of a network's outputs, estimated from below: the ratios that were seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from untrained.sims.diagnosis.range_geometry.measuring import Measured
from untrained.sims.networks.network import Network
from untrained.sims.ntk.spectrum import Spectrum
from untrained.sims.random.streams import stream

SPARE = 256
"""Tangents that are looked at beyond m."""
SIZES = (1e-3, 1e-2, 1e-1, 1.0)
"""Moves of the weights, relative to their norm."""


def isometry_ratios(differences: np.ndarray, A: Measured) -> np.ndarray:
    """||A d||^2/||d||^2 (k,) of each difference d (k, n) other than zero."""
    norms = np.linalg.norm(differences, axis=1)
    kept = differences[norms > 0] / norms[norms > 0, None]
    return (A.forward(kept) ** 2).sum(1) if len(kept) else np.zeros(0)


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


def known_range(spectrum: Spectrum, A: Measured) -> tuple[np.ndarray, np.ndarray]:
    """Singular values of J (p,) above rounding and their left singular vectors (n, p): m + SPARE of them at most.

    Raises
    ------
    ValueError
        where A does not fit the output.
    """
    A.check(spectrum.n)
    values, vectors = spectrum.leading(min(spectrum.n, A.m + SPARE))
    known = values > spectrum.floor
    return np.sqrt(values[known]), vectors[:, known]


def tangent(spectrum: Spectrum, A: Measured) -> tuple[float, float]:
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


def moves(network: Network, seed: int = 0, sizes: Sequence[float] = SIZES, each: int = 4) -> np.ndarray:
    """G(theta_0 + w) - G(theta_0) (k, n) for random w of these sizes relative to ||theta_0||, `each` of them."""
    rng, theta = stream(seed, "reach", "moves"), network.vector()
    start, found = network.output().detach(), []
    for size in sizes:
        for _ in range(each):
            w = torch.from_numpy(rng.standard_normal(network.count)).to(theta)
            with torch.no_grad():
                found.append(network.moved(w * (size * theta.norm() / w.norm())).output() - start)
    return torch.stack(found).cpu().double().numpy()


def isometry(
    outputs: np.ndarray, A: Measured, further: Mapping[str, np.ndarray] | None = None, spectra: Sequence[Spectrum] = ()
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
    given = {"pairs of starts": np.reshape(pairs, (-1, outputs.shape[1])), **(further or {})}
    ratios = {name: isometry_ratios(d, A) for name, d in given.items()}
    kinds = {name: (float(r.min()), float(r.max())) for name, r in ratios.items() if len(r)}
    ends = [tangent(one, A) for one in spectra]
    if ends:
        kinds["tangents"] = min(low for low, _ in ends), max(high for _, high in ends)
    if not kinds:
        raise ValueError("differences must be at least one other than zero, got none")
    return Isometry(kinds)
