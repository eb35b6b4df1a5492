"""Intervals that certainly contain the restricted isometry constants of a matrix of floats on integer generators.

Gamma, say, is met at some G_T c, T an independent set of generators (Caratheodory) and the signs of c those of a face;
it is critical there, so that c is an eigenvector of the pencil (P, Q) = (G_T^T A^T A G_T, G_T^T G_T).

- Inner ends are ||Ax||^2/||x||^2 at a member of S - S, in ball arithmetic, or bounds of an eigenvalue that is met.
- Outer ends are the least lower bound of the eigenvalues that remain (`pencil_enclosures`). One is ruled out where the
  signs of its eigenvectors are certain and no face has them.
- Pairs that floats leave open beyond the inner end are solved again in ball arithmetic; what stays open there widens
  the interval.
- Eigenvalues closer than w to a neighbour are passed over: from c > 0 along the neighbour's eigenvector the quotient
  stays within w until a proper face is reached, so that each loses at most w a dimension, (r - 1) w in all.

Source: jagatap19 Definition 2
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import combinations
from operator import or_

import numpy as np
from flint import arb, arb_mat, ctx, fmpz_mat

from untrained.theory.objects.decoders import Integers, rank_modulo_prime
from untrained.theory.objects.pencil_enclosures import BALL_BITS, EigenPairs, pairs_in_balls, pairs_in_floats
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array, real_array, same_length
from untrained.theory.proof.balls import ends

_TOLERANCE = 1e-13
"""Widths below this share of ||A||_F^2 are not reduced further."""
_CHUNK = 10_000
"""Supports whose pencils are solved together."""
_LARGEST = 10**100
"""Squares of floats as large, and of their inverses, neither overflow nor vanish."""
MOST_FACES = 2_000_000
"""More faces than these are refused: they would not fit into memory."""
MOST_REFINED = 500
"""Supports solved in ball arithmetic at most; those beyond widen the interval."""

Mask = tuple[int, int]
"""Generators of a face by the bits of two numbers: those with coefficients >= 0, those with coefficients <= 0."""


@dataclass(frozen=True)
class IsometryEnclosure:
    """Intervals around gamma and beta, the pairs (support, eigenvalue) looked at, and supports solved in balls."""

    gamma: tuple[float, float]
    beta: tuple[float, float]
    pairs: int
    refined: int

    @property
    def alpha(self) -> tuple[float, float]:
        """Interval around the least alpha with gamma >= 1 - alpha and beta <= 1 + alpha."""
        low, high = (arb(1) - arb(x) for x in reversed(self.gamma))
        return ends(low.max(arb(self.beta[0]) - 1))[0], ends(high.max(arb(self.beta[1]) - 1))[1]

    @property
    def width(self) -> float:
        """The longer of the two intervals."""
        return max(high - low for low, high in (self.gamma, self.beta))


@dataclass(frozen=True)
class _Supports:
    """Independent sets of k generators: their numbers (s, k), and the signs of all their faces as bits, in runs."""

    columns: np.ndarray
    signs: np.ndarray
    starts: np.ndarray

    def allow(self, certain: np.ndarray, negative: np.ndarray) -> np.ndarray:
        """Whether some face has the signs that are certain, for bits (s, k): one entry an eigenvector."""
        owner = np.repeat(np.arange(len(self.starts)), np.diff([*self.starts, len(self.signs)]))
        agree = (self.signs[:, None] & certain[owner]) == negative[owner]
        result: np.ndarray = np.logical_or.reduceat(agree, self.starts, axis=0)
        return result

    def open(self, pairs: EigenPairs) -> np.ndarray:
        """Whether a face may hold the eigenvector (s, k)."""
        return self.allow(_bits(pairs.certain), _bits(pairs.certain & (pairs.coefficients < 0)))

    def members(self, pairs: EigenPairs) -> np.ndarray:
        """Whether the approximate eigenvector, as it stands, lies on a face (s, k)."""
        return self.allow(_bits(pairs.coefficients != 0), _bits(pairs.coefficients < 0))

    def only(self, row: int) -> _Supports:
        """One support alone."""
        end = self.starts[row + 1] if row + 1 < len(self.starts) else len(self.signs)
        return _Supports(self.columns[row : row + 1], self.signs[self.starts[row] : end], np.zeros(1, dtype=np.int64))


def _bits(signs: np.ndarray) -> np.ndarray:
    result: np.ndarray = (signs * (1 << np.arange(signs.shape[1]))[:, None]).sum(1)
    return result


@dataclass(frozen=True)
class DifferenceFaces:
    """The faces of S - S: integer generators (d, g), and their independent supports with the signs that occur."""

    generators: Integers
    supports: tuple[_Supports, ...]

    @cached_property
    def whitenings(self) -> list[tuple[Array, Array]]:
        """Generators of each support as floats (s, d, k), and W with G W nearly orthonormal (s, k, k)."""
        return [_whitened(np.moveaxis(self.generators[:, one.columns], 1, 0).astype(float)) for one in self.supports]


def _whitened(basis: Array) -> tuple[Array, Array]:
    _, sizes, axes = np.linalg.svd(basis, full_matrices=False)
    sizes = np.maximum(sizes, 1e-15 * sizes[:, :1])
    return basis, np.swapaxes(axes, 1, 2) / sizes[:, None, :]


def difference_faces(range_: TwoLayerRange) -> DifferenceFaces:
    """Faces of S - S, the cones of twice as many channels, in integers; they serve every matrix.

    Raises
    ------
    ValueError
        where every generator is zero, one has an entry above 10^100, or there are more than MOST_FACES faces.
    Source: jagatap19 Definition 2
    """
    generators, pieces = _signed_pieces(range_)
    if not generators.size:
        raise ValueError("range must have a generator that is not zero, got none")
    if (largest := np.abs(generators).max()) > _LARGEST:
        raise ValueError(f"generators of the range must be at most 10^100, got one of {len(str(largest))} digits")
    rank = int(fmpz_mat(generators.tolist()).rank())
    faces: set[Mask] = {(0, 0)}
    for _ in range(2 * range_.channels):
        faces = _unions(faces, pieces, rank)
    return DifferenceFaces(generators, tuple(_grouped(generators, faces)))


def _unions(faces: set[Mask], pieces: set[Mask], rank: int) -> set[Mask]:
    """Unions of a face and a piece that may be independent."""
    unions: set[Mask] = set()
    for p, m in faces:
        masks = ((p | a, m | b) for a, b in pieces)
        unions.update((p, m) for p, m in masks if not p & m and (p | m).bit_count() <= rank)
        if len(unions) > MOST_FACES:
            raise ValueError(f"faces of S - S must be at most {MOST_FACES}, got more")
    return unions


def _signed_pieces(range_: TwoLayerRange) -> tuple[Integers, set[Mask]]:
    """Generators up to a factor, primitive integer columns (d, g), and the faces of one channel and their opposites."""
    numbers: dict[tuple[int, ...], int] = {}
    pieces: set[Mask] = {(0, 0)}
    for piece in range_.integer_pieces:
        own = []
        for column in piece.T.tolist():
            factor = math.gcd(*column) * (1 if next(x for x in column if x) > 0 else -1)
            number = numbers.setdefault(tuple(x // factor for x in column), len(numbers))
            own.append((1 << number, 0) if factor > 0 else (0, 1 << number))
        for size in range(1, len(own) + 1):
            for plus, minus in (map(_union, zip(*chosen, strict=True)) for chosen in combinations(own, size)):
                pieces |= {(plus, minus), (minus, plus)}
    return np.array(list(numbers), dtype=object).T, pieces


def _union(masks: Sequence[int]) -> int:
    return reduce(or_, masks)


def _grouped(generators: Integers, faces: set[Mask]) -> Iterator[_Supports]:
    """Faces by support, dependent ones left out: their members lie on independent faces too."""
    signs: dict[int, list[int]] = defaultdict(list)
    for plus, minus in sorted(faces):
        signs[plus | minus].append(minus)
    by_size: dict[int, list[tuple[list[int], list[int]]]] = defaultdict(list)
    for support, listed in signs.items():
        columns = [i for i in range(support.bit_length()) if support >> i & 1]
        if columns and _independent(generators[:, columns]):
            own = [sum((minus >> c & 1) << i for i, c in enumerate(columns)) for minus in listed]
            by_size[len(columns)].append((columns, own))
    for _, group in sorted(by_size.items()):
        for start in range(0, len(group), _CHUNK):
            numbers, runs = zip(*group[start : start + _CHUNK], strict=True)
            starts = np.cumsum([0, *map(len, runs)])[:-1]
            yield _Supports(np.array(numbers), np.concatenate(runs).astype(np.int64), starts)


def _independent(columns: Integers) -> bool:
    count = columns.shape[1]
    return rank_modulo_prime(columns) == count or fmpz_mat(columns.tolist()).rank() == count


class _Search:
    """One matrix on all supports: their pairs in floats, replaced by those in balls where an end asks for it."""

    def __init__(self, A: Array, faces: DifferenceFaces) -> None:
        self.faces, self.exact, self.refined = faces, arb_mat(A.tolist()), 0
        self.tolerance = _TOLERANCE * float(np.square(A).sum())
        self.longest = max(one.columns.shape[1] for one in faces.supports)
        self.parts = [pairs_in_floats(A, *whitening) for whitening in faces.whitenings]
        self.open = [one.open(p) for p, one in zip(self.parts, faces.supports, strict=True)]

    def ends(self, sign: int) -> tuple[float, float]:
        """Outer and inner end of the minimum of sign ||Ax||^2/||x||^2 over S - S."""
        inner = self._inner(sign)
        for part, bounds in enumerate(self._bounds(sign)):
            beyond = (bounds < inner - self.tolerance) & (self.parts[part].spread > self._near)
            for row in np.flatnonzero(beyond.any(1)):
                self._refine(part, int(row))
        inner = min(inner, self._inner(sign))
        outer, widest = inner, 0.0
        for pairs, bounds in zip(self.parts, self._bounds(sign), strict=True):
            passed = (bounds < inner - self.tolerance) & (pairs.spread <= self._near)
            widest = max(widest, pairs.spread[passed].max(initial=0.0))
            outer = min(outer, bounds[~passed].min(initial=np.inf))
        return math.nextafter(outer - self.longest * widest, -math.inf), inner

    @property
    def _near(self) -> float:
        """Eigenvalues no further from a neighbour than this are passed over."""
        return self.tolerance / self.longest

    def _bounds(self, sign: int) -> list[Array]:
        """Lower bounds of sign times the eigenvalues, infinite where one is ruled out."""
        return [np.where(o, p.low if sign > 0 else -p.high, np.inf) for p, o in zip(self.parts, self.open, strict=True)]

    def _refine(self, part: int, row: int) -> None:
        if self.refined == MOST_REFINED:
            return
        self.refined += 1
        pairs, supports = self.parts[part], self.faces.supports[part]
        better = pairs_in_balls(self.exact, self.faces.generators[:, supports.columns[row]])
        for name in ("low", "high", "coefficients", "certain"):
            getattr(pairs, name)[row] = getattr(better, name)[0]
        self.open[part][row] = supports.only(row).open(better)[0]

    def _inner(self, sign: int) -> float:
        """Upper bound of the minimum of sign ||Ax||^2/||x||^2: an eigenvalue's, or that at a member of S - S."""
        inner, best = math.inf, (math.inf, 0, 0, 0)
        for part, (pairs, supports) in enumerate(zip(self.parts, self.faces.supports, strict=True)):
            met = self.open[part] & pairs.certain.all(1)
            inner = min(inner, float(np.where(met, pairs.high if sign > 0 else -pairs.low, np.inf).min()))
            middle = np.where(np.isfinite(pairs.high), sign * (pairs.low + pairs.high), np.inf)
            values = np.where(supports.members(pairs), middle, np.inf)
            row, i = divmod(int(values.argmin()), values.shape[1])
            best = min(best, (float(values[row, i]), part, row, i))
        _, part, row, i = best
        generators = self.faces.generators[:, self.faces.supports[part].columns[row]]
        return min(inner, _ratio_end(self.exact, generators, self.parts[part].coefficients[row, :, i], sign))


def _ratio_end(A: arb_mat, generators: Integers, coefficients: Array, sign: int) -> float:
    with ctx.workprec(BALL_BITS):
        x = arb_mat(generators.tolist()) * arb_mat([[c] for c in coefficients.tolist()])
        ratio = ((A * x).transpose() * (A * x))[0, 0] / (x.transpose() * x)[0, 0]
        return ends(sign * ratio)[1]


def enclose_on_differences(matrix: Array, faces: DifferenceFaces) -> IsometryEnclosure:
    """Enclose gamma and beta of A (n, d), its floats taken as exact, on S - S.

    Raises
    ------
    ValueError
        where shapes disagree, or an entry is not finite, or so small beside the largest that scaling would lose it.
    Source: jagatap19 Definition 2
    """
    A, exponent = _scaled(matrix, faces.generators)
    outer = _on_span(A, faces.generators)
    search = _Search(A, faces)
    (gamma_low, gamma_high), (beta_high, beta_low) = search.ends(1), search.ends(-1)
    gamma, beta = (max(gamma_low, outer[0]), gamma_high), (-beta_low, min(-beta_high, outer[-1]))
    return _unscaled(gamma, beta, exponent, sum(p.low.size for p in search.parts), search.refined)


def enclose_on_span(matrix: Array, vectors: Integers) -> IsometryEnclosure:
    """Enclose gamma and beta of A (n, d), its floats taken as exact, on the span of integer columns (d, r).

    Raises
    ------
    ValueError
        where shapes disagree, every column is zero, or an entry is not finite, not an integer, or so small beside the
        largest that scaling would lose it.
    Source: jagatap19 Definition 2
    """
    if vectors.ndim != 2 or not all(isinstance(x, int) for x in vectors.ravel().tolist()):
        raise ValueError(
            f"vectors must be integers of shape (d, r), got dtype {vectors.dtype} and shape {vectors.shape}"
        )
    A, exponent = _scaled(matrix, vectors)
    low, lowest, highest, high = _on_span(A, vectors)
    return _unscaled((low, lowest), (highest, high), exponent, 2, 1)


def _on_span(A: Array, vectors: Integers) -> tuple[float, float, float, float]:
    reduced, _, rank = fmpz_mat(vectors.tolist()).rref()
    if not rank:
        raise ValueError("vectors must not all be zero, got a span of dimension 0")
    pivots = [next(j for j, x in enumerate(row) if x != 0) for row in reduced.tolist()[:rank]]
    pairs = pairs_in_balls(arb_mat(A.tolist()), vectors[:, pivots])
    return float(pairs.low[0, 0]), float(pairs.high[0, 0]), float(pairs.low[0, -1]), float(pairs.high[0, -1])


def _scaled(matrix: Array, vectors: Integers) -> tuple[Array, int]:
    """A / 2^exponent, its largest entry between 1/2 and 1, exactly."""
    A = real_array("matrix", matrix, 2)
    if A.ndim != 2 or not len(A):
        raise ValueError(f"matrix must have shape (n, d) with n at least 1, got {A.shape}")
    same_length("columns of matrix", A.shape[1], "rows of vectors", vectors.shape[0])
    exponent = int(np.frexp(np.abs(A).max(initial=0.0))[1])
    scaled = np.ldexp(A, -exponent)
    if not (np.ldexp(scaled, exponent) == A).all():
        raise ValueError(
            "matrix must have entries within a factor of 2^1000 of each other, got some that scaling loses"
        )
    return scaled, exponent


def _unscaled(
    gamma: tuple[float, float], beta: tuple[float, float], exponent: int, pairs: int, refined: int
) -> IsometryEnclosure:
    low, high, lowest, highest = (arb(x) * arb(2) ** (2 * exponent) for x in (*gamma, *beta))
    return IsometryEnclosure((ends(low)[0], ends(high)[1]), (ends(lowest)[0], ends(highest)[1]), pairs, refined)
