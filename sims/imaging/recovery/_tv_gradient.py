"""Finite differences of images, what total variation sums of them, and the Laplacian that the cosine transform inverts."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sims.imaging.sensing.transforms import dct2, inverse_dct2


def gradient(x: torch.Tensor) -> torch.Tensor:
    """Differences to the right and below, (C, H, W) to (2, C, H, W); 0 where there is no neighbour."""
    g = x.new_zeros(2, *x.shape)
    torch.sub(x[..., 1:], x[..., :-1], out=g[0, ..., :-1])
    torch.sub(x[..., 1:, :], x[..., :-1, :], out=g[1, ..., :-1, :])
    return g


def gradient_adjoint(p: torch.Tensor) -> torch.Tensor:
    """D^T p, (2, C, H, W) to (C, H, W): minus the divergence."""
    x = torch.zeros_like(p[0])
    x[..., 1:] += p[0, ..., :-1]
    x[..., :-1] -= p[0, ..., :-1]
    x[..., 1:, :] += p[1, ..., :-1, :]
    x[..., :-1, :] -= p[1, ..., :-1, :]
    return x


def laplacian(height: int, width: int, device: torch.device) -> torch.Tensor:
    """Eigenvalues (H, W) of D^T D, whose eigenvectors are the cosines of `dct2`, because D sees no neighbour outside."""
    rows, columns = (
        2 - 2 * torch.cos(torch.pi * torch.arange(side, dtype=torch.float64, device=device) / side)
        for side in (height, width)
    )
    return rows[:, None] + columns[None, :]


def filtered(x: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
    """Multiply the cosine coefficients of images (..., H, W) by `response` (H, W)."""
    return inverse_dct2(response.to(x.dtype) * dct2(x))


@dataclass(frozen=True)
class Norm:
    """Which differences are joined under one Euclidean norm: both directions (isotropic), all channels (vectorial)."""

    isotropic: bool
    vectorial: bool

    def magnitudes(self, g: torch.Tensor) -> torch.Tensor:
        """Norm of each group of differences of g (2, C, H, W); joined dimensions have length 1."""
        joined = [dimension for dimension, is_joined in enumerate((self.isotropic, self.vectorial)) if is_joined]
        return torch.linalg.vector_norm(g, dim=joined, keepdim=True) if joined else g.abs()

    def total(self, x: torch.Tensor) -> float:
        """Total variation of an image (C, H, W)."""
        return float(self.magnitudes(gradient(x)).sum())

    def shrink(self, g: torch.Tensor, threshold: float) -> torch.Tensor:
        """Bring every group nearer to 0 by the threshold: the proximal map of the sum of magnitudes."""
        sizes = self.magnitudes(g)
        return g * ((sizes - threshold).clamp_min(0) / sizes.clamp_min(torch.finfo(g.dtype).tiny))
