"""Denoising in the linearised model: the claims' sides against definitions, and what other numbers lose."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.ledger import ledger
from untrained.theory.objects.dual_kernels import basis_spectrum, transfer, triangle_kernel
from untrained.theory.objects.residual_filters import LinearDenoising
from untrained.theory.papers.heckel20a import denoising
from untrained.theory.papers.own import denoising as own

RNG = np.random.default_rng(21)
CORRECTED = "heckel20a.early_stopping.probable.corrected"
PRINTED = "heckel20a.early_stopping.probable.printed"


def stopped_filters(n, half_width, p):
    """Filters at the theorem's tau, written from its definition."""
    kernel = triangle_kernel(n, half_width)
    values = sorted(basis_spectrum(kernel), reverse=True)
    eta = 1 / max(transfer(kernel)) ** 2
    tau = math.log(1 - math.sqrt(p / n)) / math.log(1 - eta * values[p])
    return np.array([1 - (1 - eta * value) ** tau for value in values])


def test_the_failure_of_the_printed_bound_by_simulation():
    filters = stopped_filters(100, 25, 5)
    sides = denoising.exceeds_printed({"n": 100, "half_width": 25, "p": 5}, {"factor": F(3, 2), "power": 2})
    noise = np.square(filters * RNG.standard_normal((100_000, 100))).sum(1) / 100
    failure = (noise > 1.5 * 5 / 100).mean()
    assert 0.001 < failure < 0.5
    assert sides.lhs == pytest.approx(failure, abs=4 * math.sqrt(failure / 1e5))


def test_a_stopped_noise_part_keeps_its_mean_bound_on_kernels():
    for half_width, p in ((3, 1), (10, 21), (30, 15), (50, 9)):
        assert np.square(stopped_filters(300, half_width, p)).mean() <= 2 * p / 300 - (p / 300) ** 2


@pytest.mark.parametrize(("half_width", "p"), [(10, 61), (20, 1), (30, 15)])
def test_what_is_left_of_a_signal(half_width, p):
    sides = own.left_by_triangle({"half_width": half_width, "p": p}, {"points": 300, "least": 0.5})
    assert sides.rhs == pytest.approx(1 - stopped_filters(300, half_width, p)[p - 1], rel=1e-9)
    assert 0.517 < sides.rhs < 0.942


def test_the_whole_bound_is_above_a_simulated_error():
    filters = stopped_filters(300, 10, 21)
    x = np.zeros(300)
    x[20] = 1
    z = RNG.standard_normal((4000, 300)) * 2 / math.sqrt(300)
    errors = np.square(filters * (x + z) - x).sum(1)
    sides = denoising.whole_bound({"n": 300, "half_width": 10, "p": 21, "noise": 2.0}, {"factor": 2, "lead": 1})
    assert sides.lhs**2 == pytest.approx(errors.mean(), abs=4 * errors.std() / math.sqrt(4000))
    assert sides.rhs == pytest.approx(1 - filters[20] + 2 * math.sqrt(42 / 300))


def test_in_how_many_cases_the_whole_bound_is_of_use():
    claim = ledger()["heckel20a.early_stopping.bound"]
    cases = claim.exact.cases
    useful = [case["half_width"] for case in cases if denoising.bound_is_of_use(case, claim.values)]
    assert (len(cases), useful.count(30), useful.count(50), len(useful)) == (775, 5, 6, 11)


def test_a_whole_bound_that_is_of_use_is_noticed():
    c = {"factor": 2, "lead": 1}
    assert denoising.bound_is_of_use({"n": 300, "half_width": 30, "p": 11, "noise": 1.0}, c)
    assert not denoising.bound_is_of_use({"n": 300, "half_width": 30, "p": 11, "noise": 9.0}, c)


@pytest.mark.parametrize("tau", [1, 2, 5, 40])
def test_no_power_law_costs_twice_the_best_linear_filter(tau):
    h = RNG.uniform(0, 1, 1000) ** 3
    u, left = tau * h, (1 - h) ** tau
    risk, best = (u * left**2 + (1 - left) ** 2).sum(), (u / (1 + u)).sum()
    assert best <= risk <= 2 * best


def test_the_flow_costs_what_a_dense_grid_says():
    u = np.linspace(1e-3, 40, 400_001)
    ratio = 1 + np.square(1 - (1 + u) * np.exp(-u)) / u
    assert ratio.max() == pytest.approx(1.21466, abs=1e-5)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("heckel20a.early_stopping.bound", {}, (), "affirmed"),
        ("heckel20a.early_stopping.bound", {"lead": F(101, 100)}, (), "refuted"),
        ("heckel20a.early_stopping.bound", {"factor": F(199, 100)}, (), "lost"),
        ("heckel20a.early_stopping.bound", {}, ("span",), "lost"),
        ("heckel20a.linear.residual", {"rate": F(2)}, (), "refuted"),
        ("heckel20a.linear.residual", {}, ("start",), "refuted"),
        ("heckel20a.linear.signal", {"lead": F(102, 100)}, (), "refuted"),
        ("heckel20a.linear.signal", {}, ("span",), "refuted"),
        ("heckel20a.linear.signal", {}, ("step",), "refuted"),
        ("heckel20a.early_stopping.mean", {"less": F(101, 100)}, (), "refuted"),
        ("heckel20a.early_stopping.mean", {"power": F(198, 100)}, (), "refuted"),
        ("heckel20a.early_stopping.mean", {}, ("step",), "refuted"),
        ("heckel20a.early_stopping.mean", {}, ("white",), "lost"),
        (PRINTED, {}, (), "refuted"),
        (PRINTED, {"factor": 21}, (), "affirmed"),
        (CORRECTED, {"slope": F(4, 3)}, (), "refuted"),
        (CORRECTED, {"power": F(201, 100)}, (), "lost"),
        (CORRECTED, {}, ("step",), "refuted"),
        ("own.denoising.says_nothing", {"ratio_sq": F(205, 100)}, (), "refuted"),
        ("own.denoising.says_nothing", {}, ("ratio",), "refuted"),
        ("own.denoising.left", {"narrow": 9}, (), "refuted"),
        ("own.denoising.left", {"points": 297}, (), "refuted"),
        ("own.denoising.left", {"wide": 110}, (), "refuted"),
        ("own.denoising.stop", {"steps": F(99, 100)}, (), "refuted"),
        ("own.denoising.stop", {}, ("source",), "refuted"),
        ("own.denoising.stop", {}, ("step",), "refuted"),
        ("own.denoising.flow", {"factor": F(1214, 1000)}, (), "refuted"),
        ("own.denoising.flow", {}, ("flow",), "refuted"),
        ("own.denoising.sure", {"factor": F(201, 100)}, (), "refuted"),
        ("own.denoising.sure", {}, ("white",), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize("dropped", ["source", "flow"])
def test_the_flow_s_proof_is_silent_without_a_hypothesis_and_a_case_refutes(dropped):
    assert proof_says("own.denoising.flow", without=(dropped,)) == "open"
    assert outcome("own.denoising.flow", without=(dropped,)) == "refuted"


@pytest.mark.parametrize(
    ("record", "constants"),
    [
        ("heckel20a.linear.signal", {"factor": F(101, 100)}),
        ("heckel20a.linear.signal", {"lead": F(99, 100)}),
        ("heckel20a.early_stopping.mean", {"factor": F(201, 100)}),
        ("heckel20a.early_stopping.mean", {"less": -1}),
    ],
)
def test_a_weaker_premise_does_not_carry_the_whole_bound(record, constants):
    assert proof_says("heckel20a.early_stopping.bound") == "proves"
    assert proof_says("heckel20a.early_stopping.bound", records={record: constants}) == "open"


NOTES = {
    5: (8.1e-8, 1.09, 1.024),
    10: (0.049, 1.19, 1.023),
    20: (4.6, 1.43, 1.015),
    30: (30.7, 1.70, 0.968),
    50: (201, 2.42, 0.886),
}
ODD = range(1, 62, 2)


@pytest.mark.parametrize("half_width", NOTES)
def test_the_numbers_of_the_notes(half_width):
    """n^2 times the largest failure, the largest ratio of logarithms, the least bound where ||x|| = varsigma = 1."""
    values, eta = denoising.triangle_spectrum(300, half_width)
    cases = [{"n": 300, "half_width": half_width, "p": p, "noise": 1.0} for p in ODD]
    failure = max(denoising.exceeds_printed(case, {"factor": 2, "power": 2}).lhs for case in cases)
    logs = np.log1p(-eta * values)
    least = min(denoising.whole_bound(case, {"factor": 2, "lead": 1}).rhs for case in cases)
    numbers = (300**2 * failure, max(logs[p - 1] / logs[p] for p in ODD), least)
    for number, printed, digits in zip(numbers, NOTES[half_width], (2, 3, 4), strict=True):
        assert number == pytest.approx(printed, rel=0.5 * 10.0 ** (1 - digits))


def test_the_first_stop_takes_an_eighth_of_a_step():
    taus = [denoising._stopped({"n": 300, "half_width": w, "p": 1}, {"lead": 1})[3] for w in range(2, 21)]
    assert (round(min(taus), 3), round(max(taus), 3)) == (0.115, 0.123)


def test_identity_and_mean_fail_as_a_normal_variable_above_its_deviation():
    sides = denoising.exceeds_printed({"n": 300, "floor": F(1, 10), "p": 1}, {"factor": 2, "power": 2})
    assert sides.lhs == pytest.approx(math.erfc(math.sqrt(0.5)), abs=1e-4)


def test_the_best_stop_against_wiener_on_triangles():
    along, flat = [], []
    for half_width in NOTES:
        values, eta = denoising.triangle_spectrum(300, half_width)
        first = np.where(np.arange(300) < 21, 1 / math.sqrt(21), 0)
        for noise in (0.3, 1.0, 3.0):
            for ratios, signal in ((along, np.sqrt(values / values.sum())), (flat, first)):
                model = LinearDenoising(signal, values, eta, noise)
                ratios.append(model.best_stop()[1] / model.best_linear_risk())
    assert 1.053 < max(along) < 1.054
    assert (round(min(flat), 2), round(max(flat), 2)) == (1.13, 2.66)


def test_a_heavier_tail_does_not_carry_the_corrected_bound():
    assert proof_says(CORRECTED) == "proves"
    assert proof_says(CORRECTED, records={"textbook.gaussian_lipschitz": {"rate": F(1, 3)}}) == "open"
    assert proof_says(CORRECTED, records={"heckel20a.early_stopping.mean": {"factor": 3}}) == "open"
