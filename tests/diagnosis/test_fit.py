import numpy as np
import pytest
import torch
from torch import nn

from tests.ntk.networks import make_network
from untrained.sims.diagnosis.descents import gradient_descent
from untrained.sims.random.streams import stream
from untrained.theory.objects import descent as by_the_letter
from untrained.theory.objects.relu_generator import jacobian, residual

RNG = stream(3, "test_fit")
V, W, Z = RNG.standard_normal((4, 12)) / 3, RNG.standard_normal((12, 3)), RNG.standard_normal(3)
Y = RNG.standard_normal(4)


def two_layers():
    module = nn.Sequential(nn.Linear(3, 12, bias=False), nn.ReLU(), nn.Linear(12, 4, bias=False))
    module[0].weight.data, module[2].weight.data = torch.from_numpy(W), torch.from_numpy(V)
    return make_network("two layers", module, torch.from_numpy(Z)[None], param_filter="^0")


def linear(matrix, start=None):
    module = nn.Linear(matrix.shape[1], 1, bias=False)
    module.weight.data = torch.zeros(1, matrix.shape[1]) if start is None else torch.as_tensor(start)[None]
    return make_network("linear", module, torch.from_numpy(matrix))


def test_the_descent_is_that_of_the_papers_generator():
    step = 0.01
    run = gradient_descent(two_layers(), Y, step, 40)
    slow = by_the_letter.follow_gradient(
        lambda w: (residual(V, w.reshape(12, 3), Z, Y), jacobian(V, w.reshape(12, 3), Z)), W.ravel(), step, 40
    )
    np.testing.assert_allclose(run.misfits, slow.misfits, rtol=1e-12)
    np.testing.assert_allclose(float(run.movement.norm()), slow.distances[-1], rtol=1e-10)
    assert run.end == "budget ended"
    assert np.isnan(run.errors).all()


def test_the_network_is_left_as_it_is():
    examined = two_layers()
    before = examined.vector().clone()
    gradient_descent(examined, Y, 0.01, 5)
    assert torch.equal(examined.vector(), before)


def test_a_descent_that_fits_ends_and_one_that_blows_up_says_when():
    J = np.diag([1.0, 0.5])
    assert gradient_descent(linear(J), np.ones(2), 1.0, 200).end == "converged"
    blown = gradient_descent(linear(J), np.ones(2), 5.0, 200)
    # |1 - 5 * 1| = 4 a step passes a thousand within five steps and not within four.
    assert blown.end == "diverged at step 6"
    assert np.isfinite(blown.misfits).all()
    assert np.isfinite(blown.last).all()


def test_measurements_are_fitted_through_their_operator():
    J, A, x = np.diag([1.0, 0.5, 2.0]), np.array([[1.0, 1.0, 0.0]]), np.array([1.0, 2.0, 3.0])
    measure = lambda f: torch.from_numpy(A) @ f  # noqa: E731
    run = gradient_descent(linear(J), A @ x, 0.5, 30, through=measure, truth=x)
    c, errors = np.zeros(3), []
    for _ in range(31):
        errors.append(np.linalg.norm(J @ c - x))
        c = c - 0.5 * (A @ J).T @ (A @ J @ c - A @ x)
    np.testing.assert_allclose(run.errors, errors[: len(run.errors)], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(run.best - x), min(errors), rtol=1e-12)


def test_the_time_to_a_share_is_the_first_step_there():
    run = gradient_descent(linear(np.eye(1)), np.ones(1), 0.5, 10)
    assert [run.time_to(share) for share in (1.0, 0.5, 0.3, 1e-9)] == [0, 1, 2, np.inf]


@pytest.mark.parametrize(
    ("y", "step", "steps", "message"),
    [(Y, 0.0, 5, "step and steps"), (Y, 1.0, 0, "step and steps"), (Y[:2], 1.0, 5, "y must have shape")],
)
def test_what_cannot_be_run_is_refused(y, step, steps, message):
    with pytest.raises(ValueError, match=message):
        gradient_descent(two_layers(), y, step, steps)
