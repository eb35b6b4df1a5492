"""Recovery by total variation, min_x ||A x - y||^2/2 + lambda TV(x), solved to a duality gap."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace

import torch

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.baselines.linear_systems import DENSE, SMALL_MATRIX, gap_closed
from untrained.sims.recovery.baselines.tv_solver import Model, Search, SearchLog
from untrained.sims.recovery.result import Recovery, check_measurements
from untrained.sims.recovery.total_variation import TV_KINDS
from untrained.sims.runtime import few_threads_where_small

NOISELESS, NOISY = 1e-3, 1.0
"""The default lambda over the operator's gain, without noise; and over sigma sqrt(gain/m), with it."""


@dataclass(frozen=True)
class TVSettings:
    """What is minimised, and how well.

    `penalty` is lambda; None is 1e-3 times the operator's gain without noise, and with noise (sigma, so that each
    measurement has standard deviation sigma/sqrt(m)) the standard deviation of the entries of A^T eta if that is more.
    `kind`: "isotropic" takes the Euclidean norm of the differences in both directions and sums over channels,
    "anisotropic" sums all, "joint" takes the norm over channels as well. `box` keeps pixels in [-1, 1], which the
    published model does not. The gap between the returned image's value and a lower bound of the minimum is at most
    `tolerance` times that value.

    Source: vanveen18 Section 5.1, TVAL3
    """

    penalty: float | None = None
    noise: float = 0.0
    kind: str = "isotropic"
    box: bool = False
    tolerance: float = 1e-3
    max_steps: int = 2000

    def __post_init__(self) -> None:
        if self.kind not in TV_KINDS:
            raise ValueError(f"kind must be one of {', '.join(TV_KINDS)}, got {self.kind!r}")
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
        noisy = NOISY * self.noise * math.sqrt(operator.gain / operator.m)
        return self.penalty or max(NOISELESS * operator.gain, noisy)


@few_threads_where_small
@torch.no_grad()
def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: TVSettings = TVSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover the image of min_x ||A x - y||^2/2 + lambda TV(x) from y (m,); nothing in it is random.

    `certificate` holds the value of the returned image (primal), a number below which that of no image lies (dual),
    their gap, and lambda; `trace` the values and relative gaps at each look, every tenth iteration.

    Raises
    ------
    ValueError
        where y does not fit the operator.

    Source: vanveen18 Section 5.1; Li, Yin, Zhang, TVAL3 (2009)
    """
    check_measurements(operator, y)
    begun = time.perf_counter()
    log = SearchLog(settings.max_steps, watch)
    model = Model(operator, y.double(), settings.weight(operator), settings.kind, settings.box)
    ending = _search(model, log, settings)
    image = (y.new_zeros(operator.shape) if log.image is None else log.image).float()
    certificate = _certificate(model, image, log)
    if ending == "ended":
        closed = gap_closed(certificate["gap"], certificate["primal"], settings.tolerance, model.y)
        ending = "converged" if closed else "steps ended"
    return Recovery(
        image=image.cpu(),
        method="tv",
        settings=asdict(settings),
        outcome=ending,
        misfit=model.misfit(image),
        steps=log.steps,
        seconds=time.perf_counter() - begun,
        certificate=certificate,
        trace={"loss": log.values, "relative_gap": log.gaps},
    )


def _search(model: Model, log: SearchLog, settings: TVSettings) -> str:
    if not torch.isfinite(model.y).all():
        return "diverged at step 0"
    large = model.operator.m * model.operator.n > SMALL_MATRIX and model.operator.name in DENSE
    try:
        Search(replace(model, dtype=torch.float32) if large else model, log).run(0.9 * settings.tolerance)
    except KeyboardInterrupt:
        return "interrupted"
    return f"diverged at step {log.steps}" if log.diverged else "ended"


def _certificate(model: Model, image: torch.Tensor, log: SearchLog) -> dict[str, float]:
    """Values of the very image and of the best multipliers, in float64 by the operator itself."""
    if log.multipliers is None or log.diverged:
        return {"penalty": model.penalty}
    value, bound = model.value(image.double()), model.bound(log.multipliers)
    gap = value - bound
    relative = gap / value if value > 0 else 0.0
    return {"primal": value, "dual": bound, "gap": gap, "relative_gap": relative, "penalty": model.penalty}
