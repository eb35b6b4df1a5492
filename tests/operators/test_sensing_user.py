import warnings

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse import linalg

from untrained.sims.operators import as_operator, dot_test, make_operator, operator_from_spec, stack
from untrained.sims.operators.user_operator import scale_test
from untrained.sims.random.streams import stream

SHAPE = (1, 4, 5)
A = np.random.default_rng(0).standard_normal((7, 20)).astype(np.float32)


class Tensors:
    """A user's operator on tensors."""

    def __init__(self, B=A):
        self.B = torch.from_numpy(B)

    def forward(self, x):
        return self.B @ x.reshape(-1)

    def adjoint(self, y):
        return (self.B.T @ y).reshape(SHAPE)


class Arrays:
    """A user's operator that works on arrays only, in float64, and returns views with odd strides."""

    def forward(self, x):
        assert type(x) is np.ndarray
        return (A.astype(np.float64) @ x.ravel())[::-1]

    def adjoint(self, y):
        assert type(y) is np.ndarray
        return (A.T.astype(np.float64) @ y[::-1]).reshape(SHAPE)


class Shifted(Tensors):
    """An adjoint that puts its image one pixel off."""

    def adjoint(self, y):
        return super().adjoint(y).roll(1, -1)


class Scaled(Tensors):
    """An adjoint that forgot a factor."""

    def adjoint(self, y):
        return 0.9 * super().adjoint(y)


class Clipped(Tensors):
    """A map that is not linear."""

    def forward(self, x):
        return super().forward(x).clamp(-1, 1)


class InPlace(Tensors):
    """An operator that spoils what it is given."""

    def forward(self, x):
        x *= 2
        return self.B @ x.reshape(-1) / 2


@pytest.mark.parametrize(("user", "matrix"), [(Tensors(), A), (Arrays(), A[::-1]), (InPlace(), A)])
def test_a_users_operator_measures_batches_of_images(user, matrix):
    operator = as_operator(user, SHAPE)
    x = torch.randn(2, 3, *SHAPE, generator=torch.Generator().manual_seed(0))
    original = x.clone()
    y = operator.forward(x)
    assert torch.equal(x, original)
    assert (operator.m, operator.coefficients, operator.orthonormal) == (7, 7, False)
    # Sums of 20 float32 products of size one.
    np.testing.assert_allclose(y, x.flatten(-3).numpy() @ matrix.T, rtol=0, atol=1e-5)
    np.testing.assert_allclose(operator.adjoint(y).flatten(-3), y.numpy() @ matrix, rtol=0, atol=1e-4)


@pytest.mark.parametrize("user", [Tensors(), Arrays()])
def test_a_users_operator_is_differentiable_by_its_adjoint(user):
    operator = as_operator(user, SHAPE, 7)
    x = torch.ones(SHAPE, requires_grad=True)
    loss = operator.forward(x).square().sum()
    (gradient,) = torch.autograd.grad(loss, x)
    torch.testing.assert_close(gradient, 2 * operator.residual_and_gradient(x, torch.zeros(7))[1], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(gradient.flatten(), 2 * A.T @ (A @ np.ones(20)), rtol=0, atol=1e-3)


def test_norm_and_gain_are_found_from_products():
    operator = as_operator(Tensors(), SHAPE)
    exact = np.linalg.norm(A.astype(np.float64), 2) ** 2
    assert exact <= operator.squared_norm() <= exact * 1.002
    # The mean of 32 quadratic forms in random signs, each of variance below 2 ||A^T A||_F^2/n^2.
    deviation = (2 * ((A.T @ A) ** 2).sum() / 32) ** 0.5 / 20
    assert abs(operator.gain - (A**2).sum() / 20) < 5 * deviation


def test_the_gain_of_known_pixels_is_exact():
    operator = as_operator(Tensors(np.eye(20, dtype=np.float32)[:7]), SHAPE)
    assert operator.gain == 7 / 20


def test_different_operators_have_different_fingerprints_and_equal_ones_the_same():
    prints = [as_operator(user, SHAPE).fingerprint() for user in (Tensors(), Tensors(), Tensors(2 * A))]
    assert prints[0] == prints[1] != prints[2]


def test_users_operators_can_be_stacked():
    several = stack([as_operator(Tensors(), SHAPE), as_operator(Tensors(2 * A), SHAPE)])
    y = several.forward(torch.ones(2, *SHAPE))
    torch.testing.assert_close(y[1], 2 * y[0])


@pytest.mark.parametrize("user", [Shifted(), Scaled(), Clipped()])
def test_a_wrong_adjoint_is_refused(user):
    with pytest.raises(ValueError, match="adjoint must be the transpose of forward within 1e-05, got a dot test of"):
        as_operator(user, SHAPE)


def test_the_dot_test_of_a_right_adjoint_is_rounding():
    assert dot_test(as_operator(Tensors(), SHAPE)) < 1e-6


class Missing:
    forward = Tensors.forward


class Column(Tensors):
    def forward(self, x):
        return super().forward(x)[:, None]

    def adjoint(self, y):
        return super().adjoint(y.reshape(-1))


class Flat(Tensors):
    def adjoint(self, y):
        return super().adjoint(y).flatten()


class Lists(Tensors):
    def forward(self, x):
        return [1.0, 2.0]


class Complex(Tensors):
    def forward(self, x):
        return super().forward(x) * 1j


class Broken(Tensors):
    def forward(self, x):
        return super().forward(x) / 0


@pytest.mark.parametrize(
    ("user", "message"),
    [
        (Missing(), "operator must have a method adjoint, got Missing without it"),
        (Column(), r"forward of the user's operator must return shape \(m,\), got \(7, 1\)"),
        (Flat(), r"adjoint of the user's operator must return \(1, 4, 5\), got \(20,\)"),
        (
            Lists(),
            "must take tensors or arrays, got 'forward: it must return an array or a tensor of numbers, got list'",
        ),
        (Complex(), "must take tensors or arrays, got 'adjoint: "),
        (Broken(), "forward of the user's operator must return finite numbers, got others"),
    ],
)
def test_an_unfit_operator_is_refused_in_a_sentence(user, message):
    with pytest.raises(ValueError, match=message):
        as_operator(user, SHAPE)


def test_a_number_of_measurements_that_disagrees_is_refused():
    with pytest.raises(ValueError, match=r"must return shape \(8,\), got \(7,\)"):
        as_operator(Tensors(), SHAPE, 8)


def test_a_spec_of_a_users_operator_says_that_it_cannot_be_rebuilt():
    spec = as_operator(Tensors(), SHAPE).spec()
    assert spec["options"]["rebuildable"] is False
    with pytest.raises(ValueError, match="got a user's own, which cannot be rebuilt"):
        operator_from_spec(spec)


def test_an_object_of_float32_tensors_is_given_float32_throughout():
    operator = as_operator(Tensors(), SHAPE)
    y = operator.forward(torch.ones(SHAPE, dtype=torch.float64))
    assert y.dtype == torch.float64
    assert torch.equal(y, operator.forward(torch.ones(SHAPE)).double())
    assert operator.adjoint(y).dtype == torch.float64


def test_an_object_that_takes_float64_keeps_it():
    operator = as_operator(Arrays(), SHAPE)
    x = torch.full(SHAPE, 1 / 3, dtype=torch.float64)
    expected = (A.astype(np.float64) @ x.numpy().ravel())[::-1]
    np.testing.assert_allclose(operator.forward(x).numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("kind", [">f4", ">f8", np.longdouble])
def test_arrays_of_numbers_that_torch_has_not_are_taken(kind):
    class Foreign(Arrays):
        def forward(self, x):
            return super().forward(x).astype(kind)

        def adjoint(self, y):
            return super().adjoint(y).astype(kind)

    x = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(SHAPE)
    expected = as_operator(Arrays(), SHAPE).forward(x)
    torch.testing.assert_close(as_operator(Foreign(), SHAPE).forward(x), expected, atol=1e-6, rtol=1e-6)


MATRICES = {
    "array": lambda: A,
    "float64 array": lambda: A.astype(np.float64),
    "tensor": lambda: torch.from_numpy(A),
    "sparse": lambda: sparse.csr_array(A),
    "LinearOperator": lambda: linalg.aslinearoperator(A),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_a_matrix_of_any_kind_is_taken_for_flattened_images(kind):
    operator = as_operator(MATRICES[kind](), SHAPE)
    x = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(SHAPE)
    y = torch.linspace(0, 1, 7, dtype=torch.float64)
    # float32 products of 20 terms of order one, where the matrix insists on them
    np.testing.assert_allclose(operator.forward(x), A.astype(np.float64) @ x.numpy().ravel(), atol=5e-6)
    np.testing.assert_allclose(operator.adjoint(y).flatten(), A.T.astype(np.float64) @ y.numpy(), atol=5e-6)


def test_a_matrix_of_other_images_is_refused():
    with pytest.raises(ValueError, match=r"^operator must have 16 columns for images of shape \(1, 4, 4\), got 20$"):
        as_operator(A, (1, 4, 4))


class Noisy(Tensors):
    """Measurements that come with fresh noise at each call."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        y = super().forward(x)
        return y + 1e-3 * torch.from_numpy(self.rng.standard_normal(len(y))).to(y)


def test_measurements_that_change_from_call_to_call_are_refused():
    with pytest.raises(ValueError, match=r"^forward must give the same measurements each time, got a change"):
        as_operator(Noisy(), SHAPE)


B = A * np.exp(1j * np.random.default_rng(1).uniform(0, 7, A.shape))
"""A complex matrix."""


class Spectrum:
    """Complex measurements of arrays, with the adjoint that belongs to them."""

    def forward(self, x):
        return B @ x.ravel()

    def adjoint(self, y):
        return (B.conj().T @ y).reshape(SHAPE)


class SpectrumOfTensors(Tensors):
    """Complex measurements of tensors, in complex128 alone."""

    def __init__(self):
        self.B = torch.from_numpy(B)

    def forward(self, x):
        return self.B @ x.reshape(-1).to(torch.complex128)

    def adjoint(self, y):
        return (self.B.mH @ y.to(torch.complex128)).reshape(SHAPE)


class Unconjugated(Spectrum):
    """The transpose in place of the adjoint."""

    def adjoint(self, y):
        return (B.T @ y).reshape(SHAPE)


COMPLEX = {
    "array": lambda: B,
    "complex64 array": lambda: B.astype(np.complex64),
    "tensor": lambda: torch.from_numpy(B),
    "sparse": lambda: sparse.coo_array(B),
    "LinearOperator": lambda: linalg.aslinearoperator(B),
    "object of arrays": Spectrum,
    "object of tensors": SpectrumOfTensors,
}


@pytest.mark.parametrize("kind", COMPLEX)
def test_complex_measurements_are_real_parts_and_then_imaginary_ones(kind):
    operator = as_operator(COMPLEX[kind](), SHAPE)
    stacked = np.concatenate([B.real, B.imag])
    x = torch.linspace(-1, 1, 40, dtype=torch.float64).reshape(2, *SHAPE)
    y = torch.linspace(0, 1, 14, dtype=torch.float64)
    assert operator.m == 14
    # float32 products of 20 terms of order one, where the operator insists on them
    np.testing.assert_allclose(operator.forward(x), x.flatten(1).numpy() @ stacked.T, atol=5e-6)
    np.testing.assert_allclose(operator.adjoint(y).flatten(), stacked.T @ y.numpy(), atol=5e-6)
    r, g = operator.residual_and_gradient(x, y)
    np.testing.assert_allclose(g.flatten(1), (x.flatten(1).numpy() @ stacked.T - y.numpy()) @ stacked, atol=2e-4)
    assert r.shape == (2, 14)


def test_a_transpose_is_no_adjoint_of_a_complex_operator():
    with pytest.raises(ValueError, match="adjoint must be the transpose of forward within 1e-05, got a dot test of"):
        as_operator(Unconjugated(), SHAPE)


class Double(Tensors):
    """Products in float64 alone."""

    def __init__(self):
        self.B = torch.from_numpy(A.astype(np.float64))


def test_an_object_of_float64_tensors_is_given_float64_throughout():
    operator = as_operator(Double(), SHAPE)
    y = operator.forward(torch.ones(SHAPE))
    assert y.dtype == torch.float32
    np.testing.assert_allclose(y, A.sum(1), atol=5e-6)


class Physics:
    """A linear physics as deepinv has them: a batch of images, measurements of a shape of their own."""

    def __init__(self, channels=1):
        self.channels = channels

    def A(self, x, **options):
        if x.shape[1] != self.channels:
            raise ValueError("other channels")
        return 2 * x[..., ::2]

    def A_adjoint(self, y, **options):
        x = torch.zeros(len(y), *y.shape[1:3], 5)
        x[..., ::2] = 2 * y
        return x

    def forward(self, x):
        raise AssertionError("forward of a physics adds its noise")


class Parts(list):
    """Several measurements together, as deepinv stacks them."""


class StackedPhysics(Physics):
    def A(self, x):
        return Parts([super().A(x), x.sum(-1)])

    def A_adjoint(self, y):
        return super().A_adjoint(y[0]) + y[1][..., None]


@pytest.mark.parametrize(("physics", "m"), [(Physics(), 12), (Physics(2), 24), (StackedPhysics(), 16)])
def test_a_physics_is_measured_by_a_and_transposed_by_a_adjoint(physics, m):
    operator = as_operator(physics, SHAPE)
    x = torch.linspace(-1, 1, 20).reshape(SHAPE)
    assert operator.m == m
    torch.testing.assert_close(operator.forward(x)[:12], 2 * x[0, :, ::2].flatten())


def test_one_of_the_houses_operators_stays_as_it_is():
    operator = make_operator("gaussian", SHAPE, 7)
    assert as_operator(operator, SHAPE) is operator


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.full((3, 20), np.nan), "operator must hold finite numbers, got a matrix with others"),
        (np.zeros((0, 20)), "operator must have at least one row, got none"),
        (np.full((3, 20), "a"), "matrix must hold numbers, got <U1"),
        (np.ones((3, 4, 5)), r"operator must have two dimensions where it is a matrix, got shape \(3, 4, 5\)"),
        (torch.ones(20), r"operator must have two dimensions where it is a matrix, got shape \(20,\)"),
        (np.zeros((3, 20)), "operator must measure something, got zeros for every image"),
        (sparse.csr_array((3, 20)), "operator must measure something, got zeros for every image"),
        (np.full((3, 20), 1e200), "operator must hold finite numbers, got a matrix with others"),
        (
            np.ma.masked_greater(np.arange(60.0).reshape(3, 20), 56),
            "operator must have no masked entries, got 3 of 60: fill them first",
        ),
    ],
)
def test_a_matrix_of_other_things_is_refused(matrix, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        as_operator(matrix, SHAPE)


def test_integers_keep_their_value():
    ones = as_operator(np.full((2, 20), 2**30), SHAPE)
    assert ones.forward(torch.ones(SHAPE, dtype=torch.float64)).tolist() == [20.0 * 2**30] * 2


def test_the_gain_of_a_matrix_is_exact():
    assert as_operator(sparse.eye_array(20), SHAPE).gain == 1
    assert as_operator(B, SHAPE).gain == pytest.approx((np.abs(B) ** 2).sum() / 20, rel=1e-14)


class ReusedArrays:
    """Results that are overwritten at the next call."""

    def __init__(self):
        self.y, self.x = np.zeros(7, np.float32), np.zeros(SHAPE, np.float32)

    def forward(self, x):
        self.y[:] = A @ np.asarray(x).ravel()
        return self.y

    def adjoint(self, y):
        self.x[:] = (A.T @ np.asarray(y)).reshape(SHAPE)
        return self.x


class ReusedTensors(ReusedArrays):
    def forward(self, x):
        return torch.from_numpy(super().forward(x))

    def adjoint(self, y):
        return torch.from_numpy(super().adjoint(y))


@pytest.mark.parametrize("user", [ReusedArrays(), ReusedTensors()])
def test_results_that_are_overwritten_at_the_next_call_are_taken_before(user):
    operator = as_operator(user, SHAPE)
    x = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    y = operator.forward(x)
    # Sums of 20 float32 products of size one.
    np.testing.assert_allclose(y, x.flatten(1).numpy() @ A.T, rtol=0, atol=1e-5)
    np.testing.assert_allclose(operator.adjoint(y).flatten(1), y.numpy() @ A, rtol=0, atol=1e-4)


class Adapted(Tensors):
    """An operator of two functions."""

    def __init__(self, forward=None, adjoint=None):
        super().__init__()
        self.forward, self.adjoint = forward or super().forward, adjoint or super().adjoint


@pytest.mark.parametrize("constant", [1, 1e-4])
def test_a_constant_added_to_the_measurements_or_to_the_adjoint_is_refused(constant):
    plain = Tensors()
    with pytest.raises(ValueError, match=r"^forward must be linear and so make zeros of zeros, got numbers of norm "):
        as_operator(Adapted(forward=lambda x: plain.forward(x) + 4 * constant), SHAPE)
    with pytest.raises(ValueError, match=r"^adjoint must be linear and so make zeros of zeros, got numbers of norm "):
        as_operator(Adapted(adjoint=lambda y: plain.adjoint(y) + 4 * constant), SHAPE)


LARGE = (1, 256, 256)
WEIGHTS = 10 ** np.random.default_rng(0).uniform(-4, 4, LARGE).astype(np.float32)


def sums(values):
    """One after another in float32, which loses a digit or two on the way."""
    return np.cumsum(np.asarray(values), dtype=np.float32)


def honest(name):
    """Forward and adjoint in float32 on 256 x 256 pixels: weights of all sizes, running sums, or one sum."""
    return {
        "weights": (lambda x: (WEIGHTS * x).ravel(), lambda y: WEIGHTS * y.reshape(LARGE)),
        "sums": (lambda x: sums(x.ravel()), lambda y: sums(y[::-1])[::-1].reshape(LARGE)),
        "one sum": (lambda x: sums(x.ravel())[-1:], lambda y: np.full(LARGE, y[0])),
    }[name]


@pytest.mark.parametrize("name", ["weights", "sums", "one sum"])
def test_rounding_in_float32_is_no_wrong_adjoint(name):
    forward, adjoint = honest(name)
    as_operator(Adapted(lambda x: forward(np.asarray(x)), lambda y: adjoint(np.asarray(y))), LARGE)


@pytest.mark.parametrize("factor", [1.0001, 0.999])
def test_a_small_wrong_factor_shows_at_any_size(factor):
    plain = Tensors()
    with pytest.raises(ValueError, match="adjoint must be the transpose of forward within "):
        as_operator(Adapted(adjoint=lambda y: factor * plain.adjoint(y)), SHAPE)
    forward, adjoint = honest("weights")
    with pytest.raises(ValueError, match=r"^adjoint must be .* within 5e-05, got a scale test of "):
        as_operator(Adapted(lambda x: forward(x.numpy()), lambda y: factor * adjoint(y.numpy())), LARGE)


def test_the_test_of_scale_is_the_factor_less_one():
    operator = as_operator(A[:1], SHAPE)
    operator._transposed = lambda y: 1.25 * (y @ torch.from_numpy(A[:1])).reshape(-1, *SHAPE)
    x = stream(3, "dot test", 3).standard_normal((2, *SHAPE), dtype=np.float32).reshape(2, -1)
    size = np.abs(x @ A[0]).max() / np.linalg.norm(A[0])
    assert scale_test(operator, 3) == pytest.approx(0.25 * size, rel=1e-5)


def test_an_operator_that_measures_nothing_is_refused():
    zeros = Adapted(lambda x: torch.zeros(7), lambda y: torch.zeros(SHAPE))
    with pytest.raises(ValueError, match=r"^operator must measure something, got zeros for every image$"):
        as_operator(zeros, SHAPE)


class Failing(Tensors):
    """One that comes to fail."""

    error = None

    def forward(self, x):
        if self.error:
            raise self.error
        return super().forward(x)


@pytest.mark.parametrize("error", [RuntimeError("no detector"), SystemExit(0), ValueError("no detector")])
def test_an_error_within_a_users_operator_is_told_in_a_sentence(error):
    user = Failing()
    operator = as_operator(user, SHAPE)
    user.error = error
    why = f"{type(error).__name__}: {error}"
    message = rf"^forward of the user's operator must run without error, got {why} \(line \d+\)$"
    with pytest.raises(ValueError, match=message) as raised:
        operator.forward(torch.ones(SHAPE))
    assert raised.value.__cause__ is error
    with pytest.raises(ValueError, match=rf"^user's operator must take tensors or arrays, got 'forward: .*{error}'"):
        as_operator(user, SHAPE)


def test_an_interrupt_within_a_users_operator_comes_through():
    user = Failing()
    operator = as_operator(user, SHAPE)
    user.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        operator.forward(torch.ones(SHAPE))


def test_a_line_of_the_houses_own_is_not_told_as_one_of_the_users():
    answers = iter([A] * 100)
    operator = as_operator(linalg.LinearOperator((7, 20), lambda v: next(answers) @ v, lambda y: A.T @ y), SHAPE)
    answers = iter(())
    with pytest.raises(ValueError, match=r"must run without error, got StopIteration$"):
        operator.forward(torch.ones(SHAPE))


def test_an_adjoint_by_derivatives_is_taken_where_gradients_are_off():
    plain = Tensors()

    def adjoint(y):
        x = torch.zeros(SHAPE, requires_grad=True)
        return torch.autograd.grad(plain.forward(x), x, y)[0]

    with torch.no_grad():
        operator = as_operator(Adapted(adjoint=adjoint), SHAPE)
    with torch.inference_mode():
        back = operator.adjoint(torch.ones(7))
    np.testing.assert_allclose(back.flatten(), A.sum(0), atol=1e-5)
    x = torch.ones(SHAPE, requires_grad=True)
    operator.forward(x).sum().backward()
    np.testing.assert_allclose(x.grad.flatten(), A.sum(0), atol=1e-5)


def test_a_default_dtype_that_an_operator_sets_is_put_back():
    plain = Tensors()

    def forward(x):
        torch.set_default_dtype(torch.float64)
        return plain.forward(x)

    as_operator(Adapted(forward=forward), SHAPE).forward(torch.ones(SHAPE))
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda y: y[:6], r"forward of the user's operator must return \(7,\), got \(6,\)"),
        (lambda y: y + 0j, "forward of the user's operator must return complex numbers always or never, got both"),
        (lambda y: y.tolist(), "forward of .* run without error, got ValueError: it must return an array .*, got list"),
        (
            lambda y: np.ma.masked_less(y.numpy(), 9),
            "forward .* got ValueError: what forward returns must have no masked .*",
        ),
        (lambda y: y / 0, "forward of the user's operator must return finite numbers, got others"),
    ],
)
def test_measurements_of_another_kind_than_the_first_are_refused(changed, message):
    plain, turns = Tensors(), iter(range(100))

    def forward(x):
        return plain.forward(x) if next(turns) < 10 else changed(plain.forward(x))

    with pytest.raises(ValueError, match=f"^{message}$"):
        as_operator(Adapted(forward=forward), SHAPE)


@pytest.mark.parametrize("method", ["forward", "adjoint"])
def test_an_operator_that_comes_to_return_what_is_not_finite_is_named(method):
    user = Tensors()
    operator = as_operator(user, SHAPE)
    value = torch.ones(SHAPE) if method == "forward" else torch.ones(7)
    assert not torch.isfinite(getattr(operator, method)(1e38 * value)).all()  # as where a fit diverges
    user.B = user.B * torch.nan
    with pytest.raises(ValueError, match=f"^{method} of the user's operator must return finite numbers, got others$"):
        getattr(operator, method)(value)


@pytest.mark.parametrize("layout", [torch.Tensor.to_sparse, torch.Tensor.to_sparse_csr, torch.Tensor.contiguous])
@pytest.mark.parametrize("kind", [torch.complex64, torch.bfloat16, torch.float16, torch.int32])
def test_a_matrix_of_torch_is_taken_in_any_layout_and_of_any_numbers(layout, kind):
    matrix = torch.from_numpy(np.round(8 * B) if kind.is_complex else np.round(8 * A)).to(kind)
    F = np.round(8 * np.concatenate([B.real, B.imag]) if kind.is_complex else 8 * A)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
        operator = as_operator(layout(matrix), SHAPE)
    y = np.arange(len(F), dtype=np.float32)
    # Whole numbers below 2^24 are exact in float32.
    np.testing.assert_array_equal(operator.adjoint(torch.from_numpy(y)).flatten(), F.T @ y)
    assert operator.gain == pytest.approx((F**2).sum() / 20, rel=1e-12)


def test_a_linear_operator_without_an_adjoint_is_refused():
    without = linalg.LinearOperator((7, 20), lambda v: A @ v)
    with pytest.raises(Exception, match="rmatvec") as of_scipy:
        without.rmatvec(np.ones(7))
    why = rf"^operator must have an rmatvec that gives A\^H y, got {of_scipy.type.__name__}: "
    with pytest.raises(ValueError, match=why):
        as_operator(without, SHAPE)
