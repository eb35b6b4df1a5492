"""What stands behind the commands: measure an image, and recover it by methods that all see the same measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from untrained.sims.files import existing
from untrained.sims.images.images import load_image as load_image
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import Measurement, load_measurement, measure, save_measurement
from untrained.sims.progress import OpenProgress, Progress, no_progress
from untrained.sims.recovery.methods import assign, known_settings, method, settings_for
from untrained.sims.recovery.reports import entry, report, sensed
from untrained.sims.recovery.requests import Request, Sensing
from untrained.sims.recovery.result import Recovery
from untrained.sims.runtime import memory_told


@dataclass(frozen=True)
class Problem:
    """One measurement, the settings of every method that is to see it, and the truth where it is known."""

    request: Request
    measurement: Measurement
    settings: Mapping[str, Any]
    truth: torch.Tensor | None


@dataclass
class Found:
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


def take_measurement(image: torch.Tensor, sensing: Sensing, device: torch.device | str = "cpu") -> Measurement:
    """Measure an image with an operator drawn for it.

    Raises
    ------
    ValueError
        where operator, m or noise are out of their ranges, or the operator does not fit in memory.
    """
    c, h, w = image.shape
    with memory_told(f"{sensing.operator} for {h}x{w} pixels"):
        operator = make_operator(sensing.operator, (c, h, w), sensing.m, sensing.seed, device, **sensing.options)
        return measure(image.to(device), operator, noise=sensing.noise, seed=sensing.seed)


def measure_to(path: Path, image: torch.Tensor, how: Sensing) -> dict[str, Any]:
    """Measure an image, write the file and return what a user asks of it."""
    measurement = take_measurement(image, how)
    save_measurement(path, measurement)
    about = sensed(measurement)
    counts = {"operator": about["name"], "n": about["n"], "m": measurement.operator.m}
    if about["coefficients"] != measurement.operator.m:
        counts["coefficients"] = about["coefficients"]
    return {**counts, "m/n": f"{about['ratio']:.4g}", "fingerprint": measurement.fingerprint}


def read_measurement(path: str, device: torch.device | str = "cpu") -> Measurement:
    """Load a measurement file and make its operator again.

    Raises
    ------
    ValueError
        where there is no such file, it is damaged, or its operator does not fit in memory.
    """
    with memory_told(f"the operator of {path}"):
        return load_measurement(existing(path), device)


def prepare(request: Request) -> Problem:
    """Read, check and measure: everything that can be refused before the long work.

    Raises
    ------
    ValueError
        where a method, a setting, a file or the truth's shape is not as it must be.
    """
    _settings(request, None)  # what cannot be is refused before anything is measured
    if request.sensing is None:
        measurement = read_measurement(request.source, request.device)
        settings = _settings(request, measurement)
        truth = _truth(request, measurement.operator.shape)
        return Problem(request, measurement, _with_noise(settings, measurement, request), truth)
    if request.truth is not None:
        raise ValueError(f"truth is for a measurement file, got the image {request.source}, which is the truth")
    image = load_image(request.source, grey=request.grey, size=request.size)
    measurement = take_measurement(image, request.sensing, request.device)
    settings = _settings(request, measurement)
    return Problem(request, measurement, _with_noise(settings, measurement, request), image)


def _settings(request: Request, measurement: Measurement | None) -> dict[str, Any]:
    names = [method(name).name for name in request.methods]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"methods must be named once each, got {', '.join(names) or 'none'}")
    dealt = assign(names, request.assignments)
    having = [name for name in names if method(name).presets()] if request.preset else []
    if request.preset and not having:
        raise ValueError(f"preset is for methods that have presets, got {', '.join(names)}")
    operator = measurement.operator if measurement else None
    preset = {name: request.preset for name in having}
    made = {name: settings_for(name, dealt[name], preset.get(name), operator) for name in names}
    for name, settings in made.items():
        _check_files(name, settings)
    return made


def _check_files(name: str, settings: Any) -> None:
    needed = method(name).needs
    if needed and getattr(settings, needed) is None:
        raise ValueError(f"{name} needs the setting {needed}, got none: name a file by {name}.{needed}=FILE")
    for key in method(name).files:
        if getattr(settings, key) is not None:
            existing(getattr(settings, key))


def _with_noise(settings: Mapping[str, Any], measurement: Measurement, request: Request) -> dict[str, Any]:
    """A method that asks for the noise level is told what the measurement says, unless the user says otherwise."""
    dealt = assign(list(settings), request.assignments)
    asking = [name for name in settings if "noise" in known_settings(name) and "noise" not in dealt[name]]
    return {name: replace(s, noise=measurement.noise) if name in asking else s for name, s in settings.items()}


def _truth(request: Request, shape: tuple[int, int, int]) -> torch.Tensor | None:
    if request.truth is None:
        return None
    truth = load_image(request.truth, grey=request.grey or shape[0] == 1, size=request.size)
    if tuple(truth.shape) != tuple(shape):
        advice = f" (`size` {shape[1]}x{shape[2]} resamples it)" if truth.shape[1:] != shape[1:] else ""
        raise ValueError(f"truth must have the shape measured, {tuple(shape)}, got {tuple(truth.shape)}{advice}")
    return truth


def recover_all(problem: Problem, watching: OpenProgress = no_progress) -> Found:
    """Give the same measurement to each method in turn.

    An interrupt, or a method that refuses, ends the run; what came before is kept, and `ended` says why.

    Raises
    ------
    ValueError
        where the first method refuses.
    KeyboardInterrupt
        where nothing was found before the interrupt.
    """
    found = Found()
    for name in problem.settings:
        try:
            with memory_told(name), watching(name) as watch:
                _keep(found, problem, name, _recover(problem, name, watch))
        except (KeyboardInterrupt, ValueError) as error:
            if not found.results:
                raise
            found.interrupted, found.ended = isinstance(error, KeyboardInterrupt), f"{name}: {error}"
        if found.interrupted:
            found.ended = f"interrupted in {name}"
        if found.ended:
            break
    return found


def expected(problem: Problem) -> dict[str, Any]:
    """Return what the methods that can tell expect to take: objects with `seconds` and `memory`, by name.

    Raises
    ------
    ValueError
        where a method can tell that it cannot be run.
    """
    measurement, found = problem.measurement, {}
    for name, settings in problem.settings.items():
        if estimate := getattr(method(name).load(), "estimate", None):
            with memory_told(name):
                found[name] = estimate(measurement.operator, measurement.y, settings, seed=problem.request.seed)
    return found


def _recover(problem: Problem, name: str, watch: Progress | None) -> Recovery:
    measurement, seed = problem.measurement, problem.request.seed
    recover = method(name).recover()
    found: Recovery = recover(measurement.operator, measurement.y, problem.settings[name], seed=seed, watch=watch)
    return found


def _keep(found: Found, problem: Problem, name: str, recovery: Recovery) -> None:
    made = entry(name, recovery, problem.measurement, problem.truth, problem.request.seed)
    found.results.append((made, recovery.image))
    found.interrupted = recovery.outcome == "interrupted"


def told(problem: Problem, found: Found) -> dict[str, Any]:
    """Return the report of a run."""
    return report(problem.request, problem.measurement, found.entries, found.ended)
