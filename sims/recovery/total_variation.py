"""Total variation: the discrete gradient of images, its adjoint, the norms that are summed, and their proximal maps."""

from __future__ import annotations

import math

import torch

TV_KINDS = ("isotropic", "anisotropic", "joint")
"""Norms of the gradient that TV sums over pixels: Euclidean, of absolute values, Euclidean over channels too."""


def neighbour_differences(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differences to the right neighbour, (..., H, W - 1), and to the lower one, (..., H - 1, W)."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def discrete_gradient(x: torch.Tensor) -> torch.Tensor:
    """D x: differences to the lower and to the right neighbour, zero at the border, (..., H, W) to (2, ..., H, W)."""
    g = x.new_zeros(2, *x.shape)
    g[1, ..., :-1], g[0, ..., :-1, :] = neighbour_differences(x)
    return g


def gradient_adjoint(p: torch.Tensor) -> torch.Tensor:
    """D^T p, (2, ..., H, W) to (..., H, W)."""
    down, right = p
    u = torch.zeros_like(down)
    u[..., 1:, :] += down[..., :-1, :]
    u[..., :-1, :] -= down[..., :-1, :]
    u[..., 1:] += right[..., :-1]
    u[..., :-1] -= right[..., :-1]
    return u


def laplacian_symbol(height: int, width: int) -> torch.Tensor:
    """Eigenvalues of D^T D in the orthonormal DCT, (H, W) float64; the only zero is that of the constants."""
    down = 2 - 2 * torch.cos(math.pi * torch.arange(height, dtype=torch.float64) / height)
    across = 2 - 2 * torch.cos(math.pi * torch.arange(width, dtype=torch.float64) / width)
    return down[:, None] + across[None, :]


def gradient_norms(p: torch.Tensor, kind: str) -> torch.Tensor:
    """Norms that TV sums over pixels, of gradients (2, ..., C, H, W); summed dimensions keep length 1."""
    if kind == "anisotropic":
        return p.abs()
    return p.square().sum((0, -3) if kind == "joint" else 0, keepdim=True).sqrt()


def shrink(p: torch.Tensor, threshold: float, kind: str) -> torch.Tensor:
    """The proximal map of threshold * TV's norm."""
    return p * (1 - threshold / gradient_norms(p, kind).clamp_min(threshold))


def total_variation(x: torch.Tensor, kind: str = "anisotropic") -> torch.Tensor:
    """TV of each image, (..., C, H, W) to (...); differentiable where it is anisotropic."""
    if kind == "anisotropic":
        across, down = neighbour_differences(x)
        return across.abs().sum((-3, -2, -1)) + down.abs().sum((-3, -2, -1))
    return gradient_norms(discrete_gradient(x), kind).sum((0, -3, -2, -1))


def jump_penalty(x: torch.Tensor, scale: float) -> torch.Tensor:
    """Sum of scale log(1 + |d|/scale) over the differences of neighbours, (..., C, H, W) to (...); TV where it is 0.

    It is concave in |d|, and grows as TV does below the scale.
    Source: Candes, Wakin and Boyd 2008, enhancing sparsity by reweighted l1 minimization (log-sum penalty)
    """
    if scale == 0:
        return total_variation(x)
    across, down = ((d.abs() / scale).log1p() for d in neighbour_differences(x))
    return scale * (across.sum((-3, -2, -1)) + down.sum((-3, -2, -1)))


def total_variation_proximal(images: torch.Tensor, weight: float, steps: int) -> torch.Tensor:
    """Minimise ||u - x||^2/2 + weight TV(u), with the joint norm of all channels; images (..., C, H, W).

    `steps` are those of the accelerated projected gradient on the dual.
    Source: Beck and Teboulle 2009, fast gradient-based algorithms for constrained total variation denoising
    """
    if weight <= 0.0:
        return images
    x, t = images / weight, 1.0
    p = q = x.new_zeros(2, *x.shape)
    for _ in range(steps):
        q = q + discrete_gradient(x - gradient_adjoint(q)) / 8.0
        p, p_old = q / gradient_norms(q, "joint").clamp_min(1.0), p
        t, t_old = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0, t
        q = p + (t_old - 1.0) / t * (p - p_old)
    return images - weight * gradient_adjoint(p)
