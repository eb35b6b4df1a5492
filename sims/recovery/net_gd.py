"""Net-GD: descent over the weights of a small decoder, for many images and restarts at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, TypeVar

import torch

from untrained.sims.networks.copies import check_image
from untrained.sims.networks.forecast import LEAST_SECONDS, LEAST_TRIED, Estimate
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.recovery.csdip_settings import CSDIPSettings, copies_at_once, need
from untrained.sims.recovery.denoising import stopping_level
from untrained.sims.recovery.error_bar import carried, error_bar, has_bar
from untrained.sims.recovery.fitting import Course, run_fit
from untrained.sims.recovery.net_fit import FittedRows, Measured, NetGD
from untrained.sims.recovery.net_settings import NetGDSettings, one_of
from untrained.sims.recovery.result import Recovery, check_measurements
from untrained.sims.recovery.stopping import MAY_STOP, BestIterates, stopping_rule
from untrained.sims.recovery.total_variation import total_variation

Chosen = TypeVar("Chosen", bound=NetGDSettings)

ADAM: dict[str, Any] = {
    "optimiser": "adam",
    "learning_rate": 0.1,
    "decay": True,
    "warm_up": 20,
    "average": 0.95,
    "steps": 1000,
    "witnesses": 3,
    "start": "centred",
}
PRESETS = {
    "paper": NetGDSettings(),
    "best": NetGDSettings(**ADAM | {"learning_rate": 0.2}, tv_weight=0.03, restarts=12, combine="weighted"),
}
"""`paper`: the published code's settings. `best`: Adam, a little TV, restarts averaged by what they minimised."""

SCARCE = 0.1
"""Measurements a number of the image from which on TV weighs less: as the power -3/2 of their share."""


def preset(name: str, operator: Operator) -> NetGDSettings:
    """Return the settings that a preset's name stands for when an image is recovered from these measurements.

    Raises
    ------
    ValueError
        where there is no such preset.
    """
    return tuned(PRESETS, name, operator)


def tuned(presets: Mapping[str, Chosen], name: str, operator: Operator) -> Chosen:
    """Return a preset of the name; that of "best" has less TV where more is measured.

    Raises
    ------
    ValueError
        where there is no such preset.
    """
    one_of("preset", name, tuple(presets))
    chosen = presets[name]
    share = operator.m / operator.n
    return replace(chosen, tv_weight=chosen.tv_weight * min(1.0, SCARCE / share) ** 1.5)


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: NetGDSettings = NetGDSettings(),  # noqa: B008
    *,
    seed: int = 0,
    watch: Progress | None = None,
    truth: torch.Tensor | None = None,
) -> Recovery:
    """Recover one image from y = A x by descent on ||y - A G(w; z)||^2, y (m,).

    `truth` (C, H, W) is looked at by the rule "oracle" only.

    Raises
    ------
    ValueError
        where y or the network does not fit the operator.

    Source: jagatap19 Section 4 (Net-GD).
    """
    return recover_batch(
        [operator], y[None], settings, seeds=[seed], watch=watch, truths=None if truth is None else truth[None]
    )[0]


def recover_batch(
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: NetGDSettings = NetGDSettings(),  # noqa: B008
    *,
    seeds: Sequence[int],
    watch: Progress | None = None,
    truths: torch.Tensor | None = None,
) -> list[Recovery]:
    """Recover I images at once, each from its own operator: ys (I, m), one seed an image, truths (I, C, H, W)."""
    return recovered("net-gd", NetGD, operators, ys, settings, seeds, watch, truths)


def recovered(
    name: str,
    kind: Callable[..., NetGD],
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: NetGDSettings,
    seeds: Sequence[int],
    watch: Progress | None,
    truths: torch.Tensor | None,
    *,
    linear: bool = True,
) -> list[Recovery]:
    """Recover images by a kind of descent, in as few programs as memory allows.

    Raises
    ------
    ValueError
        where y or the network does not fit an operator, or numbers of images differ.
    KeyboardInterrupt
        where an image was never begun.
    """
    if not (len(operators) == len(ys) == len(seeds)):
        raise ValueError(f"ys and seeds must be one per operator ({len(operators)}), got {len(ys)} and {len(seeds)}")
    for operator, y in zip(operators, ys, strict=True):
        check_measurements(operator, y, finite=True, linear=linear)
    chosen = network_of(settings, operators[0])
    task = _Task(name, kind, chosen, settings, operators, ys, seeds, truths)
    at_once = max(1, copies_at_once(chosen, ys.device) // task.copies)
    end, done, tell = threading.Event(), [], watch or (lambda *_: None)
    for first in range(0, len(operators), at_once):
        done += task.run(range(first, min(first + at_once, len(operators))), tell, end)
    if len(done) < len(operators):
        raise KeyboardInterrupt
    return done


def descent_estimate(
    recover: Callable[..., Recovery], operator: Operator, y: torch.Tensor, settings: NetGDSettings, *, seed: int = 0
) -> Estimate:
    """Estimate what a method takes that descends with these settings, from the times of its first few steps.

    Raises
    ------
    ValueError
        as the method does.
    """

    def times(steps: int) -> tuple[float, float]:
        at, short = [time.perf_counter()], replace(settings, steps=steps, stopping="fixed")
        recovery = recover(operator, y, short, seed=seed, watch=lambda *_: at.append(time.perf_counter()))
        if recovery.outcome == "interrupted":
            raise KeyboardInterrupt
        return at[1] - at[0], (at[-1] - at[1]) / max(1, steps - 1)

    before, step = times(min(settings.steps, LEAST_TRIED + 1))
    if step * LEAST_TRIED < LEAST_SECONDS:  # cores are shared, and the mean of so few steps is not
        before, step = times(min(settings.steps, 2 + int(LEAST_SECONDS / max(step, 1e-4))))
    copies = CSDIPSettings(restarts=settings.restarts + settings.witnesses)
    memory = need([operator], network_of(settings, operator), copies, y.device).memory
    early = settings.stopping in MAY_STOP or getattr(settings, "tolerance", 0) > 0
    return Estimate(before + settings.steps * step, memory, early)


def network_of(settings: NetGDSettings, operator: Operator) -> Network:
    """Return the settings' network for images of an operator's shape.

    Raises
    ------
    ValueError
        where its output is of another shape.
    """
    chosen = architecture(settings.network, operator.shape, **settings.network_options)
    chosen = replace(chosen, dtype=torch.float32)
    check_image(chosen, operator.shape)
    return chosen


@dataclass(frozen=True)
class _Task:
    name: str
    kind: Callable[..., NetGD]
    chosen: Network
    settings: NetGDSettings
    operators: Sequence[Operator]
    ys: torch.Tensor
    seeds: Sequence[int]
    truths: torch.Tensor | None

    @property
    def witnesses(self) -> int:
        """Networks beside the restarts of an image, for its error bar, where there is one."""
        bar = all(has_bar(operator) for operator in self.operators) and self.settings.stopping != "held-out"
        return self.settings.witnesses if bar and self.operators[0].m > 1 else 0

    @property
    def copies(self) -> int:
        """Networks an image."""
        return self.settings.restarts + self.witnesses

    def run(self, images: range, tell: Progress, end: threading.Event) -> list[Recovery]:
        """Fit the networks of some images and return what was recovered."""
        if end.is_set():
            return []
        begun, settings = time.perf_counter(), self.settings
        starts = [(self.seeds[i], r) for i in images for r in range(self.copies)]
        data = Measured([self.operators[i] for i in images], self.ys[images.start : images.stop], self.copies)
        split = settings.stopping == "held-out"
        blind = [split or r >= settings.restarts for _, r in starts]
        rows = FittedRows(data.m, settings.held_out, [seed for seed, _ in starts], blind, split=split).to(
            self.ys.device
        )
        fit = self.kind(self.chosen, data, rows, settings, starts)
        truths = None if self.truths is None else self.truths[images.start : images.stop]
        truth = None if truths is None else truths.repeat_interleave(self.copies, 0)
        level = stopping_level(settings, data.operators, self.ys[images.start : images.stop])
        rule = stopping_rule(settings.stopping, settings.steps, window=settings.window, noise=level, truth=truth)
        course = run_fit(fit, rule, settings.steps, lambda step, loss: tell(step, settings.steps, loss), end)
        if not course.steps:
            return []
        ended = _Ended(fit, rule.best, course, (time.perf_counter() - begun) / len(images))
        return [self._result(place, i, ended) for place, i in enumerate(images)]

    @torch.no_grad()
    def _result(self, place: int, image: int, ended: _Ended) -> Recovery:
        """Join the restarts of one image, and bound the error of what they give."""
        first, operator, y = place * self.copies, self.operators[image], self.ys[image]
        mine = slice(first, first + self.settings.restarts)
        chosen = int(self._losses(ended, mine).argmin())
        x = self._joined(ended, mine)
        trace = {
            "misfit": [float(each[first + chosen]) for each in ended.course.losses],
            "restart_misfits": ended.best.misfits[mine].tolist(),
        }
        return Recovery(
            image=x.cpu(),
            method=self.name,
            settings=asdict(self.settings),
            outcome=_outcome(ended.course, first + chosen),
            misfit=float((operator.forward(x) - y).square().sum()),
            steps=int(ended.best.steps[first + chosen]),
            seconds=ended.seconds,
            certificate=ended.fit.certificate() | self._bar(ended, place, image, x),
            trace=trace,
            others={name: other.cpu() for name, other in ended.fit.others(first + chosen).items()},
        )

    def _joined(self, ended: _Ended, mine: slice) -> torch.Tensor:
        """One image of several restarts."""
        images, losses = ended.best.images[mine], self._losses(ended, mine)
        return images[int(losses.argmin())] if self.settings.combine == "best" else self._average(images, losses)

    def _losses(self, ended: _Ended, mine: slice) -> torch.Tensor:
        """What restarts are chosen by: the misfit of rows that chose, or the misfit and TV that were minimised."""
        u = (ended.best.images + 1) / 2
        if self.settings.stopping == "held-out":
            losses = (ended.fit.data.residuals(u)[mine] * ended.fit.rows.choosing[mine]).square().sum(-1)
        else:
            residuals = ended.fit.rows.seen(ended.fit.data.residuals(u))[mine]
            losses = residuals.square().sum(-1) + self.settings.tv_weight * total_variation(u[mine])
        return torch.where(losses.isfinite(), losses, torch.inf)

    def _average(self, images: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        if self.settings.combine == "mean":
            return images[losses.isfinite()].mean(0) if losses.isfinite().any() else images[0]
        least = losses.min()
        weights = torch.softmax(-(losses - least) / (SHARPNESS * least + 0.01), 0)
        return (weights[:, None, None, None] * images.nan_to_num()).sum(0)

    def _bar(self, ended: _Ended, place: int, image: int, x: torch.Tensor) -> dict[str, float]:
        """The error bar of x: by rows it has not seen, or by those that its witnesses have not seen."""
        operator = self.operators[image]
        split = self.settings.stopping == "held-out"
        if not has_bar(operator) or not (split or self.witnesses):
            return {}
        last = (place + 1) * self.copies
        witness = x if split else self._joined(ended, slice(last - self.witnesses, last))
        unseen = ended.fit.rows.bounding[last - 1]
        r = (operator.forward(witness) - self.ys[image])[unseen]
        bar = error_bar(r, operator.m, operator.n, noise=self.settings.noise)
        return carried(bar, witness, x).certificate()


SHARPNESS = 0.1
"""The temperature of the weights of restarts, in units of the least loss."""


@dataclass(frozen=True)
class _Ended:
    fit: NetGD
    best: BestIterates
    course: Course
    seconds: float


def _outcome(course: Course, place: int) -> str:
    if course.diverged[place]:
        return f"diverged at step {int(course.diverged[place])}"
    if course.interrupted:
        return "interrupted"
    return "stopped early" if course.stopped[place] else "steps ended"


estimate = partial(descent_estimate, recover)
"""What a fit takes, from the times of its first few steps; see `descent_estimate`."""
