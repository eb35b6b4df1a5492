"""What is to be recovered, from what, and how: checked, read and measured before the long work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from untrained.sims.files import existing
from untrained.sims.images.images import load_image
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import Measurement, load_measurement, measure
from untrained.sims.recovery.denoising import PixelNoise
from untrained.sims.recovery.methods import BY_NOISE as BY_NOISE
from untrained.sims.recovery.methods import assign, method, settings_for, told_noise
from untrained.sims.recovery.noise_level import estimated_noise
from untrained.sims.recovery.pixel_tasks import BlockMeans, KnownPixels
from untrained.sims.runtime import memory_told


@dataclass(frozen=True)
class Sensing:
    """How an image is to be measured: the operator's name and options, the noise level and the seed of both."""

    operator: str = "gaussian"
    m: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_seed(self.seed)


Pixels = PixelNoise | KnownPixels | BlockMeans
"""Photographs as measurements."""


@dataclass(frozen=True)
class RecoveryTask:
    """What is to be recovered and how; `sensing` is None where the source is a measurement file.

    An image that is measured is the truth, and so is one that noise is added to; of a noisy one it may be named.
    `estimate` says that the noise level is to be estimated, whatever a measurement says of it.
    """

    source: str
    methods: Sequence[str] = ("csdip",)
    preset: str | None = None
    assignments: Sequence[str] = ()
    truth: str | None = None
    sensing: Sensing | Pixels | None = None
    grey: bool = False
    size: tuple[int, int] | None = None
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    estimate: bool = False

    def __post_init__(self) -> None:
        _check_seed(self.seed)

    @property
    def truth_source(self) -> str | None:
        """Where the truth comes from, as far as it is known."""
        return self.source if self.source_is_truth else self.truth

    @property
    def source_is_truth(self) -> bool:
        """Whether the source is the truth itself: an image that is measured or that noise is added to."""
        adds_noise = isinstance(self.sensing, PixelNoise) and not self.sensing.noisy
        return isinstance(self.sensing, Sensing) or adds_noise


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed}")


def is_measurement(source: str) -> bool:
    """Whether a source names a measurement file, by its suffix."""
    return Path(source).suffix.lower() == ".npz"


def sensing(operator: str, m: int | None, *, noise: float = 0.0, seed: int = 0, **options: Any) -> Sensing:
    """Return how to measure; options that are None are left out."""
    return Sensing(operator, m, {name: value for name, value in options.items() if value is not None}, noise, seed)


def sensing_of(
    source: str, operator: str | None, m: int | None, *, noise: float | None, seed: int, **options: Any
) -> Sensing | None:
    """Return how an image is to be measured, or None for a measurement file, which brings its operator.

    Raises
    ------
    ValueError
        where an image comes without an operator, or a measurement file with one.
    """
    choices = {"operator": operator, "m": m, "noise": noise, **options}
    named = [name for name, value in choices.items() if value is not None]
    if is_measurement(source):
        if named:
            raise ValueError(f"{named[0]} is for an image, got the measurement file {source}, which brings its own")
        return None
    if operator is None:
        raise ValueError(f"operator and m must be given to measure an image, got neither for {source}")
    return sensing(operator, m, noise=noise or 0.0, seed=seed, **options)


TASKS = ("sense", "denoise")


def denoising_of(source: str, sigma: float | None, *, noisy: bool, clip: bool, seed: int, **others: Any) -> PixelNoise:
    """Return how an image is noisy; `others` are options of measuring, which must be None.

    Raises
    ------
    ValueError
        where the source is a measurement file, sigma is not as it must be, or an option is for measuring.
    """
    if is_measurement(source):
        raise ValueError(f"an image must be given to denoise, got the measurement file {source}")
    if named := [name for name, value in others.items() if value is not None]:
        raise ValueError(f"{named[0]} is for the task sense, got it for denoise, which sees every pixel")
    if noisy and clip:
        raise ValueError("clip is for noise that is added, got it for an image that is noisy already")
    return PixelNoise(sigma, noisy, clip, seed)


def noise_of(source: str, sigma: float | None, add_noise: float | None, *, clip: bool, seed: int) -> PixelNoise:
    """Return how an image is noisy: already, by `sigma` or an unknown deviation, or by the noise that is to be added.

    Raises
    ------
    ValueError
        where both are given, or the source is a measurement file or an option out of its range.
    """
    if add_noise is not None and not (isfinite(add_noise) and add_noise > 0):
        raise ValueError(f"add_noise must be a finite number above 0, got {add_noise}")
    if add_noise is not None and sigma is not None:
        raise ValueError(f"add_noise must be given without `sigma`, which is then known, got {add_noise} and {sigma}")
    noisy = add_noise is None
    return denoising_of(source, sigma if noisy else add_noise, noisy=noisy, clip=clip, seed=seed)


def usual_preset(names: Sequence[str], preset: str | None) -> str | None:
    """Return the preset that was asked for, else "fast" where all methods that have presets have that one.

    Raises
    ------
    ValueError
        where a method is unknown.
    """
    having = [presets for presets in (method(name).presets() for name in names) if presets]
    return "fast" if preset is None and having and all("fast" in presets for presets in having) else preset


def checked_task(name: str | None, **options: Any) -> bool:
    """Whether the task of that name is to denoise; `options` are those of denoising, which sensing has not.

    Raises
    ------
    ValueError
        where the task is unknown, or an option of denoising comes without it.
    """
    if name not in (None, *TASKS):
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {name!r}")
    named = [option for option, value in options.items() if value]
    if name != "denoise" and named:
        raise ValueError(f"{named[0]} is for the task denoise, got it without: add --task denoise")
    return name == "denoise"


@dataclass(frozen=True)
class RecoveryProblem:
    """One measurement, the settings of every method that is to see it, and the truth where it is known.

    `notes` are sentences of what was decided that the user did not say: the noise level, the rule of when to stop.
    """

    task: RecoveryTask
    measurement: Measurement
    settings: Mapping[str, Any]
    truth: torch.Tensor | None
    notes: tuple[str, ...] = ()


def measure_image(image: torch.Tensor, sensing: Sensing, device: torch.device | str = "cpu") -> Measurement:
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


def read_measurement(path: str, device: torch.device | str = "cpu") -> Measurement:
    """Load a measurement file and make its operator again.

    Raises
    ------
    ValueError
        where there is no such file, it is damaged, or its operator does not fit in memory.
    """
    with memory_told(f"the operator of {path}"):
        return load_measurement(existing(path), device)


def prepare_task(task: RecoveryTask) -> RecoveryProblem:
    """Read, check and measure: everything that can be refused before the long work.

    Raises
    ------
    ValueError
        where a method, a setting, a file or the truth's shape is not as it must be.
    """
    _settings(task, None)  # what cannot be is refused before anything is measured
    if task.truth is not None and task.source_is_truth:
        raise ValueError(f"truth is for a measurement file, got the image {task.source}, which is the truth")
    measurement, image = _measured(task)
    settings = _settings(task, measurement)
    truth = image if task.source_is_truth else _truth(task, measurement.operator.shape)
    measurement, notes = with_noise_level(measurement, task.sensing, estimate=task.estimate, seed=task.seed)
    told = _with_noise(settings, measurement, task)
    return RecoveryProblem(task, measurement, told, truth, (*notes, *stopping_notes(settings, told)))


def _measured(task: RecoveryTask) -> tuple[Measurement, torch.Tensor | None]:
    """The measurement, and the image that it was made of, where there was one."""
    if task.sensing is None:
        return read_measurement(task.source, task.device), None
    image = load_image(task.source, grey=task.grey, size=task.size)
    if isinstance(task.sensing, Sensing):
        return measure_image(image, task.sensing, task.device), image
    with memory_told(f"{image.shape[1]}x{image.shape[2]} pixels"):
        return task.sensing.measurement(image, task.device), image


def with_noise_level(
    measurement: Measurement, sensing: Sensing | Pixels | None, *, estimate: bool = False, seed: int = 0
) -> tuple[Measurement, tuple[str, ...]]:
    """The measurement with its noise level, and how it was estimated, where pixels do not say it or so it is asked."""
    unknown = isinstance(sensing, PixelNoise | KnownPixels) and sensing.sigma is None
    if not (unknown or estimate):
        return measurement, ()
    with memory_told("the fit that noise is estimated by"):
        estimated = estimated_noise(measurement, seed)
    return replace(measurement, noise=estimated.level), (estimated.says,)


def stopping_notes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Say of which methods, by name, the rule was changed to one that goes by the noise level."""
    rules = {name: getattr(settings, "stopping", "") for name, settings in after.items()}
    return tuple(stopping_note(name, r) for name, r in rules.items() if r != getattr(before[name], "stopping", ""))


def stopping_note(name: str, rule: str) -> str:
    """The sentence that a method stops, where it does, by a rule that goes by the noise level."""
    return f"{name} goes by {rule}, as the noise level is known (--set stopping=RULE: by another)"


def _settings(task: RecoveryTask, measurement: Measurement | None) -> dict[str, Any]:
    names = [method(name).name for name in task.methods]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"methods must be named once each, got {', '.join(names) or 'none'}")
    dealt = assign(names, task.assignments)
    having = [name for name in names if method(name).presets()] if task.preset else []
    if task.preset and not having:
        raise ValueError(f"preset is for methods that have presets, got {', '.join(names)}")
    operator = measurement.operator if measurement else None
    preset = {name: task.preset for name in having}
    complete = {name: settings_for(name, dealt[name], preset.get(name), operator) for name in names}
    for name, settings in complete.items():
        _check_files(name, settings)
    return complete


def _check_files(name: str, settings: Any) -> None:
    needed = method(name).needs
    if needed and getattr(settings, needed) is None:
        raise ValueError(f"{name} needs the setting {needed}, got none: name a file by {name}.{needed}=FILE")
    for key in method(name).files:
        if getattr(settings, key) is not None:
            existing(getattr(settings, key))


def _with_noise(settings: Mapping[str, Any], measurement: Measurement, task: RecoveryTask) -> dict[str, Any]:
    """A method that asks for the noise level is told it, and may go by it, unless the user says otherwise."""
    dealt = assign(list(settings), task.assignments)
    return {name: told_noise(name, s, dealt[name], measurement.noise) for name, s in settings.items()}


def _truth(task: RecoveryTask, shape: tuple[int, int, int]) -> torch.Tensor | None:
    if task.truth is None:
        return None
    truth = load_image(task.truth, grey=task.grey or shape[0] == 1, size=shape[1:] if task.size else None)
    if tuple(truth.shape) != tuple(shape):
        advice = f" (`size` {shape[1]}x{shape[2]} resamples it)" if truth.shape[1:] != shape[1:] else ""
        raise ValueError(f"truth must have the shape measured, {tuple(shape)}, got {tuple(truth.shape)}{advice}")
    return truth


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
        raise ValueError(f"size must be N or HxW in pixels, got {text!r}")
    return int(parts[0]), int(parts[-1])


def parse_counts(name: str, text: str | None) -> list[int] | None:
    """Return the whole numbers of a comma-separated list; None where there is no text.

    Raises
    ------
    ValueError
        where a part is no whole number above 0.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"{name} must be whole numbers above 0 with commas between, got {text!r}")
    return [int(part) for part in parts]
