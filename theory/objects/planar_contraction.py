"""The contraction factor of Net-PGD at eta = 1 on a union of planar cones, enclosed with a certificate.

Cells, cones of four columns in the space of c of `planar_union`, are halved until each has a witness that no step
from it has a ratio above the bound. Floats propose the witness, rational arithmetic decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from untrained.theory.objects.decoders import Integers
from untrained.theory.objects.planar_union import (
    OWN_PLANE,
    CellWitness,
    PlanarUnion,
    cone_pairs,
    planar_union,
    rational,
)
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array, real_array

MOST_CELLS = 4_000_000
"""A certificate of more cells than these is given up."""
MOST_TRIPLES = 50_000
"""More triples of two cones and a face than these are refused before anything is computed."""
NO_WITNESS = -1
"""Mark of a cell without a witness."""
EDGES = np.array([(p, q) for p in range(4) for q in range(p + 1, 4)])
"""The columns that an edge of a cell joins, by the edge's number."""
_ZERO = 1e-13
_FORCED = 9.0
_UPPER = np.triu_indices(4)
_BATCH = 4000


@dataclass
class CellTree:
    """Cells with their columns W (N, 4, 4), where they come from, what they are of, and their witness.

    A root has parent -1 and the identity for W; a child has the midpoint of an edge of its parent in place of the
    column `replaced`. It is of a pair of cones, a face for x+ and, on a plane, a sign.
    """

    W: Array
    parent: Integers
    edge: Integers
    replaced: Integers
    pair: Integers
    face: Integers
    sign: Integers
    witness: Integers
    multiplier: Array


@dataclass(frozen=True)
class PlanarContraction:
    """No step has a ratio above `bound`; the one from x at x* has the ratio `attained`. `cells` are the certificate."""

    attained: float
    bound: Fraction
    star: Array
    x: Array
    cells: CellTree


def contraction_of_planes(range_: TwoLayerRange, A: Array, relative: float = 0.01) -> PlanarContraction:
    """Enclose sup ||x+ - x*||/||x - x*|| over x, x* in S and x+ nearest to x - A^T A(x - x*), for A (n, d).

    The bound is `relative` above what is attained, at widths (2, 1, 1).

    Raises
    ------
    ValueError
        where the widths are others, shapes disagree, `relative` is not positive, or there are too many cells.
    """
    measurements = real_array("A", A, 2)
    if measurements.shape[1] != (d := range_.upsampling.shape[0]):
        raise ValueError(f"A must have a column for each of the {d} dimensions, got {measurements.shape[1]}")
    if not relative > 0:
        raise ValueError(f"relative must be positive, got {relative}")
    union = planar_union(range_)
    count = 2 * len(union.planes) ** 2 * (len(union.lines) + 2 * len(union.planes))
    if count > MOST_TRIPLES:
        raise ValueError(f"triples of two cones and a face must be at most {MOST_TRIPLES}, got {count}")
    search = _Search(union, measurements, relative)
    search.run(exact=False)
    while not search.run(exact=True):
        pass
    return PlanarContraction(search.attained, search.bound, *search.place, search.cells())


class _Search:
    """Halving until each cell has a witness under the bound, which is `relative` above the largest ratio met."""

    def __init__(self, union: PlanarUnion, A: Array, relative: float) -> None:
        self.union, self.gram, self.relative = union, A.T @ A, relative
        self.pairs = cone_pairs(union, A)
        self.D = np.stack([_floats(one.D) for one in self.pairs])
        self.E, self.N, self.C = (
            np.stack([[_floats(form) for form in getattr(one, name)] for one in self.pairs])
            for name in ("energies", "misses", "coefficients")
        )
        self.attained, self.bound = 0.0, Fraction(0)
        self.place = (np.zeros(len(A.T)), np.zeros(len(A.T)))
        self.levels: list[CellTree] = []

    def run(self, exact: bool) -> bool:
        """Close all cells, where `exact` by rational arithmetic, and say whether it was under one bound."""
        begun, self.levels, count = self.bound, [], 0
        cells = self._roots()
        while len(cells.W):
            if (count := count + len(cells.W)) > MOST_CELLS:
                raise ValueError(f"relative must leave at most {MOST_CELLS} cells, got more at {self.relative}")
            for at in range(0, len(cells.W), _BATCH):
                self._attack(cells, slice(at, at + _BATCH))
            for at in range(0, len(cells.W), _BATCH):
                self._propose(cells, slice(at, at + _BATCH))
            if exact:
                self._decide(cells)
            self.levels.append(cells)
            cells = self._halves(cells, count - len(cells.W))
        return self.bound == begun

    def _roots(self) -> CellTree:
        lines = len(self.union.lines)
        signs = [(f, s) for f in range(len(self.union.faces)) for s in ((1, -1) if f >= lines else (1,))]
        triples = np.array([(p, f, s) for p in range(len(self.pairs)) for f, s in signs])
        count = len(triples)
        pair, face, sign = triples.T
        parent, edge, replaced, witness = np.full((4, count), -1)
        W = np.tile(np.eye(4), (count, 1, 1))
        return CellTree(W, parent, edge, replaced, pair, face, sign, witness, np.zeros(count))

    def _attack(self, cells: CellTree, part: slice) -> None:
        """The ratio of the step from the middle of each cell, and what it does to the bound."""
        c, chosen = cells.W[part].sum(2), [self.pairs[i] for i in cells.pair[part]]
        star = self.union.points(np.array([one.star for one in chosen]), c[:, :2])
        x = self.union.points(np.array([one.moved for one in chosen]), c[:, 2:])
        x *= np.array([one.sign for one in chosen])[:, None]
        h = x - star
        lengths = np.linalg.norm(h, axis=1)
        apart = lengths > 1e-6 * (np.linalg.norm(star, axis=1) + np.linalg.norm(x, axis=1))
        misses = np.linalg.norm(self.union.nearest(x - h @ self.gram) - star, axis=1)
        ratios = np.where(apart, misses / np.where(apart, lengths, 1), 0)
        if (value := float(ratios.max())) > self.attained:
            self.attained, self.place = value, (star[ratios.argmax()], x[ratios.argmax()])
            self.bound = max(self.bound, Fraction(value * (1 + self.relative)))

    def _propose(self, cells: CellTree, part: slice) -> None:
        """A witness and its multiplier by floats, or NO_WITNESS."""
        W, pair, face = cells.W[part], cells.pair[part], cells.face[part]
        lines, faces, at = len(self.union.lines), len(self.union.faces), np.arange(len(W))
        forms = float(self.bound) ** 2 * self.D[pair] - self.N[pair, face]
        gaps = self.E[pair, face][:, None] - self.E[pair]
        values = np.einsum("npka,nav->npkv", self.C[pair], W)
        one_sign = (values >= -_ZERO).all((2, 3)) | (values <= _ZERO).all((2, 3))
        usable = np.concatenate([np.ones((len(W), lines), dtype=bool), one_sign], axis=1)
        witness, multiplier = _multipliers(_entries(W, forms), _entries(W, gaps), usable)
        inside = cells.sign[part][:, None, None] * values[at, np.maximum(face - lines, 0)]
        for k in range(2):
            witness[(face >= lines) & (inside[:, k] <= _ZERO).all(1)] = faces + k
        own = np.array([self.pairs[p].is_own(self.union, f) for p, f in zip(pair, face, strict=True)])
        witness[own] = OWN_PLANE
        cells.witness[part], cells.multiplier[part] = witness, multiplier

    def _decide(self, cells: CellTree) -> None:
        """Open again what rational arithmetic does not confirm."""
        bound_sq = fmpq(self.bound.numerator, self.bound.denominator) ** 2
        for i in np.flatnonzero(cells.witness != NO_WITNESS):
            witness = CellWitness(int(cells.witness[i]), fmpq(*float(cells.multiplier[i]).as_integer_ratio()))
            triple = self.pairs[cells.pair[i]], int(cells.face[i]), int(cells.sign[i])
            if not witness.holds(self.union, *triple, bound_sq, rational(cells.W[i])):
                cells.witness[i] = NO_WITNESS

    def _halves(self, cells: CellTree, first: int) -> CellTree:
        """Both halves of every open cell; `first` is the number of the first cell of the level."""
        parent = np.flatnonzero(cells.witness == NO_WITNESS)
        W = cells.W[parent]
        D, N = self.D[cells.pair[parent]], self.N[cells.pair[parent], cells.face[parent]]
        edge = _lengths(W, _entries_all(W, D), _entries_all(W, N)).argmax(1)
        halves, at = [], np.arange(len(W))
        middle = (W[at, :, EDGES[edge, 0]] + W[at, :, EDGES[edge, 1]]) / 2
        for end in range(2):
            half = W.copy()
            half[at, :, EDGES[edge, end]] = middle
            halves.append(half)
        both = np.tile(parent, 2)
        replaced = np.concatenate([EDGES[edge, 0], EDGES[edge, 1]])
        triple = cells.pair[both], cells.face[both], cells.sign[both]
        rest = np.full(len(both), NO_WITNESS), np.zeros(len(both))
        return CellTree(np.concatenate(halves), first + both, np.tile(edge, 2), replaced, *triple, *rest)

    def cells(self) -> CellTree:
        """The cells of the last run."""
        names = CellTree.__dataclass_fields__
        return CellTree(*(np.concatenate([getattr(level, name) for level in self.levels]) for name in names))


def _floats(matrix: fmpq_mat) -> Array:
    return np.array([int(x.p) / int(x.q) for x in matrix.entries()]).reshape(matrix.nrows(), matrix.ncols())


def _entries_all(W: Array, forms: Array) -> Array:
    """W^T F W: W (n, 4, 4), forms (n, ..., 4, 4)."""
    spread = W.reshape(len(W), *(1,) * (forms.ndim - 3), 4, 4)
    result: Array = np.swapaxes(spread, -1, -2) @ forms @ spread
    return result


def _entries(W: Array, forms: Array) -> Array:
    return _entries_all(W, forms)[..., _UPPER[0], _UPPER[1]]


def _multipliers(entries: Array, gaps: Array, usable: Array) -> tuple[Integers, Array]:
    """A face k and mu >= 0 with entries - mu gaps_k >= 0, entry by entry; NO_WITNESS where there is none."""
    p: Any = entries[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        high = np.where(gaps > _ZERO, p / gaps, np.inf).min(2)
        low = np.where(gaps < -_ZERO, p / gaps, 0.0).max(2).clip(0)
    never: Any = ((np.abs(gaps) <= _ZERO) & (p < -_ZERO)).any(2)
    possible = usable & ~never & (low <= high)
    which, at = possible.argmax(1), np.arange(len(entries))
    low, high = low[at, which], high[at, which]
    with np.errstate(invalid="ignore"):
        middle = np.where(high < np.inf, (low + high) / 2, 2 * low + 1)
    plain: Any = (entries >= -_ZERO).all(1)
    witness = np.where(possible.any(1) | plain, which, NO_WITNESS)
    return witness, np.where(plain, 0.0, np.where(witness == NO_WITNESS, 0.0, middle))


def _lengths(W: Array, D: Array, N: Array) -> Array:
    """Lengths squared of the edges (n, 6) by which the one to be halved is chosen.

    Where x = x* = g, a generator of F, D and N vanish together with their rows: what counts near such a column is the
    direction from it, so edges beside it are measured modulo the column. An edge that meets D = 0 in its middle, or
    that joins two such columns, comes first.
    """
    p, q = EDGES.T
    at = np.arange(len(W))
    d, n = (np.diagonal(form, axis1=1, axis2=2) for form in (D, N))
    null: Any = (d <= _ZERO) & (n <= _ZERO)
    lengths = np.square(W[:, :, p] - W[:, :, q]).sum(1)
    apex = W[at, :, null.argmax(1)]
    pivot = 2 + apex[:, 2:].argmax(1)
    modulo = W - apex[:, :, None] * (W[at, pivot] / np.where(null.any(1), apex[at, pivot], 1)[:, None])[:, None, :]
    modulo = modulo / np.maximum(np.abs(modulo).sum(1, keepdims=True), 1e-300)
    beside = null.any(1)[:, None] & ~null[:, p] & ~null[:, q]
    lengths = np.where(beside, np.square(modulo[:, :, p] - modulo[:, :, q]).sum(1), lengths)
    middle: Any = (d[:, p] + 2 * D[:, p, q] + d[:, q]) / 4 <= _ZERO
    forced = middle & (((d[:, p] > _ZERO) & (d[:, q] > _ZERO)) | (null[:, p] & null[:, q]))
    result: Array = np.where(forced, _FORCED, lengths)
    return result
