"""Eq. (4) to (13): routes against loops written from the definitions, and what proofs say when a premise is another."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.ledger import ledger
from untrained.theory.papers.vanveen18 import jacobian, posterior

RNG = np.random.default_rng(4)
SHAPES = {"V": (3, 5), "W": (5, 2), "z": (2,), "Delta": (5, 2), "y": (3,)}


@pytest.fixture
def case():
    return {name: RNG.standard_normal((4, *shape)) for name, shape in SHAPES.items()}


def values(claim_id, **constants):
    return {**ledger()[claim_id].values, **constants}


def loop_jacobian(V, W, z):
    """d f_i / d w_lj by the definition, on an n x d x k array."""
    n, (d, k) = len(V), W.shape
    J = np.zeros((n, d, k))
    for i in range(n):
        for row in range(d):
            for j in range(k):
                J[i, row, j] = V[i, row] * (W[row] @ z >= 0) * z[j]
    return J.reshape(n, d * k)


def test_the_change_of_the_jacobian_is_that_of_a_loop(case):
    for V, W, z, Delta in zip(case["V"], case["W"], case["z"], case["Delta"], strict=True):
        one = {"V": V[None], "W": W[None], "z": z[None], "Delta": Delta[None]}
        change = loop_jacobian(V, W + Delta, z) - loop_jacobian(V, W, z)
        flips = ((W + Delta) @ z >= 0) != (W @ z >= 0)
        norm = np.linalg.norm(z) * (np.linalg.norm(V[:, flips], 2) if flips.any() else 0)
        assert np.linalg.norm(change, 2) == pytest.approx(norm, abs=1e-12)
        for sides, claim_id in (
            (jacobian.change_by_columns, "vanveen18.eq13"),
            (jacobian.change_by_masked_norm, "vanveen18.eq12"),
        ):
            assert sides(one, values(claim_id)).lhs[0] == pytest.approx(0, abs=1e-12)
            wrong = sides(one, values(claim_id, z_power=2)).lhs[0]
            assert wrong == pytest.approx(abs(np.linalg.norm(z) - 1) * norm, abs=1e-12)


def test_j_j_transposed_is_that_of_a_loop(case):
    J = np.stack([loop_jacobian(V, W, z) for V, W, z in zip(case["V"], case["W"], case["z"], strict=True)])
    true = J @ np.swapaxes(J, 1, 2)
    mean = true / 5 / (case["z"] ** 2).sum(-1)[:, None, None]
    for width_power, z_power in ((1, 2), (0, 2), (1, 1)):
        norms = np.linalg.norm(case["z"], axis=-1)[:, None, None]
        error = np.linalg.norm(true - 5**width_power * norms**z_power * mean, axis=(1, 2))
        sides = jacobian.gram_as_mean(case, {"width_power": width_power, "z_power": z_power})
        np.testing.assert_allclose(sides.lhs, error, atol=1e-12)


@pytest.mark.parametrize(("loss_factor", "loss_power"), [(F(1, 2), 2), (1, 2), (1, 3), (F(1, 4), F(3, 2))])
def test_the_gradient_is_a_difference_quotient(case, loss_factor, loss_power):
    def loss(W):
        r = case["V"][0] @ np.maximum(W @ case["z"][0], 0) - case["y"][0]
        return float(loss_factor) * np.linalg.norm(r) ** float(loss_power)

    W, step = case["W"][0], 1e-6
    quotient = np.zeros_like(W)
    for place in np.ndindex(W.shape):
        move = np.zeros_like(W)
        move[place] = step
        quotient[place] = (loss(W + move) - loss(W - move)) / (2 * step)
    one = {name: value[:1] for name, value in case.items()}
    constants = {"loss_factor": loss_factor, "loss_power": loss_power, "gradient_factor": 0}
    sides = jacobian.gradient_by_jacobian(one, constants, outer=False)
    assert sides.lhs[0] == pytest.approx(np.linalg.norm(quotient), rel=1e-5)


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("vanveen18.eq8.gram", "vanveen18.eq8.jacobian", {"on": 2}),
        ("vanveen18.eq8.hadamard", "vanveen18.eq8.gram", {"z_power": 1}),
        ("vanveen18.eq11", "vanveen18.eq8.gram", {"z_power": 1}),
        ("vanveen18.eq12", "vanveen18.eq8.jacobian", {"on": 2}),
        ("vanveen18.eq13", "vanveen18.eq8.jacobian", {"off": F(1, 2)}),
        ("vanveen18.eq13", "vanveen18.eq12", {"z_power": 2}),
        ("vanveen18.gradient.corrected", "vanveen18.eq8.jacobian", {"on": 2}),
    ],
)
def test_proofs_read_their_premises(claim_id, record, constants):
    says = proof_says(claim_id, records={record: constants})
    assert proof_says(claim_id) == "proves"
    assert says == ("proves" if claim_id == "vanveen18.eq12" else "refutes")


def test_the_posterior_s_logarithm_is_that_of_its_densities():
    """-2 lambda log of likelihood times prior, term by term, from the normal densities of scipy."""
    from scipy.stats import multivariate_normal

    shapes = {"A": (3, 2), "y": (3,), "root": (2, 2), "mu": (2,), "w1": (2,), "w2": (2,)}
    case = {name: RNG.standard_normal((1, *shape)) for name, shape in shapes.items()} | {"lambda_L": 0.7}
    Sigma = case["root"][0] @ case["root"][0].T + np.eye(2)

    def surprise(w):
        likelihood = multivariate_normal(case["A"][0] @ w, 0.7 * np.eye(3)).logpdf(case["y"][0])
        return -2 * 0.7 * (likelihood + multivariate_normal(case["mu"][0], Sigma).logpdf(w))

    def objective(w, power, weight):
        x = w - case["mu"][0]
        return np.linalg.norm(case["y"][0] - case["A"][0] @ w) ** power + weight * 0.7 * x @ np.linalg.solve(Sigma, x)

    w1, w2 = case["w1"][0], case["w2"][0]
    for power, weight in ((2, 1), (2, 0.5), (1, 1)):
        gap = surprise(w1) - surprise(w2) - objective(w1, power, weight) + objective(w2, power, weight)
        sides = posterior.posterior_gap(case, {"power": power, "weight": weight})
        assert sides.lhs[0] == pytest.approx(abs(gap), abs=1e-10)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without"),
    [
        ("vanveen18.eq8.jacobian", {"off": 1}, ()),
        ("vanveen18.eq8.gram", {"z_power": F(201, 100)}, ()),
        ("vanveen18.eq4", {"weight": F(101, 100)}, ()),
        ("vanveen18.eq5.l2", {}, ("mean",)),
        ("vanveen18.eq5.l2", {}, ("covariance",)),
        ("vanveen18.gradient.corrected", {"loss_power": F(19, 10)}, ()),
        ("vanveen18.gradient.printed", {}, ()),
        ("vanveen18.eq6.printed", {}, ()),
    ],
)
def test_a_false_statement_is_refuted(claim_id, constants, without):
    assert outcome(claim_id, without=without, **constants) == "refuted"
