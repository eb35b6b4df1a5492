"""The noise level that nobody says: estimated, against the one that was drawn."""

import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.integrate import quad
from scipy.stats import norm

from untrained.sims import operators
from untrained.sims.images.images import example_image, write_image
from untrained.sims.operators import make_operator
from untrained.sims.operators.masks import Inpainting
from untrained.sims.operators.measurements import Measurement, measure
from untrained.sims.random.streams import stream
from untrained.sims.recovery import noise_level
from untrained.sims.recovery.denoising import PixelNoise, every_pixel, stopping_level
from untrained.sims.recovery.methods import settings_for, told_noise
from untrained.sims.recovery.noise_level import cut_deviation, estimated_noise, least_squares_noise, pixel_deviation
from untrained.sims.recovery.pixel_tasks import KnownPixels
from untrained.sims.recovery.tasks import RecoveryTask, Sensing, prepare_task

PHOTOGRAPHS = ("camera", "moon", "coins", "brick", "astronaut", "cat")


def ratio(name, sigma, seed, *, clip=True):
    image = example_image(name, size=(96, 96))
    noisy = PixelNoise(float(sigma), clip=clip, seed=seed).measurement(image)
    return pixel_deviation(noisy.y.reshape(image.shape).double().numpy()) / (2 * sigma / 255)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_the_noise_of_a_photograph_is_told_to_a_fifth(name, sigma):
    # what docs/recover.md says of these photographs, noise cut as files of 8 bits cut it
    ratios = [ratio(name, sigma, seed) for seed in range(3)]
    assert min(ratios) >= 0.8
    assert max(ratios) <= 1.25


def twin(channel, known):
    """The median over whole windows of 4x4 pixels of the size of their sum, weighted by products of high-pass taps."""
    r = math.sqrt(3)
    taps = np.array([1 - r, -(3 - r), 3 + r, -(1 + r)]) / (4 * math.sqrt(2))
    c = [
        abs(np.sum(np.outer(taps, taps) * channel[i : i + 4, j : j + 4]))
        for i in range(channel.shape[0] - 3)
        for j in range(channel.shape[1] - 3)
        if known[i : i + 4, j : j + 4].all() and (np.abs(channel[i : i + 4, j : j + 4]) < 1).all()
    ]
    return np.median(c) / 0.6744897501960817


def test_it_is_the_median_over_whole_windows():
    rng = stream(0, "test", "noise level")
    image = np.clip(0.4 * rng.standard_normal((2, 24, 30)), -1, 1)
    known = np.ones((24, 30), dtype=bool)
    known[3:9, 4:20] = False
    wanted = math.sqrt(np.mean([twin(channel, known) ** 2 for channel in image]))
    assert (np.abs(image) == 1).any()
    assert pixel_deviation(image, known) == pytest.approx(wanted, rel=1e-9)


def test_pixels_that_are_not_known_have_no_part():
    rng = stream(1, "test", "noise level")
    image = 0.1 * rng.standard_normal((1, 40, 40))
    known = rng.random((40, 40)) < 0.6
    other = np.where(known, image, 0.9)
    assert pixel_deviation(image, known) == pixel_deviation(other, known)
    # a median of |normal| over N windows has a relative deviation of about 1.17/sqrt(N); overlap makes N smaller, and
    # of 1521 windows of 2x2 an eighth is whole: N above 100 with four standard deviations of 12 % each
    assert pixel_deviation(image, known) == pytest.approx(0.1, rel=0.5)


@pytest.mark.parametrize("sigma", [60, 120])
def test_noise_that_no_file_has_cut_is_told_whole(sigma):
    assert ratio("camera", sigma, 0, clip=False) == pytest.approx(1, abs=0.06)


def test_too_few_known_pixels_say_nothing():
    known = np.zeros((40, 40), dtype=bool)
    known[::2, ::2] = True
    assert pixel_deviation(np.zeros((1, 40, 40)), known) is None
    assert pixel_deviation(np.zeros((1, 3, 3))) is None


def test_an_image_too_small_for_any_estimate_wants_its_noise_said():
    measurement = every_pixel((1, 5, 7)).forward(torch.rand(1, 5, 7))
    said = "^sigma must be given where no fit of csdip can estimate it, got none: image must be at least 8x8"
    with pytest.raises(ValueError, match=said):
        estimated_noise(Measurement(every_pixel((1, 5, 7)), measurement))


def page(side):
    """White paper with black and grey ink."""
    image = np.ones((1, side, side))
    image[0, side // 6 : side // 4, side // 8 : 3 * side // 4] = -1
    image[0, 5 * side // 8 : 2 * side // 3, side // 2 :] = -0.3
    return image


@pytest.mark.parametrize("sigma", [10, 25, 50])
@pytest.mark.parametrize("side", [48, 64])
def test_the_noise_of_a_page_is_told_to_a_fifth_although_half_of_it_is_cut(side, sigma):
    rng, deviation = stream(side, "test", "page", sigma), 2 * sigma / 255
    for _ in range(3):
        noisy = page(side) + deviation * rng.standard_normal((1, side, side))
        codes = np.clip(np.rint((noisy + 1) * 127.5), 0, 255)
        assert pixel_deviation(codes / 127.5 - 1) == pytest.approx(deviation, rel=0.2)


@pytest.mark.parametrize("share", [1e-9, 0.1, 0.3, 0.5, 0.6])
def test_what_cutting_takes_is_the_variance_of_a_censored_normal(share):
    end = norm.ppf(share)
    first, second = (
        share * end**k + quad(lambda x, k=k: x**k * norm.pdf(x), end, np.inf, epsabs=1e-12)[0] for k in (1, 2)
    )
    assert cut_deviation(share) == pytest.approx(math.sqrt(second - first**2), rel=1e-6)


def test_no_more_is_put_back_than_the_median_can_tell():
    assert cut_deviation(0.0) == 1.0
    assert cut_deviation(0.99) == cut_deviation(0.6) > 0.4


def test_an_image_that_shows_no_noise_is_not_denoised_without_a_word(tmp_path):
    write_image(tmp_path / "page.png", torch.from_numpy(page(48)).float())
    task = RecoveryTask(str(tmp_path / "page.png"), ("tv",), sensing=PixelNoise(None, noisy=True))
    with pytest.raises(ValueError, match=r"^sigma must be given for an image that shows no noise, as most of it is"):
        prepare_task(task)
    problem = prepare_task(replace(task, sensing=PixelNoise(5.0, noisy=True)))
    assert problem.measurement.noise == pytest.approx(10 / 255 * 48)


def test_the_level_is_that_of_all_measurements_together():
    image = example_image("camera", size=(64, 64), grey=True)
    noisy = PixelNoise(30.0).measurement(image)
    hidden = Measurement(noisy.operator, noisy.y)
    estimate = estimated_noise(hidden)
    assert estimate.level == pytest.approx(noisy.noise, rel=0.25)
    assert "of 255 from the pixels" in estimate.says
    known = np.ones((64, 64), dtype=bool)
    known[10:30] = False
    some = KnownPixels(known, None).measurement(noisy.y.reshape(1, 64, 64))
    assert some.noise == 0.0
    assert estimated_noise(some).level == pytest.approx(noisy.noise * math.sqrt(some.operator.m / 4096), rel=0.25)


@pytest.mark.parametrize(("down", "across"), [(2, 2), (3, 1), (1, 4)])
def test_an_image_enlarged_by_repeats_has_the_noise_of_its_own_pixels(down, across):
    image = example_image("camera", size=(96, 96), grey=True)
    noisy = PixelNoise(25.0, clip=True, seed=1).measurement(image).y.reshape(1, 96, 96).double().numpy()
    large = noisy.repeat(down, axis=1).repeat(across, axis=2)
    assert pixel_deviation(large) == pixel_deviation(noisy)
    within = pixel_deviation(large[:, down // 2 :, across // 2 :])  # begins within a repeat
    assert within == pytest.approx(2 * 25 / 255, rel=0.2)


def test_an_image_enlarged_by_repeats_is_told_by_the_pixels_that_are_known():
    rng = stream(2, "test", "noise level")
    image = 0.1 * rng.standard_normal((1, 60, 60)).repeat(2, axis=1).repeat(2, axis=2)
    known = rng.random((120, 120)) < 0.7
    # a quarter of 3481 windows of 2x2 is whole, which by overlap tell what 200 would: three times 1.17/sqrt(200)
    assert pixel_deviation(np.where(known, image, rng.random(image.shape)), known) == pytest.approx(0.1, rel=0.25)


def test_a_wide_flat_square_is_no_repeat_to_count_one_pixel_of():
    image = np.zeros((1, 60, 60))
    image[:, 20:40, 20:40] = 0.5  # one of each repeat would leave 3x3 pixels, which say nothing
    assert pixel_deviation(image) == 0.0


class Repeats:
    """Every pixel of a 1x6x6 image three times, with other weights."""

    weights = torch.tensor([1.0, 2.0, 0.5])[:, None]

    def forward(self, x):
        return (self.weights * x.reshape(1, -1)).reshape(-1)

    def adjoint(self, y):
        return (self.weights * y.reshape(3, -1)).sum(0).reshape(1, 6, 6)


def test_least_squares_leave_the_noise_of_the_rows_that_are_too_many():
    operator, rng = operators.user(Repeats(), (1, 6, 6)), stream(0, "test", "least squares")
    x = torch.from_numpy(rng.random((1, 6, 6), dtype=np.float32))
    eta = torch.from_numpy(0.3 * rng.standard_normal(108).astype(np.float32))
    y = operator.forward(x) + eta
    A = operator.forward(torch.eye(36).reshape(36, 1, 6, 6)).T.double().numpy()
    residual = np.linalg.lstsq(A, y.double().numpy(), rcond=None)[1][0]
    assert least_squares_noise(operator, y) == pytest.approx(math.sqrt(residual * 108 / 72), rel=1e-4)
    # chi-square with 72 degrees of freedom: a relative deviation of 1/sqrt(144), four of which are a third
    estimate = estimated_noise(Measurement(operator, y))
    assert estimate.level == pytest.approx(0.3 * math.sqrt(108), rel=1 / 3)
    assert "least squares" in estimate.says
    with pytest.raises(ValueError, match="m must be above the 64 pixels"):
        least_squares_noise(every_pixel((1, 8, 8)), torch.zeros(64))


@pytest.mark.parametrize("kind", ["zero columns", "repeated rows", "columns of k-space"])
def test_the_rows_that_are_too_many_are_counted_beyond_the_rank(kind):
    shape, sides = (1, 16, 16), stream(0, "test", "rank").standard_normal((400, 256))
    columns = np.broadcast_to(np.abs(np.arange(16) - 8) < 5, (16, 16))
    operator = {
        "zero columns": lambda: operators.user(sides * (np.arange(256) < 128), shape),
        "repeated rows": lambda: operators.user(np.tile(sides[:100], (4, 1)), shape),
        "columns of k-space": lambda: make_operator("fourier-cartesian", shape, mask=columns),
    }[kind]()
    A = operator.forward(torch.eye(256).reshape(256, *shape)).T.double().numpy()
    y = stream(1, "test", "rank").standard_normal(operator.m)
    x, _, rank, _ = np.linalg.lstsq(A, y, rcond=1e-5)
    spare = operator.m - rank
    variance = np.square(y - A @ x).sum() / spare
    # The rank is estimated with a variance of at most 2 (256 - rank): within four deviations.
    near = 4 * math.sqrt(2 * (256 - rank)) / spare
    assert near < 0.6
    ratio = least_squares_noise(operator, torch.from_numpy(y).float()) ** 2 / operator.m / variance
    assert 1 / (1 + near) < ratio < 1 / (1 - near)


def test_a_fit_bounds_the_noise_of_few_measurements(monkeypatch):
    image = example_image("camera", size=(16, 16), grey=True)
    operator = make_operator("gaussian", image.shape, 200)
    few = settings_for("csdip", {"steps": "60", "network_options.width": "6"}, "fast")
    monkeypatch.setattr(noise_level.csdip, "preset", lambda name, operator: few)
    levels = [estimated_noise(measure(image, operator, noise=noise)).level for noise in (0.0, 20.0)]
    # 20 held out: their mean square has a relative deviation of sqrt(2/20); three of them leave 0.05 of 20^2
    assert levels[1] > 20 * math.sqrt(0.05)
    assert 0 < levels[0] < levels[1]


def of_codes(codes, known=None):
    """How the noise of an image of codes (H, W) is told, as of a file to denoise."""
    image = torch.from_numpy(np.asarray(codes, dtype=np.float32))[None] / 127.5 - 1
    mask = np.ones(codes.shape, dtype=bool) if known is None else known
    operator = Inpainting(tuple(image.shape), int(mask.sum()), mask=mask)
    return estimated_noise(Measurement(operator, operator.forward(image))).says


def noisy_codes(name, sigma):
    image = example_image(name, size=(128, 128), grey=True)[0].numpy()
    noisy = 127.5 * (image + 1) + sigma * stream(3, "test", "noise of codes").standard_normal(image.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def compressed(codes, quality):
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def enlarged(codes, how):
    return np.array(Image.fromarray(codes).resize((256, 256), how))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_noise_that_neighbours_share_is_doubted_and_other_noise_is_not(name, sigma):
    codes = noisy_codes(name, sigma)
    assert "neighbours share" not in of_codes(codes)
    assert "neighbours share" not in of_codes(compressed(codes, 95))
    assert "neighbours share" in of_codes(compressed(codes, 20))
    for how in (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC):
        assert "neighbours share their noise, as in a JPEG or an enlarged image" in of_codes(enlarged(codes, how))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_no_estimate_of_a_jpeg_is_far_too_low_without_a_doubt(name):
    # docs/recover.md: below 0.7 of the noise that was drawn it is doubted, whatever compression has left of it
    for sigma in (5, 10, 15, 25, 50):
        for quality in (95, 85, 75, 60, 50, 30, 20):
            codes = compressed(noisy_codes(name, sigma), quality)
            estimate = 127.5 * pixel_deviation(codes[None] / 127.5 - 1)
            assert estimate >= 0.7 * sigma or "neighbours share" in of_codes(codes)


def test_the_number_told_of_pixels_apart_is_that_of_every_other_one():
    codes = compressed(noisy_codes("camera", 10), 50)
    further = 127.5 * twin(codes[::2, ::2] / 127.5 - 1, np.ones((64, 64), dtype=bool))
    assert f"of every other pixel it is {further:.3g}:" in of_codes(codes)


def test_where_few_pixels_are_known_nothing_is_said_of_those_apart():
    codes = compressed(noisy_codes("camera", 10), 50)
    known = np.zeros((128, 128), dtype=bool)
    known[:16, :16] = True
    assert "neighbours share" not in of_codes(codes, known)
    known[:40, :40] = True
    assert "neighbours share" in of_codes(codes, known)


def framed(codes, value):
    wide = np.full((160, 160), value, dtype=np.uint8)
    wide[16:144, 16:144] = codes
    return wide


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_a_frame_without_noise_is_told_with_what_lies_within_it(name, sigma):
    codes = noisy_codes(name, sigma)
    assert "one value" not in of_codes(codes)
    for value in (0, 255):  # ends of the scale count for nothing
        assert "one value" not in of_codes(framed(codes, value))
    says = of_codes(framed(codes, 128))
    within = float(re.search("without areas of one value it is ([0-9.]+):", says)[1])
    whole = 127.5 * pixel_deviation(codes[None] / 127.5 - 1)
    assert within == float(f"{whole:.3g}")


def test_magnitudes_have_no_estimate():
    operator = make_operator("magnitude", (1, 8, 8), 30)
    with pytest.raises(ValueError, match="operator must be linear for its noise to be estimated, got magnitude"):
        estimated_noise(Measurement(operator, torch.ones(30)))


@pytest.mark.parametrize(("name", "own"), [("csdip", "last-window"), ("net-gd", "fixed"), ("conv-decoder", "fixed")])
def test_methods_that_would_fit_noise_stop_by_its_level_where_it_is_known(name, own):
    settings = settings_for(name)
    result = told_noise(name, settings, (), 2.0)
    assert (result.noise, result.stopping) == (2.0, "cautious-discrepancy")
    assert told_noise(name, settings, ("stopping",), 2.0).stopping == own
    assert told_noise(name, settings, (), 0.0) == settings
    assert told_noise(name, settings_for(name, {"noise": "3"}), ("noise",), 2.0).noise == 3.0
    assert told_noise(name, settings_for(name, {"noise": "3"}), ("noise",)).stopping == "cautious-discrepancy"


@pytest.mark.parametrize("preset", ["fast", "smooth", "crisp", "sharp", "steady"])
def test_a_fit_whose_penalty_goes_by_the_noise_is_not_stopped_by_it(preset):
    settings = settings_for("csdip", {}, preset)
    assert told_noise("csdip", settings, (), 2.0) == replace(settings, noise=2.0)
    assert told_noise("csdip", replace(settings, tv_by_noise=0.0), (), 2.0).stopping == "cautious-discrepancy"


def test_a_run_says_by_what_the_noise_makes_the_penalty_weigh():
    def notes(noise, **changes):
        asked = RecoveryTask("example:camera", ("csdip", "tv"), "fast", grey=True, size=(16, 16), **changes)
        return prepare_task(replace(asked, sensing=Sensing("gaussian", 64, noise=noise))).notes

    words = "csdip weighs total variation by 0.56, as the noise level is known (--set tv_by_noise=0: not by it)"
    assert notes(5.0) == (words,)  # 0.9 * 5 / 64^(1/2)
    assert notes(0.1) == ()
    assert "cautious-discrepancy" in notes(5.0, assignments=("csdip.tv_by_noise=0",))[0]


def test_pixels_on_an_end_of_the_scale_have_no_noise_to_stop_by():
    operator = every_pixel((1, 2, 4))
    cut, beyond = torch.tensor([1.0, -1, 0, 0.5, 0.1, 1, 0, 0]), torch.tensor([1.5, -1, 0, 0.5, 0.1, 1, 0, 0])
    cautious = told_noise("csdip", settings_for("csdip"), (), 2.0)
    assert stopping_level(cautious, [operator], cut[None]) == pytest.approx(2 * math.sqrt(5 / 8))
    assert stopping_level(cautious, [operator], beyond[None]) == 2.0
    assert stopping_level(cautious, [operator], torch.ones(1, 8)) == 2.0
    assert stopping_level(replace(cautious, stopping="discrepancy"), [operator], cut[None]) == 2.0
    assert stopping_level(cautious, [make_operator("dct", (1, 2, 4), 8)], cut[None]) == 2.0
    assert stopping_level(cautious, [operator] * 2, torch.stack([cut, cut * 0])) == pytest.approx(2 * math.sqrt(5 / 8))


def test_other_methods_are_told_the_level_alone():
    assert told_noise("tv", settings_for("tv"), (), 2.0).noise == 2.0
    assert told_noise("net-pgd", settings_for("net-pgd"), (), 2.0).stopping == settings_for("net-pgd").stopping
    assert told_noise("ridge", settings_for("ridge"), (), 2.0) == settings_for("ridge")
