"""Every kind of image file that people have: its pixels, or the sentence that says what to do, and what is noted."""

import io
import struct
import warnings
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from tests.images.image_files import (
    big_endian,
    chunk,
    exif,
    icc,
    lzw,
    npy,
    packbits,
    packed,
    pillow,
    planar_tiff,
    png,
    raw_tiff,
    tiff,
    turned,
    zstandard,
)
from untrained.sims.files import FileWarning
from untrained.sims.images.images import read_image, write_image
from untrained.sims.random.streams import stream

rng = stream(0, "kinds of image")
H, W = 5, 7
NATIVE = {depth: rng.integers(0, 2**depth, (H, W, 4)).astype(np.uint16) for depth in (1, 2, 4, 8, 12, 16)}
U8, U16 = NATIVE[8].astype(np.uint8), NATIVE[16]
PALETTE = rng.integers(0, 256, (256, 3)).astype(np.uint8)
UNIT = rng.uniform(0, 1, (H, W, 3)).astype(np.float16)
BLACK = "transparent pixels are laid on black"
P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
PROFILE = "colour profile, which is not sRGB"


def pixels(codes, white=255, black=0):
    """(C, H, W) on [-1, 1] of codes (H, W) or (H, W, C), each rounded to float32 once."""
    planes = np.moveaxis(codes.reshape(*codes.shape[:2], -1), -1, 0).astype(np.float64)
    return ((2 * planes - (black + white)) / (white - black)).astype(np.float32)


def on_black(codes, white):
    """Pixels of codes (H, W, C) of which the last is an alpha."""
    return pixels(codes[..., :-1] * (codes[..., -1:] / white), white)


def keyed(codes, white):
    """Pixels of codes (H, W, C) where those equal to the first one are black."""
    return pixels(np.where((codes == codes[0, 0]).all(-1, keepdims=True), 0, codes), white)


def key(codes, beyond=0):
    return chunk(b"tRNS", struct.pack(f">{codes.shape[2]}H", *(int(code) | beyond for code in codes[0, 0])))


def plte(alphas=b""):
    return chunk(b"PLTE", PALETTE.tobytes()) + (chunk(b"tRNS", alphas) if alphas else b"")


def profile(content):
    return chunk(b"iCCP", b"a\0\0" + zlib.compress(content))


def pngs():
    for depth in (1, 2, 4, 8, 16):
        white, grey = 2**depth - 1, NATIVE[depth][..., :1]
        for interlaced in (False, True):
            name = f"png grey {depth}{' interlaced' * interlaced}"
            yield name, (png(grey, depth, 0, interlaced=interlaced), pixels(grey, white))
        light = np.where(grey == grey[0, 0], white, grey)
        yield f"png grey {depth} key", (png(grey, depth, 0, key(grey)), keyed(grey, white), BLACK)
        yield f"png grey {depth} key white", (png(light, depth, 0, key(light)), keyed(light, white), BLACK)
        if depth < 16:
            beyond = key(light, 1 << depth)
            yield f"png grey {depth} key of more bits", (png(light, depth, 0, beyond), keyed(light, white), BLACK)
    for depth, white in ((8, 255), (16, 65535)):
        codes, rgb = NATIVE[depth], NATIVE[depth][..., :3]
        for interlaced in (False, True):
            more = f" {depth}{' interlaced' * interlaced}"
            yield (
                "png rgb" + more,
                (png(rgb, depth, 2, interlaced=interlaced), pixels(rgb, white)),
            )
            yield "png rgba" + more, (png(codes, depth, 6, interlaced=interlaced), on_black(codes, white), BLACK)
            pair = codes[..., :2]
            yield "png grey alpha" + more, (png(pair, depth, 4, interlaced=interlaced), on_black(pair, white), BLACK)
        full = np.dstack([codes[..., :3], np.full((H, W), white)])
        yield f"png rgba {depth} opaque", (png(full, depth, 6), pixels(codes[..., :3], white))
        yield (
            f"png rgb {depth} key",
            (png(codes[..., :3], depth, 2, key(codes[..., :3])), keyed(codes[..., :3], white), BLACK),
        )
    for depth in (1, 2, 4, 8):
        index = NATIVE[depth][..., :1]
        colours = PALETTE[index[..., 0]]
        yield f"png palette {depth}", (png(index, depth, 3, plte()), pixels(colours))
        alphas = rng.integers(0, 255, 2**depth).astype(np.uint8)
        rgba = np.dstack([colours, alphas[index[..., 0]]])
        yield f"png palette {depth} alpha", (png(index, depth, 3, plte(alphas.tobytes())), on_black(rgba, 255), BLACK)
    grey, wanted = NATIVE[8][..., :1], pixels(NATIVE[8][..., :1])
    chunks = {
        "linear gamma": (chunk(b"gAMA", struct.pack(">I", 100000)), "gamma of 1 is ignored"),
        "usual gamma": (chunk(b"gAMA", struct.pack(">I", 45455)), None),
        "srgb": (chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sRGB", b"\0"), None),
        "grey profile": (profile(icc(b"Grey", space=b"GRAY")), None),
        "linear grey profile": (profile(icc(b"Grey", gamma=1, space=b"GRAY")), PROFILE),
        "primaries of no grey": (chunk(b"cHRM", struct.pack(">8I", *P3)), None),
        "resolution": (chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)), None),
    }
    for name, (extra, note) in chunks.items():
        yield f"png {name}", (png(grey, 8, 0, extra), wanted, *([note] if note else []))
    rgb, wanted = NATIVE[8][..., :3], pixels(NATIVE[8][..., :3])
    srgb, p3 = chunk(b"sRGB", b"\0"), chunk(b"cHRM", struct.pack(">8I", *P3))
    usual = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
    chunks = {
        "profile of sRGB": (profile(icc(b"c2")), None),
        "profile of sRGB by littlecms": (
            profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
            None,
        ),
        "profile of gamma 2.2": (profile(icc(b"sRGB, nearly", gamma=2.2)), None),
        "profile of linear sRGB": (profile(icc(b"GIMP built-in Linear sRGB", gamma=1)), PROFILE),
        "profile of P3": (profile(icc(b"sRGB, wider", "P3")), PROFILE),
        "profile of inks": (profile(icc(b"sRGB", space=b"CMYK")), PROFILE),
        "damaged profile": (profile(bytes(128) + b"sRGB"), PROFILE),
        "cICP of sRGB": (chunk(b"cICP", bytes([1, 13, 0, 1])) + profile(icc(b"sRGB, wider", "P3")), None),
        "cICP of P3": (chunk(b"cICP", bytes([12, 13, 0, 1])), "cICP chunk, which does not say sRGB, is ignored"),
        "cICP of PQ": (chunk(b"cICP", bytes([9, 16, 0, 1])) + srgb, "cICP chunk, which does not say sRGB, is ignored"),
        "primaries": (p3, "primaries, which are not those of sRGB, are ignored"),
        "primaries beside sRGB": (srgb + p3, None),
        "primaries of sRGB": (usual, None),
    }
    for name, (extra, note) in chunks.items():
        yield f"png {name}", (png(rgb, 8, 2, extra), wanted, *([note] if note else []))


def orientations():
    grey8, rgb8, grey16, rgb16 = U8[..., 0], U8[..., :3], U16[..., 0], U16[..., :3]
    for o in range(1, 9):
        cases = {"grey 8": (grey8, 8, 0), "rgb 8": (rgb8, 8, 2), "grey 16": (grey16, 16, 0), "rgb 16": (rgb16, 16, 2),
                 "rgba 16": (U16, 16, 6)}  # fmt: skip
        for name, (upright, depth, colour) in cases.items():
            white = 2**depth - 1
            stored = turned(upright, o).reshape(*(turned(upright, o).shape[:2]), -1)
            wanted = on_black(upright, white) if colour == 6 else pixels(upright, white)
            notes = (BLACK,) if colour == 6 else ()
            yield f"png {name} orientation {o}", (png(stored, depth, colour, chunk(b"eXIf", exif(o))), wanted, *notes)
        tag = {"extratags": [(274, "H", 1, o, True)]}
        for name, upright, white in (("grey 8", grey8, 255), ("rgb 8", rgb8, 255), ("grey 16", grey16, 65535),
                                     ("rgb 16", rgb16, 65535), ("float", UNIT.astype(np.float64), 1)):  # fmt: skip
            kind = "rgb" if upright.ndim == 3 else "minisblack"
            yield (
                f"tiff {name} orientation {o}",
                (tiff(turned(upright, o), photometric=kind, **tag), pixels(upright, white)),
            )
        flat = np.repeat(np.repeat(rng.integers(0, 2, (2, 3)) * 255, 8, 0), 8, 1).astype(np.uint8)
        lying = turned(flat, o)
        yield f"tiff lzw orientation {o}", (
            raw_tiff((*lying.shape, 1), lzw(lying.tobytes()), Compression=5, Orientation=o), pixels(flat))  # fmt: skip
        yield f"tiff bits orientation {o}", (
            raw_tiff((*lying.shape, 1), b"".join(packed(row & 1, 1) for row in lying), BitsPerSample=1, Orientation=o),
            pixels(flat))  # fmt: skip
        table = (PALETTE.T.astype(np.uint16) * 257).ravel().tolist()
        lying_index = turned(grey8, o)
        yield f"tiff palette orientation {o}", (
            raw_tiff((*lying_index.shape, 1), lying_index.tobytes(), PhotometricInterpretation=3, ColorMap=table,
                     Orientation=o), pixels(PALETTE[grey8]))  # fmt: skip
        inks = np.dstack([255 - rgb8, np.zeros((H, W), np.uint8)])
        lying_inks = turned(inks, o)
        yield f"tiff inks orientation {o}", (
            raw_tiff(lying_inks.shape, lying_inks.tobytes(), PhotometricInterpretation=5, Orientation=o),
            pixels(rgb8), "four inks")  # fmt: skip
        # Blocks of 8 x 8 that are black or white come out of a JPEG as they went in.
        yield f"jpeg orientation {o}", (pillow(lying, "JPEG", exif=b"Exif\0\0" + exif(o), quality=100), pixels(flat))
        webp = pillow(turned(rgb8, o), "WEBP", lossless=True, exif=b"Exif\0\0" + exif(o))
        yield f"webp orientation {o}", (webp, pixels(rgb8))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    yield "png orientation in XMP", (png(turned(grey16, 6)[..., None], 16, 0, text), pixels(grey16, 65535))
    for o in (0, 9):
        yield f"png orientation {o}, which is none", (
            png(grey16[..., None], 16, 0, chunk(b"eXIf", exif(o))), pixels(grey16, 65535))  # fmt: skip


def tiffs():
    kinds = {"uint8": (U8, 255), "uint16": (U16, 65535), "float16": (UNIT, 1), "float32": (UNIT.astype(np.float32), 1),
             "float64": (UNIT.astype(np.float64), 1)}  # fmt: skip
    for name, (array, white) in kinds.items():
        grey, rgb = array[..., 0], np.ascontiguousarray(array[..., :3])
        planes = np.ascontiguousarray(np.moveaxis(rgb, -1, 0))
        for order in "<>":
            more = {"<": "", ">": " big-endian"}[order]
            yield (
                f"tiff {name} grey{more}",
                (tiff(grey, photometric="minisblack", byteorder=order), pixels(grey, white)),
            )
            yield f"tiff {name} rgb{more}", (tiff(rgb, photometric="rgb", byteorder=order), pixels(rgb, white))
            apart = tiff(planes, photometric="rgb", planarconfig="separate", byteorder=order)
            yield f"tiff {name} planes{more}", (apart, pixels(rgb, white))
        yield f"tiff {name} deflate", (tiff(rgb, photometric="rgb", compression="zlib"), pixels(rgb, white))
        yield f"tiff {name} tiled", (tiff(rgb, photometric="rgb", tile=(16, 16)), pixels(rgb, white))
        yield f"tiff {name} strips", (tiff(rgb, photometric="rgb", rowsperstrip=2), pixels(rgb, white))
        yield f"tiff {name} big file", (tiff(rgb, photometric="rgb", bigtiff=True), pixels(rgb, white))
        yield f"tiff {name} three channels of grey", (
            tiff(rgb, photometric="minisblack", planarconfig="contig"), pixels(rgb, white))  # fmt: skip
    for name, array, white in (("8", U8, 255), ("16", U16, 65535)):
        grey, rgb, bits = array[..., 0], np.ascontiguousarray(array[..., :3]), int(name)
        yield f"tiff {name} white is zero", (tiff(white - grey, photometric="miniswhite"), pixels(grey, white))
        yield f"tiff rgba {name}", (
            tiff(array, photometric="rgb", extrasamples=["unassalpha"]), on_black(array, white), BLACK)  # fmt: skip
        yield f"tiff rgba {name} multiplied in", (
            tiff(array, photometric="rgb", extrasamples=["assocalpha"]), pixels(rgb, white), BLACK)  # fmt: skip
        yield f"tiff grey alpha {name}", (
            tiff(array[..., :2], photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]),
            on_black(array[..., :2], white), BLACK)  # fmt: skip
        for how, code, encode in (("lzw", 5, lzw), ("zstd", 50000, zstandard), ("packbits", 32773, packbits)):
            yield f"tiff grey {name} {how}", (
                raw_tiff((H, W, 1), encode(grey.tobytes()), Compression=code, BitsPerSample=bits),
                pixels(grey, white))  # fmt: skip
            yield f"tiff rgb {name} {how}", (
                raw_tiff((H, W, 3), encode(rgb.tobytes()), Compression=code, BitsPerSample=[bits] * 3),
                pixels(rgb, white))  # fmt: skip
        yield f"tiff {name} lzw white is zero", (
            raw_tiff((H, W, 1), lzw((white - grey).tobytes()), Compression=5, BitsPerSample=bits,
                     PhotometricInterpretation=0), pixels(grey, white))  # fmt: skip
        for extra, wanted in ((1, pixels(rgb, white)), (2, on_black(array, white))):
            yield f"tiff rgba {name} lzw alpha {extra}", (
                raw_tiff((H, W, 4), lzw(array.tobytes()), Compression=5, BitsPerSample=[bits] * 4, ExtraSamples=extra,
                         PhotometricInterpretation=2), wanted, BLACK)  # fmt: skip
    for count, name in ((1, "grey"), (3, "rgb")):
        array = U16[..., :count].astype(">u2")
        lying = raw_tiff((H, W, count), lzw(array.tobytes()), Compression=5, BitsPerSample=[16] * count)
        yield f"tiff {name} 16 lzw big-endian", (big_endian(lying), pixels(array, 65535))
    planes = [lzw(U8[..., i].tobytes()) for i in range(3)]
    yield "tiff rgb 8 planes lzw", (
        planar_tiff((H, W, 3), planes, Compression=5), pixels(U8[..., :3]))  # fmt: skip
    planes.append(lzw(U8[..., 3].tobytes()))
    yield "tiff rgba 8 planes lzw", (
        planar_tiff((H, W, 4), planes, Compression=5, ExtraSamples=2, PhotometricInterpretation=2),
        on_black(U8, 255), BLACK)  # fmt: skip
    yield (
        "tiff packbits with a predictor, which it has not",
        (raw_tiff((H, W, 1), packbits(U8[..., 0].tobytes()), Compression=32773, Predictor=2), pixels(U8[..., 0])),
    )
    for bits, array, white in ((8, U8, 255), (16, U16, 65535)):
        backward = np.packbits(np.unpackbits(np.frombuffer(array[..., 0].tobytes(), np.uint8), bitorder="little"))
        stored = raw_tiff((H, W, 1), backward.tobytes(), BitsPerSample=bits, FillOrder=2)
        yield f"tiff grey {bits} low bits first", (stored, pixels(array[..., 0], white))
        tags = {"BitsPerSample": bits, "FillOrder": 2, "PhotometricInterpretation": 0}
        stored = raw_tiff((H, W, 1), backward.tobytes(), **tags)
        yield f"tiff {bits} low bits first, white is zero", (stored, pixels(white - array[..., 0], white))
    floats = UNIT[..., 0].astype(np.float32)
    for order, turn in (("<", bytes), (">", big_endian)):
        codes = lzw(floats.astype(f"{order}f4").tobytes())
        stored = turn(raw_tiff((H, W, 1), codes, Compression=5, BitsPerSample=32, SampleFormat=3))
        yield f"tiff float32 lzw {order}", (stored, pixels(floats, 1))
    for depth in (1, 2, 4, 12):
        grey = NATIVE[depth][..., 0]
        rows = b"".join(packed(row, depth) for row in grey)
        white = 2**depth - 1
        yield f"tiff grey {depth}", (raw_tiff((H, W, 1), rows, BitsPerSample=depth), pixels(grey, white))
        if depth < 12:
            yield f"tiff {depth} white is zero", (
                raw_tiff((H, W, 1), rows, BitsPerSample=depth, PhotometricInterpretation=0),
                pixels(white - grey, white))  # fmt: skip
            bits = np.unpackbits(np.frombuffer(rows, np.uint8).reshape(-1, 1), axis=1)[:, ::-1]
            yield f"tiff grey {depth} low bits first", (
                raw_tiff((H, W, 1), np.packbits(bits, axis=1).tobytes(), BitsPerSample=depth, FillOrder=2),
                pixels(grey, white))  # fmt: skip
    table = (PALETTE.T.astype(np.uint16) * 257).ravel().tolist()
    index = U8[..., 0]
    stored = raw_tiff((H, W, 1), index.tobytes(), PhotometricInterpretation=3, ColorMap=table)
    yield "tiff palette", (stored, pixels(PALETTE[index]))
    inks = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0], [0, 255, 255, 0]]], np.uint8)
    lights = np.array([[[255, 255, 255], [0, 0, 0], [0, 255, 255], [255, 0, 0]]])
    yield "tiff inks", (
        raw_tiff((1, 4, 4), inks.tobytes(), PhotometricInterpretation=5), pixels(lights), "four inks")  # fmt: skip
    blocks = np.repeat(np.repeat(rng.integers(0, 2, (2, 3)) * 255, 16, 0), 16, 1).astype(np.uint8)
    yield "tiff jpeg", (pillow(np.dstack([blocks] * 3), "TIFF", compression="jpeg"), pixels(np.dstack([blocks] * 3)))
    yield "tiff without its interpretation", (
        raw_tiff((H, W, 1), index.tobytes(), PhotometricInterpretation=None), pixels(255 - index))  # fmt: skip
    for bits, codes, white in ((8, U8[..., :3], 255), (16, U16[..., :3], 65535)):
        tags = {"BitsPerSample": [bits] * 3, "PhotometricInterpretation": None}
        yield f"tiff rgb {bits} without its interpretation", (
            raw_tiff((H, W, 3), codes.tobytes(), **tags), pixels(codes, white))  # fmt: skip
    yield "tiff with a smaller version", (with_preview(), pixels(U8[..., :3]))
    yield (
        "tiff profile",
        (tiff(U8[..., :3], photometric="rgb", iccprofile=icc(b"Display P3", "P3")), pixels(U8[..., :3]), PROFILE),
    )


def with_preview():
    import tifffile

    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(U8[..., :3], photometric="rgb")
        writer.write(U8[:2, :2, :3], photometric="rgb", subfiletype=1)
    return buffer.getvalue()


def others():
    rgb, grey = U8[..., :3], U8[..., 0]
    yield "bmp 24", (pillow(rgb, "BMP"), pixels(rgb))
    yield "bmp 8", (pillow(grey, "BMP"), pixels(grey))
    yield "bmp 1", (pillow(grey > 127, "BMP"), pixels((grey > 127) * 255))
    yield "webp", (pillow(rgb, "WEBP", lossless=True), pixels(rgb))
    yield "webp alpha", (pillow(U8, "WEBP", lossless=True, exact=True), on_black(U8, 255), BLACK)
    yield "gif grey", (pillow(grey, "GIF"), pixels(np.dstack([grey] * 3)))
    index = Image.fromarray(grey).convert("P")
    index.putpalette(PALETTE.tobytes())
    yield "gif palette", (pillow(index, "GIF"), pixels(PALETTE[grey]))
    clear = np.dstack([PALETTE[grey], np.where(grey == grey[0, 0], 0, 255)])
    yield "gif transparent", (pillow(index, "GIF", transparency=int(grey[0, 0])), on_black(clear, 255), BLACK)
    flat = np.full((H, W), 255, np.uint8)
    for name, options in {
        "plain": {},
        "progressive": {"progressive": True},
        "profile of sRGB": {"icc_profile": icc(b"c2")},
    }.items():
        yield f"jpeg {name}", (pillow(flat, "JPEG", **options), pixels(flat))
    yield "jpeg profile", (pillow(flat, "JPEG", icc_profile=icc(b"Display P3", "P3")), pixels(flat), PROFILE)
    yield "jpeg inks", (pillow(np.dstack([flat] * 3), "JPEG", "CMYK"), pixels(np.dstack([flat] * 3)), "four inks")
    yield (
        "jpeg with previews",
        (pillow(flat, "MPO", save_all=True, append_images=[Image.fromarray(flat)]), pixels(flat)),
    )
    for sides in ((1, 1), (1, 9), (9, 1)):
        line = rng.integers(0, 256, sides).astype(np.uint8)
        line[0, 0] = 200
        for kind in ("PNG", "BMP", "TIFF"):
            yield f"{kind} of {sides}", (pillow(line, kind), pixels(line))


def arrays():
    rgb, grey, signed = U8[..., :3], U8[..., 0], 2 * UNIT.astype(np.float64) - 1
    for order in "<>":
        for kind, array, white in (("u2", U16, 65535), ("f2", UNIT, 1), ("f4", UNIT, 1), ("f8", UNIT, 1)):
            array = array[..., :3].astype(order + kind)
            yield f"npy {order}{kind}", (npy(array), pixels(array, white))
    yield (
        "npy divided twice",
        (npy(U8[..., 0] / 255**2), pixels(U8[..., 0] / 255**2, 1), "largest pixel is .* nearly black"),
    )
    yield "npy uint8", (npy(grey), pixels(grey))
    yield "npy bool", (npy(grey > 127), pixels(grey > 127, 1))
    yield "npy channels first", (npy(np.moveaxis(rgb, -1, 0)), pixels(rgb))
    yield "npy one channel last", (npy(U8[..., :1]), pixels(grey))
    yield "npy one channel first", (npy(grey[None]), pixels(grey))
    yield "npy Fortran order", (npy(np.asfortranarray(rgb)), pixels(rgb))
    yield "npy a view", (npy(rgb[::-1, ::2]), pixels(rgb[::-1, ::2]))
    yield "npy on [-1, 1]", (npy(signed), np.moveaxis(signed, -1, 0).astype(np.float32))
    yield "npy long double", (npy(UNIT.astype(np.longdouble)), pixels(UNIT, 1))
    yield (
        "npy three by three",
        (npy(rgb[:3, :3]), pixels(rgb[:3, :3].transpose(1, 2, 0)), r"\(3, 3, 3\) is taken as \(C, H"),
    )
    for bits in (10, 12, 14):
        deep = rng.integers(0, 2**bits, (H, W)).astype(np.uint16)
        deep[0, 0] = top = 2**bits - 1
        note = f"its largest code is {top} of 65535.*where white is {top}, multiply the codes by 65535/{top}"
        yield f"npy {bits} bits in 16", (npy(deep), pixels(deep, 65535), note)
        yield f"tiff {bits} bits in 16", (tiff(deep), pixels(deep, 65535), note)
        yield f"png {bits} bits in 16", (png(deep[..., None], 16, 0), pixels(deep, 65535), note)
    mask = (grey > 127).astype(np.uint8)
    yield "npy a mask of ones", (npy(mask), pixels(mask), "its largest code is 1 of 255.*where white is 1,")
    yield "png all black", (png(np.zeros((H, W, 1), np.uint16), 16, 0), pixels(np.zeros((H, W))))


READ = {name: case for kinds in (pngs, orientations, tiffs, others, arrays) for name, case in kinds()}


@pytest.mark.parametrize("name", READ)
def test_every_kind_has_the_pixels_of_its_definition_and_its_notes(tmp_path, name):
    content, wanted, *notes = READ[name]
    path = tmp_path / "picture"
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        image = read_image(path)
    assert image.dtype == torch.float32
    np.testing.assert_array_equal(image.numpy(), wanted)
    assert [w.category for w in said] == [FileWarning] * len(notes), [str(w.message) for w in said]
    for warning, note in zip(said, notes, strict=True):
        with pytest.warns(FileWarning, match=note):
            warnings.warn_explicit(warning.message, FileWarning, "", 0)


def beyond_pillow():
    for kind in ("float32", "float64"):
        floats = UNIT.astype(kind)
        tags = {"BitsPerSample": [8 * floats.itemsize] * 3, "SampleFormat": [3] * 3}
        yield kind, raw_tiff((H, W, 3), lzw(floats.tobytes()), Compression=5, **tags), pixels(UNIT, 1)
    for count, extra in ((2, 1), (2, 2), (4, 1)):
        array = np.dstack([U8[..., : count - 1], U8[..., -1]])
        planes = [lzw(array[..., i].tobytes()) for i in range(count)]
        tags = {"ExtraSamples": extra, "PhotometricInterpretation": 1 if count == 2 else 2}
        wanted = pixels(array[..., :-1]) if extra == 1 else on_black(array, 255)
        yield "uint8", planar_tiff((H, W, count), planes, Compression=5, **tags), wanted


@pytest.mark.filterwarnings("ignore::untrained.sims.files.FileWarning")
@pytest.mark.parametrize("case", list(beyond_pillow()))
def test_what_pillow_cannot_decompress_is_read_by_imagecodecs_or_the_sentence_names_it(tmp_path, case):
    kind, content, wanted = case
    (tmp_path / "picture").write_bytes(content)
    if find_spec("imagecodecs") is not None:
        np.testing.assert_array_equal(read_image(tmp_path / "picture").numpy(), wanted)
        return
    with pytest.raises(ValueError, match=rf"{kind} in LZW: install imagecodecs \(pip install 'untrained\[tiff\]'\)"):
        read_image(tmp_path / "picture")


def test_a_wrong_suffix_is_no_matter(tmp_path):
    for suffix, name in ((".npy", "png rgb 8"), (".jpg", "npy uint8"), (".png", "tiff uint16 rgb")):
        content, wanted = READ[name]
        (tmp_path / f"a{suffix}").write_bytes(content)
        np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}").numpy(), wanted)


@pytest.mark.parametrize("low", [-1.02, -0.3, 0.0, 0.2])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_written_as_npy_is_read_as_it_was(tmp_path, low, channels):
    """Whatever its least pixel: above zero it could be on [0, 1], and a recovered image may leave the scale."""
    draws = stream(0, "written as npy", channels, str(low))
    image = torch.from_numpy(draws.uniform(low, 1.03, (channels, H, W)).astype(np.float32))
    write_image(tmp_path / "x.npy", image)
    assert torch.equal(read_image(tmp_path / "x.npy"), image)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), image.numpy())
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy", mmap_mode="r"), image.numpy())


def test_what_numpy_wrote_has_no_scale_but_its_own_pixels(tmp_path):
    light = UNIT[..., 0].astype(np.float32)
    write_image(tmp_path / "x.npy", torch.from_numpy(light)[None])
    np.save(tmp_path / "y.npy", np.load(tmp_path / "x.npy"))
    np.testing.assert_array_equal(read_image(tmp_path / "x.npy").numpy()[0], light)
    np.testing.assert_array_equal(read_image(tmp_path / "y.npy").numpy(), pixels(light, 1))
    np.testing.assert_array_equal(read_image(tmp_path / "y.npy", signed=True).numpy()[0], light)


def test_a_scale_that_is_said_goes_before_the_one_in_the_file(tmp_path):
    write_image(tmp_path / "x.npy", torch.tensor([[[-0.25, 0.5]]]))
    assert torch.equal(read_image(tmp_path / "x.npy", signed=True), torch.tensor([[[-0.25, 0.5]]]))
    with pytest.raises(ValueError, match=r"floats on \[0, 1\], got .* from -0.25 to 0.5: clip them"):
        read_image(tmp_path / "x.npy", signed=False)
