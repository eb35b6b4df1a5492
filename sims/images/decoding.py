"""From the bytes of an image file to pixel codes: PNG, JPEG, TIFF and npy."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from untrained.sims.files import Refused, decoding, existing
from untrained.sims.images.resizing import PIXEL_LIMIT

_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_EXTRAS = ((), (tifffile.EXTRASAMPLE.ASSOCALPHA,), (tifffile.EXTRASAMPLE.UNASSALPHA,))
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class Codes:
    """Pixel codes (C, H, W) as the file has them, with the codes of black and of white."""

    pixels: np.ndarray
    black: float
    white: float

    def to_scale(self) -> np.ndarray:
        """Return the pixels on [-1, 1] in float64, each rounded once."""
        return (2.0 * self.pixels - (self.black + self.white)) / (self.white - self.black)


def decode(path: str | Path, signed: bool | None = None) -> Codes:
    """Return the pixel codes of an image file; the format is told by the content, not by the name.

    Raises
    ------
    ValueError
        where the file is not one whole image of at most PIXEL_LIMIT pixels in a supported format.
    """
    path = existing(path)
    with decoding(path):
        with path.open("rb") as file:
            head = file.read(32)
        if head.startswith(b"\x93NUMPY"):
            return _from_npy(path, signed)
        if head.startswith(_TIFF_STARTS) and (deep := _from_deep_tiff(path, signed)) is not None:
            return deep
        return _from_pillow(path, head)


def _from_pillow(path: Path, head: bytes) -> Codes:
    with _opened(path) as image:
        _check_shape(path, image.height, image.width)
        frames = getattr(image, "n_frames", 1)
        # A JPEG with several pictures holds the photograph first, then its previews.
        if frames > 1 and image.format != "MPO":
            raise Refused(f"path must name a single image, got {path} with {frames} frames or pages")
        if image.format == "PNG" and head[24] == 16:
            return _from_deep_png(path, image, colour=head[25])
        upright = ImageOps.exif_transpose(image)
        letters = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
        alpha = "A" if image.mode in _ALPHA_MODES or "transparency" in image.info else ""
        return _composite(np.asarray(upright.convert(letters + alpha)), len(letters))


def _opened(path: Path) -> ImageFile.ImageFile:
    try:
        return Image.open(path, formats=("PNG", "JPEG", "TIFF"))
    except UnidentifiedImageError as error:
        raise Refused(f"path must name a PNG, JPEG, TIFF or npy image, got {path}, which is none") from error
    except Image.DecompressionBombError as error:
        raise Refused(f"path must name an image of at most {PIXEL_LIMIT} pixels, got a larger {path}") from error


def _check_shape(path: Path, height: int, width: int) -> None:
    if height * width == 0:
        raise Refused(f"path must name an image with pixels, got {path} of {height} x {width}")
    if height * width > PIXEL_LIMIT:
        raise Refused(f"path must name an image of at most {PIXEL_LIMIT} pixels, got {path} of {height} x {width}")


def _from_deep_png(path: Path, image: Image.Image, colour: int) -> Codes:
    """Codes of 16 bits; of colours Pillow keeps only the high byte, so the low one is decoded in a second pass."""
    if colour == 4 or "transparency" in image.info:
        raise Refused(f"path must name a PNG of 16 bits with no other alpha than an RGBA channel, got {path}")
    if colour == 0:
        return _composite(np.asarray(image).astype(np.uint16)[..., None], 1)
    high = np.asarray(image).astype(np.uint16)
    with _opened(path) as again:
        again.tile = [tile._replace(args=str(tile.args).replace(";16B", ";16L")) for tile in again.tile]
        return _composite(256 * high + np.asarray(again), 3)


def _composite(codes: np.ndarray, colours: int) -> Codes:
    """Codes (H, W) or (H, W, C) to (C, H, W), a channel beyond the colours being an alpha over black."""
    planes = np.moveaxis(codes.reshape(*codes.shape[:2], -1), -1, 0)
    white = float(np.iinfo(codes.dtype).max)
    if len(planes) > colours:
        planes = planes[:colours] * (planes[colours] / white) if _translucent(planes, white) else planes[:colours]
    return Codes(planes, 0.0, white)


def _translucent(planes: np.ndarray, white: float) -> bool:
    return bool((planes[-1] < white).any())


def _from_deep_tiff(path: Path, signed: bool | None) -> Codes | None:
    """Codes of a TIFF of more than 8 bits a channel, of which Pillow would drop some; None where it has fewer."""
    with _unlogged("tifffile"), tifffile.TiffFile(path) as file:
        page = file.pages.first
        _check_shape(path, page.imagelength, page.imagewidth)
        if page.bitspersample <= 8:
            return None
        if len(file.pages) > 1:
            raise Refused(f"path must name a single image, got {path} with {len(file.pages)} frames or pages")
        _check_deep(path, page)
        codes = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else _interleaved(path, page)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            codes = np.iinfo(codes.dtype).max - codes
        # An associated alpha has been multiplied in, which is the composite on black.
        colours = page.samplesperpixel - len(page.extrasamples)
        if page.extrasamples == (tifffile.EXTRASAMPLE.ASSOCALPHA,):
            codes = codes[..., :colours]
        return _composite(codes, colours) if codes.dtype == np.uint16 else _floats(path, _planes(path, codes), signed)


@contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """Keep a library from telling of each damaged tag beside the one sentence of the refusal."""

    def none(_: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger(name)
    logger.addFilter(none)
    try:
        yield
    finally:
        logger.removeFilter(none)


def _interleaved(path: Path, page: tifffile.TiffPage) -> np.ndarray:
    if page.samplesperpixel > 1:
        return page.asarray()
    with _opened(path) as image:  # Pillow knows compressions for which tifffile needs another package.
        return np.asarray(image).astype(page.dtype)


def _check_deep(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse what would be read wrongly: 12 bits, signed integers, other colours than grey and RGB, turned pages."""
    deep = page.dtype == np.uint16 and page.bitspersample == 16
    light = page.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
    floats = page.dtype is not None and page.dtype.kind == "f" and light and not page.extrasamples
    if not (floats or (deep and (light or page.photometric == tifffile.PHOTOMETRIC.MINISWHITE))):
        raise Refused(
            f"path must name a TIFF of 1, 8 or 16 bits or of floats, in grey or RGB, got {path} "
            f"of {page.bitspersample} bits, {page.dtype} and {getattr(page.photometric, 'name', page.photometric)}"
        )
    if page.samplesperpixel - len(page.extrasamples) not in (1, 3) or page.extrasamples not in _EXTRAS:
        raise Refused(f"path must name an image of 1 or 3 channels and alpha, got {path} of {page.samplesperpixel}")
    turned = page.tags.get("Orientation")
    if turned is not None and turned.value != 1:
        raise Refused(f"path must name a TIFF of 16 bits that stands upright, got {path} turned ({turned.value})")


def _from_npy(path: Path, signed: bool | None) -> Codes:
    array = np.lib.format.open_memmap(path, mode="r")
    planes = _planes(path, array)
    _check_shape(path, *planes.shape[1:])
    if array.dtype.kind == "f":
        return _floats(path, np.array(planes, dtype=np.float64), signed)
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        raise Refused(f"path must name an npy of uint8, uint16 or floats, got {path} of {array.dtype}")
    return Codes(np.array(planes, dtype=array.dtype.newbyteorder("=")), 0.0, float(np.iinfo(array.dtype).max))


def _planes(path: Path, array: np.ndarray) -> np.ndarray:
    if array.ndim == 2:
        return array[None]
    if array.ndim == 3 and array.shape[0] in (1, 3):
        return array
    if array.ndim == 3 and array.shape[2] == 3:
        return np.moveaxis(array, 2, 0)
    shapes = "(H, W), (H, W, 3), (3, H, W) or (1, H, W)"
    raise Refused(f"path must name an image of shape {shapes}, got {path} of shape {array.shape}")


def _floats(path: Path, planes: np.ndarray, signed: bool | None) -> Codes:
    low, high = float(planes.min()), float(planes.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Refused(f"path must name an image of finite pixels, got {path} with NaN or infinity")
    black = -1.0 if (low < 0 if signed is None else signed) else 0.0
    if low < black or high > 1:
        scale = {True: "[-1, 1]", False: "[0, 1]", None: "[0, 1] or [-1, 1]"}[signed]
        raise Refused(f"path must name an image of floats on {scale}, got {path} with pixels from {low:g} to {high:g}")
    return Codes(planes, black, 1.0)
