import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import norm

from untrained.sims.images.images import example_image
from untrained.sims.operators import as_operator, make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines import amp
from untrained.sims.recovery.baselines.amp import DAMPSettings, denoise_with_divergence, recover
from untrained.sims.recovery.baselines.denoise import DENOISERS

SHAPE = (1, 16, 16)
PIECES = example_image("shepp-logan", size=16)
"""A phantom: nearly piecewise constant."""


def normal(shape, seed=0, name="normal"):
    return torch.from_numpy(stream(seed, name).standard_normal(shape, dtype=np.float32))


def linear(x, sigma):
    """The best estimate of pixels N(0, 1) in noise of deviation sigma."""
    return x / (1.0 + sigma**2)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(DENOISERS, "linear", linear)
    return DAMPSettings(denoiser="linear", box=False, second_strength=1.0, steps=8, tolerance=0.0)


class Scaled:
    """A times a number."""

    def __init__(self, operator, factor):
        self.operator, self.factor = operator, factor

    def forward(self, x):
        return self.factor * self.operator.forward(x)

    def adjoint(self, y):
        return self.factor * self.operator.adjoint(y)


def dense(operator):
    n = math.prod(operator.shape)
    return operator.forward(torch.eye(n).reshape(n, *operator.shape)).T.double().numpy()


def by_the_letter(operator, y, denoiser, settings, seed):
    """Equations of the paper with a matrix, in float64; the divergence from one random vector by its definition."""
    A = dense(operator) / math.sqrt(operator.gain)
    y = y.double().numpy() / math.sqrt(operator.gain)
    m, n = A.shape
    x, z, images = np.zeros(n), y.copy(), []
    for t in range(settings.steps):
        sigma, noisy = np.linalg.norm(z) / math.sqrt(m), x + A.T @ z
        b = stream(seed, "divergence", t).integers(2, size=operator.shape).ravel() * 2.0 - 1.0
        eps = settings.probe * sigma or abs(noisy).max() / 1000
        clean, moved = (
            denoiser(torch.from_numpy(v).reshape(operator.shape), sigma).numpy().ravel()
            for v in (noisy, noisy + eps * b)
        )
        divergence = b @ (moved - clean) / eps
        x = settings.damping * clean + (1 - settings.damping) * x
        z = settings.damping * (y - A @ x + z * divergence / m) + (1 - settings.damping) * z
        images.append(x.reshape(operator.shape))
    return images


@pytest.mark.parametrize(("damping", "probe"), [(1.0, 0.0), (0.6, 0.0), (1.0, 0.1)])
@pytest.mark.parametrize("name", ["gaussian", "scrambled-dct"])
def test_the_iteration_is_that_of_the_paper(toy, name, damping, probe):
    operator, x = make_operator(name, SHAPE, 120, seed=1), normal(SHAPE)
    y, settings = operator.forward(x), dataclasses.replace(toy, damping=damping, probe=probe)
    images = by_the_letter(operator, y, linear, settings, seed=5)
    recovery = recover(operator, y, settings, seed=5)
    misfits = [np.square(operator.forward(torch.from_numpy(i).float()).numpy() - y.numpy()).sum() for i in images]
    # A divided difference of float32 with a step of 1e-3 of the pixels is good to 1e-4 of n; eight steps carry it on.
    np.testing.assert_allclose(recovery.trace["misfit"], misfits, rtol=1e-2)
    best = 3 + int(np.argmin(misfits[3:]))  # of the second half: from step 4 on
    np.testing.assert_allclose(recovery.image.numpy(), images[best], atol=1e-2)
    assert np.abs(images[-1] - images[0]).max() > 0.1


def descent_by_the_letter(operator, y, denoiser, steps, last):
    """Nesterov's method with a denoiser for the proximal step, in float64; each image with its strength."""
    A, y = dense(operator), y.double().numpy()
    x = ahead = np.zeros(A.shape[1])
    t, images = 1.0, []
    for sigma in np.geomspace(1.0, last, steps):
        new = denoiser(ahead + A.T @ (y - A @ ahead) / operator.squared_norm(), sigma)
        t_new = (1 + math.sqrt(1 + 4 * t**2)) / 2
        x, ahead, t = new, new + (t - 1) / t_new * (new - x), t_new
        images.append(x.reshape(operator.shape))
    return images


@pytest.mark.parametrize("name", ["gaussian", "dct"])
def test_plug_and_play_is_accelerated_descent(toy, name):
    operator = make_operator(name, SHAPE, 120, seed=1)
    y = operator.forward(normal(SHAPE))
    images = descent_by_the_letter(operator, y, linear, toy.steps, toy.last_sigma)
    recovery = recover(operator, y, dataclasses.replace(toy, rule="plug-and-play"))
    misfits = [np.square(operator.forward(torch.from_numpy(i).float()).numpy() - y.numpy()).sum() for i in images]
    # Float32 against float64 over eight steps, none of which expands.
    np.testing.assert_allclose(recovery.trace["misfit"], misfits, rtol=1e-4)
    np.testing.assert_allclose(recovery.image.numpy(), images[3 + int(np.argmin(misfits[3:]))], atol=1e-5)


def test_the_box_is_kept_where_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(DENOISERS, "linear", linear)
    operator = make_operator("gaussian", SHAPE, 200, seed=1)
    y, settings = operator.forward(3 * PIECES), DAMPSettings(denoiser="linear", steps=5)
    assert recover(operator, y, settings).image.abs().max() == 1
    assert recover(operator, y, dataclasses.replace(settings, box=False)).image.abs().max() > 1.5


def evolution(m, n, noise_sq, steps, deviations=4):
    """Squares of the predicted effective noise from step 1 on, and the error that chance allows them.

    With pixels of unit power and a = 1/(1 + s): s <- noise^2 + (n/m) mse, where mse = ||(a - 1) x + a sqrt(s) w||^2/n
    has mean s/(1 + s) and variance (4 a^2 (1 - a)^2 s + 2 a^4 s^2)/n, and ||z||^2/m varies by sqrt(2/m) of itself. An
    error of s is carried on by the slope (n/m)/(1 + s)^2; that of the strength has no slope, as it is the best one.
    """
    s, error, predictions = noise_sq + n / m, 0.0, []
    for _ in range(steps):
        a, slope = 1 / (1 + s), n / m / (1 + s) ** 2
        chance = n / m * math.sqrt((4 * a**2 * (1 - a) ** 2 * s + 2 * a**4 * s**2) / n)
        s = noise_sq + n / m * s / (1 + s)
        error = slope * error + deviations * (chance + math.sqrt(2 / m) * s)
        predictions.append((s, error))
    return np.array(predictions).T


def gaussian_problem(noise_sq=0.0, name="gaussian", m=1800):
    """Pixels N(0, 1), scaled to unit power exactly, and their measurements."""
    operator, x = make_operator(name, (1, 48, 48), m, seed=2), normal((1, 48, 48))
    x = x / x.square().mean().sqrt()
    return operator, operator.forward(x) + math.sqrt(noise_sq) * normal((m,), name="noise"), x


@pytest.mark.parametrize(("name", "noise_sq"), [("gaussian", 0.0), ("gaussian", 0.2), ("gaussian-seeded", 0.0)])
def test_the_effective_noise_follows_state_evolution(toy, name, noise_sq):
    operator, y, _ = gaussian_problem(noise_sq, name)
    predicted, allowed = evolution(1800, 2304, noise_sq, toy.steps)
    real = np.square(recover(operator, y, toy).trace["sigma"])
    assert (abs(real - predicted) <= allowed).all()
    assert predicted[-1] + allowed[-1] < 0.8 * (noise_sq + 2304 / 1800)  # the law is no constant within what it allows


def without_onsagers_term(denoise, noisy, sigma, signs, eps):
    return denoise(noisy, sigma), 0.0


def test_without_onsagers_term_state_evolution_fails(toy, monkeypatch):
    operator, y, x = gaussian_problem()
    good = recover(operator, y, toy)
    monkeypatch.setattr(amp, "denoise_with_divergence", without_onsagers_term)
    bad = recover(operator, y, toy)
    predicted, allowed = evolution(1800, 2304, 0.0, len(bad.trace["sigma"]))
    assert (abs(np.square(bad.trace["sigma"]) - predicted) > allowed).any()
    assert (bad.image - x).square().mean() > 1.5 * (good.image - x).square().mean()


def test_without_onsagers_term_images_are_worse(monkeypatch):
    operator = make_operator("gaussian", SHAPE, 100, seed=3)
    y = operator.forward(PIECES)
    good = (recover(operator, y).image - PIECES).square().mean()
    monkeypatch.setattr(amp, "denoise_with_divergence", without_onsagers_term)
    assert (recover(operator, y).image - PIECES).square().mean() > 2 * good


def test_the_divergence_of_a_diagonal_map_is_exact():
    d = normal(SHAPE, 1)
    signs = torch.sign(normal(SHAPE, 2))
    for sigma in (0.1, 2.0):
        image, estimate = denoise_with_divergence(lambda x, s: s * d * x, normal(SHAPE, 3), sigma, signs, 4e-3)
        torch.testing.assert_close(image, sigma * d * normal(SHAPE, 3))
        # Differences of float32 numbers of size 4 over a step of 4e-3: 1e-4 a pixel, of random sign over 256 pixels.
        assert estimate == pytest.approx(sigma * float(d.sum()), abs=sigma * 1e-4 * 16 * 5)


def by_matrix(J, x, sigma):
    return (x.flatten(1) @ J.T).reshape(x.shape)


def test_the_divergence_of_a_matrix_is_unbiased():
    J = normal((64, 64), 4).double()
    signs = torch.from_numpy(stream(0, "signs").integers(2, size=(400, 1, 8, 8)) * 2.0 - 1.0)
    noisy = normal((1, 8, 8), 5).double()
    linear_map = partial(by_matrix, J)
    estimates = np.array([denoise_with_divergence(linear_map, noisy, 1.0, b, 1e-3)[1] for b in signs])
    off = (J + J.T) / 2 - torch.diag(torch.diag(J))
    deviation = math.sqrt(2 * float(off.square().sum()))
    # Means of 400 draws within five standard errors; their spread within five of its own (a kurtosis of at most 15).
    assert abs(estimates.mean() - float(torch.trace(J))) < 5 * deviation / 20
    assert abs(estimates.std() / deviation - 1) < 5 * math.sqrt(14 / 400) / 2


@pytest.mark.parametrize("eps", [1e-3, 0.1])
def test_the_divergence_of_a_hard_threshold_is_noise_by_small_steps(eps):
    pixels, T, draws = 4096, 2.0, 300
    estimates = np.array(
        [
            denoise_with_divergence(hard_threshold, image, T, normal((1, 64, 64), k, "signs").sign(), eps)[1]
            for k, image in enumerate(normal((draws, 1, 64, 64)))
        ]
    )
    # By Stein's lemma E[x h(x)] = 2 P(x > T) + 2 T phi(T). A jump counts T/eps; their number is nearly Poisson.
    expected = pixels * (2 * norm.sf(T) + 2 * T * norm.pdf(T))
    deviation = T * math.sqrt(2 * pixels * norm.pdf(T) / eps)
    assert abs(estimates.mean() - expected) < 5 * deviation / math.sqrt(draws)
    assert abs(estimates.std() / deviation - 1) < 5 * math.sqrt(1 / (2 * draws))


def hard_threshold(x, threshold):
    return x * (x.abs() > threshold)


def test_block_matching_of_few_measurements_does_not_diverge():
    x = example_image("page", grey=True, size=(32, 32))
    operator = make_operator("gaussian", tuple(x.shape), 50, seed=1)
    y, settings = operator.forward(x), amp.PRESETS["block-matching"]
    by_small_steps = recover(operator, y, dataclasses.replace(settings, probe=0.0))
    assert by_small_steps.outcome.startswith("diverged")
    assert recover(operator, y, settings).outcome == "steps ended"


def test_the_strength_of_less_risk_is_taken():
    flat, board = torch.zeros(SHAPE), torch.ones(SHAPE)
    board[:, ::2, ::2] = board[:, 1::2, 1::2] = -1.0
    settings, tv = DAMPSettings(second_strength=3.0), DENOISERS["tv"]
    for image, wanted in ((flat, 3.0), (board, 1.0)):
        noisy = image + 0.3 * normal(SHAPE, 6)
        errors = {s: float((tv(noisy, 0.3 * s) - image).square().mean()) for s in (1.0, 3.0)}
        assert min(errors, key=errors.get) == wanted
        taken, _ = amp._least_risk(tv, noisy, 0.3, settings, 0, 0)
        torch.testing.assert_close(taken, tv(noisy, 0.3 * wanted), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["tv", "nlm", "wavelet"])
@pytest.mark.parametrize("operator_name", ["gaussian", "scrambled-dct"])
def test_half_the_measurements_are_enough_for_a_phantom(name, operator_name):
    operator = make_operator(operator_name, SHAPE, 128, seed=7)
    y = operator.forward(PIECES)
    recovery = recover(operator, y, DAMPSettings(denoiser=name))
    best_linear = operator.adjoint(y) / operator.squared_norm()
    assert (recovery.image - PIECES).square().mean() < 0.1 * (best_linear - PIECES).square().mean()
    assert recovery.method == "damp"
    assert recovery.settings["denoiser"] == name


def test_colours_are_recovered():
    image = example_image("astronaut", size=16)
    operator = make_operator("gaussian", (3, 16, 16), 500, seed=1)
    recovery = recover(operator, operator.forward(image))
    assert recovery.image.shape == image.shape
    assert (recovery.image - image).square().mean() < 0.3 * image.var()


@pytest.mark.parametrize("rule", ["amp", "plug-and-play"])
def test_the_misfit_told_is_that_of_the_image_returned(rule):
    operator = make_operator("gaussian", SHAPE, 60, seed=1)
    y = operator.forward(PIECES)
    result = recover(operator, y, DAMPSettings(rule=rule, steps=9))
    assert result.misfit == pytest.approx(float((operator.forward(result.image) - y).square().sum()), rel=1e-4)
    assert result.misfit == pytest.approx(min(result.trace["misfit"][4:]), rel=1e-4)  # the second half: steps 5 to 9
    assert result.image.abs().max() <= 1


def test_a_factor_before_the_operator_changes_nothing():
    operator = make_operator("gaussian", SHAPE, 100, seed=1)
    y = operator.forward(PIECES)
    scaled = as_operator(Scaled(operator, 7.0), SHAPE, 100)
    settings = DAMPSettings(rule="amp", steps=6)
    one, other = recover(operator, y, settings), recover(scaled, 7.0 * y, settings)
    # The gain of a user's operator is estimated from 32 images of random signs over m = 100: by sqrt(2/3200) = 2.5 %,
    # which moves step and strength by half of it.
    assert (one.image - other.image).square().mean() < 0.05 * (one.image - PIECES).square().mean() + 1e-4


def test_the_same_seed_gives_the_same_image():
    operator = make_operator("gaussian", SHAPE, 60, seed=1)
    y = operator.forward(PIECES)
    one, again, other = (recover(operator, y, DAMPSettings(steps=5), seed=seed).image for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_y_zero_gives_the_zero_image_at_once():
    recovery = recover(make_operator("gaussian", SHAPE, 60), torch.zeros(60))
    assert (recovery.outcome, recovery.steps, float(recovery.image.abs().max())) == ("converged", 1, 0.0)


def test_enough_measurements_converge():
    operator = make_operator("gaussian", SHAPE, 240, seed=1)
    recovery = recover(operator, operator.forward(torch.full(SHAPE, 0.5)), DAMPSettings(steps=100))
    assert recovery.outcome == "converged"
    assert recovery.steps < 100
    # A relative change of 1e-4 at a contraction of at most a half leaves no more than 2e-4 of the image.
    assert (recovery.image - 0.5).abs().max() < 1e-3


def test_growing_noise_is_told_as_divergence_with_the_best_image(monkeypatch):
    monkeypatch.setitem(DENOISERS, "linear", lambda x, sigma: -3.0 * x)
    operator = make_operator("gaussian", SHAPE, 60, seed=1)
    y = operator.forward(PIECES)
    recovery = recover(operator, y, DAMPSettings(denoiser="linear", box=False))
    assert recovery.outcome == "diverged at step 1"
    assert torch.equal(recovery.image, torch.zeros(SHAPE))  # nothing fitted better than the zero image
    assert recovery.misfit == pytest.approx(float(y.square().sum()))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("rule", ["amp", "plug-and-play"])
def test_numbers_that_are_not_finite_are_an_outcome(monkeypatch, bad, rule):
    calls = []

    def breaks(x, sigma):
        calls.append(sigma)
        return x * (bad if len(calls) > 4 else 0.5)

    monkeypatch.setitem(DENOISERS, "linear", breaks)
    operator = make_operator("gaussian", SHAPE, 200, seed=1)
    settings = DAMPSettings(rule=rule, denoiser="linear", box=False, second_strength=1.0)
    recovery = recover(operator, operator.forward(PIECES), settings)
    assert recovery.outcome == "diverged at step 5"
    assert torch.isfinite(recovery.image).all()
    assert len(recovery.trace["misfit"]) == 4


def test_plug_and_play_is_for_operators_with_structure():
    image, shape = example_image("camera", size=32), (1, 32, 32)
    operator = make_operator("fourier-radial", shape, lines=6)
    y = operator.forward(image)
    best_linear = (operator.adjoint(y) - image).square().mean()
    message_passing, descent = (recover(operator, y, DAMPSettings(rule=rule)) for rule in ("amp", "plug-and-play"))
    assert message_passing.outcome.startswith("diverged at step ")
    assert (
        (descent.image - image).square().mean()
        < 0.9 * best_linear
        < 0.9 * (message_passing.image - image).square().mean()
    )
    assert descent.outcome == "steps ended"
    assert descent.trace["sigma"][0] == 1.0
    assert descent.trace["sigma"][-1] == pytest.approx(0.01)


def test_an_interrupt_gives_the_best_image_so_far():
    operator = make_operator("gaussian", SHAPE, 60, seed=1)
    y, reports = operator.forward(PIECES), []

    def watch(step, total, loss):
        reports.append((step, total, loss))
        if step == 3:
            raise KeyboardInterrupt

    recovery = recover(operator, y, watch=watch)
    assert recovery.outcome == "interrupted"
    assert recovery.steps == 3
    assert [(step, total) for step, total, _ in reports] == [(1, 30), (2, 30), (3, 30)]
    assert recovery.misfit == pytest.approx(min(loss for _, _, loss in reports))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "vamp"}, "rule must be one of auto, amp, plug-and-play, got 'vamp'"),
        ({"denoiser": "median"}, "denoiser must be one of tv, nlm, wavelet, block-matching, bm3d, got 'median'"),
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"steps": 2.5}, "steps must be an integer of at least 1, got 2.5"),
        ({"steps": True}, "steps must be an integer of at least 1, got True"),
        ({"damping": 0.0}, "damping must be above 0 and at most 1, got 0.0"),
        ({"damping": 1.1}, "damping must be above 0 and at most 1, got 1.1"),
        ({"second_strength": 0.5}, "second_strength must be at least 1 and finite, got 0.5"),
        ({"second_strength": math.inf}, "second_strength must be at least 1 and finite, got inf"),
        ({"probe": -0.1}, "probe must be at least 0 and finite, got -0.1"),
        ({"tolerance": -1.0}, "tolerance must be at least 0, got -1.0"),
        ({"tolerance": math.nan}, "tolerance must be at least 0, got nan"),
        ({"last_sigma": 0.0}, "last_sigma must be above 0 and at most 1, got 0.0"),
        ({"last_sigma": 2.0}, "last_sigma must be above 0 and at most 1, got 2.0"),
    ],
)
def test_bad_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        DAMPSettings(**change)


def test_bad_measurements_are_refused():
    operator = make_operator("gaussian", SHAPE, 10)
    for y in (torch.zeros(9), torch.zeros(1, 10), torch.full((10,), math.nan)):
        with pytest.raises(ValueError, match=r"y must (be finite|have the operator.s 10 entries)"):
            recover(operator, y)
    with pytest.raises(ValueError, match=r"operator must measure something, got zeros for every image"):
        as_operator(Scaled(operator, 0.0), SHAPE, 10)


@pytest.mark.parametrize(
    ("name", "rule"), [("gaussian", "amp"), ("scrambled-dct", "amp"), ("inpainting", "plug-and-play")]
)
def test_the_rule_is_chosen_for_the_operator_and_told(name, rule):
    operator = make_operator(name, SHAPE, 100)
    y = operator.forward(PIECES)
    chosen, named = recover(operator, y, DAMPSettings(steps=3)), recover(operator, y, DAMPSettings(rule=rule, steps=3))
    assert chosen.settings["rule"] == rule
    assert torch.equal(chosen.image, named.image)


def test_presets_are_the_denoisers_and_block_matching_is_damped():
    assert {name: chosen.denoiser for name, chosen in amp.PRESETS.items()} == {name: name for name in amp.PRESETS}
    assert amp.preset("tv", gaussian_problem()[0]) == DAMPSettings()
    damped = amp.preset("block-matching", gaussian_problem()[0])
    assert (damped.damping, damped.second_strength) == (0.7, 1.0)


def test_block_matching_beats_total_variation_on_a_photograph():
    x = example_image("coffee", grey=True, size=(32, 32))
    operator = make_operator("gaussian", tuple(x.shape), 400, seed=0)
    errors = [
        float((recover(operator, operator.forward(x), amp.PRESETS[name]).image - x).square().mean())
        for name in ("block-matching", "tv")
    ]
    assert errors[0] < errors[1]
