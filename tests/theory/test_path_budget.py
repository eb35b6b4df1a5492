"""The descent with deaths within a step, its length and what it can cut, against their definitions on fine grids."""

import math
from itertools import combinations

import numpy as np
import pytest

from untrained.sims.evidence.search import search
from untrained.theory.ledger import ledger
from untrained.theory.objects import path_lengths as pl
from untrained.theory.objects.relu_generator import descend_reduced

GRID = 4000
CLOSE = 1e-12
"""Sums of at most a hundred products of numbers of order one."""
SIZES = [(1, 4), (2, 6), (3, 9)]


def instance(seed, n, d, size=3.0):
    """V, h and r: the misfit is so large that neurons die in the first steps."""
    rng = np.random.default_rng([seed, n, d])
    return rng.standard_normal((n, d)), rng.standard_normal(d) + 0.5, size * rng.standard_normal(n)


def gradient_within(V, h, r, eta, u):
    """The entries of V^T r on the neurons that are alive at h - u eta a, a those of V^T r on {h > 0}."""
    a = np.where(h > 0, V.T @ r, 0.0)
    return np.where(h - u * eta * a > 0, a, 0.0)


def midpoints():
    return (np.arange(GRID) + 0.5) / GRID


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("eta", [0.01, 0.2, 1.0])
def test_the_gain_is_the_mean_of_the_squared_norm(n, d, eta):
    V, h, r = instance(4, n, d)
    one = pl.step_with_deaths(V, h, r, eta)
    slow = np.mean([np.sum(gradient_within(V, h, r, eta, u) ** 2) for u in midpoints()])
    most = np.sum(one.a**2) / GRID  # each neuron dies within one cell
    assert abs(one.gain - slow) <= most
    mean = np.diff(one.ends, prepend=0.0) @ one.norms**2
    assert mean == pytest.approx(one.gain, rel=CLOSE)
    assert one.ends[-1] == 1


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_neurons_die_within_the_largest_step_that_is_tried(n, d):
    V, h, r = instance(4, n, d)
    assert pl.step_with_deaths(V, h, r, 1.0).dead[-1].sum() > (h <= 0).sum()


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_a_descent_is_that_of_the_reduction(n, d):
    V, h, r = instance(1, n, d)
    y, eta = V @ np.maximum(h, 0) - r, 0.3 / np.linalg.norm(V, 2) ** 2
    slow = descend_reduced(V, h, y, np.array(eta), 12)
    steps = list(pl.descend_with_deaths(V, h, r, eta, 12))
    for one, alignments in zip(steps, slow, strict=False):
        np.testing.assert_allclose(one.h, alignments, rtol=0, atol=100 * CLOSE)
        np.testing.assert_allclose(one.r, V @ np.maximum(alignments, 0) - y, rtol=0, atol=100 * CLOSE)
    assert len(steps) == 12


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_lengths_and_the_dead_on_a_fine_subdivision(n, d):
    """The path of the h_+ of those alive, in small parts; what each neuron moves, and who is dead, at every one."""
    V, h, r = instance(2, n, d)
    eta, g, s, moved, ours = 0.3 / np.linalg.norm(V, 2) ** 2, np.maximum(h, 0), 0.0, np.zeros(d), 0.0
    for one in pl.descend_with_deaths(V, h, r, eta, 4):
        at = [np.maximum(one.h - u * eta * one.a, 0) for u in np.linspace(0, 1, GRID + 1)]
        parts = np.abs(np.diff(at, axis=0))
        lengths = s + np.cumsum(np.linalg.norm(parts, axis=-1))
        moves = moved + np.cumsum(parts, axis=0)
        assert np.all(np.linalg.norm(moves, axis=-1) <= lengths * (1 + CLOSE))
        dead = np.array(at[1:]) == 0
        assert np.all(np.where(dead, moves >= g - CLOSE, True))
        assert np.all(np.linalg.norm(dead * g, axis=-1) <= lengths + CLOSE)
        assert np.array_equal(one.dead[-1], dead[-1])
        cut = np.linalg.norm(one.dead * g, axis=-1)
        assert np.all(cut <= ours + one.lengths + CLOSE)
        s, moved, ours = lengths[-1], moves[-1], ours + one.lengths[-1]
        room = d * eta * np.linalg.norm(one.a) / GRID  # a neuron that dies moves within one part only
        assert abs(s - ours) <= 4 * room + CLOSE


def test_a_neuron_alone():
    """r = 4, h = 1, eta = 1/2: it dies halfway through the step, having moved 1, and what is left is the target."""
    (one,) = pl.descend_with_deaths(np.ones((1, 1)), np.ones(1), np.full(1, 4.0), 0.5, 1)
    assert (one.D[0], one.gain, one.lengths.tolist(), one.ends.tolist()) == (0.5, 8.0, [1.0, 1.0], [0.5, 1.0])
    assert one.norms.tolist() == [4.0, 0.0]
    assert one.dead.tolist() == [[True], [True]]
    steps = list(pl.descend_with_deaths(np.ones((1, 1)), np.ones(1), np.full(1, 4.0), 0.5, 5))
    assert [one.r[0] for one in steps] == [4.0, 3.0, 3.0, 3.0, 3.0]


def test_ties_and_a_misfit_of_zero():
    """Who arrives at 0 at the end of a step is dead from there on, who starts at 0 was never alive."""
    V, h = np.array([[1.0, 1.0, 0.5]]), np.array([1.0, 0.0, 2.0])
    first, second = pl.descend_with_deaths(V, h, np.full(1, 2.0), 0.5, 2)
    assert first.D.tolist() == [1.0, 0.0, 1.0]
    assert first.ends.tolist() == [1.0]
    assert first.dead.tolist() == [[True, True, False]]
    assert second.h.tolist() == [0.0, 0.0, 1.5]
    assert second.a.tolist() == [0.0, 0.0, 0.375]
    assert second.r.tolist() == [0.75]
    assert list(pl.descend_with_deaths(V, h, np.zeros(1), 0.5, 5)) == []


def test_a_descent_ends_where_its_misfit_is_zero():
    assert len(list(pl.descend_with_deaths(np.ones((1, 1)), np.ones(1), np.full(1, 0.5), 1.0, 5))) == 1


def slow_least(V, g, s):
    """m(s) from the eigenvalues of Gram matrices of the columns left, over all sets that are taken away."""
    on = [l for l in range(len(g)) if g[l] > 0]
    least = math.inf
    for size in range(len(on) + 1):
        for R in combinations(on, size):
            if sum(g[l] ** 2 for l in R) <= s**2:
                left = V[:, [l for l in on if l not in R]]
                least = min(least, math.sqrt(max(0.0, np.linalg.eigvalsh(left @ left.T)[0])))
    return least


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_what_is_left_at_a_price_by_eigenvalues(n, d):
    V, g, _ = instance(3, n, d)
    left, most = pl.least_left(V, g), np.linalg.norm(np.maximum(g, 0))
    for s in np.linspace(0, 1.1, 12) * most:
        assert left.at(s) == pytest.approx(slow_least(V, g, s), abs=1e-7)  # an eigenvalue is good to its square
    assert np.all(np.diff(left.values) < 0)
    assert (left.prices[0], left.values[-1]) == (0.0, 0.0)


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_the_integral_of_what_is_left_on_a_grid(n, d):
    V, g, _ = instance(4, n, d)
    left = pl.least_left(V, g)
    for s in (0.0, 0.1, 0.5, 3.0):
        slow = np.mean([left.at(x) for x in s * midpoints()]) * s
        assert abs(left.integral(s) - slow) <= left.at(0) * s / GRID + CLOSE  # m falls: one cell of error in all


def test_fewer_columns_than_rows_leave_nothing():
    left = pl.least_left(np.eye(3)[:, :2], np.ones(2))
    assert (left.prices.tolist(), left.values.tolist()) == ([0.0], [0.0])
    assert pl.least_left(np.eye(2), -np.ones(2)).integral(5.0) == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_flow_of_one_output_is_the_limit_of_small_steps(seed):
    V, g, r = instance(seed, 1, 7, size=1.0)
    v, share = V[0] * np.sign(r), 1e-3
    flow = pl.flow_of_one_output(v, g, abs(r[0]), 1e-6)
    eta, h, rows = share / np.sum(v[g > 0] ** 2), g.copy(), [(abs(r[0]), 0.0, 0.0)]
    while rows[-1][0] > 1e-6 * abs(r[0]) and np.any((h > 0) & (v != 0)):  # Euler's rule, from the definition
        (misfit, s, t), on = rows[-1], h > 0
        norm = math.sqrt(np.sum(v[on] ** 2))
        h = h - eta * misfit * v * on
        rows.append((misfit - eta * norm**2 * misfit, s + eta * norm * misfit, t + eta))
    misfits, lengths, times = np.array(rows).T
    assert flow.lengths[-1] == pytest.approx(lengths[-1], rel=4 * share)
    until = min(times[-1], flow.times[-1])
    for t in np.linspace(0, until, 5):
        ours = np.interp(t, flow.times, np.log(flow.misfits))  # ln r is linear between deaths
        assert ours == pytest.approx(np.interp(t, times, np.log(misfits)), abs=20 * share)
    assert (np.diff(flow.lengths) > 0).all()


def test_every_set_is_tried():
    ours = {tuple(np.flatnonzero(row)) for row in pl.subsets(5)}
    assert ours == {R for size in range(6) for R in combinations(range(5), size)}
    assert len(pl.subsets(5)) == 2**5


def test_bad_input_is_told_in_one_sentence():
    V, h, r = instance(0, 2, 6)
    with pytest.raises(ValueError, match="columns of V and h must agree in length, got 6 and 5"):
        list(pl.descend_with_deaths(V, h[:5], r, 0.1, 1))
    with pytest.raises(ValueError, match="rows of V and r must agree"):
        list(pl.descend_with_deaths(V, h, r[:1], 0.1, 1))
    with pytest.raises(ValueError, match="eta must be at least 0, got -1"):
        list(pl.descend_with_deaths(V, h, r, -1, 1))
    with pytest.raises(ValueError, match="g must have at most 16 positive entries, got 17"):
        pl.least_left(np.ones((1, 17)), np.ones(17))


@pytest.mark.parametrize("name", ["convergence", "flow"])
def test_the_hypotheses_hold_on_a_good_share_of_what_is_drawn(name):
    claim = ledger()[f"own.path_budget.{name}"]
    evidence = search(claim, 120, 0, shrink=False)
    assert evidence.applicable >= evidence.draws / 3
    assert evidence.margin >= 0
