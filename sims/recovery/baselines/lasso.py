"""The Lasso in an orthonormal basis, min_c ||A Psi c - y||^2/2 + lambda ||c||_1, solved to a duality gap."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import Literal

import torch

from untrained.sims.images.bases import Basis, daubechies, make_basis
from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.lasso_columns import ColumnSource, column_source, project_away
from untrained.sims.recovery.baselines.lasso_solver import NewtonLog, PenaltyPath, dual_value
from untrained.sims.recovery.baselines.linear_systems import gap_closed, seen_fit, seen_span
from untrained.sims.recovery.result import Recovery, check_measurements
from untrained.sims.runtime import few_threads_where_small


@dataclass(frozen=True)
class LassoSettings:
    """What is minimised, and how well.

    `penalty` is lambda; None is 1e-5 m (times the operator's gain), which is scikit-learn's Lasso(alpha=1e-5) of the
    original experiments, whose data term is divided by m. `frequency_weight` p > 0 multiplies the penalty of each
    atom by (1 + its frequency)^p; `penalise_mean=False` leaves the means of the channels free (dct only). The gap
    between the returned image's value and a lower bound of the minimum is at most `tolerance` times that value; a
    tolerance below 1e-6 asks for more than a float32 image can hold.

    Source: vanveen18 Section 5.1, Lasso-DCT
    """

    basis: Literal["dct", "wavelet"] = "dct"
    wavelet: str = "db4"
    penalty: float | None = None
    penalise_mean: bool = True
    frequency_weight: float = 0.0
    tolerance: float = 1e-4
    max_steps: int = 1000

    def __post_init__(self) -> None:
        if self.basis not in ("dct", "wavelet"):
            raise ValueError(f"basis must be dct or wavelet, got {self.basis!r}")
        daubechies(self.wavelet)
        if self.penalty is not None and not 0 < self.penalty < math.inf:
            raise ValueError(f"penalty must be above 0, got {self.penalty}")
        if not 0 <= self.frequency_weight < math.inf:
            raise ValueError(f"frequency_weight must be at least 0, got {self.frequency_weight}")
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance must be above 0 and below 1, got {self.tolerance}")
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")
        if self.basis == "wavelet" and not self.penalise_mean:
            raise ValueError("penalise_mean must be true for wavelets, of which no single one is the mean, got false")


MOST_WEIGHT = 1e100
"""How many times as much as that of the mean the penalty of a coefficient may be: squares of it are numbers."""


class _Problem:
    """One Lasso: operator, basis, measurements in float64, the penalty of each coefficient, 0 where it is free."""

    def __init__(self, operator: Operator, y: torch.Tensor, settings: LassoSettings) -> None:
        self.operator, self.y, self.settings = operator, y.double(), settings
        self.basis: Basis = make_basis(settings.basis, operator.shape, settings.wavelet)
        self.penalty = settings.penalty or 1e-5 * operator.m * operator.gain
        frequency = self.basis.frequency().to(y.device).flatten()
        weights = (1 + frequency) ** settings.frequency_weight
        if not float(weights.max()) <= MOST_WEIGHT:
            raise ValueError(
                f"frequency_weight must leave penalties within a factor of {MOST_WEIGHT:g} of one another, "
                f"got {settings.frequency_weight:g}"
            )
        self.penalties = self.penalty * weights
        self.paid = torch.ones_like(frequency, dtype=torch.bool) if settings.penalise_mean else frequency > 0
        self._columns = self._free_columns()
        self.free = seen_span(self._columns, operator.gain)

    def _free_columns(self) -> torch.Tensor:
        places = (~self.paid).nonzero().squeeze(-1)
        if not len(places):
            return self.y.new_zeros(len(self.y), 0)
        atoms = self.y.new_zeros(len(places), self.basis.n)
        atoms[torch.arange(len(places)), places] = 1.0
        return self.operator.forward(self._synthesis(atoms)).T

    def _synthesis(self, c: torch.Tensor) -> torch.Tensor:
        return self.basis.synthesis(c.unflatten(-1, self.basis.shape))

    def path(self, log: NewtonLog) -> PenaltyPath:
        """The search for the penalised coefficients, on what of y the free ones cannot explain."""
        scale = 1.0 if self.operator.orthonormal else self.operator.gain
        return PenaltyPath(project_away(self.free, self.y), self.penalties, scale, log)

    def source(self) -> ColumnSource:
        """The columns of A Psi, less what the free ones explain."""
        return column_source(self.operator, self.basis, self.free)

    def image(self, c: torch.Tensor) -> torch.Tensor:
        """The image (C, H, W) of penalised coefficients c (n,), with the best free ones beside them."""
        x = self._synthesis(c)
        if self.paid.all() or not torch.isfinite(self.y).all():
            return x
        rest = self.y - self.operator.forward(x)
        best = seen_fit(self._columns, rest, self.operator.gain)
        return self._synthesis(c.clone().masked_scatter_(~self.paid, best))

    def certificate(self, x: torch.Tensor, u: torch.Tensor) -> dict[str, float]:
        """Values of the image x and of u made feasible, both in float64 and by the operator itself."""
        u = project_away(self.free, u)
        correlations = self.basis.analysis(self.operator.adjoint(u)).flatten()
        lower = dual_value(u, self.y, correlations[self.paid], self.penalties[self.paid])
        sizes = self.basis.analysis(x).flatten().abs()
        value = self.misfit(x) / 2 + float(self.penalties[self.paid] @ sizes[self.paid])
        gap = value - lower
        return {"primal": value, "dual": lower, "gap": gap, "relative_gap": gap / value if value > 0 else 0.0}

    def misfit(self, x: torch.Tensor) -> float:
        """||A x - y||^2 in float64."""
        return float((self.operator.forward(x) - self.y).square().sum())


@few_threads_where_small
@torch.no_grad()
def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: LassoSettings = LassoSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover the image Psi c of min_c ||A Psi c - y||^2/2 + lambda ||c||_1 from y (m,); nothing in it is random.

    `certificate` holds the primal value of the returned image, a dual value below which that of no image goes, their
    gap, lambda and the number of wavelet levels; `trace` the value at each Newton step, and as "dual" the m numbers u
    that prove the bound: scaled until no |b_j^T u| exceeds its penalty, they give <u, y> - ||u||^2/2.

    Raises
    ------
    ValueError
        where y does not fit the operator.

    Source: vanveen18 Section 5.1
    """
    check_measurements(operator, y)
    begun = time.perf_counter()
    problem, log = _Problem(operator, y, settings), NewtonLog(settings.max_steps, watch)
    path = problem.path(log)
    ending = _search(problem, path)
    image = problem.image(path.c).float()
    x = image.double()
    certificate = {} if ending.startswith("diverged") else problem.certificate(x, path.u)
    if ending == "ended" and gap_closed(certificate["gap"], certificate["primal"], settings.tolerance, problem.y):
        ending = "converged"
    elif ending == "ended":
        ending = "steps ended" if log.ended else "stopped early"
    return Recovery(
        image=image.cpu(),
        method=f"lasso-{settings.basis}",
        settings=asdict(settings),
        outcome=ending,
        misfit=problem.misfit(x),
        steps=log.steps,
        seconds=time.perf_counter() - begun,
        certificate={**certificate, "penalty": problem.penalty, "levels": float(problem.basis.levels)},
        trace={"loss": log.losses, "dual": path.u.tolist()},
    )


def _search(problem: _Problem, path: PenaltyPath) -> str:
    if not torch.isfinite(problem.y).all():
        return "diverged at step 0"
    try:
        path.run(problem.source(), problem.settings.tolerance)
    except KeyboardInterrupt:
        return "interrupted"
    return f"diverged at step {path.log.steps}" if path.log.diverged else "ended"
