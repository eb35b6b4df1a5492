"""The descents of Net-GD and Net-PGD: P networks side by side, each fitted to measurements of its image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.operators import OPERATORS, Operator, stack
from untrained.sims.operators.row_subset import RowSubset
from untrained.sims.random.streams import stream
from untrained.sims.recovery.net_settings import NetGDSettings, NetPGDSettings
from untrained.sims.recovery.stopping import Iterates
from untrained.sims.recovery.total_variation import total_variation

START_STEPS, START_RATE = 200, 0.02
"""Steps and learning rate of Adam by which a network is fitted to the image that descent starts from."""
BETAS = (0.9, 0.999)


class Measured:
    """y = A u, or |A u|, of I images; residuals of P = I R images u (P, C, H, W) on [0, 1] in one call.

    The house's pixels are x = 2u - 1, so that of a linear operator A u = (y + A 1)/2; a magnitude measures u itself,
    and its residual is A u - y sign(A u), whose transpose by A is half the gradient of || |A u| - y ||^2.
    Settings are tuned to the operators by name. A and y of any other are divided by gain^(1/2), so that what is fitted
    has no units; `scale` takes squares of residuals back to those of the house's y.
    """

    def __init__(self, operators: Sequence[Operator], ys: torch.Tensor, restarts: int) -> None:
        self.linear, self.shape, self.restarts = operators[0].linear, operators[0].shape, restarts
        self.operators, self.ys = operators, ys
        self.m, self.images = operators[0].m, len(operators)
        parts = [operator.linear_part for operator in operators]
        one = torch.ones(self.shape, device=ys.device)
        shift = torch.stack([part.forward(one) for part in parts]) if self.linear else torch.zeros_like(ys)
        units = torch.tensor([_unit(operator) for operator in operators], dtype=torch.float64, device=ys.device)
        self.units = None if bool((units == 1).all()) else units.to(ys)[:, None, None]
        self.y = self._without_units(((ys + shift) / 2 if self.linear else ys)[:, None])
        squares = 4.0 if self.linear else 1.0
        self.scale = squares if self.units is None else squares * units.square().repeat_interleave(restarts)
        stacked = stack(parts)
        matrices = getattr(stacked, "matrices", getattr(parts[0], "matrix", None))
        self.stack = stacked
        self.matrices = matrices if matrices is None or matrices.ndim == 3 else matrices.expand(len(parts), -1, -1)

    def product(self, u: torch.Tensor) -> torch.Tensor:
        """A u of each image by its operator, (I, R, m); differentiable."""
        if self.matrices is None:
            return self._without_units(self.stack.forward(u.unflatten(0, (self.images, -1))))
        return torch.bmm(u.reshape(self.images, -1, self.matrices.shape[-1]), self.matrices.mT)

    def residuals(self, u: torch.Tensor) -> torch.Tensor:
        """A u - y, or A u - y sign(A u), (P, m); differentiable where no sign changes."""
        Au = self.product(u)
        target = self.y if self.linear else self.y * torch.where(Au.detach() < 0, -1.0, 1.0)
        return (Au - target).flatten(0, 1)

    def adjoint(self, r: torch.Tensor) -> torch.Tensor:
        """A^T r, from (P, m) to (P, C, H, W)."""
        grouped = r.unflatten(0, (self.images, -1))
        if self.matrices is None:
            return self.stack.adjoint(self._without_units(grouped)).flatten(0, 1)
        return torch.bmm(grouped, self.matrices).reshape(-1, *self.shape)

    def _without_units(self, rows: torch.Tensor) -> torch.Tensor:
        """Numbers (I, R, m) that are in units of y, without them."""
        return rows if self.units is None else rows / self.units

    def steepness(self) -> torch.Tensor | float:
        """What a gradient step is divided by, (P, 1, 1, 1): ||A 1||^2/||1||^2 of one's own A, where that is above 1.

        Most of what A sees of an image is its brightness, of which the gain, an average, may hold next to nothing.
        """
        if self.units is None:
            return 1.0
        ones = torch.ones(self.images, *self.shape, device=self.y.device)
        squares = self.product(ones).square().sum(-1) / ones[0].numel()
        return squares.clamp_min(1.0).repeat_interleave(self.restarts, 0)[..., None, None]

    def targets(self) -> torch.Tensor:
        """The measurements that each network is fitted to, (P, m)."""
        return self.y.expand(-1, self.restarts, -1).flatten(0, 1)

    def is_cut(self) -> bool:
        """Whether what is measured are pixels within the scale, as pixels are that were cut to it."""
        pixels = all(operator.name == "inpainting" for operator in self.operators)
        return pixels and bool((self.y >= 0).all() and (self.y <= 1).all())

    def alone(self, image: int) -> Measured:
        """The measurements of one image, with one network."""
        return Measured(self.operators[image : image + 1], self.ys[image : image + 1], 1)

    def energy(self) -> torch.Tensor:
        """||y||^2 of each problem, (P,), which is about ||u||^2 for a Gaussian A."""
        return self.y.square().sum(-1).expand(-1, self.restarts).flatten()


def _unit(operator: Operator) -> float:
    """gain^(1/2) of an operator that has no name here, or of the one whose rows it has; 1 of those by name."""
    if isinstance(operator, RowSubset):
        return _unit(operator.whole)
    return 1.0 if operator.name in OPERATORS else operator.gain**0.5 or 1.0


class FittedRows:
    """Which rows each problem is fitted to: all, or all but those held out, of which half choose and half bound."""

    def __init__(self, m: int, share: float, seeds: Sequence[int], blind: Sequence[bool], *, split: bool) -> None:
        fitted, choosing, bounding = [], [], []
        for seed, without in zip(seeds, blind, strict=True):
            order = torch.from_numpy(stream(seed, "held out").permutation(m))
            count = min(m - 1, max(2 if split else 1, round(share * m))) if without else 0
            fitted.append(_mask(m, order[count:]))
            choosing.append(_mask(m, order[: count // 2] if split else order[:0]))
            bounding.append(_mask(m, order[count // 2 : count] if split else order[:count]))
        self.fitted, self.choosing, self.bounding = map(torch.stack, (fitted, choosing, bounding))
        self.all = bool(self.fitted.all())

    def to(self, device: torch.device) -> FittedRows:
        """The same rows on a device."""
        self.fitted, self.choosing, self.bounding = (
            rows.to(device) for rows in (self.fitted, self.choosing, self.bounding)
        )
        return self

    def seen(self, r: torch.Tensor) -> torch.Tensor:
        """The residuals (P, m) with zeros where a row is held out."""
        return r if self.all else r * self.fitted


def _mask(m: int, rows: torch.Tensor) -> torch.Tensor:
    mask = torch.zeros(m, dtype=torch.bool)
    mask[rows] = True
    return mask


def centred_blob(shape: tuple[int, int, int], energy: torch.Tensor) -> torch.Tensor:
    """Blobs (P, C, H, W) in the middle, a fifth of the sides wide, of these energies as far as [0, 1] allows."""
    rows, columns = (torch.arange(side) / side - 0.5 + 0.5 / side for side in shape[1:])
    bump = torch.exp(-(rows[:, None] ** 2 + columns[None, :] ** 2) / (2 * 0.2**2)).to(energy)
    blob = bump.expand(shape)
    height = (energy / blob.square().sum()).sqrt()
    return (height[:, None, None, None] * blob).clamp(0.01, 0.99)


@torch.no_grad()
def spectral_estimate(data: Measured, seeds: Sequence[int], steps: int = 100) -> torch.Tensor:
    """The leading eigenvector of sum over the largest y_i^2 of a_i a_i^T, of length ||y||, with the sign of more mass.

    Of the m rows those count whose |a_i u| is among the largest third, which is what truncated amplitude flow starts
    from. Below m = n it says next to nothing; the power iteration takes `steps`.
    """
    y = data.y.expand(-1, data.restarts, -1).flatten(0, 1)
    mask = (y >= y.quantile(2 / 3, -1, keepdim=True)).to(y)
    starts = [np.float32(stream(seed, "spectral").standard_normal(data.shape)) for seed in seeds]
    u = torch.stack([torch.from_numpy(start) for start in starts]).to(y)
    for _ in range(steps):
        u = data.adjoint(mask * data.product(u).flatten(0, 1))
        u = u / u.flatten(1).norm(dim=1)[:, None, None, None]
    u = u * data.energy().sqrt()[:, None, None, None]
    return torch.where(u.sum((1, 2, 3), keepdim=True) < 0, -u, u)


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
        rows: FittedRows,
        settings: NetGDSettings,
        starts: Sequence[tuple[int, int]],
    ) -> None:
        self.data, self.rows, self.settings = data, rows, settings
        self.network = chosen.copies(data.shape, starts, settings.initialisation, data.y.device)
        self.weights = list(self.network.weights.values())
        if settings.start != "random":
            self._begin_at(self._start([seed for seed, _ in starts]))
        self.optimiser = self.new_optimiser()
        self._sum, self._residual_sum, self._count = torch.zeros(()), torch.zeros(()), 0

    def new_optimiser(self) -> torch.optim.Optimizer:
        """The optimiser of the settings, with no step taken."""
        return optimiser_of(self.weights, self.settings)

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
        loss.backward()
        self.take_step(step)

    def take_step(self, step: int) -> None:
        """Move the weights along the gradients they have."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate(step) * group.get("ratio", 1.0)
        self.optimiser.step()

    def squares(self, r: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """What a residual r (P, m) of y (P, m) costs, row by row."""
        return r.square()

    def cost(self, u: torch.Tensor, r: torch.Tensor, y: torch.Tensor, fitted: torch.Tensor) -> torch.Tensor:
        """What is minimised, of images u and their residuals r (P, m) of y (P, m), over the `fitted` rows (P, m)."""
        squares = self.squares(r, y)
        losses = (squares if self.rows.all else squares * fitted).sum(-1)
        if self.settings.tv_weight:
            losses = losses + self.settings.tv_weight * total_variation(u)
        return losses.sum() / self.data.m

    def advance(self, step: int) -> Iterates:
        """One step of descent; the iterates are the images before it, with the misfit of these very images."""
        u = self.image()
        r = self.data.residuals(u)
        self.descend(self.cost(u, r, self.data.targets(), self.rows.fitted), step)
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

    def others(self, place: int) -> dict[str, torch.Tensor]:
        """Images (C, H, W) of one network beside the one that its rule keeps, by name: none."""
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
        rows: FittedRows,
        settings: NetPGDSettings,
        starts: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__(chosen, data, rows, settings, starts)
        self.length = settings.length(data.m) / data.steepness()
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
            if self.settings.tv_weight:
                losses = losses + (weight * total_variation(u)[:, None, None, None]).flatten()
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
