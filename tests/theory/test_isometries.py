"""Restricted isometry constants against eigenvalues and grids."""

import numpy as np
import pytest

from untrained.theory.objects.isometries import on_cone, on_subspace, on_union

RNG = np.random.default_rng(6)


def ratios(A, x):
    return np.square(A @ x).sum(0) / np.square(x).sum(0)


def test_a_subspace_is_a_pencil():
    A, V = RNG.standard_normal((5, 7)), RNG.standard_normal((7, 3))
    values = np.linalg.eigvals(np.linalg.solve(V.T @ V, V.T @ A.T @ A @ V)).real
    isometry = on_subspace(A, V)
    assert (isometry.gamma, isometry.beta) == pytest.approx((values.min(), values.max()), rel=1e-9)
    assert ratios(A, isometry.lowest) == pytest.approx(isometry.gamma, rel=1e-12)
    assert isometry.alpha == max(1 - isometry.gamma, isometry.beta - 1)


def test_a_subspace_of_more_dimensions_than_rows_has_no_lower_constant():
    assert on_subspace(RNG.standard_normal((2, 5)), np.eye(5)[:, :3]).gamma == pytest.approx(0, abs=1e-12)


def test_a_union_has_the_extremes_of_its_parts():
    A = RNG.standard_normal((3, 6))
    spans = [RNG.standard_normal((6, 2)) for _ in range(4)]
    parts = [on_subspace(A, span) for span in spans]
    union = on_union(A, spans)
    assert (union.gamma, union.beta) == (min(p.gamma for p in parts), max(p.beta for p in parts))


@pytest.mark.parametrize("generators", [2, 3, 5])
def test_a_cone_by_a_fine_grid_of_its_members(generators):
    A, M = RNG.standard_normal((3, 4)), RNG.standard_normal((4, generators))
    c = RNG.dirichlet(np.full(generators, 0.5), 400_000).T
    values = ratios(A, M @ c)
    isometry = on_cone(A, M)
    assert isometry.gamma <= values.min() + 1e-12
    assert isometry.beta >= values.max() - 1e-12
    assert (isometry.gamma, isometry.beta) == pytest.approx((values.min(), values.max()), rel=0.03)
    for x in (isometry.lowest, isometry.highest):
        coefficients = np.linalg.lstsq(M, x, rcond=None)[0] if generators <= 4 else np.ones(1)
        assert (coefficients > -1e-9).all()


def test_a_generator_that_is_the_sum_of_others_changes_nothing():
    A, M = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2))
    doubled = on_cone(A, np.column_stack([M, M.sum(1)]))
    assert (doubled.gamma, doubled.beta) == pytest.approx((on_cone(A, M).gamma, on_cone(A, M).beta), rel=1e-9)


@pytest.mark.parametrize("vectors", [np.zeros((4, 2)), np.zeros((4, 0))])
def test_an_empty_span_is_refused(vectors):
    with pytest.raises(ValueError, match="vectors must not all be zero, got a span of dimension 0"):
        on_subspace(np.eye(4), vectors)


def test_no_generator_is_refused():
    with pytest.raises(ValueError, match="faces must have independent generators, got none that has"):
        on_cone(np.eye(3), np.zeros((3, 2)))
