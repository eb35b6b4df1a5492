"""The paper's two-layer generator V ReLU(W z) recognised in a network, and what is known of it in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.random.streams import stream
from untrained.theory.objects.descent import ConvergenceGuarantee
from untrained.theory.objects.relu_generator import jacobian_singular_values
from untrained.theory.objects.shapes import Array
from untrained.theory.objects.sign_changes import adversarial_set, alignments, worst_count

WIDTH_PRINTED = 4.3e15
"""d/n that the paper's theorem asks for. Source: vanveen18 Section B.4."""
WIDTH_LEAST = 5.265304456e15
"""The least d/n with which its proof goes through once the missing linear term is in. Source: own.width_least."""
ENUMERATED = 16
"""Neurons up to which every set of flips is tried."""
AGREE = 1e-9
"""Outputs that differ by this share of their size are not those of V ReLU(W z); rounding is 1e-15 of it times d."""


@dataclass(frozen=True)
class Worst:
    """sup ||J(W) - J(W_0)|| over a ball lies in [low, high]; `count` neurons at most change their sign in it."""

    low: float
    high: float
    count: int

    def passes(self, bound: float) -> bool | None:
        """Whether the supremum is above the bound; None where this is open."""
        return True if self.low > bound else False if self.high <= bound else None


@dataclass(frozen=True)
class TwoLayer:
    """V (n, d), W (d, k) at the start, z (k,): f(W) = V ReLU(W z), of which W trains."""

    V: Array
    W: Array
    z: Array

    @property
    def n(self) -> int:
        """Entries of the output."""
        return self.V.shape[0]

    @property
    def width(self) -> int:
        """Neurons d."""
        return self.V.shape[1]

    @cached_property
    def latent_norm(self) -> float:
        """||z||."""
        return float(np.linalg.norm(self.z))

    @cached_property
    def alignment(self) -> Array:
        """g = W_0 z/||z|| (d,): |g_l| is how far row l must move to flip."""
        return alignments(self.W, self.z)

    @cached_property
    def sigma_min(self) -> float:
        """The n-th singular value of J(W_0), 0 where fewer than n neurons are on. Source: vanveen18 eq. (8)."""
        values = jacobian_singular_values(self.V, self.W, self.z)
        return float(values[self.n - 1]) if len(values) >= self.n else 0.0

    @property
    def alpha(self) -> float:
        """sigma_min/2. Source: vanveen18 Theorem B.5, A1."""
        return self.sigma_min / 2

    @cached_property
    def beta(self) -> float:
        """||V|| ||z||, the largest ||J(W)|| over all W: all neurons on. Source: vanveen18 Lemma B.3."""
        return float(np.linalg.norm(self.V, 2)) * self.latent_norm

    def radius(self, misfit: float) -> float:
        """R = 5 ||r_0||/alpha, infinite where alpha is 0. Source: vanveen18 Theorem B.5."""
        return float(ConvergenceGuarantee(self.alpha, self.beta, misfit).radius)

    def worst(self, radius: float) -> Worst:
        """Bounds on sup ||J(W) - J(W_0)|| over ||W - W_0|| <= radius; exact for few neurons, or where all can flip.

        The Jacobian changes in the columns of the neurons that flip, so the supremum is ||z|| max ||V_S|| over the
        sets S with sum of g_l^2 over S at most radius^2.

        Raises
        ------
        ValueError
            where the radius is negative.
        Source: vanveen18 Lemma B.2
        """
        g, z = self.alignment, self.latent_norm
        count = int(worst_count(g, radius))
        if count == 0:
            return Worst(0.0, 0.0, 0)
        if count == self.width:
            return Worst(self.beta, self.beta, count)
        if self.width <= ENUMERATED:
            value = z * self._best_of_all(radius)
            return Worst(value, value, count)
        flips = adversarial_set(self.V, g, radius)
        low = float(np.linalg.norm(self.V[:, flips], 2)) if flips.any() else 0.0
        return Worst(z * low, min(self.beta, z * self._relaxed(radius)), count)

    def _best_of_all(self, radius: float) -> float:
        """max ||V_S|| over all affordable S, each of which no neuron can be added to."""
        sets = np.arange(2**self.width)[:, None] >> np.arange(self.width) & 1
        cost = sets @ self.alignment**2
        left = radius**2 - cost
        dearest = np.where(sets == 1, np.inf, self.alignment**2).min(1)
        maximal = sets[(left >= 0) & (dearest > left)].astype(bool)
        return max(float(np.linalg.norm(self.V[:, S], 2)) for S in maximal)

    def _relaxed(self, radius: float) -> float:
        """sqrt of the most energy of columns that radius^2 buys, with a part of the last one: at least max ||V_S||."""
        energy, cost = (self.V**2).sum(0), self.alignment**2
        order = np.argsort(-energy / np.maximum(cost, 1e-300))
        spent = np.cumsum(cost[order])
        bought = np.clip((radius**2 - spent + cost[order]) / np.maximum(cost[order], 1e-300), 0, 1)
        return math.sqrt(float(energy[order] @ bought))

    def passed_at(self, bound: float, share: float = 1e-3) -> tuple[float, float]:
        """Return (low, high): A2 holds in balls below low and fails in those from high on, to a share of each.

        Both are infinite where ||V|| ||z|| <= bound, and A2 so holds everywhere.
        """
        most = float(np.linalg.norm(self.alignment))
        if self.beta <= bound:
            return math.inf, math.inf
        holds = _crossing(lambda R: self.worst(R).high > bound, most, share)[0]
        return holds, _crossing(lambda R: self.worst(R).low > bound, most, share)[1]


def _crossing(passes: Callable[[float], bool], most: float, share: float) -> tuple[float, float]:
    """Bisect for where a property that `most` has begins: (the last found without, the first found with)."""
    low, high = 0.0, most * (1 + 1e-12)
    while high - low > share * high:
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return low, high


def recognise(network: Network) -> TwoLayer | None:
    """Return V, W and z of a network that behaves as V ReLU(W z) with W trained and V frozen, else None.

    Only what the network does counts: V is read from its gradients where all neurons are on, and the outputs are then
    compared at its own and at drawn W, with signs of all kinds and sizes.
    """
    if len(network.weights) != 1 or network.parameter(network.weights[0]).ndim != 2:
        return None
    W = network.vector().cpu().double().numpy().reshape(network.parameter(network.weights[0]).shape)
    z = network.z.detach().cpu().double().numpy().ravel()
    if W.shape[1] != len(z) or not z.any() or not np.isfinite(W).all():
        return None
    rng = stream(0, "two layers recognised")
    others = [rng.standard_normal(W.shape) * scale for scale in (1, 1, 30)]
    outputs = [(at, _output(network, at)) for at in (0 * W, W, *others)]
    if np.abs(outputs[0][1]).max() > 0 or not all(np.isfinite(y).all() for _, y in outputs):
        return None
    V = _output_weights(network, z, len(W))
    return TwoLayer(V, W, z) if all(_agrees(V, at, z, y) for at, y in outputs) else None


def _placed(network: Network, W: Array) -> Network:
    """The network with its weights set to W, bit by bit."""
    placed = network.moved(torch.zeros_like(network.vector()))
    with torch.no_grad():
        placed.parameter(network.weights[0]).copy_(torch.from_numpy(W))
    return placed


def _output(network: Network, W: Array) -> Array:
    with torch.no_grad():
        return _placed(network, W).output().cpu().double().numpy()


def _output_weights(network: Network, z: Array, width: int) -> Array:
    """V, if this is V ReLU(W z): with all neurons on, the gradient of output i is the outer product of v_i and z."""
    on = _placed(network, np.ones((width, 1)) * z / (z @ z))
    y, weight = on.output(), on.parameter(on.weights[0])
    rows = [torch.autograd.grad(one, weight, retain_graph=True)[0].cpu().double().numpy() @ z for one in y]
    return np.array(rows) / (z @ z)


def _agrees(V: Array, W: Array, z: Array, y: Array) -> bool:
    hidden = np.maximum(W @ z, 0)
    size = np.linalg.norm(V) * np.linalg.norm(hidden)
    return bool(np.abs(V @ hidden - y).max() <= AGREE * size)
