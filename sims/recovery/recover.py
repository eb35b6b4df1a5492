"""Recover an image from its measurements: in one call by any method, or by several methods of one task."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from untrained.sims.images.scores import score
from untrained.sims.operators.base import Operator, bounded_integer
from untrained.sims.operators.measurements import Measurement, check_pixels, image_tensor, measured_numbers
from untrained.sims.progress import OpenProgress, Progress, no_progress
from untrained.sims.recovery import methods
from untrained.sims.recovery.methods import checked_settings, told_noise
from untrained.sims.recovery.pixel_tasks import with_known_copied
from untrained.sims.recovery.reach import reach_warning
from untrained.sims.recovery.reports import method_entry, recovery_report
from untrained.sims.recovery.result import Recovery
from untrained.sims.recovery.tasks import RecoveryProblem
from untrained.sims.runtime import library_defaults, memory_told, pick_device

Numbers = np.ndarray | torch.Tensor


@library_defaults()
def recover(
    y: Numbers | Measurement,
    operator: Operator | None = None,
    method: str | None = None,
    *,
    preset: str | None = None,
    network: Any = None,
    truth: Numbers | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> Recovery:
    """Recover the image (C, H, W) on [-1, 1] from y = A x + noise, y of shape (m,), or (m/2,) where it is complex.

    `operator` may be left out where y is a `Measurement`, which brings its own, and its noise level to methods that ask
    for one. By a level above 0 csdip's presets but `paper` weigh total variation (`tv_by_noise`), and `paper`, net-gd
    and conv-decoder stop (`CautiousDiscrepancy`) unless `stopping` is given.
    Without a `method` it is the mixture, by its preset "auto", or csdip where a preset, a network or a setting of
    csdip is given. `network` (a name or a network) is for csdip; other settings are those of the method, such as
    steps=200. `truth` (C, H, W) is for scores, and for the stopping rule "oracle", alone.

    Raises
    ------
    ValueError
        where y, the operator, a setting or the truth is not as it must be; the sentence names which.
    """
    method = methods.default_method(preset, network, settings) if method is None else method
    chosen, place = methods.method(method), pick_device(device)
    measurement = _measurement(y, operator, place)
    A = measurement.operator
    target = None if truth is None else _checked_truth(truth, A)
    options = _options(method, network, target, settings)
    level = y.noise if isinstance(y, Measurement) else None
    complete = told_noise(method, checked_settings(method, settings, preset, A), settings, level)
    start = bounded_integer("seed", seed, 0)
    with memory_told(method):
        recovery: Recovery = chosen.recover()(A, measurement.y, complete, seed=start, watch=progress, **options)
    warning = reach_warning(A, measurement.y.cpu(), recovery.image, recovery.misfit, measurement.noise)
    return replace(recovery, scores=scores_where_known(recovery.image, target), warning=warning)


def _options(method: str, network: Any, truth: torch.Tensor | None, settings: dict[str, Any]) -> dict[str, Any]:
    """What csdip takes besides settings; a network's name becomes a setting."""
    if method != "csdip":
        if network is not None:
            raise ValueError(f"network must be left out for {method}, which has none, got one")
        return {}
    if isinstance(network, str):
        settings["network"], network = network, None
    options = {"network": network, "truth": truth}
    return {name: value for name, value in options.items() if value is not None}


def _measurement(y: Numbers | Measurement, operator: Operator | None, device: torch.device) -> Measurement:
    if operator is None and isinstance(y, Measurement):
        operator = y.operator
    if not isinstance(operator, Operator):
        name = type(operator).__name__
        raise ValueError(f"operator must be made by untrained.operators (user adapts an object of yours), got {name}")
    if isinstance(y, Measurement):
        if operator is not y.operator and operator.fingerprint() != y.operator.fingerprint():
            raise ValueError("operator must be left out for a measurement, which brings its own, got another")
        return Measurement(y.operator.to(device), y.y.to(device), y.noise)
    return Measurement(operator.to(device), measured_numbers(y, operator).to(device))


def _checked_truth(truth: Numbers, operator: Operator) -> torch.Tensor:
    tensor = image_tensor("truth", truth).cpu()
    if tuple(tensor.shape) != tuple(operator.shape):
        raise ValueError(f"truth must be of the operator's shape {operator.shape}, got {tuple(tensor.shape)}")
    check_pixels("truth", tensor)
    return tensor


def scores_where_known(image: torch.Tensor, truth: torch.Tensor | None) -> dict[str, float]:
    """Scores of an image (C, H, W) where the truth is known and the image is finite."""
    return score(image, truth) if truth is not None and bool(image.isfinite().all()) else {}


@dataclass
class Recoveries:
    """What came out: an entry of the report and an image a method, and the sentence of what ended it early, if so."""

    results: list[tuple[dict[str, Any], torch.Tensor]] = field(default_factory=list)
    interrupted: bool = False
    ended: str | None = None

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The methods' parts of the report."""
        return [entry for entry, _ in self.results]

    @property
    def images(self) -> dict[str, torch.Tensor]:
        """Each method's image (C, H, W)."""
        return {entry["method"]: image for entry, image in self.results}


def recover_all(problem: RecoveryProblem, open_progress: OpenProgress = no_progress) -> Recoveries:
    """Give the same measurement to each method in turn.

    An interrupt, or a method that refuses, ends the run; what came before is kept, and `ended` says why.

    Raises
    ------
    ValueError
        where the first method refuses.
    KeyboardInterrupt
        where nothing was found before the interrupt.
    """
    recoveries = Recoveries()
    for name in problem.settings:
        try:
            with memory_told(name), open_progress(name) as watch:
                _add(recoveries, problem, name, _recover(problem, name, watch))
        except (KeyboardInterrupt, ValueError) as error:
            if not recoveries.results:
                raise
            recoveries.interrupted, recoveries.ended = isinstance(error, KeyboardInterrupt), f"{name}: {error}"
        if recoveries.interrupted:
            recoveries.ended = f"interrupted in {name}"
        if recoveries.ended:
            break
    return recoveries


def estimates(problem: RecoveryProblem) -> dict[str, Any]:
    """Return what the methods that can tell expect to take: objects with `seconds` and `memory`, by name.

    Raises
    ------
    ValueError
        where a method can tell that it cannot be run.
    """
    measurement, needs = problem.measurement, {}
    for name, settings in problem.settings.items():
        if estimate := getattr(methods.method(name).load(), "estimate", None):
            with memory_told(name):
                needs[name] = estimate(measurement.operator, measurement.y, settings, seed=problem.task.seed)
    return {name: one for name, one in needs.items() if one is not None}


def _recover(problem: RecoveryProblem, name: str, watch: Progress | None) -> Recovery:
    measurement, seed = problem.measurement, problem.task.seed
    function = methods.method(name).recover()
    recovery: Recovery = function(measurement.operator, measurement.y, problem.settings[name], seed=seed, watch=watch)
    return with_known_copied(recovery, measurement, problem.task.sensing)


def _add(recoveries: Recoveries, problem: RecoveryProblem, name: str, recovery: Recovery) -> None:
    entry = method_entry(name, recovery, problem.measurement, problem.truth, problem.task.seed)
    recoveries.results.append((entry, recovery.image))
    recoveries.interrupted = recovery.outcome == "interrupted"


def run_report(problem: RecoveryProblem, recoveries: Recoveries) -> dict[str, Any]:
    """Return the report of a run."""
    content = (problem.task, problem.measurement, recoveries.entries, recoveries.ended, problem.notes)
    return {**recovery_report(*content), "warnings": list(problem.warnings)}
