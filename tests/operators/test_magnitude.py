"""Magnitudes |A u| are not linear, and say so wherever a linear operator is asked for."""

import numpy as np
import pytest
import torch

from untrained.sims.operators import make_operator, operator_from_spec
from untrained.sims.operators.measurements import load_measurement, measure, save_measurement
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines import lasso, tv

SHAPE = (1, 4, 6)


def operator(m=10, seed=3):
    return make_operator("magnitude", SHAPE, m, seed)


def images(count):
    return torch.from_numpy(stream(0, "images").uniform(-1, 1, (count, *SHAPE)).astype(np.float32))


def test_magnitudes_are_those_of_the_gaussian_product_of_the_same_seed():
    A, x = make_operator("gaussian", SHAPE, 10, 3).matrix, images(2)
    u = (x.flatten(1) + 1) / 2
    expected = [[abs(sum(a * b for a, b in zip(row, one, strict=True))) for row in A] for one in u]
    assert torch.allclose(operator().forward(x), torch.tensor(expected), atol=1e-5)
    assert torch.equal(operator().linear_part.matrix, A)
    assert operator().linear_part.fingerprint() == make_operator("gaussian", SHAPE, 10, 3).fingerprint()


def test_u_and_minus_u_have_the_same_magnitudes():
    x = images(1)
    assert torch.allclose(operator().forward(x), operator().forward(-x - 2), atol=1e-6)


def test_it_is_not_linear_and_has_no_adjoint():
    magnitude, x = operator(), images(1)[0]
    assert (magnitude.linear, magnitude.linear_part.linear) == (False, True)
    for asked in (
        lambda: magnitude.adjoint(torch.ones(10)),
        lambda: magnitude.residual_and_gradient(x, torch.ones(10)),
    ):
        with pytest.raises(ValueError, match="operator must be linear to have an adjoint, got magnitude"):
            asked()
    for method in (lasso, tv):
        with pytest.raises(ValueError, match="operator must be linear for this method, got magnitude"):
            method.recover(magnitude, magnitude.forward(x))


def test_its_gradient_is_that_of_the_linear_part_with_signs():
    magnitude, x = operator(), images(1)[0].requires_grad_(True)
    magnitude.forward(x).sum().backward()
    A = magnitude.matrix
    signs = torch.sign(A @ ((x.detach() + 1) / 2).flatten())
    assert torch.allclose(x.grad.flatten(), signs @ A / 2, atol=1e-5)


def test_more_magnitudes_than_pixels_are_no_bad_input():
    assert operator(m=3 * 24).forward(images(1)).shape == (1, 72)
    with pytest.raises(ValueError, match="m must be between 1 and 384, got 385"):
        operator(m=385)


def test_a_measurement_is_saved_and_read_again(tmp_path):
    measurement = measure(images(1)[0], operator())
    save_measurement(tmp_path / "y.npz", measurement)
    again = load_measurement(tmp_path / "y.npz")
    assert torch.equal(again.y, measurement.y)
    assert again.operator.fingerprint() == measurement.operator.fingerprint()
    assert operator_from_spec(operator().spec()).name == "magnitude"
    norm = float(torch.linalg.matrix_norm(operator().matrix, 2))
    assert operator().squared_norm() == pytest.approx(norm**2, rel=2e-3)
