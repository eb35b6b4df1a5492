import math

import numpy as np
import pytest

from untrained.sims.evidence import counts
from untrained.sims.evidence.counts import clopper_pearson, count
from untrained.theory.claim import Claim, Constant, CountRoute, Draw, Hypothesis, Sides, Source
from untrained.theory.verdict import finding

LEVEL = 1e-3


def toy(sides, *, probability=0.5, cells=({"n": 1},), law=None, hypotheses=(), claim_id="own.toy"):
    route = CountRoute(cells, sides, lambda case, c: probability, 100)
    return Claim(
        claim_id,
        Source("own", "toy"),
        "says",
        "tex",
        "an interval below the claim",
        law={"g": Draw("gaussian", ("n",))} if law is None else law,
        hypotheses=hypotheses,
        constants={"at_least": Constant(0.0)},
        count=route,
    )


def is_positive(case, c):
    """A fair coin: the first entry is at least the constant."""
    return Sides(c["at_least"], case["g"][:, 0], unit=1.0)


def run(claim, number, *, cell=0, seed=0):
    return count(claim, claim.count, cell, number, LEVEL, seed)


@pytest.fixture
def small_blocks(monkeypatch):
    """Ten trials of one entry to a block."""
    monkeypatch.setattr(counts, "_MOST_ENTRIES", 10)


def drawn(number, *, kind="gaussian", shape=("n",), cell=None, seed=0):
    """Every number that a run of so many trials looks at, in order."""
    draws = []

    def sides(case, c):
        draws.append(np.array(case["g"]))
        return Sides(0.0, np.ones(len(case["g"])))

    claim = toy(sides, law={"g": Draw(kind, shape)}, cells=(cell or {"n": 1},))
    outcome = run(claim, number, seed=seed)
    assert outcome.successes == outcome.trials == number
    return np.concatenate(draws)


def test_a_fair_coin_is_covered_and_fixed_trials_are_counted():
    outcome = run(toy(is_positive), 4000)
    assert (outcome.trials, outcome.applicable, outcome.claimed, outcome.level) == (4000, 4000, 0.5, LEVEL)
    assert outcome.low < 0.5 < outcome.high
    assert (outcome.low, outcome.high) == clopper_pearson(outcome.successes, 4000, LEVEL)
    assert finding(outcome) == "open"


def test_a_coin_claimed_too_high_is_refuted_and_too_low_is_supported():
    assert finding(run(toy(is_positive, probability=0.6), 4000)) == "refutes"
    assert finding(run(toy(is_positive, probability=0.4), 4000)) == "supports"


def test_the_interval_covers_a_fair_coin_at_every_seed_tried():
    outcomes = [run(toy(is_positive), 300, seed=seed) for seed in range(40)]
    assert sum(not e.low <= 0.5 <= e.high for e in outcomes) <= 1
    assert len({e.successes for e in outcomes}) > 10


def test_the_same_seed_gives_the_same_count_and_other_names_give_others():
    claim = toy(is_positive, cells=({"n": 1}, {"n": 1}))
    assert run(claim, 2000) == run(claim, 2000)
    others = [run(claim, 2000, cell=1), run(claim, 2000, seed=1), run(toy(is_positive, claim_id="own.x"), 2000)]
    assert all(e.worst_margin != run(claim, 2000).worst_margin for e in others)


def test_a_longer_run_begins_with_the_trials_of_a_shorter_one(small_blocks):
    np.testing.assert_array_equal(drawn(25), drawn(73)[:25])


def test_whole_blocks_are_the_same_in_a_longer_run_whatever_is_drawn(small_blocks):
    cell, shape = {"n": 1, "d": 12}, ("n", "d")
    short = drawn(20, kind="jacobian_sigma_min", shape=shape, cell=cell)
    longer = drawn(40, kind="jacobian_sigma_min", shape=shape, cell=cell)
    np.testing.assert_array_equal(short, longer[:20])
    assert len(set(longer)) > 20


def test_blocks_do_not_repeat_each_other(small_blocks):
    assert len(np.unique(drawn(73))) == 73


def test_the_number_of_trials_to_a_block_depends_on_the_cell_alone(small_blocks):
    lengths = []

    def sides(case, c):
        lengths.append(len(case["g"]))
        return Sides(0.0, np.ones(len(case["g"])))

    run(toy(sides, cells=({"n": 3},)), 10)
    run(toy(sides, cells=({"n": 3},)), 7)
    run(toy(sides, cells=({"n": 100},)), 2)
    assert lengths == [3, 3, 3, 1, 3, 3, 1, 1, 1]


def test_a_conclusion_that_is_no_number_did_not_hold():
    def sides(case, c):
        return Sides(0.0, np.where(case["g"][:, 0] > 0, 1.0, math.nan))

    outcome = run(toy(sides), 1000)
    assert outcome.applicable == 1000
    assert outcome.successes == run(toy(is_positive), 1000).successes
    assert outcome.worst_margin == -math.inf


def test_a_margin_of_zero_holds():
    assert run(toy(lambda case, c: Sides(1.0, np.ones(len(case["g"])))), 50).successes == 50


def test_a_margin_for_all_trials_at_once_is_every_trial_s():
    assert run(toy(lambda case, c: Sides(2.0, 1.0)), 50).successes == 0


def test_only_trials_that_meet_the_hypotheses_are_counted():
    positive = Hypothesis("positive", "g > 0", lambda case, c: case["g"][:, 0] > 0)
    outcome = run(toy(is_positive, hypotheses=(positive,)), 1000)
    assert outcome.trials == 1000
    assert outcome.applicable == outcome.successes == run(toy(is_positive), 1000).successes
    assert (outcome.low, outcome.high) == clopper_pearson(outcome.applicable, outcome.applicable, LEVEL)


def test_a_hypothesis_is_not_met_by_a_conclusion_that_is_no_number():
    never = Hypothesis("never", "no", lambda case, c: False)
    outcome = run(toy(lambda case, c: Sides(0.0, np.full(len(case["g"]), math.nan)), hypotheses=(never,)), 100)
    assert (outcome.applicable, outcome.successes, outcome.low, outcome.high) == (0, 0, 0.0, 1.0)
    assert finding(outcome) == "silent"


def test_the_worst_trial_is_the_one_of_least_margin(small_blocks):
    outcome = run(toy(is_positive), 73)
    everything = drawn(73)[:, 0]
    assert outcome.worst_case == {"trial": int(np.argmin(everything))}
    assert outcome.worst_margin == everything.min()


def test_the_claimed_probability_is_that_of_the_cell():
    claim = toy(is_positive, cells=({"n": 1}, {"n": 4}))
    route = CountRoute(claim.count.cells, is_positive, lambda case, c: 1 / case["n"], 100)
    assert [count(claim, route, cell, 10, LEVEL, 0).claimed for cell in (0, 1)] == [1.0, 0.25]
