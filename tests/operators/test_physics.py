"""Between the house's operators and deepinv's: with a stand-in for its class, and with the package where it is."""

import sys
import types

import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon

from untrained.sims import operators
from untrained.sims.operators import as_operator, as_physics

SHAPE = (1, 8, 8)


class LinearPhysics:
    """The protocol of deepinv 0.5: A and A_adjoint as functions of batches, with options that may be ignored."""

    def __init__(self, A, A_adjoint, img_size):
        self._A, self._A_adjoint, self.img_size = A, A_adjoint, img_size

    def A(self, x):
        return self._A(x, mask=None)

    def A_adjoint(self, y):
        return self._A_adjoint(y, mask=None)


@pytest.fixture
def deepinv(monkeypatch):
    module = types.ModuleType("deepinv.physics")
    module.LinearPhysics = LinearPhysics
    monkeypatch.setitem(sys.modules, "deepinv", types.ModuleType("deepinv"))
    monkeypatch.setitem(sys.modules, "deepinv.physics", module)


def test_an_operator_is_a_physics_and_back(deepinv):
    operator = operators.gaussian(SHAPE, 20, seed=3)
    physics = as_physics(operator)
    x = torch.linspace(-1, 1, 128).reshape(2, *SHAPE)
    assert physics.img_size == SHAPE
    assert torch.equal(physics.A(x), operator.forward(x))
    assert torch.equal(physics.A_adjoint(physics.A(x)), operator.adjoint(operator.forward(x)))
    torch.testing.assert_close(as_operator(physics, SHAPE).forward(x), operator.forward(x))


def test_what_is_no_linear_physics_is_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"^operator must be linear to be a LinearPhysics of deepinv, got magnitude$"):
        as_physics(operators.magnitude(SHAPE, 20))
    monkeypatch.setitem(sys.modules, "deepinv.physics", None)
    with pytest.raises(ValueError, match=r"^deepinv must be installed \(pip install 'untrained\[deepinv\]'\), got"):
        as_physics(operators.gaussian(SHAPE, 20))


class OfColours:
    """A physics for images of three channels."""

    def A(self, x):
        return x

    def A_adjoint(self, y):
        raise RuntimeError("three channels are wanted")


class Nonlinear(OfColours):
    def A(self, x):
        raise RuntimeError("expected complex images")


@pytest.mark.parametrize(
    ("physics", "message"),
    [
        (Nonlinear(), r"^A of the physics must measure images of shape \(1, 8, 8\), got 'expected complex images'$"),
        (OfColours(), "got 'adjoint: three channels are wanted'"),
    ],
)
def test_a_physics_of_other_images_is_refused_in_a_sentence(physics, message):
    with pytest.raises(ValueError, match=message):
        as_operator(physics, SHAPE)


def test_deepinvs_own_physics_is_measured_by():
    physics = pytest.importorskip("deepinv.physics", reason="deepinv is not installed")
    operator = as_operator(physics.CompressedSensing(m=20, img_size=SHAPE), SHAPE)
    assert operator.m == 20
    assert float(as_physics(operator).adjointness_test(torch.ones(1, *SHAPE))) < 1e-4


def test_pylops_is_taken():
    pylops = pytest.importorskip("pylops", reason="pylops is not installed")
    operator = as_operator(pylops.FirstDerivative(dims=(8, 8), axis=0), SHAPE)
    assert operator.m == 64


class Unfiltered:
    """The Radon transform, and back projection without a filter."""

    theta = np.linspace(0, 180, 10, endpoint=False)

    def forward(self, x):
        return radon(x[0], self.theta, circle=False).ravel()

    def adjoint(self, y):
        return iradon(y.reshape(-1, 10), self.theta, 8, None, circle=False)[None]


def test_back_projection_without_a_filter_is_no_adjoint_of_the_radon_transform():
    with pytest.raises(ValueError, match="adjoint must be the transpose of forward within 1e-05, got a dot test of"):
        as_operator(Unfiltered(), SHAPE)
