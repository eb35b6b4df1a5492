"""The first steps of a descent in the limit: against runs of many neurons, and against what no step at all leaves."""

import math

import numpy as np
import pytest
from flint import arb, ctx
from scipy.optimize import nnls

from untrained.theory.laws.survivors import after_steps, best_weights, margin_inside, margin_outside, weights_of


def drift(ratio, size=1.0):
    """Of the step size/(sqrt(d/2) + sqrt n)^2, times n."""
    return size / (math.sqrt(ratio / 2) + 1) ** 2


def followed(n, ratio, size, steps, seed):
    """Columns and margins of the neurons on after so many steps, and all residuals, by the plain loop."""
    rng = np.random.default_rng([62, seed])
    d = round(ratio * n)
    h = rng.standard_normal(d)
    V = rng.standard_normal((n, d))[:, h > 0]
    h, y = h[h > 0], np.zeros(n)
    y[0] = math.sqrt(d * n)
    residuals = []
    for _ in range(steps):
        r = V @ h - y
        residuals.append(r)
        h = h - drift(ratio, size) / n * (V.T @ r)
        V, h = V[:, h > 0], h[h > 0]
    return V, h, residuals, y


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_of_many_neurons_is_near_the_limit(steps):
    n, ratio = 1000, 4.5
    V, h, residuals, y = followed(n, ratio, 1.0, steps, 0)
    with ctx.workprec(80):
        limit = after_steps(arb(ratio), arb(drift(ratio)), steps)
        share = sum((limit.moments[i][i] for i in range(steps + 1)), arb(0)) / (steps + 1)
    products = np.array([[r @ s for s in residuals] for r in residuals]) / n**2
    ours = np.array([[float(limit.residuals[i, j]) for j in range(steps)] for i in range(steps)])
    np.testing.assert_allclose(products, ours, rtol=0.1)
    np.testing.assert_allclose([r @ y / n**2 for r in residuals], [float(v) for v in limit.on_signal], rtol=0.1)
    assert V.shape[1] / (ratio * n) == pytest.approx(float(share), rel=0.05)
    last = limit.margins[-1]
    size = sum((last[i] * limit.moments[i][j] * last[j] for i in range(len(last)) for j in range(len(last))), arb(0))
    assert h @ h / (ratio * n) == pytest.approx(float(size), rel=0.1)


@pytest.mark.parametrize(("ratio", "is_inside"), [(3.99, False), (4.01, True)])
def test_a_step_of_almost_nothing_leaves_the_four_n_of_wendel(ratio, is_inside):
    with ctx.workprec(128):
        limit = after_steps(arb(ratio), arb(1e-3), 1)
        weights = best_weights(limit)
        assert (margin_inside(limit, weights) > 0) is is_inside
        assert (margin_outside(limit, weights) > 0) is not is_inside


@pytest.mark.parametrize("steps", [1, 2])
def test_no_weights_prove_both(steps):
    rng = np.random.default_rng(63)
    with ctx.workprec(80):
        for ratio in (4.2, 4.9):
            limit = after_steps(arb(ratio), arb(drift(ratio)), steps)
            best = np.array(best_weights(limit))
            for spread in (0.0, 0.02, 0.2):
                weights = (best + spread * rng.standard_normal(2 * steps)).tolist()
                assert not (margin_outside(limit, weights) > 0 and margin_inside(limit, weights) > 0)


def test_wrong_weights_prove_less():
    limit = after_steps(arb(4.3), arb(drift(4.3)), 1)
    best = best_weights(limit)
    sharp = float(margin_outside(limit, best).mid())
    for move in ((0.05, 0), (-0.05, 0), (0, 0.05), (0, -0.05)):
        assert float(margin_outside(limit, [b + m for b, m in zip(best, move, strict=True)]).mid()) < sharp


@pytest.mark.parametrize(("ratio", "least", "most"), [(4.0, 0.0, 0.25), (4.75, 0.75, 1.0)])
def test_signals_of_finite_runs_are_outside_below_the_limit_and_inside_above_it(ratio, least, most):
    """By nonnegative least squares at n = 150, on either side of 4.364."""
    hits = 0
    for seed in range(20):
        V, _, _, y = followed(150, ratio, 1.0, 1, seed)
        hits += nnls(V, y, maxiter=50 * V.shape[1])[1] < 1e-8 * np.linalg.norm(y)
    assert least <= hits / 20 <= most


def test_a_ball_too_wide_decides_nothing():
    limit = after_steps(arb(4.2, 0.5), arb(drift(4.2)), 1)
    weights = best_weights(after_steps(arb(4.2), arb(drift(4.2)), 1))
    assert not margin_outside(limit, weights) > 0
    assert not margin_inside(limit, weights) > 0


def test_more_steps_than_can_be_followed_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="steps must be from 1 to 3, got 4"):
        after_steps(arb(4), arb(1), 4)


def test_weights_are_split_in_two_halves():
    both = weights_of([0.5, 1.0, 2.0, 4.0])
    assert [float(x) for x in both.of_pulls] == [0.5, 1.0]
    assert [float(x) for x in both.of_outputs] == [2.0, 4.0]
