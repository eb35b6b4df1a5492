"""One seed's view of a network: its subject, output and the spectrum of its Jacobian, and numbers over the seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sims.architecture.answer import Quantity
from sims.architecture.bias import gradient_ratio
from sims.architecture.spectrum import Bounds, Spectrum
from sims.architecture.subject import Subject
from sims.imaging.scores import Interval, mean_interval


@dataclass(frozen=True)
class View:
    """A network with the weights of one seed: its output f_0 (n,) and the spectrum of J J^T there."""

    seed: int
    subject: Subject
    f0: np.ndarray
    spectrum: Spectrum

    @property
    def step(self) -> float:
        """eta = 1/||J(theta_0)||^2, at which every mode of the linearised descent shrinks without oscillating."""
        return 1 / self.spectrum.largest.value


def root(bounds: Bounds) -> tuple[float, float, float]:
    """Singular value and error bars from an eigenvalue's."""
    low, value, high = (math.sqrt(max(one, 0.0)) for one in (bounds.low, bounds.value, bounds.high))
    return low, value, high


def quantities(views: Sequence[View], x: np.ndarray, photographs: dict[str, np.ndarray]) -> list[Quantity]:
    """Numbers of the spectrum at the start, over the seeds: x (n,) is the target, photographs are others."""
    rows: dict[str, Callable[[View], tuple[float, float, float]]] = {
        "sigma_max(J)": lambda v: root(v.spectrum.largest),
        "sigma_min(J)": lambda v: root(v.spectrum.smallest),
        "effective rank": lambda v: _triple(v.spectrum.effective_rank),
        "||J^T x||/||J^T noise||": lambda v: (gradient_ratio(v.spectrum, x),) * 3,
        "the same, photographs": lambda v: (_mean_ratio(v, photographs),) * 3,
    }
    return [_over_seeds(name, [take(view) for view in views]) for name, take in rows.items()]


def _mean_ratio(view: View, photographs: dict[str, np.ndarray]) -> float:
    return float(np.mean([gradient_ratio(view.spectrum, one) for one in photographs.values()]))


def _triple(bounds: Bounds) -> tuple[float, float, float]:
    return bounds.low, bounds.value, bounds.high


def _geometric(values: Sequence[float]) -> Interval:
    """The geometric mean with its interval: singular values vary by factors."""
    centre, low, high = (math.exp(one) for one in mean_interval([math.log(value) for value in values]))
    return centre, low, high


def _over_seeds(name: str, triples: Sequence[tuple[float, float, float]]) -> Quantity:
    values = tuple(value for _, value, _ in triples)
    spread = _geometric(values) if len(values) > 1 and min(values) > 0 else None
    exact = all(high - low <= 1e-6 * abs(value) for low, value, high in triples)
    return Quantity(name, values, spread, () if exact else tuple((low, high) for low, _, high in triples))
