from dataclasses import replace

import numpy as np
import pytest
import torch

from untrained.sims.recovery.denoising import PixelNoise
from untrained.sims.recovery.tasks import (
    RecoveryTask,
    Sensing,
    is_measurement,
    own_measurement,
    parse_counts,
    parse_size,
    sensing,
    sensing_of,
)


@pytest.mark.parametrize(
    ("sensing", "got"),
    [(Sensing(noise=3, shape=(1, 8, 8)), ("noise", 3)), (PixelNoise(25.0, noisy=True), ("sigma", 25))],
)
def test_a_noise_level_that_is_told_is_not_estimated_over(sensing, got):
    with pytest.raises(ValueError, match="^{} must be left out where it is to be estimated, got {}$".format(*got)):
        RecoveryTask("y.npy", sensing=sensing, estimate=True)
    RecoveryTask("camera.png", sensing=Sensing(noise=3), estimate=True)  # noise that is added to an image


@pytest.mark.parametrize("make", [lambda: Sensing(seed=-1), lambda: RecoveryTask("y.npz", seed=-1)])
def test_a_negative_seed_is_refused(make):
    with pytest.raises(ValueError, match="non-negative integer, got -1"):
        make()


@pytest.mark.parametrize(("text", "size"), [(None, None), ("8", (8, 8)), ("8x9", (8, 9)), ("16X4", (16, 4))])
def test_a_size_is_a_side_or_height_and_width(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "x", "8x", "8x9x3", "-8", "8.5", "8x0", "²"])
def test_another_size_is_refused(text):
    with pytest.raises(ValueError, match="size must be N or HxW"):
        parse_size(text)


def test_a_measurement_file_brings_its_own_operator():
    nothing = {"operator": None, "m": None, "noise": None, "seed": 0, "lines": None}
    assert is_measurement("a/Y.NPZ")
    assert sensing_of("y.npz", **nothing) is None
    for changes in ({"operator": "dct"}, {"m": 3}, {"noise": 0.0}, {"lines": 3}):
        with pytest.raises(ValueError, match=f"^{next(iter(changes))} is for an image"):
            sensing_of("y.npz", **{**nothing, **changes})
    with pytest.raises(ValueError, match="operator and m must be given"):
        sensing_of("y.png", **nothing)
    with pytest.raises(ValueError, match=r"^operator must be given to measure an image, got none for y\.png$"):
        sensing_of("y.png", **{**nothing, "m": 3})
    assert sensing_of("y.png", **{**nothing, "operator": "dct", "m": 3}) == Sensing("dct", 3, {}, 0.0, 0)


def test_an_option_of_an_operator_comes_with_it():
    with pytest.raises(ValueError, match=r"^operator must be given with `mask`, got none$"):
        sensing(None, 100, mask="m.npy", lines=None)
    assert sensing(None, 100, mask=None).operator == "gaussian"


def test_counts_are_whole_numbers_with_commas_between():
    assert parse_counts("m", "500, 1000") == [500, 1000]
    assert parse_counts("m", None) is None
    for text in ("", "5,", "0", "-5", "2.5", "x"):
        with pytest.raises(ValueError, match="m must be whole numbers above 0 with commas between, got"):
            parse_counts("m", text)


U = np.random.default_rng(0).random((1, 4, 4)).astype(np.float32)


def test_magnitudes_of_pixels_from_0_are_divided_by_white(tmp_path):
    sense = Sensing("magnitude", 12, noise=5.0, shape=(1, 4, 4), pixels=(0.0, 255.0))
    y = sense.make((1, 4, 4)).linear_part.forward(torch.from_numpy(255 * U)).abs().numpy()
    np.save(tmp_path / "y.npy", y)
    measurement = own_measurement(str(tmp_path / "y.npy"), (1, 4, 4), sense)
    np.testing.assert_allclose(measurement.y, y / 255, rtol=1e-6)
    np.testing.assert_allclose(measurement.y, measurement.operator.forward(torch.from_numpy(2 * U - 1)), atol=1e-5)
    assert measurement.noise == pytest.approx(5 / 255)
    assert not (measurement.y < 0).any()
    with pytest.raises(ValueError, match=r"^pixels must be 0:HIGH for magnitude, which is not linear, got -3:5$"):
        own_measurement(str(tmp_path / "y.npy"), (1, 4, 4), replace(sense, pixels=(-3.0, 5.0)))


def test_linear_measurements_of_other_pixels_are_shifted_and_divided(tmp_path):
    sense = Sensing("gaussian", 12, noise=5.0, shape=(1, 4, 4), pixels=(100.0, 300.0))
    operator = sense.make((1, 4, 4))
    np.save(tmp_path / "y.npy", operator.forward(torch.from_numpy(100 + 200 * U)).numpy())
    measurement = own_measurement(str(tmp_path / "y.npy"), (1, 4, 4), sense)
    np.testing.assert_allclose(measurement.y, operator.forward(torch.from_numpy(2 * U - 1)), atol=1e-4)
    assert measurement.noise == pytest.approx(5 / 100)
