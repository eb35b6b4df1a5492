"""Widths that the first steps put out of reach: what becomes of the statements with other numbers and premises."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from papers.statements import outcome, proof_says

from untrained.theory.ledger import ledger
from untrained.theory.papers.own import impossible, impossible_sizes

FIRST, PROOF, TWO = (f"own.impossible.{name}" for name in ("first_step", "proof_step", "two_steps"))
STEP = (F(1), F(1, 2), 1)


@pytest.mark.parametrize("claim_id", [FIRST, PROOF, TWO])
def test_the_ratio_is_seen_to_three_digits(claim_id):
    values = ledger()[claim_id].values
    assert outcome(claim_id) == "affirmed"
    assert outcome(claim_id, low=values["high"]) == "refuted"
    assert outcome(claim_id, high=values["low"]) == "refuted"


@pytest.mark.parametrize("name", ["size", "share", "rows"])
@pytest.mark.parametrize("factor", [F(98, 100), F(102, 100)])
def test_another_step_has_another_ratio(name, factor):
    assert outcome(FIRST, **{name: ledger()[FIRST].values[name] * factor}) == "refuted"


def test_another_number_of_steps_has_another_ratio():
    assert outcome(TWO, steps=1) == "refuted"


@pytest.mark.parametrize(
    "records",
    [
        {"own.descent.reduction": {"drift": 2}},
        {"own.descent.off_stays_off": {"state": "on"}},
        {"textbook.gordon": {"factor": F(1, 2)}},
        {"textbook.gaussian_lipschitz": {"lipschitz": 2}},
    ],
)
def test_the_argument_rests_on_its_premises(records):
    assert proof_says(FIRST) == "proves"
    assert proof_says(FIRST, records=records) == "refutes"


def test_what_a_longer_first_step_leaves_out_is_more():
    margins = [float(impossible.signal_left_out(F(43, 10), (F(size), F(1, 2), 1), 1)) for size in (1, 2, 4)]
    assert 0 < margins[0] < margins[1] < margins[2]


def test_every_ratio_from_four_on_is_left_out_up_to_the_claimed_one_and_none_beyond():
    low, high = ledger()[FIRST].values["low"], ledger()[FIRST].values["high"]
    assert impossible.left_out_from(F(4), low, STEP) > 0
    assert not impossible.left_out_from(F(4), high, STEP) > 0
    for ratio in (F(4), F(42, 10), low):
        assert impossible.signal_left_out(ratio, STEP, 1) >= impossible.left_out_from(F(4), low, STEP).lower()


def test_no_step_and_a_step_without_bound_decide_without_an_error():
    assert outcome(FIRST, size=0) != "affirmed"
    assert outcome(FIRST, size=1000) == "refuted"
    assert isinstance(impossible.signal_left_out(F(4), (F(0), F(1, 2), 1), 1), arb)


SIZES = "own.impossible.every_size"


def scalars(n, ratio, draws=100):
    """Slope (1 - eta A)/(eta rho), |e.y| and b/t of drawn first steps, from g, zeta, z and x alone."""
    rng = np.random.default_rng(71)
    rows = []
    for _ in range(draws):
        d = round(ratio * n)
        g, zeta, q_z, q_x = rng.standard_normal(d), rng.standard_normal(n), *rng.standard_normal(2)
        G, Y = np.linalg.norm(np.maximum(g, 0)), math.sqrt(d * n)
        r = G * zeta - Y * np.eye(1, n)[0]
        rho, eta = np.linalg.norm(r), 1 / (math.sqrt(d / 2) + math.sqrt(n)) ** 2
        A = (zeta @ r - rho * q_z) / G
        rows.append(((1 - eta * A) / (eta * rho), -r[0] / rho, q_x, q_z, rho, G))
    return rows


def test_the_balls_of_the_first_step_hold_drawn_ones():
    n, ratio = 20_000, 4.1
    weights = impossible_sizes.best_weights(
        impossible_sizes.after_steps(arb(ratio), impossible_sizes.drift_of(arb(ratio), STEP), 1)
    )
    bounds = impossible_sizes.FirstStep(arb(ratio), n, STEP, (arb(weights[0]), arb(weights[1])))
    t, lift = -float(bounds.form[1]), -float(bounds.form[0]) - float(bounds.mu)
    for slope, along, q_x, q_z, rho, G in scalars(n, ratio):
        assert slope <= float(bounds.slope)
        assert t * along / math.sqrt(1 - along**2) <= float(bounds.beta)
        assert t * rho / G**2 - (q_x + t * q_z) / G >= lift


def test_the_fourth_power_over_a_half_plane_is_that_of_a_sum():
    bounds = impossible_sizes.FirstStep(arb(4.1), 10**6, STEP, (arb(0.1), arb(-0.2)))
    e, t, _ = (float(x) for x in bounds.form)
    points, mass = np.polynomial.hermite_e.hermegauss(100)
    mass = mass / mass.sum()
    deviation = math.sqrt(1 + t * t)
    g = (np.arange(4000) + 0.5) * 8 / 4000
    rest = np.maximum(e * g[:, None] + deviation * points, 0) ** 4 @ mass
    total = (rest * np.exp(-g * g / 2)).sum() * 8 / 4000 / math.sqrt(2 * math.pi)
    assert float(bounds._fourth()) == pytest.approx(total, rel=2e-3)


def test_the_gap_of_more_rows_tends_to_that_of_the_limit():
    ratio = F(41, 10)
    gaps = [float(impossible_sizes.gap_from(ratio - F(1, 10**4), ratio, n, STEP)) for n in (10**6, 10**8, 10**12)]
    limit = 1 - math.sqrt(1 - float(impossible.signal_left_out(ratio, STEP, 1)))
    assert gaps[0] < gaps[1] < gaps[2] < limit
    assert gaps[2] == pytest.approx(limit, rel=0.05)


def test_sizes_and_chances_are_seen():
    assert outcome(SIZES) == "affirmed"
    assert outcome(SIZES, per_row=F(437, 100)) == "refuted"
    assert outcome(SIZES, least=10**5) == "lost"
    assert outcome(SIZES, at_most=F(9, 100)) == "lost"
    assert outcome(SIZES, per_row=F(3)) == "affirmed"
    assert proof_says(SIZES, records={"own.descent.off_stays_off": {"state": "on"}}) == "refutes"
    assert proof_says(SIZES, records={"textbook.gaussian_lipschitz": {"rate": F(49, 100)}}) == "refutes"
