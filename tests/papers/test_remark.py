"""The remark on compressed sensing: sums of roots of unity and Gram matrices at listed sizes, laws by simulation."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import fmpq_poly, fmpz_poly
from papers.statements import outcome, proof_says

from untrained.theory.papers.vanveen18 import remark

ORTHONORMAL, FOURIER = "vanveen18.remark.orthonormal", "vanveen18.remark.fourier.corrected"


def mean_of_powers(size, q):
    """(1/n) sum over k < n of x^{qk}, exactly: polynomials modulo the cyclotomic one."""
    total = sum((fmpq_poly([0] * (q * k % size) + [1]) for k in range(size)), fmpq_poly([0])) / size
    return total % fmpq_poly(fmpz_poly.cyclotomic(size))


@pytest.mark.parametrize("size", range(1, 25))
def test_the_mean_of_powers_of_a_root_of_unity(size):
    one, none = remark.root_sum(True, "")[0], remark.root_sum(False, "")[0]
    for q in range(-size, size + 1):
        assert mean_of_powers(size, q) == fmpq_poly([int(one if q % size == 0 else none)])


def fourier(size):
    k = np.arange(size)
    return np.exp(2j * math.pi * np.outer(k, k) / size) / math.sqrt(size)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 30, 61])
def test_the_complex_rows_are_conjugates_of_one_another(size):
    F_ = fourier(size)
    assert np.allclose(F_ @ F_.conj().T, np.eye(size), atol=1e-12)
    pseudo = F_ @ F_.T
    expected = [[(j + l) % size == 0 for l in range(size)] for j in range(size)]
    assert np.allclose(pseudo, np.array(expected, dtype=float), atol=1e-12)


def real_rows(size, squared=2.0, real_factor=1.0, both=False):
    F_, rows = fourier(size), []
    for j in range(size if both else size // 2 + 1):
        if (2 * j) % size == 0:
            rows.append(real_factor * F_[j].real)
        else:
            rows += [math.sqrt(squared) * F_[j].real, math.sqrt(squared) * F_[j].imag]
    return np.array(rows)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 12, 31, 64])
def test_the_real_rows_are_an_orthonormal_basis_of_every_size(size):
    rows = real_rows(size)
    assert rows.shape == (size, size)
    assert np.allclose(rows @ rows.T, np.eye(size), atol=1e-12)


@pytest.mark.parametrize("size", [3, 8])
def test_other_factors_or_both_of_a_pair_are_not_orthonormal(size):
    for rows in (real_rows(size, squared=2.1), real_rows(size, real_factor=1.1), real_rows(size, both=True)):
        assert not np.allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-3)
    assert proof_says(FOURIER) == "proves"
    assert proof_says(FOURIER, squared=F(21, 10)) == "refutes"
    assert proof_says(FOURIER, real_factor=F(11, 10)) == "refutes"
    assert proof_says(FOURIER, without=("one_of_each_pair",)) == "refutes"


@pytest.mark.parametrize(("size", "j", "l"), [(7, 1, 2), (8, 3, 3), (9, 2, 7), (6, 3, 3), (6, 3, 1), (5, 0, 2)])
def test_an_inner_product_is_that_of_the_rows(size, j, l):
    F_ = fourier(size)
    sums = [float((j - l) % size == 0), float((j + l) % size == 0)]
    parts = {"re": remark._REAL_PART, "im": remark._IMAGINARY_PART}
    arrays = {"re": np.real, "im": np.imag}
    for u in parts:
        for v in parts:
            ours = complex(remark.inner_product(parts[u], parts[v], *sums))
            assert ours == pytest.approx(complex(arrays[u](F_[j]) @ arrays[v](F_[l])), abs=1e-12)


@pytest.mark.parametrize(("m", "n", "d"), [(1, 1, 2), (2, 5, 3), (4, 4, 2)])
def test_orthonormal_measurements_of_a_normal_matrix_by_simulation(m, n, d):
    rng = np.random.default_rng(5)
    A = np.linalg.qr(rng.standard_normal((n, n)))[0][:m]
    entries = (A @ rng.standard_normal((100000, n, d))).reshape(100000, -1)
    assert np.allclose(entries.T @ entries / 100000, np.eye(m * d), atol=0.03)


def test_the_remark_asks_for_orthonormal_rows_and_for_nu_by_the_number_of_measurements():
    assert outcome(ORTHONORMAL) == "affirmed"
    assert outcome(ORTHONORMAL, without=("orthonormal",)) == "refuted"
    assert outcome(ORTHONORMAL, without=("normal",)) == "refuted"
    assert outcome(ORTHONORMAL, rows="n") == "refuted"
    assert outcome(ORTHONORMAL, scale=F(101, 100)) == "refuted"
    assert outcome(ORTHONORMAL, eta_bar=F(1, 15)) == "lost"
    assert outcome(ORTHONORMAL, aspect=10**15) == "lost"
    assert proof_says(FOURIER, records={ORTHONORMAL: {"scale": F(101, 100)}}) == "refutes"
    arithmetic = "vanveen18.lemB4.arithmetic"
    assert proof_says(ORTHONORMAL, records={arithmetic: {"nu_power": F(1, 3)}}) == "refutes"


def test_the_complex_rows_and_gaussian_measurements_are_refuted_and_only_the_truth_is_not():
    printed, independent = "vanveen18.remark.fourier.printed", "vanveen18.remark.gaussian.independent"
    assert outcome(printed) == "refuted"
    assert proof_says(printed, pseudo=1) == "proves"
    assert proof_says(printed, pseudo=1, variance=F(101, 100)) == "refutes"
    assert outcome(independent) == "refuted"
    assert proof_says(independent, cross_excess=2) == "proves"


@pytest.mark.parametrize(("m", "n"), [(1, 3), (4, 6)])
def test_the_covariance_of_squares_along_a_row_by_simulation(m, n):
    rng = np.random.default_rng(11)
    a = rng.standard_normal((400000, n)) / math.sqrt(m)
    x, y = (np.einsum("tj,tj->t", a, rng.standard_normal(a.shape)) ** 2 for _ in range(2))
    covariance = float(np.mean(x * y) - x.mean() * y.mean())
    assert covariance == pytest.approx(2 * (n / m) ** 2 / n, rel=0.1)
