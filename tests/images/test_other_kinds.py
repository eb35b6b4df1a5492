"""Image files that are not read: the sentence says what came, and what to do."""

import io
import pickle
import re

import numpy as np
import pytest
from PIL import Image

from tests.images.image_files import npy, pillow, planar_tiff, png, raw_tiff, tiff
from untrained.sims.images.images import read_image
from untrained.sims.random.streams import stream

rng = stream(0, "images refused")
H, W = 5, 7
U8 = rng.integers(0, 256, (H, W, 4)).astype(np.uint8)
RGB, GREY, MORE = U8[..., :3], U8[..., 0], np.dstack([U8, U8])
UNIT = rng.uniform(0, 1, (H, W)).astype(np.float32)
SCALES = re.escape("floats on [0, 1] or [-1, 1], got")
EITHER = re.escape("floats on [0, 1], or on [-1, 1] with some below -0.5, got") + ".* may be either: clip it to"
SHAPES = re.escape("shape (H, W), or (H, W, C) or (C, H, W) with C = 1 or 3, got")


def numbers():
    for kind in ("int8", "int16", "int32", "int64", "uint32", "uint64", "complex64"):
        array = GREY.astype(kind)
        yield f"npy {kind}", npy(array), f"npy of bool, uint8, uint16 or floats, got .* of {kind}: save it as one"
        content = tiff(array, photometric="minisblack")
        yield f"tiff {kind}", content, f"unsigned integers .* bits, {kind}, MINISBLACK: save it as one of these"
    records = np.zeros((4, 4), dtype=[("r", "u1"), ("g", "u1")])
    others = {"objects": np.array([[{}]]), "words": np.array([["a"]]), "records": records,
              "dates": np.zeros((4, 4), "M8[s]")}  # fmt: skip
    for name, array in others.items():
        yield f"npy {name}", npy(array, allow_pickle=True), "npy of bool, uint8, uint16 or floats, got"


def shapes():
    for shape in ((), (5,), (2, 5, 7), (5, 7, 4), (4, 5, 7), (5, 7, 5), (1, 3, 5, 7)):
        yield f"npy {shape}", npy(np.zeros(shape, np.uint8)), f"{SHAPES} .* of shape {re.escape(str(shape))}"
    yield "npy of no height", npy(np.zeros((0, 5))), re.escape("with pixels, got") + ".* of shape"
    yield "npy two arrays", npy(GREY) + npy(GREY), "npy of one array, got .* with more behind it"
    yield "npy and a letter", npy(GREY) + b"x", "npy of one array, got .* with more behind it"
    for count in (2, 4, 5):
        for kind in ("uint8", "uint16", "float32"):
            content = tiff(MORE[..., :count].astype(kind), photometric="minisblack", planarconfig="contig")
            yield f"tiff {count} channels {kind}", content, f"1 or 3 channels, .* got .* of {count} channels"
    for bits in (8, 16):
        array = U8.astype(f"u{bits // 8}")
        content = tiff(array, photometric="rgb", extrasamples=["unspecified"])
        yield f"tiff {bits} nameless band", content, "alpha where the file says that it is one, got .* of 4 channels"
        content = raw_tiff((H, W, 4), array.tobytes(), PhotometricInterpretation=2, BitsPerSample=[bits] * 4)
        yield f"tiff {bits} four channels", content, "alpha where the file says that it is one, got .* of 4 channels"
    content = tiff(np.dstack([UNIT] * 4), photometric="rgb", extrasamples=["unassalpha"])
    yield "tiff float alpha", content, "a TIFF of floats without alpha, got .* with it: lay it on"


def scales():
    yield "npy of 0 to 255", npy(UNIT * 255), f"{SCALES} .*: divide them by the value of white"
    yield "npy a little too light", npy(UNIT + 0.1), f"{SCALES} .*: clip them"
    for name, least in {"dark": -0.003, "dark, by far": -0.49}.items():
        array = UNIT.copy()
        array[0, 0] = least
        yield f"npy a little too {name}", npy(array), EITHER
        yield f"tiff a little too {name}", tiff(array, photometric="minisblack"), EITHER
    for name, pixel in {"NaN": np.nan, "infinity": np.inf}.items():
        array = UNIT.copy()
        array[2, 2] = pixel
        yield f"npy {name}", npy(array), "finite pixels, got .* with NaN or infinity: fill these in"
        yield f"tiff {name}", tiff(array, photometric="minisblack"), "finite pixels, got .* with NaN or infinity"


def tiffs():
    yield "tiff float white is zero", tiff(UNIT, photometric="miniswhite"), "got .* of 32 bits, float32, MINISWHITE"
    for bits in (3, 6, 10, 14, 24):
        yield f"tiff {bits} bits", raw_tiff((H, W, 1), bytes(400), BitsPerSample=bits), f"got .* of {bits} bits"
    yield "tiff rgb 12 bits", raw_tiff((H, W, 3), bytes(400), BitsPerSample=[12] * 3), "got .* of 12 bits, uint16, RGB"
    inks = tiff(U8.astype(np.uint16), photometric="separated")
    yield "tiff deep inks", inks, "in grey or RGB, got .* of 16 bits, uint16, SEPARATED"
    for code, name in ((4, "MASK"), (6, "YCBCR"), (8, "CIELAB"), (32803, "CFA")):
        content = raw_tiff((H, W, 3), RGB.tobytes(), PhotometricInterpretation=code)
        yield f"tiff {name}", content, f"in grey or RGB, got .* of 8 bits, uint8, {name}: save it as one of these"
    inks = raw_tiff((H, W, 4), U8.tobytes(), PhotometricInterpretation=5, InkSet=2)
    yield "tiff other inks", inks, "in grey or RGB, got .* of 8 bits, uint8, SEPARATED: save it as one of these"
    tags = {"PhotometricInterpretation": 6, "YCbCrSubSampling": [1, 1]}
    planes = planar_tiff((H, W, 3), [plane.tobytes() for plane in np.moveaxis(RGB, -1, 0)], **tags)
    yield "tiff YCbCr in planes", planes, "in grey or RGB, got .* of 8 bits, uint8, YCBCR: save it as one of these"
    for name, table in (("dark table", [*range(256)] * 3), ("no table", None)):
        content = raw_tiff((H, W, 1), GREY.tobytes(), PhotometricInterpretation=3, ColorMap=table)
        yield f"tiff palette of {name}", content, "in grey or RGB, got .* of 8 bits, uint8, PALETTE: save it as one"
    stack = np.ascontiguousarray(np.moveaxis(U8, -1, 0))
    kinds = {"pages": {}, "truncated": {"truncate": True}, "OME": {"ome": True},
             "volume": {"volumetric": True, "tile": (4, 16, 16)}}  # fmt: skip
    for name, options in kinds.items():
        content = tiff(stack, photometric="minisblack", **options)
        yield f"tiff {name}", content, "single image, got .* with 4 frames or pages: save one of them"
    yield "tiff ImageJ", tiff(stack, imagej=True), "single image, got .* with 4 frames or pages: save one of them"
    yield "tiff preview first", tiff(GREY, subfiletype=1), "a developed image, got .* begins with a preview: save"
    yield "tiff sparse", raw_tiff((H, W, 1), b"", StripOffsets=0, StripByteCounts=0), "all its pixels, got"
    yield "tiff short", raw_tiff((H, W, 1), GREY.tobytes()[:20]), "read whole, got"
    yield "tiff unknown compression", raw_tiff((H, W, 1), bytes(40), Compression=12345), "read whole, got .*12345"
    yield "tiff without offsets", raw_tiff((H, W, 1), b"", StripOffsets=None, StripByteCounts=None), "read whole, got"


def others():
    frames = {"save_all": True, "append_images": [Image.fromarray(RGB[::-1])]}
    for kind in ("GIF", "PNG", "WEBP"):
        yield f"{kind} animated", pillow(RGB, kind, **frames), "single image, got .* with 2 frames or pages: save one"
    deep = bytearray(pillow(RGB, "JPEG"))
    deep[deep.index(b"\xff\xc0") + 4] = 12
    yield "jpeg of 12 bits", bytes(deep), "begins as one but cannot be read"
    inks = pillow(RGB, "JPEG", "CMYK")
    marker = inks.index(b"\xff\xee")
    inks = inks[:marker] + inks[marker + 16 :]
    yield "jpeg of inks without a marker", inks, "or of inks with Adobe's marker, got .* 255 minus them: save it as RGB"
    yield "png without an end", b"\x89PNG\r\n\x1a\n", "begins as one but cannot be read"
    for interlaced in (False, True):
        for depth, short in ((8, W + 1), (8, 2 * (W + 1)), (1, 2), (16, 2 * W + 1)):
            content = png(GREY[..., None] >> max(0, 8 - depth), depth, 0, interlaced=interlaced, short=short)
            sentence = "with all its pixels, got .* bytes of rows$"
            yield f"png {depth} {short} bytes short{' interlaced' * interlaced}", content, sentence
    yield "ppm", pillow(RGB, "PPM"), "a PNM image: save the picture as PNG or npy"
    yield "jpeg 2000", pillow(RGB, "JPEG2000"), "a JPEG 2000 image: save the picture"
    yield "heic", b"\0\0\0\x18ftypheic" + bytes(40), "a HEIC, AVIF or video file: save the picture as PNG"
    yield "dicom", bytes(128) + b"DICM" + bytes(9), "a DICOM file: save the picture"
    yield "pickle", pickle.dumps(GREY), "a pickle: save the picture"
    archive = io.BytesIO()
    np.savez(archive, image=U8)
    yield "npz", archive.getvalue(), re.escape("an archive (npz or zip): save the picture")
    texts = {"text": b"Please find it here.", "page": b"<html>", "csv": b"1,2\n3,4\n", "byte": b"I", "sound": b"RIFF"}
    for name, text in texts.items():
        yield name, text, "must name a PNG, JPEG, TIFF, WebP, BMP, GIF or npy image, got .*, which is none$"
    yield "nothing", b"", "a file with content, got the empty"


KINDS = {name: case for kinds in (numbers, shapes, scales, tiffs, others) for name, *case in kinds()}


@pytest.mark.parametrize("name", KINDS)
def test_every_other_kind_is_refused_in_a_sentence_that_holds(tmp_path, name):
    content, sentence = KINDS[name]
    path = tmp_path / "picture"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as refusal:
        read_image(path)
    assert str(refusal.value).startswith("path must name a")
    assert "\n" not in str(refusal.value)
