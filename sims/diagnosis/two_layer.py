"""The paper's two-layer generator V ReLU(W z) recognised in a network, and what is known of it in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.random.streams import stream
from untrained.theory.objects.descent import ConvergenceGuarantee
from untrained.theory.objects.relu_generator import jacobian_singular_values
from untrained.theory.objects.shapes import Array
from untrained.theory.objects.sign_changes import alignments

WIDTH_PRINTED = 4.3e15
"""d/n that the paper's theorem asks for. Source: vanveen18 Section B.4."""
AGREE = 1e-9
"""Outputs that differ by this share of their size are not those of V ReLU(W z); rounding is 1e-15 of it times d."""


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
