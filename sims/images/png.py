"""A PNG chunk by chunk: whether it has all its rows, and what it says of its colours."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from untrained.sims.files import Refused

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row and column, and the steps from one to the next, of the passes of an interlaced image (Adam7)."""
_PIECE = 1 << 14
"""Bytes that are inflated at once, to a thousand times as many at most."""


def png_chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk, in order."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            yield name, file.read(length)
            file.seek(4, 1)


def check_rows(path: Path, head: bytes) -> None:
    """Refuse a PNG whose rows end before the image does, which Pillow fills with black.

    Raises
    ------
    ValueError
        where it is one.
    """
    wanted, count, stream = _inflated_size(head), 0, zlib.decompressobj()
    for content in (content for name, content in png_chunks(path) if name == b"IDAT"):
        for start in range(0, len(content), _PIECE):
            if count < wanted:
                count += len(stream.decompress(content[start : start + _PIECE]))
    if count < wanted:
        raise Refused(f"path must name an image with all its pixels, got {path} with {count} of {wanted} bytes of rows")


def _inflated_size(head: bytes) -> int:
    """Bytes of all rows, each with the byte that says its filter."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head[16:29])
    bits = depth * _CHANNELS[colour]
    sides = [
        (max(0, -(-(height - top) // down)), max(0, -(-(width - left) // right)))
        for top, left, down, right in (_PASSES if interlaced else ((0, 0, 1, 1),))
    ]
    return sum(rows * (1 + -(-columns * bits // 8)) for rows, columns in sides if columns)


def coding_points(path: Path) -> tuple[int, int] | None:
    """The numbers of primaries and of transfer function (ITU-T H.273) that a PNG says; None where it says none."""
    content = _chunk(path, b"cICP")
    return (content[0], content[1]) if len(content) == 4 else None


def transparent_colour(path: Path, head: bytes) -> np.ndarray:
    """The grey (1,), or red, green and blue (3,), that stands for transparency; bits beyond the depth do not count.

    Source: PNG, third edition, section 11.3.1.1.
    """
    content = _chunk(path, b"tRNS")[: 2 * _CHANNELS[head[25]]]
    return np.frombuffer(content, ">u2").astype(np.uint16) & (2 ** head[24] - 1)


def _chunk(path: Path, wanted: bytes) -> bytes:
    """The content of the first chunk of a name; nothing where there is none."""
    return next((content for name, content in png_chunks(path) if name == wanted), b"")
