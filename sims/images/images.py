"""Images on [-1, 1] from files and to files, and examples that come with scikit-image."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np
import tifffile
import torch
from PIL import Image

from untrained.sims.files import FileWarning, write_bytes
from untrained.sims.images.codes import Codes
from untrained.sims.images.decoding import decode, npy_scale
from untrained.sims.images.resizing import Size, centre_crop, checked_size, resize

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""

SUFFIXES = (".png", ".tif", ".tiff", ".npy")
"""What `write_image` writes."""

_FILES = MappingProxyType(
    {
        "astronaut": "astronaut.png",
        "brick": "brick.png",
        "camera": "camera.png",
        "cat": "chelsea.png",
        "cell": "cell.png",
        "coffee": "coffee.png",
        "coins": "coins.png",
        "grass": "grass.png",
        "gravel": "gravel.png",
        "hubble-deep-field": "hubble_deep_field.jpg",
        "immunohistochemistry": "ihc.png",
        "microaneurysms": "microaneurysms.png",
        "moon": "moon.png",
        "page": "page.png",
        "retina": "retina.jpg",
        "rocket": "rocket.jpg",
        "shepp-logan": "phantom.png",
        "text": "text.png",
    }
)


def _example_folder() -> Path:
    spec = find_spec("skimage")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(*places, "data") if places and len(places) == 1 else Path("absent")


EXAMPLES: tuple[str, ...] = tuple(name for name, file in _FILES.items() if (_example_folder() / file).is_file())
"""Names of the example images, all inside the installed scikit-image."""


def read_image(
    path: str | Path, *, grey: bool = False, size: Size | None = None, signed: bool | None = None
) -> torch.Tensor:
    """Read a PNG, JPEG, TIFF, WebP, BMP, GIF or npy file as a float32 tensor (C, H, W), C = 1 or 3, on [-1, 1].

    Integers and bits span their type: code v of top code t becomes (2 v - t)/t. Floats (npy, TIFF) are taken to be on
    [-1, 1] where one is below -0.5, and on [0, 1] where none is negative; `signed` says which. An npy that
    `write_image` wrote says it itself, and keeps pixels beyond the scale. Alpha is composited on black. An npy is
    (H, W), (H, W, C) or (C, H, W), C = 1 or 3, asked in the order channels first, channels last. An image is turned
    upright by its orientation (EXIF, TIFF).

    A FileWarning is given of what the pixels leave open or out: codes of few bits in a type of many, transparency, a
    colour profile other than sRGB, a gamma, four inks, channels first or last.

    `grey` takes the luma of ITU-R BT.601; `size` (a side, or height and width) crops about the centre to the aspect
    ratio and resamples, by exact areas where the image shrinks and linearly where it grows.

    Raises
    ------
    ValueError
        where the file is absent, a folder, empty, damaged, of another format, of several pages or frames, of no pixels
        or of more than `resizing.PIXEL_LIMIT`, of other channels than grey, RGB and alpha, of other integers than those
        of 8 and 16 bits without sign, or has floats that are not finite, off the scale or of either; or the size is
        not one.
    """
    if size is not None:
        checked_size(size)
    codes = decode(path, signed)
    for note in codes.notes:
        warnings.warn(f"{path}: {note}", FileWarning, stacklevel=2)
    return _tensor(codes, grey, size)


def _tensor(codes: Codes, grey: bool, size: Size | None) -> torch.Tensor:
    cropped = codes.pixels if size is None else centre_crop(codes.pixels, size)
    pixels = replace(codes, pixels=cropped).to_scale()
    reach = max(1.0, -float(pixels.min()), float(pixels.max()))
    if grey and len(pixels) == 3:
        pixels = np.tensordot(LUMA, pixels, axes=1)[None]
    return to_image(pixels if size is None else resize(pixels, size), reach)


def to_image(pixels: np.ndarray, reach: float = 1.0) -> torch.Tensor:
    """Return float64 pixels (..., C, H, W) on [-reach, reach] as a float32 tensor; luma may leave it by rounding."""
    return torch.from_numpy(np.clip(pixels, -reach, reach).astype(np.float32, order="C"))


def example_image(name: str, *, grey: bool = False, size: Size | None = None) -> torch.Tensor:
    """Return an image that comes with scikit-image, (C, H, W) on [-1, 1]; nothing is fetched.

    Raises
    ------
    ValueError
        where the name is not among EXAMPLES, or the size is not one.
    """
    if size is not None:
        checked_size(size)
    return _tensor(_example_codes(name), grey or name == "shepp-logan", size)


def _example_codes(name: str) -> Codes:
    if name not in EXAMPLES:
        raise ValueError(f"name must be one of {', '.join(EXAMPLES)}, got {name!r}")
    return decode(_example_folder() / _FILES[name])


def load_image(source: str, *, grey: bool = False, size: Size | None = None) -> torch.Tensor:
    """Return the image of a path, or of `example:NAME`, as (C, H, W) on [-1, 1].

    Raises
    ------
    ValueError
        where it is no image.
    """
    name = _example_name(source)
    read = read_image if name is None else example_image
    return read(source if name is None else name, grey=grey, size=size)


def source_codes(source: str) -> Codes:
    """Return the pixel codes of what `load_image` takes: its sides, and what is opaque, as the file has them.

    Raises
    ------
    ValueError
        where it is no image.
    """
    name = _example_name(source)
    return decode(source) if name is None else _example_codes(name)


def _example_name(source: str) -> str | None:
    return source.removeprefix("example:") if source.startswith("example:") else None


def image(name_or_path: str | Path, size: Size | None = None, grey: bool = False) -> torch.Tensor:
    """Return an example image by its name ("camera"), or the image of a file, as float32 (C, H, W) on [-1, 1].

    `size` (a side, or height and width) crops about the centre and resamples; `grey` takes the luma.

    Raises
    ------
    ValueError
        where there is no such image, or the size is not one.
    """
    if str(name_or_path) in EXAMPLES:
        return example_image(str(name_or_path), grey=grey, size=size)
    return load_image(str(name_or_path), grey=grey, size=size)


def write_image(path: str | Path, image: torch.Tensor) -> None:
    """Write an image (C, H, W) on [-1, 1] by the suffix of the path.

    PNG has 8 bits and TIFF 16 bits a channel, clipped to [-1, 1] and rounded; npy keeps the float32 pixels as they are,
    clipping nothing, and has their scale, [-1, 1], as a second array behind them. What was read from 8 bits is written
    and read again exactly, and so is every npy.

    Raises
    ------
    ValueError
        where the suffix is not among SUFFIXES, the image is not a finite float tensor (1, H, W) or (3, H, W) with
        pixels, or the folder does not exist.
    OSError
        where the folder cannot be written to.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"path must end in one of {', '.join(SUFFIXES)}, got {str(path)!r}")
    write_bytes(path, image_bytes(image, suffix))


def image_bytes(image: torch.Tensor, suffix: str) -> bytes:
    """Return the file of an image (C, H, W) on [-1, 1], by its suffix, as `write_image` writes it.

    Raises
    ------
    ValueError
        where the image is not a finite float tensor (1, H, W) or (3, H, W) with pixels.
    """
    return _encoded(_checked(image), suffix)


def _checked(image: torch.Tensor) -> np.ndarray:
    if not isinstance(image, torch.Tensor) or not image.is_floating_point():
        raise ValueError(f"image must be a tensor of floats, got {getattr(image, 'dtype', type(image).__name__)}")
    if image.ndim != 3 or image.shape[0] not in (1, 3) or not image.numel():
        raise ValueError(f"image must have the shape (1, H, W) or (3, H, W), got {tuple(image.shape)}")
    if not bool(image.isfinite().all()):
        raise ValueError("image must have finite pixels, got NaN or infinity")
    return image.detach().cpu().to(torch.float32).numpy()


def _encoded(image: np.ndarray, suffix: str) -> bytes:
    buffer = io.BytesIO()
    if suffix == ".npy":
        np.save(buffer, image, allow_pickle=False)
        return buffer.getvalue() + npy_scale()
    top = np.iinfo(np.uint8 if suffix == ".png" else np.uint16).max
    codes = np.rint((np.clip(image.astype(np.float64), -1, 1) + 1) * (top / 2))
    layers = codes[0] if len(codes) == 1 else np.moveaxis(codes, 0, -1)
    if suffix == ".png":
        Image.fromarray(np.ascontiguousarray(layers, dtype=np.uint8)).save(buffer, "PNG")
    else:
        kind = "rgb" if layers.ndim == 3 else "minisblack"
        tifffile.imwrite(buffer, layers.astype(np.uint16), photometric=kind)
    return buffer.getvalue()
