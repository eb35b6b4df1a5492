"""From the bytes of an image file to pixel codes: PNG, JPEG, TIFF, WebP, BMP, GIF and npy."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from untrained.sims.files import Refused, decoding, existing
from untrained.sims.images.codes import Codes, check_sides, float_codes, integer_codes
from untrained.sims.images.colours import colour_notes
from untrained.sims.images.png import check_rows, transparent_colour
from untrained.sims.images.resizing import PIXEL_LIMIT
from untrained.sims.images.tiff import TIFF_STARTS, quiet_libtiff, tiff_codes

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
"""What Pillow is asked to read; an npy is read beside them."""

SCALE = np.array([-1, 1], np.float32)
"""What `write_image` puts behind the pixels of an npy: a second array, which says that they are on [-1, 1]."""

_NPY = b"\x93NUMPY"
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", *TIFF_STARTS, b"BM", b"GIF8")
_OTHERS = {
    b"PK\x03\x04": "an archive (npz or zip)",
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a pickle"),
    **dict.fromkeys((b"P1\n", b"P2\n", b"P3\n", b"P4\n", b"P5\n", b"P6\n", b"Pf\n", b"PF\n"), "a PNM image"),
    **dict.fromkeys((b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51"), "a JPEG 2000 image"),
    b"%PDF-": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"SIMPLE  =": "a FITS image",
    b"MATLAB ": "a MATLAB file",
}
"""What else people hand over for an image, by its first bytes."""
_SIMPLE = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "I;16")


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
            head = file.read(132)
        if head.startswith(_NPY):
            return _from_npy(path, signed)
        if not head.startswith(TIFF_STARTS):
            return _from_pillow(path, head)
        with quiet_libtiff():
            codes = tiff_codes(path, signed)
            return _from_pillow(path, head) if codes is None else codes


def _from_pillow(path: Path, head: bytes) -> Codes:
    with path.open("rb") as file, _opened(file, path, head) as image:
        _check_opened(path, image)
        if image.format == "PNG":
            codes = _from_png(path, image, head)
            check_rows(path, head)
        elif image.mode == "I;16":
            codes = integer_codes(np.asarray(image), 4095.0)
        else:
            codes = _simple(image)
        notes = codes.notes + colour_notes(path, image)
        if image.format == "TIFF":  # which Pillow has turned itself
            return replace(codes, notes=notes)
        orientation, more = _orientation(image)
        return replace(codes.turned(orientation), notes=notes + more)


def _check_opened(path: Path, image: ImageFile.ImageFile) -> None:
    check_sides(path, image.height, image.width)
    frames = getattr(image, "n_frames", 1)
    # A JPEG with several pictures holds the photograph first, then its previews.
    if frames > 1 and image.format not in ("MPO", "TIFF"):
        raise Refused(f"path must name a single image, got {path} with {frames} frames or pages: save one of them")
    if image.format != "PNG" and image.mode not in _SIMPLE:
        raise Refused(f"path must name an image in grey or RGB, got {path} of mode {image.mode}: save it as one")
    # Without Adobe's marker some programs take the inks as they stand, and some as Adobe writes them.
    if image.mode == "CMYK" and image.format != "TIFF" and "adobe" not in image.info:
        raise Refused(
            f"path must name a JPEG in grey or RGB, or of inks with Adobe's marker, got {path}, whose inks may stand "
            "as they are or as 255 minus them: save it as RGB"
        )


def _orientation(image: ImageFile.ImageFile) -> tuple[int, tuple[str, ...]]:
    try:
        return image.getexif().get(274, 1), ()
    except Exception:  # of damaged tags beside whole pixels Pillow raises anything
        return 1, ("its EXIF data are damaged, so that it is taken to stand upright",)


def _opened(file: BinaryIO, path: Path, head: bytes) -> ImageFile.ImageFile:
    """The image of an open file: of a path Pillow maps what is not compressed, with the sides that it has upright."""
    kinds = "a PNG, JPEG, TIFF, WebP, BMP, GIF or npy image"
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        if head.startswith(_STARTS) or head[8:12] == b"WEBP":
            why = "which begins as one but cannot be read: it is damaged or of a kind that Pillow does not know"
        else:
            why = _other(head)
        raise Refused(f"path must name {kinds}, got {path}, {why}") from error
    except Image.DecompressionBombError as error:
        raise Refused(f"path must name an image of at most {PIXEL_LIMIT} pixels, got a larger {path}") from error


def _other(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file: save the picture as PNG"
    if head[128:] == b"DICM":
        return "a DICOM file: save the picture as PNG or npy"
    other = next((name for start, name in _OTHERS.items() if head.startswith(start)), None)
    return "which is none" if other is None else f"{other}: save the picture as PNG or npy"


def _simple(image: ImageFile.ImageFile) -> Codes:
    """Codes of at most 8 bits a channel."""
    letters = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    clear = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    array = np.asarray(image.convert(letters + "A" if clear else letters))
    if not clear:
        return integer_codes(array, 255.0)
    return integer_codes(array[..., :-1], 255.0, alpha=array[..., -1])


def _from_png(path: Path, image: ImageFile.ImageFile, head: bytes) -> Codes:
    """Codes of any depth; a grey or colour of the file that stands for transparency is compared with all its bits."""
    depth, colour = head[24], head[25]
    keyed = colour in (0, 2) and image.info.pop("transparency", None) is not None
    key = transparent_colour(path, head) if keyed else None
    if depth < 16:
        codes = _simple(image)
        if key is None:
            return codes
        array, white = np.moveaxis(codes.pixels, 0, -1), 255
        key = key * (255 // (2**depth - 1))
    else:
        array, white = _deep_png(path, image, head), 65535
        if colour in (4, 6):
            return integer_codes(array[..., :-1], float(white), alpha=array[..., -1])
    alpha = None if key is None else np.where((array == key).all(-1), 0, white)
    return integer_codes(array, float(white), alpha=alpha)


def _deep_png(path: Path, image: ImageFile.ImageFile, head: bytes) -> np.ndarray:
    """Codes (H, W, C) of 16 bits; of colours Pillow keeps the high byte, so the low one is decoded in a second pass."""
    if head[25] == 0:
        return np.asarray(image).astype(np.uint16)[..., None]
    if head[25] == 4:  # four bytes a pixel, as RGBA of 8 bits has them
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]
        pairs = np.asarray(image).astype(np.uint16)
        return 256 * pairs[..., ::2] + pairs[..., 1::2]
    high = np.asarray(image).astype(np.uint16)
    with path.open("rb") as file, _opened(file, path, head) as again:
        again.tile = [tile._replace(args=str(tile.args).replace(";16B", ";16L")) for tile in again.tile]
        return 256 * high + np.asarray(again)


def _from_npy(path: Path, signed: bool | None) -> Codes:
    with path.open("rb") as file:
        major, _ = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.kind not in "bf" and not (dtype.kind == "u" and dtype.itemsize <= 2):
        raise Refused(f"path must name an npy of bool, uint8, uint16 or floats, got {path} of {dtype}: save it as one")
    if 0 in shape:
        raise Refused(f"path must name an image with pixels, got {path} of shape {shape}")
    array = np.lib.format.open_memmap(path, mode="r")
    planes, notes = _planes(path, array)
    check_sides(path, *planes.shape[1:])
    with path.open("rb") as file:
        file.seek(array.offset + array.nbytes)
        own = _is_signed(path, file)
    if dtype.kind == "f":
        codes = float_codes(path, planes, own if signed is None else signed, own=bool(own and signed is not False))
    else:
        codes = integer_codes(
            np.moveaxis(np.array(planes, dtype.newbyteorder("=")), 0, -1),
            1.0 if dtype.kind == "b" else float(np.iinfo(dtype).max),
        )
    return replace(codes, notes=codes.notes + notes)


def plain_array(path: str | Path) -> np.ndarray | None:
    """Return the array of an npy as it stands; None where the file is a picture, as an npy that says its scale is.

    Raises
    ------
    ValueError
        where there is no such file, or it is an npy of something else than one whole array.
    """
    path = existing(path)
    with decoding(path), path.open("rb") as file:
        if not file.read(len(_NPY)).startswith(_NPY):
            return None
        file.seek(0)
        array = np.lib.format.read_array(file, allow_pickle=False)
        return None if _is_signed(path, file) else array


def _is_signed(path: Path, file: BinaryIO) -> bool | None:
    """Whether what stands behind its array says that an npy is on [-1, 1], as `write_image` does; None where not."""
    rest = file.read(1 << 10)
    if not rest:
        return None
    if rest == npy_scale():
        return True
    raise Refused(f"path must name an npy of one array, got {path} with more behind it")


def npy_scale() -> bytes:
    """Return SCALE as an npy."""
    buffer = io.BytesIO()
    np.save(buffer, SCALE)
    return buffer.getvalue()


def _planes(path: Path, array: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The array as (C, H, W), and a note where it might as well be (H, W, C)."""
    if array.ndim == 2:
        return array[None], ()
    first, last = (array.ndim == 3 and array.shape[axis] in (1, 3) for axis in (0, -1))
    if first:
        unsure = last and array.shape != (1, 1, 1)
        return array, (f"its shape {array.shape} is taken as (C, H, W), not as (H, W, C)",) if unsure else ()
    if last:
        return np.moveaxis(array, 2, 0), ()
    shapes = "(H, W), or (H, W, C) or (C, H, W) with C = 1 or 3"
    raise Refused(f"path must name an image of shape {shapes}, got {path} of shape {array.shape}")
