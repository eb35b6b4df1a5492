"""The convolutional generator against differences, loops and many draws."""

from fractions import Fraction as F

import numpy as np
import pytest

from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_descent,
    convolution_jacobian,
    convolution_output,
    expected_output,
    half_signs,
    paired_columns,
    plane_arcs,
    plane_rows,
)
from untrained.theory.objects.dual_kernels import active_share

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


@pytest.mark.parametrize("times", [(1,), (2, 5)])
def test_descent_step_by_step_by_the_jacobian(times):
    U, y, v = circulant_rows(np.array([2.0, 1, 0, 0.5, 0])), RNG.standard_normal(5), half_signs(6)
    C = RNG.standard_normal((5, 6))
    outputs, fast = [], convolution_descent(U, y, C, v, 0.05, times)
    for tau in range(1, max(times) + 1):
        gradient = convolution_jacobian(U, C, v).T @ (convolution_output(U, C, v) - y)
        C = C - 0.05 * gradient.reshape(6, 5).T
        if tau in times:
            outputs.append(convolution_output(U, C, v))
    np.testing.assert_allclose(fast, outputs, atol=1e-12)


def test_descents_side_by_side_are_those_one_by_one():
    U, y, v = circulant_rows(np.array([2.0, 1, 0, 0.5])), RNG.standard_normal((3, 4)), half_signs(4)
    C = paired_columns(RNG.standard_normal((3, 4, 2)))
    assert not np.any(np.maximum(U @ C, 0) @ v)
    together = convolution_descent(U, y, C, v, 0.1, (3,))
    for i in range(3):
        np.testing.assert_allclose(together[:, i], convolution_descent(U, y[i], C[i], v, 0.1, (3,)), atol=1e-13)


def test_the_expected_model_step_by_step():
    kernel, eta = np.array([2.0, 1, 0, 0.5, 0]), 0.1
    U = circulant_rows(kernel)
    inner = U @ U.T
    sigma = inner * active_share(np.clip(inner / inner[0, 0], -1, 1))
    y, x = RNG.standard_normal(5), np.zeros(5)
    for _ in range(4):
        x = x - eta * sigma @ (x - y)
    np.testing.assert_allclose(expected_output(kernel, y, eta, 4), x, atol=1e-13)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"eta": 0}, "eta must be positive, got 0"),
        ({"times": ()}, "times must be integers >= 1, at least one of them"),
        ({"times": (0,)}, "times must be integers >= 1, at least one of them"),
        ({"observation": np.ones(2)}, "rows and observation must agree in length, got 3 and 2"),
        ({"signs": half_signs(2)}, "columns of weights and signs must agree in length, got 4 and 2"),
        ({"weights": np.ones((2, 4))}, "must agree in length, got 3 and 2"),
    ],
)
def test_a_descent_refuses(changes, says):
    good = {"observation": np.ones(3), "weights": np.ones((3, 4)), "signs": half_signs(4), "eta": 1, "times": (1,)}
    with pytest.raises(ValueError, match=says):
        convolution_descent(np.eye(3), **good | changes)
