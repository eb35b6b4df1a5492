"""The solver for benchopt, against stand-ins of its base class and of deepinv's physics: neither is installed."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest
import torch

import untrained
from untrained.sims.recovery.methods import METHODS

FILE = Path(__file__).parents[2] / "benchmarks/benchopt/solvers/untrained_prior.py"
SHAPE = (1, 8, 8)


class BaseSolver:
    """As benchopt: parameters become attributes."""

    def __init__(self, **parameters):
        vars(self).update(parameters)


class Physics:
    """A blur by the mean of neighbours in a row, as images: A = A^T."""

    def A(self, x):
        return (x + torch.roll(x, 1, -1) + torch.roll(x, -1, -1)) / 3

    A_adjoint = A


class WrongPhysics(Physics):
    def A_adjoint(self, y):
        return y


@pytest.fixture
def module(monkeypatch):
    benchopt = types.ModuleType("benchopt")
    benchopt.BaseSolver = BaseSolver
    monkeypatch.setitem(sys.modules, "benchopt", benchopt)
    spec = importlib.util.spec_from_file_location("untrained_prior", FILE)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def model_of(module, method, preset):
    solver = module.Solver(method=method, preset=preset, seed=3)
    solver.set_objective(train_dataset=None, physics=Physics())
    solver.run(None)
    return solver.get_result()["model"]


def images(count=2):
    ramp = torch.linspace(0, 1, 64).reshape(SHAPE)
    return torch.stack([ramp if i % 2 else 1 - ramp for i in range(count)])


def test_the_parameters_are_methods_and_presets_there_are(module):
    for method, preset in module.Solver.parameters["method, preset"]:
        assert model_of(module, method, preset).method == method
        assert preset is None or preset in METHODS[method].presets()


def test_each_image_is_recovered_on_the_scale_of_deepinv(module):
    x, physics = images(), Physics()
    recovered = model_of(module, "tv", None).eval()(physics.A(x), physics)
    assert recovered.shape == x.shape
    assert float((recovered - x).abs().max()) < 0.05


def test_the_fit_is_that_of_the_library(module):
    x, physics = images(1), Physics()
    small = {"network_options": {"width": 4}, "steps": 3}
    model = module.Untrained("csdip", "fast", seed=3, **small)
    operator = untrained.operators.user(module._Products(physics, (1, *SHAPE), x.device), SHAPE)
    expected = untrained.recover(operator.forward(2 * x[0] - 1), operator, preset="fast", seed=3, **small).image
    torch.testing.assert_close(model(physics.A(x), physics)[0], (expected.clamp(-1, 1) + 1) / 2, atol=1e-4, rtol=0)


def test_physics_whose_adjoint_is_none_is_refused(module):
    with pytest.raises(ValueError, match="adjoint must be the transpose of forward"):
        model_of(module, "tv", None)(images(), WrongPhysics())
