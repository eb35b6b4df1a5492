"""Sets of images: MNIST, x-rays, retinas and faces from a folder of the user's, digits from scikit-learn."""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
from importlib import import_module
from pathlib import Path
from typing import IO

import numpy as np
import torch

from untrained.sims.files import Refused, decoding, existing
from untrained.sims.images.codes import Codes
from untrained.sims.images.images import EXAMPLES, example_image, to_image
from untrained.sims.images.resizing import Size, centre_crop, resize

VARIABLE = "UNTRAINED_DATA"
"""The environment variable that names the folder of data."""

DATASETS: tuple[str, ...] = ("mnist", "xray", "retina", "celeba")
"""Names of the sets that are read from the folder of data."""

PHOTOGRAPHS: tuple[str, ...] = (
    "astronaut",
    "cat",
    "coffee",
    "rocket",
    "hubble-deep-field",
    "immunohistochemistry",
    "retina",
)
"""Example images in colour that make up the sets `photographs-SIDE`."""

BYTE_LIMIT = 2**30
"""The most bytes that an idx file may unpack to."""

_FILES = {
    "mnist": ("t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"),
    "xray": ("chest_xray_256.npz",),
    "retina": ("retina_rgb_128.npz",),
    "celeba": ("celeba_crop_64.npz",),
}
_COLOURED = ("retina", "celeba")


def data_folder() -> Path:
    """Return the folder named by UNTRAINED_DATA, else `shared/data` beside the repository.

    Raises
    ------
    ValueError
        where it is not a folder.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        got = f"{VARIABLE}={named}" if named else f"{VARIABLE} unset and no {folder}"
        raise ValueError(f"{VARIABLE} must name the folder of data, got {got}")
    return folder


def photograph_side(name: str) -> int | None:
    """The side of the squares of a set `photographs-SIDE`, from 8 pixels on; None where the name is no such set's."""
    match = re.fullmatch(r"photographs-(\d{1,4})", name)
    return int(match[1]) if match and int(match[1]) >= 8 else None


def photographs(side: int) -> torch.Tensor:
    """Return the PHOTOGRAPHS whose sides are at least `side`, cropped to squares and shrunk, (N, 3, side, side).

    Raises
    ------
    ValueError
        where there is none.
    """
    whole = [example_image(name) for name in PHOTOGRAPHS if name in EXAMPLES]
    large = [pixels for pixels in whole if min(pixels.shape[1:]) >= side]
    if not large:
        raise ValueError(f"side must be at most that of a photograph that comes with scikit-image, got {side}")
    crops = [resize(centre_crop(pixels.double().numpy(), (side, side)), (side, side)) for pixels in large]
    return to_image(np.stack(crops))


def dataset(name: str) -> torch.Tensor:
    """Return all images (N, C, H, W) on [-1, 1] of a set in the folder of data, or of `photographs-SIDE`.

    "mnist" is the test set of MNIST, (10000, 1, 28, 28) in its idx file; "xray", "retina" and "celeba"
    are archives `chest_xray_256.npz`, `retina_rgb_128.npz` and `celeba_crop_64.npz` with the uint8 array `images`,
    (N, H, W) and, in colour, (N, H, W, 3).

    Raises
    ------
    ValueError
        where the name is not among DATASETS, or the folder or the file is absent or damaged.
    """
    if side := photograph_side(name):
        return photographs(side)
    if name not in DATASETS:
        raise ValueError(f"name must be one of {', '.join(DATASETS)}, got {name!r}")
    path = _file(name)
    images = read_idx(path) if name == "mnist" else _read_archive(path)
    if images.ndim != 3 + (name in _COLOURED) or images.size == 0 or (name in _COLOURED and images.shape[3] != 3):
        shape = "(N, H, W, 3)" if name in _COLOURED else "(N, H, W)"
        raise ValueError(f"{path.name} must hold images of shape {shape}, got {images.shape}")
    planes = np.moveaxis(images, 3, 1) if name in _COLOURED else images[:, None]
    return to_image(Codes(planes, 0.0, 255.0).to_scale())


def _file(name: str) -> Path:
    folder = data_folder()
    paths = [folder / file for file in _FILES[name] if (folder / file).is_file()]
    if not paths:
        raise ValueError(f"{name} must be in the folder that {VARIABLE} names, got no {_FILES[name][0]} in {folder}")
    return paths[0]


def _read_archive(path: Path) -> np.ndarray:
    with decoding(existing(path)), path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile) or "images" not in archive:
            raise Refused(f"path must name an npz with the array images, got {path}")
        images = np.asarray(archive["images"])
        if images.dtype != np.uint8:
            raise Refused(f"path must name an npz with images of uint8, got {path} of {images.dtype}")
        return images


def available(name: str) -> str | None:
    """Return None where `dataset(name)`, or `digits()` for "digits", can be loaded, else the reason why not.

    Raises
    ------
    ValueError
        where there is no set of that name, which is no reason to skip anything.
    """
    if name not in (*DATASETS, "digits") and not photograph_side(name):
        raise ValueError(f"name must be one of {', '.join(DATASETS)}, digits, got {name!r}")
    try:
        digits() if name == "digits" else dataset(name)
    except ValueError as error:
        return str(error)
    return None


def read_idx(path: str | Path) -> np.ndarray:
    """Return the uint8 array of an idx1 or idx3 file (labels (N,), images (N, H, W)), plain or packed by gzip.

    Raises
    ------
    ValueError
        where the file is absent, damaged, shorter or longer than its header says, or of another kind.
    """
    path = existing(path)
    with decoding(path), path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not packed:
            return _parse_idx(plain, path)
        with gzip.GzipFile(fileobj=plain) as file:
            return _parse_idx(file, path)


def _parse_idx(file: IO[bytes] | gzip.GzipFile, path: Path) -> np.ndarray:
    magic = file.read(4)
    if magic not in (b"\0\0\x08\x01", b"\0\0\x08\x03"):
        raise Refused(f"path must name an idx file of uint8 with 1 or 3 axes, got {path} with magic {magic.hex()}")
    axes = magic[3]
    header = file.read(4 * axes)
    if len(header) < 4 * axes:
        raise Refused(f"path must name a whole idx file, got {path} with a torn header")
    shape = struct.unpack(f">{axes}I", header)
    count = math.prod(shape)
    if count > BYTE_LIMIT:
        raise Refused(f"path must name an idx file of at most {BYTE_LIMIT} bytes, got {path} with {count}")
    content = file.read(count + 1)
    if len(content) != count:
        got = "more" if len(content) > count else len(content)
        raise Refused(f"path must name an idx file of the {count} bytes that its header says, got {path} with {got}")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def digits(size: Size | None = None) -> torch.Tensor:
    """Return the handwritten digits of scikit-learn, (1797, 1, 8, 8) on [-1, 1] in 17 shades.

    `size` (28, say) resamples them: linearly where they grow, by exact areas where they shrink.

    Raises
    ------
    ValueError
        where scikit-learn is not installed, or the size is not one.
    """
    try:
        load = import_module("sklearn.datasets").load_digits
    except ImportError as error:
        raise ValueError(f"digits must come from an installed scikit-learn, got {error}") from error
    pixels = Codes(load().images[:, None], 0.0, 16.0).to_scale()
    return to_image(pixels if size is None else resize(centre_crop(pixels, size), size))
