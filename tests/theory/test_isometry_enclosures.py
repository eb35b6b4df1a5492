"""Enclosures of isometry constants against every face at 60 digits, members, ties, and enclosures too small."""

from itertools import combinations, combinations_with_replacement

import mpmath
import numpy as np
import pytest
import scipy.linalg
from flint import arb, arb_mat, fmpz_mat

from untrained.theory.objects import decoders, isometry_enclosures
from untrained.theory.objects.isometries import on_cone, on_subspace
from untrained.theory.objects.isometry_enclosures import (
    DifferenceFaces,
    IsometryEnclosure,
    _Search,
    difference_faces,
    enclose_on_differences,
    enclose_on_span,
)
from untrained.theory.objects.pencil_enclosures import _bounded, _bounded_balls, pairs_in_balls, pairs_in_floats
from untrained.theory.objects.projections import TwoLayerRange

DIGITS = 60
SKEW = np.array([[1, 2], [1, 2], [0, 0], [-3, 1], [2, -5]])  # a repeated row and a row of 0
NARROW = np.array([[10**9, 1], [10**9 + 1, 1], [-(10**9) - 2, 1]])  # generators that floats cannot tell apart


def gaussian(rows, columns, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)) / np.sqrt(rows)


def line(code, channels=1):
    return TwoLayerRange(code, decoders.upsampling_line(len(code)), channels)


def small(rows, channels=1):
    return line(decoders.integer_decoder((2, 2), 3, 4, signed=True)[0][:rows], channels)


def slow_faces(range_):
    """Every independent set of generators of every cone of S - S, as tuples of integer columns."""
    signed = [sign * piece for piece in range_.integer_pieces for sign in (1, -1)]
    cones = (np.concatenate(c, axis=1) for c in combinations_with_replacement(signed, 2 * range_.channels))
    sets = {frozenset(map(tuple, cone.T.tolist())) for cone in cones}
    faces = {tuple(sorted(f)) for s in sets for size in range(1, len(s) + 1) for f in combinations(s, size)}
    return sorted(face for face in faces if fmpz_mat([list(c) for c in face]).rank() == len(face))


def slow_extremes(A, range_):
    """Least and largest ratio at a positive eigenvector of a face, at 60 digits."""
    values = []
    with mpmath.workdps(DIGITS):
        exact = mpmath.matrix(A.tolist())
        for face in slow_faces(range_):
            G = mpmath.matrix([[mpmath.mpf(x) for x in column] for column in face]).T
            inverse = mpmath.inverse(mpmath.cholesky(G.T * G))
            image = exact * G * inverse.T
            mu, V = mpmath.eigsy(image.T * image)
            c = inverse.T * V
            signs = [{mpmath.sign(c[l, i]) for l in range(len(face))} for i in range(len(face))]
            values += [mu[i] for i in range(len(face)) if signs[i] in ({1}, {-1})]
    return min(values), max(values)


def contains(interval, x):
    """Up to what 60 digits make of a 0."""
    with mpmath.workdps(DIGITS):
        return interval[0] - mpmath.mpf(10) ** -50 <= x <= interval[1] + mpmath.mpf(10) ** -50


def members(range_, rng, count):
    channels = 2 * range_.channels
    u, w = rng.standard_normal((2, channels, count)), rng.standard_normal((channels, count))
    hidden = np.maximum(np.einsum("pk,kjt->pjt", range_.code.astype(float), u), 0)
    x = range_.upsampling @ np.einsum("pjt,jt->pt", hidden, w)
    return x[:, np.square(x).sum(0) > 0]


def rotation(size, rows, seed):
    """Rows of an orthogonal matrix, as floats: all eigenvalues lie within a few roundings of 1."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0][:rows]


CASES = {
    "more rows than the span": (gaussian(8, 10), small(5)),
    "as many": (gaussian(4, 10, 1), small(5)),
    "a kernel": (gaussian(3, 10, 2), small(5)),
    "one row": (gaussian(1, 10, 3), small(5)),
    "a repeated row and a row of 0": (gaussian(7, 10), line(SKEW)),
    "the same with a kernel": (gaussian(2, 10, 1), line(SKEW)),
    "narrow cones": (gaussian(5, 6), line(NARROW)),
    "narrow cones and a kernel": (gaussian(2, 6, 1), line(NARROW)),
    "the identity": (np.eye(10), line(SKEW)),
    "a projection": (np.eye(10)[::2], line(SKEW)),
    "eigenvalues that floats cannot order": (rotation(6, 6, 8), line(SKEW[[0, 3, 4]])),
    "such eigenvalues and a kernel": (rotation(6, 4, 1), line(SKEW[[0, 3, 4]])),
    "an upsampling that is not injective": (gaussian(4, 4), TwoLayerRange(SKEW, np.eye(4, 5, dtype=int) - 1, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_extremes_at_60_digits_are_enclosed_and_nothing_much_narrower_encloses_them(name):
    A, range_ = CASES[name]
    enclosure = enclose_on_differences(A, difference_faces(range_))
    low, high = slow_extremes(A, range_)
    assert contains(enclosure.gamma, low)
    assert contains(enclosure.beta, high)
    assert enclosure.width <= 1e-11
    for (a, b), value in ((enclosure.gamma, low), (enclosure.beta, high)):
        assert not contains((a + 2e-11, b + 2e-11), value)
        assert not contains((a - 2e-11, b - 2e-11), value)


@pytest.fixture(scope="module")
def example():
    range_ = line(decoders.integer_decoder((2, 2), 4, 4, signed=True)[0][:8], 2)
    return range_, difference_faces(range_)


@pytest.mark.parametrize("rows", [12, 5])
def test_two_channels_against_members_and_the_whole_range(example, rows):
    range_, faces = example
    A = gaussian(rows, 16)
    enclosure, outer = enclose_on_differences(A, faces), enclose_on_span(A, range_.upsampling)
    values = np.square(A @ (x := members(range_, np.random.default_rng(9), 20_000))).sum(0) / np.square(x).sum(0)
    assert outer.gamma[0] <= enclosure.gamma[0] <= values.min() + 1e-12
    assert outer.beta[1] >= enclosure.beta[1] >= values.max() - 1e-12
    assert enclosure.width <= 1e-10
    assert outer.width <= 1e-14
    subspace = on_subspace(A, range_.upsampling.astype(float))
    assert (subspace.gamma, subspace.beta) == pytest.approx((outer.gamma[1], outer.beta[0]), rel=1e-9, abs=1e-12)


def on_cones(A, range_):
    """Constants on S - S in floats, one cone of twice as many channels after another."""
    doubled = TwoLayerRange(range_.code, range_.upsampling, 2 * range_.channels)
    cones = {cone.tobytes(): cone for cone in (np.unique(cone, axis=1) for cone in doubled.cones)}
    parts = [on_cone(A, cone) for cone in cones.values()]
    return min(p.gamma for p in parts), max(p.beta for p in parts)


@pytest.mark.parametrize(("range_", "rows"), [(small(6), 6), (line(SKEW[[0, 3, 4]], 2), 5)])
def test_the_enclosure_is_met_by_the_cones_of_twice_as_many_channels(range_, rows):
    A = gaussian(rows, len(range_.upsampling), 8)
    enclosure = enclose_on_differences(A, difference_faces(range_))
    assert on_cones(A, range_) == pytest.approx((enclosure.gamma[1], enclosure.beta[0]), rel=1e-9, abs=1e-12)


def test_the_enclosure_is_narrower_than_that_of_the_whole_range(example):
    A = gaussian(12, 16)
    enclosure, outer = enclose_on_differences(A, example[1]), enclose_on_span(A, example[0].upsampling)
    assert enclosure.gamma[0] > outer.gamma[1] + 0.01
    assert enclosure.beta[1] < outer.beta[0] - 0.01


def test_without_the_largest_supports_the_truth_is_missed():
    A, range_ = CASES["more rows than the span"]
    faces = difference_faces(range_)
    enclosure = enclose_on_differences(A, DifferenceFaces(faces.generators, faces.supports[:1]))
    low, high = slow_extremes(A, range_)
    assert not contains(enclosure.gamma, low)
    assert not contains(enclosure.beta, high)


@pytest.mark.parametrize("name", ["narrow cones", "eigenvalues that floats cannot order", "a kernel"])
def test_what_may_not_be_refined_widens_the_interval(name, monkeypatch):
    A, range_ = CASES[name]
    monkeypatch.setattr(isometry_enclosures, "MOST_REFINED", 0)
    monkeypatch.setattr(isometry_enclosures, "_TOLERANCE", 0)
    enclosure = enclose_on_differences(A, difference_faces(range_))
    for interval, value in zip((enclosure.gamma, enclosure.beta), slow_extremes(A, range_), strict=True):
        assert contains(interval, value)
    monkeypatch.undo()
    assert enclosure.width >= enclose_on_differences(A, difference_faces(range_)).width


def perturbed(rng, k):
    """Values, vectors C, errors e and f, and the pairs of a pencil (C^-T (Lambda + F) C^-1, C^-T (I + E) C^-1)."""
    values, C = np.sort(rng.random(k)) + 1, rng.standard_normal((k, k))
    (E, e), (F, f) = (
        (x + x.T, np.linalg.norm(x + x.T)) for x in rng.standard_normal((2, k, k)) * 10 ** -rng.uniform(2, 5)
    )
    mu, y = scipy.linalg.eigh(np.diag(values) + F, np.eye(k) + E)
    return values, C, e, f, mu, C @ (y * np.sign(np.diag(y)))


def in_floats(values, C, e, f):
    return _bounded(values[None], C[None], np.array([e]), np.array([f]))


def in_balls(values, C, e, f):
    return _bounded_balls([arb(x) for x in values], [[arb(x) for x in column] for column in C.T], arb(e), arb(f))


@pytest.mark.parametrize("bounded", [in_floats, in_balls])
def test_bounds_and_certain_signs_hold_for_every_pencil_within_the_errors(bounded):
    rng, certain, turned = np.random.default_rng(3), 0, 0
    for _ in range(300):
        values, C, e, f, mu, c = perturbed(rng, 4)
        pairs = bounded(values, C, e, f)
        assert (pairs.low[0] <= mu + 1e-12).all()
        assert (mu - 1e-12 <= pairs.high[0]).all()
        assert (np.sign(c) == np.sign(C))[pairs.certain[0]].all()
        between = np.abs(np.diff(mu))
        assert (np.minimum([*between, np.inf], [np.inf, *between]) <= pairs.spread[0] + 1e-12).all()
        certain, turned = certain + pairs.certain.sum(), turned + (np.sign(c) != np.sign(C)).sum()
    assert certain > 1000
    assert turned > 20


def test_an_eigenvalue_near_its_neighbour_costs_its_spread_once_a_dimension():
    A, range_ = CASES["as many"]
    search = _Search(A, difference_faces(range_))
    inner, longest, spread = search.ends(1)[1], search.longest, 1e-4
    search.tolerance = 2 * longest * spread
    pairs, where = search.parts[-1], search.open[-1]
    pairs.low[0, :2], pairs.high[0, :2], pairs.certain[0, :, :2], where[0, :2] = (
        inner / 2,
        inner / 2 + spread,
        False,
        True,
    )
    assert search.ends(1)[0] == pytest.approx(inner - longest * spread, rel=1e-2 * longest * spread)
    assert search.refined == 0


def test_floats_and_balls_agree_on_every_support():
    A, range_ = CASES["as many"]
    faces = difference_faces(range_)
    for supports, whitening in zip(faces.supports, faces.whitenings, strict=True):
        pairs = pairs_in_floats(A, *whitening)
        for row, columns in enumerate(supports.columns):
            exact = pairs_in_balls(arb_mat(A.tolist()), faces.generators[:, columns])
            assert (pairs.low[row] <= exact.high[0]).all()
            assert (pairs.high[row] >= exact.low[0]).all()
            both = pairs.certain[row] & exact.certain[0]
            turn = np.sign((pairs.coefficients[row] * exact.coefficients[0]).sum(0))
            assert (np.sign(pairs.coefficients[row]) == turn * np.sign(exact.coefficients[0]))[both].all()


def test_scaling_the_matrix_by_a_power_of_two_scales_the_enclosure():
    A, range_ = CASES["more rows than the span"]
    one, other = (enclose_on_differences(s * A, difference_faces(range_)) for s in (1.0, 2.0**40))
    assert other.gamma == pytest.approx(tuple(2.0**80 * x for x in one.gamma), rel=1e-15)
    assert other.beta == pytest.approx(tuple(2.0**80 * x for x in one.beta), rel=1e-15)


def test_the_zero_matrix_has_both_constants_0():
    enclosure = enclose_on_differences(np.zeros((3, 10)), difference_faces(line(SKEW)))
    assert (enclosure.gamma, enclosure.beta) == ((0, 0), (0, 0))


def test_alpha_is_enclosed_as_the_constants_are():
    enclosure = IsometryEnclosure((0.25, 0.5), (1.25, 1.625), 1, 0)
    assert enclosure.alpha == (0.5, 0.75)
    assert enclosure.width == 0.375


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.eye(9), "columns of matrix and rows of vectors must agree in length, got 9 and 10"),
        (np.zeros((0, 10)), r"matrix must have shape \(n, d\) with n at least 1, got \(0, 10\)"),
        (np.zeros((2, 3, 10)), r"matrix must have shape \(n, d\) with n at least 1, got \(2, 3, 10\)"),
        (np.full((2, 10), np.nan), "matrix must be finite, got NaN or infinity among its entries"),
        (np.diag([1e300] * 9 + [1e-300]), "matrix must have entries within a factor of 2\\^1000 of each other"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(matrix, says):
    with pytest.raises(ValueError, match=says):
        enclose_on_differences(matrix, difference_faces(line(SKEW)))
    with pytest.raises(ValueError, match=says):
        enclose_on_span(matrix, decoders.upsampling_line(5))


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (np.zeros((3, 2), dtype=int), "vectors must not all be zero, got a span of dimension 0"),
        (np.full((3, 2), 0.5), "vectors must be integers of shape \\(d, r\\), got dtype float64 and shape \\(3, 2\\)"),
    ],
)
def test_vectors_that_are_zero_or_not_whole_are_refused(vectors, says):
    with pytest.raises(ValueError, match=says):
        enclose_on_span(np.eye(3), vectors)


def test_ranges_without_a_generator_or_with_too_many_faces_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="range must have a generator that is not zero, got none"):
        difference_faces(TwoLayerRange(SKEW, np.zeros((3, 5), dtype=int), 1))
    with pytest.raises(ValueError, match=r"generators of the range must be at most 10\^100, got one of 12. digits"):
        difference_faces(TwoLayerRange(SKEW, np.array([[10**120, 0, 0, 0, 0], [0, 1, 0, 1, 1]], dtype=object), 1))
    monkeypatch.setattr(isometry_enclosures, "MOST_FACES", 10)
    with pytest.raises(ValueError, match="faces of S - S must be at most 10, got more"):
        difference_faces(line(SKEW))
