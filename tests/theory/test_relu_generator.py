import math

import numpy as np
import pytest
import torch

from untrained.theory.objects import relu_generator as rg

# Sums of at most a hundred products of numbers of order one: a few thousand units of rounding.
CLOSE = 1e-12
SIZES = [(1, 1, 1), (3, 5, 2), (5, 3, 4), (4, 4, 1)]
FUNCTIONS = [rg.output, rg.jacobian, rg.gram, rg.jacobian_singular_values]


def instance(seed, n, d, k, batch=()):
    """V, W, z and y, with no exact zero in W z (probability 0)."""
    rng = np.random.default_rng([seed, n, d, k])
    shapes = ((n, d), (d, k), (k,), (n,))
    return tuple(rng.standard_normal((*batch, *shape)) for shape in shapes)


def torch_output(V, W, z):
    """The generator in torch."""
    return torch.from_numpy(V) @ torch.relu(W @ torch.from_numpy(z))


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_output_is_the_sum_over_neurons(n, d, k):
    V, W, z, _ = instance(0, n, d, k)
    slow = [sum(V[i, l] * max(0.0, float(W[l] @ z)) for l in range(d)) for i in range(n)]
    np.testing.assert_allclose(rg.output(V, W, z), slow, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_jacobian_matches_automatic_differentiation(n, d, k):
    V, W, z, _ = instance(1, n, d, k)
    J = torch.func.jacrev(lambda weights: torch_output(V, weights, z))(torch.from_numpy(W))
    np.testing.assert_allclose(rg.jacobian(V, W, z), J.numpy().reshape(n, d * k), rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_gradient_matches_automatic_differentiation(n, d, k):
    V, W, z, y = instance(2, n, d, k)
    weights = torch.from_numpy(W.copy()).requires_grad_(True)
    loss = ((torch_output(V, weights, z) - torch.from_numpy(y)) ** 2).sum() / 2
    loss.backward()
    np.testing.assert_allclose(rg.gradient(V, W, z, y), weights.grad.numpy(), rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_gradient_is_the_transposed_jacobian_times_the_residual(n, d, k):
    V, W, z, y = instance(3, n, d, k)
    slow = rg.jacobian(V, W, z).T @ (rg.output(V, W, z) - y)
    np.testing.assert_allclose(rg.gradient(V, W, z, y).ravel(), slow, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_jacobian_rows_are_kronecker_products(n, d, k):
    V, W, z, _ = instance(4, n, d, k)
    pattern = np.array([1.0 if row @ z >= 0 else 0.0 for row in W])
    slow = np.stack([np.kron(V[i] * pattern, z) for i in range(n)])
    # Each entry is one product, rounded once on both sides.
    np.testing.assert_array_equal(rg.jacobian(V, W, z), slow)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_gram_is_the_jacobian_times_its_transpose(n, d, k):
    V, W, z, _ = instance(5, n, d, k)
    J = rg.jacobian(V, W, z)
    np.testing.assert_allclose(rg.gram(V, W, z), J @ J.T, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_singular_values_are_those_of_the_formed_jacobian(n, d, k):
    V, W, z, _ = instance(6, n, d, k)
    fast = rg.jacobian_singular_values(V, W, z)
    slow = np.linalg.svd(rg.jacobian(V, W, z), compute_uv=False)
    assert fast.shape == (min(n, d),)
    # The formed Jacobian may list more values than min(n, d); the rest are zero.
    padded = np.zeros(max(len(slow), len(fast)))
    padded[: len(fast)] = fast
    np.testing.assert_allclose(padded[: len(slow)], slow, atol=CLOSE)


def test_more_rows_than_neurons_leave_a_jacobian_of_rank_at_most_the_width():
    V, W, z, _ = instance(7, 9, 4, 3)
    assert np.linalg.matrix_rank(rg.jacobian(V, W, z)) <= 4
    assert rg.jacobian_singular_values(V, W, z).shape == (4,)


def test_activation_of_zero_counts_as_one():
    W, z = np.array([[0.0], [-0.0], [1.0], [-1.0]]), np.array([1.0])
    np.testing.assert_array_equal(rg.activation_pattern(W, z), [1, 1, 1, 0])


def test_jacobian_at_an_exact_zero_keeps_the_column_that_torch_drops():
    V, W, z = np.array([[2.0]]), np.array([[1.0, -1.0]]), np.array([1.0, 1.0])
    J = torch.func.jacrev(lambda weights: torch_output(V, weights, z))(torch.from_numpy(W))
    np.testing.assert_array_equal(J.numpy().ravel(), [0.0, 0.0])
    np.testing.assert_array_equal(rg.jacobian(V, W, z), [[2.0, 2.0]])


def test_relu_keeps_the_positive_part():
    np.testing.assert_array_equal(rg.relu(np.array([-1.5, 0.0, 2.5])), [0.0, 0.0, 2.5])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_batches_agree_with_loops(function):
    V, W, z, _ = instance(8, 3, 4, 2, batch=(2, 3))
    slow = [[function(V[i, j], W[i, j], z[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(function(V, W, z), np.array(slow), rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("function", [rg.residual, rg.gradient])
def test_batches_with_a_target_agree_with_loops(function):
    V, W, z, y = instance(9, 3, 4, 2, batch=(2, 3))
    slow = [[function(V[i, j], W[i, j], z[i, j], y[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(function(V, W, z, y), np.array(slow), rtol=CLOSE, atol=CLOSE)


def test_batched_output_scale_agrees_with_a_loop():
    _, _, z, y = instance(10, 3, 4, 2, batch=(5,))
    slow = [rg.output_scale(y[i], z[i], 4) for i in range(5)]
    np.testing.assert_allclose(rg.output_scale(y, z, 4), slow, rtol=CLOSE)


def test_output_scale_is_the_norm_of_y_over_that_of_z_and_the_root_of_d_n():
    y, z = np.array([3.0, 4.0]), np.array([0.0, 2.0, 0.0])
    assert float(rg.output_scale(y, z, 8)) == pytest.approx(5 / (math.sqrt(8 * 2) * 2), rel=1e-15)


def test_output_scale_makes_the_expected_squared_output_half_the_squared_target():
    # E ||V phi(W z)||^2 = n nu^2 d ||z||^2 / 2: the norm of y cancels exactly.
    _, _, z, y = instance(11, 6, 4, 3)
    nu = float(rg.output_scale(y, z, 4))
    assert 6 * nu**2 * 4 * float(z @ z) / 2 == pytest.approx(float(y @ y) / 2, rel=CLOSE)


def test_output_scale_refuses_a_zero_latent():
    with pytest.raises(ValueError, match="latent must not be the zero vector"):
        rg.output_scale(np.ones(3), np.zeros(2), 4)


@pytest.mark.parametrize("width", [0, -1, math.nan])
def test_output_scale_refuses_a_width_below_one(width):
    with pytest.raises(ValueError, match="width must be at least 1"):
        rg.output_scale(np.ones(3), np.ones(2), width)


def test_output_scale_refuses_an_empty_target():
    with pytest.raises(ValueError, match="target must have at least 1 entry"):
        rg.output_scale(np.ones(0), np.ones(2), 4)


def test_output_scale_refuses_an_empty_latent():
    with pytest.raises(ValueError, match="latent must not be the zero vector"):
        rg.output_scale(np.ones(3), np.ones(0), 4)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("place", "name"), [(0, "output_weights"), (1, "weights"), (2, "latent")])
def test_values_that_are_not_finite_are_refused(function, bad, place, name):
    arguments = list(instance(12, 3, 4, 2)[:3])
    arguments[place].flat[0] = bad
    with pytest.raises(ValueError, match=f"^{name} must be finite"):
        function(*arguments)


@pytest.mark.parametrize("function", [rg.residual, rg.gradient])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_targets_that_are_not_finite_are_refused(function, bad):
    V, W, z, y = instance(13, 3, 4, 2)
    y[1] = bad
    with pytest.raises(ValueError, match="target must be finite"):
        function(V, W, z, y)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_columns_of_v_that_are_not_rows_of_w_are_refused(function):
    with pytest.raises(ValueError, match=r"columns of output_weights and rows of weights .* got 5 and 4"):
        function(np.ones((3, 5)), np.ones((4, 2)), np.ones(2))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_columns_of_w_that_do_not_fit_z_are_refused(function):
    with pytest.raises(ValueError, match=r"columns of weights and latent .* got 2 and 3"):
        function(np.ones((3, 4)), np.ones((4, 2)), np.ones(3))


def test_activation_pattern_refuses_weights_that_do_not_fit_z():
    with pytest.raises(ValueError, match="columns of weights and latent"):
        rg.activation_pattern(np.ones((4, 2)), np.ones(3))


@pytest.mark.parametrize("function", [rg.residual, rg.gradient])
def test_targets_that_do_not_fit_the_rows_of_v_are_refused(function):
    with pytest.raises(ValueError, match=r"rows of output_weights and target .* got 3 and 5"):
        function(np.ones((3, 4)), np.ones((4, 2)), np.ones(2), np.ones(5))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_vectors_in_place_of_matrices_are_refused(function):
    with pytest.raises(ValueError, match="output_weights must have at least 2 axes"):
        function(np.ones(4), np.ones((4, 2)), np.ones(2))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, np.float32])
def test_other_real_types_give_the_same_float64_result(function, kind):
    V, W, z = np.array([[1, 2, 0], [3, 1, 4]]), np.array([[1, 2], [0, 5], [3, 1]]), np.array([2, 1])
    result = function(V.astype(kind), W.astype(kind), z.astype(kind))
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, function(V * 1.0, W * 1.0, z * 1.0))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", [complex, str, object, bool])
@pytest.mark.parametrize(("place", "name"), [(0, "output_weights"), (1, "weights"), (2, "latent")])
def test_arrays_that_are_not_numeric_and_real_are_refused(function, kind, place, name):
    arguments = [np.ones((3, 4)), np.ones((4, 2)), np.ones(2)]
    arguments[place] = arguments[place].astype(kind)
    with pytest.raises(ValueError, match=f"^{name} must be an array of real numbers"):
        function(*arguments)


def test_arguments_are_left_as_they_were():
    arguments = instance(14, 3, 4, 2)
    before = [x.copy() for x in arguments]
    rg.gradient(*arguments)
    rg.jacobian(*arguments[:3])
    for x, old in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(x, old)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_generator_without_neurons_puts_out_zero(batch):
    V, W, z = np.ones((*batch, 3, 0)), np.ones((*batch, 0, 2)), np.ones((*batch, 2))
    np.testing.assert_array_equal(rg.output(V, W, z), np.zeros((*batch, 3)))
    assert rg.jacobian(V, W, z).shape == (*batch, 3, 0)
    assert rg.jacobian_singular_values(V, W, z).shape == (*batch, 0)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (rg.output, (0, 3)),
        (rg.jacobian, (0, 3, 8)),
        (rg.gram, (0, 3, 3)),
        (rg.jacobian_singular_values, (0, 3)),
    ],
)
def test_empty_batches_give_empty_results(function, shape):
    assert function(np.ones((0, 3, 4)), np.ones((0, 4, 2)), np.ones((0, 2))).shape == shape
