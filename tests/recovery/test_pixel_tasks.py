"""Photographs as measurements: known pixels, block means, and what files say is known."""

import numpy as np
import pytest
import torch
from PIL import Image

import untrained
from untrained.sims.images.images import example_image
from untrained.sims.recovery.pixel_tasks import (
    BlockMeans,
    KnownPixels,
    inpainting_of,
    known_part,
    opaque_pixels,
    read_known,
)
from untrained.sims.recovery.tasks import noise_of, usual_preset


@pytest.fixture
def mask():
    known = np.ones((8, 6), dtype=bool)
    known[2:5, 1:4] = False
    return known


def test_known_pixels_are_looked_at_and_no_others(mask):
    image = torch.rand(3, 8, 6) * 2 - 1
    seen = KnownPixels(mask, 5.0).measurement(image)
    assert torch.equal(seen.y, torch.cat([channel[torch.from_numpy(mask)] for channel in image]))
    assert seen.noise == pytest.approx(2 * 5 / 255 * (3 * mask.sum()) ** 0.5)
    other = torch.where(torch.from_numpy(mask), image, 0.5)
    assert torch.equal(seen.y, KnownPixels(mask, 5.0).measurement(other).y)
    assert KnownPixels(mask, 5.0, "m.png").about() == {"inpainting": {"mask": "m.png", "known": 39, "sigma": 5.0}}


def test_block_means_are_the_pixels_of_the_small_image():
    small = torch.rand(3, 4, 5) * 2 - 1
    seen = BlockMeans(3).measurement(small)
    large = small.repeat_interleave(3, 1).repeat_interleave(3, 2)
    assert seen.operator.shape == (3, 12, 15)
    torch.testing.assert_close(seen.operator.forward(large), seen.y)
    assert torch.equal(seen.y, small.flatten())
    assert (seen.noise, BlockMeans(3, 2.0).measurement(small).noise) == (0.0, pytest.approx(2 * 2 / 255 * 60**0.5))


@pytest.mark.parametrize("top", [1, 255])
def test_a_mask_is_white_or_not_zero_where_a_pixel_is_known(mask, tmp_path, top):
    Image.fromarray(np.uint8(top * mask)).save(tmp_path / "m.png")
    np.save(tmp_path / "m.npy", top * mask.astype(np.int64))
    np.save(tmp_path / "b.npy", mask)
    for name in ("m.png", "m.npy", "b.npy"):
        assert np.array_equal(read_known(str(tmp_path / name)), mask)


def test_a_mask_saved_as_jpeg_is_cut_in_the_middle(tmp_path):
    mask = np.ones((32, 32), dtype=bool)
    mask[8:20, 5:9] = False
    Image.fromarray(np.uint8(255 * mask)).save(tmp_path / "m.jpg", quality=75)
    assert len(np.unique(np.asarray(Image.open(tmp_path / "m.jpg")))) > 2
    assert np.array_equal(read_known(str(tmp_path / "m.jpg")), mask)


def test_opaque_pixels_are_known(mask, tmp_path):
    layers = np.dstack([np.full((8, 6, 3), 90, np.uint8), np.where(mask, 255, 40).astype(np.uint8)])
    Image.fromarray(layers).save(tmp_path / "a.png")
    assert np.array_equal(opaque_pixels(str(tmp_path / "a.png")), mask)
    Image.fromarray(layers[..., :3]).save(tmp_path / "rgb.png")
    for name in (str(tmp_path / "rgb.png"), "example:camera", "x.npy"):
        with pytest.raises(ValueError, match="mask must be given for an image without alpha"):
            opaque_pixels(name)


def test_where_an_image_shrinks_a_pixel_is_known_if_all_of_it_is(mask, tmp_path):
    np.save(tmp_path / "m.npy", mask)
    known = inpainting_of("x.png", str(tmp_path / "m.npy"), None, (4, 3)).known
    assert np.array_equal(known, mask.reshape(4, 2, 3, 2).all((1, 3)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ones((2, 3, 4)), "mask must be .H, W. of numbers of at least 0, got float64 of shape .2, 3, 4."),
        (-np.ones((2, 3)), "mask must be .H, W. of numbers of at least 0"),
        (np.full((2, 3), np.nan), "mask must be .H, W. of numbers of at least 0"),
        (np.zeros((0, 3)), "mask must be .H, W. of numbers of at least 0"),
        (np.array([["a"]]), "mask must be .H, W. of numbers of at least 0"),
    ],
)
def test_what_is_no_mask_is_refused(values, said, tmp_path):
    np.save(tmp_path / "m.npy", values)
    with pytest.raises(ValueError, match=f"^{said}"):
        read_known(str(tmp_path / "m.npy"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: KnownPixels(np.ones((2, 2), dtype=bool), -1.0),
            "sigma must be a finite number of at least 0, got -1.0",
        ),
        (lambda: BlockMeans(2, float("nan")), "sigma must be a finite number of at least 0, got nan"),
        (lambda: BlockMeans(1).measurement(torch.zeros(1, 4, 4)), "factor must be"),
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
    told = untrained.denoise(noisy, 25.5, stopping="fixed", **FEW)
    assert told.notes == ()
    assert told.recovery.settings["noise"] == pytest.approx(0.2 * 32)


def test_the_door_fills_in_what_is_nan_or_not_known():
    image = example_image("camera", size=(32, 32), grey=True)
    known = np.ones((32, 32), dtype=bool)
    known[10:14, 8:20] = False
    holes = torch.where(torch.from_numpy(known), image, torch.nan)
    by_nan = untrained.inpaint(holes, sigma=0, method="tv", truth=image)
    by_name = untrained.inpaint(image, known, sigma=0, method="tv")
    assert torch.equal(by_nan.image, by_name.image)
    inside = torch.from_numpy(known)[None]
    torch.testing.assert_close(by_nan.image[inside], image[inside], rtol=0, atol=1e-6)
    assert by_nan.recovery.scores["mse"] == pytest.approx(float((by_nan.image - image).square().mean()), rel=1e-5)
    noisy = untrained.inpaint(image, known, sigma=9, method="tv")
    assert (noisy.image - image)[inside].abs().max() > 1e-3
    # 0, the grey that NaN becomes, is a poor guess of what a hole hides
    hole = ~torch.from_numpy(known)[None]
    assert (by_nan.image - image)[hole].square().mean() < image[hole].square().mean()


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
