"""One seed's view of a network: output and spectrum of its Jacobian, and numbers over the seeds."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from untrained.sims.diagnosis.answer import Quantity
from untrained.sims.diagnosis.bias import bias
from untrained.sims.images.scores import Interval, mean_interval
from untrained.sims.networks.network import Network
from untrained.sims.ntk.spectrum import Bounds, Measure, Spectrum


@dataclass(frozen=True)
class View:
    """A network with the weights of one seed: its output f_0 (n,) and the spectrum of J J^T there."""

    seed: int
    network: Network
    f0: np.ndarray
    spectrum: Spectrum
    known: dict[bytes, Measure] = field(default_factory=dict, repr=False)

    def measure(self, u: np.ndarray) -> Measure:
        """The spectral measure at u (n,), found once for each."""
        key = hashlib.sha256(np.ascontiguousarray(u).tobytes()).digest()
        if key not in self.known:
            self.known[key] = self.spectrum.measure(u)
        return self.known[key]

    @property
    def step(self) -> float:
        """eta = 1/||J(theta_0)||^2, at which every mode of the linearised descent shrinks without oscillating."""
        return 1 / self.spectrum.largest.value


def root(bounds: Bounds) -> tuple[float, float, float]:
    """Singular value and error bars from an eigenvalue's."""
    low, value, high = (math.sqrt(max(one, 0.0)) for one in (bounds.low, bounds.value, bounds.high))
    return low, value, high


def quantities(views: Sequence[View], x: np.ndarray, photographs: Mapping[str, np.ndarray]) -> list[Quantity]:
    """Numbers at the start, over the seeds: of the spectrum, and of the bias at the target x (n,) and photographs."""
    found = [bias(view.spectrum, view.network.image_shape, x, photographs) for view in views]
    rows: dict[str, list[tuple[float, float, float]]] = {
        "sigma_max(J)": [root(view.spectrum.largest) for view in views],
        "sigma_min(J)": [root(view.spectrum.smallest) for view in views],
        "effective rank": [_triple(view.spectrum.effective_rank) for view in views],
    }
    names = {
        "ratio": "||J^T x||/||J^T noise||", "natural_ratio": "the same, photographs",
        "image": "energy of x in 1/16 leading eigenvectors", "natural": "the same, photographs'",
        "noise": "the same, noise's", "cosine": "alignment of these with slow cosines",
        "fourier": "the same, with slow waves",
    }  # fmt: skip
    told = [_over_seeds(name, triples) for name, triples in rows.items()]
    for key, said in names.items():
        told.append(_over_seeds(said, [(getattr(b, key),) * 3 for b in found], share="ratio" not in key))
    return told


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
