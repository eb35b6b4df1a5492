"""Lemma B.3: the supremum over W is the norm of V, and its law against quadrature and simulation."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says
from scipy import stats

from untrained.sims.evidence.counts import clopper_pearson
from untrained.theory.ledger import ledger
from untrained.theory.objects import relu_generator
from untrained.theory.papers.vanveen18 import lemma_b3 as lemma

B3, LARGEST, GRAM = "vanveen18.lemB3", "textbook.davidson_szarek.largest", "vanveen18.eq8.gram"


@pytest.mark.parametrize("seed", range(20))
def test_no_weights_have_a_larger_jacobian_than_v_and_some_reach_it(seed):
    rng = np.random.default_rng([31, seed])
    n, d, k = (int(x) for x in rng.integers(1, 7, 3))
    V, W, z = rng.standard_normal((n, d)), rng.standard_normal((d, k)), rng.standard_normal(k)
    top = np.linalg.norm(V, 2) * np.linalg.norm(z)
    assert relu_generator.jacobian_singular_values(V, W, z).max() <= top * (1 + 1e-12)
    on = np.sign(W @ z)[:, None] * W
    assert relu_generator.jacobian_singular_values(V, on, z).max() == pytest.approx(top, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 50), (50, 1)])
def test_the_law_of_one_row_or_column_is_chi(n, d):
    sides = lemma.largest_value_failure({"n": n, "d": d}, ledger()[B3].values)
    level = math.sqrt(d) + 2 * math.sqrt(n)
    assert float(sides.lhs) == pytest.approx(stats.chi.sf(level, max(n, d)), rel=1e-8)
    assert float(sides.rhs) == pytest.approx(math.exp(-n / 2), rel=1e-12)


def test_the_law_of_two_rows_by_simulation():
    trials = 20_000
    V = np.random.default_rng(32).standard_normal((trials, 2, 5))
    norms = np.linalg.norm(V, 2, axis=(1, 2))
    c = {**ledger()[B3].values, "deviation": F(7, 10)}
    law = float(lemma.largest_value_failure({"n": 2, "d": 5}, c).lhs)
    low, high = clopper_pearson(int(np.sum(norms > math.sqrt(5) + 0.7 * math.sqrt(2))), trials, 1e-6)
    assert low <= law <= high


@pytest.mark.parametrize(
    ("constants", "says"),
    [
        ({}, "affirmed"),
        ({"deviation": 1}, "refuted"),
        ({"deviation": F(177, 100)}, "refuted"),
        ({"failure_rate": 50}, "refuted"),
        ({"failure_rate": F(51, 100)}, "lost"),
        ({"columns": F(99, 100)}, "refuted"),
        ({"failure_factor": F(1, 1000)}, "refuted"),
        ({"failure_factor": F(1, 2)}, "lost"),
        ({"deviation": 3, "failure_rate": 2}, "affirmed"),
    ],
)
def test_what_the_evidence_says_of_other_constants(constants, says):
    assert outcome(B3, **constants) == says


@pytest.mark.parametrize(
    ("record", "constants"),
    [
        (LARGEST, {"rate": F(1, 4)}),
        (LARGEST, {"rows": 2}),
        (LARGEST, {"columns": 2}),
        (LARGEST, {"factor": 2}),
        (LARGEST, {"power": 1}),
        (GRAM, {"z_power": 3}),
    ],
)
def test_the_proof_reads_what_it_needs(record, constants):
    assert proof_says(B3) == "proves"
    assert proof_says(B3, records={record: constants}) == "open"
