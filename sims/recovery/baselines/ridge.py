"""Ridge regression in the range of a doubling: the linear control of decoders that end with one, without a network."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch.nn import functional as F

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.linear_systems import images, row_blocks
from untrained.sims.recovery.result import Recovery, check_measurements

PENALTIES = np.logspace(-4, 2, 31)
"""Penalties tried, in units of ||A U||^2; with less, a square A U is interpolated, where cross-validation is 0/0."""


@dataclass(frozen=True)
class RidgeSettings:
    """min_c ||A U c - y||^2 + penalty ||A U||^2 ||c - b||^2, U the bilinear doubling of each channel, b = -1 (black).

    Without a penalty the one of least generalised cross-validation is taken, which looks at y alone.

    Source: golub79 (generalised cross-validation).
    """

    penalty: float | None = None

    def __post_init__(self) -> None:
        if self.penalty is not None and not self.penalty >= 0:
            raise ValueError(f"penalty must be at least 0, got {self.penalty}")


@torch.no_grad()
def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: RidgeSettings = RidgeSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover the image U c of least penalised misfit; nothing in it is random.

    Raises
    ------
    ValueError
        where y does not fit the operator, or a side of the image is odd.
    """
    check_measurements(operator, y, finite=True)
    c, h, w = operator.shape
    if h % 2 or w % 2:
        raise ValueError(f"image must have even sides to be a doubling, got {h}x{w}")
    begun = time.perf_counter()
    device = operator.device or y.device
    half = (c, h // 2, w // 2)
    M = torch.cat([halved(images(operator, place, device, torch.float32)) for place in row_blocks(operator)]).flatten(1)
    shift = operator.forward(-torch.ones(operator.shape, device=device))
    coefficients, penalty = ridge(M, y - shift, settings.penalty)
    x = doubled(coefficients.reshape(half)[None].float())[0] - 1
    misfit = float((operator.forward(x) - y).square().sum())
    seconds = time.perf_counter() - begun
    used = asdict(settings) | {"penalty": penalty}
    return Recovery(x.cpu(), "ridge", used, "converged", misfit, 1, seconds)


def doubled(c: torch.Tensor) -> torch.Tensor:
    """U c: bilinear doubling of (B, C, H, W)."""
    return F.interpolate(c, scale_factor=2, mode="bilinear", align_corners=False)


def halved(x: torch.Tensor) -> torch.Tensor:
    """U^T x, from (B, C, H, W) to (B, C, H/2, W/2), the transpose of `doubled`."""
    rows, columns = (doubling_matrix(side // 2).to(x) for side in x.shape[-2:])
    return rows.T @ x @ columns


def doubling_matrix(side: int) -> torch.Tensor:
    """The bilinear doubling of one axis, (2 side, side)."""
    eye = torch.eye(side)[None]
    return F.interpolate(eye, scale_factor=2, mode="linear", align_corners=False)[0].T.contiguous()


def ridge(M: torch.Tensor, y: torch.Tensor, penalty: float | None) -> tuple[torch.Tensor, float]:
    """Return the coefficients and the penalty, by the singular values of M (m, k).

    GCV(p) = m ||(I - H) y||^2 / (m - tr H)^2, H the map from y to M c.
    """
    P, s, Qt = torch.linalg.svd(M.double(), full_matrices=False)
    b, m = P.T @ y.double(), len(y)
    outside = (y.double().square().sum() - b.square().sum()).clamp_min(0)
    grid = PENALTIES if penalty is None else np.array([penalty])
    scores = []
    for p in grid:
        shrunk = s**2 / (s**2 + float(p) * s[0] ** 2)
        residual = ((1 - shrunk) * b).square().sum() + outside
        scores.append(float(m * residual / (m - shrunk.sum()).clamp_min(1e-9) ** 2))
    best = float(grid[int(np.argmin(scores))])
    return Qt.T @ (s / (s**2 + best * s[0] ** 2) * b), best
