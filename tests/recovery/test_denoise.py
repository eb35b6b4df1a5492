import math

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_chambolle

from untrained.sims.images.images import example_image
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines import denoise
from untrained.sims.recovery.baselines.denoise import DENOISERS, cycle_spun, denoiser
from untrained.sims.recovery.total_variation import total_variation_proximal

FREE = sorted(set(DENOISERS) - {"bm3d"})


def noise(shape, seed=0):
    return torch.from_numpy(stream(seed, "noise").standard_normal(shape, dtype=np.float32))


def halves(left, right, side=8):
    """An image (C, side, side) of two flat halves, one value a channel."""
    values = [torch.tensor(v, dtype=torch.float64)[:, None, None].expand(-1, side, side // 2) for v in (left, right)]
    return torch.cat(values, -1)


@pytest.mark.parametrize(("left", "right"), [([-0.5], [0.5]), ([-0.5, 0.1, 0.3], [0.5, 0.1, -0.4])])
def test_total_variation_moves_two_halves_towards_each_other(left, right):
    # Along the border each half gains `weight` a row and has 4 pixels there, so the jump shrinks by weight/4 each side,
    # in the jump's own direction over the channels.
    x, weight = halves(left, right), 0.6
    jump = np.array(right) - np.array(left)
    shift = weight / 4 * jump / np.linalg.norm(jump)
    wanted = halves(list(np.array(left) + shift), list(np.array(right) - shift))
    # The dual is within 2 L ||p||^2/(k + 1)^2 = 2 * 8 * 64/400^2 of its best after 400 steps, in units of weight^2, and
    # half the squared distance to the minimiser is at most that: 0.6 sqrt(2 * 0.0064) = 0.07 over the whole image.
    image = total_variation_proximal(x, weight, 400)
    assert (image - wanted).norm() < 0.07
    assert (image - x).norm() > 0.7


def test_total_variation_is_that_of_an_independent_routine():
    x = (halves([-0.4], [0.7], 12) + 0.2 * noise((1, 12, 12))).double()
    other = denoise_tv_chambolle(x[0].numpy(), weight=0.3, eps=1e-12, max_num_iter=3000)
    np.testing.assert_allclose(total_variation_proximal(x, 0.3, 1500)[0].numpy(), other, atol=1e-3)
    assert abs(x[0].numpy() - other).max() > 0.1


def test_the_steps_taken_suffice():
    # At the strength of the largest noise that recovery meets, 60 steps are as good as many to a fiftieth of the noise.
    x = halves([-0.9], [0.9], 28).float()
    noisy = x + noise(x.shape)
    few, many = (total_variation_proximal(noisy, 0.8, steps) for steps in (denoise.TV_STEPS, 600))
    assert (few - many).square().mean().sqrt() < 0.02
    assert (total_variation_proximal(noisy, 0.8, 3) - many).square().mean().sqrt() > 0.02


def haar(side):
    """One level of the orthonormal Haar transform: averages, then differences."""
    H = np.zeros((side, side))
    for i in range(side // 2):
        H[i, 2 * i : 2 * i + 2] = [2**-0.5, 2**-0.5]
        H[side // 2 + i, 2 * i : 2 * i + 2] = [2**-0.5, -(2**-0.5)]
    return H


def shrunk(x, levels, threshold):
    """Orthonormal Haar transform of a square image, soft thresholds on all but the coarsest averages, and back."""
    if levels == 0:
        return x
    H, half = haar(len(x)), len(x) // 2
    c = H @ x @ H.T
    rest = np.sign(c) * np.maximum(abs(c) - threshold, 0)
    rest[:half, :half] = shrunk(c[:half, :half], levels - 1, threshold)
    return H.T @ rest @ H


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_cycle_spinning_is_the_average_over_all_shifts(levels):
    x, threshold = noise((8, 8)).double().numpy(), 0.7
    shifts = [(i, j) for i in range(8) for j in range(8)]
    rolled = [np.roll(shrunk(np.roll(x, s, (0, 1)), levels, threshold), (-s[0], -s[1]), (0, 1)) for s in shifts]
    soft = lambda band, scale: band - band.clamp(-threshold * scale, threshold * scale)  # noqa: E731
    fast = cycle_spun(torch.from_numpy(x)[None], levels, soft)[0].numpy()
    np.testing.assert_allclose(fast, np.mean(rolled, 0), atol=1e-12)
    assert abs(fast - x).max() > 0.1


def test_bands_of_white_noise_have_the_scale_they_are_told():
    deviations = {}
    cycle_spun(noise((1, 256, 256)), 4, lambda band, scale: deviations.setdefault(scale, []).append(band.std()) or band)
    assert sorted(deviations) == [2**-4, 2**-3, 2**-2, 2**-1]
    for scale, stds in deviations.items():
        # A band of level j has about 4^-j 65536 independent entries, so std varies by 2^j/(256 sqrt(2)); five of these.
        np.testing.assert_allclose(np.array(stds) / scale, 1, atol=5 / (256 * math.sqrt(2) * scale))


@pytest.mark.parametrize("shape", [(1, 1, 7), (3, 9, 5), (1, 28, 28)])
def test_unshrunk_bands_add_up_to_the_image(shape):
    x = noise(shape).double()
    torch.testing.assert_close(cycle_spun(x, 2, lambda band, _: band), x, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("sigma", [0.2, 0.5])
def test_noise_on_a_photograph_is_halved(name, grey, sigma):
    x = example_image("astronaut", grey=grey, size=128)
    noisy = x + sigma * noise(x.shape)
    clean = DENOISERS[name](noisy, sigma)
    assert clean.shape == x.shape
    assert clean.dtype == torch.float32
    assert (clean - x).square().mean() < 0.5 * sigma**2
    # A wrong sigma must do worse, else the strength is not tied to it.
    assert (DENOISERS[name](noisy, sigma / 8) - x).square().mean() > (clean - x).square().mean()


@pytest.mark.parametrize("name", FREE)
def test_noise_on_a_flat_image_is_nearly_removed(name):
    # A colour image: its noise must be taken for that of three channels.
    x, sigma = torch.full((3, 64, 64), 0.3), 0.4
    left = {
        factor: (DENOISERS[name](x + sigma * noise(x.shape), factor * sigma) - x).square().mean() for factor in (1, 0.5)
    }
    assert left[1] < 0.06 * sigma**2
    assert left[0.5] > 0.1 * sigma**2  # half the strength is not enough: sigma is a deviation, not twice one


@pytest.mark.parametrize(("side", "levels"), [(8, 1), (28, 2), (32, 3), (256, 5)])
def test_the_wavelet_leaves_four_averages_a_side_or_more(side, levels):
    left = float(denoise.denoise_wavelet(noise((40, 1, side, side)), 1.0).square().mean())
    # All details of noise go, but for the few bands whose chance excess is kept. What stays is the average over
    # L = 2^levels pixels and all shifts, of weights (L - |k|)/L^2 along each side; another level would leave a quarter.
    L = 2**levels
    assert left == pytest.approx(((2 * L**2 + 1) / (3 * L**3)) ** 2, rel=0.2)


@pytest.mark.parametrize("name", FREE)
def test_images_in_a_batch_do_not_see_each_other(name):
    x = noise((2, 3, 1, 16, 16))
    together = DENOISERS[name](x, 0.5)
    assert together.shape == x.shape
    torch.testing.assert_close(together[1, 2], DENOISERS[name](x[1, 2], 0.5), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", FREE)
def test_image_and_noise_scale_together(name):
    x = example_image("camera", size=32) + 0.3 * noise((1, 32, 32))
    scaled = DENOISERS[name](4.0 * x, 1.2)
    torch.testing.assert_close(
        scaled, 4.0 * DENOISERS[name](x, 0.3), atol=1e-4, rtol=0
    )  # float32, 60 steps or 169 sums


@pytest.mark.parametrize("name", FREE)
def test_without_noise_nothing_changes(name):
    x, sigma = example_image("camera", size=32), 1e-5
    assert torch.equal(DENOISERS[name](x, 0.0), x) or name == "wavelet"
    torch.testing.assert_close(DENOISERS[name](x, 0.0), x, atol=1e-6, rtol=0)
    # Total variation moves a pixel by at most 4 weights; non-local means by at most 168 neighbours, each of weight w <=
    # exp(-d^2/h^2) and 5 d away, so by 168 * 5 * 0.43 h = 217 sigma; a wavelet band by its threshold.
    torch.testing.assert_close(DENOISERS[name](x, sigma), x, atol=220 * sigma, rtol=0)


def test_tiny_images_are_taken():
    for shape in ((1, 1, 1), (3, 2, 5)):
        for name in FREE:
            assert torch.isfinite(DENOISERS[name](noise(shape), 0.1)).all()


def test_unknown_denoisers_are_refused():
    with pytest.raises(
        ValueError, match="denoiser must be one of tv, nlm, wavelet, block-matching, bm3d, got 'median'"
    ):
        denoiser("median")


def test_bm3d_is_refused_with_the_command_and_the_licence(monkeypatch):
    monkeypatch.setattr(denoise.importlib.util, "find_spec", lambda name: None)
    for refused in (lambda: denoiser("bm3d"), lambda: denoise.denoise_bm3d(noise((1, 8, 8)), 0.1)):
        with pytest.raises(
            ValueError, match="installed first: `pip install bm3d`, whose licence is for non-commercial"
        ):
            refused()


def test_an_installed_bm3d_is_given_pixels_on_0_1(monkeypatch, tmp_path):
    double = "def bm3d(z, sigma):\n    return z[..., 0] * 0 + sigma\ndef bm3d_rgb(z, sigma):\n    return z\n"
    (tmp_path / "bm3d.py").write_text(double)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(denoise.importlib.sys.modules, "bm3d", raising=False)
    images = noise((2, 1, 4, 4))
    # The double returns sigma on [0, 1], half of ours; 0.2 on [0, 1] is -0.6 on [-1, 1].
    torch.testing.assert_close(denoiser("bm3d")(images, 0.4), torch.full_like(images, -0.6))
    colours = noise((3, 4, 4))
    torch.testing.assert_close(denoiser("bm3d")(colours, 0.4), colours)
    assert torch.equal(denoiser("bm3d")(colours, 0.0), colours)
    monkeypatch.delitem(denoise.importlib.sys.modules, "bm3d")


def test_every_denoiser_of_the_registry_is_returned(monkeypatch):
    monkeypatch.setattr(denoise, "_refuse_missing_bm3d", lambda: None)
    assert {name: denoiser(name) for name in DENOISERS} == DENOISERS
