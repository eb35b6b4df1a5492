"""What stands behind the commands that learn: a generator from images, and a law of weights from measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import get_type_hints

import torch

from untrained.sims.files import existing
from untrained.sims.images.codes import Codes
from untrained.sims.images.datasets import dataset, digits, read_idx
from untrained.sims.images.images import to_image
from untrained.sims.images.resizing import centre_crop, resize
from untrained.sims.operators.measurements import Measurement
from untrained.sims.progress import OpenProgress, no_progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip
from untrained.sims.recovery.learned_prior import READINGS, Prior, grid_search, learn_prior
from untrained.sims.recovery.methods import assign, parse, settings_for, told_noise
from untrained.sims.recovery.tasks import read_measurement
from untrained.sims.runtime import memory_told

HELD_BACK = 1000
"""Images of mnist that no generator is trained on unless asked for."""


@dataclass(frozen=True)
class Learning:
    """How the law is estimated from fitted weights.

    Source: vanveen18 Algorithm 1
    """

    samples: int = 1000
    iterations: int = 1000
    reading: str = READINGS[0]
    include_norm: bool = False


def training_images(source: str, skip: int | None = None, size: tuple[int, int] | None = None) -> torch.Tensor:
    """Return images (N, C, H, W) to train on: an idx file, "digits", or "mnist" but for its first images.

    `skip` images are left out at the beginning. That is 1000 of mnist where nothing else is said, which is its test
    set, whose first images recovery is judged on; of other sources none.

    Raises
    ------
    ValueError
        where there are no such images, or none are left.
    """
    images = _images(source)
    skip = (HELD_BACK if source == "mnist" else 0) if skip is None else skip
    if not 0 <= skip < len(images):
        raise ValueError(f"skip must leave some of the {len(images)} images, got {skip}")
    rest = images[skip:]
    return rest if size is None else to_image(resize(centre_crop(rest.numpy(), size), size))


def _images(source: str) -> torch.Tensor:
    if source in ("mnist", "digits"):
        return dataset("mnist") if source == "mnist" else digits()
    pixels = read_idx(source)
    if pixels.ndim != 3 or not pixels.size:
        raise ValueError(f"images must be an idx file with images in it, got {source} of shape {pixels.shape}")
    return to_image(Codes(pixels[:, None], 0.0, 255.0).to_scale())


def learn(
    files: Sequence[str],
    assignments: Sequence[str] = (),
    preset: str | None = None,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    open_progress: OpenProgress = no_progress,
) -> Prior:
    """Fit CS-DIP to every measurement file, each from weights of its own, and learn the law of the weights.

    Assignments are settings of csdip and of `Learning`; no true image is seen.

    Raises
    ------
    ValueError
        where a setting is unknown, a file is no measurement, or the files' images differ in shape.

    Source: vanveen18 Section 3.2.1
    """
    how, rest = _learning(assignments)
    measurements = _measurements(files, device)
    changes = assign(["csdip"], rest)["csdip"]
    settings = settings_for("csdip", changes, preset, measurements[0].operator)
    if settings.restarts != 1:
        raise ValueError(f"restarts must be 1 where a prior is learned, got {settings.restarts}")
    fitted = []
    for number, measurement in enumerate(measurements):
        with memory_told("csdip"), open_progress(f"{number + 1} of {len(files)}") as watch:
            one, y = measurement.operator, measurement.y
            complete = told_noise("csdip", settings, changes, measurement.noise)
            fitted.append(csdip.fitted_weights(one, y, complete, seed=_seed(seed, number), watch=watch))
    meta = {"csdip": asdict(settings), "root_seed": seed, "measurements": [m.fingerprint for m in measurements]}
    return learn_prior(fitted, seed=seed, meta=meta, **asdict(how))


def parse_weights(text: str) -> list[float]:
    """Return the numbers of a comma-separated list.

    Raises
    ------
    ValueError
        where a part is no finite number of at least 0.
    """
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = [-1.0]
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"weights must be numbers of at least 0 with commas between, got {text!r}")
    return weights


def choose_weight(
    prior: str,
    files: Sequence[str],
    weights: Sequence[float],
    assignments: Sequence[str] = (),
    preset: str | None = None,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    open_progress: OpenProgress = no_progress,
) -> tuple[float, dict[float, float]]:
    """Try weights of a learned prior; return the one of least misfit on held-out measurements, and all misfits.

    Each file's measurements are split into those fitted and those held out; misfits are averages over the files, each
    per held-out measurement. No true image is seen.

    Raises
    ------
    ValueError
        where a setting or a weight is out of range, or a file is no prior or no measurement.
    """
    place, measurements = str(existing(prior)), _measurements(files, device)
    changes = assign(["csdip"], assignments)["csdip"]
    settings = settings_for("csdip", changes, preset, measurements[0].operator)
    settings = replace(settings, prior=place)
    misfit = csdip.held_out_misfit

    def evaluate(weight: float) -> float:
        candidate, total = replace(settings, prior_weight=weight), 0.0
        for number, measurement in enumerate(measurements):
            with memory_told("csdip"), open_progress(f"weight {weight:g}, {number + 1} of {len(files)}") as watch:
                complete = told_noise("csdip", candidate, changes, measurement.noise)
                total += misfit(measurement.operator, measurement.y, complete, seed=_seed(seed, number), watch=watch)
        return total / len(measurements)

    return grid_search(evaluate, weights)


def _learning(assignments: Sequence[str]) -> tuple[Learning, list[str]]:
    hints, values, rest = get_type_hints(Learning), {}, []
    for word in assignments:
        key, equals, text = word.partition("=")
        if equals and key in {f.name for f in fields(Learning)}:
            values[key] = parse(key, text, hints[key])
        else:
            rest.append(word)
    return Learning(**values), rest


def _measurements(files: Sequence[str], device: torch.device | str) -> list[Measurement]:
    if not files:
        raise ValueError("learn-prior must be given at least one measurement file, got none")
    measurements = [read_measurement(path, device) for path in files]
    shapes = [m.operator.shape for m in measurements]
    for path, shape in zip(files, shapes, strict=True):
        if shape != shapes[0]:
            raise ValueError(f"measurements must be of images of one shape, got {shapes[0]} and {shape} in {path}")
    return measurements


def _seed(seed: int, number: int) -> int:
    return int(stream(seed, "learn prior", number).integers(2**31))
