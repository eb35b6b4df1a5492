"""What is said where y is of pixels on another scale."""

import pytest
import torch

from untrained.sims import operators
from untrained.sims.operators.measurements import measure
from untrained.sims.recovery.reach import reach_warning
from untrained.sims.recovery.recover import recover

SHAPE = (1, 16, 16)
X = torch.linspace(-1, 1, 256).reshape(SHAPE)
OPERATORS = [
    operators.gaussian(SHAPE, 100, seed=1),
    operators.superresolution(SHAPE, 2),
    operators.inpainting(SHAPE, 60),
]
CODES = 127.5 * (X + 1)
SETTINGS = {
    "csdip": {"network": "decoder", "network_options": {"width": 8, "latent": 8}, "steps": 60, "learning_rate": 0.03},
    "tv": {"max_steps": 50},
    "lasso-dct": {"max_steps": 50},
    "ridge": {},
}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
@pytest.mark.parametrize("method", SETTINGS)
def test_y_of_codes_up_to_255_is_said_to_be_out_of_reach(method, operator):
    recovery = recover(operator.forward(CODES), operator, method, **SETTINGS[method])
    assert recovery.warning.startswith("no image on [-1, 1] has this y, which is ")
    assert recovery.warning in str(recovery)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
@pytest.mark.parametrize("method", SETTINGS)
def test_nothing_is_said_of_y_of_an_image_on_the_scale(method, operator):
    assert recover(operator.forward(X), operator, method, **SETTINGS[method]).warning == ""


def test_the_longest_measurements_are_bounded_by_the_norm():
    operator = OPERATORS[0]
    white = torch.ones(SHAPE)
    longest = (operator.squared_norm() * 256) ** 0.5
    y = operator.forward(X)
    for factor, words in ((1.01, "no image on [-1, 1] has"), (0.99, "")):
        long = y * (factor * longest / y.norm())
        misfit = float((long - operator.forward(white)).square().sum())
        assert reach_warning(operator, long, white, misfit).startswith(words)
    assert reach_warning(operator, long, white, misfit) == ""
    assert reach_warning(operator, long, 2 * white, 0.0).startswith("y may be of pixels on another scale")
    assert reach_warning(operator, y, X, float(y.square().sum())) == ""
    assert reach_warning(operator, 0 * y, X, 0.0) == ""


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_what_noise_does_is_no_other_scale(operator):
    noise = 30.0
    y = measure(X, operator, noise=noise).y
    image = operator.adjoint(y) / operator.gain
    misfit = float((operator.forward(image) - y).square().sum())
    assert reach_warning(operator, y, image, misfit) != ""
    assert reach_warning(operator, y, image, misfit, noise) == ""
    codes = operator.forward(CODES)
    assert reach_warning(operator, codes, 127 * torch.ones(SHAPE), 0.0, noise).startswith("no image on [-1, 1] has")


def test_magnitudes_are_left_out():
    magnitudes = operators.magnitude(SHAPE, 60)
    assert reach_warning(magnitudes, torch.ones(60), 5 * torch.ones(SHAPE), 1e4) == ""


def test_on_the_scale_that_the_advice_names_nothing_is_said():
    operator = OPERATORS[0]
    y = (operator.forward(CODES) - 127.5 * operator.forward(torch.ones(SHAPE))) / 127.5
    torch.testing.assert_close(y, operator.forward(X), rtol=0, atol=1e-4)
