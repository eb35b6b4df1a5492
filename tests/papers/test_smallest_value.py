"""Exact thresholds of Lemma B.1: one row by a chi-square mixture, other numbers by what becomes of the statement."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome
from scipy.stats import binom, chi2

from untrained.theory.laws.masked import smallest_sufficient_width
from untrained.theory.ledger import ledger
from untrained.theory.papers.own import smallest_value

THRESHOLD = "own.lemB1_threshold"


def one_row_fails(d):
    s = np.arange(1, d + 1)
    return binom.pmf(0, d, 0.5) + float(np.sum(binom.pmf(s, d, 0.5) * chi2.cdf(d / 4, s)))


def says(n, d, least, **changes):
    c = {**ledger()[THRESHOLD].values, **changes}
    return smallest_value.width_begins({"n": n, "d": d, "least": least}, c).margin >= 0


@pytest.mark.parametrize(("factor", "threshold"), [(F(2), 1), (F(1), None)])
def test_the_threshold_of_one_row_by_a_mixture(factor, threshold):
    limit = float(factor) / math.e
    holds = [d for d in range(1, 60) if one_row_fails(d) <= limit]
    first = threshold or holds[0]
    assert holds[0] == first
    assert says(1, first, 1, failure_factor=factor)
    assert not says(1, first + 1, 1, failure_factor=factor)


@pytest.mark.parametrize(("n", "d"), [(2, 31), (3, 87), (4, 149)])
def test_the_thresholds_of_few_rows_are_those_that_a_secant_meets(n, d):
    assert smallest_sufficient_width(n) == d
    assert says(n, d, n)
    assert not says(n, d + 1, n)
    assert not says(n, d - 1, n)
    assert says(n, d, d)  # no width below is asked about


@pytest.mark.parametrize("changes", [{"fraction": F(101, 200)}, {"failure_rate": F(101, 100)}, {"failure_factor": 1}])
def test_other_numbers_have_other_thresholds(changes):
    assert not says(8, 413, 413, **changes)


def test_every_moved_threshold_differs_in_one_place():
    pairs = ledger()[THRESHOLD].values["pairs"]
    for moved in ledger()[THRESHOLD].constants["pairs"].others:
        assert sum(a != b for a, b in zip(moved, pairs, strict=True)) == 1


def test_a_statement_of_few_rows_with_another_number():
    few = tuple(pair for pair in ledger()[THRESHOLD].values["pairs"] if pair[0] <= 4)
    assert outcome(THRESHOLD, pairs=few) == "affirmed"
    assert outcome(THRESHOLD, pairs=(*few[:-1], (4, 150, 4))) == "refuted"
    assert outcome(THRESHOLD, pairs=few, failure_rate=F(11, 10)) == "refuted"
