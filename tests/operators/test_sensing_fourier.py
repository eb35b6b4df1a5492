from math import cos, floor, pi, sin

import numpy as np
import pytest
import torch

from untrained.sims.operators import make_operator
from untrained.sims.operators.transforms import radial_frequencies

SIZES = [(8, 8), (9, 9), (8, 5), (5, 8), (7, 12), (30, 11), (1, 7), (6, 1), (3, 3)]


def nearest(value):
    """Round to the nearest whole number, halves away from zero."""
    return int(np.sign(value)) * floor(abs(value) + 0.5)


def slow_lines(size, lines):
    """Both ends of every line on an even square grid, point by point: along the side on which the line is longer."""
    return {point for j in range(lines) for point in slow_line(size, pi * j / lines)}


def slow_line(size, angle):
    reach, points = size // 2 - 1, set()
    for t in range(-reach, reach + 1):
        if abs(sin(angle)) <= abs(cos(angle)) + 1e-12:
            points.add((nearest(t * sin(angle) / cos(angle)), t))
        else:
            points.add((t, nearest(t * cos(angle) / sin(angle))))
    return points


def explicit(operator):
    """The rows from the definition of the Fourier transform: constant, cosines, negative sines; each channel alone."""
    channels, height, width = operator.shape
    i, j = np.mgrid[:height, :width]
    phases = [
        2 * pi * (k * i / height + l * j / width).ravel()
        for k, l in radial_frequencies(height, width, operator.options["lines"])
    ]
    rows = [np.ones(height * width)]
    rows += [2**0.5 * np.cos(p) for p in phases] + [-(2**0.5) * np.sin(p) for p in phases]
    return np.kron(np.eye(channels), np.array(rows) / (height * width) ** 0.5)


@pytest.mark.parametrize(("lines", "coefficients"), [(3, 381), (5, 634), (10, 1260), (20, 2500)])
def test_the_papers_lines_give_the_papers_coefficients(lines, coefficients):
    operator = make_operator("fourier-radial", (1, 256, 256), lines=lines)
    assert operator.coefficients == coefficients
    assert operator.m == 2 * coefficients + 1


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize("size", [8, 32, 64])
def test_the_pattern_is_that_of_lines_drawn_point_by_point(size, lines):
    rows, columns = np.nonzero(make_operator("fourier-radial", (1, size, size), lines=lines).mask().numpy())
    drawn = set(zip((rows - size // 2).tolist(), (columns - size // 2).tolist(), strict=True))
    assert drawn == slow_lines(size, lines)


@pytest.mark.parametrize("lines", [1, 3, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_group_of_a_row_is_the_first_line_that_its_frequency_lies_on(lines, channels):
    operator = make_operator("fourier-radial", (channels, 16, 16), lines=lines)
    on = [slow_line(16, pi * j / lines) for j in range(lines)]
    frequencies = radial_frequencies(16, 16, lines).tolist()
    first = [next(j for j in range(lines) if (k, l) in on[j] or (-k, -l) in on[j]) for k, l in frequencies]
    assert operator.row_groups.tolist() == channels * [-1, *first, *first]


@pytest.mark.parametrize("lines", [1, 2, 5, 6])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_those_of_the_definition_and_orthonormal_on_every_grid(channels, size, lines):
    if lines > sum(size):
        pytest.skip("more lines than such a small image takes")
    operator = make_operator("fourier-radial", (channels, *size), lines=lines)
    A = operator.forward(torch.eye(operator.n, dtype=torch.float64).reshape(-1, *operator.shape)).T.numpy()
    np.testing.assert_allclose(A, explicit(operator), rtol=0, atol=1e-13)
    np.testing.assert_allclose(A @ A.T, np.eye(operator.m), rtol=0, atol=1e-13)
    assert operator.m == channels * (2 * operator.coefficients + 1)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_mask_is_symmetric_about_the_zero_frequency(size):
    operator = make_operator("fourier-radial", (1, *size), lines=3)
    mask = torch.fft.ifftshift(operator.mask())
    height, width = size
    opposite = mask[-torch.arange(height) % height][:, -torch.arange(width) % width]
    assert mask[0, 0]
    assert torch.equal(mask, opposite)
    assert int(mask.sum()) == 2 * operator.coefficients + 1


def test_a_whole_symmetric_set_measures_an_image_completely():
    # On an odd grid no frequency but zero is its own opposite, and enough lines meet all of a 3x3 grid.
    operator = make_operator("fourier-radial", (1, 3, 3), lines=4)
    x = torch.randn(1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert operator.m == 9
    torch.testing.assert_close(operator.adjoint(operator.forward(x)), x, rtol=0, atol=1e-6)


def test_the_first_measurement_of_a_channel_is_its_mean():
    operator = make_operator("fourier-radial", (3, 8, 8), lines=2)
    levels = torch.tensor([0.5, -1.0, 0.25])
    y = operator.forward(levels[:, None, None].expand(3, 8, 8).contiguous()).reshape(3, -1)
    torch.testing.assert_close(y[:, 0], 8 * levels)
    assert float(y[:, 1:].abs().max()) < 1e-6


def test_every_line_up_to_the_limit_adds_or_keeps_and_none_is_asymmetric():
    counts = [len(radial_frequencies(16, 16, lines)) for lines in (1, 2, 4, 8, 16, 32)]
    assert counts == sorted(counts)
    # All of the disc of radius 7 in the half plane is reached by as many lines as rows and columns.
    disc = [(k, l) for k in range(-7, 8) for l in range(8) if k * k + l * l <= 49 and (l > 0 or k > 0)]
    assert set(disc) <= {(int(k), int(l)) for k, l in radial_frequencies(16, 16, 32)}
