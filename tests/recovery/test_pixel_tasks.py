"""Photographs as measurements: known pixels, block means, and what files say is known."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image

import untrained
from tests.images.image_files import chunk, exif, pillow, png, raw_tiff, tiff, turned
from untrained.sims.images.images import example_image
from untrained.sims.recovery.denoising import PixelNoise
from untrained.sims.recovery.pixel_tasks import (
    BlockMeans,
    KnownPixels,
    inpainting_of,
    known_part,
    with_known_copied,
)
from untrained.sims.recovery.result import Recovery
from untrained.sims.recovery.tasks import noise_of, usual_preset


@pytest.fixture
def mask():
    known = np.ones((8, 6), dtype=bool)
    known[2:5, 1:4] = False
    return known


def test_known_pixels_are_looked_at_and_no_others(mask):
    image = torch.rand(3, 8, 6) * 2 - 1
    measurement = KnownPixels(mask, 5.0).measurement(image)
    assert torch.equal(measurement.y, torch.cat([channel[torch.from_numpy(mask)] for channel in image]))
    assert measurement.noise == pytest.approx(2 * 5 / 255 * (3 * mask.sum()) ** 0.5)
    other = torch.where(torch.from_numpy(mask), image, 0.5)
    assert torch.equal(measurement.y, KnownPixels(mask, 5.0).measurement(other).y)
    assert KnownPixels(mask, 5.0, "m.png").about() == {"inpainting": {"mask": "m.png", "known": 39, "sigma": 5.0}}


def test_block_means_are_the_pixels_of_the_small_image():
    small = torch.rand(3, 4, 5) * 2 - 1
    measurement = BlockMeans(3).measurement(small)
    large = small.repeat_interleave(3, 1).repeat_interleave(3, 2)
    assert measurement.operator.shape == (3, 12, 15)
    torch.testing.assert_close(measurement.operator.forward(large), measurement.y)
    assert torch.equal(measurement.y, small.flatten())
    assert (measurement.noise, BlockMeans(3, 2.0).measurement(small).noise) == (
        0.0,
        pytest.approx(2 * 2 / 255 * 60**0.5),
    )


RGB = np.random.default_rng(0).integers(0, 256, (8, 6, 3)).astype(np.uint8)


def clear_files(mask):
    """Files of which the pixels of a mask are opaque, by kind, and others by little."""
    layers = np.dstack([RGB, np.where(mask, 255, 254).astype(np.uint8)])
    index = Image.fromarray(np.where(mask, 1, 0).astype(np.uint8)).convert("P")
    key = chunk(b"tRNS", struct.pack(">H", 3))
    grey = np.where(mask, [0, 1, 2, 0, 1, 2], 3)[..., None]
    for depth in (2, 4, 8, 16):
        yield f"png of {depth} bits with a key", png(grey, depth, 0, key)
    deep = np.where(mask, 65535, [65280, 65534, 65281, 65533, 300, 0])
    colours = RGB.astype(np.uint16) * 257
    yield "png rgba 16", png(np.dstack([colours, deep]), 16, 6)
    yield "png grey alpha 16", png(np.dstack([colours[..., 0], deep]), 16, 4)
    yield "png rgba", pillow(layers, "PNG")
    yield "webp", pillow(layers, "WEBP", lossless=True, exact=True)
    yield "gif", pillow(index, "GIF", transparency=0)
    for how, code in (("unassalpha", 2), ("assocalpha", 1)):
        pair = np.dstack([colours[..., 0], deep]).astype(np.uint16)
        yield f"tiff grey {how} 16", tiff(pair, photometric="minisblack", planarconfig="contig", extrasamples=[how])
        lying = turned(layers, 6)
        stored = raw_tiff(lying.shape, lying.tobytes(), PhotometricInterpretation=2, ExtraSamples=code, Orientation=6)
        yield f"tiff rgb {how} on its side", stored
    lying = turned(layers, 5)
    yield "png on its side", png(lying, 8, 6, chunk(b"eXIf", exif(5)))


@pytest.mark.parametrize("suffix", ["", ".npy"])
def test_opaque_pixels_are_known(mask, tmp_path, suffix):
    files = dict(clear_files(mask))
    assert len(files) == 14
    path = tmp_path / f"picture{suffix}"
    for kind, content in files.items():
        path.write_bytes(content)
        np.testing.assert_array_equal(inpainting_of(str(path), None, None).known, mask, err_msg=kind)


def test_without_transparency_a_mask_must_be_given(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "rgb.png")
    np.save(tmp_path / "x.npy", RGB)
    for name in (str(tmp_path / "rgb.png"), "example:camera", str(tmp_path / "x.npy")):
        with pytest.raises(ValueError, match="mask must be given for an image without alpha"):
            inpainting_of(name, None, None)


def test_where_an_image_shrinks_a_pixel_is_known_if_all_of_it_is(mask, tmp_path):
    Image.fromarray(RGB).save(tmp_path / "x.png")
    np.save(tmp_path / "m.npy", mask)
    known = inpainting_of(str(tmp_path / "x.png"), str(tmp_path / "m.npy"), None, (4, 3)).known
    assert np.array_equal(known, mask.reshape(4, 2, 3, 2).all((1, 3)))


@pytest.mark.parametrize("size", [None, (4, 4)])
@pytest.mark.parametrize("shape", [(12, 16), (16,), (1, 8, 6)])
def test_a_mask_of_another_shape_is_refused_before_it_is_cropped(tmp_path, size, shape):
    Image.fromarray(RGB).save(tmp_path / "x.png")
    np.save(tmp_path / "m.npy", np.ones(shape, bool))
    with pytest.raises(ValueError, match=r"^mask must be bool of shape \(8, 6\), got bool of shape \("):
        inpainting_of(str(tmp_path / "x.png"), str(tmp_path / "m.npy"), None, size)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: KnownPixels(np.ones((2, 2), dtype=bool), -1.0),
            "sigma must be a finite number of at least 0, got -1.0",
        ),
        (lambda: BlockMeans(2, float("nan")), "sigma must be a finite number of at least 0, got nan"),
        (lambda: BlockMeans(2, "25"), "sigma must be a finite number of at least 0, got '25'"),
        (lambda: PixelNoise([25, 25, 25]), r"sigma must be a finite number above 0, got \[25, 25, 25\]"),
        (lambda: BlockMeans(1).measurement(torch.zeros(1, 4, 4)), "factor must be"),
        (
            lambda: BlockMeans(4096).measurement(torch.zeros(1, 4, 2)),
            "factor must make an image of at most 67108864 pixels, got 4096 for 16384 x 8192",
        ),
        (lambda: KnownPixels(np.zeros((4, 4), bool)).measurement(torch.zeros(1, 4, 4)), "mask must know at least one"),
        (lambda: KnownPixels(np.ones((4, 5), bool)).measurement(torch.zeros(1, 4, 4)), "mask must be bool of shape"),
        (lambda: known_part(torch.zeros(1, 4, 4)), "known must say which pixels are known"),
        (lambda: known_part(torch.zeros(4, 4)), "image must be of shape"),
        (lambda: known_part(torch.full((1, 2, 2), torch.nan), np.ones((2, 2), bool)), "known must be pixels with num"),
        (lambda: noise_of("x.png", 3.0, 4.0, clip=False, seed=0), "add_noise must be given without `sigma`"),
        (lambda: noise_of("x.png", None, -4.0, clip=False, seed=0), "add_noise must be a finite number above 0"),
        (lambda: noise_of("x.png", None, None, clip=True, seed=0), "clip is for noise that is added"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        make()


def test_the_usual_preset_is_the_fast_one_where_all_have_it():
    assert usual_preset(["csdip", "tv"], None) == "fast"
    assert usual_preset(["csdip"], "paper") == "paper"
    assert usual_preset(["tv"], None) is None
    assert usual_preset(["csdip", "net-gd"], None) is None


FEW = {"steps": 30, "network_options": {"channels": 8}}


def test_the_door_denoises_with_an_estimated_level():
    image = example_image("camera", size=(32, 32), grey=True)
    noisy = (image + 0.2 * torch.from_numpy(np.random.default_rng(0).standard_normal(image.shape))).float()
    result = untrained.denoise(noisy, truth=image, **FEW)
    assert result.recovery.settings["stopping"] == "cautious-discrepancy"
    assert "sigma estimated as" in str(result)
    assert "goes by cautious-discrepancy" in str(result)
    denoising = untrained.denoise(noisy, 25.5, stopping="fixed", **FEW)
    assert denoising.notes == ()
    assert denoising.recovery.settings["noise"] == pytest.approx(0.2 * 32)


def test_the_door_fills_in_what_is_nan_or_not_known():
    image = example_image("camera", size=(32, 32), grey=True)
    known = np.ones((32, 32), dtype=bool)
    known[10:14, 8:20] = False
    holes = torch.where(torch.from_numpy(known), image, torch.nan)
    by_nan = untrained.inpaint(holes, sigma=0, method="tv", truth=image)
    by_name = untrained.inpaint(image, known, sigma=0, method="tv")
    assert torch.equal(by_nan.image, by_name.image)
    inside = torch.from_numpy(known)[None]
    assert torch.equal(by_nan.image[inside], image[inside])
    assert by_nan.recovery.scores["mse"] == pytest.approx(float((by_nan.image - image).square().mean()), rel=1e-5)
    noisy = untrained.inpaint(image, known, sigma=9, method="tv")
    assert (noisy.image - image)[inside].abs().max() > 1e-3
    # 0, the grey that NaN becomes, is a poor guess of what a hole hides
    hole = ~torch.from_numpy(known)[None]
    assert (by_nan.image - image)[hole].square().mean() < image[hole].square().mean()


def test_known_pixels_are_copied_to_the_last_digit_whatever_was_recovered():
    image, known = torch.tensor([[[-0.9, 0.1, 1.2], [0.2, 0.3, 0.7]]]), np.array([[1, 1, 1], [1, 0, 1]], dtype=bool)
    sensing = KnownPixels(known, 0.0)
    recovered = torch.tensor([[[0.3, torch.nan, 1e-3], [torch.inf, 0.5, 1 / 3]]])
    copied = with_known_copied(
        Recovery(recovered, "tv", {}, "diverged at step 1", 0.0, 1, 0.0), sensing.measurement(image), sensing
    )
    assert torch.equal(copied.image, torch.where(torch.from_numpy(known), image, 0.5))
    assert copied.misfit == 0


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (np.ma.masked_array(np.ones((8, 8), bool), np.eye(8)), "known must have no masked entries, got 8 of 64"),
        ("mask.npy", r"known must be bool of shape \(8, 8\), got the text 'mask.npy'"),
    ],
)
def test_known_is_no_masked_array_and_no_file(known, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        untrained.inpaint(torch.zeros(1, 8, 8), known)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((8, 8, 3)), r"be of shape \(1 or 3, height, width\), got \(8, 8, 3\)"),
        (torch.zeros(1, 8, 8, device="meta"), "hold numbers, got a tensor of none"),
    ],
)
def test_what_is_no_image_is_told_as_such_and_not_the_mask(image, said):
    for restore in (
        untrained.denoise,
        untrained.upscale,
        lambda image: untrained.inpaint(image, np.eye(8, dtype=bool)),
    ):
        with pytest.raises(ValueError, match=f"^image must {said}"):
            restore(image)


def test_the_door_upscales():
    image = example_image("camera", size=(32, 32), grey=True)
    small = image.unfold(1, 2, 2).unfold(2, 2, 2).mean((-2, -1))
    result = untrained.upscale(small, method="tv", truth=image)
    assert result.image.shape == image.shape
    nearest = small.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert result.recovery.scores["mse"] < (nearest - image).square().mean()
    with pytest.raises(ValueError, match="image must be of shape"):
        untrained.upscale(small[0])
    for factor in (2.0, 0, 1):
        with pytest.raises(ValueError, match=r"^factor must be .*at least 2, got "):
            untrained.upscale(small, factor)
    with pytest.raises(ValueError, match=r"^image must have finite pixels, got NaN or infinity$"):
        untrained.upscale(torch.full_like(small, torch.nan))


def test_the_door_takes_no_codes_for_pixels():
    codes = np.full((1, 8, 8), 200, np.uint8)
    known = np.eye(8, dtype=bool)
    for restore in (untrained.denoise, untrained.upscale, lambda image: untrained.inpaint(image, known)):
        with pytest.raises(ValueError, match=r"^image must be floats on \[-1, 1\], got uint8"):
            restore(codes)
    with pytest.raises(ValueError, match=r"^known must be bool of shape \(8, 8\), got uint8 of shape"):
        untrained.inpaint(np.zeros((1, 8, 8), np.float32), known.astype(np.uint8))
