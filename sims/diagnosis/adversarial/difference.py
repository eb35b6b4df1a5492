"""||J(theta) - J(theta_0)|| from below: a Rayleigh quotient, valid whatever the number of iterations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from untrained.sims.lanczos import leading_vector
from untrained.sims.networks.network import Network
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.random.streams import stream


@dataclass(frozen=True)
class Change:
    """How much the Jacobian changed: at least `norm`, as the unit vector u (n,) shows: ||(J - J_0)^T u|| = norm.

    `largest` is the largest ||J^T q|| met on the way, so ||J|| is at least that.
    """

    norm: float
    u: torch.Tensor
    largest: float


class Difference:
    """J(theta_0 + step) - J(theta_0) of a network, for any step (count,)."""

    def __init__(self, network: Network) -> None:
        self.network, self.base = network, Jacobian(network)

    def at(self, step: torch.Tensor, start: torch.Tensor, steps: int) -> Change:
        """The change at theta_0 + step, by `steps` of Lanczos from `start` (n,); 0 where the network is not finite."""
        there = Jacobian(self.network.moved(step))
        norms: list[float] = []

        def back(u: torch.Tensor) -> torch.Tensor:
            sent = there.adjoint(u)
            norms.append(float(sent.norm()))
            return sent - self.base.adjoint(u)

        q = start / start.norm()
        u = self._ritz(there, back, q, steps)
        norm = float(back(u).norm())
        met = max((x for x in norms if x < float("inf")), default=0.0)
        return Change(norm, u, met) if norm < float("inf") else Change(0.0, q, met)

    def _ritz(
        self, there: Jacobian, back: Callable[[torch.Tensor], torch.Tensor], q: torch.Tensor, steps: int
    ) -> torch.Tensor:
        """The Ritz vector of D D^T; where J v cannot be had, of q and some random vectors instead."""
        if not self.base.has_products:
            return _of_subspace(back, q, steps)
        if not there.has_products:  # out there what comes back is too large to be compared
            return q
        return leading_vector(lambda u: _through(there, self.base, back(u)), q, steps)

    def pair(self, step: torch.Tensor, change: Change) -> tuple[torch.Tensor, torch.Tensor]:
        """The unit vectors (u (n,), v (count,)) of a change that was found."""
        v = Jacobian(self.network.moved(step)).adjoint(change.u) - self.base.adjoint(change.u)
        return change.u, v / v.norm().clamp_min(1e-300)


def _through(there: Jacobian, base: Jacobian, v: torch.Tensor) -> torch.Tensor:
    return there.forward(v) - base.forward(v)


def _of_subspace(back: Callable[[torch.Tensor], torch.Tensor], q: torch.Tensor, size: int) -> torch.Tensor:
    """The best unit vector in the span of q and some random vectors, from vector-Jacobian products alone."""
    draws = torch.from_numpy(stream(0, "subspace").standard_normal((len(q), min(size, len(q) - 1)))).to(q)
    Q = torch.linalg.qr(torch.cat([q[:, None], draws], 1))[0]
    B = torch.stack([back(u) for u in Q.T])
    if not torch.isfinite(B).all():
        return q
    u = Q @ torch.linalg.eigh(B @ B.T)[1][:, -1]
    return u / u.norm()
