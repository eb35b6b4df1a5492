"""Section B.4: its constants against the definitions, the width inequality in fifty digits, the sum of failures."""

import math
from fractions import Fraction as F
from itertools import pairwise

import mpmath
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from papers.statements import outcome, proof_says

from untrained.theory.ledger import ledger
from untrained.theory.papers.vanveen18 import section_b4 as section
from untrained.theory.proof.balls import ball

SIZES = st.tuples(st.integers(1, 10**4), st.floats(1e8, 1e30), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
WIDTH, UNION = "vanveen18.width.printed", "vanveen18.union"
LEMMAS = {
    "b1": "vanveen18.lemB1.proof",
    "b2": "vanveen18.lemB2.in_range",
    "b3": "vanveen18.lemB3",
    "b4": "vanveen18.lemB4",
    "meta": "vanveen18.thmB5.rate",
}


def values(name):
    return {k: v if isinstance(v, int) else float(v) for k, v in ledger()[LEMMAS[name]].values.items()}


def left(aspect, linear=0):
    """The left side of the printed display, in fifty digits."""
    with mpmath.workdps(50):
        r = mpmath.mpf(aspect)
        v = mpmath.cbrt(120) ** 2 / mpmath.cbrt(r)
        return 2 / mpmath.sqrt(r) + mpmath.sqrt(6 * v * mpmath.log(1 / (3 * v)) + linear * 3 * v)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(SIZES)
def test_the_left_side_over_the_budget_is_lemma_b2_over_a_third_of_alpha(sizes):
    n, ratio, y, z = sizes
    d, b2 = ratio * n, values("b2")
    nu = y / (math.sqrt(d * n) * z)
    alpha = nu * math.sqrt(d) * z / 4
    x = (2 * d * 15 * y / alpha) ** (2 / 3)
    bound = nu * z * (b2["deviation"] * math.sqrt(n) + math.sqrt(6 * x * math.log(d / (3 * x))))
    ours = section.width_displayed(ledger()[WIDTH].values).left(ball(ratio)) * 12
    assert float(ours) == pytest.approx(bound / (alpha / 3), rel=1e-10)


@pytest.mark.parametrize("aspect", [10**8, 10**12, 43 * 10**14, 10**20])
@pytest.mark.parametrize("linear", [0, 1, F(5, 4)])
def test_the_left_side_in_fifty_digits(aspect, linear):
    ours = section.width_displayed(ledger()[WIDTH].values, linear).left(ball(aspect))
    assert float(ours) == pytest.approx(float(left(aspect, mpmath.mpf(float(linear)))), rel=1e-14)


@pytest.mark.parametrize(
    ("claim_id", "linear"),
    [("vanveen18.width.minimal", 0), ("vanveen18.width.corrected", 1.25), ("own.width_least", 1)],
)
def test_the_least_width_by_another_root_finder(claim_id, linear):
    with mpmath.workdps(40):
        root = mpmath.findroot(lambda C: left(C, linear) - mpmath.mpf(1) / 12, (4e15, 6e15), solver="anderson")
    claim = ledger()[claim_id]
    assert abs(root - claim.values["least"]) <= 10**6 / 2
    assert (
        abs(left(claim.values["least"] + 10**6, linear))
        < mpmath.mpf(1) / 12
        < left(claim.values["least"] - 10**6, linear)
    )


def test_the_left_side_falls_where_it_is_said_to():
    display = section.width_displayed(ledger()[WIDTH].values, F(5, 4))
    sides = [display.left(ball(10**k)) for k in range(10, 40)]
    assert all(a > b for a, b in pairwise(sides))
    edge = 27 * 120**2 * math.exp(3 * (1 - 1.25 / 2))
    assert display.falling(ball(1.001 * edge)) > 0 > display.falling(ball(0.999 * edge))
    assert section.width_displayed({**ledger()[WIDTH].values, "falloff": F(-1, 3)}).falling(arb(10) ** 20) < 0


def test_a_left_side_that_may_rise_decides_nothing():
    assert section.width_displayed(ledger()[WIDTH].values).margin(ball(10**6)).contains(-1)
    with pytest.raises(ArithmeticError, match="left side must fall"):
        section.least_width(section.width_displayed({**ledger()[WIDTH].values, "scaled_radius": 10**9}), 10)


@pytest.mark.parametrize("columns", [1, F(1, 2)])
@pytest.mark.parametrize("deviation", [2, F(19, 10), 3])
@pytest.mark.parametrize(("factor", "rows"), [(2, 4), (F(199, 100), 4), (2, F(399, 100)), (3, 2), (10, F(1, 2))])
def test_the_gap_of_beta_on_a_grid(columns, deviation, factor, rows):
    """Non-negative on a fine grid of sqrt n/sqrt d where the discriminant says so, and negative at its minimiser."""

    def gap(t):
        return factor * (1 + rows * t * t) - (columns + deviation * t) ** 2

    holds = section.relaxation_gap(columns, deviation, factor, rows) >= 0 and factor * rows >= deviation**2
    if holds:
        assert all(gap(F(i, 100)) >= 0 for i in range(1, 1000))
    elif factor * rows > deviation**2:
        assert gap(F(columns * deviation) / (factor * rows - deviation**2)) < 0
    else:
        assert gap(F(10**6)) < 0


def total(n, d):
    """The failures of the five events, each from its lemma, in a hundred digits."""
    b1, b2, b3, b4 = (ledger()[LEMMAS[name]].values for name in ("b1", "b2", "b3", "b4"))
    number = lambda x: mpmath.mpf(F(x).numerator) / F(x).denominator  # noqa: E731
    x = (2 * d * 60 * mpmath.sqrt(n)) ** number(b2["power"])
    return (
        b1["failure_factor"] * mpmath.exp(-number(b1["failure_rate"]) * n)
        + mpmath.exp(-number(b2["failure_rate_rows"]) * n)
        + mpmath.exp(-number(b2["failure_rate_flips"]) * x)
        + b3["failure_factor"] * mpmath.exp(-number(b3["failure_rate"]) * n)
        + mpmath.exp(-number(b4["rows_rate"]) * n)
        + mpmath.exp(-number(b4["width_rate"]) * d)
    )


def claimed(n, d, **put):
    c = {k: mpmath.mpf(F(v).numerator) / F(v).denominator for k, v in {**ledger()[UNION].values, **put}.items()}
    last = c["last_exponent"] * mpmath.mpf(d) ** c["d_power"] * mpmath.mpf(n) ** c["n_power"]
    return c["coefficient"] * mpmath.exp(-c["rows_rate"] * n) + mpmath.exp(-c["width_rate"] * d) + mpmath.exp(-last)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 10**4])
@pytest.mark.parametrize("d", [1, 3, 50, 10**4])
def test_the_failures_add_up(n, d):
    with mpmath.workdps(9000):
        assert total(n, d) <= claimed(n, d)


@pytest.mark.parametrize(
    ("put", "n", "d"),
    [
        ({"coefficient": F(421, 100)}, 1, 10**4),
        ({"rows_rate": F(51, 100)}, 100, 10**4),
        ({"width_rate": F(51, 100)}, 10**5, 10),
        ({"last_exponent": F(406, 100)}, 10**4, 1),
        ({"d_power": F(69, 100)}, 10**4, 10),
        ({"n_power": F(35, 100)}, 10**4, 1),
    ],
)
def test_a_stronger_sum_is_refuted_and_here_is_where(put, n, d):
    with mpmath.workdps(9000):
        assert total(n, d) > claimed(n, d, **put)
    assert outcome(UNION, **put) == "refuted"


def test_the_theorems_failure_is_the_printed_sum():
    with ctx.workprec(100):
        ours = section.theorem_failure(ledger()[UNION].values, 7, 30)
    assert float(ours) == pytest.approx(float(claimed(7, 30)), rel=1e-12)


@pytest.mark.parametrize(
    ("claim_id", "lemma", "constants"),
    [
        ("vanveen18.alpha_R", "b1", {"fraction": F(51, 100)}),
        ("vanveen18.alpha_R", "b4", {"factor": F(29, 10)}),
        ("vanveen18.alpha_R", "meta", {"radius": 6}),
        ("vanveen18.alpha_R", "meta", {"a1": 3}),
        ("vanveen18.beta", "b3", {"deviation": F(201, 100)}),
        ("vanveen18.beta", "b3", {"columns": 2}),
        ("vanveen18.beta.rewritten", "b3", {"deviation": 3}),
        (WIDTH, "b2", {"deviation": 3}),
        (WIDTH, "b2", {"log_factor": 7}),
        (WIDTH, "b2", {"inner": 2}),
        (WIDTH, "b2", {"scale": 3}),
        (WIDTH, "b2", {"power": F(1, 2)}),
        (WIDTH, "meta", {"a2": F(1, 4)}),
        ("vanveen18.width.normalisation", "b2", {"deviation": 3}),
        ("vanveen18.width.normalisation", "b2", {"log_factor": 7}),
        ("vanveen18.width.normalisation", "b2", {"power": F(1, 2)}),
        ("vanveen18.width.normalisation", "b2", {"share": F(17, 100)}),
        ("vanveen18.width.normalisation", "b2", {"least": 10**15}),
        ("vanveen18.width.normalisation", "meta", {"a2": F(1, 4)}),
        (UNION, "b1", {"failure_factor": 4}),
        (UNION, "b1", {"failure_rate": F(1, 3)}),
        (UNION, "b2", {"failure_rate_rows": F(1, 3)}),
        (UNION, "b2", {"failure_rate_flips": F(1, 7)}),
        (UNION, "b3", {"failure_rate": F(1, 3)}),
        (UNION, "b4", {"width_rate": F(1, 3)}),
        (UNION, "b4", {"rows_rate": F(1, 3)}),
    ],
)
def test_another_premise_is_another_section(claim_id, lemma, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={LEMMAS[lemma]: constants}) == "refutes"


@pytest.mark.parametrize("claim_id", ["vanveen18.alpha_R", "vanveen18.beta", "vanveen18.beta.rewritten"])
def test_nu_is_a_premise(claim_id):
    assert outcome(claim_id) == "affirmed"
    assert outcome(claim_id, without=("nu",)) == "refuted"


def test_the_printed_width_holds_and_what_is_below_the_least_does_not():
    assert outcome(WIDTH, aspect=424806 * 10**10) == "affirmed"
    assert outcome(WIDTH, aspect=424804 * 10**10) == "refuted"
    assert outcome("vanveen18.width.linear_term.printed") == "refuted"
    assert outcome("vanveen18.width.linear_term.printed", linear=F(1, 100)) == "affirmed"
