"""Phase retrieval without a network: truncated amplitude flow, and its sparse version SPARTA."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import torch

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery.net_phase import check_magnitudes
from untrained.sims.recovery.result import Recovery, check_measurements

POWER_STEPS = 200


@dataclass(frozen=True)
class AmplitudeFlowSettings:
    """u <- u - (step/m) sum over kept i of (a_i u - y_i sign(a_i u)) a_i, for rows a_i with N(0, 1) entries.

    Row i is kept where |a_i u| >= y_i/(1 + truncation). It starts from the leading eigenvector of the `largest` share
    of magnitudes. `sparsity`, a share of the pixels, keeps so many largest entries at every step, and starts on as many
    pixels of largest sum of y_i^2 a_ij^2; None keeps all. Below m = n, for which neither is published, such
    a step diverges: it is 1/(1 + sqrt(n/m))^2 there, about 1/||A||^2, with which the misfit does not grow.

    Source: wang18 (truncated amplitude flow); wang18b (SPARTA).
    """

    step: float = 0.6
    truncation: float = 0.7
    largest: float = 1 / 6
    sparsity: float | None = None
    steps: int = 1000
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("step", "truncation", "tolerance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name, value in (("largest", self.largest), ("sparsity", self.sparsity)):
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, got {value}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


@dataclass(frozen=True)
class SpartaSettings(AmplitudeFlowSettings):
    """Amplitude flow for images of few bright pixels: at most three tenths of them, as most of MNIST's have.

    Source: wang18b (SPARTA).
    """

    step: float = 1.0
    truncation: float = 1.0
    sparsity: float | None = 0.3


@torch.no_grad()
def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: AmplitudeFlowSettings = AmplitudeFlowSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover u from y = |A u| up to its sign, of which the one with the larger sum of pixels is returned.

    Raises
    ------
    ValueError
        where the operator takes no magnitudes, or y is negative or zero throughout.
    """
    check_magnitudes(operator, y)
    check_measurements(operator, y, finite=True, linear=False)
    begun = time.perf_counter()
    A = operator.linear_part.matrix * operator.m**0.5  # type: ignore[attr-defined]
    psi = y * operator.m**0.5
    count = None if settings.sparsity is None else max(1, round(settings.sparsity * A.shape[1]))
    u = begin(A, psi, count, settings, seed)
    few = operator.m < operator.n
    length = min(settings.step, (1 + (operator.n / operator.m) ** 0.5) ** -2) if few else settings.step
    outcome, step = "steps ended", 0
    for step in range(1, settings.steps + 1):  # noqa: B007
        new = flow(A, psi, u, count, length, settings.truncation)
        moved, u = float((new - u).norm() / u.norm().clamp_min(1e-30)), new
        if moved < settings.tolerance:
            outcome = "converged"
            break
    u = -u if float(u.sum()) < 0 else u
    x = 2 * u.reshape(operator.shape) - 1
    misfit = float((operator.forward(x) - y).square().sum())
    name = "amplitude-flow" if count is None else "sparta"
    return Recovery(x.cpu(), name, asdict(settings), outcome, misfit, step, time.perf_counter() - begun)


def begin(
    A: torch.Tensor, psi: torch.Tensor, count: int | None, settings: AmplitudeFlowSettings, seed: int
) -> torch.Tensor:
    """The start: the leading eigenvector of sum a_i a_i^T/||a_i||^2 over the largest psi_i, of length sqrt(mean psi^2).

    With a count it lives on so many pixels of the largest marginals sum psi_i^2 a_ij^2.
    """
    m, n = A.shape
    support = torch.ones(n, dtype=torch.bool, device=A.device)
    if count is not None:
        support = torch.zeros_like(support)
        support[((psi**2) @ A**2).topk(count).indices] = True
    rows = A[psi.topk(max(1, round(settings.largest * m))).indices] * support
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-30)
    u = torch.from_numpy(stream(seed, "spectral").standard_normal(n)).to(A) * support
    for _ in range(POWER_STEPS):
        u = rows.T @ (rows @ u)
        u = u / u.norm().clamp_min(1e-30)
    return u * psi.square().mean().sqrt()


def flow(
    A: torch.Tensor, psi: torch.Tensor, u: torch.Tensor, count: int | None, length: float, truncation: float
) -> torch.Tensor:
    """One step of descent on the amplitude loss, and where asked the largest entries of it."""
    Au = A @ u
    r = Au - psi * torch.where(Au < 0, -1.0, 1.0)
    r = r * (Au.abs() >= psi / (1 + truncation))
    new = u - length / len(psi) * (A.T @ r)
    if count is None:
        return new
    projection = torch.zeros_like(new)
    places = new.abs().topk(count).indices
    projection[places] = new[places]
    return projection
