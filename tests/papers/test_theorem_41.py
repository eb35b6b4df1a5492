"""Theorem 4.1: the chain and each of its premises, the descent far out, the law of the misfit at the start."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb, ctx
from papers.statements import bench, outcome, proof_says
from scipy.stats import ncx2

from untrained.sims.evidence.gather import gather, judge_claim
from untrained.theory.laws.misfit import misfit_exceeds, relu_energy_rate
from untrained.theory.ledger import ledger, theorems_assumed
from untrained.theory.papers.vanveen18 import theorem_41 as theorem

CORRECTED, PROOF, PRINTED = "vanveen18.thm41.corrected", "vanveen18.thm41.proof", "vanveen18.thm41.printed"
LOSSY = [
    {"aspect": 10**12},
    {"aspect": 4248 * 10**12},
    {"misfit": F(29, 10)},
    {"coefficient": F(42, 10)},
    {"rows_rate": F(51, 100)},
    {"width_rate": F(51, 100)},
    {"last_exponent": F(41, 10)},
    {"d_power": F(7, 10)},
    {"n_power": F(35, 100)},
]
WEAKER = [
    ("vanveen18.lemB1.proof", {"width_ratio": 10**16}),
    ("vanveen18.lemB1.proof", {"fraction": F(49, 100)}),
    ("vanveen18.lemB1.proof", {"failure_factor": 4}),
    ("vanveen18.lemB1.proof", {"failure_rate": F(1, 3)}),
    ("vanveen18.lemB2.in_range", {"deviation": 10**5}),
    ("vanveen18.lemB2.in_range", {"log_factor": 7}),
    ("vanveen18.lemB2.in_range", {"inner": 2}),
    ("vanveen18.lemB2.in_range", {"scale": 3}),
    ("vanveen18.lemB2.in_range", {"power": F(7, 10)}),
    ("vanveen18.lemB2.in_range", {"share": F(1, 10**4)}),
    ("vanveen18.lemB2.in_range", {"least": 10**13}),
    ("vanveen18.lemB2.in_range", {"failure_rate_rows": F(49, 100)}),
    ("vanveen18.lemB2.in_range", {"failure_rate_flips": F(1, 7)}),
    ("vanveen18.lemB3", {"deviation": F(201, 100)}),
    ("vanveen18.lemB3", {"columns": F(11, 10)}),
    ("vanveen18.lemB3", {"failure_rate": F(1, 3)}),
    ("vanveen18.lemB4", {"factor": F(31, 10)}),
    ("vanveen18.lemB4", {"rows_rate": F(49, 100)}),
    ("vanveen18.lemB4", {"width_rate": F(49, 100)}),
    ("vanveen18.thmB5.rate", {"a1": 3}),
    ("vanveen18.thmB5.rate", {"a2": F(32, 100)}),
    ("vanveen18.thmB5.rate", {"radius": 6}),
    ("vanveen18.thmB5.rate", {"rate": F(24, 100)}),
    ("vanveen18.thmB5.rate", {"step": F(99, 100)}),
    ("vanveen18.thmB5.rate", {"rate_power": 3}),
    ("vanveen18.thmB5.rate", {"step_power": 3}),
    ("vanveen18.alpha_R", {"radius": 59}),
    ("vanveen18.alpha_R", {"alpha_divisor": 3}),
    ("oymak19.averaged_jacobian", {"endpoint": 1}),
    ("vanveen18.gradient.corrected", {"gradient_factor": 2}),
]


@pytest.mark.parametrize("claim_id", [CORRECTED, PROOF])
@pytest.mark.parametrize("constants", LOSSY, ids=str)
def test_a_stronger_statement_is_not_affirmed(claim_id, constants):
    assert outcome(claim_id) == "affirmed"
    assert outcome(claim_id, **constants) != "affirmed"


@pytest.mark.parametrize(
    ("claim_id", "constants"),
    [
        (CORRECTED, {"eta_bar": F(63, 1000)}),
        (CORRECTED, {"step_factor": F(81, 10)}),
        (CORRECTED, {"step_factor": F(79, 10)}),
        (CORRECTED, {"step_rows": F(41, 10)}),
        (CORRECTED, {"step_rows": F(39, 10)}),
        (CORRECTED, {"rate_rows": F(39, 10)}),
        (CORRECTED, {"rate_divisor": F(79, 10)}),
        (PROOF, {"step": F(101, 100)}),
        (PROOF, {"deviation": F(199, 100)}),
        (PROOF, {"rate_divisor": 63}),
    ],
)
def test_another_step_or_rate_is_not_affirmed(claim_id, constants):
    assert outcome(claim_id, **constants) == "lost"


@pytest.mark.parametrize("claim_id", [CORRECTED, PROOF])
@pytest.mark.parametrize(("record", "constants"), WEAKER, ids=str)
def test_a_weaker_premise_does_not_carry_the_theorem(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"


@pytest.mark.parametrize("constants", [{"factor": F(199, 100)}, {"rows": F(399, 100)}])
def test_the_relaxed_beta_is_a_premise_of_the_corrected_theorem(constants):
    assert proof_says(CORRECTED, records={"vanveen18.beta": constants}) == "open"


@pytest.mark.parametrize("claim_id", [CORRECTED, PROOF])
@pytest.mark.parametrize("hypothesis", ["width", "nu"])
def test_no_hypothesis_can_go(claim_id, hypothesis):
    assert proof_says(claim_id, without=(hypothesis,)) == "open"
    assert outcome(claim_id, without=(hypothesis,)) == "refuted"


def test_the_least_width_that_the_chain_carries_is_that_of_the_width_inequality():
    for claim_id in (CORRECTED, PROOF):
        assert proof_says(claim_id, aspect=424806 * 10**10) == "proves"
        assert proof_says(claim_id, aspect=424804 * 10**10) == "open"


@pytest.mark.parametrize("eta_bar", [F(1, 16), F(1, 4), F(48, 100), F(485, 1000), F(6, 10), F(1)])
def test_the_printed_statement_far_out_is_a_scalar_recursion(eta_bar):
    """Far out every eigenvalue of eta J J^T is 4 eta_bar: ||r_tau|| = |1 - 4 eta_bar|^tau ||r_0||."""
    grown, allowed = abs(1 - 4 * float(eta_bar)), 1 - float(eta_bar) / 8
    violates = any(grown**tau > 3 * allowed**tau for tau in range(3000))
    assert (outcome(PRINTED, eta_bar=eta_bar) == "refuted") == violates


@pytest.mark.parametrize("step", [F(1), F(3), F(39, 10), F(398, 100), F(6)])
def test_the_proofs_step_far_out_is_a_scalar_recursion(step):
    grown, allowed = abs(1 - float(step) / 2), 1 - 1 / 64
    violates = any(grown**tau > 3 * allowed**tau for tau in range(3000))
    assert (outcome(PROOF, step=step) == "refuted") == violates


def test_from_the_printed_width_on_the_recursion_drifts_by_a_twelfth():
    """4 eta_bar - 1 less the drift 8 eta_bar w(2/sqrt 2 + w), w the left side of the width inequality."""
    premises, w = ledger()[PRINTED].premises(ledger()), 0.0831865512
    printed = theorem.places(premises)[0]
    for eta_bar in (0.6, 0.65, 0.8, 0.9, 1.0):
        grown = 4 * eta_bar - 1 - 8 * eta_bar * w * (math.sqrt(2) + w)
        reach = math.floor(60 / (8 * eta_bar * 3 * (math.sqrt(0.5) + w)))
        violates = any(grown**tau > 3 * (1 - eta_bar / 8) ** tau for tau in range(1, reach + 1))
        with ctx.workprec(300):
            ours = theorem.outgrows(premises, printed, lambda _, e=eta_bar: (arb(8 * e), arb(e / 8)))
        assert ours == violates
    assert "for all d/n from" in theorem.printed_step_far_out(premises).quantities
    assert theorem.printed_step_far_out(premises).quantities["for all d/n from"].startswith("4.3")


def test_the_spectrum_far_out_by_a_draw():
    """n J_0 J_0^T/||y||^2 = V_S V_S^T/d at d = 10^6 n, as far out as can be drawn."""
    n, d = 3, 3 * 10**6
    rng = np.random.default_rng(4)
    V = rng.standard_normal((n, d)) * (rng.standard_normal(d) >= 0)
    drawn_values = np.linalg.eigvalsh(V @ V.T / d)
    premises = ledger()[PRINTED].premises(ledger())
    assert np.allclose(drawn_values, 0.5, atol=0.01)
    for place, drift in zip(theorem.places(premises), (0.0831866, 1e-6), strict=True):
        with ctx.workprec(300):
            at = theorem.spectrum_at(premises, place)
        assert float(at.least.lower()) <= 0.5 <= float(at.most.upper())
        assert float(at.drift.upper()) < drift


def test_the_events_far_out_fail_about_as_often_as_lemma_b2():
    premises = ledger()[PRINTED].premises(ledger())
    for place in theorem.places(premises):
        with ctx.workprec(300):
            assert float(theorem.failure_at(premises, place, 16)) == pytest.approx(math.exp(-8), rel=1e-9)


@pytest.mark.parametrize("rows", [1, 4, 16, 100])
@pytest.mark.parametrize("misfit", [F(1), F(3, 2), F(3)])
def test_the_misfit_given_the_energy_is_a_noncentral_chi_square(rows, misfit):
    energy = F(501, 1000)
    with ctx.workprec(400):
        law = theorem._misfit_above(rows, misfit, energy)
    scale = rows / float(energy)
    tail = ncx2.sf(float(misfit) ** 2 * scale, rows, scale)
    assert float(law) == pytest.approx(tail, rel=1e-7, abs=1e-14)


@pytest.mark.parametrize(("rows", "misfit"), [(1, 2.0), (4, 1.5), (8, 1.3)])
def test_the_law_at_the_start_is_the_limit_of_the_quadrature(rows, misfit):
    sides = theorem.start_exceeds({"n": rows, "d": 5 * 10**15 * rows}, {**ledger()[PROOF].values, "misfit": F(misfit)})
    near = misfit_exceeds(rows, 4000, misfit)
    assert float(sides.lhs.lower()) * 0.97 <= near <= float(sides.lhs.upper()) * 1.03
    assert float(sides.rhs) == pytest.approx(5 * math.exp(-rows / 2), rel=1e-12)


def test_the_energy_stays_near_its_mean_by_the_laws_rate():
    width = 10**8
    with ctx.workprec(200):
        off = theorem._energy_off(width)
    best = math.exp(-width * relu_energy_rate(0.501))
    assert best <= float(off) <= 3 * best


def test_a_small_misfit_at_the_start_is_exceeded_half_the_time():
    sides = theorem.start_exceeds({"n": 64, "d": 10**18}, {**ledger()[PROOF].values, "misfit": F(1, 2)})
    assert float(sides.lhs.lower()) == pytest.approx(0.5)
    assert outcome(PROOF, misfit=F(1, 2)) == "refuted"


def test_practical_widths_are_listed_and_meet_no_hypothesis():
    claim = ledger()[CORRECTED]
    cases = claim.exact.cases
    met = [case for case in cases if all(h.holds(case, claim.values) for h in claim.hypotheses if h.holds)]
    assert met == list(theorem._MET)
    assert {case["n"] for case in cases} > {784, 49152}


@pytest.mark.parametrize(("claim_id", "status"), [(PRINTED, "REFUTED"), (PROOF, "PROVED"), (CORRECTED, "PROVED")])
def test_verdicts_given_the_lemmas(claim_id, status):
    claim, theorems = ledger()[claim_id], theorems_assumed(ledger()[claim_id])
    statuses = {name: "UNTESTED" if name in theorems else "PROVED" for name in ledger()}
    verdict = judge_claim(claim, gather(claim_id, "quick", 0, bench().claims), statuses, bench().claims)
    assert verdict.status == status
    assert verdict.controls_missed == ()
    assert set(theorems) >= {theorem.LARGEST, theorem.LOWEST, theorem.BINOMIAL}


def test_lemma_b3s_own_beta_allows_twice_the_step():
    """8 eta_bar (sqrt d + 2 sqrt n)^2/(4n + d) <= 1 at d = 4.3e15 n, in floats."""
    ratio = 1 / 4.3e15
    most = (1 + 4 * ratio) / (8 * (1 + 2 * math.sqrt(ratio)) ** 2)
    assert outcome("own.longer_step", eta_bar=F(most) * F(999999999, 10**9)) == "affirmed"
    assert outcome("own.longer_step", eta_bar=F(most) * F(1000000001, 10**9)) == "lost"
    assert outcome("own.longer_step", eta_bar=F(49, 100)) == "refuted"


@pytest.mark.parametrize(
    ("record", "constants"),
    [
        ("vanveen18.lemB3", {"deviation": 3}),
        ("vanveen18.lemB3", {"columns": F(101, 100)}),
        ("vanveen18.thmB5.rate", {"step": F(99, 100)}),
        ("vanveen18.lemB2.in_range", {"log_factor": 7}),
        ("vanveen18.thm41.corrected", {"aspect": 10**15}),
        ("vanveen18.thm41.corrected", {"rate_divisor": 7}),
        ("vanveen18.thm41.corrected", {"step_rows": 5}),
    ],
)
def test_the_longer_step_reads_its_premises(record, constants):
    assert proof_says("own.longer_step") == "proves"
    assert proof_says("own.longer_step", records={record: constants}) == "open"
