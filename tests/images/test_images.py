import io
import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from tests.images.image_files import npy, pillow, tiff
from untrained.sims.images.images import EXAMPLES, LUMA, example_image, image, read_image, write_image
from untrained.sims.images.resizing import centre_crop, resize
from untrained.sims.random.streams import stream

pytestmark = pytest.mark.filterwarnings("ignore::untrained.sims.files.FileWarning")

rng = stream(0, "images")
GREY8 = rng.integers(0, 256, (9, 7)).astype(np.uint8)
RGB8 = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8)
ALPHA8 = rng.integers(0, 256, (9, 7)).astype(np.uint8)
GREY16 = rng.integers(0, 65536, (9, 7)).astype(np.uint16)
RGBA16 = rng.integers(0, 65536, (9, 7, 4)).astype(np.uint16)


def scaled(codes, top):
    """(C, H, W) on [-1, 1] from codes (H, W) or (H, W, C), by the definition, each pixel rounded to float32."""
    planes = codes[None] if codes.ndim == 2 else np.moveaxis(codes, -1, 0)
    return ((2 * planes.astype(np.float64) - top) / top).astype(np.float32)


def composited(codes, top):
    """Colours times alpha, over black."""
    return codes[..., :-1].astype(np.float64) * codes[..., -1:] / top


def png16(codes, chunks=b"", colour=None, interlaced=False):
    """A PNG of 16 bits written from the specification, because Pillow writes none in colour."""
    high, wide, channels = codes.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if colour is None else colour
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = adam7 if interlaced else [(0, 0, 1, 1)]
    parts = [codes[top::down, left::right].astype(">u2") for top, left, down, right in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", wide, high, 16, kind, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunks
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.fixture
def file(tmp_path):
    """Put bytes in a file whose name says nothing."""

    def put(content):
        path = tmp_path / "picture"
        path.write_bytes(content)
        return path

    return put


PALETTED = Image.fromarray(RGB8).quantize(16)
CASES = {
    "png grey": (pillow(GREY8, "PNG"), scaled(GREY8, 255)),
    "png rgb": (pillow(RGB8, "PNG"), scaled(RGB8, 255)),
    "png rgba": (
        pillow(np.dstack([RGB8, ALPHA8]), "PNG"),
        scaled(composited(np.dstack([RGB8, ALPHA8]), 255), 255),
    ),
    "png grey alpha": (
        pillow(np.dstack([GREY8, ALPHA8]), "PNG"),
        scaled(composited(np.dstack([GREY8, ALPHA8]), 255), 255),
    ),
    "png grey 16": (pillow(GREY16, "PNG"), scaled(GREY16, 65535)),
    "png rgb 16": (png16(RGBA16[..., :3]), scaled(RGBA16[..., :3], 65535)),
    "png rgb 16 interlaced": (png16(RGBA16[..., :3], interlaced=True), scaled(RGBA16[..., :3], 65535)),
    "png rgba 16": (png16(RGBA16), scaled(composited(RGBA16, 65535), 65535)),
    "tiff grey": (pillow(GREY8, "TIFF"), scaled(GREY8, 255)),
    "tiff rgb": (pillow(RGB8, "TIFF", compression="tiff_lzw"), scaled(RGB8, 255)),
    "tiff grey 16": (tiff(GREY16), scaled(GREY16, 65535)),
    "tiff grey 16 big-endian": (tiff(GREY16, byteorder=">"), scaled(GREY16, 65535)),
    "tiff grey 16 lzw": (pillow(GREY16, "TIFF", compression="tiff_lzw"), scaled(GREY16, 65535)),
    "tiff grey 16 white is zero": (tiff(65535 - GREY16, photometric="miniswhite"), scaled(GREY16, 65535)),
    "tiff rgb 16": (tiff(RGBA16[..., :3], photometric="rgb"), scaled(RGBA16[..., :3], 65535)),
    "tiff rgb 16 planes": (
        tiff(np.moveaxis(RGBA16[..., :3], -1, 0), photometric="rgb", planarconfig="separate"),
        scaled(RGBA16[..., :3], 65535),
    ),
    "tiff rgba 16": (
        tiff(RGBA16, photometric="rgb", extrasamples=["unassalpha"]),
        scaled(composited(RGBA16, 65535), 65535),
    ),
    "tiff rgba 16 multiplied in": (
        tiff(RGBA16, photometric="rgb", extrasamples=["assocalpha"]),
        scaled(RGBA16[..., :3], 65535),
    ),
    "tiff float": (tiff(np.float32(GREY8 / 255), photometric="minisblack"), scaled(np.float32(GREY8 / 255), 1)),
    "tiff float rgb": (tiff(np.moveaxis(scaled(RGB8, 255), 0, -1), photometric="rgb"), scaled(RGB8, 255)),
    "npy uint8": (npy(GREY8), scaled(GREY8, 255)),
    "npy uint16 big-endian": (npy(GREY16.astype(">u2")), scaled(GREY16, 65535)),
    "npy channels last": (npy(RGB8), scaled(RGB8, 255)),
    "npy channels first": (npy(np.moveaxis(RGB8, -1, 0)), scaled(RGB8, 255)),
    "npy one channel": (npy(GREY8[None]), scaled(GREY8, 255)),
    "npy Fortran order": (npy(np.asfortranarray(RGB8)), scaled(RGB8, 255)),
    "npy floats on [0, 1]": (npy(GREY8 / 255), scaled(GREY8 / 255, 1)),
    "npy floats on [-1, 1]": (npy(scaled(RGB8, 255)), scaled(RGB8, 255)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_format_gives_the_pixels_of_the_definition(file, case):
    content, wanted = CASES[case]
    image = read_image(file(content))
    assert (image.dtype, image.is_contiguous()) == (torch.float32, True)
    np.testing.assert_array_equal(image.numpy(), wanted)


def test_sixteen_bits_in_colour_are_more_than_pillow_keeps(file):
    path = file(png16(RGBA16[..., :3]))
    with Image.open(path) as picture:
        eight = scaled(np.asarray(picture), 255)
    assert np.abs(read_image(path).numpy() - eight).max() > 1 / 255


def test_a_jpeg_has_the_pixels_that_pillow_decodes(file):
    path = file(pillow(RGB8, "JPEG", quality=95))
    with Image.open(path) as picture:
        np.testing.assert_array_equal(read_image(path).numpy(), scaled(np.asarray(picture), 255))


def test_a_jpeg_of_four_inks_is_read_as_rgb(file):
    buffer = io.BytesIO()
    Image.fromarray(RGB8).convert("CMYK").save(buffer, "JPEG")
    assert read_image(file(buffer.getvalue())).shape == (3, 9, 7)


def test_a_photograph_stands_upright(file):
    tags = Image.Exif()
    tags[274] = 6  # The camera was turned: rows of the file are columns of the picture.
    flat = read_image(file(pillow(RGB8, "JPEG")))
    turned = read_image(file(pillow(RGB8, "JPEG", exif=tags)))
    assert torch.equal(turned, flat.rot90(-1, (1, 2)))


def test_a_palette_is_looked_up(file):
    buffer = io.BytesIO()
    PALETTED.save(buffer, "PNG")
    image = read_image(file(buffer.getvalue()))
    np.testing.assert_array_equal(image.numpy(), scaled(np.asarray(PALETTED.convert("RGB")), 255))


def test_a_transparent_palette_entry_is_black(file):
    buffer = io.BytesIO()
    PALETTED.save(buffer, "PNG", transparency=3)
    clear = np.asarray(PALETTED) == 3
    assert clear.any()
    image = read_image(file(buffer.getvalue())).numpy()
    assert (image[:, clear] == -1).all()
    np.testing.assert_array_equal(image[:, ~clear], scaled(np.asarray(PALETTED.convert("RGB")), 255)[:, ~clear])


def test_a_transparent_grey_is_black_in_one_channel(file):
    buffer = io.BytesIO()
    key = int(GREY8[2, 3])
    Image.fromarray(GREY8).save(buffer, "PNG", transparency=key)
    wanted = np.where(key == GREY8, 0, GREY8)
    np.testing.assert_array_equal(read_image(file(buffer.getvalue())).numpy(), scaled(wanted, 255))


@pytest.mark.parametrize("suffix", ["PNG", "TIFF"])
def test_bits_are_black_and_white(file, suffix):
    buffer = io.BytesIO()
    Image.fromarray(GREY8 > 127).save(buffer, suffix)
    np.testing.assert_array_equal(read_image(file(buffer.getvalue())).numpy()[0], np.where(GREY8 > 127, 1, -1))


@pytest.mark.parametrize(("low", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_an_opaque_alpha_changes_nothing(file, low, top):
    codes = RGBA16.astype(low)
    codes[..., 3] = top
    content = pillow(codes, "PNG") if top == 255 else png16(codes)
    np.testing.assert_array_equal(read_image(file(content)).numpy(), scaled(codes[..., :3], top))


def test_eight_and_sixteen_bits_of_the_same_pixel_are_the_same_number(file):
    every = np.arange(256, dtype=np.uint8)[None]
    eight = read_image(file(npy(every)))
    sixteen = read_image(file(npy(every.astype(np.uint16) * 257)))
    assert torch.equal(eight, sixteen)
    assert (eight[0, 0, 0], eight[0, 0, 255]) == (-1, 1)
    # v/127.5 - 1 in float32 rounds twice, near 1 by half an ulp of 2 and of 1 each.
    assert (eight - (torch.arange(256) / 127.5 - 1)).abs().max() <= 2**-23


@pytest.mark.parametrize("signed", [None, True, False])
def test_floats_without_a_negative_one_are_on_the_scale_that_is_said(file, signed):
    pixels = read_image(file(npy(GREY8 / 255)), signed=signed).numpy()
    np.testing.assert_array_equal(pixels, scaled(GREY8 / 255, 1) if not signed else np.float32(GREY8 / 255)[None])


def test_channels_come_first_where_both_readings_fit(file):
    codes = rng.integers(0, 256, (3, 5, 3)).astype(np.uint8)
    np.testing.assert_array_equal(read_image(file(npy(codes))).numpy(), scaled(np.moveaxis(codes, 0, -1), 255))


def test_grey_is_the_luma(file):
    image = read_image(file(pillow(RGB8, "PNG"))).double().numpy()
    grey = read_image(file(pillow(RGB8, "PNG")), grey=True).numpy()
    assert grey.shape == (1, 9, 7)
    # Both sides are rounded to float32 pixels below one: 2^-24 for the result, as much for what goes in.
    np.testing.assert_allclose(grey[0], sum(w * c for w, c in zip(LUMA, image, strict=True)), rtol=0, atol=2**-23)
    assert sum(LUMA) == pytest.approx(1, abs=1e-15)


def test_grey_of_grey_is_unchanged(file):
    content = pillow(GREY8, "PNG")
    assert torch.equal(read_image(file(content), grey=True), read_image(file(content)))
    thrice = read_image(file(pillow(np.dstack([GREY8] * 3), "PNG")), grey=True)
    np.testing.assert_allclose(thrice.numpy(), scaled(GREY8, 255), rtol=0, atol=2**-24)
    assert thrice.abs().max() <= 1


@pytest.mark.parametrize("size", [4, (4, 6), (20, 20), (1, 1)])
def test_a_size_crops_and_resamples(file, size):
    image = read_image(file(pillow(RGB8, "PNG")), size=size).numpy()
    wanted = resize(centre_crop(np.moveaxis(RGB8 / 127.5 - 1, -1, 0), size), size)
    np.testing.assert_allclose(image, wanted, rtol=0, atol=2**-23)


def test_a_wrong_size_is_refused_before_the_file_is_read(tmp_path):
    with pytest.raises(ValueError, match="size must be a positive integer or two of them, got 0"):
        read_image(tmp_path / "absent", size=0)


def animated():
    buffer = io.BytesIO()
    frames = [Image.fromarray(GREY8), Image.fromarray(255 - GREY8)]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def bomb():
    """A few bytes that claim a hundred thousand pixels a side."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10**5, 10**5, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 10**5)) + chunk(b"IEND", b"")


def header_only(shape, dtype="|u1"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def wide_tiff(dtype):
    content = bytearray(tiff(np.zeros((2, 2), dtype=dtype)))
    for tag in (256, 257):
        place = content.index(struct.pack("<HH", tag, 4) + struct.pack("<II", 1, 2))
        content[place + 8 : place + 12] = struct.pack("<I", 10**5)
    return bytes(content)


REFUSED = {
    "empty": (b"", "path must name a file with content"),
    "text": (b"no image at all, but long enough to be one", "which is none"),
    "zip": (b"PK\x03\x04" + bytes(100), "an archive"),
    "animation": (animated(), "must name a single image, got .* with 2 frames or pages"),
    "pages": (tiff(np.stack([GREY8, GREY8]), photometric="minisblack"), "a single image, got .* with 2 frames"),
    "deep pages": (tiff(np.stack([GREY16, GREY16]), photometric="minisblack"), "a single image, got .* with 2 frames"),
    "bomb": (bomb(), "an image of at most 67108864 pixels"),
    "npy bomb": (header_only((10**5, 10**5)), "can be read whole|at most 67108864 pixels"),
    "tiff bomb": (wide_tiff(np.uint8), "an image of at most 67108864 pixels"),
    "deep tiff bomb": (wide_tiff(np.uint16), "an image of at most 67108864 pixels"),
    "npy of no pixels": (npy(np.zeros((0, 4), np.uint8)), "an image with pixels"),
    "npy of no height": (npy(np.zeros((3, 0, 4), np.uint8)), "an image with pixels"),
    "npy cut": (npy(GREY8)[:-1], "can be read whole"),
    "npy with NaN": (npy(np.array([[0.5, np.nan]])), "finite pixels"),
    "npy with infinity": (npy(np.array([[0.5, -np.inf]])), "finite pixels"),
    "npy beyond white": (npy(np.array([[0.5, 1.01]])), r"floats on \[0, 1\] or \[-1, 1\].* from 0.5 to 1.01"),
    "npy beyond black": (npy(np.array([[0.5, -1.01]])), "pixels from -1.01 to 0.5"),
    "tiff of four inks": (tiff(RGBA16, photometric="separated"), "in grey or RGB"),
    "tiff of five bands": (
        tiff(np.dstack([RGBA16, GREY16]), photometric="rgb", extrasamples=["unassalpha", "unspecified"]),
        "1 or 3 channels, and alpha .* of 5 channels",
    ),
    "png cut": (pillow(GREY8, "PNG")[:60], "can be read whole"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_image_is_refused_in_one_sentence(file, case):
    content, why = REFUSED[case]
    with pytest.raises(ValueError, match=why) as refusal:
        read_image(file(content))
    assert str(refusal.value).startswith("path must name a")
    assert "\n" not in str(refusal.value)


def test_the_limit_of_pixels_is_far_beneath_that_of_pillow(file):
    """Pillow only warns at 90 million pixels; nothing is decoded above 67 million, and nothing warned of."""
    side = 9000
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match=r"at most 67108864 pixels, got .* of 9000 x 9000"):
        read_image(file(content))


def test_a_damaged_tiff_is_told_in_one_sentence_alone(file, capfd):
    content = bytearray(pillow(GREY8, "TIFF", compression="tiff_lzw"))
    content[8:40] = b"\xff" * 32
    with pytest.raises(ValueError, match="can be read whole"):
        read_image(file(bytes(content)))
    assert capfd.readouterr() == ("", "")
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"


def test_no_name_is_no_file():
    with pytest.raises(ValueError, match=r"^path must name a file that exists, got ''$"):
        read_image("")


def test_a_folder_an_absent_file_and_a_device_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a regular file, got the folder"):
        read_image(tmp_path)
    with pytest.raises(ValueError, match=r"a file that exists, got .*absent"):
        read_image(tmp_path / "absent")
    with pytest.raises(ValueError, match="a file that can be read whole"):
        read_image(tmp_path / ("x" * 5000))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="a regular file, got the device"):
        read_image(tmp_path / "pipe")


@pytest.mark.parametrize("signed", [True, False])
def test_floats_off_the_scale_that_is_said_are_refused(file, signed):
    with pytest.raises(ValueError, match=r"floats on \[" + ("-1" if signed else "0")):
        read_image(file(npy(np.array([[-1.5, 0.0]]))), signed=signed)


FORMATS = ["png rgb", "png rgb 16", "tiff rgb", "tiff grey 16", "tiff rgb 16", "npy channels last", "jpeg"]


def content_of(name):
    return pillow(RGB8, "JPEG") if name == "jpeg" else CASES[name][0]


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_file_is_refused_or_whole_in_its_pixels(file, name, caplog):
    content = content_of(name)
    whole = read_image(file(content))
    refused = 0
    for end in range(0, len(content), max(1, len(content) // 60)):
        try:
            image = read_image(file(content[:end]))
        except ValueError as error:
            assert str(error).startswith("path must name a")  # noqa: PT017
            refused += 1
        else:
            assert torch.equal(image, whole)
    assert not caplog.records
    # What may be missing is what follows the pixels: a TIFF directory does not, a closing mark of a PNG does.
    assert refused >= 40


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_with_a_wrong_byte_is_refused_or_an_image_on_the_scale(file, name):
    content, draws = content_of(name), stream(0, "wrong byte", name)
    for _ in range(80):
        damaged = bytearray(content)
        damaged[draws.integers(min(200, len(content)))] = draws.integers(256)
        try:
            image = read_image(file(bytes(damaged)))
        except ValueError as error:
            assert str(error).startswith("path must name a")  # noqa: PT017
        else:
            assert image.ndim == 3
            assert image.abs().max() <= 1


@pytest.mark.parametrize("suffix", ["png", "tif", "TIFF", "npy"])
@pytest.mark.parametrize("codes", [GREY8, RGB8, np.arange(256, dtype=np.uint8)[None]], ids=["grey", "rgb", "every"])
def test_eight_bits_survive_a_round_trip_exactly(tmp_path, suffix, codes):
    image = torch.from_numpy(scaled(codes, 255))
    write_image(tmp_path / f"a.{suffix}", image)
    assert torch.equal(read_image(tmp_path / f"a.{suffix}"), image)
    assert os.listdir(tmp_path) == [f"a.{suffix}"]


def test_npy_keeps_every_float(tmp_path):
    image = torch.from_numpy(rng.standard_normal((3, 5, 4)).astype(np.float32))
    write_image(tmp_path / "a.npy", image)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), image.numpy())
    bright = image.abs() / image.abs().max()
    write_image(tmp_path / "a.npy", bright)
    assert torch.equal(read_image(tmp_path / "a.npy", signed=True), bright)


@pytest.mark.parametrize(("suffix", "top"), [("png", 255), ("tiff", 65535)])
def test_pixels_are_clipped_and_rounded_to_the_nearest_code(tmp_path, suffix, top):
    image = torch.linspace(-1.5, 1.5, 301)[None, None]
    write_image(tmp_path / f"a.{suffix}", image)
    back = read_image(tmp_path / f"a.{suffix}")
    # Half a step of 2/top, and a float32 rounding of each side.
    assert (back - image.clip(-1, 1)).abs().max() <= 1 / top + 2**-23


def test_an_image_that_was_differentiated_or_doubled_is_written_too(tmp_path):
    image = torch.zeros(1, 2, 2, dtype=torch.float64, requires_grad=True)
    write_image(tmp_path / "a.npy", image)
    assert np.load(tmp_path / "a.npy").dtype == np.float32


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.npz", "a.png.gz"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must end in one of \.png, \.tif, \.tiff, \.npy, got"):
        write_image(tmp_path / name, torch.zeros(1, 2, 2))


@pytest.mark.parametrize("shape", [(2, 2), (2, 4, 4), (4, 4, 3), (1, 1, 4, 4), (1, 0, 4), (3,)])
def test_other_shapes_are_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"image must have the shape \(1, H, W\) or \(3, H, W\)"):
        write_image(tmp_path / "a.png", torch.zeros(shape))


@pytest.mark.parametrize("pixel", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("suffix", ["png", "tif", "npy"])
def test_pixels_that_are_not_finite_are_refused(tmp_path, suffix, pixel):
    with pytest.raises(ValueError, match="image must have finite pixels"):
        write_image(tmp_path / f"a.{suffix}", torch.full((1, 2, 2), pixel))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("image", [np.zeros((1, 2, 2)), torch.zeros(1, 2, 2, dtype=torch.uint8), None])
def test_what_is_no_tensor_of_floats_is_refused(tmp_path, image):
    with pytest.raises(ValueError, match="image must be a tensor of floats"):
        write_image(tmp_path / "a.png", image)


def test_a_folder_that_is_absent_or_in_the_way_is_refused(tmp_path):
    (tmp_path / "b.png").mkdir()
    for path in (tmp_path / "absent" / "a.png", tmp_path / "b.png"):
        with pytest.raises(ValueError, match="path must name a file in a folder that exists"):
            write_image(path, torch.zeros(1, 2, 2))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", torch.zeros(1, 2, 2))
    old = (tmp_path / "a.png").read_bytes()

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", torch.ones(1, 2, 2))
    assert (tmp_path / "a.png").read_bytes() == old
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_an_image_with_contrast(name):
    image = example_image(name, size=48)
    assert image.shape[1:] == (48, 48)
    assert image.std() > 0.05


def test_examples_are_those_of_scikit_image():
    from skimage import data

    np.testing.assert_array_equal(example_image("camera").numpy(), scaled(data.camera(), 255))
    np.testing.assert_array_equal(example_image("astronaut").numpy(), scaled(data.astronaut(), 255))
    # Its weights of grey are others, but the phantom's channels are equal.
    phantom = example_image("shepp-logan")
    np.testing.assert_allclose(phantom.numpy()[0], 2 * data.shepp_logan_phantom() - 1, rtol=0, atol=2**-23)


def test_the_usual_examples_are_there():
    assert {"camera", "astronaut", "coffee", "retina", "shepp-logan"} <= set(EXAMPLES)


def test_an_unknown_example_is_refused_with_the_list():
    with pytest.raises(ValueError, match=r"name must be one of astronaut, brick, .*shepp-logan, text, got 'lena'"):
        example_image("lena")


def test_an_image_goes_by_example_name_or_path(tmp_path):
    camera = image("camera", size=(8, 12), grey=True)
    assert torch.equal(camera, example_image("camera", size=(8, 12), grey=True))
    assert torch.equal(camera, image("example:camera", (8, 12), True))
    write_image(tmp_path / "camera.npy", camera)
    assert torch.equal(image(str(tmp_path / "camera.npy")), read_image(tmp_path / "camera.npy"))
    with pytest.raises(ValueError, match="path must name a file that exists"):
        image("no such image")
