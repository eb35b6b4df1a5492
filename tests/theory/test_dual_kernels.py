"""Dual kernels against the matrix from its definition, Monte Carlo, and the published spectra."""

import numpy as np
import pytest

from untrained.theory.objects.dual_kernels import (
    active_share,
    basis_spectrum,
    correlations,
    dual_kernel,
    dual_spectrum,
    gaussian_kernel,
    padded,
    transfer,
    triangle_kernel,
    trigonometric_basis,
)

PUBLISHED = {
    "delta": (triangle_kernel(300, 1), 0.5, 0.5),
    "triangle 10": (triangle_kernel(300, 10), 0.0146106, 5.872354),
    "triangle 30": (triangle_kernel(300, 30), 0.0046761, 17.688657),
    "Gaussian 0.005": (gaussian_kernel(300, 0.005), 0.063277, 1.488142),
    "Gaussian 0.01": (gaussian_kernel(300, 0.01), 0.027446, 2.948965),
    "Gaussian 0.05": (gaussian_kernel(300, 0.05), 0.0053121, 14.702092),
}


def circulant(kernel):
    """Row i is the kernel moved by i, on a line or a torus."""
    axes = tuple(range(kernel.ndim))
    shifts = np.ndindex(kernel.shape)
    return np.stack([np.roll(kernel, shift, axes).ravel() for shift in shifts])


def sigma_by_definition(kernel):
    U = circulant(kernel)
    inner = U @ U.T
    lengths = np.linalg.norm(U, axis=1)
    cosine = np.clip(inner / np.outer(lengths, lengths), -1, 1)
    return (1 - np.arccos(cosine) / np.pi) / 2 * inner


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_ends_of_published_spectra_three_times_as_large(name):
    kernel, low, high = PUBLISHED[name]
    values = dual_spectrum(kernel)
    assert (values.min(), values.max()) == pytest.approx((low, high), rel=2e-5)
    assert values.sum() == pytest.approx(150, rel=1e-12)


@pytest.mark.parametrize("shape", [(9,), (10,), (4, 5), (3, 3)])
def test_eigenvalues_are_those_of_the_matrix_from_its_definition(shape):
    kernel = np.random.default_rng(3).standard_normal(shape)
    values = np.linalg.eigvalsh(sigma_by_definition(kernel))
    np.testing.assert_allclose(np.sort(dual_spectrum(kernel).ravel()), values, rtol=1e-6, atol=1e-6 * values.max())


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_the_trigonometric_basis_diagonalises(n):
    kernel, W = np.random.default_rng(4).standard_normal(n), trigonometric_basis(n)
    np.testing.assert_allclose(W.T @ W, np.eye(n), atol=1e-12)
    diagonal = W.T @ sigma_by_definition(kernel) @ W
    np.testing.assert_allclose(diagonal, np.diag(basis_spectrum(kernel)), atol=1e-6 * np.square(kernel).sum())


def test_sigma_is_the_mean_over_many_draws():
    kernel, rng = triangle_kernel(12, 3), np.random.default_rng(5)
    U = circulant(kernel)
    active = (U @ rng.standard_normal((12, 200_000)) > 0).astype(float)
    mean = active @ active.T / active.shape[1] * (U @ U.T)
    assert np.abs(mean - sigma_by_definition(kernel)).max() < 5e-3


def test_the_transfer_is_that_of_the_convolution():
    kernel = np.random.default_rng(6).standard_normal(8)
    sizes = np.linalg.svd(circulant(kernel), compute_uv=False)
    np.testing.assert_allclose(np.sort(transfer(kernel)), np.sort(sizes), atol=1e-12)


def test_a_correlation_of_one_is_exact_and_half_are_active_together():
    assert correlations(triangle_kernel(20, 4))[0] == 1
    assert active_share(np.array([1.0, 0.0, -1.0])).tolist() == [0.5, 0.25, 0.0]
    assert dual_kernel(triangle_kernel(20, 4))[0] == pytest.approx(0.5, rel=1e-15)


def test_a_kernel_is_laid_around_its_middle():
    assert padded(np.array([1.0, 2, 3]), (5,)).tolist() == [2, 3, 0, 0, 1]
    assert padded(np.ones((3, 3)), (4, 5)).sum(1).tolist() == [3, 3, 0, 3]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: triangle_kernel(9, 6), "half_width must be at most 5 for 9 points, got 6"),
        (lambda: gaussian_kernel(9, 0), "width must be positive, got 0"),
        (lambda: dual_spectrum(np.zeros(4)), "kernel must not be 0"),
        (lambda: dual_spectrum(np.ones((2, 2, 2))), r"kernel must have shape \(n,\) or \(h, w\), got \(2, 2, 2\)"),
        (lambda: padded(np.ones(7), (6,)), r"kernel must fit into shape \(6,\), got \(7,\)"),
        (lambda: padded(np.ones(3), (6, 6)), r"kernel must fit into shape \(6, 6\), got \(3,\)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
