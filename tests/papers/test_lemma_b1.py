"""Lemma B.1 and the road to it: exact laws against slow twins, and the proofs against floats and missing premises."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb
from papers.statements import outcome, proof_says
from scipy.stats import binom, chi2

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.laws.masked import masked_smallest_against, masked_smallest_below
from untrained.theory.ledger import ledger
from untrained.theory.papers.vanveen18 import lemma_b1 as lemma

C1 = {"constant": F(1, 4), "log_factor": 2, "tail_factor": 2, "moment": 2}
B1 = "vanveen18.lemB1.proof"


def masked_below(d, level):
    """P(||v_S||^2 < level) for v standard normal in R^d and S a fair random subset."""
    s = np.arange(1, d + 1)
    return binom.pmf(0, d, 0.5) + float(np.sum(binom.pmf(s, d, 0.5) * chi2.cdf(level, s)))


def interval(held):
    return clopper_pearson(int(np.sum(held)), len(held), 1e-6)


def test_the_bernoulli_instance_is_an_enumeration():
    p, d, delta = F(1, 4), 10, 0.9
    level = 1 - 0.25 / math.sqrt(p) * math.sqrt((1 + 2 * math.log(2 / delta)) / d)
    below = sum(
        math.comb(d, ones) * p**ones * (1 - p) ** (d - ones) for ones in range(d + 1) if float(F(ones, d) / p) < level
    )
    assert 0 < level < 1
    assert below > 0
    assert lemma.oliveira({"p": p, "d": d, "delta": delta}, C1).lhs == pytest.approx(float(below), rel=1e-12)


def test_the_masked_instance_of_one_row_is_a_mixture():
    share = 1 - 0.25 * math.sqrt(6) * math.sqrt((1 + 2 * math.log(4)) / 40)
    law = lemma.oliveira({"n": 1, "d": 40, "delta": 0.5}, C1).lhs
    assert float(law.lower()) <= masked_below(40, share * 20) <= float(law.upper())


def test_the_masked_instance_of_three_rows_by_simulation():
    n, d, trials = 3, 12, 20000
    rng = np.random.default_rng(8)
    V = rng.standard_normal((trials, n, d)) * (rng.random((trials, 1, d)) < 0.5)
    share = 1 - 0.25 * math.sqrt(6) * math.sqrt((n + 2 * math.log(4)) / d)
    low, high = interval(np.linalg.svd(V, compute_uv=False)[:, -1] ** 2 < share * d / 2)
    law = lemma.oliveira({"n": n, "d": d, "delta": 0.5}, C1).lhs
    assert float(law.lower()) <= high
    assert float(law.upper()) >= low


@pytest.mark.parametrize(("moment", "n"), [(2, None), (1, None), (3, None), (2, 4), (3, 4)])
def test_h_is_the_ratio_of_moments(moment, n):
    """For Bernoulli(p)/p a sum of two terms; for a = v phi' the moments of a normal variable, by quadrature."""
    p = 0.2
    if n is None:
        h = (p * (1 / p) ** moment) ** (1 / moment)
        case = {"p": p, "d": 10**4, "delta": 0.5}
    else:
        x, weights = np.polynomial.hermite_e.hermegauss(40)
        higher = float(weights @ x ** (2 * moment)) / math.sqrt(2 * math.pi) / 2
        h, case = higher ** (1 / moment) / 0.5, {"n": n, "d": 10**4, "delta": 0.5}
    c = {**C1, "constant": 7, "moment": moment}
    spread = (case.get("n", 1) + 2 * math.log(4)) / case["d"]
    edge = 1 / (h * math.sqrt(spread))
    assert lemma.oliveira_says_something(case, {**c, "constant": edge * 0.999})
    assert not lemma.oliveira_says_something(case, {**c, "constant": edge * 1.001})


@pytest.mark.parametrize("ratio", [3, 20, 31])
def test_the_smallest_singular_value_of_one_row(ratio):
    c = {**ledger()[B1].values, "width_ratio": ratio}
    sides, exact = lemma.smallest_value_failure({"n": 1}, c), masked_below(ratio, ratio / 4)
    assert float(sides.rhs) == pytest.approx(2 / math.e, rel=1e-12)
    assert (sides.margin > 0) == (exact <= 2 / math.e)


@pytest.mark.parametrize(("n", "d"), [(2, 31), (3, 87), (2, 30), (8, 413)])
def test_a_law_compared_with_a_limit_is_bounded_from_the_side_that_decides(n, d):
    limit, law = 2 * arb(-n).exp(), masked_smallest_below(n, d, F(d, 4))
    bound = masked_smallest_against(n, d, F(d, 4), limit)
    assert (bound > limit) == (law > limit)
    assert bound <= law if bound > limit else bound >= law


def test_the_two_exponents_are_those_of_their_formulas():
    for C in (200, 3528):
        claim = ledger()[B1].pushed({"width_ratio": C})
        exponents = lemma.two_events(claim.premises(ledger())).quantities
        x = float(exponents["x"])
        few = C * (x * math.log(2 * x) + (1 - x) * math.log(2 - 2 * x))
        small = (math.sqrt(x * C) - 1 - math.sqrt(C) / 2) ** 2 / 2
        assert float(exponents["exponent of few columns"]) == pytest.approx(few, rel=1e-12)
        assert float(exponents["exponent of a small value"]) == pytest.approx(small, rel=1e-12)


def test_the_failures_of_both_events_are_added():
    """Just above 199.7, where both exponents are 1, the claimed factor 2 is used up."""
    assert proof_says(B1, width_ratio=200) == "proves"
    assert proof_says(B1, width_ratio=200, failure_factor=F(199, 100)) == "open"
    assert proof_says(B1, width_ratio=199) == "open"


@pytest.mark.parametrize(
    ("record", "constants"),
    [
        ("textbook.davidson_szarek.smallest", {"rate": F(1, 10**6)}),
        ("textbook.davidson_szarek.smallest", {"rows": 30}),
        ("textbook.davidson_szarek.smallest", {"columns": F(1, 2)}),
        ("textbook.binomial_lower", {"rate": F(1, 100)}),
        ("textbook.binomial_lower", {"factor": 10**20}),
        ("vanveen18.sigma", {"diagonal": F(1, 4)}),
        ("vanveen18.eq8.gram", {"z_power": 1}),
    ],
)
def test_a_weaker_premise_does_not_carry_the_lemma(record, constants):
    assert proof_says(B1) == "proves"
    assert proof_says(B1, records={record: constants}) == "open"


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("vanveen18.lemB1.arithmetic", "vanveen18.thmC1", {"constant": 8}),
        ("vanveen18.lemB1.arithmetic", "vanveen18.thmC1", {"log_factor": 3}),
        ("vanveen18.lemB1.arithmetic", "vanveen18.h", {"h_squared": 5}),
        ("vanveen18.lemB1.arithmetic", "vanveen18.sigma", {"diagonal": F(2, 3)}),
        ("vanveen18.h", "vanveen18.sigma", {"diagonal": F(1, 4)}),
    ],
)
def test_the_road_of_the_paper_reads_its_premises(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "refutes"


def test_3528_is_what_the_substitution_gives_in_floats():
    assert (7 * math.sqrt(6) * math.sqrt(3) / 0.5) ** 2 == pytest.approx(3528, rel=1e-12)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("vanveen18.h", {"h_squared": 7}, (), "affirmed"),  # an inequality: the true sqrt 7 is not refuted
        ("vanveen18.h", {"h_squared": F(599, 100)}, (), "refuted"),
        ("vanveen18.sigma", {}, ("z",), "refuted"),
        ("vanveen18.thmC1", {"constant": F(98, 100)}, (), "refuted"),
        ("vanveen18.thmC1", {"constant": F(1, 2)}, (), "refuted"),
        (B1, {"width_ratio": 67}, (), "refuted"),
        (B1, {"fraction": F(71, 100)}, (), "refuted"),
        ("own.lemB1_200", {"failure_rate": 6}, (), "refuted"),
        ("own.lemB1_200", {"failure_factor": F(1, 2)}, (), "lost"),
    ],
)
def test_a_statement_with_another_number(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says
