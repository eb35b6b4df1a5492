"""What is to be recovered, from what, and how: checked, read and measured before the long work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, sqrt
from pathlib import Path
from typing import Any

import torch

from untrained.sims.choices import check_choice
from untrained.sims.files import existing, gathered_warnings
from untrained.sims.images.images import load_image
from untrained.sims.operators import Operator, Shape, make_operator
from untrained.sims.operators.base import bounded_integer, checked_shape
from untrained.sims.operators.measurements import Measurement, load_measurement, measure, measured_numbers
from untrained.sims.operators.own_files import (
    TEXT,
    arrays_of,
    holds_measurements,
    is_reference,
    operator_in_file,
    operator_of_matrix,
    read_measurements,
    read_options,
)
from untrained.sims.recovery.csdip_settings import CSDIPSettings
from untrained.sims.recovery.denoising import PixelNoise
from untrained.sims.recovery.methods import BY_NOISE as BY_NOISE
from untrained.sims.recovery.methods import assign, method, settings_for, told_noise
from untrained.sims.recovery.noise_level import estimated_noise
from untrained.sims.recovery.pixel_tasks import BlockMeans, KnownPixels
from untrained.sims.runtime import memory_told


@dataclass(frozen=True)
class Sensing:
    """How an image is measured: the operator's name and options, the noise level and the seed of both.

    `operator` may be `FILE.py:FACTORY`, and `matrix` is a file that takes its place. A `shape` (C, H, W) says that the
    source is no image but y itself, which a user has measured of an image with black and white at `pixels`.
    """

    operator: str = "gaussian"
    m: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    noise: float = 0.0
    seed: int = 0
    matrix: str | None = None
    shape: Shape | None = None
    pixels: tuple[float, float] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        _check_seed(self.seed)

    @property
    def own(self) -> bool:
        """Whether the operator is a user's own."""
        return self.matrix is not None or is_reference(self.operator)

    @property
    def rebuildable(self) -> bool:
        """Whether a measurement file can bring the operator with it."""
        return not self.own and "maps" not in self.options

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the operator is made from."""
        reference = self.operator.rpartition(":")[0] if is_reference(self.operator) else None
        places = (self.matrix, reference, self.options.get("mask"), self.options.get("maps"))
        return tuple(place for place in places if isinstance(place, str))

    def make(self, shape: Shape, device: torch.device | str = "cpu") -> Operator:
        """Make the operator for images of a shape, reading the files that it needs.

        Raises
        ------
        ValueError
            where a file, m or an option is not as it must be, or the operator does not fit in memory.
        """
        with memory_told(f"{self.matrix or self.operator} for {shape[1]}x{shape[2]} pixels"):
            if self.own:
                if self.options:
                    raise ValueError(f"{next(iter(self.options))} is for operators by name, got it for one of your own")
                m = None if self.m is None else bounded_integer("m", self.m, 1)
                if self.matrix is not None:
                    return operator_of_matrix(self.matrix, shape, m).to(device)
                return operator_in_file(self.operator, shape, m).to(device)
            return make_operator(self.operator, shape, self.m, self.seed, device, **read_options(self.options))


Pixels = PixelNoise | KnownPixels | BlockMeans
"""Photographs as measurements."""


@dataclass(frozen=True)
class RecoveryTask:
    """What is to be recovered and how; `sensing` is None where the source is a measurement file of ours.

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
        if not self.estimate or self.source_is_truth:
            return
        for name in ("noise", "sigma"):
            if level := getattr(self.sensing, name, None):
                raise ValueError(f"{name} must be left out where it is to be estimated, got {level:g}")

    @property
    def truth_source(self) -> str | None:
        """Where the truth comes from, as far as it is known."""
        return self.source if self.source_is_truth else self.truth

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the methods, as the report has them."""
        return tuple(method(name).name for name in self.methods)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that may be read: the source, the truth, what the operator is made from, values of settings."""
        made_from = self.sensing.files if isinstance(self.sensing, Sensing | KnownPixels) else ()
        return tuple(place for place in (self.source, self.truth, *made_from, *values_of(self.assignments)) if place)

    @property
    def source_is_y(self) -> bool:
        """Whether the source is y itself, of pixels on a scale that may be said."""
        return isinstance(self.sensing, Sensing) and self.sensing.shape is not None

    @property
    def source_is_truth(self) -> bool:
        """Whether the source is the truth itself: an image that is measured or that noise is added to."""
        if isinstance(self.sensing, PixelNoise):
            return not self.sensing.noisy
        return isinstance(self.sensing, Sensing) and not self.source_is_y


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed}")


def values_of(assignments: Iterable[str]) -> list[str]:
    """What settings are set to, some of which are files."""
    return [word.partition("=")[2] for word in assignments]


def is_measurement(source: str) -> bool:
    """Whether a source names a measurement file, by its suffix and where it holds no y of a user's own."""
    return Path(source).suffix.lower() == ".npz" and not holds_measurements(source)


def sensing(
    operator: str | None,
    m: float | None,
    *,
    noise: float = 0.0,
    seed: int = 0,
    matrix: str | None = None,
    **options: Any,
) -> Sensing:
    """Return how to measure, by `gaussian` where nothing is named; options that are None are left out.

    Raises
    ------
    ValueError
        where an operator is named twice, or an option of one without it.
    """
    if operator is not None and matrix is not None:
        raise ValueError(f"operator must be left out where matrix is given, got {operator!r} and {matrix!r}")
    chosen = {name: value for name, value in options.items() if value is not None}
    if chosen and operator is matrix is None:
        raise ValueError(f"operator must be given with `{next(iter(chosen))}`, got none")
    return Sensing(operator or "gaussian", m, chosen, noise, seed, matrix)


def sensing_of(
    source: str,
    operator: str | None,
    m: float | None,
    *,
    noise: float | None,
    seed: int,
    matrix: str | None = None,
    shape: str | None = None,
    pixels: str | None = None,
    **options: Any,
) -> Sensing | None:
    """Return how an image is to be measured, or how y was, which is the source where it has a `shape` beside it.

    A measurement file of ours brings its operator: None.

    Raises
    ------
    ValueError
        where an image or a y comes without an operator, a y without a shape, or a measurement file with any of them.
    """
    choices = {
        "operator": operator,
        "matrix": matrix,
        "shape": shape,
        "pixels": pixels,
        "m": m,
        "noise": noise,
        **options,
    }
    named = [name for name, value in choices.items() if value is not None]
    if is_measurement(source):
        if named:
            raise ValueError(f"{named[0]} is for an image, got the measurement file {source}, which brings its own")
        return None
    numbers = holds_measurements(source)
    if "A" in arrays_of(source) and matrix is operator is None:
        matrix = source
    if operator is None and matrix is None:
        if numbers:
            raise ValueError(f"operator or matrix must be given with measurements y, got neither for {source}")
        wanted, got = ("operator and m", "neither") if m is None else ("operator", "none")
        raise ValueError(f"{wanted} must be given to measure an image, got {got} for {source}")
    if numbers and shape is None:
        raise ValueError(f"shape must be given with measurements y, the image's HxW or CxHxW, got none for {source}")
    how = sensing(operator, m, noise=noise or 0.0, seed=seed, matrix=matrix, **options)
    if shape is None:
        if pixels is not None:
            raise ValueError(f"pixels is for measurements y with a `shape`, got it for the image {source}")
        return how
    return replace(how, shape=parse_shape(shape), pixels=parse_pixels(pixels))


TASKS = ("sense", "denoise")
NO_NOISE = 1e-6
"""Deviation of pixels on [-1, 1] below which an estimate is rounding in float32, and no noise."""


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
    if name is not None:
        check_choice("task", name, TASKS)
    named = [option for option, value in options.items() if value]
    if name != "denoise" and named:
        raise ValueError(f"{named[0]} is for the task denoise, got it without: add --task denoise")
    return name == "denoise"


@dataclass(frozen=True)
class RecoveryProblem:
    """One measurement, the settings of every method that is to see it, the truth if known, and the warnings given.

    `notes` are sentences of what was decided that the user did not say: the noise level, the rule of when to stop.
    """

    task: RecoveryTask
    measurement: Measurement
    settings: Mapping[str, Any]
    truth: torch.Tensor | None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def measure_image(image: torch.Tensor, sensing: Sensing, device: torch.device | str = "cpu") -> Measurement:
    """Measure an image with an operator drawn for it.

    Raises
    ------
    ValueError
        where operator, m or noise are out of their ranges, or the operator does not fit in memory.
    """
    c, h, w = image.shape
    operator = sensing.make((c, h, w), device)
    with memory_told(f"{operator.name} for {h}x{w} pixels"):
        return measure(image.to(device), operator, noise=sensing.noise, seed=sensing.seed)


def own_measurement(source: str, shape: Shape, sensing: Sensing, device: torch.device | str = "cpu") -> Measurement:
    """Read y that a user has measured of an image of a shape.

    Raises
    ------
    ValueError
        where the file holds no such y, or the operator cannot be made.
    """
    y = read_measurements(source)  # before a large operator is made
    operator = sensing.make(shape, device)
    try:
        numbers = measured_numbers(y, operator).to(device)
    except ValueError as error:
        columns = " (two columns of text are real and imaginary parts)"
        parts = columns if y.dtype.kind == "c" and Path(source).suffix.lower() in TEXT else ""
        raise ValueError(f"{error} in {source}{parts}") from error
    shifted, unit = _on_scale(numbers, operator, sensing.pixels)
    return Measurement(operator, shifted, sensing.noise / unit)


def _on_scale(numbers: torch.Tensor, operator: Operator, pixels: tuple[float, float]) -> tuple[torch.Tensor, float]:
    """y of pixels on another scale as the operator's own, and what it was divided by; magnitudes are of black at 0."""
    low, high = pixels
    if (low, high) == (-1, 1):
        return numbers, 1.0
    if not operator.linear:
        if low != 0:
            raise ValueError(f"pixels must be 0:HIGH for {operator.name}, which is not linear, got {low:g}:{high:g}")
        return numbers / high, high
    unit = (high - low) / 2
    white = operator.forward(torch.ones(operator.shape, device=numbers.device))
    return (numbers - (high + low) / 2 * white) / unit, unit


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
    with gathered_warnings() as sentences:
        problem = _prepare(task)
    return replace(problem, warnings=tuple(sentences))


def _prepare(task: RecoveryTask) -> RecoveryProblem:
    _settings(task, None)  # what cannot be is refused before anything is measured
    if task.truth is not None and task.source_is_truth:
        raise ValueError(f"truth is for a measurement file, got the image {task.source}, which is the truth")
    measurement, image = _measured(task)
    settings = _settings(task, measurement)
    truth = image if task.source_is_truth else _truth(task, measurement.operator.shape)
    measurement, notes = with_noise_level(measurement, task.sensing, estimate=task.estimate, seed=task.seed)
    final = _with_noise(settings, measurement, task)
    return RecoveryProblem(
        task, measurement, final, truth, notes=(*notes, *noise_notes(settings, final, measurement.operator))
    )


def _measured(task: RecoveryTask) -> tuple[Measurement, torch.Tensor | None]:
    """The measurement, and the image that it was made of, where there was one."""
    if task.sensing is None:
        return read_measurement(task.source, task.device), None
    if isinstance(task.sensing, Sensing) and task.sensing.shape is not None:
        return own_measurement(task.source, task.sensing.shape, task.sensing, task.device), None
    image = load_image(task.source, grey=task.grey, size=task.size)
    if isinstance(task.sensing, Sensing):
        return measure_image(image, task.sensing, task.device), image
    with memory_told(f"{image.shape[1]}x{image.shape[2]} pixels"):
        return task.sensing.measurement(image, task.device), image


def with_noise_level(
    measurement: Measurement, sensing: Sensing | Pixels | None, *, estimate: bool = False, seed: int = 0
) -> tuple[Measurement, tuple[str, ...]]:
    """The measurement with its noise level, and how it was estimated, where pixels do not say it or so it is asked.

    Raises
    ------
    ValueError
        where an image is to be denoised whose pixels show no noise, or as in `estimated_noise`.
    """
    unknown = isinstance(sensing, PixelNoise | KnownPixels) and sensing.sigma is None
    if not (unknown or estimate):
        return measurement, ()
    with memory_told("the fit that noise is estimated by"):
        estimated = estimated_noise(measurement, seed)
    if isinstance(sensing, PixelNoise) and estimated.level < NO_NOISE * sqrt(measurement.operator.m):
        raise ValueError("sigma must be given for an image that shows no noise, as most of it is flat, got none")
    return replace(measurement, noise=estimated.level), (estimated.says,)


def noise_notes(before: Mapping[str, Any], after: Mapping[str, Any], operator: Operator) -> tuple[str, ...]:
    """Say of which methods, by name, the rule or the weight of the penalty goes by the noise level."""
    notes: list[str] = []
    for name, settings in after.items():
        if (rule := getattr(settings, "stopping", "")) != getattr(before[name], "stopping", ""):
            notes.append(stopping_note(name, rule))
        if isinstance(settings, CSDIPSettings):
            weight = settings.penalty_weight(operator.m, operator.gain)
            if weight > settings.tv_weight:
                notes.append(f"{name} weighs total variation by {weight:.2g}, {_WHY}")
    return tuple(notes)


_WHY = "as the noise level is known (--set tv_by_noise=0: not by it)"


def stopping_note(name: str, rule: str) -> str:
    """The sentence that a method stops, where it does, by a rule that goes by the noise level."""
    return f"{name} goes by {rule}, as the noise level is known (--set stopping=RULE: by another)"


def _settings(task: RecoveryTask, measurement: Measurement | None) -> dict[str, Any]:
    names = task.names
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
    own_size = isinstance(task.sensing, Pixels)  # the size is then the source's, of which an upscaled image is larger
    size = shape[1:] if task.size and own_size else task.size
    truth = load_image(task.truth, grey=task.grey or shape[0] == 1, size=size)
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


def parse_shape(text: str) -> Shape:
    """Return (C, H, W) from HxW or CxHxW.

    Raises
    ------
    ValueError
        where the text is neither.
    """
    parts = text.lower().split("x")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"shape must be HxW or CxHxW in pixels, got {text!r}")
    sides = [int(part) for part in parts]
    return checked_shape([1, *sides][-3:])


def parse_pixels(text: str | None) -> tuple[float, float]:
    """Return black and white from LOW:HIGH, -1 and 1 where there is no text.

    Raises
    ------
    ValueError
        where the text is no two increasing numbers.
    """
    try:
        low, high = (float(part) for part in (text or "-1:1").split(":"))
    except ValueError:
        low, high = 0.0, 0.0
    if not -inf < low < high < inf:
        raise ValueError(f"pixels must be LOW:HIGH, two increasing numbers such as 0:255, got {text!r}")
    return low, high


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
