"""Real descents beside what the linearised theory predicts: a picture, noise, a noisy picture, measurements.

Descent is plain, on a network's weights, from its initialisation, with one step size, as the theory has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.diagnosis.bias import noise_like
from untrained.sims.diagnosis.initialisation import Initialisation
from untrained.sims.diagnosis.predictions import (
    Denoising,
    Interpolant,
    denoising,
    fit_time,
    interpolant,
    least_norm,
    misfits,
)
from untrained.sims.diagnosis.range_geometry.isometry import RowMap
from untrained.sims.diagnosis.report import Prediction
from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream

BLOWN = 1e3
"""A misfit this many times the first one has diverged."""
FITTED = 1e-6
"""A misfit this share of the first one has converged, in single precision."""
SHARE = 0.5**0.5
"""A fit counts from where half of the energy of the first misfit is gone."""


@dataclass(frozen=True)
class Descent:
    """Descent on ||A f(theta) - y||^2/2: misfits ||A f(theta_t) - y|| and errors ||f(theta_t) - x||, (steps done + 1,).

    `end` is "converged", "budget ended" or "diverged at step t". `last` (n,) is the last finite output, `best` (n,)
    that of least error, `movement` (count,) is theta_t - theta_0 at the end. Without a truth, errors are NaN.
    """

    step: float
    misfits: np.ndarray
    errors: np.ndarray
    end: str
    last: np.ndarray
    best: np.ndarray
    movement: torch.Tensor

    @property
    def distance(self) -> float:
        """||theta_t - theta_0|| at the end."""
        return float(self.movement.norm())

    @property
    def note(self) -> str:
        """How it ended, if not with its budget."""
        return "" if self.end == "budget ended" else self.end

    def time_to(self, share: float) -> float:
        """First step with ||r_t|| <= share ||r_0||, infinite where there is none."""
        reached = np.flatnonzero(self.misfits <= share * self.misfits[0])
        return float(reached[0]) if len(reached) else float("inf")


def gradient_descent(
    network: Network,
    y: np.ndarray,
    step: float,
    steps: int,
    *,
    through: Callable[[torch.Tensor], torch.Tensor] | None = None,
    truth: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Descent:
    """Descend from the network's weights, which stay as they are; `through` is A, on outputs (n,), and y (m,).

    Raises
    ------
    ValueError
        where the step or the number of steps is not above 0, y does not fit the output, or the output's square is
        beyond its dtype.
    """
    if not step > 0 or steps < 1:
        raise ValueError(f"step and steps must be above 0, got {step} and {steps}")
    walker, start = network.moved(torch.zeros(network.count)), network.vector()
    weights = [walker.parameter(name) for name in walker.weights]
    goal = torch.as_tensor(y).to(weights[0])
    x = None if truth is None else torch.as_tensor(truth).to(weights[0])
    trace = _Trace(step)
    for t in range(steps + 1):
        f = walker.output()
        measured = f if through is None else through(f)
        if measured.shape != goal.shape:
            raise ValueError(f"y must have shape {tuple(measured.shape)}, got {tuple(goal.shape)}")
        r = measured - goal
        if not t and not r.detach().norm().isfinite():
            precise, size = str(f.dtype).removeprefix("torch."), float(f.detach().abs().max())
            raise ValueError(f"output of {network.name} must have squares that {precise} holds, got {size:.3g}")
        trace.note(t, f.detach(), float(r.detach().norm()), None if x is None else float((f.detach() - x).norm()))
        if progress:
            progress(t, steps, trace.misfits[-1])
        if trace.end or t == steps:
            break
        _move(weights, torch.autograd.grad(r.square().sum() / 2, weights, allow_unused=True), step)
    return trace.descent(walker.vector() - start)


def _move(weights: list[torch.Tensor], gradients: tuple[torch.Tensor | None, ...], step: float) -> None:
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                weight.sub_(gradient, alpha=step)


class _Trace:
    """A descent as it goes on."""

    def __init__(self, step: float) -> None:
        self.step, self.end = step, ""
        self.misfits: list[float] = []
        self.errors: list[float] = []
        self.last = self.best = torch.empty(0)

    def note(self, t: int, f: torch.Tensor, misfit: float, error: float | None) -> None:
        if not misfit <= BLOWN * (self.misfits[0] if self.misfits else misfit):  # not a number included
            self.end = f"diverged at step {t}"
            return
        least = min(self.errors, default=float("inf"))
        self.misfits.append(misfit)
        self.errors.append(float("nan") if error is None else error)
        self.last = f
        if error is None or error < least:
            self.best = f
        if misfit <= FITTED * self.misfits[0]:
            self.end = "converged"

    def descent(self, movement: torch.Tensor) -> Descent:
        last, best = (tensor.cpu().double().numpy() for tensor in (self.last, self.best))
        misfits, errors = np.array(self.misfits), np.array(self.errors)
        return Descent(self.step, misfits, errors, self.end or "budget ended", last, best, movement)


@dataclass(frozen=True)
class LinearisedFit:
    """A descent on a whole output, with the misfits (steps done + 1,) and the `time` that are predicted for it."""

    descent: Descent
    predicted: np.ndarray
    time: float

    @property
    def real_time(self) -> float:
        """The step at which it really counts as a fit."""
        return self.descent.time_to(SHARE)

    @property
    def curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Relative misfits, predicted and real."""
        return self.predicted / self.predicted[0], self.descent.misfits / self.descent.misfits[0]


@dataclass(frozen=True)
class DenoisingFit:
    """A descent on x + noise, what is predicted for it, the norm of the noise, and x + noise itself."""

    descent: Descent
    promise: Denoising
    noise: float
    noisy: np.ndarray

    @property
    def least(self) -> float:
        """The least error ||f_t - x|| on the way."""
        return float(self.descent.errors.min())

    @property
    def gain(self) -> float:
        """Decibels gained on the noisy picture."""
        return float(20 * np.log10(self.noise / self.least))


@dataclass(frozen=True)
class SensingFit:
    """A descent on y = A x and what is predicted; errors are shares of ||x||, `baseline` that of the least norm."""

    descent: Descent
    then: float
    end: float
    error: float
    baseline: float


@dataclass(frozen=True)
class Descents:
    """Every descent of one network from one initialisation; `sensing` is None where nothing is measured."""

    image: LinearisedFit
    noise: LinearisedFit
    denoising: DenoisingFit
    sensing: SensingFit | None

    @property
    def by_name(self) -> dict[str, Descent]:
        """The descents by what they fit."""
        whole = {
            "image": self.image.descent,
            "noise": self.noise.descent,
            "noisy image": self.denoising.descent,
        }
        return whole if self.sensing is None else {**whole, "sensing": self.sensing.descent}

    @property
    def predictions(self) -> list[Prediction]:
        """Numbers by the linearised theory beside the real ones."""
        image, noise = self.image, self.noise
        ratios = _over(noise.time, image.time), _over(noise.real_time, image.real_time)
        rows = [
            Prediction(f"fit time of {name}", "steps to half of the energy", f.time, f.real_time, f.descent.note)
            for name, f in (("image", image), ("noise", noise))
        ]
        rows += [Prediction("noise against image", "times as long", *ratios), *self._denoising()]
        return rows if self.sensing is None else [*rows, _sensing_row(self.sensing)]

    def _denoising(self) -> list[Prediction]:
        fit, errors = self.denoising, self.denoising.descent.errors
        least = int(np.argmin(errors))
        late = "the error still fell at the last step" if least == len(errors) - 1 else ""
        return [
            Prediction("best stop", "step", fit.promise.stop, float(least), late),
            Prediction("gain", "dB", fit.promise.gain, fit.gain, fit.descent.note),
        ]


def _sensing_row(fit: SensingFit) -> Prediction:
    note = f"{fit.end:.3g} predicted at the end, by the smoothest interpolant"
    return Prediction("error of sensing", "of ||x||", fit.then, fit.error, note)


def _over(a: float, b: float) -> float:
    """a/b for times, of which either may be infinite."""
    return a / b if np.isfinite(b) and b > 0 else float("nan")


@dataclass(frozen=True)
class DescentPlan:
    """How descents are run: from `start`, on `network`, which has its weights in single precision, for the target x."""

    start: Initialisation
    network: Network
    x: np.ndarray
    steps: int
    seed: int
    progress: Progress | None = None

    def descend(self, y: np.ndarray, step: float, **options: object) -> Descent:
        """Descend on a target."""
        return gradient_descent(
            self.network, y, step, self.steps, progress=self.progress, **options  # type: ignore[arg-type]
        )  # fmt: skip


def run_descents(
    plan: DescentPlan, sigma: float, operator: Operator | None = None, A: RowMap | None = None
) -> Descents:
    """Fit the picture, noise of its norm, the picture with noise of deviation sigma an entry, and y = A x."""
    image, noise = fit(plan, plan.x), fit(plan, noise_like(plan.x, plan.seed, "fit"))
    denoised = fit_noisy(plan, sigma)
    sensing = None if operator is None or A is None else fit_measurements(plan, operator, A)
    return Descents(image, noise, denoised, sensing)


def fit(plan: DescentPlan, y: np.ndarray) -> LinearisedFit:
    """LinearisedFit a target: how long it takes."""
    start = plan.start
    descent, measure = plan.descend(y, start.step), start.measure(start.output - y)
    predicted = misfits(measure, start.step, np.arange(len(descent.misfits)))
    return LinearisedFit(descent, predicted, fit_time(measure, start.step, SHARE))


def fit_noisy(plan: DescentPlan, sigma: float) -> DenoisingFit:
    """LinearisedFit x + noise, and look when the fit is nearest to x."""
    start, x = plan.start, plan.x
    promise = denoising(start.measure(start.output - x), start.spectrum.density(), start.step, sigma)
    noise = sigma * stream(plan.seed, "noise", "denoise").standard_normal(len(x))
    descent = plan.descend(x + noise, start.step, truth=x)
    return DenoisingFit(descent, promise, float(np.linalg.norm(noise)), x + noise)


def fit_measurements(plan: DescentPlan, operator: Operator, A: RowMap) -> SensingFit:
    """LinearisedFit y = A x: how near the image is after the steps, and at the end of the linearised descent."""
    start, shape, x = plan.start, plan.network.image_shape, plan.x
    y, scale = A.forward(x[None])[0], float(np.linalg.norm(x))
    step = 1 / (start.spectrum.largest.value * operator.squared_norm())
    through: Callable[[torch.Tensor], torch.Tensor] = lambda f: operator.forward(f.reshape(shape))  # noqa: E731
    descent = plan.descend(y, step, through=through, truth=x)
    promise: Interpolant = interpolant(start.spectrum, A, y, start.output, step, len(descent.misfits) - 1)
    then, end = (float(np.linalg.norm(f - x)) / scale for f in (promise.then, promise.end))
    baseline = float(np.linalg.norm(least_norm(A, y) - x)) / scale
    return SensingFit(descent, then, end, float(descent.errors[-1]) / scale, baseline)
