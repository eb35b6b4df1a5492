import tracemalloc

import numpy as np
import pytest
import torch
from scipy import stats

from untrained.sims.operators import make_operator, random_matrices
from untrained.sims.operators.random_matrices import SeededGaussian, gaussian_matrix, residual_products


def drawn(m, n, batch, seed=0):
    """A matrix, images and measurements."""
    rng = torch.Generator().manual_seed(seed)
    return gaussian_matrix(m, n, seed), torch.randn(batch, n, generator=rng), torch.randn(batch, m, generator=rng)


def plain(A, x, y):
    """The residual product from its definition, in float64."""
    r = x.double() @ A.double().T - y.double()
    return (r**2).sum(-1), r @ A.double()


def entries(name):
    """All entries of an operator of the law N(0, 1/m), scaled to variance 1: 262 144 of them."""
    operator = make_operator(name, (1, 64, 64), m=64, seed=5)
    A = operator.adjoint(torch.eye(64)).reshape(64, -1)
    return A.numpy().astype(np.float64) * 8


@pytest.mark.parametrize("name", ["gaussian", "gaussian-seeded"])
def test_entries_are_standard_normal_up_to_the_scale(name, monkeypatch):
    monkeypatch.setattr(random_matrices, "ROW_BLOCK_ENTRIES", 7 * 4096)  # ten blocks of rows, the last a short one
    z = entries(name)
    # Standard errors: 1/sqrt(N) for the mean, sqrt(2/N) for the variance; five of them.
    assert abs(z.mean()) < 5 * z.size**-0.5
    assert abs(z.var() - 1) < 5 * (2 / z.size) ** 0.5
    assert stats.kstest(z.ravel()[::5], "norm").pvalue > 1e-4


@pytest.mark.parametrize("name", ["gaussian", "gaussian-seeded"])
def test_rows_are_uncorrelated(name, monkeypatch):
    monkeypatch.setattr(random_matrices, "ROW_BLOCK_ENTRIES", 7 * 4096)
    z = entries(name)
    inner = (z @ z.T / z.shape[1])[np.triu_indices(64, 1)]
    # 2016 nearly normal values of deviation 1/64: the largest exceeds 5.5 of them but once in 10^4.
    assert np.abs(inner).max() < 5.5 / 64


@pytest.mark.parametrize("name", ["gaussian", "gaussian-seeded"])
def test_the_expected_energy_of_measurements_is_that_of_the_image(name):
    x = torch.linspace(-1, 1, 64).reshape(1, 8, 8)
    ratios = [
        make_operator(name, (1, 8, 8), 50, seed).forward(x).square().sum() / x.square().sum() for seed in range(200)
    ]
    # The ratio is chi^2_50/50: variance 2/50, and 1/200 of it for the mean.
    assert abs(np.mean(ratios) - 1) < 5 * (2 / 50 / 200) ** 0.5


def test_a_smaller_matrix_is_the_beginning_of_a_larger_one_up_to_scale():
    small, large = gaussian_matrix(5, 30, 1), gaussian_matrix(9, 30, 1)
    torch.testing.assert_close(small * 5**0.5, large[:5] * 9**0.5, rtol=1e-6, atol=0)


def test_the_matrix_is_drawn_in_place_and_once():
    tracemalloc.start()
    operator = make_operator("gaussian", (1, 64, 64), m=500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    held = operator.matrix.numel() * 4
    assert operator.matrix.dtype == torch.float32
    assert peak < 1.1 * held


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 2, 5, 17])
@pytest.mark.parametrize("block", [1, 12 * 300 * 4, 1 << 30])
def test_one_pass_gives_what_two_passes_give(batch, block, threads, monkeypatch):
    monkeypatch.setattr(random_matrices, "CACHE_BYTES", block)
    monkeypatch.setattr(random_matrices, "THREAD_SHARE", 5000)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    A, x, y = drawn(50, 300, batch)
    residual, gradient = residual_products(A, x, y)
    expected_misfit, expected_gradient = plain(A, x, y)
    # float32 sums of 300 and of 50 products of size about one: relative errors of a few 6e-8 sqrt(300).
    torch.testing.assert_close(residual.double().square().sum(-1), expected_misfit, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=0, atol=1e-5 * float(y.norm()))


@pytest.mark.parametrize("batch", [1, 4])
def test_float64_images_are_measured_in_float64(batch, monkeypatch):
    monkeypatch.setattr(random_matrices, "CACHE_BYTES", 7 * 300 * 4)
    A, x, y = drawn(50, 300, batch)
    x, y = x.double(), y.double()
    residual, gradient = residual_products(A, x, y)
    torch.testing.assert_close(residual.square().sum(-1), plain(A, x, y)[0], rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, plain(A, x, y)[1], rtol=0, atol=1e-12)
    torch.testing.assert_close(random_matrices.product(A, x), x @ A.double().T, rtol=0, atol=1e-12)
    torch.testing.assert_close(random_matrices.transposed(A, y), y @ A.double(), rtol=0, atol=1e-12)


def test_a_seeded_matrix_is_that_of_its_blocks(monkeypatch):
    monkeypatch.setattr(random_matrices, "ROW_BLOCK_ENTRIES", 7 * 64)
    operator = SeededGaussian((1, 8, 8), 30, seed=2)
    A = torch.cat([operator.block(number) for number in range(5)])
    assert A.shape == (30, 64)
    torch.testing.assert_close(operator.adjoint(torch.eye(30)).reshape(30, 64), A, rtol=0, atol=0)
    assert len({row.tobytes() for row in A.numpy()}) == 30


@pytest.mark.parametrize("batch", [1, 3])
def test_a_seeded_matrix_gives_the_residual_and_gradient_of_its_definition(batch, monkeypatch):
    monkeypatch.setattr(random_matrices, "ROW_BLOCK_ENTRIES", 7 * 64)
    operator = SeededGaussian((1, 8, 8), 30, seed=2)
    A = torch.cat([operator.block(number) for number in range(5)])
    _, x, y = drawn(30, 64, batch)
    residual, gradient = operator.residual_and_gradient(x.reshape(batch, 1, 8, 8), y)
    expected_misfit, expected_gradient = plain(A, x, y)
    # float32 sums of 64 products of size about one.
    torch.testing.assert_close(residual.double().square().sum(-1), expected_misfit, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient.flatten(1).double(), expected_gradient, rtol=0, atol=1e-5 * float(y.norm()))


def test_a_seeded_matrix_does_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(random_matrices, "ROW_BLOCK_ENTRIES", 7 * 64)
    operator, x = SeededGaussian((1, 8, 8), 30, seed=2), torch.ones(1, 8, 8)
    results = []
    for threads in (1, 2, 3, 9):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        y = operator.forward(x)
        results.append(
            torch.cat([y, operator.adjoint(y).flatten(), operator.residual_and_gradient(x, 2 * y)[1].flatten()])
        )
    assert all(torch.equal(r, results[0]) for r in results)


def test_a_seeded_operator_holds_no_matrix():
    assert not SeededGaussian((1, 8, 8), 30)._tensors()


def test_numbers_of_a_seed_are_fixed():
    # A change here would silently change every recorded result.
    np.testing.assert_allclose(gaussian_matrix(4, 6, 3)[1, :3].numpy(), [-0.1178748, 0.3221339, 0.3607466], rtol=1e-5)
    np.testing.assert_allclose(
        SeededGaussian((1, 2, 3), 4, 3).block(0)[1, :3].numpy(), [-0.2566696, -0.1262650, -1.6881297], rtol=1e-6
    )
