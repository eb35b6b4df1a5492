"""Lemma B.4: exact laws against slow twins, the joint exponents against a search, proofs without their premises."""

import math
from fractions import Fraction as F

import mpmath
import numpy as np
import pytest
import sympy as sp
from papers.statements import outcome, proof_says
from scipy import stats
from scipy.optimize import minimize

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.laws.misfit import product_rate
from untrained.theory.ledger import ledger
from untrained.theory.objects import relu_generator as rg
from untrained.theory.papers.vanveen18 import lemma_b4 as lemma
from untrained.theory.proof.algebra import falls_in_aspect

B4, NORM, EQ16 = "vanveen18.lemB4", "vanveen18.lemB4.norm", "vanveen18.lemB4.eq16.corrected"
LAW, HIDDEN, _SIGMA = "vanveen18.lemB4.law.corrected", "vanveen18.lemB4.hidden_law", "vanveen18.sigma"


def constants(claim_id, **changed):
    return {**ledger()[claim_id].values, **changed}


def relative_norms(n, d, trials):
    """||V phi(W_0 z)|| and ||V phi(W_0 z) - y|| over ||y||, straight from the definition, with k = 3."""
    rng = np.random.default_rng([74, n, d])
    y, z = rng.standard_normal(n), rng.standard_normal(3)
    nu = np.linalg.norm(y) / (math.sqrt(d * n) * np.linalg.norm(z))
    out = rg.output(nu * rng.standard_normal((trials, n, d)), rng.standard_normal((trials, d, 3)), z)
    return [np.linalg.norm(x, axis=-1) / np.linalg.norm(y) for x in (out, out - y)]


@pytest.mark.parametrize(("n", "d", "factor"), [(1, 2, 1.3), (4, 4, 1.6), (3, 12, 1.5), (12, 3, 1.5)])
def test_both_laws_agree_with_networks_that_are_drawn(n, d, factor):
    sides = (lemma.output_failure, lemma.misfit_failure)
    for norms, law in zip(relative_norms(n, d, 20000), sides, strict=True):
        low, high = clopper_pearson(int((norms > factor).sum()), 20000, 1e-6)
        assert low <= float(law({"n": n, "d": d}, constants(B4, factor=factor)).lhs) <= high


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 7), (50, 2)])
@pytest.mark.parametrize("changed", [{}, {"rows_rate": F(1, 3)}, {"width_rate": 2}, {"failure_factor": F(3, 4)}])
def test_the_claimed_failure_is_its_formula(n, d, changed):
    c = constants(NORM, **changed)
    claimed = float(c["failure_factor"]) * (math.exp(-c["rows_rate"] * n) + math.exp(-c["width_rate"] * d))
    assert float(lemma.output_failure({"n": n, "d": d}, c).rhs) == pytest.approx(claimed, rel=1e-12)
    assert lemma.failure_below_one({"n": n, "d": d}, c) == (claimed < 1)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("energy", [F(3, 2), 2, 3])
def test_the_chi_square_tail_is_scipys(n, energy):
    sides = lemma.chi_square_failure({"n": n}, constants(EQ16, energy=energy))
    assert float(sides.lhs) == pytest.approx(stats.chi2.sf(float(energy) * n, n), rel=1e-10)
    assert float(sides.rhs) == pytest.approx(math.exp(-0.1534 * n), rel=1e-12)
    assert float(lemma.chi_square_failure({"d": n}, constants(EQ16, energy=energy)).lhs) == float(sides.lhs)


def test_the_chi_square_tail_of_a_million_by_its_expansion():
    """Q(a, x) = e^{-x} x^{a - 1}/Gamma(a) times the sum of the powers of (a - 1)/x, nearly: a continued fraction."""
    with mpmath.workdps(40):
        a, x = mpmath.mpf(5 * 10**5), mpmath.mpf(10**6)
        fraction = x
        for k in range(400, 0, -1):
            fraction = x + (k - a) / (1 + k / fraction)
        exact = -x + a * mpmath.log(x) - mpmath.loggamma(a) - mpmath.log(fraction)
    assert float(lemma.chi_square_failure({"n": 10**6}, constants(EQ16)).lhs.log()) == pytest.approx(
        float(exact), rel=1e-12
    )


@pytest.mark.parametrize("energy", [F(5, 4), 2, 4])
def test_the_chi_square_exponent_is_the_best_of_chernoffs(energy):
    x = max(float(energy) * t + math.log(1 - 2 * t) / 2 for t in np.linspace(0, 0.499, 100001))
    rate = F(round(x * 10**6), 10**6)
    assert proof_says(EQ16, energy=energy, rate=rate - F(2, 10**6)) == "proves"
    assert proof_says(EQ16, energy=energy, rate=rate + F(2, 10**6)) == "open"


def test_the_transform_of_a_squared_normal_variable():
    for t in (-2.0, 0.1, 0.4):
        mean = mpmath.quad(lambda x, t=t: mpmath.exp((t - 0.5) * x**2), [-mpmath.inf, mpmath.inf])
        assert float(mean / mpmath.sqrt(2 * mpmath.pi)) == pytest.approx((1 - 2 * t) ** -0.5)


@pytest.mark.parametrize("factor", [1.5, 2.0, 3.0])
def test_the_joint_exponent_of_the_output_is_the_large_deviation_rate(factor):
    """The linear functional loses nothing: its exponent is the least joint cost of chi2_n/n times Y/d = f^2."""

    def cost(a):
        x = factor**2 / a
        t = np.linspace(0, 0.4999, 20001)
        return (x - 1 - math.log(x)) / 2 + (t * a - np.log(0.5 + 0.5 / np.sqrt(1 - 2 * t))).max()

    claim = ledger()[NORM].pushed({"factor": F(factor)})
    e = float(claim.proofs[0](claim.premises(ledger())).quantities["joint exponent at n = d"])
    assert e == pytest.approx(min(cost(a) for a in np.linspace(0.6, factor**2, 2001)), abs=2e-5)


def test_the_exponent_at_two_is_half_and_a_little():
    claim = ledger()[NORM]
    e = float(claim.proofs[0](claim.premises(ledger())).quantities["joint exponent at n = d"])
    assert e == pytest.approx(0.500185, abs=2e-6)
    assert e <= product_rate(1.0)


@pytest.mark.parametrize("aspect", [1.0, 1.3, 4.0, 100.0])
def test_no_aspect_is_worse_than_one(aspect):
    assert product_rate(1.0) <= product_rate(aspect)
    assert product_rate(1.0) <= aspect * product_rate(1 / aspect) + 1e-12


@pytest.mark.parametrize("active", [F(1, 4), F(1, 2), F(1)])
def test_the_cumulants_fall_in_the_aspect_as_floats_do(active):
    assert falls_in_aspect(active)
    r = np.linspace(1, 50, 500)
    for t in (0.1, 0.4, 0.49):
        values = r * np.log(1 - float(active) + float(active) / np.sqrt(1 - 2 * t / r))
        assert (np.diff(values) < 0).all()


def test_a_cumulant_of_no_law_need_not_fall():
    assert not falls_in_aspect(F(3, 2))


def least_by_search(c, tilts):
    """The least of p |v|^2 - r <v, e> + q w^2 over v in the plane and w with ||w v - e|| >= c."""
    s, q, r = (float(x) for x in tilts)

    def value(x):
        w, angle = math.exp(x[0]), x[1]
        v = (np.array([1, 0]) + (c + x[2] ** 2) * np.array([math.cos(angle), math.sin(angle)])) / w
        return s * v @ v - r * v[0] + q * w * w

    starts = [(a, b, 0.1) for a in (-0.5, 0.3, 1.0) for b in (0, 1.5, 3.0)]
    return min(minimize(value, x, method="Nelder-Mead", options={"maxiter": 4000}).fun for x in starts)


@pytest.mark.parametrize("c", [1.5, 2.4, 3.0, 5.0])
def test_the_functional_of_the_misfit_reaches_its_level_and_no_more(c):
    tilts = lemma._misfit_tilts(c)
    least = least_by_search(c, tilts)
    assert lemma._reaches(F(c), F(least) - F(1, 10**4), *tilts)
    assert not lemma._reaches(F(c), F(least) + F(1, 10**4), *tilts)


def test_the_misfit_of_no_more_than_the_target_is_never_reached():
    assert not lemma._reaches(F(1), F(0), F(1, 4), F(1, 4), F(1, 4))


@pytest.mark.parametrize(("p", "r"), [(0.2, 0.3), (0.26, 0.33)])
def test_the_transform_of_the_functional_of_a_normal_vector(p, r):
    """E e^{p |g|^2 + r sqrt n g_1} for n = 2 is its formula, by quadrature."""
    along = mpmath.quad(lambda x: mpmath.exp((p - 0.5) * x**2 + r * mpmath.sqrt(2) * x), [-20, 0, 20])
    across = mpmath.quad(lambda x: mpmath.exp((p - 0.5) * x**2), [-20, 0, 20])
    formula = (1 - 2 * p) ** -1 * math.exp(2 * r**2 / (2 * (1 - 2 * p)))
    assert float(along * across / (2 * mpmath.pi)) == pytest.approx(formula)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 5), (9, 9), (30, 4)])
@pytest.mark.parametrize("factor", [F(5, 2), 3])
def test_the_exponent_of_the_misfit_bounds_the_exact_law(n, d, factor):
    claim = ledger()[B4].pushed({"factor": factor})
    e = float(claim.proofs[1](claim.premises(ledger())).quantities["joint exponent at n = d"])
    law = lemma.misfit_failure({"n": n, "d": d}, constants(B4, factor=factor)).lhs
    assert float(law.lower()) <= math.exp(-min(n, d) * e)


def test_the_lemma_holds_with_less_than_three():
    assert outcome(B4, factor=F(246, 100)) == "affirmed"
    assert outcome(B4, factor=F(245, 100)) == "lost"
    assert outcome(B4, factor=F(228, 100)) == "refuted"
    assert proof_says(B4, factor=F(299, 100)) == "open"  # by the triangle inequality
    assert proof_says(B4, number=1, factor=F(299, 100)) == "proves"


@pytest.mark.parametrize("number", [0, 1])
def test_the_lemma_asks_for_independence(number):
    assert proof_says(B4, number=number) == "proves"
    assert proof_says(B4, number=number, without=("independent",)) == "open"
    assert proof_says(NORM, without=("independent",)) == "open"


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        ("textbook.chernoff", {"factor": 2}),
        (_SIGMA, {"diagonal": F(3, 4)}),
        (LAW, {"dimension": "d"}),
        (LAW, {"scale": F(3, 2)}),
        (HIDDEN, {"z_power": 1}),
        (HIDDEN, {"scale": 2}),
        ("vanveen18.lemB4.arithmetic", {"nu_power": F(1, 3)}),
    ],
)
def test_both_bounds_fail_without_a_premise(record, changed):
    assert proof_says(NORM) == proof_says(B4, number=1) == "proves"
    assert proof_says(NORM, records={record: changed}) == "open"
    assert proof_says(B4, number=1, factor=F(5, 2), records={record: changed}) == "open"


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        (NORM, {"factor": F(201, 100)}),
        (NORM, {"rows_rate": F(49, 100)}),
        (NORM, {"width_rate": F(49, 100)}),
        (NORM, {"failure_factor": F(101, 100)}),
        ("vanveen18.lemB4.triangle", {"output": F(101, 100)}),
        ("vanveen18.lemB4.triangle", {"target": F(101, 100)}),
    ],
)
def test_the_assembly_fails_without_a_premise(record, changed):
    assert proof_says(B4) == "proves"
    assert proof_says(B4, records={record: changed}) == "open"


def test_a_smaller_share_of_active_neurons_proves_more():
    assert proof_says(NORM, rows_rate=F(6, 10), width_rate=F(6, 10)) == "open"
    assert (
        proof_says(NORM, rows_rate=F(6, 10), width_rate=F(6, 10), records={_SIGMA: {"diagonal": F(1, 4)}}) == "proves"
    )


def test_the_arithmetic_reads_the_energies_of_both_vectors():
    arithmetic = "vanveen18.lemB4.arithmetic"
    assert proof_says(arithmetic) == "proves"
    for record in ("vanveen18.lemB4.eq16.printed", "vanveen18.lemB4.hidden_norm.printed"):
        assert proof_says(arithmetic, records={record: {"energy": 3}}) == "refutes"
    assert proof_says(EQ16, records={"textbook.chernoff": {"factor": 2}}) == "open"


@pytest.mark.parametrize(
    ("claim_id", "changed"),
    [
        (B4, {"factor": 2}),
        (B4, {"rows_rate": 2}),
        (B4, {"width_rate": 2}),
        (B4, {"failure_factor": F(1, 100)}),
        (NORM, {"factor": F(19, 10)}),
        (NORM, {"rows_rate": F(64, 100)}),
        (NORM, {"width_rate": F(6, 10)}),
        (EQ16, {"rate": F(1535, 10000)}),
        (LAW, {"dimension": "d"}),
        (LAW, {"scale": F(99, 100)}),
        (HIDDEN, {"z_power": F(201, 100)}),
        ("vanveen18.lemB4.relu", {"factor": F(99, 100)}),
        ("vanveen18.lemB4.triangle", {"output": F(99, 100)}),
        ("vanveen18.lemB4.triangle", {"target": F(99, 100)}),
    ],
)
def test_false_siblings_are_refuted(claim_id, changed):
    assert outcome(claim_id) == "affirmed"
    assert outcome(claim_id, **changed) == "refuted"


@pytest.mark.parametrize("claim_id", ["vanveen18.lemB4.eq16.printed", "vanveen18.lemB4.hidden_norm.printed"])
def test_the_printed_chi_square_bound_fails_first_at_six(claim_id):
    claim = ledger()[claim_id]
    (size,) = claim.domain
    fails = [bool(lemma.chi_square_failure({size: n}, claim.values).margin < 0) for n in range(1, 9)]
    assert fails == [False] * 5 + [True] * 3


@pytest.mark.parametrize(("n", "d", "k"), [(3, 5, 2), (2, 4, 3)])
def test_the_laws_of_the_output_and_of_the_hidden_vector_by_simulation(n, d, k):
    rng = np.random.default_rng(90)
    z, phi = rng.standard_normal(k), rng.standard_normal(d)
    for rows, u in ((n, phi), (d, z)):
        drawn_rows = rng.standard_normal((200000, rows, len(u))) @ u
        covariance = drawn_rows.T @ drawn_rows / len(drawn_rows)
        assert np.allclose(covariance, (u @ u) * np.eye(rows), atol=0.03 * (u @ u))


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_the_terms_of_an_image_add_up_to_the_whole(columns):
    """The entrywise argument at a given size: variance and covariance of entries of M u, symbol by symbol."""
    M = sp.Matrix(2, columns, sp.symbols(f"m0:{2 * columns}"))
    u = sp.Matrix(sp.symbols(f"u0:{columns}"))
    out = sp.expand(M * u)
    square = sp.expand(out[0] ** 2).subs({m**2: 1 for m in M})
    assert sp.expand(square.subs({m: 0 for m in M}) - u.dot(u)) == 0
    assert sp.expand(out[0] * out[1]).subs({m: 0 for m in M}) == 0


def test_a_law_asks_for_entries_that_are_uncorrelated():
    assert outcome(LAW, without=("normal",)) == "refuted"
    assert outcome(HIDDEN, without=("normal",)) == "refuted"
