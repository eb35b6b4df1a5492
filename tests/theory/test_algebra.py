from fractions import Fraction as F

import pytest
import sympy as sp

from untrained.theory.ledger import ledger
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced

x = sp.symbols("x", real=True)


def test_identities_that_vanish_leave_nothing():
    proof = reduced("because", [("square", (x + 1) ** 2 - x**2 - 2 * x - 1), ("zero", sp.Integer(0))])
    assert (proof.checked, proof.residuals) == (("square", "zero"), ())
    assert (proof.argument, proof.sufficient) == ("because", False)


def test_what_does_not_vanish_is_named():
    proof = reduced("", [("good", x - x), ("bad", (x + 1) ** 2 - x**2)])
    assert proof.residuals == ("bad: 2*x + 1",)


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
    number = exact_number(value)
    assert number == expected
    assert number.is_Rational


def test_gaussian_means_are_those_of_the_density():
    x, y = sp.symbols("x y")
    mean = gaussian_mean(3 * x**4 * y**2 + x * y + 5, [x, y], sp.Integer(2))
    assert mean == 3 * (3 * 2**4) * 2**2 + 5


WITH_PROOF = [claim.id for claim in ledger().values() if claim.proofs]


@pytest.mark.parametrize("claim_id", WITH_PROOF)
def test_a_proof_checks_something_and_says_why(claim_id):
    claim = ledger()[claim_id]
    for proof in claim.proofs:
        evidence = proof(claim.premises(ledger()))
        parts = getattr(evidence, "checked", None) or tuple(evidence.quantities)
        assert parts
        assert evidence.argument.endswith(".")
