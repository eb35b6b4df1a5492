"""What Net-GD and Net-PGD are fitted to: measurements of I images on [0, 1], each by R networks of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from untrained.sims.operators import Operator, stack
from untrained.sims.random.streams import stream


class Measured:
    """y = A u, or |A u|, of I images; residuals of P = I R images u (P, C, H, W) on [0, 1] in one call.

    The house's pixels are x = 2u - 1, so that of a linear operator A u = (y + A 1)/2; a magnitude measures u itself,
    and its residual is A u - y sign(A u), whose transpose by A is half the gradient of || |A u| - y ||^2.
    """

    def __init__(self, operators: Sequence[Operator], ys: torch.Tensor, restarts: int) -> None:
        self.linear, self.shape, self.restarts = operators[0].linear, operators[0].shape, restarts
        self.m, self.images = operators[0].m, len(operators)
        parts = [operator.linear_part for operator in operators]
        one = torch.ones(self.shape, device=ys.device)
        shift = torch.stack([part.forward(one) for part in parts]) if self.linear else torch.zeros_like(ys)
        self.y = ((ys + shift) / 2 if self.linear else ys)[:, None]
        self.scale = 4.0 if self.linear else 1.0
        stacked = stack(parts)
        matrices = getattr(stacked, "matrices", getattr(parts[0], "matrix", None))
        self.stack = stacked
        self.matrices = matrices if matrices is None or matrices.ndim == 3 else matrices.expand(len(parts), -1, -1)

    def product(self, u: torch.Tensor) -> torch.Tensor:
        """A u of each image by its operator, (I, R, m); differentiable."""
        if self.matrices is None:
            return self.stack.forward(u.unflatten(0, (self.images, -1)))
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
            return self.stack.adjoint(grouped).flatten(0, 1)
        return torch.bmm(grouped, self.matrices).reshape(-1, *self.shape)

    def energy(self) -> torch.Tensor:
        """||y||^2 of each problem, (P,), which is about ||u||^2 for a Gaussian A."""
        return self.y.square().sum(-1).expand(-1, self.restarts).flatten()


class Rows:
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

    def to(self, device: torch.device) -> Rows:
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
    kept = (y >= y.quantile(2 / 3, -1, keepdim=True)).to(y)
    starts = [np.float32(stream(seed, "spectral").standard_normal(data.shape)) for seed in seeds]
    u = torch.stack([torch.from_numpy(start) for start in starts]).to(y)
    for _ in range(steps):
        u = data.adjoint(kept * data.product(u).flatten(0, 1))
        u = u / u.flatten(1).norm(dim=1)[:, None, None, None]
    u = u * data.energy().sqrt()[:, None, None, None]
    return torch.where(u.sum((1, 2, 3), keepdim=True) < 0, -u, u)
