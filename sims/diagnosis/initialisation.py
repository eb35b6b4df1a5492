"""A network at its initialisation: output, spectrum of the neural tangent kernel, and what Theorem B.5 promises it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from untrained.sims.diagnosis.bias import bias
from untrained.sims.diagnosis.report import Quantity
from untrained.sims.images.scores import Interval, mean_interval
from untrained.sims.networks.network import Network
from untrained.sims.ntk.spectrum import Bounds, Measure, Spectrum
from untrained.theory.objects.descent import ConvergenceGuarantee


@dataclass(frozen=True)
class Initialisation:
    """A network with the weights of one seed: its output f_0 (n,) and the spectrum of J J^T there."""

    seed: int
    network: Network
    output: np.ndarray
    spectrum: Spectrum
    measures: dict[bytes, Measure] = field(default_factory=dict, repr=False)

    def measure(self, u: np.ndarray) -> Measure:
        """The spectral measure at u (n,), found once for each."""
        key = hashlib.sha256(np.ascontiguousarray(u).tobytes()).digest()
        if key not in self.measures:
            self.measures[key] = self.spectrum.measure(u)
        return self.measures[key]

    @property
    def step(self) -> float:
        """eta = 1/||J(theta_0)||^2, at which every mode of the linearised descent shrinks without oscillating."""
        return 1 / self.spectrum.largest.value


def root(bounds: Bounds) -> tuple[float, float, float]:
    """Singular value and error bars from an eigenvalue's."""
    low, value, high = (math.sqrt(max(one, 0.0)) for one in (bounds.low, bounds.value, bounds.high))
    return low, value, high


def quantities(
    initialisations: Sequence[Initialisation], x: np.ndarray, photographs: Mapping[str, np.ndarray]
) -> list[Quantity]:
    """Numbers at the start, over the seeds: of the spectrum, and of the bias at the target x (n,) and photographs."""
    biases = [bias(start.spectrum, start.network.image_shape, x, photographs) for start in initialisations]
    rows: dict[str, list[tuple[float, float, float]]] = {
        "sigma_max(J)": [root(start.spectrum.largest) for start in initialisations],
        "sigma_min(J)": [root(start.spectrum.smallest) for start in initialisations],
        "effective rank": [_triple(start.spectrum.effective_rank) for start in initialisations],
    }
    names = {
        "ratio": "||J^T x||/||J^T noise||", "natural_ratio": "the same, photographs",
        "image": "energy of x in 1/16 leading eigenvectors", "natural": "the same, photographs'",
        "noise": "the same, noise's", "cosine": "alignment of these with slow cosines",
        "fourier": "the same, with slow waves",
    }  # fmt: skip
    quantities = [_over_seeds(name, triples) for name, triples in rows.items()]
    for key, name in names.items():
        quantities.append(_over_seeds(name, [(getattr(b, key),) * 3 for b in biases], share="ratio" not in key))
    return quantities


def _triple(bounds: Bounds) -> tuple[float, float, float]:
    return bounds.low, bounds.value, bounds.high


def _geometric(values: Sequence[float]) -> Interval:
    """The geometric mean with its interval: singular values vary by factors."""
    centre, low, high = (math.exp(one) for one in mean_interval([math.log(value) for value in values]))
    return centre, low, high


def _of_shares(values: Sequence[float]) -> Interval:
    """The mean with its interval, kept within [0, 1]."""
    centre, low, high = mean_interval(values)
    return centre, max(0.0, low), min(1.0, high)


def _over_seeds(name: str, triples: Sequence[tuple[float, float, float]], *, share: bool = False) -> Quantity:
    values = tuple(value for _, value, _ in triples)
    spread = (_of_shares(values) if share else _geometric(values)) if len(values) > 1 and min(values) > 0 else None
    exact = all(high - low <= 1e-6 * abs(value) for low, value, high in triples)
    return Quantity(name, values, spread, () if exact else tuple((low, high) for low, _, high in triples))


class HasExtremes(Protocol):
    """What a spectrum of J J^T has to tell: its extreme eigenvalues, and below which they are rounding."""

    @property
    def smallest(self) -> Bounds:
        """The least eigenvalue."""

    @property
    def largest(self) -> Bounds:
        """The largest eigenvalue."""

    @property
    def floor(self) -> float:
        """Eigenvalues below it are rounding."""


@dataclass(frozen=True)
class NetworkGuarantee(ConvergenceGuarantee):
    """Theorem B.5 for a network whose sigma_min(J_0) is known to rounding or error bars.

    `alpha` is sigma_min(J_0)/2, 0 where it cannot be told from rounding, and `alpha_low` what it is at least.
    """

    alpha_low: float

    @property
    def holds(self) -> bool:
        """Whether A1 certainly holds: sigma_min(J_0) > 0 beyond rounding and error bars."""
        return self.alpha_low > 0


def guarantee(spectrum: HasExtremes, misfit: float, beta: float | None = None) -> NetworkGuarantee:
    """What Theorem B.5 promises a network with this spectrum and ||f(theta_0) - y|| = misfit.

    beta bounds ||J(theta)||; without it, ||J(theta_0)|| stands in, which A3 then has to allow.

    Raises
    ------
    ValueError
        where the misfit is negative, or beta is not above 0 or less than ||J(theta_0)||.
    Source: vanveen18 Theorem B.5
    """
    if not 0 <= misfit < math.inf:
        raise ValueError(f"misfit must be a finite number >= 0, got {misfit}")
    least = math.sqrt(max(spectrum.largest.low, 0.0))
    chosen = math.sqrt(max(spectrum.largest.value, 0.0)) if beta is None else beta
    # sigma_max is known to its own error only, and may be beta itself.
    if not 0 < chosen < math.inf or chosen < least * (1 - 1e-9):
        raise ValueError(f"beta must be above 0 and at least ||J(theta_0)|| = {least:.6g}, got {beta}")
    smallest, floor = spectrum.smallest, spectrum.floor
    alpha = math.sqrt(smallest.value) / 2 if smallest.value > floor else 0.0
    low = math.sqrt(smallest.low) / 2 if smallest.low > floor else 0.0
    return NetworkGuarantee(alpha, chosen, misfit, min(alpha, low))
