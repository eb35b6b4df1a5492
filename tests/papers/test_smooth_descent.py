"""Descent of smooth networks: its constants on networks in several dimensions, and what other numbers lose."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.papers.own import smooth_descent as own

RNG = np.random.default_rng(41)


def quadratic_network(n, parameters):
    """F(theta)_i = k_i theta - theta Q_i theta/2 and a Lipschitz constant of its Jacobian."""
    K = RNG.standard_normal((n, parameters))
    Q = RNG.standard_normal((n, parameters, parameters)) * 0.05
    Q = Q + np.swapaxes(Q, 1, 2)
    return K, Q, float(np.linalg.norm(Q.reshape(n * parameters, parameters), 2))


@pytest.mark.parametrize("trial", range(12))
@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_path_rate_and_smallest_singular_value_of_quadratic_networks(trial, share):
    K, Q, lipschitz = quadratic_network(int(RNG.integers(1, 4)), int(RNG.integers(4, 8)))
    sigma = np.linalg.svd(K, compute_uv=False)[-1]
    level = share / 2
    y = RNG.standard_normal(len(K))
    y *= level * sigma**2 / lipschitz / np.linalg.norm(y)
    left = np.sqrt(1 - 2 * level)
    end = (1 - left) * sigma / lipschitz
    eta = 1 / (np.linalg.norm(K, 2) + lipschitz * end) ** 2
    theta, path, r = np.zeros(K.shape[1]), 0.0, -y
    for _ in range(60):
        J = K - Q @ theta
        assert np.linalg.svd(J, compute_uv=False)[-1] >= left * sigma
        move = -eta * J.T @ r
        theta, path, before = theta + move, path + np.linalg.norm(move), np.linalg.norm(r)
        r = K @ theta - np.einsum("p,ipq,q->i", theta, Q, theta) / 2 - y
        assert path <= end
        assert np.linalg.norm(r) <= (1 - eta * (left * sigma) ** 2) * before + 1e-14


@pytest.mark.parametrize("step", [0.1, 0.7, 1.0])
def test_one_step_of_a_matrix_takes_its_share(step):
    for _ in range(200):
        J = RNG.standard_normal((3, 5)) * np.exp(RNG.standard_normal((3, 1)) * 2)
        u = RNG.standard_normal(3)
        values = np.linalg.svd(J, compute_uv=False)
        eta = step / values[0] ** 2
        taken = np.linalg.norm(u) - np.linalg.norm(u - eta * J @ (J.T @ u))
        assert taken >= eta * values[-1] * np.linalg.norm(J.T @ u) * (1 - 1e-9)


def test_the_scalar_descent_by_floats():
    path, J, misfits = own.scalar_descent(F(2, 5), F(1, 2), F(1))
    theta, errors = 0.0, [0.4]
    for _ in range(len(misfits) - 1):
        theta += 0.5 * (1 - theta) * (0.4 - theta + theta**2 / 2)
        errors.append(abs(0.4 - theta + theta**2 / 2))
    assert [float(x) for x in misfits] == pytest.approx(errors, abs=1e-14)
    assert (float(path), float(J)) == pytest.approx((theta, 1 - theta))
    assert float(path) == pytest.approx(1 - np.sqrt(0.2), abs=1e-10)


@pytest.mark.parametrize(
    ("constants", "without", "says"),
    [
        ({}, (), "affirmed"),
        ({"twice": F(199, 100)}, (), "refuted"),
        ({"rate": F(102, 100)}, (), "refuted"),
        ({"step": F(102, 100)}, (), "refuted"),
        ({"limit": F(6, 10)}, (), "refuted"),
        ({}, ("lipschitz",), "refuted"),
        ({}, ("step",), "refuted"),
    ],
)
def test_statements(constants, without, says):
    assert outcome("own.smooth_descent", without=without, **constants) == says


@pytest.mark.parametrize("constants", [{"step": F(101, 100)}, {"rate": F(101, 100)}, {"limit": F(51, 100)}])
def test_the_proof_is_silent_on_more(constants):
    assert proof_says("own.smooth_descent", **constants) == "open"
