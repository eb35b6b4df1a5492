"""Lemmas C.2 to C.4: the worst count by trying every set, exact tails by sums, and false siblings."""

import math
from fractions import Fraction as F
from itertools import combinations

import numpy as np
import pytest
from flint import arb
from papers.statements import outcome, proof_says
from scipy import integrate, stats

from untrained.theory.laws import suprema
from untrained.theory.ledger import ledger
from untrained.theory.objects import sign_changes
from untrained.theory.papers.own import sign_changes as own
from untrained.theory.papers.vanveen18 import lemma_c2 as lemma

C2, C3, C4 = "vanveen18.lemC2", "vanveen18.lemC3", "vanveen18.lemC4"
SHARP, EXPONENT = "own.lemC3_sharp", "own.lemC4_exponent"
TAIL, FEWER, OFF = "own.lemC2_tail", "own.lemC2_sharp", "own.lemC2_off"


def values(claim_id, **changes):
    return {**ledger()[claim_id].values, **changes}


def most_of_all_sets(g, radius):
    sets = (S for size in range(len(g) + 1) for S in combinations(range(len(g)), size))
    return max(len(S) for S in sets if sum(g[l] ** 2 for l in S) <= radius**2 * (1 + 1e-12))


@pytest.mark.parametrize(("m", "d"), [(1, 3), (2, 6), (3, 9), (4, 5), (4, 12)])
@pytest.mark.parametrize("budget", [F(1), F(3, 2), F(1, 2)])
def test_the_worst_start_by_trying_every_set(m, d, budget):
    """m - 1 entries far below the others, which are all 1."""
    g = np.array([1e-9] * (m - 1) + [1.0] * (d - m + 1))
    slow = most_of_all_sets(g, float(budget) * math.sqrt(m) + 1e-6)
    sides = lemma.most_changes({"m": m, "d": d, "z_norm": 1}, values(C3, budget=budget))
    assert float(sides.lhs) == slow


@pytest.mark.parametrize("seed", range(20))
def test_no_start_is_worse_than_the_worst(seed):
    rng = np.random.default_rng([3, seed])
    m, d = int(rng.integers(1, 6)), int(rng.integers(6, 11))
    g = rng.standard_normal(d) * 10 ** rng.uniform(-3, 0, d)
    radius = math.sqrt(m) * np.sort(np.abs(g))[m - 1]
    worst = lemma.most_changes({"m": m, "d": d, "z_norm": 1}, values(C3)).lhs
    assert most_of_all_sets(g, radius) <= float(worst)
    assert lemma.changes_within({"g": g, "m": m, "z_norm": 5.0}, values(C3)).lhs == most_of_all_sets(g, radius)


@pytest.mark.parametrize("z", [F(1, 10**60), 3, 10**60])
def test_the_radius_scales_with_the_input_unless_it_is_divided_by_its_norm(z):
    case = {"m": 4, "d": 10**80, "z_norm": z}
    assert lemma.most_changes(case, values(C3)).lhs == 7
    expected = 3 + math.floor(4 * float(z)) if z >= 1 else 3
    assert float(lemma.most_changes(case, values(C3, norm_of_z=F(1, 2))).lhs) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("m", "d"), [(1, 1), (2, 10), (5, 40), (12, 30)])
@pytest.mark.parametrize("level", [F(1, 4), F(1, 2), F(2)])
def test_a_small_entry_is_a_binomial_sum(m, d, level):
    p = math.erf(float(level) * m / d / math.sqrt(2))
    slow = sum(math.comb(d, k) * p**k * (1 - p) ** (d - k) for k in range(m, d + 1))
    sides = lemma.small_entry_failure({"m": m, "d": d}, values(C4, level=level))
    assert float(sides.lhs) == pytest.approx(slow, rel=1e-11)
    assert float(sides.rhs) == pytest.approx(math.exp(-m / 6), rel=1e-12)


def test_the_exponent_of_chernoff_in_floats():
    evidence = ledger()[C4].proofs[0](ledger()[C4].premises(ledger()))
    q = 1 / math.sqrt(2 * math.pi)
    assert float(evidence.quantities["exponent by Chernoff"]) == pytest.approx(q - 1 - math.log(q), rel=1e-14)


def test_the_exponent_is_the_limit_of_the_poisson_law():
    """-log P(Poisson(m q) >= m)/m falls to Chernoff's exponent."""
    q = 1 / math.sqrt(2 * math.pi)
    rates = [-stats.poisson.logsf(m - 1, m * q) / m for m in (10, 100, 1000)]
    exponent = q - 1 - math.log(q)
    assert rates[0] > rates[1] > rates[2] > exponent
    assert rates[2] - exponent < 0.006


@pytest.mark.parametrize("x", [F(1, 10), 1, F(5, 2), 40])
def test_the_radius_gives_x_back(x):
    c = values(C2)
    R = float(lemma.radius_of(x, 1000, c))
    assert pytest.approx(float(x), rel=1e-12) == (2 * 1000 * R) ** (2 / 3)


def test_three_changes_at_x_one_have_the_probability_that_simulation_gives():
    """d = 1000, x = 1: the bound is 2, the claimed failure e^{-1/6}; the third change is near 0.003."""
    d, trials = 1000, 20_000
    R = float(lemma.radius_of(1, d, values(C2)))
    g = np.random.default_rng(11).standard_normal((trials, d))
    share = float(np.mean(sign_changes.worst_count(g, R) >= 3))
    below = lemma.count_failure({"x": 1, "d": d}, values(C2, failure_rate=50)).lhs
    above = lemma.count_failure({"x": 1, "d": d}, values(C2)).lhs
    assert math.exp(-50) < float(below) <= share + 5 * math.sqrt(share / trials)
    assert float(above) >= share - 5 * math.sqrt(share / trials)


@pytest.mark.parametrize(
    ("claim_id", "constants", "says"),
    [
        (C2, {"failure_rate": 50}, "refuted"),
        (C2, {"failure_rate": F(17, 100)}, "lost"),
        (C2, {"factor": 1}, "refuted"),
        (C2, {"scale": F(7, 10)}, "refuted"),
        (C2, {"power": F(66, 100)}, "refuted"),
        (C2, {"power": F(7, 10)}, "affirmed"),
        (C2, {"scale": 3}, "affirmed"),
        (C3, {"per_rank": F(1999, 1000)}, "refuted"),
        (C3, {"per_rank": 1}, "refuted"),
        (C3, {"norm_of_z": 0}, "refuted"),
        (C3, {"offset": -1}, "affirmed"),
        (SHARP, {"offset": -2}, "refuted"),
        (SHARP, {"offset": F(-101, 100)}, "refuted"),
        (C4, {"exponent": F(1, 3)}, "refuted"),
        (C4, {"level": F(3, 4)}, "refuted"),
        (C4, {"exponent": F(3178, 10000)}, "affirmed"),
        (EXPONENT, {"exponent": F(318, 1000)}, "refuted"),
        (TAIL, {"factor": F(99, 100)}, "refuted"),
        (TAIL, {"factor": 2}, "affirmed"),
        (TAIL, {"peak": F(9, 10)}, "refuted"),
        (TAIL, {"charge": F(9, 10)}, "refuted"),
        (TAIL, {"power": F(19, 10)}, "refuted"),
        (FEWER, {"per_x": F(118, 100)}, "refuted"),
        (FEWER, {"per_x": F(77, 100), "failure_rate": F(1, 1000)}, "refuted"),
        (FEWER, {"per_x": F(118945, 10**5)}, "affirmed"),
        (FEWER, {"per_x": F(118944, 10**5)}, "lost"),
        (FEWER, {"per_x": F(87507, 10**5), "failure_rate": F(1, 100)}, "affirmed"),
        (FEWER, {"per_x": F(81069, 10**5), "failure_rate": F(1, 1000)}, "affirmed"),
        (FEWER, {"scale": F(21, 10)}, "affirmed"),
        (FEWER, {"scale": F(19, 10)}, "refuted"),
        (FEWER, {"power": F(65, 100)}, "refuted"),
        (OFF, {"per_x": F(815, 1000)}, "refuted"),
        (OFF, {"per_x": F(48, 100), "failure_rate": F(1, 1000)}, "refuted"),
        (OFF, {"per_x": F(82301, 10**5)}, "affirmed"),
        (OFF, {"per_x": F(823, 1000)}, "lost"),
    ],
)
def test_what_the_evidence_says_of_other_constants(claim_id, constants, says):
    assert outcome(claim_id, **constants) == says


@pytest.mark.parametrize("claim_id", [C2, C3, C4, SHARP, EXPONENT, TAIL, FEWER, OFF])
def test_the_statements_themselves_are_proved(claim_id):
    assert proof_says(claim_id) == "proves"
    assert outcome(claim_id) == "affirmed"


@pytest.mark.parametrize(
    ("record", "constants"),
    [
        (C3, {"per_rank": 3}),
        (C3, {"offset": 1}),
        (C3, {"budget": F(1, 2)}),
        (C3, {"norm_of_z": 0}),
        (C4, {"level": F(1, 4)}),
        (C4, {"exponent": F(1, 7)}),
    ],
)
def test_the_assembly_reads_both_lemmas(record, constants):
    assert proof_says(C2, records={record: constants}) == "open"


@pytest.mark.parametrize("constants", [{"rate": F(1, 2)}, {"factor": 2}])
def test_the_exponent_reads_chernoffs_bound(constants):
    assert proof_says(C4, records={"textbook.binomial_upper": constants}) == "open"


@pytest.mark.parametrize("claim_id", [FEWER, OFF])
@pytest.mark.parametrize("constants", [{"factor": 2}, {"peak": F(101, 100)}, {"charge": F(101, 100)}, {"power": 3}])
def test_the_number_of_changes_reads_the_tail(claim_id, constants):
    assert proof_says(claim_id, records={TAIL: constants}) == "open"


@pytest.mark.parametrize("theta", [0.01, 0.75, 3.0])
@pytest.mark.parametrize("power", [2.0, 1.9, 3.0])
def test_the_mean_excess_is_its_integral(theta, power):
    slow = integrate.quad(lambda u: math.expm1(theta * (1 - u**power)), 0, 1)[0]
    assert float(own.mean_excess(arb(theta), arb(power))) == pytest.approx(slow, rel=1e-10)


def least_per_x(failure_rate, sides):
    """The least number of changes per unit of x = 4^{1/3} X, the rate by quadrature at the best a and theta."""
    low, high, x = 0.1, 4.0, 4 ** (1 / 3)
    for _ in range(40):
        middle = (low + high) / 2
        a, theta = suprema.changes_tilt(middle * x, sides)
        psi = integrate.quad(lambda u, theta=theta: math.expm1(theta * (1 - u * u)), 0, 1)[0]
        rate = theta * (middle * x - 1 / a**2) - sides / math.sqrt(2 * math.pi) * a * psi
        low, high = (low, middle) if rate >= failure_rate * x else (middle, high)
    return high


@pytest.mark.parametrize(
    ("failure_rate", "changes", "off"),
    [(1 / 6, 1.18945, 0.82301), (0.1, 1.09156, 0.74262), (0.01, 0.87507, 0.56701), (0.001, 0.81069, 0.51551)],
)
def test_the_table_of_the_notes(failure_rate, changes, off):
    for listed, sides in ((changes, 2), (off, 1)):
        assert listed - 1e-5 < least_per_x(failure_rate, sides) <= listed


def test_at_no_rate_fewer_than_the_law_of_large_numbers():
    """By simulation at large d too, where the entries near 0 are a Poisson process of density sqrt(2/pi) d."""
    for sides, limit in ((2, (3 / (2 * math.pi)) ** (1 / 3)), (1, (3 / (8 * math.pi)) ** (1 / 3))):
        assert limit < least_per_x(1e-8, sides) < limit * 1.0005
        d, R = 10**6, 0.002
        g = np.random.default_rng([8, sides]).standard_normal((5, d))
        counts = sign_changes.worst_count(np.where((sides == 2) | (g > 0), g, 1.0), R)
        assert counts.mean() / (2 * d * R) ** (2 / 3) == pytest.approx(limit, rel=0.05)


def test_neurons_that_are_off_cannot_go_off():
    g = np.array([[-0.01, -0.02, 0.03, 0.04, 2.0]])
    case = {"g": g, "R": 0.06}
    assert lemma.changes_above(case, values(FEWER)).lhs.tolist() == [4]
    assert lemma.changes_above(case, values(FEWER), sides=1).lhs.tolist() == [2]
    assert lemma.changes_above(case, values(FEWER)).rhs == pytest.approx(1.1895 * (2 * 5 * 0.06) ** (2 / 3))
