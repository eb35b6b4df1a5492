import math
from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from untrained.theory.objects import sparse_norms, width
from untrained.theory.proof import balls as on
from untrained.theory.proof.balls import ball, bisect_root, enclosed, ends, least_aspect
from untrained.theory.verdict import finding


def test_constants_become_balls():
    assert ball(3) == arb(3)
    assert ball(0.1) == arb(0.1)
    with ctx.workprec(500):
        third = ball(F(1, 3))
        assert third.contains(1 / arb(3))
        assert third.rad() < 1e-140


@pytest.mark.parametrize("x", [arb(0.1), arb(1) / 3, arb(2, 0.5), arb(-7)])
def test_ends_enclose_the_ball(x):
    low, high = ends(x)
    assert arb(low) <= x.lower()
    assert arb(high) >= x.upper()
    assert high - low <= 2 * float(x.rad()) + 1e-14 * (1 + abs(float(x.mid())))


def test_the_least_margin_is_enclosed():
    found = enclosed({"pi": arb.pi()}, [arb(3, 0.5), arb(1, 0.25), arb(1.2, 0.1)], "because")
    assert found.margin == pytest.approx((0.75, 1.25), abs=1e-8)
    assert found.quantities == {"pi": "3.14159265358979"}
    assert (found.argument, found.exhausts, found.sufficient) == ("because", True, False)


def test_the_root_of_two_is_enclosed_to_twelve_digits():
    with ctx.workprec(200):
        root = bisect_root(lambda x: 2 - x * x, F(1), F(2), 12)
        assert root.contains(arb(2).sqrt())
        assert root.rad() < 1e-12


@pytest.mark.parametrize(("low", "high"), [(F(0), F(1)), (F(3, 2), F(2)), (F(2), F(1))])
def test_bisection_refuses_an_interval_without_the_change_of_sign(low, high):
    with pytest.raises(ArithmeticError, match=r"f must change sign from \+ to -"):
        bisect_root(lambda x: 2 - x * x, low, high, 5)


def test_bisection_refuses_a_sign_that_is_not_certain():
    with pytest.raises(ArithmeticError, match=r"the sign at 1\.5 is not certain at \d+ bits"):
        bisect_root(lambda x: 3 - 2 * x, F(1), F(2), 5)


def left_side(aspect, linear):
    """The width inequality's left side in plain floats, written anew."""
    u = 3 * 120 ** (2 / 3) / aspect ** (1 / 3)
    return 2 / math.sqrt(aspect) + math.sqrt(2 * u * math.log(1 / u) + linear * u)


@pytest.mark.parametrize("linear", [F(0), F(1), F(5, 4)])
def test_the_least_aspect_is_the_root_found_in_floats(linear):
    root = brentq(lambda C: left_side(C, float(linear)) - 1 / 12, 1e12, 1e17, xtol=1, rtol=1e-14)
    assert float(least_aspect(linear).mid()) == pytest.approx(root, rel=1e-10)


def test_the_least_aspect_of_the_printed_inequality_has_its_ten_digits():
    C = least_aspect(0)
    assert abs(C - 4248050856 * 10**6) < 5 * 10**5
    assert C.rad() / C.mid() < 1e-12


def test_the_least_aspect_grows_with_the_linear_term():
    roots = [least_aspect(F(i, 4), digits=8) for i in range(6)]
    assert all(a < b for a, b in pairwise(roots))


def test_more_digits_lie_within_fewer():
    assert least_aspect(0, digits=6).contains(least_aspect(0, digits=14))


@pytest.mark.parametrize("aspect", [10**9, 43 * 10**14, 10**20])
@pytest.mark.parametrize("linear", [0.0, 1.25])
def test_the_share_of_the_budget_is_the_one_in_floats(aspect, linear):
    found = on.share_of_budget(ball(aspect), ball(linear))
    assert float(found.mid()) == pytest.approx(left_side(aspect, linear), rel=1e-12)
    assert float(found.mid()) == pytest.approx(width.perturbation_share(aspect, linear=linear), rel=1e-12)


@pytest.mark.parametrize(
    ("aspect", "linear", "says"),
    [(43 * 10**14, F(0), "proves"), (42 * 10**14, F(0), "refutes"), (43 * 10**14, F(5, 4), "refutes")],
)
def test_the_width_inequality_is_decided(aspect, linear, says):
    assert finding(on.width_holds({"aspect": aspect, "linear": linear})) == says


def test_the_width_inequality_is_open_where_its_left_side_need_not_fall():
    found = on.width_holds({"aspect": 120**2 * 27 * 4, "linear": F(0)})
    assert finding(found) != "proves"
    assert found.margin[0] <= -1


@pytest.mark.parametrize(("last", "says"), [(4248050855, "refutes"), (4248050856, "proves"), (4248050857, "refutes")])
def test_only_the_right_digits_pass(last, says):
    c = {"linear": 0, "digits": last * 10**6, "leading": F(last, 10**9)}
    assert finding(on.width_digits(c)) == says


@pytest.mark.parametrize(("ratio", "says"), [(3527, "refutes"), (3528, "proves"), (3529, "refutes")])
def test_the_constants_of_oliveira_give_one_ratio(ratio, says):
    assert finding(on.oliveira_ratio({"width_ratio": ratio})) == says


@pytest.mark.parametrize("t", [0.1, 1.0, 1.34076, 3.0, 8.0])
def test_the_gaussian_tail_is_scipys(t):
    assert float(on.tail(ball(t)).mid()) == pytest.approx(2 * norm.sf(t), rel=1e-11)


@pytest.mark.parametrize("n", [1, 2, 16, 101])
def test_half_the_upper_gamma_is_a_chi_square_tail(n):
    assert float(on._half_upper_gamma(ball(n), ball(F(3, 4))).mid()) == pytest.approx(
        chi2.sf(0.75 * n, n) / 2, rel=1e-12
    )


@pytest.mark.parametrize("t", [0.2, 1.226, 1.34076, 3.0])
def test_the_sparse_excess_is_that_of_the_energy(t):
    p = 2 * norm.sf(t)
    expected = sparse_norms.energy_of_largest(p) / p - 2 * math.log(1 / p)
    assert float(on.sparse_excess(ball(t)).mid()) == pytest.approx(expected, abs=1e-10)


def test_the_printed_width_is_decided_on_either_side_of_its_threshold():
    root = brentq(lambda t: float(on.sparse_excess(ball(t)).mid()), 1.0, 2.0)
    assert 2 * norm.sf(root) == pytest.approx(0.18, abs=0.01)
    for shift, share, says in ((1e-3, F(17, 100), "proves"), (-1e-3, F(17, 100), "open"), (1e-3, F(1, 4), "open")):
        c = {"threshold": F(root + shift), "share": share, "linear": 0}
        assert finding(on.sparse_printed_domain(c)) == says


def test_the_chi_square_exponent_bounds_the_exact_tail():
    x = float(on.chi_square_exponent({"exponent": F(1, 10)}).quantities["exponent by Chernoff"])
    n = np.arange(1, 400)
    assert np.all(chi2.logsf(2 * n, n) <= -x * n)
    assert chi2.logsf(2 * 2000, 2000) >= -1.02 * x * 2000


@pytest.mark.parametrize(
    ("route", "good", "bad"),
    [
        (
            on.order_exponent,
            {"level": F(1, 2), "exponent": F(3178, 10000)},
            {"level": F(1, 2), "exponent": F(3179, 10000)},
        ),
        (on.chi_square_exponent, {"exponent": F(1534, 10000)}, {"exponent": F(1535, 10000)}),
        (on.joint_exponent, {"factor": 2, "exponent": F(1, 2)}, {"factor": F(199, 100), "exponent": F(1, 2)}),
        (
            on.smallest_singular_proof,
            {"width_ratio": 200, "fraction": F(1, 2)},
            {"width_ratio": 60, "fraction": F(1, 2)},
        ),
    ],
)
def test_a_sufficient_exponent_proves_or_decides_nothing(route, good, bad):
    assert (finding(route(good)), finding(route(bad))) == ("proves", "open")


def after_one_step(eta_bar, aspect=43 * 10**14):
    return on.printed_theorem_fails({"rows": 16, "aspect": aspect, "eta_bar": eta_bar, "energy": F(17, 20)})


def test_at_the_printed_step_the_misfit_grows_and_the_theorem_fails():
    found = after_one_step(1)
    grown, violated = (
        3 - math.sqrt(2) / 3,
        chi2.sf(13.6, 16) / 2 - 4 * math.exp(-8) - 2 * math.exp(-32) - 2 * math.exp(-16),
    )
    assert float(found.quantities["growth of the misfit in one step"]) == pytest.approx(grown, abs=1e-6)
    assert float(found.quantities["||r_1||/||y|| exceeds"]) == pytest.approx(grown * math.sqrt(1.425), abs=1e-6)
    assert float(found.quantities["probability of this, at least"]) == pytest.approx(violated, rel=1e-12)
    assert float(found.quantities["travel as a share of R"]) == pytest.approx(math.sqrt(2) / 5, abs=1e-6)
    assert finding(found) == "refutes"
    claimed = 5 * math.exp(-8) + 2 * math.exp(-64)
    assert found.margin == pytest.approx((1 - violated / claimed,) * 2, rel=1e-9)


@pytest.mark.parametrize("eta_bar", [F(1, 16), F(1, 4), F(1, 2)])
def test_at_smaller_steps_one_step_decides_nothing(eta_bar):
    assert finding(after_one_step(eta_bar)) == "open"


def test_a_narrow_network_decides_nothing():
    assert finding(after_one_step(1, aspect=10**3)) == "open"


@pytest.mark.parametrize(
    ("constants", "says"),
    [
        ({"eta_bar": F(1, 16)}, "supports"),
        ({"eta_bar": F(1, 5)}, "supports"),
        ({"eta_bar": 1}, "refutes"),
        ({"divisor": 64}, "supports"),
        ({"divisor": 100}, "supports"),
        ({"divisor": 1}, "refutes"),
    ],
)
def test_one_step_tells_true_steps_from_false_ones(constants, says):
    assert finding(on.first_step(constants)) == says


def test_the_two_exponents_of_the_smallest_singular_value_are_those_of_their_formulas():
    for C, value in ((200, 1.002035), (3528, 34.21556)):
        found = on.smallest_singular_proof({"width_ratio": C, "fraction": F(1, 2)}).quantities
        x = float(found["x"])
        few = C * (x * math.log(2 * x) + (1 - x) * math.log(2 - 2 * x))
        small = (math.sqrt(x * C) - 1 - math.sqrt(C) / 2) ** 2 / 2
        assert float(found["C KL(x || 1/2)"]) == pytest.approx(few, rel=1e-12)
        assert float(found["(sqrt(xC) - 1 - f sqrt(C))^2/2"]) == pytest.approx(small, rel=1e-12)
        assert few == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("factor", [F(3, 2), 3])
def test_the_joint_exponent_is_its_formula_at_other_factors(factor):
    s, t = 0.27207, 0.3273
    found = float(on.joint_exponent({"factor": factor, "exponent": F(1, 2)}).quantities["joint exponent at n = d"])
    claimed = 2 * factor * math.sqrt(s * t) + math.log(1 - 2 * s) / 2 - math.log(0.5 + 0.5 / math.sqrt(1 - 2 * t))
    assert found == pytest.approx(claimed, rel=1e-12)


def test_a_width_where_the_left_side_still_rises_decides_nothing():
    assert finding(on.width_holds({"aspect": 388801, "linear": 0})) == "open"


@pytest.mark.parametrize("text", ["1/3", "-1/3", "7", "1/1024"])
def test_ends_enclose_a_fraction(text):
    value = F(text)
    low, high = ends(arb(fmpq(value.numerator, value.denominator)))
    assert F(low) <= value <= F(high)
    assert high - low <= 1e-15 * abs(high)


def test_ends_beyond_the_range_of_floats():
    assert ends(arb(2) ** -5000) == (0.0, 5e-324)
    assert ends(arb(-1) * arb(2) ** -5000) == (-5e-324, 0.0)
    low, high = ends(arb(2) ** 5000)
    assert math.isfinite(low)
    assert high == math.inf


def test_a_ball_that_is_not_finite_may_be_anything():
    assert ends(arb("nan")) == (-math.inf, math.inf)
