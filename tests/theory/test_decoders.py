"""Decoders in exact integers against torch's upsampling, difference quotients and brute force."""

from itertools import product

import numpy as np
import pytest
import torch
from sympy import isprime

from untrained.theory.objects import decoders


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (7, 7)])
def test_bilinear_upsampling_is_torch_s(height, width):
    x = torch.randn(1, 1, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear").reshape(-1).numpy()
    U = decoders.upsampling_plane(height, width)
    np.testing.assert_allclose(U @ x.reshape(-1).numpy() / 16, expected, atol=1e-14)


def test_a_line_of_length_below_one_is_refused():
    with pytest.raises(ValueError, match="length must be an integer >= 1, got 0"):
        decoders.upsampling_line(0)


@pytest.mark.parametrize(
    ("matrix", "rank"),
    [([[1, 2], [2, 4]], 1), ([[0, 0], [0, 0]], 0), ([[2, 0, 1], [0, 3, 1], [2, 3, 2]], 2), ([[decoders.PRIME, 1]], 1)],
)
def test_ranks(matrix, rank):
    assert decoders.rank_modulo_prime(np.array(matrix, dtype=object)) == rank


def output(code, weights, upsamplings):
    Z = code.astype(float)
    for W, U in zip(weights[:-1], [*upsamplings, None], strict=True):
        Z = np.maximum(Z @ W.astype(float), 0)
        Z = Z if U is None else U @ Z
    return (Z @ weights[-1].astype(float))[:, 0]


@pytest.mark.parametrize("widths", [(3, 2), (2, 3, 2), (4, 3, 3)])
def test_the_integer_jacobian_is_a_difference_quotient(widths):
    code, weights = decoders.integer_decoder(widths, 2, 5, signed=True)
    upsamplings = [decoders.upsampling_plane(2 * 2**i, 2 * 2**i) for i in range(len(widths) - 2)]
    J, least = decoders.integer_jacobian(code, weights, upsamplings)
    assert least > 0
    columns = []
    for layer, W in enumerate(weights):
        for place in np.ndindex(W.shape):
            moved = [w.astype(float).copy() for w in weights]
            step = 1e-7 * max(1.0, abs(float(W[place])))
            moved[layer][place] += step
            columns.append((output(code, moved, upsamplings) - output(code, weights, upsamplings)) / step)
    quotient = np.stack(columns, axis=1)
    # the order of columns: derivatives by earlier layers first, a layer's by its rows
    np.testing.assert_allclose(quotient, J.astype(float), rtol=1e-4, atol=1e-4 * np.abs(J.astype(float)).max())


def test_an_integer_decoder_is_the_same_each_time_and_balanced():
    first, second = (decoders.integer_decoder((5, 4, 3), 7, 2) for _ in range(2))
    assert all((a == b).all() for a, b in zip([first[0], *first[1]], [second[0], *second[1]], strict=True))
    active = first[0].astype(object).dot(first[1][0]) > 0
    assert 0.3 < active.mean() < 0.7


@pytest.mark.parametrize(("points", "dimension", "count"), [(1, 1, 2), (5, 1, 2), (5, 2, 10), (4, 3, 14), (3, 9, 8)])
def test_the_most_patterns(points, dimension, count):
    assert decoders.pattern_bound(points, dimension) == count


@pytest.mark.parametrize("code", [[[1, 2], [3, -1], [-2, 5], [4, 4]], [[1, 0], [-1, 0], [0, 1]], [[2, 1], [4, 2]]])
def test_patterns_of_the_plane_are_those_of_a_fine_circle(code):
    code = np.array(code)
    angles = np.linspace(0, 2 * np.pi, 20011)
    signs = code @ np.stack([np.cos(angles), np.sin(angles)])
    expected = {tuple(bool(x) for x in column > 0) for column in signs.T}
    assert decoders.line_patterns(code) == expected


def test_patterns_of_a_line():
    assert decoders.line_patterns(np.array([[2], [-1], [3]])) == {(True, False, True), (False, True, False)}


def test_patterns_in_space_are_not_listed():
    with pytest.raises(ValueError, match="code must have 1 or 2 columns for its patterns to be listed, got 3"):
        decoders.line_patterns(np.eye(3, dtype=int))


def test_the_bound_is_met_in_general_position_and_not_exceeded():
    for d, k in product((1, 2, 4, 7), (1, 2)):
        code = np.array([[1, 3 * i + 1 + i * i] for i in range(d)])[:, :k]
        assert len(decoders.line_patterns(code)) == decoders.pattern_bound(d, k)


@pytest.mark.parametrize("widths", [(3, 2), (2, 3, 2), (4, 3, 3)])
def test_the_modular_jacobian_is_the_integer_one_modulo_its_prime(widths):
    code, weights = decoders.integer_decoder(widths, 2, 5, signed=True)
    upsamplings = [decoders.upsampling_plane(2 * 2**i, 2 * 2**i) for i in range(len(widths) - 2)]
    J, least = decoders.integer_jacobian(code, weights, upsamplings)
    modular, same = decoders.modular_jacobian(code, weights, upsamplings)
    assert same == least
    assert (modular == J % decoders.SMALL_PRIME).all()


def test_the_modular_jacobian_of_several_channels_is_that_of_each():
    code, weights = decoders.integer_decoder((3, 3, 2), 2, 5)
    last = np.array([[5, -2], [-7, 3]])
    upsamplings = [decoders.upsampling_plane(2, 2)]
    J, _ = decoders.modular_jacobian(code, [*weights[:-1], last], upsamplings)
    hidden = sum(W.size for W in weights[:-1])
    for channel in range(2):
        own, _ = decoders.integer_jacobian(code, [*weights[:-1], last[:, [channel]]], upsamplings)
        rows = J.reshape(-1, 2, J.shape[1])[:, channel]
        assert (rows[:, :hidden] == own[:, :hidden] % decoders.SMALL_PRIME).all()
        assert (rows[:, hidden + channel :: 2] == own[:, hidden:] % decoders.SMALL_PRIME).all()
        assert not rows[:, hidden + 1 - channel :: 2].any()


def test_both_moduli_are_prime():
    assert isprime(decoders.PRIME)
    assert isprime(decoders.SMALL_PRIME)
