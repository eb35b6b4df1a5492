"""Descent along orthogonalised momentum, for stacks of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

MOMENTUM = 0.95
QUINTIC, ITERATIONS = (3.4445, -4.7750, 2.0315), 5
"""Coefficients of the polynomial that drives singular values towards 1, and how often it is applied."""


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """Matrices (B, m, n) with the same singular vectors and singular values near 1 (0.7 to 1.2, tiny ones less).

    Source: Jordan et al. 2024, Muon (the Newton-Schulz iteration with the quintic of highest slope at 0).
    """
    a, b, c = QUINTIC
    X = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    X = X / X.flatten(1).norm(dim=1).clamp_min(torch.finfo(X.dtype).tiny)[:, None, None]
    for _ in range(ITERATIONS):
        G = X @ X.mT
        X = a * X + (b * G + c * G @ G) @ X
    return X.mT if matrices.shape[1] > matrices.shape[2] else X


class Muon(torch.optim.Optimizer):
    """Matrices of hidden layers (B, out, in, ...) by orthogonalised Nesterov momentum, all other weights by Adam.

    A step moves a matrix by matrix_rate sqrt(max(1, out/in)) times an orthogonal one, whatever the gradient's scale;
    the last matrix, which leads to colours, is Adam's. `torch.optim.Muon` takes one matrix at a time and no stacks.
    """

    def __init__(
        self, weights: Sequence[torch.Tensor], rate: float, matrix_rate: float, betas: tuple[float, float]
    ) -> None:
        hidden = [id(w) for w in weights if w.ndim > 2][:-1]
        matrices = [w for w in weights if id(w) in hidden]
        others = [w for w in weights if id(w) not in hidden]
        super().__init__([{"params": matrices, "ratio": matrix_rate / rate}], {"lr": matrix_rate})
        self._adam = torch.optim.Adam(others, rate, betas, foreach=True)
        self.param_groups += self._adam.param_groups

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step of both."""
        group = self.param_groups[0]
        for w in group["params"]:
            gradient = w.grad.flatten(2)
            momentum = self.state[w].setdefault("momentum", torch.zeros_like(gradient))
            momentum.mul_(MOMENTUM).add_(gradient)
            step = orthogonalised(gradient + MOMENTUM * momentum)
            length = group["lr"] * max(1.0, gradient.shape[1] / gradient.shape[2]) ** 0.5
            w.sub_(length * step.view_as(w))
        self._adam.step(closure)
