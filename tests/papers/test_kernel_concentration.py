"""Concentration of J J^T: variances and probabilities against draws and dense sums, and what other numbers lose."""

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.objects.convolution_generator import circulant_rows, plane_rows
from untrained.theory.objects.dual_kernels import dual_spectrum, mask_variance, transfer, triangle_kernel
from untrained.theory.papers.own import kernel_concentration as own
from untrained.theory.papers.own.dual_kernel import _ROWS, columns_of_plane
from untrained.theory.papers.textbook import matrix_sums

RNG = np.random.default_rng(31)


@pytest.mark.parametrize("kernel", [(3.0, 1, 0, 2), (1.0, -2, 3, 0, 5), (2.0,), ((4.0, 2, 2), (2, 1, 1))])
def test_the_variance_of_a_kernel_by_triples_of_rows(kernel):
    U = circulant_rows(np.array(kernel))
    M = U @ U.T
    angles = np.arccos(np.clip(M / M[0, 0], -1, 1))
    n = len(M)
    square, sigma = np.zeros((n, n)), M * (1 - angles / np.pi) / 2
    for i, j, l in itertools.product(range(n), repeat=3):
        square[i, j] += M[i, l] * M[l, j] * (0.5 - (angles[i, j] + angles[i, l] + angles[j, l]) / (4 * np.pi))
    assert mask_variance(np.array(kernel)) == pytest.approx(np.linalg.norm(square - sigma @ sigma, 2), rel=1e-9)


def test_the_variance_of_a_kernel_by_draws():
    kernel = np.array([2.0, 1, 0, 0, 1, 0.5])
    U = circulant_rows(kernel)
    M, on = U @ U.T, (RNG.standard_normal((60_000, 6)) @ U.T > 0).astype(float)
    masked = on[:, :, None] * M * on[:, None, :]
    mean = masked.mean(0)
    drawn = np.linalg.norm(np.einsum("bij,bjk->ik", masked, masked) / len(on) - mean @ mean, 2)
    assert mask_variance(kernel) == pytest.approx(drawn, rel=0.02)


def test_the_variance_of_rows_in_a_plane_by_draws():
    angles, lengths = _ROWS[2]
    U = plane_rows(angles, lengths)
    on = (RNG.standard_normal((60_000, 2)) @ U.T > 0).astype(float)
    masked = on[:, :, None] * (U @ U.T) * on[:, None, :]
    sigma = masked.mean(0)
    V, L, S = own.plane_variance(2)
    drawn = np.linalg.norm(np.einsum("bij,bjk->ik", masked, masked) / len(on) - sigma @ sigma, 2)
    assert pytest.approx(drawn, rel=0.02) == V
    assert pytest.approx(np.linalg.norm(sigma, 2), rel=0.02) == S
    assert np.linalg.norm(U @ U.T, 2) == pytest.approx(L)


@pytest.mark.parametrize("case", range(3))
def test_no_mask_lifts_an_eigenvalue_beyond_the_golden_part(case):
    angles, lengths = _ROWS[case]
    U = plane_rows(angles, lengths)
    M = U @ U.T
    on = (RNG.standard_normal((20_000, 2)) @ U.T > 0).astype(float)
    masked = np.unique(on, axis=0)[:, :, None] * M * np.unique(on, axis=0)[:, None, :]
    sigma = (on[:, :, None] * M * on[:, None, :]).mean(0)
    assert np.linalg.eigvalsh(masked - sigma)[:, -1].max() < (1 + math.sqrt(5)) / 4 * np.linalg.norm(M, 2)


def test_the_largest_of_some_binomial_sums_by_draws():
    case = matrix_sums._sum(3, 10, F(1, 2), 2)
    c = {"factor": 1, "dimension": 1, "rate": F(1, 2), "third": F(1, 3)}
    sums = RNG.binomial(10, 0.5, (200_000, 3)) - 5
    share = (sums.max(1) >= 2).mean()
    bound = 3 * math.exp(-2 / (2.5 + 1 / 3))
    assert float(matrix_sums.diagonal_sides(case, c).lhs.mid()) * bound == pytest.approx(share, abs=0.006)


def test_a_plane_s_probability_of_being_far_by_draws():
    case = columns_of_plane(1, 2, 1, t=F(2))
    sides = own.far_by_arcs(case, {"factor": 2, "rate": F(1, 2), "third": F(27, 100)})
    angles, lengths = _ROWS[1]
    U = plane_rows(angles, lengths)
    on = (RNG.standard_normal((40_000, 2, 2)) @ U.T > 0).astype(float)
    JJ = (on[..., :, None] * (U @ U.T) * on[..., None, :]).mean(1)
    far = (np.linalg.norm(JJ - JJ.mean(0), 2, axis=(1, 2)) >= 2).mean()
    assert float(sides.lhs.mid()) == pytest.approx(far, abs=0.02)
    assert 0 < float(sides.lhs.mid()) < float(sides.rhs.mid())


NOTES = {1: (0.25, 0.25, 112), 5: (9.30, 12.9, 166), 10: (38.2, 53.2, 166), 30: (347, 483, 166)}


@pytest.mark.parametrize("half_width", NOTES)
def test_the_numbers_of_the_note(half_width):
    """V, S(L - S) and the columns for e = 1/2, delta = 1/100, of triangles of norm 1 on 300 points."""
    kernel = triangle_kernel(300, half_width)
    L, S = float(np.square(transfer(kernel)).max()), float(dual_spectrum(kernel).max())
    k = 2 / 0.25 * (L / S - 1 + 0.27 * 0.5 * L / S) * math.log(2 * 300 / 0.01)
    numbers = (mask_variance(kernel), S * (L - S), math.ceil(k))
    for number, printed in zip(numbers, NOTES[half_width], strict=True):
        assert number == pytest.approx(printed, rel=5e-3)


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("textbook.matrix_bernstein", {"third": F(3, 10)}, (), "refuted"),
        ("textbook.matrix_bernstein", {"dimension": F(99, 100)}, (), "refuted"),
        ("textbook.matrix_bernstein", {}, ("independent",), "refuted"),
        ("textbook.matrix_bernstein", {}, ("centred",), "refuted"),
        ("textbook.matrix_bernstein", {}, ("bounded",), "refuted"),
        ("own.dual_kernel.three", {"parts": F(401, 100)}, (), "refuted"),
        ("own.dual_kernel.variance", {"lead": F(99, 100)}, (), "refuted"),
        ("own.dual_kernel.bernstein", {}, (), "affirmed"),
        ("own.dual_kernel.bernstein", {"rate": F(51, 100)}, (), "refuted"),
        ("own.dual_kernel.bernstein", {"third": F(269, 1000)}, (), "lost"),
        ("own.dual_kernel.bernstein", {"third": F(2697, 10000)}, (), "affirmed"),
        ("own.dual_kernel.bernstein", {}, ("independent",), "refuted"),
        ("own.dual_kernel.columns", {"lead": F(19, 10)}, (), "refuted"),
        ("own.dual_kernel.columns", {"slope": F(1, 4)}, (), "lost"),
        ("own.dual_kernel.columns", {}, ("halves",), "refuted"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("own.dual_kernel.bernstein", "textbook.matrix_bernstein", {"rate": F(2, 5)}),
        ("own.dual_kernel.bernstein", "textbook.matrix_bernstein", {"third": F(2, 5)}),
        ("own.dual_kernel.bernstein", "own.dual_kernel.quarter", {"factor": F(1, 5)}),
        ("own.dual_kernel.variance", "own.dual_kernel.largest", {"factor": F(3, 5)}),
        ("own.dual_kernel.columns", "own.dual_kernel.variance", {"lead": F(11, 10)}),
        ("own.dual_kernel.columns", "own.dual_kernel.bernstein", {"third": F(1, 3)}),
    ],
)
def test_a_weaker_premise_does_not_carry_the_statement(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
