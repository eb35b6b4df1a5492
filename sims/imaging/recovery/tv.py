"""Total variation: min_x lambda TV(x) + ||A x - y||^2/2 by an augmented Lagrangian, solved to a duality gap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import torch

from sims.imaging.recovery.differences import (
    differences,
    laplacian_symbol,
    lengths,
    shrink,
    solve,
    transposed_differences,
    variation,
)
from sims.imaging.recovery.result import Recovery, Watch
from sims.imaging.sensing import Operator

KINDS = ("isotropic", "anisotropic", "joint")


@dataclass(frozen=True)
class TVSettings:
    """What is minimised, and how well.

    `penalty` is lambda; None is 0.004 times the operator's gain, or twice the noise that reaches a pixel, whichever is
    more. `kind`: isotropic and anisotropic sum over channels, joint takes the norm over channels as well. `box` keeps
    pixels in [-1, 1]. The gap between the image's value and a lower bound of the minimum is at most `tolerance` times
    that value.

    Source: li09 (TVAL3: TV with an augmented Lagrangian), with Neumann borders.
    """

    penalty: float | None = None
    kind: str = "isotropic"
    box: bool = False
    noise: float = 0.0
    tolerance: float = 1e-2
    max_steps: int = 1000

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.penalty is not None and not 0 < self.penalty < math.inf:
            raise ValueError(f"penalty must be above 0, got {self.penalty}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise must be at least 0, got {self.noise}")
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance must be above 0 and below 1, got {self.tolerance}")
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")

    def weight(self, operator: Operator) -> float:
        """Lambda for an operator."""
        if self.penalty is not None:
            return self.penalty
        return max(0.004 * operator.gain, 2 * self.noise * math.sqrt(operator.gain / operator.m))


class _Problem:
    """One problem and its exact solves: D^T D is diagonal in the DCT, A A^T factorised or the identity."""

    def __init__(self, operator: Operator, y: torch.Tensor, settings: TVSettings) -> None:
        self.operator, self.y, self.settings = operator, y, settings
        self.penalty = settings.weight(operator)
        # D x of an edge is of order one: the shrinkage lambda / rho is a fraction of it.
        self.rho = 5 * self.penalty
        self.symbol = laplacian_symbol(*operator.shape[1:]).to(y.device)
        self._solve_rows = _row_solver(operator, self.rho)

    def nearest(self, v: torch.Tensor) -> torch.Tensor:
        """The minimiser of ||A x - y||^2/2 + rho ||x - v||^2/2."""
        return v - self.operator.adjoint(self._solve_rows(self.operator.forward(v) - self.y))

    def value(self, x: torch.Tensor) -> float:
        """The objective, in float64."""
        misfit = (self.operator.forward(x.double()) - self.y.double()).square().sum()
        return float(misfit / 2) + self.penalty * variation(x.double(), self.settings.kind)

    def bound(self, x: torch.Tensor, p: torch.Tensor) -> float:
        """A lower bound of the minimum from the residual of x and the dual variable p (C, 2, H, W), in float64.

        By duality the minimum is at least -||q||^2/2 - <q, y> - ||A^T q + D^T p||_1 1[box] for every q and every p of
        length at most lambda, where without the box A^T q + D^T p must vanish. It is made to: q loses the part that
        sees constants, p takes what is left, and both shrink until p is short enough.
        """
        q = self.operator.forward(x.double()) - self.y.double()
        p = p.double()
        if self.settings.box:
            gap = (self.operator.adjoint(q) + transposed_differences(p)).abs().sum()
            return float(-q.square().sum() / 2 - q @ self.y.double() - gap)
        q = self._without_constants(q)
        rest = self.operator.adjoint(q) + transposed_differences(p)
        p = p - differences(solve(rest, self.symbol))
        most = self.penalty / max(float(lengths(p, self.settings.kind).max()), 1e-300)
        slope, square = float(-q @ self.y.double()), float(q @ q)
        scale = min(most, max(0.0, slope / square)) if square else 0.0
        return scale * slope - scale**2 * square / 2

    def _without_constants(self, q: torch.Tensor) -> torch.Tensor:
        channels = self.operator.shape[0]
        ones = torch.eye(channels, dtype=q.dtype, device=q.device)[:, :, None, None].expand(-1, *self.operator.shape)
        seen = self.operator.forward(ones.contiguous())
        return q - seen.T @ torch.linalg.lstsq(seen.T, q[:, None]).solution[:, 0]


def _row_solver(operator: Operator, rho: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """(rho I + A A^T)^{-1}: a number for orthonormal rows, one Cholesky of a held matrix, else conjugate gradients."""
    if operator.orthonormal:
        return lambda r: r / (1 + rho)
    matrix = getattr(operator, "matrix", None)
    if matrix is None:
        return lambda r: _conjugate_gradients(lambda u: rho * u + operator.forward(operator.adjoint(u)), r)
    gram = matrix @ matrix.T
    gram.diagonal().add_(rho)
    factor = torch.linalg.cholesky(gram)
    return lambda r: torch.cholesky_solve(r[:, None], factor)[:, 0]


def _conjugate_gradients(product: Callable[[torch.Tensor], torch.Tensor], b: torch.Tensor) -> torch.Tensor:
    u, r = torch.zeros_like(b), b.clone()
    p, square = r.clone(), r @ r
    enough = 1e-12 * square
    for _ in range(200):
        if square <= enough:
            break
        kp = product(p)
        step = square / (p @ kp)
        u, r = u + step * p, r - step * kp
        before, square = square, r @ r
        p = r + (square / before) * p
    return u


@dataclass
class _Best:
    """The best image checked so far, the best lower bound, and the values checked."""

    image: torch.Tensor
    value: float = math.inf
    bound: float = -math.inf
    values: list[float] = field(default_factory=list)

    def gap(self) -> float:
        return (self.value - self.bound) / abs(self.value) if math.isfinite(self.value) else math.inf


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: TVSettings = TVSettings(),
    *,
    seed: int = 0,
    watch: Watch | None = None,
) -> Recovery:
    """Recover an image by total variation; y has shape (m,). The seed is not used: nothing is drawn.

    The `certificate` holds value, lower bound, gap and relative gap of the returned image.

    Raises
    ------
    ValueError
        where y does not fit the operator.

    Source: vanveen18 Section 5.1 (the baseline TVAL3).
    """
    begun = time.perf_counter()
    if y.shape != (operator.m,):
        raise ValueError(f"y must have the operator's {operator.m} entries, got shape {tuple(y.shape)}")
    best = _Best(torch.zeros(operator.shape, dtype=y.dtype, device=y.device))
    steps, outcome = 0, "diverged at step 1"
    if bool(y.isfinite().all()):
        steps, outcome = _descend(_Problem(operator, y, settings), best, watch)
    misfit = float((operator.forward(best.image) - y).square().sum())
    certificate = {"value": best.value, "bound": best.bound, "gap": best.value - best.bound, "relative_gap": best.gap()}
    return Recovery(
        best.image.cpu(), "tv", asdict(settings), outcome, misfit, steps, time.perf_counter() - begun,
        certificate if steps else {}, {"value": best.values},
    )  # fmt: skip


def _descend(problem: _Problem, best: _Best, watch: Watch | None) -> tuple[int, str]:
    """Alternate over x and its copies, with over-relaxation; check the gap now and then."""
    settings, copies, step = problem.settings, _Copies(problem, best.image), 0
    try:
        for step in range(1, settings.max_steps + 1):
            x = copies.sweep()
            if step % 20 == 0 or step == settings.max_steps:
                if _check(problem, best, x, copies):
                    return step, "converged"
                if watch is not None:
                    watch(step, settings.max_steps, best.value)
    except KeyboardInterrupt:
        if not math.isfinite(best.value):
            _check(problem, best, copies.v, copies)
        return step, "interrupted"
    return step, "steps ended"


class _Copies:
    """w = D x (shrunk), v = x (near the measurements) and, with a box, b = x (clamped), each with its scaled dual."""

    def __init__(self, problem: _Problem, start: torch.Tensor) -> None:
        self.problem, self.box = problem, problem.settings.box
        self.v = self.b = problem.nearest(start)
        self.w = differences(self.v)
        self.dual_w, self.dual_v, self.dual_b = (torch.zeros_like(copy) for copy in (self.w, self.v, self.b))
        self.symbol = (2 if self.box else 1) + problem.symbol

    def sweep(self) -> torch.Tensor:
        """One round: x exactly given the copies, each copy exactly given x, then the duals."""
        problem, relax = self.problem, 1.7
        target = transposed_differences(self.w - self.dual_w) + self.v - self.dual_v
        x = solve(target + self.b - self.dual_b if self.box else target, self.symbol)
        d = relax * differences(x) + (1 - relax) * self.w + self.dual_w
        h = relax * x + (1 - relax) * self.v + self.dual_v
        self.w = shrink(d, problem.penalty / problem.rho, problem.settings.kind)
        self.v = problem.nearest(h)
        self.dual_w, self.dual_v = d - self.w, h - self.v
        if self.box:
            g = relax * x + (1 - relax) * self.b + self.dual_b
            self.b = g.clamp(-1, 1)
            self.dual_b = g - self.b
        return x


def _check(problem: _Problem, best: _Best, x: torch.Tensor, copies: _Copies) -> bool:
    v = copies.v
    for candidate in (copies.b, v.clamp(-1, 1)) if copies.box else (x, v):
        value = problem.value(candidate)
        if value < best.value:
            best.value, best.image = value, candidate.clone()
    best.bound = max(best.bound, problem.bound(v, problem.rho * copies.dual_w))
    best.values.append(best.value)
    return best.gap() <= problem.settings.tolerance
