"""From a TIFF to pixel codes: 8 and 16 bits and floats with every digit, other kinds as Pillow knows them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageFile, UnidentifiedImageError
from tifffile import EXTRASAMPLE, PHOTOMETRIC

from untrained.sims.files import Refused
from untrained.sims.images.codes import Codes, check_sides, float_codes, integer_codes, upright
from untrained.sims.images.colours import profile_notes

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_LIGHT = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.RGB)
_ALPHAS = (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)


def tiff_codes(path: Path, signed: bool | None) -> Codes | None:
    """Return the codes of a TIFF, or None where Pillow reads it rightly and tifffile does not.

    Raises
    ------
    ValueError
        where it is of several pages, or of another kind than those.
    """
    with _unlogged("tifffile"), tifffile.TiffFile(path) as file:
        page = _page(path, file)
        check_sides(path, page.imagelength, page.imagewidth)
        if 0 in (*page.dataoffsets, *page.databytecounts):
            raise Refused(f"path must name an image with all its pixels, got {path}, a sparse TIFF without some")
        if _is_for_pillow(page):
            return None
        _check_kind(path, page)
        colours = _check_channels(path, page)
        samples, profile = _samples(path, page), page.tags.get("InterColorProfile")
        if samples.dtype.kind == "f":
            codes = float_codes(path, np.moveaxis(samples, -1, 0), signed)
        else:
            codes = _integers(page, samples, colours)
        return replace(codes, notes=codes.notes + profile_notes(b"" if profile is None else bytes(profile.value)))


def _integers(page: Any, samples: np.ndarray, colours: int) -> Codes:
    white = float(np.iinfo(samples.dtype).max)
    lights, rest = samples[..., :colours], samples[..., colours:]
    told = page.tags.get("PhotometricInterpretation") is not None
    # Three colours of a file that says nothing are red, green and blue, as libtiff takes them.
    if page.photometric == PHOTOMETRIC.MINISWHITE and (told or colours == 1):
        lights = int(white) - lights
    multiplied = EXTRASAMPLE.ASSOCALPHA in page.extrasamples
    return integer_codes(lights, white, alpha=rest[..., 0] if rest.size else None, multiplied=multiplied)


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """Keep libtiff, which writes to the second file descriptor itself, from telling its own of a damaged file."""
    if sys.stderr is None:  # Python began without one
        yield
        return
    sys.stderr.flush()
    place, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(place, 2)
        os.close(place)
        os.close(nothing)


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


def _page(path: Path, file: tifffile.TiffFile) -> Any:
    """The only page, beside which there may be smaller versions of it."""
    page: Any = file.pages.first
    if page.is_reduced:
        raise Refused(f"path must name a developed image, got {path}, a TIFF (or a camera's raw file) that begins "
                      "with a preview: save the image as PNG or TIFF")  # fmt: skip
    others: Any = file.pages[1:] if len(file.pages) > 1 else ()
    count = max(1 + sum(not other.is_reduced for other in others), page.imagedepth, _stack(file, page))
    if count > 1:
        raise Refused(f"path must name a single image, got {path} with {count} frames or pages: save one of them")
    return page


def _stack(file: tifffile.TiffFile, page: Any) -> int:
    """How many images one directory stands for, as ImageJ writes long stacks."""
    if not (file.is_imagej or file.is_shaped):
        return 1
    return max(1, int(np.prod(file.series[0].shape)) // int(np.prod(page.shape)))


def _is_for_pillow(page: Any) -> bool:
    """Whether Pillow reads it rightly: palettes, inks, YCbCr, and bits that fill no bytes."""
    if page.sampleformat != tifffile.SAMPLEFORMAT.UINT:
        return False
    if page.photometric in _LIGHT[:2] and page.samplesperpixel == 1 and page.bitspersample in (1, 2, 4):
        return True
    if page.photometric == PHOTOMETRIC.MINISBLACK and page.samplesperpixel == 1 and page.bitspersample == 12:
        return True
    if page.photometric == PHOTOMETRIC.PALETTE:
        # Some programs write colours of 8 bits into the table of 16, which Pillow takes for black.
        return bool(page.bitspersample <= 8 and page.colormap is not None and page.colormap.max() > 255)
    if page.photometric == PHOTOMETRIC.YCBCR:
        shares = page.tags.get("YCbCrSubSampling")
        whole = shares is not None and tuple(shares.value) == (1, 1)
        apart = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
        return page.bitspersample == 8 and not apart and (whole or page.compression != tifffile.COMPRESSION.NONE)
    inks = page.tags.get("InkSet")
    return page.photometric == PHOTOMETRIC.SEPARATED and page.bitspersample == 8 and (inks is None or inks.value == 1)


def _check_kind(path: Path, page: Any) -> None:
    kind = None if page.dtype is None else page.dtype.kind
    whole = kind == "u" and page.bitspersample in (8, 16) and page.photometric in _LIGHT
    floats = kind == "f" and page.photometric in _LIGHT and page.photometric != PHOTOMETRIC.MINISWHITE
    if not whole and not floats:
        kind, colours = (getattr(tag, "name", tag) for tag in (page.dtype, page.photometric))
        raise Refused(
            "path must name a TIFF of unsigned integers of 8 or 16 bits or of floats, in grey or RGB, got "
            f"{path} of {page.bitspersample} bits, {kind}, {colours}: save it as one of these"
        )


def _check_channels(path: Path, page: Any) -> int:
    """How many channels are colours: one or three, and beside them an alpha at most."""
    samples, extras = page.samplesperpixel, tuple(page.extrasamples)
    if page.photometric == PHOTOMETRIC.MINISBLACK and samples == 3 and not set(extras) & set(_ALPHAS):
        extras = ()
    colours = int(samples - len(extras))
    if colours not in (1, 3) or extras not in ((), *((alpha,) for alpha in _ALPHAS)):
        raise Refused(
            f"path must name an image of 1 or 3 channels, and alpha where the file says that it is one, "
            f"got {path} of {samples} channels: save the 1 or 3 that are meant"
        )
    if extras and page.dtype.kind == "f":
        raise Refused(f"path must name a TIFF of floats without alpha, got {path} with it: lay it on a background")
    return colours


def _samples(path: Path, page: Any) -> np.ndarray:
    """The samples (H, W, S), upright, by tifffile, or by Pillow where tifffile has no decompressor."""
    turned = page.tags.get("Orientation")
    if page.compression == tifffile.COMPRESSION.PACKBITS:
        page.predictor = tifffile.PREDICTOR.NONE  # whatever its tag says: PackBits knows none
    try:
        array = page.asarray()
        if page.axes == "SYX":
            array = np.moveaxis(array, 0, -1)
        array = upright(array, 1 if turned is None else turned.value)
    except Exception as error:
        if not isinstance(error, ImportError) and "imagecodecs" not in str(error):
            raise
        array = _pillow_samples(path, page)
        if array is None:
            raise _missing(path, page) from error
    array = array.reshape(*array.shape[:2], page.samplesperpixel)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _missing(path: Path, page: Any) -> Refused:
    how = getattr(page.compression, "name", page.compression)
    return Refused(
        f"path must name a TIFF that can be decoded here, got {path} of {page.dtype} in {how}: "
        "install imagecodecs (pip install 'untrained[tiff]'), or save it as PNG or npy"
    )


def _pillow_samples(path: Path, page: Any) -> np.ndarray | None:
    """What Pillow decompresses, upright, with all bits; None where it would lose some."""
    try:
        with path.open("rb") as file, Image.open(file, formats=("TIFF",)) as image:
            bands = 1 if image.mode.startswith("I;16") else len(image.getbands())
            if bands != page.samplesperpixel or image.mode in ("P", "YCbCr", "CMYK"):
                return None
            apart = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
            if apart and (bands == 2 or EXTRASAMPLE.ASSOCALPHA in page.extrasamples):
                return None
            if page.bitspersample == 16 and bands > 1:
                return None if apart else _two_bytes(path, image)
            _set_raw(image, {"L;I": "L", "RGBa": "RGBA", "F;32BF": "F;32NF"})  # libtiff has turned the bytes
            array = np.asarray(image)
    except UnidentifiedImageError:
        return None
    return array if array.dtype.itemsize == page.dtype.itemsize else None


def _two_bytes(path: Path, image: ImageFile.ImageFile) -> np.ndarray | None:
    """Sixteen bits in colour: Pillow takes the high bytes, and the low ones where told that the order is the other."""
    low = ";16B" if sys.byteorder == "little" else ";16L"
    _set_raw(image, {"RGBa;16N": "RGBA;16N"})
    with path.open("rb") as file, Image.open(file, formats=("TIFF",)) as again:
        _set_raw(again, {f"{mode};16N": mode.upper() + low for mode in ("RGB", "RGBA", "RGBa")})
        if not all(isinstance(tile.args, tuple) and str(tile.args[0]).endswith(low) for tile in again.tile):
            return None
        return np.asarray(image) * np.uint16(256) + np.asarray(again)


def _set_raw(image: ImageFile.ImageFile, names: Mapping[str, str]) -> None:
    """Have the bytes of an image taken in another raw mode of Pillow."""
    for i, tile in enumerate(image.tile):
        mode, *others = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        image.tile[i] = tile._replace(args=(names.get(str(mode), mode), *others))
