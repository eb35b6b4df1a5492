"""The convolutional generator against differences, loops and many draws."""

from fractions import Fraction as F

import numpy as np
import pytest

from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_jacobian,
    convolution_output,
    half_signs,
    plane_arcs,
    plane_rows,
)

RNG = np.random.default_rng(12)


@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_the_jacobian_is_the_derivative(shape):
    U, C, v = circulant_rows(RNG.standard_normal(shape)), RNG.standard_normal((int(np.prod(shape)), 4)), half_signs(4)
    J, h = convolution_jacobian(U, C, v), 1e-7
    for column, (l, i) in enumerate(np.ndindex(C.T.shape)):
        step = np.zeros_like(C)
        step[i, l] = h
        slope = (convolution_output(U, C + step, v) - convolution_output(U, C - step, v)) / (2 * h)
        np.testing.assert_allclose(J[:, column], slope, atol=1e-6)


def test_rows_are_moved_kernels():
    kernel = np.arange(6.0).reshape(2, 3)
    U = circulant_rows(kernel)
    for s, t in np.ndindex(2, 3):
        for a, b in np.ndindex(2, 3):
            assert U[3 * s + t, 3 * a + b] == kernel[(a - s) % 2, (b - t) % 3]


def test_half_of_v_is_negative():
    assert half_signs(4).tolist() == [0.5, 0.5, -0.5, -0.5]


def test_patterns_in_a_plane_are_as_frequent_as_in_draws():
    angles = (F(0), F(1, 3), F(3, 4), F(-1, 5))
    arcs = plane_arcs(angles)
    assert sum(arc.probability for arc in arcs) == 1
    active = plane_rows(angles, (F(1),) * 4) @ RNG.standard_normal((2, 100_000)) > 0
    for arc in arcs:
        share = (active == arc.active[:, None].astype(bool)).all(0).mean()
        assert share == pytest.approx(float(arc.probability), abs=5 * 0.5 / np.sqrt(100_000))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: half_signs(3), "channels must be even, so that half of v is positive, got 3"),
        (lambda: half_signs(0), "channels must be an integer >= 1, got 0"),
        (lambda: circulant_rows(np.zeros(3)), "kernel must not be 0"),
        (lambda: convolution_output(np.eye(3), np.ones((2, 2)), half_signs(2)), "must agree in length, got 3 and 2"),
        (lambda: convolution_jacobian(np.eye(2), np.ones((2, 4)), half_signs(2)), "must agree in length, got 4 and 2"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
