"""Differences of neighbouring pixels and total variation."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F


def differences(x: torch.Tensor) -> torch.Tensor:
    """D x: differences to the right and lower neighbour, zero at the border, (..., H, W) to (..., 2, H, W)."""
    across = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return torch.stack([across, down], -3)


def transposed_differences(p: torch.Tensor) -> torch.Tensor:
    """D^T p, (..., 2, H, W) to (..., H, W)."""
    across, down = p[..., 0, :, :-1], p[..., 1, :-1, :]
    right = F.pad(across, (1, 0)) - F.pad(across, (0, 1))
    return right + F.pad(down, (0, 0, 1, 0)) - F.pad(down, (0, 0, 0, 1))


def laplacian_symbol(height: int, width: int) -> torch.Tensor:
    """Eigenvalues of D^T D in the orthonormal DCT, (H, W) float64; the only zero is that of the constants."""
    down = 2 - 2 * torch.cos(math.pi * torch.arange(height, dtype=torch.float64) / height)
    across = 2 - 2 * torch.cos(math.pi * torch.arange(width, dtype=torch.float64) / width)
    return down[:, None] + across[None, :]


def lengths(p: torch.Tensor, kind: str) -> torch.Tensor:
    """Norms that TV sums over pixels: p (C, 2, H, W), "isotropic", "anisotropic" or "joint" (over channels too)."""
    if kind == "anisotropic":
        return p.abs()
    return p.square().sum((0, 1) if kind == "joint" else 1, keepdim=True).sqrt()


def shrink(p: torch.Tensor, threshold: float, kind: str) -> torch.Tensor:
    """The proximal map of threshold * TV's norm."""
    return p * (1 - threshold / lengths(p, kind).clamp_min(threshold))


def variation(x: torch.Tensor, kind: str) -> float:
    """TV of one image (C, H, W)."""
    return float(lengths(differences(x), kind).sum())
