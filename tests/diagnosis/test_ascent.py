"""Ascents on the weights of a deep decoder against the definition, eigenvalues and exact constants of small sets."""

import numpy as np
import pytest
import torch

from untrained.sims.diagnosis.range_geometry.ascent import DeepDecoder, isometry_extremes, ratio_at
from untrained.theory.objects.decoders import upsampling_line, upsampling_plane
from untrained.theory.objects.isometries import on_subspace
from untrained.theory.objects.isometry_enclosures import difference_faces, enclose_on_differences
from untrained.theory.objects.projections import TwoLayerRange

CODE = np.array([[1, 2], [3, -1], [-2, 3], [-1, -3], [2, 1]])
DEEP = DeepDecoder(
    np.random.default_rng(0).random((4, 3)), (upsampling_plane(2, 2) / 16, upsampling_plane(4, 4) / 16), (3, 2), 2
)


def gaussian(rows: int, columns: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, columns)) / np.sqrt(rows)


def output(decoder, weights):
    """G(w) pixel by pixel, by the definition."""
    Z = np.array(decoder.code)
    for W, U in zip(weights, decoder.upsamplings, strict=False):
        H = np.zeros((len(Z), W.shape[1]))
        for p in range(len(Z)):
            for k in range(W.shape[1]):
                H[p, k] = max(0.0, sum(Z[p, c] * W[c, k] for c in range(W.shape[0])))
        Z = U.dot(H)
    return np.concatenate([Z.dot(column) for column in weights[-1].T])


@pytest.mark.parametrize("differences", [False, True])
def test_ratios_are_those_of_the_weights_that_come_with_them(differences):
    A = gaussian(20, DEEP.size)
    extremes = isometry_extremes(DEEP, A, differences=differences, restarts=2, steps=30)
    range_ = on_subspace(A, np.kron(np.eye(2), DEEP.upsamplings[-1]))
    for one in (extremes.lowest, extremes.highest):
        assert [[W.shape for W in w] for w in one.weights] == [DEEP.shapes] * (2 if differences else 1)
        x = output(DEEP, one.weights[0]) - (output(DEEP, one.weights[1]) if differences else 0)
        assert np.square(A @ x).sum() / np.square(x).sum() == pytest.approx(one.ratio, rel=1e-8)
        assert ratio_at(DEEP, A, one.weights) == one.ratio
        assert range_.gamma <= one.ratio <= range_.beta
    assert extremes.lowest.ratio < 1 < extremes.highest.ratio


def test_where_differences_are_a_subspace_the_ascent_reaches_its_eigenvalues():
    """On the code I relu(w) - relu(w') is any vector, so S - S is the range of the upsampling."""
    decoder = DeepDecoder(np.eye(5), (upsampling_line(5) / 4,), (2,))
    A = gaussian(8, 10)
    extremes, exact = isometry_extremes(decoder, A, restarts=16, steps=400), on_subspace(A, decoder.upsamplings[0])
    assert extremes.lowest.ratio == pytest.approx(exact.gamma, rel=1e-3)
    assert extremes.highest.ratio == pytest.approx(exact.beta, rel=1e-3)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_ascent_comes_near_the_exact_constants_of_a_small_decoder(seed):
    """It stays inside, and leaves at most a twentieth of what the best of 20 000 random pairs leaves."""
    A, U = gaussian(6, 10, seed), upsampling_line(5)
    decoder = DeepDecoder(CODE.astype(float), (U / 4,), (2,))
    exact = enclose_on_differences(A, difference_faces(TwoLayerRange(CODE, U, 2)))
    gamma, beta = exact.gamma[1], exact.beta[0]
    extremes = isometry_extremes(decoder, A, restarts=16, steps=300)
    u, w = (np.random.default_rng(9).standard_normal(shape) for shape in ((20_000, 2, 4), (20_000, 4, 1)))
    pairs = (U @ np.maximum(CODE @ u, 0) @ w)[..., 0].T
    chance = np.square(A @ pairs).sum(0) / np.square(pairs).sum(0)
    assert gamma * (1 - 1e-9) <= extremes.lowest.ratio <= gamma + 0.05 * (chance.min() - gamma)
    assert beta * (1 + 1e-9) >= extremes.highest.ratio >= beta - 0.05 * (beta - chance.max())


def test_with_fewer_rows_than_the_range_has_dimensions_some_difference_is_hardly_seen():
    decoder = DeepDecoder(DEEP.code, DEEP.upsamplings, (3, 3))
    lowest = isometry_extremes(decoder, gaussian(4, decoder.size), steps=200).lowest
    assert lowest.ratio < 1e-6


def test_the_seed_decides_and_the_process_keeps_its_own_numbers():
    A, state = gaussian(6, DEEP.size), torch.random.get_rng_state()
    first, second, third = (isometry_extremes(DEEP, A, restarts=2, steps=5, seed=seed) for seed in (3, 3, 4))
    assert first.lowest.ratio == second.lowest.ratio != third.lowest.ratio
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_start_without_an_active_neuron_does_not_spoil_the_others():
    """Code (1): a channel is on with probability 1/2, so among 12 starts with one channel some are dead."""
    decoder = DeepDecoder(np.ones((1, 1)), (upsampling_line(1) / 4,), (1,))
    A = np.diag([1.0, 2.0])
    extremes = isometry_extremes(decoder, A, differences=False, restarts=12, steps=3)
    assert extremes.lowest.ratio == extremes.highest.ratio == pytest.approx(2.5)


def test_a_decoder_of_zeros_is_refused():
    decoder = DeepDecoder(np.zeros((2, 2)), (upsampling_line(2) / 4,), (1,))
    with pytest.raises(ValueError, match=r"^decoder must have outputs other than zero, got none from any start$"):
        isometry_extremes(decoder, gaussian(3, 4), steps=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": np.ones(4)}, "code must have at least 2 axes"),
        ({"code": np.ones((3, 3))}, "columns of an upsampling"),
        ({"upsamplings": DEEP.upsamplings[:1]}, "widths and upsamplings must agree in length, got 2 and 1"),
        ({"widths": (3, 0)}, "widths and channels must be an integer >= 1, got 0"),
        ({"channels": 0}, "widths and channels must be an integer >= 1, got 0"),
        ({"widths": (), "upsamplings": ()}, "widths must be at least one, got none"),
    ],
)
def test_a_decoder_that_cannot_be_is_refused(change, message):
    parts = {"code": DEEP.code, "upsamplings": DEEP.upsamplings, "widths": DEEP.widths, "channels": 2}
    with pytest.raises(ValueError, match=message):
        DeepDecoder(**{**parts, **change})


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (np.ones((2, 3)), {}, "columns of matrix and numbers of an output must agree in length, got 3 and 128"),
        (np.full((2, DEEP.size), np.nan), {}, "matrix must be finite"),
        (np.ones((2, DEEP.size)), {"steps": 0}, "steps must be an integer >= 1, got 0"),
        (np.ones((2, DEEP.size)), {"restarts": 0}, "restarts must be an integer >= 1, got 0"),
        (np.ones((2, DEEP.size)), {"seed": -1}, "root_seed must be a non-negative integer, got -1"),
    ],
)
def test_a_search_that_cannot_be_is_refused(matrix, options, message):
    with pytest.raises(ValueError, match=message):
        isometry_extremes(DEEP, matrix, **options)


def test_weights_that_do_not_fit_are_refused():
    A, weights = gaussian(3, DEEP.size), tuple(np.ones(shape) for shape in DEEP.shapes)
    with pytest.raises(ValueError, match=r"^weights must have the shapes \[\(3, 3\), \(3, 2\), \(2, 2\)\], got"):
        DEEP.output(weights[:2])
    with pytest.raises(ValueError, match=r"^weights must be those of one or two outputs, got 3$"):
        ratio_at(DEEP, A, [weights] * 3)
    with pytest.raises(ValueError, match=r"^weights must give an output or a difference other than zero, got zero$"):
        ratio_at(DEEP, A, [weights, weights])
