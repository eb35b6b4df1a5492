"""The error bar from held-out measurements, by simulation and by scipy's chi-square."""

import numpy as np
import pytest
from papers.statements import outcome
from scipy.stats import chi2

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.papers.own import held_out

CONSTANTS = {"power": 2, "tails": 2, "degrees": 1, "variance_power": 1}


@pytest.mark.parametrize("rows", [1, 8, 100])
def test_quantiles_are_scipy_s(rows):
    low, high = held_out._quantiles(rows, 0.05, CONSTANTS)
    assert (low, high) == pytest.approx((chi2.ppf(0.025, rows), chi2.ppf(0.975, rows)), rel=1e-9)


def test_the_interval_holds_the_error_as_often_as_it_says():
    rng, trials, m, rows, n = np.random.default_rng(3), 20000, 50, 6, 9
    A, h = rng.standard_normal((trials, rows, n)) / np.sqrt(m), rng.standard_normal((trials, n)) * 3
    misfit = m * np.square(np.einsum("tvn,tn->tv", A, h)).sum(-1)
    low, high = held_out._quantiles(rows, 0.1, CONSTANTS)
    inside = (misfit / high <= np.square(h).sum(-1)) & (np.square(h).sum(-1) <= misfit / low)
    ends = clopper_pearson(int(inside.sum()), trials, 1e-6)
    assert ends[0] <= 0.9 <= ends[1]


def test_an_error_bar_that_looked_at_its_rows_is_not_one():
    """h in the null space of A_v, as a reconstruction that fits the rows: the interval is {0}."""
    rng = np.random.default_rng(5)
    A = rng.standard_normal((4, 9))
    h = np.linalg.svd(A)[2][-1]
    assert np.linalg.norm(A @ h) < 1e-12
    assert outcome("own.held_out", without=("held_out",)) == "refuted"
