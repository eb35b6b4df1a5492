"""Nearest points of a two-layer decoder's range: regions by brute force, cones one by one, certificates alone."""

import numpy as np
import pytest
from scipy.optimize import nnls

from untrained.theory.objects import decoders
from untrained.theory.objects.projections import TwoLayerRange, regions


def code_of(k, rows, seed=4):
    return decoders.integer_decoder((k, 2), 4, seed, signed=True)[0][:rows]


@pytest.mark.parametrize(("k", "rows"), [(1, 5), (2, 8), (3, 6), (3, 16)])
def test_there_are_as_many_regions_as_in_general_position(k, rows):
    assert len({region.pattern for region in regions(code_of(k, rows))}) == decoders.pattern_bound(rows, k)


@pytest.mark.parametrize(
    "code",
    [
        code_of(3, 7),
        np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [2, 2, 0], [0, 0, 0]]),  # rows that meet in one line
        np.array([[1, 2], [2, 4], [-1, -2], [1, 0]]),
    ],
)
def test_regions_are_those_that_many_directions_meet(code):
    r = np.random.default_rng(1).standard_normal((code.shape[1], 200_000))
    expected = {tuple(bool(x) for x in column) for column in np.unique((code @ r > 0).T, axis=0)}
    listed = regions(code)
    assert {region.pattern for region in listed} == expected
    for region in listed:
        rays = np.array(region.rays).T
        signs = np.where(np.array(region.pattern)[:, None], 1, -1)
        assert ((code @ rays) * signs >= 0).all()
        assert np.linalg.matrix_rank(rays) == code.shape[1]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (np.eye(4, dtype=int), "1 to 3 columns and a row that is not 0 for its regions to be listed, got 4"),
        (np.zeros((3, 2), dtype=int), "got 0"),
        (np.array([[1, 1], [2, 2]]), "rows of the code must span 2 dimensions, got fewer"),
    ],
)
def test_codes_that_cannot_be_listed_are_refused(code, says):
    with pytest.raises(ValueError, match=says):
        regions(code)


@pytest.fixture(scope="module")
def small():
    return TwoLayerRange(code_of(2, 8), decoders.upsampling_line(8), 2)


def test_a_nearest_point_is_the_best_of_all_cones(small):
    points = np.random.default_rng(2).standard_normal((12, 16))
    projection = small.nearest(points)
    for v, x, distance in zip(points, projection.points, projection.distances, strict=True):
        assert distance == pytest.approx(min(nnls(cone, v)[1] for cone in small.cones), abs=1e-9)
        assert np.linalg.norm(v - x) == pytest.approx(distance, abs=1e-12)


def test_no_output_of_the_decoder_is_nearer(small):
    rng = np.random.default_rng(3)
    v = rng.standard_normal(16)
    distance = small.nearest(v).distances[0]
    u, w = rng.standard_normal((2, 2, 20000)), rng.standard_normal((2, 20000))
    hidden = np.maximum(np.einsum("pk,kjt->pjt", small.code.astype(float), u), 0)
    outputs = small.upsampling @ np.einsum("pjt,jt->pt", hidden, w)
    lengths = np.maximum((outputs * v[:, None]).sum(0), 0) / np.square(outputs).sum(0)
    assert np.linalg.norm(v[:, None] - outputs * lengths, axis=0).min() >= distance - 1e-9


def test_an_output_of_the_decoder_is_its_own_nearest_point(small):
    u, w = np.array([[1.0, -2.0], [0.5, 1.0]]), np.array([1.0, -0.7])
    x = small.upsampling @ (np.maximum(small.code @ u, 0) @ w)
    assert small.nearest(x).distances[0] == pytest.approx(0, abs=1e-6 * np.linalg.norm(x))


def test_the_certificate_is_checked_without_the_code_that_made_it(small):
    """<v, q> <= ||q|| ||v - x|| for every x with <x, q> <= 0, that is for every x of the cone."""
    v = np.random.default_rng(4).standard_normal(16)
    distance = small.nearest(v).distances[0]
    duals = small.dual(v, distance)
    assert len(duals) == len(small.cones) == 528
    for cone, q in zip(small.cones, duals, strict=True):
        assert (cone.T @ q).max() <= 1e-9
        assert (v @ q) / np.linalg.norm(q) >= distance - 1e-9


def test_the_certificate_of_a_hundred_thousand_cones_is_checked():
    """Widths (3, 2, 1), d = 32: one direction a cone, each of them held against the cone's own generators."""
    large = TwoLayerRange(code_of(3, 16), decoders.upsampling_line(16), 2)
    v = np.random.default_rng(5).standard_normal(32)
    projection = large.nearest(v)
    distance, duals = projection.distances[0], large.dual(v, projection.distances[0])
    pieces = len(large.pieces)
    assert len(duals) == len(large.cones) == 2 * pieces * (2 * pieces + 1) // 2 == 117_370
    assert ((duals @ v) / np.linalg.norm(duals, axis=1)).min() >= distance - 1e-9
    assert max((cone.T @ q).max() for cone, q in zip(large.cones, duals, strict=True)) <= 1e-9
    assert np.linalg.norm(v - projection.points[0]) == pytest.approx(distance, abs=1e-12)


def test_a_range_that_is_too_large_is_refused_with_its_count():
    with pytest.raises(ValueError, match="cones of the range must be at most 1000000, got 19013940"):
        TwoLayerRange(code_of(3, 16), decoders.upsampling_line(16), 3)


@pytest.mark.parametrize(
    ("upsampling", "channels"), [(decoders.upsampling_line(7), 2), (decoders.upsampling_line(8), 0)]
)
def test_shapes_that_do_not_fit_are_refused(upsampling, channels):
    with pytest.raises(
        ValueError, match=r"upsampling must have a column for each of the code's 8 pixels|channels must be"
    ):
        TwoLayerRange(code_of(2, 8), upsampling, channels)
