import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.ntk.networks import make_network
from untrained.sims.diagnosis.range_geometry.dimension import Dimension, dimension, sketched_rank, witness
from untrained.sims.diagnosis.range_geometry.isometry import (
    Isometry,
    isometry,
    isometry_ratios,
    moves,
    row_map,
    tangent,
)
from untrained.sims.networks.generators import architecture
from untrained.sims.networks.initialisation import initialise
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.spectrum import LanczosSpectrum, spectrum
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream


def normal(*shape, seed=0):
    return stream(seed, "reach test").standard_normal(shape)


class Narrow(nn.Module):
    """A smooth curve of `rank` dimensions in R^n: U tanh(theta)."""

    def __init__(self, n, rank, count):
        super().__init__()
        self.theta = nn.Parameter(torch.from_numpy(normal(count)))
        self.register_buffer("U", torch.from_numpy(normal(n, rank, seed=1)))
        self.register_buffer("M", torch.from_numpy(normal(rank, count, seed=2)))

    def forward(self, z):
        return z * (self.U @ (self.M @ torch.tanh(self.theta)))


def narrow(n=20, rank=7, count=12):
    return make_network("narrow", Narrow(n, rank, count), torch.ones(1, dtype=torch.float64))


def named(name, shape, seed=1, **options):
    chosen = architecture(name, shape, **options)
    network = chosen.build()
    initialise(network, stream(seed, "weights"))
    return make_network(name, network, torch.from_numpy(normal(1, *chosen.latent.shape, seed=9)))


def test_the_dimension_is_the_rank_of_the_jacobian():
    assert dimension([spectrum(narrow())]) == Dimension(7, True)
    assert dimension([spectrum(narrow(n=5, rank=9))]) == Dimension(5, True)


def test_sketches_count_the_rank_and_never_more():
    jacobian = Jacobian(narrow())
    assert [sketched_rank(jacobian, columns) for columns in (1, 3, 7, 12, 30)] == [1, 3, 7, 7, 7]


def test_without_a_whole_spectrum_the_dimension_is_a_lower_bound():
    examined = narrow()
    partial = LanczosSpectrum(Jacobian(examined), steps=4)
    assert dimension([partial], examined, sketch=5) == Dimension(5, False)
    assert dimension([partial], examined) == Dimension(7, False)


def test_fewer_measurements_than_dimensions_must_miss_some():
    assert [Dimension(7, True).hidden_by(m) for m in (6, 7)] == [True, False]
    assert [Dimension(7, False).hidden_by(m) for m in (6, 7)] == [True, None]


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("dcgan", (1, 12, 12), {"width": 3, "latent": 4}),
        ("deep-decoder", (1, 12, 12), {"channels": 5}),
        ("skip-unet", (1, 16, 16), {"width": 3, "skip": 2}),
    ],
)
def test_a_witness_moves_the_image_and_not_its_measurements(name, shape, options):
    examined = named(name, shape, **options)
    A = make_operator("gaussian", shape, 20, 3)
    pair = witness(examined, spectrum(examined), row_map(A))
    # By the letter: two images, their difference, and what A makes of it.
    with torch.no_grad():
        d = (examined.moved(pair.step).output() - examined.output()).numpy()
    ratio = np.sum((A.matrix.double().numpy() @ d) ** 2) / np.sum(d**2)
    np.testing.assert_array_equal(d, pair.difference)
    # d carries 1e-15 of an image 1e6 times its size at most, and ratios are squared.
    assert ratio < 1e-14
    assert pair.least == pytest.approx(ratio, rel=1e-3, abs=1e-20)
    assert np.linalg.norm(d) > 1e-7


def test_without_correction_the_ratio_falls_with_the_square_of_the_step(monkeypatch):
    monkeypatch.setattr("untrained.sims.diagnosis.range_geometry.dimension.CORRECTIONS", 0)
    pair = witness(narrow(), spectrum(narrow()), row_map(normal(3, 20, seed=4)))
    slopes = np.diff(np.log(pair.ratios[1:6])) / np.diff(np.log(pair.sizes[1:6]))
    np.testing.assert_allclose(slopes, 2, atol=0.2)  # A(G(theta + t v) - G(theta)) = O(t^2), where G has a curvature


def test_a_measurement_with_enough_numbers_has_no_witness():
    examined = narrow()
    assert witness(examined, spectrum(examined), row_map(normal(7, 20, seed=4))) is None
    assert witness(examined, spectrum(examined), row_map(normal(6, 20, seed=4))) is not None


def test_ratios_are_those_of_the_definition():
    d, A = normal(5, 20), normal(6, 20, seed=3)
    wanted = [np.linalg.norm(A @ row) ** 2 / np.linalg.norm(row) ** 2 for row in d]
    np.testing.assert_allclose(isometry_ratios(np.vstack([d, 0 * d[:1]]), row_map(A)), wanted, rtol=1e-13)


def test_an_operator_and_its_matrix_measure_alike():
    A = make_operator("gaussian", (1, 4, 5), 6, 1)
    by_operator, by_matrix = row_map(A), row_map(A.matrix)
    x, y = normal(300, 20), normal(300, 6)
    np.testing.assert_allclose(by_operator.forward(x), by_matrix.forward(x), rtol=0, atol=1e-13)
    np.testing.assert_allclose(by_operator.adjoint(y), by_matrix.adjoint(y), rtol=0, atol=1e-13)
    np.testing.assert_allclose(by_operator.matrix(), A.matrix.double().numpy(), rtol=0, atol=1e-15)


def test_tangents_have_the_extremes_over_the_whole_tangent_space():
    examined, A = narrow(), normal(12, 20, seed=5)
    low, high = tangent(spectrum(examined), row_map(A))
    Q = np.linalg.qr(examined.module.U.numpy())[0]
    values = np.linalg.svd(A @ Q, compute_uv=False) ** 2
    assert (low, high) == pytest.approx((values[-1], values[0]), rel=1e-9)
    assert tangent(spectrum(examined), row_map(A[:5]))[0] == 0


def test_orthonormal_measurements_of_every_pixel_are_an_isometry():
    outputs = np.stack([named("decoder", (1, 8, 8), seed, width=2).output().detach().numpy() for seed in range(3)])
    examined = named("decoder", (1, 8, 8), 0, width=2)
    A = row_map(np.linalg.qr(normal(64, 64))[0])
    extremes = isometry(outputs, A, {"moves": moves(examined)}, [spectrum(examined)])
    assert set(extremes.kinds) == {"pairs of starts", "moves", "tangents"}
    assert (extremes.low, extremes.high, extremes.factor) == pytest.approx((1, 1, 0), abs=1e-12)
    assert not extremes.refuted


def test_the_condition_of_projected_descent_is_read_off_the_worst_ratios():
    extremes = Isometry({"a": (0.5, 1.2), "b": (0.7, 0.9)})
    assert (extremes.low, extremes.high, extremes.delta, extremes.factor) == pytest.approx((0.5, 1.2, 0.5, 1.4))
    assert extremes.refuted
    assert not Isometry({"a": (0.7, 1.2)}).refuted
    assert Isometry({"a": (0.0, 1.2)}).factor == math.inf


def test_a_gaussian_matrix_is_near_an_isometry_on_pairs_and_blind_to_some_tangents():
    examined = named("dcgan", (1, 12, 12), width=3, latent=4)
    outputs = np.stack([named("dcgan", (1, 12, 12), s, width=3, latent=4).output().detach().numpy() for s in range(5)])
    extremes = isometry(outputs, row_map(make_operator("gaussian", (1, 12, 12), 60, 0)), spectra=[spectrum(examined)])
    low, high = extremes.kinds["pairs of starts"]
    # ||A d||^2/||d||^2 is chi-square with 60 degrees over 60: within 0.4 to 2 but for 1e-7 a pair.
    assert 0.4 < low <= high < 2
    assert extremes.kinds["tangents"][0] == 0
    assert extremes.refuted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dimension([]), "spectra must be at least one, got none"),
        (lambda: dimension([LanczosSpectrum(Jacobian(narrow()))]), "network must be given"),
        (lambda: sketched_rank(Jacobian(narrow()), 0), "columns must be at least 1, got 0"),
        (
            lambda: row_map(np.ones(3)),
            r"measurement must be a matrix \(m, n\) of finite numbers, got shape \(3,\)",
        ),
        (lambda: row_map(np.full((2, 2), np.nan)), "measurement must be a matrix"),
        (
            lambda: isometry(np.ones((2, 3)), row_map(np.eye(4))),
            "measurement must take 3 numbers .* got one of 4",
        ),
        (
            lambda: isometry(np.ones((2, 4)), row_map(np.eye(4))),
            "differences must be at least one other than zero",
        ),
        (lambda: witness(narrow(), spectrum(narrow()), row_map(np.eye(4))), "measurement must take 20 numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
