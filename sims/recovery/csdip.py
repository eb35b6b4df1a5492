"""CS-DIP: fit an untrained network to the measurements of one image, for many images and restarts at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from untrained.sims.networks.copies import check_image
from untrained.sims.networks.forecast import LEAST_SECONDS, LEAST_TRIED, Estimate
from untrained.sims.networks.generators import ARCHITECTURES, architecture
from untrained.sims.networks.loading import NetworkLike, as_network, by_name
from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator, Shape
from untrained.sims.progress import Progress
from untrained.sims.recovery.combining import plausible_mean
from untrained.sims.recovery.csdip_settings import PRESETS as PRESETS
from untrained.sims.recovery.csdip_settings import CSDIPSettings, check_fits, copies_at_once, need
from untrained.sims.recovery.csdip_settings import preset as preset
from untrained.sims.recovery.denoising import stopping_level
from untrained.sims.recovery.fitting import Course, Fit, Targets, fitted_part, run_fit
from untrained.sims.recovery.result import Recovery, check_gain, check_measurements
from untrained.sims.recovery.stopping import MAY_STOP, BestIterates, stopping_rule
from untrained.sims.runtime import SMALL_STEP, few_threads


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: CSDIPSettings = CSDIPSettings(),  # noqa: B008
    *,
    seed: int = 0,
    watch: Progress | None = None,
    truth: torch.Tensor | None = None,
    network: NetworkLike | None = None,
) -> Recovery:
    """Recover one image from y = A x + eta by min_w ||y - A G(z; w)||^2 + R(w), from random weights.

    `y` has shape (m,). `network` is any network of images of the operator's shape, in place of the settings' own: a
    module with its input, a factory, or a reference (see `as_network`).
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
    watch: Progress | None = None,
    truths: torch.Tensor | None = None,
    network: NetworkLike | None = None,
) -> list[Recovery]:
    """Recover I images at once, each from its own operator: ys (I, m), one seed an image, truths (I, C, H, W).

    Images and restarts share one program but no number: each starts from its own seed, and what one image gives does
    not depend on its neighbours but for rounding.
    """
    shape = operators[0].shape
    if not (len(operators) == len(ys) == len(seeds)):
        raise ValueError(f"ys and seeds must be one per operator ({len(operators)}), got {len(ys)} and {len(seeds)}")
    for operator, y in zip(operators, ys, strict=True):
        check_measurements(operator, y)
        check_gain(operator)
    chosen = network_for(settings, shape, network)
    check_fits(operators, chosen, settings, ys.device)
    begun = time.perf_counter()
    task = _Task(operators, ys, settings, seeds, truths, chosen, network is not None)
    ended = _all_groups(task, list(_groups(task)), watch or (lambda *_: None))
    if len({i for group in ended for i, _ in group.problems}) < len(operators):
        raise KeyboardInterrupt  # an image that was never begun has nothing to return
    seconds = (time.perf_counter() - begun) / len(operators)
    return [_result(task, i, ended, seconds) for i in range(len(operators))]


def network_for(settings: CSDIPSettings, shape: Shape, network: NetworkLike | None = None) -> Network:
    """Return the network that gives images of a shape (C, H, W): the one handed over, else the settings' own.

    Raises
    ------
    ValueError
        where there is no such network, it cannot be fitted, or its output is no image of that shape.
    """
    name, options = settings.network, settings.network_options
    if network is not None:
        chosen = as_network(network)
    elif name in ARCHITECTURES:
        chosen = architecture(name, shape, **options)
    else:
        chosen = by_name(name, shape, **options) or _own(name, options)
    chosen = replace(chosen, dtype=torch.float32)
    check_image(chosen, shape)
    return chosen


def _own(reference: str, options: Mapping[str, Any]) -> Network:
    if options:
        raise ValueError(f"network_options must be left out for {reference}, whose file has them, got {dict(options)}")
    return as_network(reference)


def estimate(
    operator: Operator,
    y: torch.Tensor,
    settings: CSDIPSettings = CSDIPSettings(),  # noqa: B008
    *,
    seed: int = 0,
    network: NetworkLike | None = None,
) -> Estimate:
    """Estimate a fit before starting it, from the time of a few steps of its first group of restarts.

    Raises
    ------
    ValueError
        as `recover` does.
    """
    chosen = network_for(settings, operator.shape, network)
    check_fits([operator], chosen, settings, y.device)
    task = _Task([operator], y[None], settings, [seed], None, chosen)
    groups = list(_groups(task))
    at_once = min(len(groups), torch.get_num_threads() if y.device.type == "cpu" else 1)
    one = groups[1:] or _work(task) < SMALL_STEP
    each = 1 if one else torch.get_num_threads()
    with ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(each,)) as pool:
        starts, steps = zip(*pool.map(lambda group: _times(task, group), groups[:at_once]), strict=True)
    seconds = max(starts) + settings.steps * max(steps)
    memory = need([operator], chosen, settings, y.device).memory
    return Estimate(seconds * -(-len(groups) // at_once), memory, settings.stopping in MAY_STOP)


def _times(task: _Task, problems: _Problems) -> tuple[float, float]:
    """Seconds before the second step of a group, and of a step, from the mean of several: cores are shared."""
    begun, settings = time.perf_counter(), task.settings
    fit = Fit(task.chosen, _data(task, problems), settings, [(task.seeds[i], r) for i, r in problems])
    name = settings.stopping if settings.stopping in MAY_STOP else "fixed"
    rule = stopping_rule(name, settings.steps, window=settings.window, noise=settings.noise)
    first = last = 0.0
    for step in range(1, settings.steps + 1):
        iterates = fit.advance(step)
        rule.observe(iterates)
        float(iterates.misfits.sum())  # which waits for an accelerator
        last = time.perf_counter()
        first = first or last
        if step > LEAST_TRIED and last - first > LEAST_SECONDS:
            break
    return first - begun, (last - first) / max(1, step - 1)


def held_out_misfit(
    operator: Operator, y: torch.Tensor, settings: CSDIPSettings, *, seed: int = 0, watch: Progress | None = None
) -> float:
    """Misfit, per measurement, on those that a fit did not see: what a user without the truth can choose settings by.

    Of a fit that diverged, which tells nothing of its settings, it is NaN.

    Raises
    ------
    KeyboardInterrupt
        where the fit was interrupted.
    """
    recovery = recover(operator, y, replace(settings, stopping="held-out"), seed=seed, watch=watch)
    if recovery.outcome == "interrupted":
        raise KeyboardInterrupt
    if recovery.outcome.startswith("diverged"):
        return math.nan
    unseen = ~fitted_part(operator.m, settings.held_out, seed).to(y.device)
    return float((operator.forward(recovery.image.to(y.device)) - y)[unseen].square().mean())


def fitted_weights(
    operator: Operator,
    y: torch.Tensor,
    settings: CSDIPSettings = CSDIPSettings(),  # noqa: B008
    *,
    seed: int = 0,
    watch: Progress | None = None,
    network: NetworkLike | None = None,
) -> dict[str, torch.Tensor]:
    """Return the weights w* by name after a fit of one restart to one image's measurements.

    Source: vanveen18 Section 3.2.1 (the weights that Algorithm 1 takes its statistics of).
    """
    chosen = network_for(settings, operator.shape, network)
    check_fits([operator], chosen, settings, y.device)
    fit = Fit(chosen, Targets([operator], y[None], 1, settings, seed), settings, [(seed, 0)])
    chooser = stopping_rule(settings.stopping, settings.steps, window=settings.window, noise=settings.noise)
    end, tell = threading.Event(), watch or (lambda *_: None)
    run_fit(fit, chooser, settings.steps, lambda step, loss: tell(step, settings.steps, loss), end)
    if end.is_set():
        raise KeyboardInterrupt
    return fit.network.copy_of(0)


@dataclass(frozen=True)
class _Task:
    operators: Sequence[Operator]
    ys: torch.Tensor
    settings: CSDIPSettings
    seeds: Sequence[int]
    truths: torch.Tensor | None
    chosen: Network
    handed_over: bool = False


_Problems = list[tuple[int, int]]
"""(image, restart) of each network of a group, image by image."""


@dataclass(frozen=True)
class _Ended:
    problems: _Problems
    best: BestIterates
    course: Course


def _groups(task: _Task) -> Iterator[_Problems]:
    """Problems that run as one program: as many copies as the caches (or the GPU's memory) are good for."""
    limit, restarts = copies_at_once(task.chosen, task.ys.device), task.settings.restarts
    images = range(len(task.operators))
    if limit >= restarts:
        for first in images[:: limit // restarts]:
            yield [(i, r) for i in images[first : first + limit // restarts] for r in range(restarts)]
    else:
        yield from ([(i, r) for r in range(restarts)[k : k + limit]] for i in images for k in range(0, restarts, limit))


def _fit_group(task: _Task, problems: _Problems, tell: Callable[[int, float], None], end: threading.Event) -> _Ended:
    settings = task.settings
    fit = Fit(task.chosen, _data(task, problems), settings, [(task.seeds[i], r) for i, r in problems])
    truth = None if task.truths is None else task.truths[[i for i, _ in problems]]
    level = stopping_level(settings, task.operators, task.ys)
    chooser = stopping_rule(settings.stopping, settings.steps, window=settings.window, noise=level, truth=truth)
    return _Ended(problems, chooser.best, run_fit(fit, chooser, settings.steps, tell, end))


def _data(task: _Task, problems: _Problems) -> Targets:
    images = sorted({i for i, _ in problems})
    restarts = len(problems) // len(images)
    return Targets([task.operators[i] for i in images], task.ys[images], restarts, task.settings, task.seeds[0])


def _all_groups(task: _Task, groups: list[_Problems], watch: Progress) -> list[_Ended]:
    """One group runs here with all threads; several run on a thread each, so that none waits for another."""
    end, steps = threading.Event(), task.settings.steps
    if len(groups) == 1:
        with few_threads(_work(task), SMALL_STEP):
            ended = [_fit_group(task, groups[0], lambda step, loss: watch(step, steps, loss), end)]
    else:
        ended = _on_threads(task, groups, watch, end)
    return [group for group in ended if group.course.steps]


def _work(task: _Task) -> int:
    """Multiply-adds of a step of all networks."""
    return need(task.operators, task.chosen, task.settings, task.ys.device).products


def _on_threads(task: _Task, groups: list[_Problems], watch: Progress, end: threading.Event) -> list[_Ended]:
    done, losses = [0] * len(groups), [0.0] * len(groups)

    def fit(number: int) -> _Ended:
        def tell(step: int, loss: float) -> None:
            done[number], losses[number] = step, loss

        ended = _fit_group(task, groups[number], tell, end)
        done[number] = task.settings.steps
        return ended

    threads = torch.get_num_threads() if task.ys.device.type == "cpu" else 1
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures: list[Future[_Ended]] = [pool.submit(fit, number) for number in range(len(groups))]
        try:
            while wait(futures, 0.5).not_done:
                begun = [loss for step, loss in zip(done, losses, strict=True) if step]
                watch(sum(done), task.settings.steps * len(groups), sum(begun) / max(1, len(begun)))
        except KeyboardInterrupt:
            end.set()
        return [future.result() for future in futures]


def _outcome(course: Course, place: int, whole: bool) -> str:
    if course.diverged[place]:
        return f"diverged at step {int(course.diverged[place])}"
    if not whole:
        return "interrupted"
    return "stopped early" if course.stopped[place] else "steps ended"


def _result(task: _Task, image: int, ended: list[_Ended], seconds: float) -> Recovery:
    """Join the restarts of one image: the one of least misfit, or their mean."""
    mine = [(group, place) for group in ended for place, (i, _) in enumerate(group.problems) if i == image]
    misfits = torch.stack([group.best.misfits[place] for group, place in mine]).cpu()
    group, place = mine[int(torch.where(misfits.isfinite(), misfits, torch.inf).argmin())]
    x = group.best.images[place]
    if task.settings.combine != "best":
        x = _average(task, image, torch.stack([g.best.images[p] for g, p in mine]))
    misfit = float((task.operators[image].forward(x) - task.ys[image]).square().sum())
    trace = {"misfit": [float(losses[place]) for losses in group.course.losses], "restart_misfits": misfits.tolist()}
    steps = int(group.best.steps[place])
    whole = len(mine) == task.settings.restarts and not any(each.course.interrupted for each, _ in mine)
    outcome = _outcome(group.course, place, whole)
    return Recovery(x.cpu(), "csdip", _reported(task), outcome, misfit, steps, seconds, {}, trace)


def _reported(task: _Task) -> dict[str, Any]:
    """The settings, with the name of a network that was handed over in place of theirs."""
    own = {"network": task.chosen.name, "network_options": {}} if task.handed_over else {}
    return asdict(task.settings) | own


def _average(task: _Task, image: int, images: torch.Tensor) -> torch.Tensor:
    """Average over restarts (R, C, H, W): plain, or by how plausible each is."""
    finite = images.flatten(1).isfinite().all(1)
    images = images[finite] if finite.any() else images[:1]
    if task.settings.combine == "mean":
        return images.mean(0)
    return plausible_mean(task.operators[image], task.ys[image], images)
