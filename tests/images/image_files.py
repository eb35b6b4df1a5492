"""Image files made from the formats' specifications, where no library writes them."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

EMPTY = object()


def pillow(array, kind, mode=None, **options):
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    buffer = io.BytesIO()
    (image if mode is None else image.convert(mode)).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(codes, depth, colour, chunks=b"", interlaced=False, short=0):
    """A PNG of codes (H, W, C) of any depth and colour type; `chunks` stand before the pixels.

    `short` bytes are missing at the end of its rows, though their stream is whole.
    """
    high, wide, _ = codes.shape
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = adam7 if interlaced else [(0, 0, 1, 1)]
    parts = [codes[top::down, left::right] for top, left, down, right in passes]
    rows = b"".join(b"\0" + packed(row.ravel(), depth) for part in parts if part.size for row in part)
    rows = rows[: len(rows) - short]
    header = struct.pack(">IIBBBBB", wide, high, depth, colour, 0, 0, interlaced)
    body = chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


PRIMARIES = {
    "sRGB": [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)],
    "P3": [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)],
}
"""Of red, green and blue, XYZ of the connection space, which has the white D50."""


def icc(name, primaries="sRGB", gamma=None, space=b"RGB "):
    """A profile of the ICC (version 2) of a screen; its curve is that of sRGB where no gamma is said."""
    light = np.linspace(0, 1, 1024)
    curve = (
        np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4) if gamma is None else light**gamma
    )
    curve = b"curv" + struct.pack(">II", 0, 1024) + np.rint(65535 * curve).astype(">u2").tobytes()
    text = b"desc" + struct.pack(">II", 0, len(name) + 1) + name + bytes(80)

    def xyz(numbers):
        return b"XYZ " + struct.pack(">I3i", 0, *(round(65536 * number) for number in numbers))

    tags = {b"desc": text, b"cprt": b"text" + bytes(5), b"wtpt": xyz((0.9642, 1, 0.8249))}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, numbers in zip(b"rgb", PRIMARIES[primaries], strict=True):
            tags[bytes([letter]) + b"XYZ"], tags[bytes([letter]) + b"TRC"] = xyz(numbers), curve
    table, content = b"", b""
    for tag, value in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    body = struct.pack(">I", len(tags)) + table + content
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02100000, b"mntr", space, b"XYZ ") + bytes(12)
    head += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + body


def packed(codes, depth):
    """Codes of `depth` bits each, high bits first, filled up to whole bytes."""
    bits = (codes[:, None].astype(np.int64) >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def exif(orientation):
    """The block of tags with one in it, as EXIF has it."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def raw_tiff(shape, strip, **tags):
    """A little-endian TIFF of one strip, its tags written as they are: numbers are SHORT; None leaves one out."""
    high, wide, samples = shape
    values = {
        "ImageWidth": wide, "ImageLength": high, "BitsPerSample": [8] * samples, "Compression": 1,
        "PhotometricInterpretation": 2 if samples == 3 else 1, "StripOffsets": EMPTY, "SamplesPerPixel": samples,
        "RowsPerStrip": high, "StripByteCounts": len(strip),
    } | tags  # fmt: skip
    entries = sorted((tifffile.TIFF.TAGS[name], value) for name, value in values.items() if value is not None)
    content = bytearray(b"II*\0" + struct.pack("<IH", 8, len(entries)))
    after = 8 + 2 + 12 * len(entries) + 4
    tail = b""
    place = after + sum(2 * len(v) for _, v in entries if isinstance(v, list) and len(v) > 2)
    for code, value in entries:
        numbers = value if isinstance(value, list) else [place if value is EMPTY else value]
        short = struct.pack(f"<{len(numbers)}H", *numbers)
        if len(short) > 4:
            content += struct.pack("<HHII", code, 3, len(numbers), after + len(tail))
            tail += short
        else:
            content += struct.pack("<HHI", code, 3, len(numbers)) + short.ljust(4, b"\0")
    return bytes(content + b"\0" * 4 + tail + strip)


def planar_tiff(shape, planes, **tags):
    """A TIFF of one strip a channel; the strips stand well behind the tags."""
    ends = np.cumsum([400, *map(len, planes)]).tolist()
    counts = [len(plane) for plane in planes]
    content = raw_tiff(shape, b"", PlanarConfiguration=2, StripOffsets=ends[:-1], StripByteCounts=counts, **tags)
    return content.ljust(400, b"\0") + b"".join(planes)


def big_endian(content):
    """A file of `raw_tiff` with its tags turned over; the strip stays, and must be of samples that are."""
    count, tail = struct.unpack("<H", content[8:10])[0], 0
    turned_over = bytearray(b"MM\0*" + struct.pack(">IH", 8, count))
    for i in range(count):
        code, kind, number, value = struct.unpack("<HHII", content[10 + 12 * i : 22 + 12 * i])
        short = struct.pack(">HH", value & 0xFFFF, value >> 16)
        turned_over += struct.pack(">HHI", code, kind, number) + (short if number < 3 else struct.pack(">I", value))
        tail += 2 * number if number > 2 else 0
    after = 10 + 12 * count + 4
    numbers = struct.unpack(f"<{tail // 2}H", content[after : after + tail])
    return bytes(turned_over) + bytes(4) + struct.pack(f">{tail // 2}H", *numbers) + content[after + tail :]


def lzw(data):
    """LZW of TIFF that learns nothing: literals of nine bits, the table cleared before it grows."""
    codes = []
    for start in range(0, len(data), 200):
        codes += [256, *data[start : start + 200]]
    return packed(np.array([*codes, 257]), 9)


def zstandard(data):
    """A frame of Zstandard with its content as one raw block (RFC 8878), up to 255 bytes."""
    return b"\x28\xb5\x2f\xfd" + bytes([0x20, len(data)]) + (len(data) << 3 | 1).to_bytes(3, "little") + data


def packbits(data):
    return b"".join(bytes([len(data[i : i + 128]) - 1]) + data[i : i + 128] for i in range(0, len(data), 128))


def turned(upright, orientation):
    """How pixels (H, W, ...) lie in a file of that orientation, one by one: the sides of its first row and column."""
    high, wide = upright.shape[:2]
    across = orientation >= 5
    stored = np.zeros((wide, high) if across else (high, wide), dtype=object)
    for i in np.ndindex(*stored.shape):
        y, x = (i[1], i[0]) if across else i
        row = high - 1 - y if orientation in (3, 4, 7, 8) else y
        column = wide - 1 - x if orientation in (2, 3, 6, 7) else x
        stored[i] = (row, column)
    return np.array([[upright[place] for place in line] for line in stored])
