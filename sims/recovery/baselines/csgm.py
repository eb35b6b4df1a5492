"""CSGM: the image in the range of a trained generator that fits the measurements best, from many starts at once."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

import numpy as np
import torch

from untrained.sims.networks.vae import Generator, load_generator
from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery.result import Recovery, check_measurements


@dataclass(frozen=True)
class CSGMSettings:
    """What CSGM depends on, beside measurements and seed; the defaults are the paper's for its autoencoder.

    `generator`: file of the trained generator. `latent_weight`: lambda in ||A G(z) - y||^2/gain + lambda ||z||^2.

    Source: Bora, Jalal, Price and Dimakis 2017, Section 6
    """

    generator: str | None = None
    restarts: int = 10
    steps: int = 1000
    learning_rate: float = 0.1
    latent_weight: float = 0.1

    def __post_init__(self) -> None:
        for name in ("restarts", "steps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate must be above 0 and finite, got {self.learning_rate}")
        if not 0 <= self.latent_weight < float("inf"):
            raise ValueError(f"latent_weight must be at least 0 and finite, got {self.latent_weight}")


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: CSGMSettings | None = None,
    *,
    seed: int = 0,
    watch: Progress | None = None,
    generator: Generator | None = None,
) -> Recovery:
    """Recover an image from y of shape (m,): descend in z from every start, keep the start of least misfit.

    Each start keeps its step of least objective. `generator` stands for the file that the settings name.

    Source: Bora, Jalal, Price and Dimakis 2017, eq. 3

    Raises
    ------
    ValueError
        where there is no generator, its images are of another shape than the operator's, or y is not finite.
    """
    settings, begun = settings or CSGMSettings(), time.perf_counter()
    G = _fitting(generator or _from_file(settings.generator), operator).to(y.device)
    check_measurements(operator, y, finite=True)
    course = _descend(G, operator, y.detach().float(), settings, seed, watch)
    misfits, best = course.misfits, int(course.misfits.argmin())
    trace = {"misfit": course.trace, "restart_misfits": misfits.tolist()}
    return Recovery(
        image=course.images[best].cpu(),
        method="csgm",
        settings=asdict(settings),
        outcome=course.outcome,
        misfit=float(misfits[best]),
        steps=course.steps,
        seconds=time.perf_counter() - begun,
        trace=trace,
    )


def _from_file(path: str | None) -> Generator:
    if path is None:
        raise ValueError("generator must name a trained generator, got none: make one with `untrained train-generator`")
    return load_generator(path)


def _fitting(generator: Generator, operator: Operator) -> Generator:
    if tuple(generator.shape) != tuple(operator.shape):
        raise ValueError(f"generator must give images of shape {operator.shape}, got one of {generator.shape}")
    return generator


@dataclass
class _Course:
    """The best of every start so far; a start that was never finite keeps the zero image and an infinite objective."""

    images: torch.Tensor
    misfits: torch.Tensor
    objectives: torch.Tensor
    outcome: str = "steps ended"
    steps: int = 0
    trace: list[float] = field(default_factory=list)

    def note(self, step: int, x: torch.Tensor, misfits: torch.Tensor, objectives: torch.Tensor) -> None:
        better = objectives < self.objectives
        self.images = torch.where(better[:, None, None, None], x, self.images)
        self.misfits = torch.where(better, misfits, self.misfits)
        self.objectives = torch.where(better, objectives, self.objectives)
        self.steps = step


def _descend(
    G: Generator, operator: Operator, y: torch.Tensor, settings: CSGMSettings, seed: int, watch: Progress | None
) -> _Course:
    starts = [stream(seed, "latent", r).standard_normal(G.latent, dtype=np.float32) for r in range(settings.restarts)]
    z = torch.from_numpy(np.stack(starts)).to(y.device).requires_grad_()
    optimiser = torch.optim.Adam([z], settings.learning_rate)
    endless = torch.full((len(z),), torch.inf, device=y.device)
    course = _Course(torch.zeros(len(z), *G.shape, device=y.device), y.square().sum().expand(len(z)), endless)
    try:
        for step in range(1, settings.steps + 1):
            x = G(z)
            residuals, gradient = operator.residual_and_gradient(x.detach(), y)
            misfits = residuals.square().sum(-1)
            objectives = misfits / operator.gain + settings.latent_weight * z.detach().square().sum(-1)
            if not objectives.isfinite().any():
                course.outcome = f"diverged at step {step}"
                break
            course.note(step, x.detach(), misfits, objectives)
            optimiser.zero_grad()
            surrogate = (2.0 / operator.gain * gradient * x).sum() + settings.latent_weight * z.square().sum()
            surrogate.backward()
            optimiser.step()
            _tell(course, settings, watch)
    except KeyboardInterrupt:
        course.outcome = "interrupted"
    return course


def _tell(course: _Course, settings: CSGMSettings, watch: Progress | None) -> None:
    if course.steps % 10 == 0 or course.steps in (1, settings.steps):
        course.trace.append(float(course.misfits.min()))
        if watch is not None:
            watch(course.steps, settings.steps, course.trace[-1])
