"""The enclosed contraction factor of widths (2, 1, 1): a checker of its own, exact steps, adversaries."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

from untrained.theory.objects import decoders
from untrained.theory.objects import planar_contraction as planar
from untrained.theory.objects.planar_contraction import EDGES, PlanarContraction, contraction_of_planes
from untrained.theory.objects.planar_union import (
    OWN_PLANE,
    CellWitness,
    PlanarUnion,
    cone_pairs,
    planar_union,
    rational,
)
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array

RELATIVE = 0.02


def decoder(rows: int) -> TwoLayerRange:
    code = decoders.integer_decoder((2, 1), 4, 4, signed=True)[0][:rows]
    return TwoLayerRange(code, decoders.upsampling_line(rows), 1)


def gaussian(n: int, d: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((n, d)) / np.sqrt(n)


@pytest.fixture(scope="module")
def S() -> TwoLayerRange:
    return decoder(4)


@pytest.fixture(scope="module")
def A() -> Array:
    return gaussian(12, 8)


@pytest.fixture(scope="module")
def enclosed(S: TwoLayerRange, A: Array) -> PlanarContraction:
    return contraction_of_planes(S, A, RELATIVE)


def ratio(S: TwoLayerRange, A: Array, star: Array, x: Array) -> float:
    """One step by the decoder's own exact projection."""
    plus = S.nearest(x - A.T @ (A @ (x - star))).points[0]
    return float(np.linalg.norm(plus - star) / np.linalg.norm(x - star))


def test_the_union_is_the_range_of_the_decoder(S: TwoLayerRange) -> None:
    union = planar_union(S)
    points = np.random.default_rng(1).standard_normal((300, 8))
    np.testing.assert_allclose(union.nearest(points), S.nearest(points).points, atol=1e-9)


def test_the_bound_is_as_near_as_asked_and_its_step_attains_what_is_said(S, A, enclosed) -> None:
    assert enclosed.attained <= enclosed.bound <= enclosed.attained * (1 + RELATIVE) * (1 + 1e-12)
    assert ratio(S, A, enclosed.star, enclosed.x) == pytest.approx(enclosed.attained, rel=1e-9)


@pytest.mark.parametrize(("rows", "n"), [(3, 9), (4, 6), (5, 8)])
def test_adversarial_steps_never_exceed_the_bound(rows: int, n: int) -> None:
    """1e5 drawn steps, of which the best five hundred climb: they come within a tenth of the bound."""
    S, A, rng = decoder(rows), gaussian(n, 2 * rows, seed=rows), np.random.default_rng(2)
    union, enclosed = planar_union(S), contraction_of_planes(S, A, RELATIVE)

    def ratios(i: Array, j: Array, a: Array, b: Array) -> Array:
        star, x = union.points(i, a), union.points(j, b)
        h = x - star
        return np.linalg.norm(union.nearest(x - h @ A.T @ A) - star, axis=1) / np.linalg.norm(h, axis=1)

    i, j = rng.integers(0, len(union.planes), (2, 100_000))
    a = rng.exponential(size=(len(i), 2))
    b = rng.exponential(size=(len(i), 2)) * rng.choice([-1, 1], len(i))[:, None]
    best = ratios(i, j, a, b)
    top = np.argsort(-best)[:500]
    i, j, a, b, best = i[top], j[top], a[top], b[top], best[top]
    for scale in np.geomspace(0.3, 1e-3, 200):
        moved = [c * np.exp(scale * rng.standard_normal(c.shape)) for c in (a, b)]
        new = ratios(i, j, *moved)
        better = new > best
        a[better], b[better], best[better] = moved[0][better], moved[1][better], new[better]
    assert best.max() <= enclosed.bound
    assert best.max() >= enclosed.bound / F(11, 10)


# A checker that shares no line with what it checks: whole numbers from the definition, and the tree walked.


def whole(matrix: Array, bits: int) -> Array:
    scaled = [[F(float(x)) * 2**bits for x in row] for row in matrix]
    assert all(x.denominator == 1 for row in scaled for x in row)
    return np.array([[int(x) for x in row] for row in scaled], dtype=object)


def forms(union: PlanarUnion, A: Array, star: int, moved: int, sign: int) -> tuple[Array, Array, Array, int]:
    """X* and V as maps from c, H, and the scale of V, in whole numbers."""
    bits = 80
    G, M = whole(union.scaled, bits), whole(A, bits)
    zero = np.zeros((G.shape[1], 2), dtype=object)
    x_star = np.hstack([G[list(union.planes[star])].T, zero])
    x = np.hstack([zero, sign * G[list(union.planes[moved])].T])
    H = x - x_star
    return x_star, x * 4**bits - M.T.dot(M.dot(H)), H, 4**bits


def leaf_holds(union: PlanarUnion, maps: tuple[Array, Array, Array, int], G: Array, bound: F, cell: dict) -> bool:
    """Of a pair's maps by `forms`, and the lines in whole numbers."""
    star, v, H, scale = maps
    W = np.array([[int(F(float(x)) * 2**60) for x in row] for row in cell["W"]], dtype=object)
    assert (W.astype(float) == cell["W"] * 2.0**60).all()
    star, v, H = star.dot(W), v.dot(W), H.dot(W)

    def solved(face: int) -> tuple[Array, Array, int]:
        """(adj(M^T M) M^T v, M, det)."""
        M = G[list(union.faces[face])].T
        gram = M.T.dot(M)
        if len(gram) == 1:
            return M.T.dot(v), M, gram[0, 0]
        adjugate = np.array([[gram[1, 1], -gram[0, 1]], [-gram[1, 0], gram[0, 0]]], dtype=object)
        return adjugate.dot(M.T.dot(v)), M, gram[0, 0] * gram[1, 1] - gram[0, 1] * gram[1, 0]

    lines, faces, face, kind = len(union.lines), len(union.faces), cell["face"], cell["witness"]
    c, M, det = solved(face)
    plus = M.dot(c)  # times det * scale
    off = plus - star * (det * scale)
    slack = bound**2 * (H.T.dot(H) * (det * scale) ** 2) - off.T.dot(off)  # times (det scale)^2
    if kind == OWN_PLANE:
        assert cell["pair"] == (face - lines, face - lines, 1)
        assert (cell["W"] == np.eye(4)).all()
        assert (slack[:2, :2] == slack[2:, 2:]).all()
        assert (slack[:2, 2:] == -slack[2:, 2:]).all()
        return slack[2, 2] >= 0 and slack[3, 3] >= 0 and slack[2, 2] * slack[3, 3] >= slack[2, 3] ** 2
    if kind >= faces:
        return face >= lines and all(x <= 0 for x in cell["sign"] * c[kind - faces])
    other, M_k, det_k = solved(kind)
    if kind >= lines and not (all(x >= 0 for x in other.ravel()) or all(x <= 0 for x in other.ravel())):
        return False
    plus_k = M_k.dot(other)
    gap = plus.T.dot(plus) * det_k**2 - plus_k.T.dot(plus_k) * det**2  # times (det det_k scale)^2
    mu = F(float(cell["multiplier"]))
    return mu >= 0 and bool(((slack * det_k**2 - mu * gap) >= 0).all())


def walked(cells, union: PlanarUnion) -> list[Array]:
    """Columns of every cell, by midpoints from the identity; each inner cell has both its halves, of its own triple."""
    W: list[Array] = []
    halves: dict[int, list[tuple[int, int]]] = {}
    for n, parent in enumerate(cells.parent):
        if parent < 0:
            W.append(np.eye(4))
            continue
        assert parent < n
        assert all(getattr(cells, name)[n] == getattr(cells, name)[parent] for name in ("pair", "face", "sign"))
        p, q = EDGES[cells.edge[n]]
        assert cells.replaced[n] in (p, q)
        half = W[parent].copy()
        half[:, cells.replaced[n]] = (half[:, p] + half[:, q]) / 2
        W.append(half)
        halves.setdefault(parent, []).append((int(cells.edge[n]), int(cells.replaced[n])))
    for parent, ends in halves.items():
        assert cells.witness[parent] == planar.NO_WITNESS
        assert len(ends) == len(set(ends)) == 2
        assert len({edge for edge, _ in ends}) == 1
    assert set(np.flatnonzero(cells.witness == planar.NO_WITNESS)) == set(halves)
    return W


def test_the_certificate_is_checked_from_the_definition(S, A, enclosed) -> None:
    cells, union = enclosed.cells, planar_union(S)
    W = walked(cells, union)
    count = len(union.planes)
    listed = [(i, j, s) for i in range(count) for j in range(count) for s in (1, -1)]
    first = cells.parent < 0
    triples = zip(cells.pair[first], cells.face[first], cells.sign[first], strict=True)
    roots = {(listed[p], int(f), int(s)) for p, f, s in triples}
    lines = len(union.lines)
    faces = [(f, s) for f in range(len(union.faces)) for s in ((1, -1) if f >= lines else (1,))]
    assert roots == {(pair, f, s) for pair in listed for f, s in faces}
    chosen = np.flatnonzero(cells.witness != planar.NO_WITNESS)
    assert len(chosen) > 5000
    maps, G = {pair: forms(union, A, *pair) for pair in listed}, whole(union.scaled, 80)
    for n in chosen:
        cell = {
            "pair": listed[cells.pair[n]], "face": int(cells.face[n]), "sign": int(cells.sign[n]),
            "W": W[n], "witness": int(cells.witness[n]), "multiplier": cells.multiplier[n],
        }  # fmt: skip
        assert leaf_holds(union, maps[cell["pair"]], G, enclosed.bound, cell), cell


def test_a_bound_below_what_is_attained_has_no_certificate(S, A, enclosed) -> None:
    union, cells = planar_union(S), enclosed.cells
    listed = cone_pairs(union, A)

    def all_hold(bound: F) -> bool:
        return all(
            CellWitness(int(cells.witness[n]), rational(cells.multiplier[[n]][None])[0, 0]).holds(
                union, listed[cells.pair[n]], int(cells.face[n]), int(cells.sign[n]),
                rational(np.array([[float(bound)]]))[0, 0] ** 2, rational(cells.W[n]),
            )
            for n in np.flatnonzero(cells.witness != planar.NO_WITNESS)
        )  # fmt: skip

    assert all_hold(enclosed.bound)
    assert not all_hold(F(enclosed.attained) * F(99, 100))


def test_a_witness_that_says_nothing_does_not_hold(S, A, enclosed) -> None:
    union, cells = planar_union(S), enclosed.cells
    listed = cone_pairs(union, A)
    by_face = (cells.witness >= 0) & (cells.witness < len(union.faces))
    needed = next(n for n in np.flatnonzero(by_face) if cells.multiplier[n] > 0)
    at = (union, listed[cells.pair[needed]], int(cells.face[needed]), int(cells.sign[needed]))
    bound_sq, W = rational(np.array([[float(enclosed.bound)]]))[0, 0] ** 2, rational(cells.W[needed])
    assert not CellWitness(int(cells.witness[needed]), rational(np.array([[-1.0]]))[0, 0]).holds(*at, bound_sq, W)
    assert not CellWitness(OWN_PLANE, rational(np.zeros((1, 1)))[0, 0]).holds(*at, bound_sq, W)


def test_the_identity_contracts_at_once(S) -> None:
    assert contraction_of_planes(S, np.eye(8), 0.5).bound < 1e-12


def test_the_quadrants_of_the_plane_contract_no_better_than_their_own_matrix() -> None:
    """S the first and the third quadrant: within one of them the factor is max |1 - a^2|."""
    code = np.array([[1, 0], [0, 1]])
    S = TwoLayerRange(code, np.eye(2, dtype=np.int64), 1)
    A = np.diag([0.9, 1.2])
    enclosed = contraction_of_planes(S, A, 0.01)
    own = max(abs(1 - 0.9**2), abs(1 - 1.2**2))
    assert enclosed.bound >= own
    assert ratio(S, A, enclosed.star, enclosed.x) == pytest.approx(enclosed.attained, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "A", "relative", "says"),
    [
        (lambda: decoder(4), np.eye(7), 0.1, "A must have a column for each of the 8 dimensions, got 7"),
        (lambda: decoder(4), np.eye(8), 0.0, "relative must be positive, got 0"),
        (lambda: replace(decoder(4), channels=2), np.eye(8), 0.1, r"widths \(2, 1, 1\), got \(2, 2, 1\)"),
        (lambda: decoder(16), np.eye(32), 0.1, "triples of two cones and a face must be at most 50000, got"),
    ],
)
def test_refusals(make, A, relative, says) -> None:
    with pytest.raises(ValueError, match=says):
        contraction_of_planes(make(), A, relative)


def test_a_certificate_that_grows_too_large_is_given_up_with_its_count(S, A, monkeypatch) -> None:
    monkeypatch.setattr(planar, "MOST_CELLS", 5000)
    with pytest.raises(ValueError, match=r"relative must leave at most 5000 cells, got more at 0\.001"):
        contraction_of_planes(S, A, 0.001)
