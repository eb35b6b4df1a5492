"""The dual kernel's claims: sides against other computations, and statements with other numbers."""

from fractions import Fraction as F

import numpy as np
import pytest
from papers.statements import outcome, proof_says

from untrained.theory.objects.convolution_generator import circulant_rows, convolution_jacobian, half_signs
from untrained.theory.objects.dual_kernels import (
    active_share,
    correlations,
    dual_spectrum,
    triangle_kernel,
    trigonometric_basis,
)
from untrained.theory.papers.heckel20a import dual_kernel as published
from untrained.theory.papers.own import dual_kernel as own

RNG = np.random.default_rng(23)


@pytest.mark.parametrize("turn", [F(1, 6), F(1, 2), F(5, 6)])
def test_a_pair_of_rows_is_on_as_often_as_in_draws(turn):
    sides = published.pair_of_rows({"turn": turn}, {"share": F(1, 2), "norm": 1})
    assert sides.lhs < sides.rhs
    angle = float(turn) * np.pi
    rows = np.array([[1, 0], [np.cos(angle), np.sin(angle)]])
    on = (rows @ RNG.standard_normal((2, 400_000)) > 0).all(0).mean()
    assert on == pytest.approx(float(active_share(np.cos(angle))), abs=5 * 0.5 / np.sqrt(400_000))


def test_the_deviation_is_that_of_many_draws():
    kernel, k = np.array([3.0, 1, 0, 2]), 6
    U = circulant_rows(kernel)
    inner = U @ U.T
    q = active_share(np.clip(inner / inner[0, 0], -1, 1))
    squares = []
    for _ in range(4000):
        J = convolution_jacobian(U, RNG.standard_normal((4, k)), half_signs(k))
        squares.append(np.square(J @ J.T - q * inner).sum())
    exact = np.sum(np.square(inner) * q * (1 - q)) / k
    assert np.mean(squares) == pytest.approx(exact, abs=5 * np.std(squares) / np.sqrt(len(squares)))


@pytest.mark.parametrize("case", [*own._COLUMNS, *own._FAR])
def test_v_has_norm_one_in_every_case(case):
    inner, q = own.inner_and_shares(case)
    mean = sum(float(weight) * JJ for weight, JJ in own.tuples_of_arcs(case))
    np.testing.assert_allclose(mean, q * inner, atol=1e-14)


def test_copies_of_a_column_deviate_as_one():
    c = {"factor": 1, "power": 1}
    assert own.deviation_by_arcs(own.columns_of_plane(1, 2, 1, copies=1), c).lhs == pytest.approx(0.5)
    assert own.deviation_by_arcs(own.columns_of_plane(1, 2, 1), c).lhs < 1e-12


@pytest.mark.parametrize(("rho", "others"), [(F(1, 2), 3), (F(9, 10), 5), (F(0), 4), (F(1, 3), 40)])
def test_even_powers_term_by_term(rho, others):
    total, coefficient, rest = 0.0, 1.0, 0.25  # the coefficients sum to a quarter, and beyond so many rho^p is nothing
    for m in range(2000):
        p = 2 * m + 2
        total += coefficient / (2 * np.pi) * max(0.0, 1 - others * float(rho) ** p)
        rest -= coefficient / (2 * np.pi)
        coefficient *= (2 * m + 1) ** 2 / ((2 * m + 2) * (2 * m + 3))
    assert float(own.even_powers(rho, others).mid()) == pytest.approx(total + rest, abs=1e-12)
    assert own.even_powers(F(1), others) == 0


@pytest.mark.parametrize("n", [1, 2, 6, 7])
@pytest.mark.parametrize("turns", [2, 1, 2.02])
def test_the_claimed_vectors_one_by_one(n, turns):
    basis, vectors = trigonometric_basis(n, turns), []
    for f in range(n // 2 + 1):
        vectors.append([np.cos(turns * np.pi * f * j / n) for j in range(n)])
        if 0 < f < n / 2:
            vectors.append([np.sin(turns * np.pi * f * j / n) for j in range(n)])
    scale = [1 if f in (0, n / 2) else np.sqrt(2) for f in sorted((*range(n // 2 + 1), *range(1, (n + 1) // 2)))]
    np.testing.assert_allclose(basis, np.transpose(vectors) * scale / np.sqrt(n), atol=1e-13)


def test_a_guard_inside_arccos_moves_every_eigenvalue():
    kernel = triangle_kernel(300, 10)
    t = np.clip(correlations(kernel), -1 + 1e-11, 1 - 1e-11)
    moved = dual_spectrum(kernel) - np.fft.fft(active_share(t) * t).real
    np.testing.assert_allclose(moved, 7e-7, rtol=0.5 / 7)


def test_bounds_of_drawn_kernels():
    for shape in ((9,), (3, 4)):
        u = RNG.standard_normal(shape)
        power = np.square(np.abs(np.fft.fftn(u)))
        assert dual_spectrum(u).max() <= power.max() / 2
        assert (dual_spectrum(u) >= power / 4).all()


@pytest.mark.parametrize(
    ("claim_id", "constants", "without", "says"),
    [
        ("heckel20a.sigma", {"share": F(51, 100)}, (), "refuted"),
        ("heckel20a.sigma", {"norm": F(101, 100)}, (), "refuted"),
        ("heckel20a.sigma", {}, ("gaussian",), "lost"),
        ("heckel20a.sigma.code", {}, (), "refuted"),
        ("heckel20a.sigma.trace", {"share": F(49, 100)}, (), "refuted"),
        ("heckel20a.sigma.trigonometric", {"turns": 1}, (), "refuted"),
        ("heckel20a.sigma.trigonometric", {"turns": 4}, (), "refuted"),
        ("heckel20a.jacobian.largest", {"factor": F(99, 100)}, (), "refuted"),
        ("heckel20a.jacobian.largest", {}, ("unit",), "lost"),
        ("own.dual_kernel.largest", {"factor": F(49, 100)}, (), "refuted"),
        ("own.dual_kernel.quarter", {"factor": F(26, 100)}, (), "refuted"),
        ("own.dual_kernel.smallest", {"factor": F(101, 100)}, (), "refuted"),
        ("own.dual_kernel.deviation", {"power": F(1, 2)}, (), "refuted"),
        ("own.dual_kernel.deviation", {}, ("independent",), "refuted"),
        ("own.dual_kernel.deviation", {}, ("halves",), "refuted"),
        ("own.dual_kernel.width", {"factor": F(24, 100)}, (), "refuted"),
        ("own.dual_kernel.width", {}, ("independent",), "refuted"),
        ("own.dual_kernel.width", {}, ("halves",), "refuted"),
        ("heckel20a.jacobian.largest", {"norm": F(101, 100)}, (), "refuted"),
        ("heckel20a.jacobian.largest", {"norm": F(99, 100)}, (), "affirmed"),
    ],
)
def test_statements(claim_id, constants, without, says):
    assert outcome(claim_id, without=without, **constants) == says


@pytest.mark.parametrize(
    ("claim_id", "record", "constants"),
    [
        ("own.dual_kernel.largest", "heckel20a.sigma", {"share": F(51, 100)}),
        ("own.dual_kernel.step", "own.dual_kernel.largest", {"factor": F(51, 100)}),
        ("own.dual_kernel.quarter", "heckel20a.sigma", {"share": F(49, 100)}),
        ("own.dual_kernel.smallest", "heckel20a.sigma", {"share": F(49, 100)}),
        ("own.dual_kernel.width", "own.dual_kernel.deviation", {"factor": F(101, 100)}),
    ],
)
def test_a_weaker_premise_does_not_carry(claim_id, record, constants):
    assert proof_says(claim_id) == "proves"
    assert proof_says(claim_id, records={record: constants}) == "open"
