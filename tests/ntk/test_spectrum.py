import numpy as np
import pytest
import torch
from torch import nn

from tests.ntk.networks import make_network
from untrained.sims.ntk import gram
from untrained.sims.ntk import spectrum as module
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.spectrum import ExactSpectrum, LanczosSpectrum, Measure, spectrum
from untrained.sims.random.streams import stream

VALUES = np.r_[np.zeros(3), np.geomspace(1e-4, 100, 117)]


class Matrix(nn.Module):
    """M w, whose Jacobian is M."""

    def __init__(self, M):
        super().__init__()
        self.w = nn.Parameter(torch.ones(M.shape[1], dtype=torch.float64))
        self.register_buffer("M", M)

    def forward(self, z):
        return z * (self.M @ self.w)


def examined(values=VALUES, count=150):
    """A network with these eigenvalues of J J^T, and its eigenvectors."""
    n, rng = len(values), stream(0, "test")
    U, V = np.linalg.qr(rng.standard_normal((n, n)))[0], np.linalg.qr(rng.standard_normal((count, n)))[0]
    M = torch.from_numpy((U * np.sqrt(values)) @ V.T)
    return make_network("matrix", Matrix(M), torch.ones(n, dtype=torch.float64)), U


def u_of(n, seed=5):
    return stream(seed, "u").standard_normal(n)


def test_the_whole_spectrum_is_taken_of_few_outputs_and_products_of_many(monkeypatch):
    some = examined()[0]
    assert spectrum(some).exact
    monkeypatch.setattr(module, "WHOLE", 119)
    assert not spectrum(some).exact
    assert spectrum(some, exact=True).exact


def test_an_exact_spectrum_has_the_eigenvalues_and_eigenvectors():
    some, U = examined()
    K, n = spectrum(some), len(VALUES)
    np.testing.assert_allclose(K.values, VALUES, atol=K.floor)
    assert K.floor == pytest.approx(n * np.finfo(float).eps * 100)
    assert K.rank() == 117
    assert K.rank(tol=1.0) == np.sum(VALUES > 1)
    assert K.largest.low <= 100 <= K.largest.high
    assert K.smallest.low == 0 <= K.smallest.value <= K.smallest.high <= 2 * K.floor
    assert K.trace.low <= VALUES.sum() <= K.trace.high
    assert K.effective_rank.low <= VALUES.sum() ** 2 / np.sum(VALUES**2) <= K.effective_rank.high
    values, vectors = K.leading(4)
    np.testing.assert_allclose(values, VALUES[:-5:-1], atol=K.floor)
    # Eigenvalues are 12 % apart: vectors are known to rounding over the gap.
    np.testing.assert_allclose(np.abs(np.sum(vectors * U[:, :-5:-1], 0)), 1, atol=1e-12)


@pytest.mark.parametrize("exact", [True, False])
def test_a_spectral_measure_integrates_as_the_matrix_does(exact):
    some, U = examined()
    K, u = spectrum(some, exact=exact), u_of(len(VALUES))
    measure = K.measure(u)
    np.testing.assert_allclose(K.apply(u), (U * VALUES) @ (U.T @ u), atol=1e-10)
    np.testing.assert_allclose(measure.weights.sum(), u @ u, rtol=1e-12)
    for f in (np.ones_like, np.square, lambda x: np.exp(-x)):
        # The Gauss rule of 120 nodes on 118 distinct eigenvalues is as good as exact for smooth functions.
        np.testing.assert_allclose(measure.integral(f), f(VALUES) @ (U.T @ u) ** 2, rtol=1e-10)


def test_the_measure_at_nothing_is_nothing():
    K = spectrum(examined()[0], exact=False)
    assert K.measure(np.zeros(120)).integral(np.ones_like) == 0


def sampled(steps=40, seed=0, values=VALUES, **options):
    return LanczosSpectrum(Jacobian(examined(values)[0]), steps=steps, seed=seed, **options)


@pytest.mark.parametrize("seed", range(5))
def test_the_bars_of_few_products_hold_the_truth_and_say_something(seed):
    K, positive = sampled(seed=seed), VALUES.sum() ** 2 / np.sum(VALUES**2)
    largest, smallest = K.largest, K.smallest
    assert 100 * (1 - 1e-12) <= largest.high <= 100 * (1 + 1e-9)
    assert largest.low <= largest.value <= 100 + K.floor
    assert smallest.low == 0 < smallest.value < 1e-2
    assert K.trace.low <= VALUES.sum() <= K.trace.high < 1.08 * K.trace.low
    assert K.effective_rank.low <= positive <= K.effective_rank.high < 1.2 * K.effective_rank.low


def test_a_smallest_eigenvalue_that_stands_apart_is_enclosed():
    values = np.r_[1.0, np.linspace(5, 10, 119)]
    K = sampled(values=values)
    assert 0.999 < K.smallest.low <= 1 <= K.smallest.high < 1.001


def test_the_leading_pairs_are_those_that_have_converged():
    K, (_, U) = sampled(), examined()
    values, vectors = K.leading(100)
    assert 5 < len(values) < 40
    np.testing.assert_allclose(values, VALUES[::-1][: len(values)], rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(vectors[:, :5] * U[:, :-6:-1], 0)), 1, atol=1e-4)
    assert K.leading(2)[1].shape == (120, 2)


def test_the_density_counts_every_eigenvalue_and_tells_its_error():
    exact, density = spectrum(examined()[0]).density(), sampled().density()
    assert exact.integral(np.sqrt) == pytest.approx(np.sqrt(VALUES).sum(), rel=1e-8)
    assert exact.error(np.sqrt) == 0
    assert density.weights.sum() == pytest.approx(120)
    error = density.error(np.sqrt)
    # 8 probes: Student's 99.9 % point at 7 degrees of freedom is 5.4.
    assert abs(density.integral(np.sqrt) - np.sqrt(VALUES).sum()) < 5.4 * error < 0.15 * np.sqrt(VALUES).sum()


def test_fewer_weights_than_outputs_leave_the_smallest_at_zero():
    K = spectrum(make_network("two weights", Scaled(), torch.ones(9)), exact=False)
    assert (K.smallest.low, K.smallest.high) == (0, 0)
    assert K.largest.value == pytest.approx(18)
    assert K.density().integral(np.ones_like) == pytest.approx(9)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))

    def forward(self, z):
        return z * self.w.prod()


def test_one_seed_gives_one_answer_and_progress_runs_to_its_end():
    shares = []
    one = sampled(progress=shares.append)
    assert one.largest == sampled().largest
    assert one.trace == sampled().trace
    assert one.trace != sampled(seed=1).trace
    assert shares[-1] == 1
    assert shares[:40] == sorted(shares[:40])


def test_in_single_precision_the_floor_is_higher():
    K = torch.diag(torch.tensor([1.0, 2.0, 4.0]))
    assert ExactSpectrum(K).floor == pytest.approx(3 * 4 * torch.finfo(torch.float32).eps)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.apply(np.ones(3)), r"u must have shape \(120,\), got \(3,\)"),
        (lambda s: s.measure(np.ones((120, 1))), r"u must have shape \(120,\), got \(120, 1\)"),
        (lambda s: s.leading(0), "count must be at least 1, got 0"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_what_a_spectrum_is_not_asked_for_properly_it_refuses(exact, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(spectrum(examined()[0], exact=exact))


def test_products_do_not_tell_the_rank_and_one_probe_no_spread():
    with pytest.raises(ValueError, match="rank must be asked of an exact spectrum"):
        sampled().rank()
    with pytest.raises(ValueError, match="probes must be at least 2, got 1"):
        sampled(probes=1)


def test_a_matrix_that_does_not_fit_is_refused_with_an_estimate(monkeypatch):
    monkeypatch.setattr(gram, "memory_available", lambda device: 10_000_000)
    with pytest.raises(ValueError, match=r"J J\^T of n=120 must fit into the 0.0 GB available on cpu, got 0.0 GB"):
        spectrum(examined()[0])


def test_short_memory_means_smaller_pieces(monkeypatch):
    some = examined()[0]
    wanted = spectrum(some).values
    needed = 5 * 120**2 * 8 + 2 * gram.CHUNK
    monkeypatch.setattr(gram, "memory_available", lambda device: needed + 20_000)
    np.testing.assert_allclose(spectrum(some).values, wanted, atol=1e-11)


def test_a_measure_integrates():
    assert Measure(np.array([1.0, 3]), np.array([2.0, 0.5])).integral(np.square) == 6.5
