"""The descent's own results: loops over entries, simulated cones and hand-made runs against what the ledger uses."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy.optimize import nnls

from untrained.sims.evidence.cases import build_case
from untrained.sims.evidence.counts import clopper_pearson
from untrained.sims.random.streams import stream
from untrained.theory.ledger import ledger
from untrained.theory.papers.own import descent

REDUCTION, OFF = "own.descent.reduction", "own.descent.off_stays_off"
JACOBIAN, CONE, WIDE = "own.descent.jacobian", "own.descent.cone", "own.descent.wide_enough"


def drawn(claim_id, n=3, d=9, k=2, seed=1):
    params = {"n": n, "d": d, "k": k, "pull": 2.0}
    return build_case(ledger()[claim_id].law, params, lambda role: stream(seed, "twin", role), 1)


def gradient(V, W, z, y):
    """The gradient of ||V phi(Wz) - y||^2/2, entry by entry."""
    d, k = W.shape
    h = [sum(W[row, j] * z[j] for j in range(k)) for row in range(d)]
    r = [sum(V[i, row] * max(h[row], 0) for row in range(d)) - y[i] for i in range(len(y))]
    slopes = [float(value >= 0) for value in h]
    return np.array(
        [[slopes[row] * sum(V[i, row] * r[i] for i in range(len(y))) * z[j] for j in range(k)] for row in range(d)]
    )


def followed(case, steps=12):
    V, W, z, y, step = (array[0] for array in descent._start(case))
    path = [W]
    for _ in range(steps):
        path.append(path[-1] - step * gradient(V, path[-1], z, y))
    return V, z, path


def jacobian(V, W, z):
    return np.concatenate([V[:, [row]] * z * float(W[row] @ z >= 0) for row in range(len(W))], axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_of_a_descent_are_those_of_loops(seed):
    case = drawn(REDUCTION, seed=seed)
    _, z, path = followed(case)
    V, W, z_, y, step = descent._start(case)
    ours = descent.relu_generator.descend_weights(V, W, z_, y, step, 12)
    np.testing.assert_allclose(ours[-1][0], path[-1], rtol=1e-10)
    moved = path[-1] - path[0]
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(moved @ z) / np.linalg.norm(z), rel=1e-10)


@pytest.mark.parametrize("constants", [{"drift": F(101, 100)}, {"z_power": F(99, 50)}, {"distance_power": F(3, 2)}])
def test_the_reduction_with_another_number_is_off_by_more_than_rounding(constants):
    case, c = drawn(REDUCTION), ledger()[REDUCTION].values
    assert descent.reduced_to_alignments(case, c).margin > 0
    assert descent.reduced_to_alignments(case, {**c, **constants}).margin < 0


def test_a_neuron_that_is_off_rests_in_the_loops_and_one_that_is_on_may_leave():
    left = 0
    for seed in range(6):
        _, z, path = followed(drawn(OFF, seed=seed))
        on = np.array([W @ z >= 0 for W in path])
        assert not (~on[:-1] & on[1:]).any()
        left += int((on[:-1] & ~on[1:]).sum())
    assert left > 0


@pytest.mark.parametrize("seed", range(4))
def test_the_change_of_the_jacobian_is_what_is_lost_in_the_loops(seed):
    V, z, path = followed(drawn(JACOBIAN, seed=seed))
    first, last = jacobian(V, path[0], z), jacobian(V, path[-1], z)
    lost = first @ first.T - last @ last.T
    np.testing.assert_allclose((last - first) @ (last - first).T, lost, atol=1e-12 * np.abs(lost).max())


@pytest.mark.parametrize(
    ("claim_id", "record", "constants", "says"),
    [
        (REDUCTION, "vanveen18.gradient.corrected", {"gradient_factor": 2}, "refutes"),
        (OFF, "vanveen18.eq8.jacobian", {"off": F(1, 100)}, "refutes"),
        (OFF, REDUCTION, {"drift": 0}, "proves"),
        (JACOBIAN, OFF, {"state": "on"}, "refutes"),
        (JACOBIAN, "vanveen18.eq8.gram", {"z_power": 1}, "refutes"),
        (JACOBIAN, "vanveen18.eq8.jacobian", {"off": F(1, 2)}, "refutes"),
        (CONE, OFF, {"state": "on"}, "open"),
        (CONE, "textbook.wendel", {"share": F(1, 3)}, "open"),
        (CONE, "textbook.wendel", {"less": 0}, "open"),
        (CONE, "textbook.wendel", {"fewer": 2}, "open"),
        (CONE, "textbook.binomial_median", {"share": F(51, 100)}, "open"),
        (CONE, "textbook.binomial_median", {"above": 2}, "open"),
    ],
)
def test_a_weaker_premise_does_not_carry_the_result(claim_id, record, constants, says):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == says


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        (REDUCTION, {"z_power": F(201, 100)}, "refuted"),
        (OFF, {"state": "on"}, "refuted"),
        (JACOBIAN, {"lost": F(99, 100)}, "refuted"),
        (CONE, {"share": F(26, 100)}, "refuted"),
        (CONE, {"offset": -3}, "lost"),  # true, and not shown
        (CONE, {"offset": -1}, "refuted"),
        (CONE, {"per_row": F(401, 100)}, "refuted"),
        (CONE, {"at_most": F(4998, 10000)}, "lost"),
        (CONE, {"at_most": F(4997, 10000)}, "refuted"),
    ],
)
def test_a_statement_with_another_number(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says


@pytest.mark.parametrize(("n", "d"), [(2, 5), (3, 8)])
def test_the_probability_of_the_cone_by_simulation(n, d):
    rng, trials = np.random.default_rng(12), 3000
    inside = 0
    for _ in range(trials):
        V, y = rng.standard_normal((n, d)), rng.standard_normal(n)
        on = V[:, rng.standard_normal(d) >= 0]
        inside += on.shape[1] > 0 and nnls(on, y)[1] < 1e-9 * np.linalg.norm(y)
    low, high = clopper_pearson(inside, trials, 1e-6)
    assert low <= float(descent.inside_the_cone(n, d)) <= high


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_four_a_row_less_two_is_where_half_ends(n):
    def above(d):
        return sum(math.comb(d, k) * F(1, 4) ** k * F(3, 4) ** (d - k) for k in range(n, d + 1))

    c = ledger()[CONE].values
    assert above(4 * n - 2) <= F(1, 2) < above(4 * n - 1)
    for d in (4 * n - 4, 4 * n - 1):
        sides = descent.cone_probability({"n": n, "d": d, "what": "median"}, c)
        assert sides.lhs == pytest.approx(float(above(d)), rel=1e-12)
        assert (sides.margin >= 0) == (above(d) <= F(1, 2))


def test_the_widths_of_the_median_follow_the_constants():
    c = {**ledger()[CONE].values, "per_row": F(7, 2), "offset": -2}
    widths = [case["d"] for case in descent._cone_cases(c) if case["what"] == "median"]
    assert widths[:4] == [1, 5, 15, 68]


def test_a_run_has_fitted_at_the_first_step_at_the_precision():
    fit = np.array([[1.0, 1e-3, 1e-9, 1e-7], [1.0, 0.5, 0.4, np.inf], [1e-8, 1.0, 1.0, 1.0]])
    sides = descent.fitted_by({"fit": fit}, {"precision": F(1, 10**8), "granted": 2})
    np.testing.assert_array_equal(sides.lhs, [2, np.inf, 0])
    np.testing.assert_array_equal(sides.margin >= 0, [True, False, True])


def test_the_runs_of_a_fit_follow_their_constants():
    c = {**ledger()[WIDE].values, "sizes": ((2, 30),), "granted": 4000}
    assert descent._fit_cells(c) == ({"n": 2, "d": 30, "steps": 4000},)
    assert [cell["steps"] for cell in descent._fit_cells({**c, "granted": 10})] == [1500]
    assert descent.often({}, c) == 0.8
