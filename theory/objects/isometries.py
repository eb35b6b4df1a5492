"""Restricted isometry constants of a matrix, gamma = min and beta = max of ||Ax||^2/||x||^2, on sets of vectors.

On a polyhedral cone an extreme x = M c lies on a face: c restricted to it is a positive eigenvector of the pencil
(M_F^T A^T A M_F, M_F^T M_F). Independent generators suffice (Caratheodory). Source: jagatap19 Definition 2
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from untrained.theory.objects.shapes import Array, real_array, same_length

_CHUNK = 20_000
"""Faces whose pencils are solved together."""
_INDEPENDENT = 1e-9
"""Faces whose generators are dependent to within this are covered by their independent subsets."""
_POSITIVE = 1e-12


@dataclass(frozen=True)
class SetIsometry:
    """Least and largest ||Ax||^2/||x||^2 over a set, the vectors that meet them, and how many faces were solved."""

    gamma: float
    beta: float
    lowest: Array
    highest: Array
    faces: int

    @property
    def alpha(self) -> float:
        """The least alpha with gamma >= 1 - alpha and beta <= 1 + alpha."""
        return max(1 - self.gamma, self.beta - 1)


def on_subspace(matrix: Array, vectors: Array) -> SetIsometry:
    """Constants of A (n, d) on the span of the columns of `vectors` (d, r); gamma is 0 where r exceeds n.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, or every column is zero.
    """
    A, V = real_array("matrix", matrix, 2), real_array("vectors", vectors, 2)
    same_length("columns of matrix", A.shape[1], "rows of vectors", V.shape[0])
    left, sizes, _ = np.linalg.svd(V, full_matrices=False)
    basis = left[:, sizes > _INDEPENDENT * sizes[0]] if sizes.size and sizes[0] > 0 else left[:, :0]
    if not basis.shape[1]:
        raise ValueError("vectors must not all be zero, got a span of dimension 0")
    coordinates = np.linalg.eigh((A @ basis).T @ (A @ basis))[1]
    low, high = basis @ coordinates[:, 0], basis @ coordinates[:, -1]
    return SetIsometry(_ratio(A, low), _ratio(A, high), low, high, 1)


def on_union(matrix: Array, spans: Iterable[Array]) -> SetIsometry:
    """Constants of A on a union of subspaces, each the span of the columns of an array (d, r)."""
    return _extreme([on_subspace(matrix, span) for span in spans])


def on_cone(matrix: Array, generators: Array) -> SetIsometry:
    """Constants of A on the cone of the columns of `generators` (d, g), face by face: 2^g - 1 of them at most."""
    M = real_array("generators", generators, 2)
    faces = (face for size in range(1, min(M.shape) + 1) for face in combinations(range(M.shape[1]), size))
    return on_faces(matrix, M, faces)


def on_faces(matrix: Array, generators: Array, faces: Iterable[Sequence[int]]) -> SetIsometry:
    """Constants over the cones of chosen columns, those of all their faces being among them.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, or no face has independent generators.
    """
    A, M = real_array("matrix", matrix, 2), real_array("generators", generators, 2)
    same_length("columns of matrix", A.shape[1], "rows of generators", M.shape[0])
    by_size: dict[int, list[Sequence[int]]] = {}
    for face in faces:
        by_size.setdefault(len(face), []).append(face)
    parts = [part for listed in by_size.values() for part in _solved(A, M, np.array(listed))]
    if not parts:
        raise ValueError("faces must have independent generators, got none that has")
    return _extreme(parts)


def _solved(A: Array, M: Array, faces: Array) -> Iterator[SetIsometry]:
    for start in range(0, len(faces), _CHUNK):
        part = faces[start : start + _CHUNK]
        columns = np.moveaxis(M[:, part], 1, 0)  # (faces, d, g)
        gram = np.swapaxes(columns, 1, 2) @ columns
        sizes, axes = np.linalg.eigh(gram)
        independent = sizes[:, 0] > _INDEPENDENT * sizes[:, -1]
        if not independent.any():
            continue
        columns, sizes, axes = columns[independent], sizes[independent], axes[independent]
        whitening = axes / np.sqrt(sizes)[:, None, :]
        image = A @ columns @ whitening
        values, vectors = np.linalg.eigh(np.swapaxes(image, 1, 2) @ image)
        coefficients = whitening @ vectors  # (faces, g, eigenvectors)
        signs = np.sign(coefficients.sum(1))[:, None, :]
        positive = (coefficients * signs > _POSITIVE * np.abs(coefficients).max(1, keepdims=True)).all(1)
        if positive.any():
            yield _best(A, columns, coefficients * signs, values, positive, len(part))


def _best(A: Array, columns: Array, coefficients: Array, values: Array, positive: Array, faces: int) -> SetIsometry:
    ends = []
    for fill, pick in ((np.inf, np.argmin), (-np.inf, np.argmax)):
        face, which = np.unravel_index(int(pick(np.where(positive, values, fill))), values.shape)
        ends.append(columns[face] @ coefficients[face, :, which])
    return SetIsometry(_ratio(A, ends[0]), _ratio(A, ends[1]), ends[0], ends[1], faces)


def _ratio(A: Array, x: Array) -> float:
    return float(np.square(A @ x).sum() / np.square(x).sum())


def _extreme(parts: Sequence[SetIsometry]) -> SetIsometry:
    low, high = min(parts, key=lambda one: one.gamma), max(parts, key=lambda one: one.beta)
    return SetIsometry(low.gamma, high.beta, low.lowest, high.highest, sum(one.faces for one in parts))
