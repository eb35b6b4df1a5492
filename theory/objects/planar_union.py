"""The range of a decoder of widths (2, 1, 1) as a union of planar cones, and Net-PGD's step on it as quadratic forms.

With x* = a_1 g + a_2 g' and x = +-(b_1 e + b_2 e') on two cones everything is quadratic in c = (a, b) >= 0:
D = ||x - x*||^2 and, where x+ = P_F v lies on a face F (a line, or a plane), N = ||P_F v - x*||^2; here
v = x - A^T A(x - x*). x+ is nearest only where E_F >= E_k: E the energy ||P v||^2, k any line, or a plane that holds
P_k v on one of its two cones.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from untrained.theory.objects.decoders import Integers
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array

OWN_PLANE = -2
"""Witness of x and x* on one cone and x+ on its plane, where a 2x2 matrix decides."""


@dataclass(frozen=True)
class PlanarUnion:
    """S = union of +-cone{g, g'}: generators (L, d) in integers, and the pairs of them that span a cone.

    A generator stands for a line, its multiples of both signs; faces are the L lines and, after them, the planes.
    """

    lines: Integers
    planes: tuple[tuple[int, int], ...]

    @cached_property
    def scaled(self) -> Array:
        """Generators over powers of two, lengths about 1, which floats hold exactly."""
        floats = self.lines.astype(float)
        result: Array = floats / np.exp2(np.round(np.log2(np.linalg.norm(floats, axis=1, keepdims=True))))
        return result

    @cached_property
    def faces(self) -> list[tuple[int, ...]]:
        """Generators of each face by number."""
        return [*((i,) for i in range(len(self.lines))), *self.planes]

    def points(self, plane: Integers, coefficients: Array) -> Array:
        """The points (B, d) of planes (B,) with coefficients (B, 2)."""
        result: Array = np.einsum("bkd,bk->bd", self.scaled[np.array(self.planes)[plane]], coefficients)
        return result

    def nearest(self, points: Array) -> Array:
        """Nearest points (B, d) of S to points (B, d)."""
        best, captured = np.zeros_like(points), np.zeros(len(points))
        for face in self.faces:
            M = self.scaled[list(face)]
            c = points @ np.linalg.pinv(M)
            one_sign: Any = (c > 0).all(1) | (c < 0).all(1)
            x = (c @ M) * one_sign[:, None]
            energy = np.square(x).sum(1)
            best = np.where((energy > captured)[:, None], x, best)
            captured = np.maximum(energy, captured)
        return best

    def step_ratio_sq(self, A: Array, star: Array, x: Array) -> Fraction:
        """||x+ - x*||^2/||x - x*||^2 of the step from x at x*, exact; the larger one where points tie."""
        at, moved = rational(star[:, None]), rational(x[:, None])
        h = moved - at
        v = moved - rational(A).transpose() * (rational(A) * h)
        steps = [(fmpq(0), _square(at)[0, 0])]
        for face in self.faces:
            M = rational(self.scaled[list(face)].T)
            c = _square(M).inv() * (M.transpose() * v)
            if _one_sign(c):
                steps.append((_square(M * c)[0, 0], _square(M * c - at)[0, 0]))
        ratio = max(steps)[1] / _square(h)[0, 0]
        return Fraction(int(ratio.p), int(ratio.q))


def planar_union(range_: TwoLayerRange) -> PlanarUnion:
    """The range of a decoder of widths (2, 1, 1) as a union of planar cones.

    Raises
    ------
    ValueError
        where the widths are others, or some output lies on no planar cone.
    """
    if range_.channels != 1 or range_.code.shape[1] != 2:
        raise ValueError(f"range_ must have widths (2, 1, 1), got ({range_.code.shape[1]}, {range_.channels}, 1)")
    pieces = {_primitive(piece) for piece in range_.integer_pieces}
    planes = sorted(piece for piece in pieces if len(piece) == 2)
    lines = sorted({g for plane in planes for g in plane})
    if {g for piece in pieces for g in piece} != set(lines):
        raise ValueError("range_ must be made of planar cones, got a line that is on none")
    number = {g: i for i, g in enumerate(lines)}
    return PlanarUnion(np.array(lines), tuple((number[a], number[b]) for a, b in planes))


def _primitive(piece: Integers) -> tuple[tuple[int, ...], ...]:
    """The columns of a piece without common factors, each once, in order."""
    return tuple(sorted({tuple(int(x) // gcd(*column) for x in column) for column in piece.T.tolist()}))


@dataclass(frozen=True)
class ConePair:
    """Exact forms in c of x* on the cone of one plane and x on the cone of another, times `sign`.

    D, the energies and the misses N of x+ on each face are 4x4; `coefficients` of P v on each plane are 2x4.
    """

    star: int
    moved: int
    sign: int
    D: fmpq_mat
    energies: list[fmpq_mat]
    misses: list[fmpq_mat]
    coefficients: list[fmpq_mat]

    def is_own(self, union: PlanarUnion, face: int) -> bool:
        """Whether x and x* lie on one cone, and the face is its plane."""
        return self.star == self.moved and self.sign == 1 and face == len(union.lines) + self.star


def cone_pairs(union: PlanarUnion, A: Array) -> list[ConePair]:
    """Every pair of cones; x* has the sign +, since S = -S. The floats of A (n, d) are taken as exact."""
    gram = rational(A).transpose() * rational(A)
    blocks = [rational(union.scaled[list(plane)].T) for plane in union.planes]
    faces = [rational(union.scaled[list(face)].T) for face in union.faces]
    return [
        _pair((i, j, sign), _beside(blocks[i], 0), sign * _beside(blocks[j], 2), gram, faces)
        for i in range(len(blocks))
        for j in range(len(blocks))
        for sign in (1, -1)
    ]


def _pair(which: tuple[int, int, int], star: fmpq_mat, x: fmpq_mat, gram: fmpq_mat, faces: list[fmpq_mat]) -> ConePair:
    h = x - star
    v = x - gram * h
    solved = [(M.transpose() * M).inv() * (M.transpose() * v) for M in faces]
    projected = [M * c for M, c in zip(faces, solved, strict=True)]
    misses = [_square(x_plus - star) for x_plus in projected]
    energies = [_square(x_plus) for x_plus in projected]
    return ConePair(*which, _square(h), energies, misses, [c for c in solved if c.nrows() == 2])


def _square(M: fmpq_mat) -> fmpq_mat:
    return M.transpose() * M


def rational(matrix: Array) -> fmpq_mat:
    """The floats of a matrix as the rationals that they are."""
    rows, columns = matrix.shape
    return fmpq_mat(rows, columns, [fmpq(*float(x).as_integer_ratio()) for x in matrix.ravel()])


def _beside(block: fmpq_mat, at: int) -> fmpq_mat:
    """Two columns of four, the others 0."""
    wide = fmpq_mat(block.nrows(), 4)
    for r in range(block.nrows()):
        for k in range(2):
            wide[r, at + k] = block[r, k]
    return wide


@dataclass(frozen=True)
class CellWitness:
    """Why no step onto a face beats a bound on a cell: a face k with its multiplier, or a coefficient of P_F v.

    `kind` is a face; from the number of faces on a coefficient, that is nowhere positive; or OWN_PLANE.
    """

    kind: int
    multiplier: fmpq

    def holds(self, union: PlanarUnion, pair: ConePair, face: int, sign: int, bound_sq: fmpq, W: fmpq_mat) -> bool:
        """Whether it shows N <= bound^2 D for every step from a cell, the cone of the columns of W, onto the face.

        On the own plane the form is one in b - a and must not be negative. Inside a plane both coefficients of P_F v
        are positive; its edges are lines. Otherwise no entry of W^T(bound^2 D - N - multiplier (E_F - E_k))W is
        negative.
        """
        lines, faces = len(union.lines), len(union.faces)
        if self.kind == OWN_PLANE:
            return pair.is_own(union, face) and _semidefinite_in_difference(bound_sq * pair.D - pair.misses[face])
        if self.kind >= faces:
            c = sign * pair.coefficients[face - lines] * W
            return all(c[self.kind - faces, v] <= 0 for v in range(4))
        if self.kind >= lines and not _one_sign(pair.coefficients[self.kind - lines] * W):
            return False
        gap = pair.energies[face] - pair.energies[self.kind]
        form = bound_sq * pair.D - pair.misses[face] - self.multiplier * gap
        return self.multiplier >= 0 and all(x >= 0 for x in (W.transpose() * form * W).entries())


def _one_sign(coefficients: fmpq_mat) -> bool:
    entries = coefficients.entries()
    return all(x >= 0 for x in entries) or all(x <= 0 for x in entries)


def _semidefinite_in_difference(form: fmpq_mat) -> bool:
    """Whether a form is one in b - a, and positive semidefinite there."""
    alike = all(form[r, c] == -form[r + 2, c] == form[r + 2, c + 2] for r in range(2) for c in range(2))
    det = form[0, 0] * form[1, 1] - form[0, 1] * form[1, 0]
    return alike and form[0, 0] >= 0 and form[1, 1] >= 0 and det >= 0
