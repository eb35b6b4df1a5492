"""Matrices as operators on flattened images: dense, sparse, or read from a file block by block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

from untrained.sims.files import Refused
from untrained.sims.operators.base import Operator, Shape, refuse_masked
from untrained.sims.random.streams import stream

STORED_BLOCK = 16 << 20
"""Bytes of a stored matrix that are held at once."""


@dataclass(frozen=True)
class StoredMatrix:
    """A matrix in an npy file, read in blocks of rows (of columns, where they lie together) at every product.

    `rows` and `columns` are counted as they lie in the file; `flipped` says that the matrix is the transpose of that.
    """

    path: Path
    dtype: np.dtype
    offset: int
    rows: int
    columns: int
    flipped: bool = False

    @classmethod
    def at(cls, path: Path) -> StoredMatrix:
        """The matrix of a file in numpy's format.

        Raises
        ------
        ValueError
            where it holds no matrix.
        """
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim != 2:
            raise Refused(f"matrix must have two dimensions, got shape {array.shape} in {path}")
        flipped = not array.flags.c_contiguous
        rows, columns = array.shape[::-1] if flipped else array.shape
        return cls(path, array.dtype, array.offset, rows, columns, flipped)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return (self.columns, self.rows) if self.flipped else (self.rows, self.columns)

    @property
    def T(self) -> StoredMatrix:
        """The transpose, of the same file."""
        return replace(self, flipped=not self.flipped)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Blocks of rows as they lie in the file, with the place of each, mapped one at a time."""
        width, kind = self.columns * self.dtype.itemsize, working_type(self.dtype)
        step = max(1, STORED_BLOCK // max(1, width))
        for start in range(0, self.rows, step):
            size = min(step, self.rows - start), self.columns
            mapped = np.memmap(self.path, self.dtype, "r", self.offset + start * width, size)
            yield slice(start, start + step), np.asarray(mapped).astype(kind, copy=False)

    def __matmul__(self, values: np.ndarray) -> np.ndarray:
        if not self.flipped:
            return np.concatenate([block @ values for _, block in self.blocks()])
        return np.sum([block.T @ values[place] for place, block in self.blocks()], axis=0)


def working_type(kind: Any) -> np.dtype:
    """The type that products with a matrix of a type are taken in: float32, float64 or their complex twins.

    Raises
    ------
    ValueError
        where it holds no numbers.
    """
    kind = np.dtype(kind)
    if kind.kind not in "biufc":
        raise ValueError(f"matrix must hold numbers, got {kind}")
    wide = np.result_type(kind, np.float32)
    return np.dtype({"g": np.float64, "G": np.complex128}.get(wide.char, wide))


class MatrixOperator(Operator):
    """Products with a matrix (rows, C H W) on flattened images, a batch at once, in the matrix's own precision.

    A complex matrix measures a real image: y holds real parts, then imaginary ones, and m is twice the rows. Sparse
    matrices stay sparse and stored ones in their file. Products are taken on the CPU.
    """

    name = "user"

    def __init__(self, matrix: Any, shape: Shape) -> None:
        rows, columns = matrix.shape
        if columns != prod(shape):
            raise ValueError(f"operator must have {prod(shape)} columns for images of shape {shape}, got {columns}")
        if not rows:
            raise ValueError("operator must have at least one row, got none")
        self._type = working_type(matrix.dtype)
        self._complex = self._type.kind == "c"
        super().__init__(shape, rows * (1 + self._complex))
        refuse_masked("operator", matrix)
        self._matrix = _held(matrix, self._type)
        self.streamed = not isinstance(self._matrix, np.ndarray)
        self.gain = checked_gain(_squares(self._matrix), self.n)
        x = torch.from_numpy(stream(0, "gain").integers(2, size=(1, *shape)) * 2.0 - 1).float()
        self._digest = hashlib.sha256(self._product(x).numpy().tobytes()).hexdigest()

    @property
    def options(self) -> dict[str, Any]:
        """What its measurement of a fixed image hashes to; it cannot be made again from this."""
        return {"probe": self._digest, "rebuildable": False}

    @property
    def memory(self) -> int:
        """Bytes of the matrix that are held at once."""
        if isinstance(self._matrix, StoredMatrix):
            return STORED_BLOCK
        if sparse.issparse(self._matrix):
            return sum(part.nbytes for part in (self._matrix.data, self._matrix.indices, self._matrix.indptr))
        return int(self._matrix.nbytes)

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return self._real(self._matrix @ self._columns(x.reshape(len(x), -1)), x)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        back = self._matrix.T @ self._conjugate(self._columns(y))
        return _tensor(back.real, y).reshape(-1, *self.shape)

    def _residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        A = self._matrix
        if not isinstance(A, StoredMatrix) or A.flipped:
            return super()._residual_and_gradient(x, y)
        r, g = _one_reading(A, self._columns(x.reshape(len(x), -1)), self._conjugate(self._columns(y)).conj())
        return self._real(r, x), _tensor(g.real, x).reshape(x.shape)

    def _columns(self, rows: torch.Tensor) -> np.ndarray:
        """Images or measurements (batch, k) as columns (k, batch) of the real type that goes with the matrix's."""
        return rows.detach().cpu().numpy().astype(np.zeros(0, self._type).real.dtype).T

    def _conjugate(self, columns: np.ndarray) -> np.ndarray:
        """The conjugates of complex measurements, from stacked real and imaginary parts."""
        if not self._complex:
            return columns
        half = len(columns) // 2
        return (columns[:half] - 1j * columns[half:]).astype(self._type)

    def _real(self, columns: np.ndarray, like: torch.Tensor) -> torch.Tensor:
        return _tensor(np.concatenate([columns.real, columns.imag]) if self._complex else columns, like)


def _tensor(columns: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(columns.T)).to(like.device, like.dtype)


def _one_reading(A: StoredMatrix, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R = A X - Y and A^T conj(R), each block of A read once."""
    residuals, gradient = [], np.zeros((A.columns, X.shape[1]), working_type(A.dtype))
    for place, block in A.blocks():
        residuals.append(block @ X - Y[place])
        gradient += block.T @ residuals[-1].conj()
    return np.concatenate(residuals), gradient


def _held(matrix: Any, kind: np.dtype) -> Any:
    if isinstance(matrix, StoredMatrix):
        return matrix
    if sparse.issparse(matrix):
        # The type first: csr_array sums the parts of an entry, which may not fit the matrix's own.
        rows = sparse.csr_array(matrix.astype(kind, copy=False))
        return rows if rows.has_canonical_format else _summed(rows)
    return np.asarray(matrix).astype(kind, copy=False)


def _summed(rows: Any) -> Any:
    """A copy in which each entry is stored once: the user's matrix may share what is summed in place."""
    once = rows.copy()
    once.sum_duplicates()
    return once


def checked_gain(squares: float, n: int) -> float:
    """Return the gain ||A||_F^2/n.

    Raises
    ------
    ValueError
        where the numbers are not finite, or all zero.
    """
    if not isfinite(squares):
        raise ValueError("operator must hold finite numbers, got a matrix with others")
    if squares == 0:
        raise ValueError("operator must measure something, got zeros for every image")
    return squares / n


def numbers_of(matrix: torch.Tensor) -> Any:
    """A matrix of torch as an array of numpy, or as a sparse one of scipy, of numbers that these have."""
    short = {torch.float16: torch.float32, torch.bfloat16: torch.float32, torch.complex32: torch.complex64}
    own = matrix.detach().cpu().to(short.get(matrix.dtype, matrix.dtype))
    if own.layout == torch.strided:
        return own.numpy(force=True)
    entries = own.to_sparse_coo().coalesce()
    return sparse.coo_array((entries.values().numpy(force=True), entries.indices().numpy()), tuple(own.shape))


def _squares(matrix: Any) -> float:
    """||A||_F^2, summed in float64."""
    if isinstance(matrix, StoredMatrix):
        blocks: Any = (block for _, block in matrix.blocks())
    elif sparse.issparse(matrix):
        blocks = [matrix.data]
    else:
        step = max(1, STORED_BLOCK // max(1, matrix[0].nbytes))
        blocks = (matrix[start : start + step] for start in range(0, len(matrix), step))
    wide = np.complex128 if working_type(matrix.dtype).kind == "c" else np.float64
    return float(sum(np.vdot(part, part).real for part in (block.astype(wide, copy=False) for block in blocks)))
