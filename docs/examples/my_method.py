import time
from dataclasses import asdict, dataclass

import torch

from untrained.sims.recovery.result import Recovery, check_measurements


@dataclass(frozen=True)
class LandweberSettings:
    """How many steps of gradient descent on ||A x - y||^2/2, each of length 1/||A||^2."""

    steps: int = 50

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


@torch.no_grad()
def recover(operator, y, settings=LandweberSettings(), *, seed=0, watch=None):
    """Recover the image that descent from zero has reached after so many steps; nothing in it is random."""
    check_measurements(operator, y, finite=True)
    begun, x = time.perf_counter(), torch.zeros(operator.shape)
    for _ in range(settings.steps):
        x = x - operator.adjoint(operator.forward(x) - y) / operator.squared_norm()
    return Recovery(
        image=x,
        method="landweber",
        settings=asdict(settings),
        outcome="steps ended",
        misfit=float((y - operator.forward(x)).square().sum()),
        steps=settings.steps,
        seconds=time.perf_counter() - begun,
    )
