"""The descents of Net-GD and Net-PGD: P networks side by side, each fitted to measurements of its image."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from untrained.sims.networks.network import Network
from untrained.sims.recovery.net_data import Measured, Rows, centred_blob, spectral_estimate
from untrained.sims.recovery.net_settings import NetGDSettings, NetPGDSettings
from untrained.sims.recovery.stopping import Iterates
from untrained.sims.recovery.total_variation import total_variation

START_STEPS, START_RATE = 200, 0.02
"""Steps and learning rate of Adam by which a network is fitted to the image that descent starts from."""
BETAS = (0.9, 0.999)


def optimiser_of(weights: Sequence[torch.Tensor], settings: NetGDSettings) -> torch.optim.Optimizer:
    """Return the optimiser of the settings; weights of all networks go in one call."""
    if settings.optimiser == "adam":
        return torch.optim.Adam(weights, settings.learning_rate, BETAS, foreach=True)
    return torch.optim.SGD(weights, settings.learning_rate, settings.momentum, foreach=True)


class NetGD:
    """Descent on (||A G(w) - y||^2 + tv_weight TV(G(w)))/m over the weights of P networks."""

    def __init__(
        self,
        chosen: Network,
        data: Measured,
        rows: Rows,
        settings: NetGDSettings,
        starts: Sequence[tuple[int, int]],
    ) -> None:
        self.data, self.rows, self.settings = data, rows, settings
        self.network = chosen.copies(data.shape, starts, settings.initialisation, data.y.device)
        self.weights = list(self.network.weights.values())
        if settings.start != "random":
            self._begin_at(self._start([seed for seed, _ in starts]))
        self.optimiser = optimiser_of(self.weights, settings)
        self._sum, self._residual_sum, self._count = torch.zeros(()), torch.zeros(()), 0

    def image(self) -> torch.Tensor:
        """G(w; z) on [0, 1], (P, C, H, W)."""
        return (self.network(self.network.z) + 1) / 2

    def _start(self, seeds: Sequence[int]) -> torch.Tensor:
        if self.settings.start == "centred":
            return centred_blob(self.data.shape, self.data.energy())
        return spectral_estimate(self.data, seeds).clamp(0.01, 0.99)

    def _begin_at(self, image: torch.Tensor) -> None:
        adam = torch.optim.Adam(self.weights, START_RATE, BETAS, foreach=True)
        for _ in range(START_STEPS):
            adam.zero_grad(set_to_none=True)
            (self.image() - image).square().sum().backward()
            adam.step()

    def descend(self, loss: torch.Tensor, step: int) -> None:
        """One step of the optimiser, at the rate of a step of the fit."""
        self.optimiser.zero_grad(set_to_none=True)
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate(step)
        loss.backward()
        self.optimiser.step()

    def advance(self, step: int) -> Iterates:
        """One step of descent; the iterates are the images before it, with the misfit of these very images."""
        u = self.image()
        r = self.data.residuals(u)
        losses = self.rows.seen(r).square().sum(-1)
        if self.settings.tv_weight:
            losses = losses + self.settings.tv_weight * total_variation(u)
        self.descend(losses.sum() / self.data.m, step)
        return self.iterates(step, u.detach(), r.detach())

    def iterates(self, step: int, u: torch.Tensor, r: torch.Tensor) -> Iterates:
        """What the stopping rule sees: pixels on [-1, 1] and misfits of the house's y.

        Where iterates are averaged, so are residuals, which are affine in the image once signs are fixed.
        """
        if decay := self.settings.average:
            self._sum = decay * self._sum.to(u) + (1 - decay) * u
            self._residual_sum = decay * self._residual_sum.to(r) + (1 - decay) * r
            self._count += 1
            u, r = (total / (1 - decay**self._count) for total in (self._sum, self._residual_sum))
        chosen = None
        if self.settings.stopping == "held-out":
            chosen = self.data.scale * (r * self.rows.choosing).square().sum(-1)
        return Iterates(step, 2 * u - 1, self.data.scale * self.rows.seen(r).square().sum(-1), chosen)

    def certificate(self) -> dict[str, float]:
        """What is known of how exactly the steps were taken: nothing to say of plain descent."""
        return {}


class NetPGD(NetGD):
    """Algorithm 1, and for magnitudes Algorithm 2: a gradient step in the image, then a projection on the range of G.

    The projection is min_w ||v - G(w)||^2 + eta tv_weight TV(G(w)), begun at the weights of the step before.
    """

    settings: NetPGDSettings

    def __init__(
        self,
        chosen: Network,
        data: Measured,
        rows: Rows,
        settings: NetPGDSettings,
        starts: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__(chosen, data, rows, settings, starts)
        self.length = settings.length(data.m)
        self.u = self.image().detach()
        self.velocity = torch.zeros_like(self.u)
        self.taken = self.solved = 0
        self.outer = 0
        self.last_decrease = 0.0

    def advance(self, step: int) -> Iterates:
        """One gradient step and its projection; the iterates are the images projected to."""
        with torch.no_grad():
            r = self.rows.seen(self.data.residuals(self.u))
            self.velocity = self.settings.outer_momentum * self.velocity - self.length * self.data.adjoint(r)
        self.u = self.project(self.u + self.velocity, step)
        with torch.no_grad():
            return self.iterates(step, self.u, self.data.residuals(self.u))

    def project(self, v: torch.Tensor, step: int) -> torch.Tensor:
        """Descend on ||v - G(w)||^2 until a step hardly lowers it, and return G(w)."""
        before = torch.inf
        weight = self.length * self.settings.tv_weight
        for _ in range(self.settings.inner_steps):
            u = self.image()
            losses = (v - u).square().sum((1, 2, 3))
            if weight:
                losses = losses + weight * total_variation(u)
            self.descend(losses.sum() / v[0].numel(), step)
            now = float(losses.detach().sum())
            self.last_decrease, before = (before - now) / before if before < torch.inf else 1.0, now
            self.taken += 1
            if self.settings.tolerance and abs(self.last_decrease) <= self.settings.tolerance:
                self.solved += 1
                break
        self.outer += 1
        with torch.no_grad():
            return self.image()

    def certificate(self) -> dict[str, float]:
        """How many inner steps a projection took, which share met the tolerance, and what the last one still gained."""
        outer = max(1, self.outer)
        return {
            "inner_steps": self.taken / outer,
            "projections_solved": self.solved / outer,
            "projection_last_decrease": self.last_decrease,
        }
