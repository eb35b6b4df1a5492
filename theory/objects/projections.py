"""The range of a two-layer decoder with one output channel, as a union of polyhedral cones, and its nearest points.

S = {U sum_j w_j relu(Z_1 u_j)}: in a region of the arrangement of the rows of Z_1 a channel is linear, and its outputs
are the cone of U relu(Z_1 r), r the region's extreme rays, up to the sign of w_j. A cone of S takes one signed region a
channel. Regions and rays are found in integers; nearest points in float64, each with a dual certificate a cone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, combinations_with_replacement
from math import comb, gcd

import numpy as np
from scipy.optimize import nnls

from untrained.theory.objects.decoders import Integers
from untrained.theory.objects.shapes import Array, real_array

Ray = tuple[int, ...]
MOST_CONES = 1_000_000
"""More cones than these are refused: their spans would not fit into memory."""


@dataclass(frozen=True)
class Region:
    """A region of the arrangement: the pattern of the rows of the code on it, and its extreme rays."""

    pattern: tuple[bool, ...]
    rays: tuple[Ray, ...]


def regions(code: Integers) -> list[Region]:
    """Every region of the arrangement of the rows of an integer code (d_1, k_1), k_1 <= 3, rows of 0 left out.

    Raises
    ------
    ValueError
        where the code has more than 3 columns, or rows that do not span its space.
    """
    rows = [_primitive(row) for row in np.asarray(code).tolist() if any(row)]
    k = len(rows[0]) if rows else 0
    if k not in (1, 2, 3):
        raise ValueError(f"code must have 1 to 3 columns and a row that is not 0 for its regions to be listed, got {k}")
    if np.linalg.matrix_rank(np.array(rows, dtype=float)) < k:
        raise ValueError(f"rows of the code must span {k} dimensions, got fewer")
    rays = sorted({ray for ray in _rays(rows, k)})
    signs = {ray: tuple(_sign(_dot(row, ray)) for row in rows) for ray in rays}
    patterns = sorted({p for ray in rays for p in _patterns_at(rows, signs[ray])}, reverse=True)
    listed = [
        tuple(r for r in rays if all(s * (1 if on else -1) >= 0 for s, on in zip(signs[r], p, strict=True)))
        for p in patterns
    ]
    full = [tuple(_dot(row, _sum(rs)) > 0 for row in np.asarray(code).tolist()) for rs in listed]
    return [Region(pattern, rs) for pattern, rs in zip(full, listed, strict=True)]


def _agrees(signs: Sequence[int], pattern: Sequence[bool]) -> bool:
    """Whether a ray lies in the closure of a region."""
    return all(sign >= 0 if on else sign <= 0 for sign, on in zip(signs, pattern, strict=True))


def _primitive(vector: Sequence[int]) -> Ray:
    divisor = gcd(*(int(x) for x in vector)) or 1
    return tuple(int(x) // divisor for x in vector)


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(int(x) * int(y) for x, y in zip(a, b, strict=True))


def _sum(rays: Sequence[Ray]) -> Ray:
    return tuple(map(sum, zip(*rays, strict=True)))


def _sign(x: int) -> int:
    return (x > 0) - (x < 0)


def _rays(rows: Sequence[Ray], k: int) -> Iterator[Ray]:
    """Primitive directions in which k - 1 independent rows vanish, both ways."""
    if k == 1:
        yield from ((1,), (-1,))
    for chosen in combinations(rows, k - 1) if k > 1 else ():
        normal = (-chosen[0][1], chosen[0][0]) if k == 2 else _cross(*chosen)
        if any(normal):
            ray = _primitive(normal)
            yield from (ray, tuple(-x for x in ray))


def _cross(a: Ray, b: Ray) -> Ray:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _patterns_at(rows: Sequence[Ray], signs: tuple[int, ...]) -> Iterator[tuple[bool, ...]]:
    """Strict patterns of the regions that meet a ray: those of the rows that vanish on it, the others fixed."""
    zero = [i for i, s in enumerate(signs) if s == 0]
    for own in _strict_patterns([rows[i] for i in zero]):
        pattern = [s > 0 for s in signs]
        for i, on in zip(zero, own, strict=True):
            pattern[i] = on
        yield tuple(pattern)


def _strict_patterns(rows: Sequence[Ray]) -> set[tuple[bool, ...]]:
    """Strict patterns of rows of rank at most 2, on all of space."""
    if not rows:
        return {()}
    directions: set[Ray] = set()
    for a, b in combinations(rows, 2):
        normals = [n for n in (_in_plane(a, b, row) for row in rows) if any(n)]
        edges = [tuple(s * x for x in n) for n in normals for s in (1, -1)]
        directions |= {_sum((_primitive(e), _primitive(f))) for e, f in combinations(edges, 2)}
        if normals:
            break
    directions |= {tuple(s * x for x in row) for row in rows for s in (1, -1)}
    strict = (tuple(_dot(row, r) for row in rows) for r in directions)
    return {tuple(x > 0 for x in values) for values in strict if all(values)}


def _in_plane(a: Ray, b: Ray, row: Ray) -> Ray:
    """A direction in the span of a and b on which a row vanishes."""
    x, y = _dot(row, a), _dot(row, b)
    return tuple(y * p - x * q for p, q in zip(a, b, strict=True))


@dataclass(frozen=True)
class Projection:
    """Nearest points (B, d) of S, their distances (B,), and the cone that each lies in."""

    points: Array
    distances: Array
    cones: tuple[int, ...]


@dataclass(frozen=True)
class TwoLayerRange:
    """S for an integer code (d_1, k_1), k_1 <= 3, an integer upsampling (d, d_1) and so many channels.

    Raises
    ------
    ValueError
        where the code cannot be listed, shapes disagree, or there are more cones than memory holds.
    """

    code: Integers
    upsampling: Integers
    channels: int

    def __post_init__(self) -> None:
        """Refuse what cannot be listed; the number of cones is known before they are made."""
        if self.channels < 1:
            raise ValueError(f"channels must be at least 1, got {self.channels}")
        if (columns := self.upsampling.shape[1]) != (pixels := len(self.code)):
            raise ValueError(f"upsampling must have a column for each of the code's {pixels} pixels, got {columns}")
        count = comb(2 * len(self.pieces) + self.channels - 1, self.channels)
        if count > MOST_CONES:
            raise ValueError(f"cones of the range must be at most {MOST_CONES}, got {count}")

    @cached_property
    def integer_pieces(self) -> list[Integers]:
        """Generators U relu(Z_1 r) of each region's outputs, integer columns (d, g); regions without any are left out.

        Columns of 0 are left out too.
        """
        U, Z = self.upsampling.astype(object), self.code.astype(object)
        columns = [
            [U.dot(np.maximum(Z.dot(np.array(ray, dtype=object)), 0)) for ray in region.rays]
            for region in regions(self.code)
        ]
        solid = [[c for c in own if any(c)] for own in columns]
        return [np.stack(own, axis=1) for own in solid if own]

    @cached_property
    def pieces(self) -> list[Array]:
        """Generators of each region's outputs, unit columns (d, g)."""
        return [piece.astype(float) / np.linalg.norm(piece.astype(float), axis=0) for piece in self.integer_pieces]

    @cached_property
    def cones(self) -> list[Array]:
        """Generators of every cone, (d, g): one signed piece a channel."""
        signed = [sign * piece for piece in self.pieces for sign in (1.0, -1.0)]
        return [np.concatenate(chosen, axis=1) for chosen in combinations_with_replacement(signed, self.channels)]

    @cached_property
    def spans(self) -> Array:
        """Orthonormal bases of the cones' spans, (cones, r, d), rows of 0 where a span is smaller."""
        d = self.upsampling.shape[0]
        bases = np.zeros((len(self.cones), min(d, max(cone.shape[1] for cone in self.cones)), d))
        for size in sorted({cone.shape[1] for cone in self.cones}):
            where = [i for i, cone in enumerate(self.cones) if cone.shape[1] == size]
            left, sizes, _ = np.linalg.svd(np.stack([self.cones[i] for i in where]), full_matrices=False)
            left = left * (sizes > 1e-9 * sizes[:, :1])[:, None, :]
            bases[where, : left.shape[2]] = np.swapaxes(left, 1, 2)
        return bases

    def nearest(self, points: Array) -> Projection:
        """Nearest points of S to points (B, d): cones in the order of their spans' energy, until none can be better."""
        v = np.atleast_2d(real_array("points", points, 1))
        energies = np.square(np.tensordot(v, self.spans, axes=(1, 2))).sum(-1)
        results = [self._nearest(one, energy) for one, energy in zip(v, energies, strict=True)]
        chosen, where = zip(*results, strict=True)
        x = np.stack(chosen)
        return Projection(x, np.linalg.norm(v - x, axis=1), tuple(where))

    def _nearest(self, v: Array, energies: Array) -> tuple[Array, int]:
        best, captured, where = np.zeros_like(v), 0.0, 0
        for i in np.argsort(-energies, kind="stable"):
            if energies[i] <= captured:
                break
            coefficients, _ = nnls(self.cones[i], v)
            x = self.cones[i] @ coefficients
            if (energy := float(v @ v - (v - x) @ (v - x))) > captured:
                best, captured, where = x, energy, int(i)
        return best, where

    def dual(self, point: Array, distance: float) -> Array:
        """A direction q a cone, (cones, d), with M^T q <= 0, which bounds the distance of the cone: <v, q>/||q||.

        The residual of the span serves where it is long enough, that of the cone itself elsewhere.
        """
        v = real_array("point", point, 1)
        q = v - np.einsum("crd,cr->cd", self.spans, self.spans @ v)
        for i in np.flatnonzero(np.linalg.norm(q, axis=1) < distance):
            q[i] = v - self.cones[i] @ nnls(self.cones[i], v)[0]
        result: Array = q
        return result
