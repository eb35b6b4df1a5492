"""CS-DIP: fit an untrained network to the measurements of one image, for many images and restarts at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from sims.chance.streams import stream
from sims.imaging.batched import Batched
from sims.imaging.initialisation import initialise
from sims.imaging.learned_prior import load_prior
from sims.imaging.networks import Architecture, architecture
from sims.imaging.recovery.budget import check_fits
from sims.imaging.recovery.csdip_settings import PRESETS as PRESETS
from sims.imaging.recovery.csdip_settings import CSDIPSettings
from sims.imaging.recovery.result import Recovery, Watch
from sims.imaging.sensing import Operator, stack
from sims.imaging.stopping import Rule, Seen, rule


def total_variation(x: torch.Tensor) -> torch.Tensor:
    """Anisotropic total variation of each image: the sum of |differences| of neighbours, (..., C, H, W) to (...)."""
    across, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
    return across.abs().sum((-3, -2, -1)) + down.abs().sum((-3, -2, -1))


class _Misfit(torch.autograd.Function):
    """||A x - y||^2 of each problem; its gradient comes from the same pass over A."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, operator: Any) -> torch.Tensor:
        value, gradient = operator.misfit_and_gradient(x.detach(), y)
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # type: ignore[override]
        (gradient,) = ctx.saved_tensors
        return 2 * upstream[..., None, None, None] * gradient, None, None


class _Data:
    """The measurements of I images, each fitted from R restarts: misfits of P = I R images in one call."""

    def __init__(self, operators: Sequence[Operator], ys: torch.Tensor, settings: CSDIPSettings, seed: int) -> None:
        self.one = operators[0] if len(operators) == 1 else None
        self.operator: Any = self.one or stack(operators)
        self.ys, self.restarts, self.gain = ys, settings.restarts, operators[0].gain
        self.fitted: torch.Tensor | None = None
        if settings.stopping == "held-out":
            kept = stream(seed, "held out").random(ys.shape[1]) >= settings.held_out
            if kept.all() or not kept.any():
                raise ValueError(
                    f"held_out must leave measurements on both sides, got {settings.held_out} of {ys.shape[1]}"
                )
            self.fitted = torch.from_numpy(kept).to(ys.device)

    def misfits(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Misfit of each problem on the measurements that are fitted, and on those held out."""
        grouped = x.unflatten(0, (-1, self.restarts)) if self.one is None else x
        if self.fitted is None:
            y = self.ys[0] if self.one else self.ys
            fit: torch.Tensor = _Misfit.apply(grouped, y, self.operator)  # type: ignore[no-untyped-call]
            return fit.flatten(), None
        y = self.ys[0] if self.one else self.ys[:, None]
        squares = (self.operator.forward(grouped) - y).square()
        return squares[..., self.fitted].sum(-1).flatten(), squares[..., ~self.fitted].sum(-1).flatten()


class _Fit:
    """P networks being fitted: P = I R, the restarts of one image side by side."""

    def __init__(
        self, chosen: Architecture, data: _Data, settings: CSDIPSettings, seeds: Sequence[int], device: torch.device
    ) -> None:
        self.settings, self.data = settings, data
        drawn = [_draw(chosen, settings.initialisation, s, r) for s in seeds for r in range(settings.restarts)]
        self.network = Batched([network for network, _ in drawn], device)
        self.z = torch.stack([z for _, z in drawn]).to(device)
        self.noises = [stream(s, "input noise", r) for s in seeds for r in range(settings.restarts)]
        self.prior = load_prior(settings.prior).to(device) if settings.prior and settings.prior_weight else None
        self.optimiser = _optimiser(list(self.network.weights.values()), settings)
        self.step = torch.compile(self.optimiser.step) if settings.compile else self.optimiser.step
        self.forward = torch.compile(self.network) if settings.compile else self.network
        self.mean: torch.Tensor | None = None

    def advance(self, step: int) -> Seen:
        """One step of descent; what is seen are the images before it, with the misfit of these very images."""
        self.optimiser.zero_grad(set_to_none=True)
        x = self.forward(self._input())
        misfits, held_out = self.data.misfits(x)
        self._loss(x, misfits).backward()  # type: ignore[no-untyped-call]
        self.step()
        if not self.settings.average:
            return Seen(step, x.detach(), misfits.detach(), None if held_out is None else held_out.detach())
        return self._averaged(step, x.detach())

    def _input(self) -> torch.Tensor:
        if not self.settings.input_noise:
            return self.z
        fresh = [torch.from_numpy(rng.standard_normal(self.z.shape[1:], dtype=np.float32)) for rng in self.noises]
        return self.z + self.settings.input_noise * torch.stack(fresh).to(self.z.device)

    def _loss(self, x: torch.Tensor, misfits: torch.Tensor) -> torch.Tensor:
        loss = misfits / self.data.gain
        if self.settings.tv_weight:
            loss = loss + self.settings.tv_weight * total_variation(x)
        if self.prior is not None:
            loss = loss + self.settings.prior_weight * self.prior.penalty(self.network.weights)
        return loss.sum()

    def _averaged(self, step: int, x: torch.Tensor) -> Seen:
        """The average of the iterates so far, newer ones counting more; its bias towards the first is divided out."""
        decay = self.settings.average
        self.mean = torch.zeros_like(x) if self.mean is None else self.mean
        self.mean.mul_(decay).add_(x, alpha=1 - decay)
        images = self.mean / (1 - decay**step)
        with torch.no_grad():
            return Seen(step, images, *self.data.misfits(images))


def _draw(chosen: Architecture, law: str, seed: int, restart: int) -> tuple[torch.nn.Module, torch.Tensor]:
    network = chosen.build()
    initialise(network, stream(seed, "weights", restart), law)
    return network, chosen.latent(stream(seed, "latent", restart))


def _optimiser(weights: list[torch.Tensor], settings: CSDIPSettings) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam(weights, settings.learning_rate, foreach=True)
    return torch.optim.RMSprop(weights, settings.learning_rate, momentum=settings.momentum, foreach=True)


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: CSDIPSettings = CSDIPSettings(),  # noqa: B008
    *,
    seed: int = 0,
    watch: Watch | None = None,
    truth: torch.Tensor | None = None,
    network: Architecture | None = None,
) -> Recovery:
    """Recover one image from y = A x + eta by min_w ||y - A G(z; w)||^2 + R(w), from random weights.

    `y` has shape (m,). `network` is any generator of images of the operator's shape, in place of the settings' own.
    `truth` (C, H, W) is looked at by the rule "oracle" only. Restarts run side by side in one program.

    Raises
    ------
    ValueError
        where y or the network does not fit the operator, or the fit cannot be held in memory.

    Source: vanveen18 eq. 2 and 3, Appendix A.
    """
    truths = None if truth is None else truth[None]
    return recover_batch([operator], y[None], settings, seeds=[seed], watch=watch, truths=truths, network=network)[0]


def recover_batch(
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: CSDIPSettings = CSDIPSettings(),  # noqa: B008
    *,
    seeds: Sequence[int],
    watch: Watch | None = None,
    truths: torch.Tensor | None = None,
    network: Architecture | None = None,
) -> list[Recovery]:
    """Recover I images at once, each from its own operator: ys (I, m), one seed an image, truths (I, C, H, W).

    Images and restarts share one program but no number: each starts from its own seed, and what one image gives does
    not depend on its neighbours but for rounding.
    """
    shape = operators[0].shape
    if not (len(operators) == len(ys) == len(seeds)):
        raise ValueError(f"ys and seeds must be one per operator ({len(operators)}), got {len(ys)} and {len(seeds)}")
    if ys.shape[1] != operators[0].m:
        raise ValueError(f"y must have the operator's {operators[0].m} entries, got {ys.shape[1]}")
    chosen = network or architecture(settings.network, shape, **settings.network_options)
    if chosen.shape != shape:
        raise ValueError(f"network must give images of the operator's shape {shape}, got {chosen.shape}")
    check_fits(operators, chosen, settings, ys.device)
    begun = time.perf_counter()
    device = ys.device
    data = _Data(operators, ys, settings, seeds[0])
    fit = _Fit(chosen, data, settings, seeds, device)
    repeated = None if truths is None else truths.repeat_interleave(settings.restarts, 0)
    chooser = rule(settings.stopping, settings.steps, window=settings.window, noise=settings.noise, truth=repeated)
    course = _run(fit, chooser, settings, watch)
    return _results(course, chooser, operators, ys, settings, time.perf_counter() - begun)


@dataclass
class _Course:
    """How a run went: steps taken, the step at which each problem diverged (0: never), stopped, interrupted, losses."""

    steps: int = 0
    diverged: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    stopped: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    interrupted: bool = False
    losses: list[torch.Tensor] = field(default_factory=list)


def _run(fit: _Fit, chooser: Rule, settings: CSDIPSettings, watch: Watch | None) -> _Course:
    course = _Course()
    try:
        for step in range(1, settings.steps + 1):
            seen = fit.advance(step)
            _note(course, seen, chooser.observe(seen))
            if watch is not None and (step % 10 == 0 or step in (1, settings.steps)):
                watch(step, settings.steps, float(seen.misfits.mean()))
            if step % 10 == 0 and bool((course.stopped | (course.diverged > 0)).all()):
                break
    except KeyboardInterrupt:
        course.interrupted = True
        if not course.steps:
            raise
    return course


def _note(course: _Course, seen: Seen, stopped: torch.Tensor) -> None:
    course.steps, course.stopped = seen.step, stopped
    if not len(course.diverged):
        course.diverged = torch.zeros_like(seen.misfits, dtype=torch.int64)
    fresh = ~seen.misfits.isfinite() & (course.diverged == 0)
    course.diverged = torch.where(fresh, seen.step, course.diverged)
    if seen.step % 10 == 0 or seen.step == 1:
        course.losses.append(seen.misfits)


def _outcome(course: _Course, problem: int) -> str:
    if course.diverged[problem]:
        return f"diverged at step {int(course.diverged[problem])}"
    if course.interrupted:
        return "interrupted"
    return "stopped early" if course.stopped[problem] else "steps ended"


def _results(
    course: _Course,
    chooser: Rule,
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: CSDIPSettings,
    seconds: float,
) -> list[Recovery]:
    kept, restarts = chooser.kept, settings.restarts
    losses = torch.stack(course.losses, 1).cpu() if course.losses else torch.empty(len(kept.misfits), 0)
    found = []
    for i, (operator, y) in enumerate(zip(operators, ys, strict=True)):
        mine = slice(i * restarts, (i + 1) * restarts)
        best = mine.start + int(torch.where(kept.misfits[mine].isfinite(), kept.misfits[mine], torch.inf).argmin())
        image = kept.images[best] if settings.combine == "best" else _mean_image(kept.images[mine])
        misfit = float((operator.forward(image) - y).square().sum())
        trace = {"misfit": losses[best].tolist(), "restart_misfits": kept.misfits[mine].tolist()}
        found.append(
            Recovery(
                image.cpu(), "csdip", asdict(settings), _outcome(course, best), misfit, int(kept.steps[best]),
                seconds / len(operators), {}, trace,
            )
        )  # fmt: skip
    return found


def _mean_image(images: torch.Tensor) -> torch.Tensor:
    finite = images.flatten(1).isfinite().all(1)
    return images[finite].mean(0) if finite.any() else images[0]
