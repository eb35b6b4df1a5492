"""The descent behind CS-DIP: P networks fitted side by side, each to measurements of its own image."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator, stack
from untrained.sims.random.streams import stream
from untrained.sims.recovery.csdip_settings import CSDIPSettings
from untrained.sims.recovery.learned_prior import load_prior
from untrained.sims.recovery.stopping import Iterates, StoppingRule
from untrained.sims.recovery.total_variation import jump_penalty


class _Misfit(torch.autograd.Function):
    """||r||^2 and r = A x - y of each problem; the gradient of the first comes from the same pass over A."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, operator: Any) -> tuple[torch.Tensor, torch.Tensor]:
        residual, gradient = operator.residual_and_gradient(x.detach(), y)
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(residual)
        return residual.square().sum(-1), residual

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return 2 * upstream[..., None, None, None] * gradient, None, None


def fitted_part(m: int, held_out: float, seed: int) -> torch.Tensor:
    """Which of m measurements are fitted, when about a share of them is held out.

    Raises
    ------
    ValueError
        where none would be fitted, or none held out.
    """
    fitted = stream(seed, "held out").random(m) >= held_out
    if fitted.all() or not fitted.any():
        raise ValueError(f"held_out must leave measurements on both sides, got {held_out} of {m}")
    return torch.from_numpy(fitted)


class Targets:
    """The measurements of I images, each fitted by R networks: misfits of P = I R images in one call."""

    def __init__(
        self, operators: Sequence[Operator], ys: torch.Tensor, restarts: int, settings: CSDIPSettings, seed: int
    ) -> None:
        self.one = operators[0] if len(operators) == 1 else None
        self.operator: Any = self.one or stack(operators)
        self.ys, self.restarts, self.gain, self.shape = ys, restarts, operators[0].gain, operators[0].shape
        self.fitted: torch.Tensor | None = None
        if settings.stopping == "held-out":
            self.fitted = fitted_part(ys.shape[1], settings.held_out, seed).to(ys.device)

    def misfits(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Misfit of each problem on the measurements that are fitted, (P,), and residuals A x - y of all, (P, m)."""
        grouped = x.unflatten(0, (-1, self.restarts)) if self.one is None else x
        if self.fitted is None:
            y = self.ys[0] if self.one else self.ys
            fit, residuals = _Misfit.apply(grouped, y, self.operator)  # type: ignore[no-untyped-call]
            return fit.flatten(), residuals.reshape(len(x), -1)
        y = self.ys[0] if self.one else self.ys[:, None]
        residuals = (self.operator.forward(grouped) - y).reshape(len(x), -1)
        return residuals[:, self.fitted].square().sum(-1), residuals.detach()

    def parts(self, residuals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Misfits on the measurements that are fitted, and on those held out."""
        if self.fitted is None:
            return residuals.square().sum(-1), None
        return residuals[:, self.fitted].square().sum(-1), residuals[:, ~self.fitted].square().sum(-1)


class Fit:
    """P networks being fitted, each begun from its own (seed, restart); those of one image stand side by side."""

    def __init__(
        self, chosen: Network, data: Targets, settings: CSDIPSettings, starts: Sequence[tuple[int, int]]
    ) -> None:
        self.settings, self.data, device = settings, data, data.ys.device
        self.weight = settings.penalty_weight(data.ys.shape[-1], data.gain)
        self.network = chosen.copies(data.shape, starts, settings.initialisation, device)
        self.z = self.network.z
        if settings.input_noise and not (self.z.is_floating_point() or self.z.is_complex()):
            raise ValueError(
                f"input_noise must be 0 for {chosen.name}, whose input is of whole numbers, "
                f"got {settings.input_noise:g}"
            )
        self.noises = [stream(seed, "input noise", restart) for seed, restart in starts]
        self.prior = load_prior(settings.prior).to(device) if settings.prior and settings.prior_weight else None
        weights = [w for w in self.network.weights.values() if w.requires_grad]
        self.flat = in_one(weights)
        self.optimiser = _optimiser(weights if self.flat is None else [self.flat], settings)
        self.step = torch.compile(self.optimiser.step) if settings.compile else self.optimiser.step
        self.forward = torch.compile(self.network) if settings.compile else self.network
        self._means: list[_Average] = []

    def advance(self, step: int) -> Iterates:
        """One step of descent; the iterates are the images before it, with the misfit of these very images."""
        self.optimiser.zero_grad(set_to_none=self.flat is None)
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate(step)
        x = self.forward(self._input())
        misfits, residuals = self.data.misfits(x)
        self._loss(x, misfits).backward()
        self.step()
        images = x.detach()
        if decay := self.settings.average:
            self._means = self._means or [_Average(decay), _Average(decay)]
            images, residuals = (mean.add(new) for mean, new in zip(self._means, (images, residuals), strict=True))
        return Iterates(step, images, *self.data.parts(residuals))

    def _input(self) -> torch.Tensor:
        if not self.settings.input_noise:
            return self.z
        fresh = [torch.from_numpy(rng.standard_normal(self.z.shape[1:], dtype=np.float32)) for rng in self.noises]
        return self.z + self.settings.input_noise * torch.stack(fresh).to(self.z.device)

    def _loss(self, x: torch.Tensor, misfits: torch.Tensor) -> torch.Tensor:
        loss = misfits / self.data.gain
        if self.weight:
            loss = loss + self.weight * jump_penalty(x, self.settings.tv_scale)
        if self.prior is not None:
            loss = loss + self.settings.prior_weight * self.prior.penalty(self.network.weights)
        return loss.sum()


class _Average:
    """The average of what came so far, newer ones counting more; its bias towards the first is divided out.

    Residuals are affine in the image, so their average is the residual of the average image: no further product by A.
    """

    def __init__(self, decay: float) -> None:
        self.decay, self.sum, self.count = decay, torch.zeros(()), 0

    def add(self, new: torch.Tensor) -> torch.Tensor:
        self.sum = self.decay * self.sum.to(new.device) + (1 - self.decay) * new
        self.count += 1
        return self.sum / (1 - self.decay**self.count)


def in_one(weights: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """A flat tensor that the weights, and their gradients, are views of from now on; None where they have other types.

    A step on it is the step on each, to the last digit, without an optimiser going through Python for each.
    """
    if len({(w.dtype, w.device) for w in weights}) != 1 or weights[0].is_complex():
        return None
    flat = torch.cat([w.detach().flatten() for w in weights]).requires_grad_()
    flat.grad = torch.zeros_like(flat)
    sizes = [w.numel() for w in weights]
    for w, numbers, gradient in zip(weights, flat.detach().split(sizes), flat.grad.split(sizes), strict=True):
        w.data, w.grad = numbers.view(w.shape), gradient.view(w.shape)
    return flat


def _optimiser(weights: list[torch.Tensor], settings: CSDIPSettings) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam(weights, settings.learning_rate, foreach=weights[0].is_cuda)
    return torch.optim.RMSprop(weights, settings.learning_rate, momentum=settings.momentum, foreach=weights[0].is_cuda)


@dataclass
class Course:
    """How a run went: steps taken, the step at which each problem diverged (0: never), stopped, interrupted, losses."""

    steps: int = 0
    diverged: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    stopped: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    interrupted: bool = False
    losses: list[torch.Tensor] = field(default_factory=list)


class Stepper(Protocol):
    """What takes steps: P fits side by side."""

    def advance(self, step: int) -> Iterates:
        """Take a step, counted from 1, and return what a stopping rule sees."""
        ...


def run_fit(
    fit: Stepper, chooser: StoppingRule, steps: int, tell: Callable[[int, float], None], end: threading.Event
) -> Course:
    """Take steps until they end, all problems have stopped, or `end` is set; `tell` hears of every tenth."""
    course = Course()
    try:
        for step in range(1, steps + 1):
            if end.is_set():
                break
            iterates = fit.advance(step)
            _note(course, iterates, chooser.observe(iterates))
            if step % 10 == 0 or step in (1, steps):
                tell(step, float(iterates.misfits.mean()))
            if step % 10 == 0 and bool((course.stopped | (course.diverged > 0)).all()):
                break
    except KeyboardInterrupt:
        end.set()
    course.interrupted = end.is_set()
    return course


def _note(course: Course, iterates: Iterates, stopped: torch.Tensor) -> None:
    course.steps, course.stopped = iterates.step, stopped
    if not len(course.diverged):
        course.diverged = torch.zeros_like(iterates.misfits, dtype=torch.int64)
    fresh = ~iterates.misfits.isfinite() & (course.diverged == 0)
    course.diverged = torch.where(fresh, iterates.step, course.diverged)
    if iterates.step % 10 == 0 or iterates.step == 1:
        course.losses.append(iterates.misfits)
