"""What a run did and gave: reports as JSON can hold them, and the files they and the images go to, written whole."""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from untrained.sims.files import behind_links, writable, write_bytes
from untrained.sims.images.images import SUFFIXES, write_image
from untrained.sims.images.scores import score
from untrained.sims.operators.measurements import Measurement, save_measurement
from untrained.sims.recovery.methods import method
from untrained.sims.recovery.reach import reach_warning
from untrained.sims.recovery.result import Recovery
from untrained.sims.recovery.tasks import Pixels, RecoveryTask, Sensing, measure_image
from untrained.sims.runtime import runtime_report

REPORT_FORMAT = 1
PAGE_SUFFIXES = (".html",)


def method_entry(
    name: str, recovery: Recovery, measurement: Measurement, truth: torch.Tensor | None, seed: int
) -> dict[str, Any]:
    """One method's part of a report; misfit and scores are taken here, of the image returned, alike for all."""
    values = {
        "method": name,
        "version": method(name).version,
        "settings": recovery.settings,
        "seed": seed,
        "outcome": recovery.outcome,
        "certificate": recovery.certificate,
        "misfit": (distance := misfit(measurement, recovery.image)),
        "steps": recovery.steps,
        "seconds": recovery.seconds,
        "scores": None if truth is None else score(recovery.image, truth.cpu()),
    }
    y, noise = measurement.y.cpu(), measurement.noise
    if warning := reach_warning(measurement.operator, y, recovery.image, distance, noise):
        values["warning"] = warning
    if truth is not None and recovery.others:
        values["scores_beside"] = {name: score(other, truth.cpu()) for name, other in recovery.others.items()}
    return {key: json_ready(value) for key, value in values.items()}


def misfit(measurement: Measurement, image: torch.Tensor) -> float:
    """||y - A x||^2 of an image (C, H, W), squares summed in float64."""
    y = measurement.y
    with torch.no_grad():
        return float((measurement.operator.forward(image.to(y.device)) - y).double().square().sum())


def json_ready(value: Any) -> Any:
    """Return what JSON can hold: a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def recovery_report(
    task: RecoveryTask,
    measurement: Measurement,
    entries: Sequence[Mapping[str, Any]],
    ended: str | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return everything that was done and found; `ended` is the sentence of what ended it early.

    `notes` are sentences of what the run decided by itself.
    """
    return {
        "format": REPORT_FORMAT,
        "source": task.source,
        "truth": task.truth_source,
        "pixels": "on [-1, 1], so the scores' data range is 2",
        "seed": task.seed,
        **runtime_report(task.device),
        "operator": {**operator_summary(measurement), **_own_place(task.sensing)},
        "measurement": {"fingerprint": measurement.fingerprint, "noise": measurement.noise},
        **(task.sensing.about() if task.sensing and not isinstance(task.sensing, Sensing) else {}),
        "notes": list(notes),
        "ended": ended,
        "methods": list(entries),
    }


def _own_place(sensing: Sensing | Pixels | None) -> dict[str, str]:
    """The file that a user's own operator comes from."""
    return {"from": sensing.matrix or sensing.operator} if isinstance(sensing, Sensing) and sensing.own else {}


def operator_summary(measurement: Measurement) -> dict[str, Any]:
    """The operator's spec, the numbers that a user asks for first, and its fingerprint."""
    operator = measurement.operator
    n = math.prod(operator.shape)
    counts = {"n": n, "coefficients": operator.coefficients, "ratio": operator.m / n, "gain": float(operator.gain)}
    about = {**json_ready(operator.spec()), "version": operator.version}
    return {**about, **counts, "fingerprint": operator.fingerprint()}


def measure_into(path: Path, image: torch.Tensor, how: Sensing) -> dict[str, Any]:
    """Measure an image, write the file (y alone where the suffix is .npy) and return what a user asks of it.

    Raises
    ------
    ValueError
        where a measurement file is asked for with an operator that it cannot hold.
    """
    measurement = measure_image(image, how)
    if path.suffix.lower() == ".npy":
        write_npy(path, measurement.y.cpu().numpy())
    else:
        save_measurement(path, measurement)
    about = operator_summary(measurement)
    counts = {"operator": about["name"], "n": about["n"], "m": measurement.operator.m}
    if about["coefficients"] != measurement.operator.m:
        counts["coefficients"] = about["coefficients"]
    return {**counts, "m/n": f"{about['ratio']:.4g}", "fingerprint": measurement.fingerprint}


@dataclass(frozen=True)
class Outputs:
    """The files of a run: the image or the picture of all; report, folder for every image and page where asked for."""

    picture: Path | None = None
    report: Path | None = None
    folder: Path | None = None
    page: Path | None = None


def checked_outputs(
    picture: Path | None,
    report: Path | None = None,
    folder: Path | None = None,
    page: Path | None = None,
    *,
    kinds: Sequence[str] | None = None,
    read: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Outputs:
    """Return the places, once it is sure that each can be written to and none is a file that is `read`.

    `kinds` are the suffixes of the picture, those of an image by default; `names` are those of the folder's images.

    Raises
    ------
    ValueError
        where there is neither a picture nor a folder, a suffix is unknown, a place cannot be written to, or a file
        would be lost: one that is read, or an image of the folder by the picture.
    """
    if picture is None and folder is None:
        raise ValueError("out or folder must be given, got neither")
    outputs = Outputs(
        None if picture is None else check_output("out", picture, kinds or SUFFIXES),
        None if report is None else check_output("json", report, (".json",)),
        None if folder is None else check_folder("folder", folder),
        None if page is None else check_output("report", page, PAGE_SUFFIXES),
    )
    images = [] if outputs.folder is None else _image_places(outputs.folder, names)
    check_not_read((outputs.picture, outputs.report, outputs.page, *images), read)
    if outputs.picture is not None and behind_links(outputs.picture) in map(behind_links, images):
        raise ValueError(f"out must name another file than the images of `folder`, got {picture}")
    return outputs


def check_not_read(places: Iterable[Path | None], read: Iterable[str]) -> None:
    """Refuse places of outputs, links followed, of which one is a file that is `read`, as such or as FILE.py:FACTORY.

    Raises
    ------
    ValueError
        where one is.
    """
    sources = {behind_links(re.sub(r"(\.py):\w+$", r"\1", source)) for source in read}
    for place in places:
        if place is not None and behind_links(place) in sources:
            raise ValueError(f"the output must not replace what is read, got {place}")


def check_output(name: str, path: Path, suffixes: Sequence[str]) -> Path:
    """Return the path of a file that will be written, once it is sure that it can be; its suffix says of which kind.

    Raises
    ------
    ValueError
        where the suffix is unknown, or no file can be put there.
    """
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{name} must end in {', '.join(suffixes)}, got {path}")
    writable(name, path)
    return path


def check_folder(name: str, path: Path) -> Path:
    """Return a folder to write into; one that is missing is made later, if its parent is there.

    Raises
    ------
    ValueError
        where it is no folder, or nothing can be written there.
    """
    place = behind_links(path)
    folder = place if os.path.lexists(place) else place.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"{name} must name a folder that can be written to, got {path}")
    return place


def write_all(
    outputs: Outputs, report: Mapping[str, Any], images: Mapping[str, torch.Tensor], picture: bytes | None = None
) -> list[Path]:
    """Write the report, each method's image where a folder is asked for, and the picture (None: the only image).

    Images are written as npy, which keeps every digit, and as PNG to look at.
    """
    written = []
    if outputs.report is not None:
        write_json(outputs.report, report)
        written.append(outputs.report)
    if outputs.folder is not None:
        written += _write_images(outputs.folder, images)
    if outputs.picture is None:
        return written
    if picture is None:
        (image,) = images.values()
        write_image(outputs.picture, image)
    else:
        write_bytes(outputs.picture, picture)
    return [*written, outputs.picture]


def write_npy(place: Path, array: np.ndarray) -> None:
    """Write an array in numpy's format."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(place, buffer.getvalue())


def write_json(place: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON; bytes of a file's name that are no text are spelled out, as JSON spells them."""
    text = json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes(place, f"{text}\n".encode(errors="backslashreplace"))


def _write_images(folder: Path, images: Mapping[str, torch.Tensor]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = _image_places(folder, list(images))
    for path in paths:
        write_image(path, images[path.stem])
    return paths


def _image_places(folder: Path, names: Sequence[str]) -> list[Path]:
    return [folder / f"{name}{suffix}" for name in names for suffix in (".npy", ".png")]
