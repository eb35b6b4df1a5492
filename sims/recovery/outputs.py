"""Where a run's results go: the places are checked before the long work, and every file is written whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from untrained.sims.files import write_bytes
from untrained.sims.images.images import SUFFIXES, write_image


@dataclass(frozen=True)
class Outputs:
    """The files of a run: the image or the picture of all, the report and a folder for every image, where asked for."""

    picture: Path
    report: Path | None = None
    folder: Path | None = None


def checked_outputs(
    picture: Path,
    report: Path | None = None,
    folder: Path | None = None,
    *,
    kinds: Sequence[str] | None = None,
    read: Sequence[str | None] = (),
) -> Outputs:
    """Return the places, once it is sure that each can be written to and none is a file that is `read`.

    `kinds` are the suffixes of the picture, those of an image by default.

    Raises
    ------
    ValueError
        where a suffix is unknown, a place cannot be written to, or a file that is read would be lost.
    """
    made = Outputs(
        check_output("out", picture, kinds or SUFFIXES),
        None if report is None else check_output("json", report, (".json",)),
        None if folder is None else check_folder("folder", folder),
    )
    sources = {Path(source).resolve() for source in read if source is not None}
    for place in (made.picture, made.report):
        if place in sources:
            raise ValueError(f"the output must not replace what is read, got {place}")
    return made


def check_output(option: str, path: Path, suffixes: Sequence[str]) -> Path:
    """Return where a file will be written, links followed, once it is sure that it can be.

    Raises
    ------
    ValueError
        where the suffix is unknown, or no file can be put there.
    """
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{option} must end in {', '.join(suffixes)}, got {path}")
    place = path.resolve()
    plain = place.is_file() and os.access(place, os.W_OK) if place.exists() else place.parent.is_dir()
    if not plain or not os.access(place.parent, os.W_OK):
        raise ValueError(f"{option} must name a file in a folder that can be written to, got {path}")
    return place


def check_folder(option: str, path: Path) -> Path:
    """Return a folder to write into; one that is missing is made later, if its parent is there.

    Raises
    ------
    ValueError
        where it is no folder, or nothing can be written there.
    """
    place = path.resolve()
    held = place if place.exists() else place.parent
    if not held.is_dir() or not os.access(held, os.W_OK):
        raise ValueError(f"{option} must name a folder that can be written to, got {path}")
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
    if picture is None:
        (image,) = images.values()
        write_image(outputs.picture, image)
    else:
        write_bytes(outputs.picture, picture)
    return [*written, outputs.picture]


def write_json(place: Path, told: Mapping[str, Any]) -> None:
    """Write what was found as JSON."""
    text = json.dumps(told, indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes(place, f"{text}\n".encode())


def _write_images(folder: Path, images: Mapping[str, torch.Tensor]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}{suffix}" for name in images for suffix in (".npy", ".png")]
    for path in paths:
        write_image(path, images[path.stem])
    return paths
