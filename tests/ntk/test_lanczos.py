import numpy as np
import pytest
import torch

from untrained.sims.lanczos import below_smallest, beyond_largest, lanczos, leading_vector
from untrained.sims.random.streams import stream

EPS = np.finfo(float).eps


def with_eigenvalues(values, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors."""
    Q = np.linalg.qr(stream(seed, "test").standard_normal((len(values), len(values))))[0]
    return (Q * values) @ Q.T, Q


def run(values, steps, seed=0):
    K, _ = with_eigenvalues(values)
    return K, lanczos(lambda u: K @ u, stream(seed, "start").standard_normal(len(values)), steps)


def test_the_recurrence_holds_with_an_orthonormal_basis():
    K, krylov = run(np.geomspace(1e-8, 1, 60), 25)
    Q, k = krylov.Q, 25
    T = np.diag(krylov.alphas) + np.diag(krylov.betas[:-1], 1) + np.diag(krylov.betas[:-1], -1)
    rest = K @ Q - Q @ T
    np.testing.assert_allclose(Q.T @ Q, np.eye(k), atol=10 * k * EPS)
    np.testing.assert_allclose(rest[:, :-1], 0, atol=100 * EPS)  # each column: a product of 60 terms with ||K|| = 1
    np.testing.assert_allclose(np.linalg.norm(rest[:, -1]), krylov.betas[-1], atol=100 * EPS)


def test_residuals_are_those_of_the_ritz_pairs():
    K, krylov = run(np.geomspace(1e-3, 1, 60), 12)
    x = krylov.vectors(slice(None))
    norms = np.linalg.norm(K @ x - x * krylov.values, axis=0)
    np.testing.assert_allclose(krylov.residuals, norms, atol=200 * EPS)


def test_all_steps_give_all_eigenvalues():
    values = np.geomspace(1e-3, 1, 30)
    _, krylov = run(values, 50)
    assert krylov.betas[-1] == 0
    np.testing.assert_allclose(krylov.values, values, atol=100 * EPS)


@pytest.mark.parametrize("values", [[0, 0, 0, 0, 2.0, 2, 5], [3.0] * 6, [0.0] * 4])
def test_an_invariant_space_ends_the_run_with_the_distinct_eigenvalues(values):
    _, krylov = run(np.array(values), 7)
    np.testing.assert_allclose(krylov.values, np.unique(values), atol=100 * EPS)
    assert krylov.betas[-1] == 0
    assert beyond_largest(krylov, 1e-3) == krylov.values[-1]


def test_the_gauss_rule_is_exact_for_polynomials_up_to_degree_2k_minus_1():
    values, u, k = np.linspace(0.1, 1, 40), stream(3, "u").standard_normal(40), 5
    K, Q = with_eigenvalues(values)
    nodes, weights = lanczos(lambda x: K @ x, u, k).quadrature()
    for degree in range(2 * k):
        wanted = values**degree @ (Q.T @ u) ** 2 / (u @ u)
        np.testing.assert_allclose(weights @ nodes**degree, wanted, rtol=1e-13)
    assert abs(weights @ nodes ** (2 * k) / (values ** (2 * k) @ (Q.T @ u) ** 2 / (u @ u)) - 1) > 1e-10


@pytest.mark.parametrize("steps", [4, 10, 20])
@pytest.mark.parametrize(
    "values", [np.linspace(0, 1, 80), np.geomspace(1e-6, 1, 80), np.r_[np.linspace(0, 0.5, 79), 1.0]]
)
def test_extremes_lie_beyond_their_bounds_no_oftener_than_the_level(values, steps):
    level, runs = 0.2, 200
    misses = np.zeros(2)
    for seed in range(runs):
        _, krylov = diagonal(values, steps, seed)
        misses += [values[-1] > beyond_largest(krylov, level), values[0] < below_smallest(krylov, level)]
        assert krylov.values[-1] <= values[-1] + 100 * EPS
        assert krylov.values[0] >= values[0] - 100 * EPS
    # 200 runs that miss with probability 0.2 miss 64 times with probability 2e-5; 0.2 is itself an upper bound.
    assert misses.max() < 64


def diagonal(values, steps, seed):
    return values, lanczos(lambda u: values * u, stream(seed, "start").standard_normal(len(values)), steps)


def test_the_bounds_are_tighter_than_those_that_know_no_ritz_values():
    # P((l_1 - xi_k)/(l_1 - l_n) > eps) <= 1.648 sqrt(n) exp(-sqrt(eps) (2k - 1)): Kuczynski and Wozniakowski 1992.
    values, steps, level = np.geomspace(1e-6, 1, 400), 40, 1e-3
    _, krylov = diagonal(values, steps, 0)
    eps = (np.log(1.648 * 20 / level) / (2 * steps - 1)) ** 2
    assert values[-1] - 1e-12 <= beyond_largest(krylov, level) < 1 + 1e-6 < krylov.values[-1] / (1 - eps)
    assert krylov.values[0] - eps < below_smallest(krylov, level) <= values[0] < krylov.values[0]


def test_a_bound_does_not_depend_on_the_scale():
    values = np.linspace(1, 2, 50)
    bounds = [beyond_largest(diagonal(c * values, 6, 0)[1], 1e-3) / c for c in (1e-150, 1.0, 1e150)]
    np.testing.assert_allclose(bounds, bounds[1], rtol=1e-9)


@pytest.mark.parametrize(
    ("start", "steps", "map_", "sentence"),
    [
        (np.zeros(3), 2, lambda u: u, "start must be a finite vector other than zero"),
        (np.array([1, np.nan]), 2, lambda u: u, "start must be a finite vector other than zero"),
        (np.ones(3), 0, lambda u: u, "steps must be at least 1, got 0"),
        (np.ones(3), 2, lambda u: u * np.nan, "must give finite numbers"),
    ],
)
def test_what_cannot_be_iterated_is_refused(start, steps, map_, sentence):
    with pytest.raises(ValueError, match=sentence):
        lanczos(map_, start, steps)


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
        beyond_largest(diagonal(np.arange(9.0), 3, 0)[1], level)


@pytest.mark.parametrize("finite", [0, 1, 4])
def test_a_leading_vector_is_that_of_the_steps_before_what_is_not_finite(finite):
    A = torch.from_numpy(stream(3, "leading").standard_normal((9, 9)))
    start, calls = torch.from_numpy(stream(4, "leading").standard_normal(9)), []

    def apply(x):
        calls.append(x)
        return A @ (A.T @ x) if len(calls) <= finite else torch.full_like(x, torch.inf)

    u = leading_vector(apply, start, 9)
    assert len(calls) == finite + 1
    if finite == 0:
        torch.testing.assert_close(u, start / start.norm())
        return
    Q = torch.linalg.qr(torch.stack([torch.linalg.matrix_power(A @ A.T, k) @ start for k in range(finite)], 1))[0]
    best = float(torch.linalg.eigvalsh(Q.T @ A @ A.T @ Q)[-1])
    assert float(u @ A @ A.T @ u) == pytest.approx(best, rel=1e-9)


def test_a_leading_vector_takes_one_product_a_step():
    calls = []
    leading_vector(lambda x: calls.append(x) or torch.arange(1.0, 9.0, dtype=x.dtype) * x, torch.ones(8).double(), 3)
    assert len(calls) == 3
