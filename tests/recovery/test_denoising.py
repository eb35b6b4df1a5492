"""Denoising: what is measured, the decoder that is fitted, non-local means beside it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from untrained.sims.images.images import example_image
from untrained.sims.images.scores import score
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery import conv_decoder
from untrained.sims.recovery.baselines import non_local_means, pixel_denoisers
from untrained.sims.recovery.baselines.non_local_means import NonLocalMeansSettings
from untrained.sims.recovery.denoising import PixelNoise, every_pixel, sees_every_pixel

TINY = replace(conv_decoder.PRESETS["fast"], network_options={"channels": 12}, steps=150)


@pytest.fixture(scope="module")
def camera():
    return example_image("camera", size=(16, 16), grey=True)


@pytest.fixture(scope="module")
def measurement(camera):
    return PixelNoise(40.0).measurement(camera)


def psnr(image, truth):
    return score(image, truth)["psnr"]


def test_every_pixel_is_seen_once():
    operator = every_pixel((3, 4, 5))
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 4, 5)))
    assert torch.equal(operator.forward(x), x.flatten())
    assert torch.equal(operator.adjoint(operator.forward(x)), x)
    assert sees_every_pixel(operator)
    assert not sees_every_pixel(make_operator("inpainting", (3, 4, 5), 19))
    assert not sees_every_pixel(make_operator("dct", (1, 4, 5), 20))


def test_noise_has_the_deviation_that_was_asked_for():
    image = torch.zeros(1, 100, 100)
    noisy = PixelNoise(25.0, seed=3).measurement(image)
    # the standard deviation of 10 000 normal numbers is known to 1/sqrt(20 000) = 0.7 %
    assert noisy.y.std() == pytest.approx(2 * 25 / 255, rel=0.035)
    assert noisy.noise == pytest.approx(2 * 25 / 255 * 100)
    assert torch.equal(noisy.y, PixelNoise(25.0, seed=3).measurement(image).y)
    assert not torch.equal(noisy.y, PixelNoise(25.0, seed=4).measurement(image).y)


def test_one_noise_may_be_that_of_all_channels():
    image = torch.zeros(3, 40, 40)
    y = PixelNoise(25.0, same=True).measurement(image).y.reshape(3, 40, 40)
    assert torch.equal(y[0], y[1])
    assert torch.equal(y[0], y[2])
    # of 1600 normal numbers the deviation is known to 1/sqrt(3200) = 1.8 %
    assert y.std() == pytest.approx(2 * 25 / 255, rel=0.09)
    apart = PixelNoise(25.0).measurement(image).y.reshape(3, 40, 40)
    assert not torch.equal(apart[0], apart[1])


def test_uniform_noise_has_the_deviation_and_no_tail():
    y = PixelNoise(25.0, law="uniform").measurement(torch.zeros(1, 100, 100)).y
    sigma = 2 * 25 / 255
    assert y.abs().max() <= 3**0.5 * sigma * (1 + 1e-6)
    assert y.std() == pytest.approx(sigma, rel=0.025)
    assert y.mean() == pytest.approx(0, abs=0.04 * sigma)


def test_clipped_noise_stays_on_the_scale(camera):
    clipped, plain = (PixelNoise(60.0, clip=clip).measurement(camera).y for clip in (True, False))
    assert plain.abs().max() > 1
    assert torch.equal(clipped, plain.clamp(-1, 1))


def test_a_noisy_image_is_left_as_it_is(camera):
    for sigma, noise in ((None, 0.0), (30.0, 2 * 30 / 255 * 16)):
        data = PixelNoise(sigma, noisy=True).measurement(camera)
        assert torch.equal(data.y, camera.flatten())
        assert data.noise == pytest.approx(noise)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sigma": -1.0}, "sigma must be a finite number above 0, got -1.0"),
        ({"sigma": 0.0}, "sigma must be a finite number above 0, got 0.0"),
        ({"sigma": float("nan")}, "sigma must be a finite number above 0, got nan"),
        ({}, "sigma must be given to add noise"),
        ({"sigma": 1.0, "seed": -1}, "seed must be a non-negative integer, got -1"),
    ],
)
def test_what_is_no_noise_is_refused(options, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        PixelNoise(**options)


def test_a_tiny_decoder_beats_the_noisy_image(camera, measurement):
    recovery = conv_decoder.recover(measurement.operator, measurement.y, TINY)
    noisy = psnr(measurement.operator.adjoint(measurement.y), camera)
    assert psnr(recovery.image, camera) > noisy + 2
    assert (recovery.method, recovery.steps, recovery.outcome) == ("conv-decoder", 150, "steps ended")
    assert set(recovery.others) == {"last", "average"}
    assert torch.equal(recovery.others["average"], recovery.image)
    assert recovery.misfit == pytest.approx(float((recovery.image.flatten() - measurement.y).square().sum()), rel=1e-4)


def test_the_average_is_that_of_the_iterates(measurement):
    operator, y = measurement.operator, measurement.y
    few = replace(TINY, steps=3, average=0.5)
    u = [conv_decoder.recover(operator, y, replace(few, steps=t)).others["last"] for t in (1, 2, 3)]
    recovery = conv_decoder.recover(operator, y, few)
    torch.testing.assert_close(recovery.image, (u[0] + 2 * u[1] + 4 * u[2]) / 7, rtol=0, atol=1e-5)
    torch.testing.assert_close(recovery.others["last"], u[2], rtol=0, atol=0)


def test_without_an_average_the_last_iterate_is_returned(measurement):
    recovery = conv_decoder.recover(measurement.operator, measurement.y, replace(TINY, steps=5, average=0.0))
    assert set(recovery.others) == {"last"}
    assert torch.equal(recovery.image, recovery.others["last"])


def test_descent_is_that_of_a_plain_loop(measurement):
    """Adam on the mean of squares over pixels on [0, 1], written out."""
    steps, noisy = 4, (measurement.operator.adjoint(measurement.y) + 1) / 2
    chosen = replace(TINY, steps=steps, average=0.0)
    network = conv_decoder.recover(measurement.operator, measurement.y, chosen, seed=5).image
    module, z = conv_decoder_network(measurement.operator.shape)
    adam = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(steps):
        u = (module(z)[0] + 1) / 2
        adam.zero_grad()
        (u - noisy).square().mean().backward()
        adam.step()
    torch.testing.assert_close(network, 2 * u.detach() - 1, rtol=0, atol=1e-4)


def test_noise_of_the_input_is_fresh_at_every_step(measurement):
    """Adam on the mean of squares, with z + 0.05 N(0, I) in place of z, written out."""
    chosen = replace(TINY, steps=3, average=0.0, input_noise=0.05)
    image = conv_decoder.recover(measurement.operator, measurement.y, chosen, seed=5).image
    module, z = conv_decoder_network(measurement.operator.shape)
    adam, rng = torch.optim.Adam(module.parameters(), 0.01), stream(5, "input noise", 0)
    noisy = (measurement.operator.adjoint(measurement.y) + 1) / 2
    for _ in range(3):
        fresh = torch.from_numpy(rng.standard_normal(tuple(z.shape), dtype=np.float32)).reshape(z.shape)
        u = (module(z + 0.05 * fresh)[0] + 1) / 2
        adam.zero_grad()
        (u - noisy).square().mean().backward()
        adam.step()
    torch.testing.assert_close(image, 2 * u.detach() - 1, rtol=0, atol=1e-4)
    assert not torch.equal(image, conv_decoder.recover(measurement.operator, measurement.y, TINY, seed=5).image)


def test_a_skip_net_is_fitted_as_a_decoder_is(measurement, camera):
    chosen = replace(TINY, network="skip-unet", network_options={"width": 8}, steps=60, input_noise=0.02)
    recovery = conv_decoder.recover(measurement.operator, measurement.y, chosen)
    assert psnr(recovery.image, camera) > psnr(measurement.operator.adjoint(measurement.y), camera)


def conv_decoder_network(shape):
    from untrained.sims.networks.generators import architecture

    return architecture("conv-decoder", shape, channels=12).start(5, 0, "torch-today")


@pytest.mark.parametrize("rule", ["last-window", "discrepancy", "windowed-variance", "held-out"])
def test_rules_that_see_no_truth_stop_it(measurement, camera, rule):
    chosen = replace(TINY, stopping=rule, noise=measurement.noise, average=0.5)
    recovery = conv_decoder.recover(measurement.operator, measurement.y, chosen)
    assert psnr(recovery.image, camera) > psnr(measurement.operator.adjoint(measurement.y), camera)
    if rule == "discrepancy":
        assert recovery.outcome == "stopped early"
        assert recovery.misfit <= measurement.noise**2 * 1.001


def test_the_rule_that_sees_the_truth_is_refused():
    with pytest.raises(ValueError, match=r"^stopping must be a rule that looks at no truth, got 'oracle'"):
        replace(TINY, stopping="oracle")


def test_presets_have_the_published_numbers(measurement):
    paper, under = (conv_decoder.preset(name, measurement.operator) for name in ("paper", "paper-under"))
    for chosen, channels in ((paper, 512), (under, 128)):
        assert (chosen.optimiser, chosen.learning_rate, chosen.steps) == ("adam", 0.01, 1500)
        assert chosen.network_options["channels"] == channels
        assert (chosen.average, chosen.stopping, chosen.initialisation) == (0.98, "fixed", "torch-today")
    denoising = [conv_decoder.preset("best", every_pixel((1, side, 512))) for side in (191, 192, 383, 384)]
    assert [(s.steps, s.network_options["channels"]) for s in denoising] == [
        (200, 64),
        (400, 64),
        (400, 64),
        (400, 128),
    ]
    sensing = make_operator("gaussian", (1, 16, 16), m=20)
    assert conv_decoder.preset("best", sensing).optimiser == "adam"
    choices = "paper, paper-under, best, fast, interpolation"
    with pytest.raises(ValueError, match=rf"^preset must be one of {choices}, got 'slow'"):
        conv_decoder.preset("slow", measurement.operator)


def cut(level):
    u, y = torch.rand(40, dtype=torch.float64), torch.linspace(-0.3, 1.3, 40, dtype=torch.float64).clamp(0, 1)
    return u.requires_grad_(), y, conv_decoder.censored_squares(u - y, y, level)


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_cut_pixels_have_the_likelihood_of_what_lies_beyond(level):
    u, y, costs = cut(level)
    law = norm(u.detach().numpy(), level)
    inside = -law.logpdf(y.numpy()) - math.log(level * math.sqrt(2 * math.pi))
    wanted = np.where(y == 0, -law.logcdf(0), np.where(y == 1, -law.logsf(1), inside))
    np.testing.assert_allclose(costs.detach().numpy(), 2 * level**2 * wanted, rtol=1e-9, atol=1e-15)
    costs.sum().backward()
    assert (u.grad[y == 0] > 0).all()
    assert (u.grad[y == 1] < 0).all()


@pytest.mark.parametrize("level", [1e-2, 1e-4, 1e-6, 1e-9])
def test_little_noise_leaves_the_distance_to_the_end(level):
    u, y = torch.tensor([-0.3, 0.2, 0.7, 0.7, 1.2], requires_grad=True), torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0])
    costs = conv_decoder.censored_squares(u - y, y, level)
    costs.sum().backward()
    # -2 L^2 log Phi(-d/L) is d^2 + O(L^2 log(d/L)), and its derivative 2 d + O(L^2/d)
    for values, wanted in ((costs, [0, 0.04, 0.49, 0.09, 0]), (u.grad, [0, 0.4, 1.4, -0.6, 0])):
        np.testing.assert_allclose(values.detach().numpy(), wanted, rtol=1e-5, atol=20 * level**2 + 1e-6)


def test_what_is_known_to_be_cut_is_not_fitted_as_grey():
    black = -torch.ones(1, 16, 16)
    dark = PixelNoise(60.0, clip=True).measurement(black)
    few = replace(TINY, steps=100, noise=dark.noise, average=0.0, learning_rate=0.03)
    known, unknown = (
        conv_decoder.recover(dark.operator, dark.y, replace(few, clipped=clipped)).image for clipped in (True, False)
    )
    # squares fit the mean of what is cut, 0.4 deviations above black
    assert known.mean() + 1 < 2 / 3 * (unknown.mean() + 1)


@pytest.mark.parametrize("clip", [True, False])
def test_only_pixels_on_the_scale_are_taken_as_cut(camera, clip):
    noisy = PixelNoise(60.0, clip=clip).measurement(camera)
    settings = [replace(TINY, steps=3, noise=noisy.noise, clipped=clipped) for clipped in (True, False)]
    images = [conv_decoder.recover(noisy.operator, noisy.y, s).image for s in settings]
    assert torch.equal(*images) is not clip


@pytest.mark.parametrize("changes", [{}, {"optimiser": "muon", "clipped": True, "tv_weight": 0.1}])
def test_networks_one_after_another_are_those_side_by_side(monkeypatch, camera, changes):
    noisy = PixelNoise(60.0, clip=True).measurement(camera)
    settings = replace(TINY, steps=4, restarts=3, combine="mean", noise=noisy.noise, input_noise=0.02, **changes)
    together = conv_decoder.recover(noisy.operator, noisy.y, settings, seed=2)
    monkeypatch.setattr(conv_decoder, "ALONE_FROM", 1)
    apart = conv_decoder.recover(noisy.operator, noisy.y, settings, seed=2)
    torch.testing.assert_close(apart.image, together.image, rtol=0, atol=2e-4)
    assert apart.trace["restart_misfits"] == pytest.approx(together.trace["restart_misfits"], rel=1e-3)


def test_the_preset_to_interpolate_has_the_published_numbers(measurement):
    chosen = conv_decoder.preset("interpolation", measurement.operator)
    assert chosen.network_options == {"channels": 256, "depth": 5, "growth": "geometric"}
    assert (chosen.optimiser, chosen.learning_rate, chosen.steps) == ("adam", 0.005, 100_000)
    assert (chosen.average, chosen.stopping, chosen.decay) == (0.0, "fixed", False)


SENSED = {
    "gaussian": {"m": 64},
    "inpainting": {"m": 85},
    "multicoil": {"coils": 3, "acceleration": 4},
    "fourier-radial": {"lines": 5},
}


@pytest.mark.parametrize("name", SENSED)
def test_descent_to_the_end_interpolates_any_linear_measurements(name):
    x = example_image("camera", grey=True, size=(16, 16))
    operator = make_operator(name, x.shape, **SENSED[name])
    settings = replace(
        conv_decoder.PRESETS["interpolation"],
        network_options={"channels": 24, "depth": 3, "growth": "geometric"},
        steps=200,
    )
    recovery = conv_decoder.recover(operator, operator.forward(x), settings)
    assert (recovery.steps, recovery.outcome) == (200, "steps ended")
    torch.testing.assert_close(recovery.image, recovery.others["last"], rtol=0, atol=0)
    # No image of one grey level comes near a hundredth of the energy.
    assert recovery.misfit < 1e-2 * float(operator.forward(x).square().sum())


def test_non_local_means_by_its_noise_and_by_an_estimate(camera, measurement):
    operator, y = measurement.operator, measurement.y
    recovery = non_local_means.recover(operator, y, NonLocalMeansSettings(measurement.noise))
    estimated = non_local_means.recover(operator, y)
    assert psnr(recovery.image, camera) > psnr(operator.adjoint(y), camera) + 1
    assert recovery.certificate["pixel_sigma"] == pytest.approx(2 * 40 / 255)
    assert 0.5 < estimated.certificate["pixel_sigma"] / recovery.certificate["pixel_sigma"] < 2


def test_non_local_means_wants_every_pixel():
    operator = make_operator("dct", (1, 8, 8), 64)
    with pytest.raises(ValueError, match=r"^operator must see every pixel for non-local-means .*, got dct"):
        non_local_means.recover(operator, torch.zeros(64))


def test_the_noisy_image_is_returned_as_it_was_measured(measurement):
    recovery = pixel_denoisers.recover(measurement.operator, measurement.y)
    assert torch.equal(recovery.image.flatten(), measurement.y)
    assert (recovery.method, recovery.misfit) == ("noisy", 0.0)


def test_block_matching_by_its_noise_and_by_an_estimate(camera, measurement):
    operator, y = measurement.operator, measurement.y
    recovery = pixel_denoisers.recover(
        operator, y, pixel_denoisers.PixelDenoiserSettings("block-matching", measurement.noise)
    )
    estimated = pixel_denoisers.recover(operator, y, pixel_denoisers.PixelDenoiserSettings("block-matching"))
    assert recovery.method == "block-matching"
    assert psnr(recovery.image, camera) > psnr(operator.adjoint(y), camera) + 1
    assert recovery.certificate["pixel_sigma"] == pytest.approx(2 * 40 / 255)
    assert 0.5 < estimated.certificate["pixel_sigma"] / recovery.certificate["pixel_sigma"] < 2


def test_bm3d_is_told_the_deviation_and_refused_where_it_is_absent(measurement, monkeypatch):
    chosen = pixel_denoisers.PixelDenoiserSettings("bm3d", measurement.noise)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"^denoiser bm3d must be installed first"):
        pixel_denoisers.recover(measurement.operator, measurement.y, chosen)
    calls = []
    double = lambda noisy, sigma: (calls.append(sigma), noisy / 2)[1]  # noqa: E731
    monkeypatch.setitem(pixel_denoisers._DENOISERS, "bm3d", ("bm3d", double))
    recovery = pixel_denoisers.recover(measurement.operator, measurement.y, chosen)
    assert calls == [pytest.approx(2 * 40 / 255)]
    torch.testing.assert_close(recovery.image.flatten(), measurement.y / 2)
    assert recovery.method == "bm3d"


@pytest.mark.parametrize(
    ("options", "said"), [({"denoiser": "x"}, "^denoiser must be one of"), ({"noise": -1.0}, "^noise must be")]
)
def test_settings_of_pixel_denoisers_are_checked(options, said):
    with pytest.raises(ValueError, match=said):
        pixel_denoisers.PixelDenoiserSettings(**options)
