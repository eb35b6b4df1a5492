"""What every operator promises, each checked against a matrix written from its definition."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.linalg import hadamard

from untrained.sims.lanczos import largest_eigenvalue
from untrained.sims.operators import OPERATORS, dot_test, make_operator, operator_from_spec
from untrained.sims.operators.base import _norm_start

SHAPES = [(1, 8, 8), (3, 4, 8), (1, 16, 4)]
LINEAR = [name for name in OPERATORS if name != "magnitude"]
ORTHONORMAL = set(LINEAR) - {"gaussian", "gaussian-seeded", "superres", "multicoil", "fourier-cartesian"}
OPTIONS = {
    "fourier-radial": {"lines": 3},
    "superres": {"factor": 2},
    "multicoil": {"coils": 2, "acceleration": 2},
}
"""Of operators whose number of measurements follows from their options."""


def made(name, shape, seed=3):
    """A small operator of the kind."""
    mask = {"fourier-cartesian": {"mask": np.arange(shape[2]) % 3 == 0}}
    return make_operator(name, shape, seed=seed, **{**OPTIONS, **mask}.get(name, {"m": 11}))


def matrix(operator, dtype=torch.float64):
    """A, column by column: the measurements of each pixel."""
    basis = torch.eye(operator.n, dtype=dtype).reshape(-1, *operator.shape)
    return operator.forward(basis).T.numpy()


def every(test):
    """Run a test for every linear operator and shape."""
    test = pytest.mark.parametrize("name", LINEAR)(test)
    return pytest.mark.parametrize("shape", SHAPES, ids=str)(test)


def cosines(length):
    return dct(np.eye(length), norm="ortho", axis=0)


def sylvester(length):
    return hadamard(length) / length**0.5


def full_transform(name, shape):
    """The matrix (n, n) of the transform of each channel, on the flattened image."""
    rows = cosines if name.endswith("dct") else sylvester
    return np.kron(np.eye(shape[0]), np.kron(rows(shape[1]), rows(shape[2])))


@every
def test_the_adjoint_is_the_transpose(name, shape):
    operator = made(name, shape)
    back = operator.adjoint(torch.eye(operator.m, dtype=torch.float64)).reshape(operator.m, -1)
    # float64 transforms of a few hundred entries of size <= 1 round at 1e-16 each.
    np.testing.assert_allclose(back.numpy(), matrix(operator), rtol=0, atol=1e-14)


@every
def test_the_dot_test_passes_in_float32(name, shape):
    # Sums of some hundred float32 products: errors of a few 6e-8, relative to the norms.
    assert dot_test(made(name, shape)) < 2e-6


@every
def test_float32_products_are_the_float64_ones_rounded(name, shape):
    operator = made(name, shape)
    scale = np.abs(matrix(operator)).max()
    assert matrix(operator, torch.float32).dtype == np.float32
    np.testing.assert_allclose(matrix(operator, torch.float32), matrix(operator), rtol=0, atol=1e-6 * scale)


@every
def test_rows_are_orthonormal_where_that_is_promised_and_only_there(name, shape):
    operator = made(name, shape)
    A = matrix(operator)
    distance = np.abs(A @ A.T - np.eye(operator.m)).max()
    assert operator.orthonormal == (name in ORTHONORMAL)
    assert (distance < 1e-13) == operator.orthonormal


@every
def test_gain_is_the_squared_frobenius_norm_over_n(name, shape):
    operator = made(name, shape)
    if name.startswith("gaussian"):
        assert operator.gain == 1.0  # by expectation; its law is tested with the Gaussian operators
    else:
        assert operator.gain == pytest.approx((matrix(operator) ** 2).sum() / operator.n, rel=1e-12)


@every
def test_squared_norm_bounds_the_largest_singular_value_closely(name, shape):
    operator = made(name, shape)
    exact = np.linalg.norm(matrix(operator), 2) ** 2
    # An orthonormal A has norm 1 up to rounding of the explicit matrix; else the stated enlargement is 1e-3.
    assert exact * (1 - 1e-12) <= operator.squared_norm() <= exact * (1 + 2e-3)


@every
def test_the_derivative_is_exact_to_second_order_and_both_ways(name, shape):
    operator = made(name, shape)
    x = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    y = operator.forward(x).detach().requires_grad_()
    torch.autograd.gradcheck(lambda v: operator.forward(v).square(), x, fast_mode=True)
    torch.autograd.gradcheck(lambda v: operator.adjoint(v).square(), y, fast_mode=True)
    torch.autograd.gradgradcheck(lambda v: operator.forward(v).square(), x, fast_mode=True)


@every
def test_residual_and_gradient_are_those_of_autograd(name, shape):
    operator = made(name, shape)
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, *shape, generator=rng, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, operator.m, generator=rng, dtype=torch.float64)
    residual, gradient = operator.residual_and_gradient(x, y)
    loss = (operator.forward(x) - y).square().sum(-1)
    (expected,) = torch.autograd.grad(loss.sum(), x)
    assert not residual.requires_grad
    assert residual.shape == (2, 3, operator.m)
    torch.testing.assert_close(residual.square().sum(-1), loss.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(2 * gradient, expected, rtol=1e-10, atol=1e-11)


@every
def test_batches_are_measured_one_image_at_a_time(name, shape):
    operator = made(name, shape)
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    y = operator.forward(x)
    back = operator.adjoint(y)
    assert y.shape == (2, 3, operator.m)
    assert back.shape == x.shape
    for i, j in np.ndindex(2, 3):
        torch.testing.assert_close(operator.forward(x[i, j]), y[i, j], rtol=0, atol=1e-13)
        torch.testing.assert_close(operator.adjoint(y[i, j]), back[i, j], rtol=0, atol=1e-12)


@every
def test_the_spec_survives_json_and_makes_the_same_operator(name, shape):
    operator = made(name, shape)
    again = operator_from_spec(json.loads(json.dumps(operator.spec())))
    assert again.fingerprint() == operator.fingerprint()
    assert (again.m, again.coefficients) == (operator.m, operator.coefficients)
    np.testing.assert_array_equal(matrix(again), matrix(operator))


@every
def test_copies_pickles_and_moves_apply_the_same_matrix(name, shape):
    operator = made(name, shape)
    for other in (copy.deepcopy(operator), pickle.loads(pickle.dumps(operator)), operator.to("cpu")):
        np.testing.assert_array_equal(matrix(other), matrix(operator))


@pytest.mark.parametrize("name", sorted(set(LINEAR) - {"fourier-radial", "superres", "fourier-cartesian"}))
def test_the_seed_decides_the_matrix(name):
    one, again, other = (matrix(made(name, (1, 8, 8), seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_every_ingredient_changes_the_fingerprint():
    mask = np.eye(8, dtype=bool)
    operators = [
        *(made(name, shape) for name in OPERATORS for shape in SHAPES),
        made("gaussian", (1, 8, 8), seed=4),
        make_operator("gaussian", (1, 8, 8), m=12, seed=3),
        make_operator("fourier-radial", (1, 8, 8), lines=4),
        make_operator("superres", (1, 8, 8), factor=4),
        make_operator("inpainting", (1, 8, 8), mask=mask),
        make_operator("inpainting", (1, 8, 8), mask=mask[::-1]),
    ]
    assert len({a.fingerprint() for a in operators}) == len(operators)


def test_what_makes_no_difference_does_not_change_the_fingerprint():
    assert made("fourier-radial", (1, 8, 8), seed=0).fingerprint() == made("fourier-radial", (1, 8, 8), 9).fingerprint()


def test_the_fingerprint_is_fixed_to_the_bit():
    # Recorded experiments are compared by it.
    assert made("gaussian", (1, 8, 8)).fingerprint()[:16] == "8edc2f31e144b4a9"


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 8)], ids=str)
@pytest.mark.parametrize("name", ["dct", "hadamard"])
def test_a_subsampled_transform_is_distinct_rows_of_the_whole_one(name, shape):
    operator = made(name, shape)
    whole = full_transform(name, shape)
    np.testing.assert_allclose(matrix(operator), whole[operator.rows.numpy()], rtol=0, atol=1e-14)
    assert len(set(operator.rows.tolist())) == operator.m


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 8)], ids=str)
@pytest.mark.parametrize("name", ["scrambled-dct", "scrambled-hadamard"])
def test_a_scrambled_transform_flips_pixels_first(name, shape):
    operator = made(name, shape)
    signs = operator.signs.numpy().ravel()
    expected = full_transform(name, shape)[operator.rows.numpy()] * signs
    np.testing.assert_allclose(matrix(operator), expected, rtol=0, atol=1e-14)
    assert set(signs) == {-1, 1}


def test_rows_and_signs_are_drawn_uniformly():
    # 400 draws of 16 of 64 rows: a row is kept 100 +- 8.7 times; signs of 25 600 pixels sum to 0 +- 160 (5 sigma).
    operators = [make_operator("scrambled-dct", (1, 8, 8), 16, seed) for seed in range(400)]
    counts = np.bincount(np.concatenate([a.rows for a in operators]), minlength=64)
    assert np.abs(counts - 100).max() < 5 * 8.7
    assert abs(sum(int(a.signs.sum()) for a in operators)) < 5 * 160


def test_scrambling_spreads_a_flat_image_evenly():
    flat = torch.ones(1, 32, 32)
    plain, scrambled = (make_operator(name, (1, 32, 32), 1024) for name in ("dct", "scrambled-dct"))
    assert plain.forward(flat).abs().max() == pytest.approx(32, rel=1e-5)
    # Coefficients of random signs are about standard normal: the largest of 1024 is below 5.5 but once in 10^4.
    assert scrambled.forward(flat).abs().max() < 5.5


@pytest.mark.parametrize("m", [1, 64])
@pytest.mark.parametrize("name", sorted(set(LINEAR) - set(OPTIONS) - {"fourier-cartesian"}))
def test_one_measurement_and_as_many_as_pixels_are_allowed(name, m):
    operator = make_operator(name, (1, 8, 8), m)
    assert operator.forward(torch.ones(1, 8, 8)).shape == (m,)


@pytest.mark.parametrize("name", sorted(ORTHONORMAL - {"fourier-radial"}))
def test_as_many_orthonormal_measurements_as_pixels_keep_the_image(name):
    operator, x = make_operator(name, (1, 8, 8), 64), torch.linspace(-1, 1, 64, dtype=torch.float64).reshape(1, 8, 8)
    torch.testing.assert_close(operator.adjoint(operator.forward(x)), x, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("m", "n"), [(3, 9), (40, 90), (90, 90), (1, 5), (5, 1)])
def test_the_spectral_norm_is_found_from_products(m, n):
    A = torch.from_numpy(np.random.default_rng(m).standard_normal((m, n)))
    exact = np.linalg.norm(A.numpy(), 2) ** 2
    # Its residual bound is 1e-3, and its error far smaller where the largest value stands apart.
    assert largest_eigenvalue(lambda x: A.T @ (A @ x), _norm_start(n)) == pytest.approx(exact, rel=1e-4)


def test_the_spectral_norm_of_zero_and_of_a_multiple_of_the_identity_needs_no_iteration():
    assert largest_eigenvalue(torch.zeros_like, _norm_start(7)) == 0
    assert largest_eigenvalue(lambda x: 3 * x, _norm_start(7)) == pytest.approx(3, rel=1e-12)


def test_a_dot_test_finds_an_adjoint_that_is_off_by_one_pixel():
    operator = made("dct", (1, 8, 8))
    right = operator._transposed
    operator._transposed = lambda y: right(y).roll(1, -1)
    assert dot_test(operator) > 1e-3
