"""The makers of operators by plain signatures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import untrained.sims
from untrained.sims import operators
from untrained.sims.operators import make_operator

SHAPE = (1, 8, 8)
MASK = np.arange(64).reshape(8, 8) % 3 == 0
MAKERS = [
    (operators.gaussian(SHAPE, 9, seed=2), ("gaussian", SHAPE, 9, 2), {}),
    (operators.gaussian_seeded(SHAPE, 9, seed=2), ("gaussian-seeded", SHAPE, 9, 2), {}),
    (operators.fourier_radial(SHAPE, 2), ("fourier-radial", SHAPE), {"lines": 2}),
    (operators.dct(SHAPE, 9, seed=2), ("dct", SHAPE, 9, 2), {}),
    (operators.hadamard(SHAPE, 9, seed=2), ("hadamard", SHAPE, 9, 2), {}),
    (operators.scrambled_dct(SHAPE, 9, seed=2), ("scrambled-dct", SHAPE, 9, 2), {}),
    (operators.scrambled_hadamard(SHAPE, 9, seed=2), ("scrambled-hadamard", SHAPE, 9, 2), {}),
    (operators.inpainting(SHAPE, 9, seed=2), ("inpainting", SHAPE, 9, 2), {}),
    (operators.inpainting(SHAPE, mask=MASK), ("inpainting", SHAPE), {"mask": MASK}),
    (operators.superresolution(SHAPE, 2), ("superres", SHAPE), {"factor": 2}),
    (operators.multicoil(SHAPE, 2, 4, seed=2), ("multicoil", SHAPE, None, 2), {"coils": 2, "acceleration": 4}),
    (operators.fourier_cartesian(SHAPE, MASK), ("fourier-cartesian", SHAPE), {"mask": MASK}),
    (operators.magnitude(SHAPE, 9, seed=2), ("magnitude", SHAPE, 9, 2), {}),
]


@pytest.mark.parametrize(("operator", "arguments", "options"), MAKERS)
def test_a_maker_makes_the_operator_of_its_name(operator, arguments, options):
    assert operator.fingerprint() == make_operator(*arguments, **options).fingerprint()


def test_every_operator_has_a_maker():
    assert {operator.name for operator, _, _ in MAKERS} == set(operators.OPERATORS)


class Halves:
    """An object of somebody else's."""

    def forward(self, x):
        return x.flatten()[::2]

    def adjoint(self, y):
        x = torch.zeros(64, dtype=y.dtype)
        x[::2] = y
        return x.reshape(SHAPE)


def test_a_user_s_object_is_adapted():
    assert operators.user(Halves(), SHAPE).m == operators.user(Halves(), SHAPE, 32).m == 32
    with pytest.raises(ValueError, match=r"^operator must have a method forward, got int without it$"):
        operators.user(3, SHAPE)


def test_bad_input_names_the_argument():
    with pytest.raises(ValueError, match=r"^m must be between 1 and 64, got 0$"):
        operators.gaussian(SHAPE, 0)
    with pytest.raises(ValueError, match=r"^seed must be at least 0, got -1$"):
        operators.dct(SHAPE, 3, seed=-1)
    with pytest.raises(ValueError, match=r"^factor must divide height and width, got 3 for 8x8$"):
        operators.superresolution(SHAPE, 3)


def test_the_package_itself_loads_no_torch():
    code = "import sys, untrained.sims.operators as o; print('torch' in sys.modules, sorted(o.__all__) == dir(o))"
    root = Path(untrained.sims.__file__).resolve().parents[1]
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "True"]


def test_what_is_no_operator_is_no_attribute():
    with pytest.raises(AttributeError, match="radon"):
        _ = operators.radon
