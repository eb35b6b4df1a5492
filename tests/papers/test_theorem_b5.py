import math
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

from untrained.sims.evidence.gather import BUDGETS, gather_routes
from untrained.sims.evidence.mutants import Bench
from untrained.theory.ledger import ledger
from untrained.theory.objects.descent import follow_gradient
from untrained.theory.papers.own.meta import bounded_at_the_start
from untrained.theory.papers.oymak19 import AVERAGE, INSIDE, STEP_PATH, STEP_RATE
from untrained.theory.papers.vanveen18.theorem_b5 import (
    bounded_everywhere,
    conditioned,
    descend_by_weight,
    edges,
    integrates,
    rate_on_slopes,
    share_within,
    slopes_of,
    steady,
)
from untrained.theory.proof.exact import decide
from untrained.theory.verdict import affirms, finding, refutes
from untrained.theory.wording import unexplained_numerals

RATES, PATHS = ("vanveen18.thmB5.rate", "own.meta_rate"), ("vanveen18.thmB5.path", "own.meta_path")
CLAIMS = (*RATES, *PATHS)


def proof_of(claim, claims=None):
    (proof,) = claim.proofs
    return proof(claim.premises(ledger() if claims is None else claims))


def with_constant(claim_id, **constants):
    """The ledger with other values in one record."""
    return {**ledger(), claim_id: ledger()[claim_id].pushed(constants)}


# The proof sees its premises.


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_the_proof_needs_every_hypothesis(claim_id):
    claim = ledger()[claim_id]
    assert finding(proof_of(claim)) == "proves"
    assert {h.name for h in claim.hypotheses} == {"A0", "A1", "A2", "A3"}
    for hypothesis in claim.hypotheses:
        assert finding(proof_of(claim.without(hypothesis.name))) == "open", hypothesis.name


@pytest.mark.parametrize("claim_id", CLAIMS)
@pytest.mark.parametrize(
    ("record", "constants"),
    [
        (AVERAGE, {"endpoint": 1}),
        (STEP_RATE, {"step": F(1, 2)}),
        (STEP_PATH, {"square": F(4, 10)}),
        (STEP_PATH, {"largest_ratio": F(1, 10)}),
        (STEP_PATH, {"least_ratio": 1}),
        (INSIDE, {"radius": 100}),
        (INSIDE, {"step_power": 1}),
    ],
)
def test_another_value_in_a_record_that_is_needed_breaks_the_proof(claim_id, record, constants):
    claim = ledger()[claim_id]
    assert record in claim.needs
    assert finding(proof_of(claim, with_constant(record, **constants))) == "open"


@pytest.mark.parametrize("claim_id", RATES)
def test_the_rate_is_the_one_that_the_step_has(claim_id):
    claim = ledger()[claim_id]
    assert finding(proof_of(claim, with_constant(STEP_RATE, square=F(2, 5)))) == "open"
    assert finding(proof_of(claim, with_constant(STEP_RATE, power=3))) == "open"


@pytest.mark.parametrize("claim_id", CLAIMS)
@pytest.mark.parametrize("radius", [0, F(1, 2)])
def test_a_ball_that_is_too_small_is_not_affirmed(claim_id, radius):
    claim = ledger()[claim_id].pushed({"radius": radius})
    assert finding(proof_of(claim)) == "open"
    assert Bench(ledger()).outcome(claim) in ("refuted", "lost")


@pytest.mark.parametrize(("claim_id", "push"), [(i, {"rate": 3}) for i in RATES] + [(i, {"path": 2}) for i in PATHS])
def test_a_rate_of_3_and_a_path_of_2_are_refuted(claim_id, push):
    assert refutes([decide(ledger()[claim_id].pushed(push))])


def test_without_a2_the_route_that_is_left_refutes_and_does_not_prove():
    claim = ledger()["vanveen18.thmB5.rate"]
    evidence = list(gather_routes(claim.without("A2"), BUDGETS["quick"], 0, ledger(), shrink=False))
    assert refutes(evidence)
    assert not affirms(evidence)


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_each_sentence_has_no_number_of_its_own(claim_id):
    claim = ledger()[claim_id]
    texts = [claim.says, claim.tex, *(h.says for h in claim.hypotheses)]
    assert [number for text in texts for number in unexplained_numerals(text)] == []


def test_our_constants_follow_from_the_steps():
    # 4 - 4/3 - 1/9, and the path's form at a_1 = 2, a_2 = 1/3.
    own = ledger()["own.meta_rate"].values
    assert own["rate"] == own["a1"] ** 2 - 2 * own["a1"] * own["a2"] - own["a2"] ** 2 == F(23, 9)
    step = ledger()[STEP_PATH].values
    path = (step["square"] * 4 - step["cross"] * F(2, 3) - step["last"] / F(9)) / (2 + F(1, 3))
    assert ledger()["own.meta_path"].values["path"] == path == F(23, 21)
    assert ledger()["own.meta_path"].values["radius"] == ledger()["own.meta_rate"].values["radius"] == 1 / path


# The maps, by another way.


def value_and_slopes(case):
    """f and J of a map of slopes, from their definition."""
    first, near, far = (np.asarray(case[name], float) for name in ("first", "near", "far"))
    target, reach = np.asarray(case["r"], float), case["reach"]

    def at(x):
        inside = np.clip(x, -reach, reach)
        slope = np.where(x == 0, first, np.where(np.abs(x) <= reach, near, far))
        return near * inside + far * (x - inside) - target, np.diag(slope)

    return at


def drawn_case(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    numbers = {"n": n, "low": 2.2, "spread": 3.0, "bend": 0.3, "turn": 1.0, "reach": float(rng.uniform(0.05, 1))}
    return {**numbers, "stiff": 1.1, "start": rng.standard_normal((1, n)), "y": rng.standard_normal((1, n))}


@pytest.mark.parametrize("seed", range(8))
def test_a_run_by_weights_is_gradient_descent(seed):
    case = slopes_of(drawn_case(seed))
    eta = case["beta"] ** -2
    fast = descend_by_weight(case, eta, 40)
    slow = follow_gradient(value_and_slopes(case), np.zeros(len(case["r"])), eta, 40)
    np.testing.assert_allclose(np.exp(fast.log_misfits), slow.misfits, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fast.distances, slow.distances, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fast.lengths, slow.lengths, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_share_of_a_segment_is_counted(seed):
    x, move, reach = np.random.default_rng(seed).standard_normal(3) * [1, 2, 1]
    points = x + move * (np.arange(100_000) + 0.5) / 100_000
    assert share_within(x, move, abs(reach)) == pytest.approx(np.mean(np.abs(points) <= abs(reach)), abs=1e-4)


def test_a_tiny_move_near_the_start_lies_within():
    assert share_within(0.6, 1e-30, 1.0) == 1.0
    assert share_within(2.0, 1e-30, 1.0) == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_premises_of_a_drawn_map_are_those_of_its_jacobians(seed):
    case = drawn_case(seed)
    one, values = slopes_of(case), ledger()["vanveen18.thmB5.rate"].values
    J0, near, far = (np.diag(one[name]) for name in ("first", "near", "far"))
    beyond = one["reach"] < 5 * np.linalg.norm(one["r"])
    moved = max([np.linalg.norm(near - J0, 2), *([np.linalg.norm(far - J0, 2)] if beyond else [])])
    assert conditioned(case, values) == (np.linalg.svd(J0)[1].min() >= 2)
    assert steady(case, values) == (moved <= 1 / 3)
    assert bounded_everywhere(case, values) == (max(np.linalg.norm(J, 2) for J in (J0, near, far)) <= one["beta"])
    assert integrates(case, values)


@pytest.mark.parametrize(("claim_id", "third"), [(RATES[0], bounded_everywhere), (RATES[1], bounded_at_the_start)])
def test_edges_meet_and_miss_each_premise(claim_id, third):
    values = ledger()[claim_id].values
    premises = (integrates, conditioned, steady, third)
    meets = [[bool(holds(case, values)) for holds in premises] for case in edges(values)]
    assert sum(all(row) for row in meets) >= 5
    assert meets[-4:] == [[i != j for i in range(4)] for j in range(4)]


def misfits_of_a_number(slope, beta, steps, first=2.0):
    """A run on f = slope theta with J = first at the start, by hand."""
    r = [1.0, abs(1 - first * slope / beta**2)]
    while len(r) <= steps:
        r.append(r[-1] * abs(1 - slope**2 / beta**2))
    return r


@pytest.mark.parametrize(("rate", "holds"), [(2.555, True), (2.5584, False)])
def test_the_end_of_our_rate_is_met_on_a_number(rate, holds):
    # beta = ||J_0|| = 2, J = 7/3 everywhere else: 1 - 49/36 a step, that is 23/9 eta.
    run = misfits_of_a_number(7 / 3, 2.0, 400)
    assert all(math.log(x) <= t * math.log(1 - rate / 4) + 1e-9 for t, x in enumerate(run)) == holds
    assert refutes([decide(ledger()["own.meta_rate"].pushed({"rate": F(rate)}))]) != holds


@pytest.mark.parametrize(("rate", "holds"), [(2.77, True), (2.79, False)])
def test_the_printed_rate_ends_at_25_ninths_on_a_number(rate, holds):
    run = misfits_of_a_number(5 / 3, 6.0, 400)
    assert all(math.log(x) <= t * math.log(1 - rate / 36) + 1e-9 for t, x in enumerate(run)) == holds
    assert refutes([decide(ledger()["vanveen18.thmB5.rate"].pushed({"rate": F(rate)}))]) != holds


@pytest.mark.parametrize(("radius", "reaches"), [(0.595, False), (0.605, True)])
def test_a_ball_of_three_fifths_is_needed_to_reach_the_target(radius, reaches):
    # Slope 5/3 up to R, none beyond: f cannot come nearer to y than 1 - 5 R/3.
    assert (1 - 5 / 3 * radius <= 0) == reaches
    assert refutes([decide(ledger()["own.meta_rate"].pushed({"radius": F(radius)}))]) != reaches


def test_a_run_that_diverges_refutes():
    values = {**ledger()["vanveen18.thmB5.rate"].values, "step": 3}
    assert rate_on_slopes(edges(values)[0], values).margin < 0


def test_a_record_can_be_replaced_whole():
    claim = ledger()["own.meta_path"]
    other = replace(ledger()[STEP_PATH], constants=ledger()[STEP_PATH].pushed({"cross": 3}).constants)
    assert finding(proof_of(claim, {**ledger(), STEP_PATH: other})) == "open"
