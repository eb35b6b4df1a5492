"""What stands behind the commands: measure an image, recover it by one or several methods, and report all of it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from sims.imaging.images import example_image, read_image
from sims.imaging.measurements import Measurement, load_measurement, measure
from sims.imaging.methods import assign, method, settings_for
from sims.imaging.recovery.result import Recovery, Watch
from sims.imaging.scores import score
from sims.imaging.sensing import OPERATORS, make_operator
from sims.imaging.surroundings import described, memory_told

Watching = Callable[[str], contextlib.AbstractContextManager[Watch | None]]
"""Opens, for a method's name, what is told of its progress."""


@dataclass(frozen=True)
class Sensing:
    """How an image is to be measured: the operator's name and options, the noise level and the seed of both."""

    operator: str = "gaussian"
    m: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """What `reconstruct` was asked for; `sensing` is None where the source is a measurement file."""

    source: str
    methods: Sequence[str] = ("csdip",)
    preset: str | None = None
    assignments: Sequence[str] = ()
    truth: str | None = None
    sensing: Sensing | None = None
    grey: bool = False
    size: tuple[int, int] | None = None
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


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

    entries: list[dict[str, Any]] = field(default_factory=list)
    images: list[torch.Tensor] = field(default_factory=list)
    interrupted: bool = False
    ended: str | None = None


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return (height, width) from N or HxW.

    Raises
    ------
    ValueError
        where the text is neither.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--size must be N or HxW in pixels, got {text!r}")
    return int(parts[0]), int(parts[-1])


def load_image(source: str, *, grey: bool = False, size: tuple[int, int] | None = None) -> torch.Tensor:
    """Return the image of a path, or of `example:NAME`, as (C, H, W) on [-1, 1].

    Raises
    ------
    ValueError
        where it is no image.
    """
    kind, colon, name = source.partition(":")
    if colon and kind == "example":
        return example_image(name, grey=grey, size=size)
    return read_image(source, grey=grey, size=size)


def take_measurement(image: torch.Tensor, sensing: Sensing, device: torch.device) -> Measurement:
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


def prepare(request: Request) -> Problem:
    """Read, check and measure: everything that can be refused before the long work.

    Raises
    ------
    ValueError
        where a method, a setting, a file or the truth's shape is not as it must be.
    """
    dealt = assign([method(name).name for name in request.methods], request.assignments)
    presets = _presets(request)
    settings = {name: settings_for(name, dealt[name], presets[name]) for name in request.methods}
    image = None if request.sensing is None else load_image(request.source, grey=request.grey, size=request.size)
    measurement = _measurement(request, image)
    truth = image if image is not None else _truth(request, measurement.operator.shape)
    return Problem(request, measurement, settings, truth)


def _presets(request: Request) -> dict[str, str | None]:
    """A preset is for the methods that have some; one alone must have it."""
    with_some = [name for name in request.methods if method(name).presets()] if request.preset else []
    if request.preset and not with_some:
        raise ValueError(f"--preset is for methods with presets, got {', '.join(request.methods)}")
    return {name: request.preset if name in with_some else None for name in request.methods}


def _measurement(request: Request, image: torch.Tensor | None) -> Measurement:
    if request.sensing is not None and image is not None:
        return take_measurement(image, request.sensing, request.device)
    with memory_told(f"the operator of {request.source}"):
        return load_measurement(request.source, request.device)


def _truth(request: Request, shape: tuple[int, int, int]) -> torch.Tensor | None:
    if request.truth is None:
        return None
    truth = load_image(request.truth, grey=request.grey or shape[0] == 1, size=request.size)
    if tuple(truth.shape) != tuple(shape):
        advice = f"; --size {shape[1]}x{shape[2]} may help"
        raise ValueError(f"--truth must have the shape measured, {tuple(shape)}, got {tuple(truth.shape)}{advice}")
    return truth


@contextlib.contextmanager
def unwatched(_: str) -> Any:
    """Tell nobody."""
    yield None


def recover_all(problem: Problem, watching: Watching = unwatched) -> Found:
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
                recovery = _recover(problem, name, watch)
            _keep(found, problem, name, recovery)
            found.interrupted = recovery.outcome == "interrupted"
        except (KeyboardInterrupt, ValueError) as error:
            if not found.entries:
                raise
            found.interrupted, found.ended = isinstance(error, KeyboardInterrupt), f"{name}: {error}"
        if found.interrupted:
            found.ended = f"interrupted in {name}; written is what was found, the best so far of {_names(found)}"
        if found.ended:
            break
    return found


def _names(found: Found) -> str:
    return ", ".join(entry["method"] for entry in found.entries)


def _recover(problem: Problem, name: str, watch: Watch | None) -> Recovery:
    measurement = problem.measurement
    run, seed = method(name).recover(), problem.request.seed
    found: Recovery = run(measurement.operator, measurement.y, problem.settings[name], seed=seed, watch=watch)
    return found


def _keep(found: Found, problem: Problem, name: str, recovery: Recovery) -> None:
    found.entries.append(entry(name, recovery, problem))
    found.images.append(recovery.image)


def entry(name: str, recovery: Recovery, problem: Problem) -> dict[str, Any]:
    """One method's part of the report; misfit and scores are taken here, of the image returned, alike for all."""
    measurement = problem.measurement
    image = recovery.image.to(measurement.y.device)
    misfit = float((measurement.operator.forward(image) - measurement.y).double().square().sum())
    made = {
        "method": name,
        "settings": dict(recovery.settings),
        "seed": problem.request.seed,
        "outcome": recovery.outcome,
        "certificate": dict(recovery.certificate),
        "misfit": misfit,
        "steps": recovery.steps,
        "seconds": recovery.seconds,
        "scores": None if problem.truth is None else score(recovery.image, problem.truth),
    }
    return {key: finite(value) for key, value in made.items()}


def finite(value: Any) -> Any:
    """Return what JSON can hold: a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def report(problem: Problem, found: Found) -> dict[str, Any]:
    """Return everything that was done and found, as JSON can hold it."""
    request, measurement = problem.request, problem.measurement
    return {
        "format": 1,
        "source": request.source,
        "truth": request.source if request.sensing is not None else request.truth,
        "pixels": "on [-1, 1]; scores are of a data range of 2",
        "seed": request.seed,
        **described(request.device),
        "operator": {**finite(measurement.operator.spec()), **_told(measurement)},
        "measurement": {"fingerprint": measurement.fingerprint, "noise": measurement.noise},
        "ended": found.ended,
        "methods": found.entries,
    }


def _told(measurement: Measurement) -> dict[str, Any]:
    operator = measurement.operator
    n = math.prod(operator.shape)
    ratio = {"n": n, "coefficients": operator.coefficients, "ratio": operator.m / n}
    return {**ratio, "gain": operator.gain, "fingerprint": operator.fingerprint()}


def is_measurement(source: str) -> bool:
    """Whether a source names a measurement file, by its suffix."""
    return Path(source).suffix.lower() == ".npz"


def known_operators() -> str:
    """The operators' names, for a sentence."""
    return ", ".join(OPERATORS)
