from fractions import Fraction as F

import pytest
import sympy as sp

from untrained.theory.ledger import ledger
from untrained.theory.proof import algebra_lemmas as lemmas
from untrained.theory.proof import algebra_theorems as theorems
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced
from untrained.theory.verdict import finding

x = sp.symbols("x", real=True)


def test_identities_that_vanish_leave_nothing():
    found = reduced("because", [("square", (x + 1) ** 2 - x**2 - 2 * x - 1), ("zero", sp.Integer(0))])
    assert (found.checked, found.residuals) == (("square", "zero"), ())
    assert (found.argument, found.sufficient) == ("because", False)


def test_what_does_not_vanish_is_named():
    found = reduced("", [("good", x - x), ("bad", (x + 1) ** 2 - x**2)])
    assert found.residuals == ("bad: 2*x + 1",)


def test_relations_are_true_or_named():
    checks = [("true", sp.Integer(1) > 0), ("python's", True), ("false", sp.Integer(1) < 0), ("no", False)]
    assert reduced("", checks).residuals == ("false: not true: False", "no: not true: False")


def test_a_relation_that_is_not_decided_is_not_true():
    assert reduced("", [("sometimes", x > 0)]).residuals == ("sometimes: not true: x > 0",)


def test_a_relation_is_read_as_a_relation_and_not_as_a_number():
    assert reduced("", [("false", sp.false)]).residuals == ("false: not true: False",)


def test_a_sufficient_argument_is_marked():
    assert reduced("", [], sufficient=True).sufficient


def test_no_identities_are_no_residuals():
    assert reduced("", []).checked == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, sp.Integer(3)), (F(1, 3), sp.Rational(1, 3)), (F(-7, 2), sp.Rational(-7, 2)), (0.5, sp.Rational(1, 2))],
)
def test_constants_become_exact_numbers(value, expected):
    found = exact_number(value)
    assert found == expected
    assert found.is_Rational


SYMBOLIC = [claim.id for claim in ledger().values() if claim.symbolic]


@pytest.mark.parametrize("claim_id", SYMBOLIC)
def test_a_reduction_checks_something_and_says_why(claim_id):
    claim = ledger()[claim_id]
    found = claim.symbolic(claim.values)
    assert found.checked
    assert len(set(found.checked)) == len(found.checked)
    assert found.argument.endswith(".")


def moved(route, c, **changes):
    """What a route says of its constants, and of them with some changed."""
    return finding(route(c)), finding(route({**c, **changes}))


GOOD_AND_BAD = [
    (lemmas.second_moment, {"diagonal": F(1, 2), "off_diagonal": 0}, {"off_diagonal": F(1, 100)}),
    (lemmas.small_ball_h, {"h_squared": 6}, {"h_squared": F(599, 100)}),
    (lemmas.oliveira_arithmetic, {"width_ratio": 3528}, {"width_ratio": 3528 + F(1, 10**6)}),
    (theorems.alpha_beta_radius, {"alpha_divisor": 4, "radius": 60}, {"alpha_divisor": 5}),
    (theorems.beta_relaxed, {"factor": 2}, {"factor": F(199, 100)}),
    (theorems.inner_products, {"rate": F(7, 6), "perturbation": F(2, 5)}, {"perturbation": F(1, 2)}),
    (theorems.path_inequality, {"path": F(1, 2)}, {"path": F(501, 1000)}),
    (theorems.stays_inside, {"path": F(1, 2), "radius": 2}, {"radius": F(199, 100)}),
    (theorems.width_normalisation, {"radius": 60}, {"radius": 61}),
    (lemmas.small_ball_h, {"h_squared": 6}, {"h_squared": F(601, 100)}),
    (lemmas.triangle, {"factor": 1}, {"factor": F(99, 100)}),
    (lemmas.output_law, {"dimension": "n"}, {"dimension": "d"}),
]


@pytest.mark.parametrize(("route", "c", "changes"), GOOD_AND_BAD, ids=lambda v: getattr(v, "__name__", ""))
def test_a_reduction_proves_its_constants_and_refutes_others(route, c, changes):
    assert moved(route, c, **changes) == ("proves", "refutes")


SUFFICIENT = [
    (theorems.step_and_rate, {"eta_bar": F(1, 16)}, {"eta_bar": F(17, 256)}),
    (theorems.sharp_step_and_rate, {"divisor": 100}, {"divisor": 63}),
    (theorems.union_of_failures, {"coefficient": F(422, 100), "last_exponent": 4}, {"coefficient": F(42, 10)}),
    (
        theorems.union_of_failures,
        {"coefficient": 5, "last_exponent": F(405, 100)},
        {"last_exponent": F(406, 100)},
    ),
    (lemmas.rank_counting, {"per_rank": 2, "offset": -1, "norm_of_z": 1}, {"offset": -2}),
    (lemmas.rank_counting, {"per_rank": 2, "offset": 0, "norm_of_z": 1}, {"norm_of_z": 0}),
    (lemmas.ceiling_bound, {"least": 2}, {"least": F(199, 100)}),
    (lemmas.sign_change_assembly, {"factor": 2}, {"factor": 1}),
    (lemmas.perturbation_assembly, {"deviation": 2, "linear": 1}, {"deviation": 1}),
    (lemmas.mask_contracts, {"factor": 1, "deviation": 2}, {"factor": F(99, 100)}),
    (lemmas.misfit_assembly, {"factor": 3}, {"factor": F(299, 100)}),
    (theorems.meta_rate, {"rate": F(7, 6), "step": 1}, {"rate": F(6, 5)}),
    (theorems.meta_path, {"path": F(1, 2), "step": 1}, {"step": 2}),
    (lemmas.sparse_excess_falls, {"linear": 1}, {"linear": F(99, 100)}),
    (lemmas.sparse_supremum, {"linear": 1}, {"linear": 0}),
]


@pytest.mark.parametrize(("route", "c", "changes"), SUFFICIENT, ids=lambda v: getattr(v, "__name__", ""))
def test_a_sufficient_argument_proves_its_constants_and_leaves_others_open(route, c, changes):
    assert moved(route, c, **changes) == ("proves", "open")


def test_a_reduction_agrees_with_numbers_put_in():
    """The path inequality's bracket, by brute force over collinear and tilted vectors."""
    import numpy as np

    rng = np.random.default_rng(5)
    b0 = 1.0
    a = rng.standard_normal((20000, 2)) * 1.5
    b = a + 0.4 * b0 * rng.uniform(0, 1, (20000, 1)) * (lambda v: v / np.linalg.norm(v, axis=1, keepdims=True))(
        rng.standard_normal((20000, 2))
    )
    keep = (np.linalg.norm(a, axis=1) >= b0) & (np.linalg.norm(b, axis=1) >= b0)
    bracket = 2 * np.sum(a * b, axis=1) - np.sum(a * a, axis=1)
    need = 2 * 0.5 * 0.6 * np.linalg.norm(a, axis=1)
    assert keep.sum() > 5000
    assert np.all(bracket[keep] >= need[keep] - 1e-12)
    assert np.all(bracket[keep] >= 21 / 25 - 1e-12)


def names_of_residuals(route, c):
    return [residual.partition(":")[0] for residual in route(c).residuals]


def test_each_end_of_the_ball_argument_is_checked_on_its_own():
    assert names_of_residuals(theorems.stays_inside, {"path": 3, "radius": F(49, 100)}) == ["at ||r|| = ||r_0||"]
    assert names_of_residuals(theorems.stays_inside, {"path": F(1, 3), "radius": 2}) == ["at ||r|| = 0"]


def test_both_regimes_of_the_path_inequality_end_where_they_meet():
    beyond = names_of_residuals(theorems.path_inequality, {"path": F(501, 1000)})
    assert beyond == ["second regime at 7/5", "first regime at 7/5"]


def test_gaussian_means_are_those_of_the_density():
    import sympy as sp

    x, y = sp.symbols("x y")
    found = gaussian_mean(3 * x**4 * y**2 + x * y + 5, [x, y], sp.Integer(2))
    assert found == 3 * (3 * 2**4) * 2**2 + 5
