import numpy as np
import pytest
import torch

from untrained.sims.diagnosis import bias
from untrained.sims.ntk.spectrum import ExactSpectrum
from untrained.sims.random.streams import stream

SHAPE = (1, 6, 8)
N = 48


def cosines(shape):
    """Two-dimensional cosines (n, n), slowest first, by their definition."""
    _, h, w = shape
    rows, columns = np.arange(h) + 0.5, np.arange(w) + 0.5
    made = []
    for i in range(h):
        for j in range(w):
            wave = np.outer(np.cos(np.pi * i * rows / h), np.cos(np.pi * j * columns / w)).ravel()
            made.append((np.hypot(i, j), wave / np.linalg.norm(wave)))
    return np.stack([wave for _, wave in sorted(made, key=lambda one: one[0])], 1)


def random_directions(seed=0):
    return np.linalg.qr(stream(seed, "test_bias").standard_normal((N, N)))[0]


def test_slow_cosines_are_aligned_and_directions_at_random_are_not():
    p = 5
    assert bias.cosine_alignment(cosines(SHAPE)[:, :p], SHAPE) == pytest.approx(1)
    alignments = [bias.cosine_alignment(random_directions(seed)[:, :p], SHAPE) for seed in range(200)]
    assert np.mean(alignments) == pytest.approx(p / N, abs=4 * np.std(alignments) / np.sqrt(200))


def test_slow_waves_are_aligned_and_directions_at_random_are_not():
    rows, columns = np.meshgrid(np.arange(6), np.arange(8), indexing="ij")
    waves = [np.ones((6, 8)), np.cos(2 * np.pi * columns / 8), np.sin(2 * np.pi * columns / 8)]
    waves += [np.cos(2 * np.pi * rows / 6), np.sin(2 * np.pi * rows / 6)]
    vectors = np.stack([wave.ravel() / np.linalg.norm(wave) for wave in waves], 1)
    assert bias.fourier_alignment(vectors, SHAPE) == pytest.approx(1)
    alignments = [bias.fourier_alignment(random_directions(seed)[:, :5], SHAPE) for seed in range(200)]
    assert np.mean(alignments) == pytest.approx(5 / N, abs=4 * np.std(alignments) / np.sqrt(200))


def test_frequencies_of_one_length_share_what_is_left():
    np.testing.assert_allclose(bias._slowest(np.array([0.0, 1.0, 1.0, 2.0]), 2), [1, 0.5, 0.5, 0])
    np.testing.assert_allclose(bias._slowest(np.array([2.0, 0.0, 1.0]), 2), [0, 1, 1])


def test_the_gradient_ratio_is_that_of_the_jacobian():
    rng = stream(1, "test_bias")
    J, x = np.diag(0.8 ** np.arange(N)) @ rng.standard_normal((N, 60)), rng.standard_normal(N)
    spectrum = ExactSpectrum(torch.from_numpy(J @ J.T))
    noise = rng.standard_normal((4000, N))
    noise *= np.linalg.norm(x) / np.linalg.norm(noise, axis=1, keepdims=True)
    squares = np.sum((noise @ J) ** 2, axis=1)
    ratio = bias.gradient_ratio(spectrum, x)
    wanted = np.linalg.norm(J.T @ x) / np.sqrt(squares.mean())
    # The relative error of the mean of 4000 squares, halved by the root, five times over.
    assert ratio == pytest.approx(wanted, rel=2.5 * squares.std() / squares.mean() / np.sqrt(4000))


def test_a_network_made_of_cosines_prefers_a_smooth_picture():
    C = cosines(SHAPE)
    spectrum = ExactSpectrum(torch.from_numpy(C @ np.diag(0.5 ** np.arange(N)) @ C.T))
    smooth, rough = C[:, 0] + 0.1 * C[:, 2], C[:, -1] + 0.1 * C[:, -2]
    preference = bias.bias(spectrum, SHAPE, smooth, {"one": smooth, "two": rough})
    assert preference.p == 3
    assert preference.image == pytest.approx(1)
    assert preference.noise == 3 / N
    assert preference.natural == pytest.approx(0.5)
    assert preference.ratio > 1
    assert bias.bias(spectrum, SHAPE, rough, {"one": smooth, "two": rough}).ratio < 0.01
