import math
import struct
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from untrained.sims.images.datasets import available
from untrained.sims.images.images import write_image
from untrained.sims.networks.generators import architecture
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure, save_measurement
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip
from untrained.sims.recovery.fitting import Targets, fitted_part
from untrained.sims.recovery.learned_prior import learn_prior, save_prior
from untrained.sims.recovery.methods import settings_for
from untrained.sims.recovery.tasks import read_measurement
from untrained.sims.recovery.training import choose_weight, learn, parse_weights, training_images

SMALL = ("steps=8", 'network_options={"width": 4, "latent": 4}', "samples=40", "iterations=30")


@pytest.fixture
def files(tmp_path):
    """Three measurement files of different images and operators, the last of another m."""
    for number, m in enumerate((30, 30, 20)):
        pixels = np.random.default_rng(number).uniform(-1, 1, (1, 8, 8)).astype(np.float32)
        operator = make_operator("gaussian", (1, 8, 8), m, seed=number)
        save_measurement(tmp_path / f"{number}.npz", measure(torch.from_numpy(pixels), operator))
    return [str(tmp_path / f"{number}.npz") for number in range(3)]


def test_the_law_is_that_of_the_networks_fitted_to_the_files(files, monkeypatch):
    fitted, fitted_weights = [], csdip.fitted_weights

    def noting(*arguments, **named):
        fitted.append(fitted_weights(*arguments, **named))
        return fitted[-1]

    monkeypatch.setattr("untrained.sims.recovery.csdip.fitted_weights", noting)
    prior = learn(files, SMALL, seed=1)
    again = learn_prior(fitted, samples=40, iterations=30, seed=1)
    assert len(fitted) == 3
    assert prior.layers == again.layers
    assert torch.equal(prior.mean, again.mean)
    assert torch.equal(prior.covariance, again.covariance)


def test_the_weights_are_those_of_the_last_step_and_give_its_image(files):
    measurement = read_measurement(files[0])
    settings = settings_for(
        "csdip", {"steps": "9", "network_options": '{"width": 4, "latent": 4}', "stopping": "fixed"}
    )

    def fitted(seed):
        return csdip.fitted_weights(measurement.operator, measurement.y, settings, seed=seed)

    one, more = fitted(5), fitted(5)
    assert all(torch.equal(one[name], more[name]) for name in one)
    other = fitted(6)
    assert not any(torch.equal(one[name], other[name]) for name in one if one[name].ndim > 1)
    # The image that step 10 starts from is the one that the weights after step 9 give.
    tenth = settings_for("csdip", {"steps": "10", "network_options": '{"width": 4, "latent": 4}', "stopping": "fixed"})
    image = csdip.recover(measurement.operator, measurement.y, tenth, seed=5).image
    chosen = architecture("dcgan", (1, 8, 8), width=4, latent=4)
    network, z = chosen.build().train(), chosen.latent.draw(stream(5, "latent", 0)).float()
    network.load_state_dict(one, strict=False)
    torch.testing.assert_close(network(z[None])[0].detach(), image, atol=1e-5, rtol=0)


def test_every_file_has_networks_of_its_own_and_the_seed_decides(files):
    def mean(*names, seed=0):
        return learn(names, SMALL, seed=seed).mean

    assert torch.equal(mean(*files), mean(*files))
    assert not torch.equal(mean(*files), mean(*files, seed=1))
    assert not torch.equal(mean(files[0], files[0]), mean(files[0]))


def test_what_it_was_learned_from_is_told(files):
    meta = learn(files[:2], SMALL, seed=4).meta
    assert meta["measurements"] == [read_measurement(path).fingerprint for path in files[:2]]
    assert (meta["root_seed"], meta["csdip"]["steps"], meta["samples"]) == (4, 8, 40)


def test_progress_is_told_file_by_file(files):
    heard = []

    @contextmanager
    def watching(name):
        heard.append(name)
        yield lambda *numbers: heard.append(numbers[:2])

    learn(files[:2], ("steps=10", *SMALL[1:]), open_progress=watching)
    assert heard == ["1 of 2", (1, 10), (10, 10), "2 of 2", (1, 10), (10, 10)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("restarts=2",), "restarts must be 1 where a prior is learned, got 2"),
        (("samples=many",), "samples must be a whole number, got 'many'"),
        (("samples=1",), "samples must be at least 2, got 1"),
        (("include_norm=yes",), "include_norm must be true or false"),
        (("reading=other",), "reading must be one of"),
        (("sample=3",), "got 'sample'"),
        (("samples",), "KEY=VALUE, got 'samples'"),
    ],
)
def test_bad_settings_are_refused(files, words, sentence):
    with pytest.raises(ValueError, match=sentence):
        learn(files[:1], (*SMALL[:2], *words))


def test_files_that_cannot_be_learned_from_are_refused(files, tmp_path):
    with pytest.raises(ValueError, match="at least one measurement file, got none"):
        learn([], SMALL)
    operator = make_operator("gaussian", (1, 9, 8), 30)
    save_measurement(tmp_path / "wide.npz", measure(torch.zeros(1, 9, 8), operator))
    with pytest.raises(ValueError, match=r"one shape, got \(1, 8, 8\) and \(1, 9, 8\) in .*wide.npz"):
        learn([files[0], str(tmp_path / "wide.npz")], SMALL)
    write_image(tmp_path / "x.png", torch.zeros(1, 8, 8))
    with pytest.raises(ValueError, match="measurement"):
        learn([str(tmp_path / "x.png")], SMALL)


def an_idx_file(path, count, side=6):
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side), dtype=np.uint8)
    path.write_bytes(struct.pack(">IIII", 0x803, *pixels.shape) + pixels.tobytes())
    return pixels


def test_images_of_an_idx_file_are_on_the_scale(tmp_path):
    pixels = an_idx_file(tmp_path / "x.idx", 5)
    images = training_images(str(tmp_path / "x.idx"), skip=2)
    np.testing.assert_allclose(images.numpy(), pixels[2:, None] / 127.5 - 1, atol=1e-6)


def test_images_are_resampled(tmp_path):
    pixels = an_idx_file(tmp_path / "x.idx", 3)
    images = training_images(str(tmp_path / "x.idx"), size=(3, 3))
    means = pixels.reshape(3, 3, 2, 3, 2).mean((2, 4)) / 127.5 - 1
    np.testing.assert_allclose(images[:, 0].numpy(), means, atol=1e-6)


def test_the_first_images_of_mnist_are_held_back(monkeypatch):
    numbered = torch.arange(1010.0)[:, None, None, None].expand(-1, 1, 2, 2)
    monkeypatch.setattr("untrained.sims.recovery.training.dataset", lambda name: numbered)
    assert training_images("mnist")[:, 0, 0, 0].tolist() == list(range(1000, 1010))
    assert len(training_images("mnist", skip=0)) == 1010
    with pytest.raises(ValueError, match="skip must leave some of the 1010 images, got 1010"):
        training_images("mnist", skip=1010)


def test_digits_are_taken_whole():
    if why := available("digits"):
        pytest.skip(why)
    assert training_images("digits").shape == (1797, 1, 8, 8)


def test_sources_without_images_are_refused(tmp_path):
    (tmp_path / "labels.idx").write_bytes(struct.pack(">II", 0x801, 3) + b"abc")
    (tmp_path / "none.idx").write_bytes(struct.pack(">IIII", 0x803, 0, 2, 2))
    for name in ("labels", "none"):
        with pytest.raises(ValueError, match=rf"with images in it, got .*{name}.idx"):
            training_images(str(tmp_path / f"{name}.idx"))
    with pytest.raises(ValueError, match="must name a file that exists"):
        training_images(str(tmp_path / "absent.idx"))
    an_idx_file(tmp_path / "x.idx", 2)
    with pytest.raises(ValueError, match="skip must leave some of the 2 images, got -1"):
        training_images(str(tmp_path / "x.idx"), skip=-1)


@pytest.fixture
def prior(files, tmp_path):
    path = tmp_path / "prior.npz"
    save_prior(path, learn(files[:2], SMALL, seed=1))
    return str(path)


def test_the_weight_chosen_is_that_of_least_misfit_where_nothing_was_fitted(files, prior):
    best, misfits = choose_weight(prior, files, [10.0, 0.0, 1.0], ("steps=30", SMALL[1]), seed=4)
    assert list(misfits) == [0.0, 1.0, 10.0]
    assert misfits[best] == min(misfits.values())
    assert len(set(misfits.values())) == 3
    assert choose_weight(prior, files, [0.0, 1.0, 10.0], ("steps=30", SMALL[1]), seed=4) == (best, misfits)


def test_fits_know_the_noise_of_each_file_as_those_of_a_recovery_do(files, prior, monkeypatch):
    clean = read_measurement(files[0])
    save_measurement(files[0], replace(clean, noise=2.0))
    levels = []
    monkeypatch.setattr(csdip, "held_out_misfit", lambda *given, **_: levels.append(given[2].noise) or 1.0)
    fitted_weights = csdip.fitted_weights
    monkeypatch.setattr(
        csdip,
        "fitted_weights",
        lambda *given, **named: levels.append(given[2].noise) or fitted_weights(*given, **named),
    )
    learn(files[:2], SMALL)
    choose_weight(prior, files[:2], [1.0], SMALL[:2])
    assert levels == [2.0, 0.0, 2.0, 0.0]
    learn(files[:1], (*SMALL, "noise=3"))
    assert levels[4:] == [3.0]


def test_a_fit_that_diverged_chooses_no_weight(files, prior):
    small = ("steps=30", SMALL[1])
    best, misfits = choose_weight(prior, files, [0.0, 1e300], small, seed=4)
    assert best == 0
    assert math.isnan(misfits[1e300])
    with pytest.raises(ValueError, match=r"as no fit that diverges has, got \[nan, nan\]"):
        choose_weight(prior, files, [1e299, 1e300], small, seed=4)


def test_the_misfit_that_chooses_is_on_measurements_the_fit_never_saw(files):
    measurement = read_measurement(files[0])
    operator, y = measurement.operator, measurement.y
    settings = settings_for("csdip", {"steps": "30", "network_options": '{"width": 4, "latent": 4}'})
    unseen = ~fitted_part(30, settings.held_out, 3)
    held_out = replace(settings, stopping="held-out")
    image = csdip.recover(operator, y, held_out, seed=3).image
    expected = (operator.forward(image) - y)[unseen].square().mean()
    assert csdip.held_out_misfit(operator, y, settings, seed=3) == pytest.approx(float(expected), rel=1e-6)
    # What is held out does not move the weights, whatever it is.
    data = Targets([operator], y[None], 1, held_out, 3)
    x = image[None].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(data.misfits(x)[0].sum(), x)
    slope = operator.adjoint(2 * (operator.forward(image) - y) * ~unseen)
    torch.testing.assert_close(gradient[0], slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("text", ["", "1,,2", "-1", "nan", "1,x", "inf"])
def test_weights_that_are_no_numbers_are_refused(text):
    with pytest.raises(ValueError, match="weights must be numbers of at least 0 with commas between"):
        parse_weights(text)
    assert parse_weights("0, 1,1e3") == [0.0, 1.0, 1000.0]
