"""Extreme singular values of Gaussian matrices, drawn through their bidiagonal form.

An n x s standard Gaussian matrix has the singular values of a lower-bidiagonal matrix with independent chi
entries: chi_s, chi_{s-1}, ... on the diagonal and chi_{n-1}, ..., chi_1 below it. A trial thus costs 2n - 1
draws whatever s is.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from untrained.theory.objects.gaussian_spectra import largest_root_of_squares, smallest_root_of_squares
from untrained.theory.objects.shapes import Array, whole_number

_Columns = int | npt.NDArray[np.int64]
_BLOCK_NUMBERS = 1 << 19


def _checked_columns(columns: _Columns, size: int) -> npt.NDArray[np.int64]:
    s = np.asarray(columns)
    if s.dtype.kind not in "iu" or s.shape not in ((), (size,)) or (s < 0).any():
        raise ValueError(f"columns must be integers of at least 0, one or {size} of them, got {columns!r}")
    return np.broadcast_to(s.astype(np.int64), (size,))


def _degrees(rows: int, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Degrees of freedom of a trial's 2n - 1 chi variables; past s columns the factor is zero."""
    i, s = np.arange(rows), columns[..., None]
    below = np.where(i[1:] <= s, rows - i[1:], 0)
    return np.concatenate([np.maximum(s - i, 0), below], axis=-1)


def _factor_squares(generator: np.random.Generator, rows: int, columns: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Squared entries, one trial per column; the stream is consumed trial by trial."""
    alike = columns.size > 0 and bool((columns == columns[0]).all())
    shapes = _degrees(rows, columns[:1] if alike else columns) / 2.0
    squares = 2.0 * generator.standard_gamma(shapes, size=(columns.size, 2 * rows - 1)).T
    return squares[:rows], squares[rows:]


def _blocks(size: int, rows: int) -> Iterator[slice]:
    length = max(1, _BLOCK_NUMBERS // (2 * rows - 1))
    for first in range(0, size, length):
        yield slice(first, min(first + length, size))


def _extreme_values(
    generator: np.random.Generator,
    rows: int,
    columns: npt.NDArray[np.int64],
    root: Callable[[Array, Array], Array],
) -> Array:
    values = np.empty(columns.size)
    for part in _blocks(columns.size, rows):
        a2, b2 = _factor_squares(generator, rows, columns[part])
        values[part] = np.sqrt(root(np.ascontiguousarray(a2), np.ascontiguousarray(b2)))
    return values


def bidiagonal_factor(generator: np.random.Generator, rows: int, columns: _Columns, size: int) -> tuple[Array, Array]:
    """Diagonal and subdiagonal of random bidiagonal matrices with the singular values of Gaussian ones.

    Parameters
    ----------
    generator : source of the draws.
    rows : n, at least 1.
    columns : s, at least 0, an integer or an array of shape (size,); below n the factor is padded by zeros.
    size : number of trials.

    Returns
    -------
    tuple of ndarray
        Shapes (size, n) and (size, n - 1). A longer run with one s starts with the trials of a shorter one.

    Raises
    ------
    ValueError
        If a count is out of range or ``columns`` has another shape.

    Source: J. W. Silverstein 1985; I. Dumitriu and A. Edelman 2002.
    """
    n, size = whole_number("rows", rows, 1), whole_number("size", size, 0)
    a2, b2 = _factor_squares(generator, n, _checked_columns(columns, size))
    return np.sqrt(a2.T), np.sqrt(b2.T)


def smallest_singular_values(generator: np.random.Generator, rows: int, columns: _Columns, size: int) -> Array:
    """n-th singular values of n x s standard Gaussian matrices; 0 where s < n.

    Parameters
    ----------
    generator : source of the draws.
    rows : n, at least 1.
    columns : s, at least 0, an integer or an array of shape (size,).
    size : number of trials.

    Returns
    -------
    ndarray of shape (size,)
        The draws are made trial by trial, so they do not depend on the size of the working blocks.

    Raises
    ------
    ValueError
        If a count is out of range or ``columns`` has another shape.

    Source: J. W. Silverstein 1985; I. Dumitriu and A. Edelman 2002.
    """
    n, size = whole_number("rows", rows, 1), whole_number("size", size, 0)
    return _extreme_values(generator, n, _checked_columns(columns, size), smallest_root_of_squares)


def largest_singular_values(generator: np.random.Generator, rows: int, columns: _Columns, size: int) -> Array:
    """First singular values of n x s standard Gaussian matrices.

    Parameters
    ----------
    generator : source of the draws.
    rows : n, at least 1.
    columns : s, at least 0, an integer or an array of shape (size,).
    size : number of trials.

    Returns
    -------
    ndarray of shape (size,)
        The draws are made trial by trial, so they do not depend on the size of the working blocks.

    Raises
    ------
    ValueError
        If a count is out of range or ``columns`` has another shape.

    Source: J. W. Silverstein 1985; I. Dumitriu and A. Edelman 2002.
    """
    n, size = whole_number("rows", rows, 1), whole_number("size", size, 0)
    return _extreme_values(generator, n, _checked_columns(columns, size), largest_root_of_squares)


def jacobian_smallest_singular_values(generator: np.random.Generator, n: int, d: int, size: int) -> Array:
    """n-th singular values of V_S, V n x d standard Gaussian and S a fair random subset of its columns.

    Parameters
    ----------
    generator : source of the draws.
    n, d : rows (>= 1) and columns (>= 0) of V.
    size : number of trials.

    Returns
    -------
    ndarray of shape (size,)
        In units where nu * ||z|| = 1; 0 where fewer than n columns are kept. All |S| are drawn first, then
        the factors trial by trial, so the draws do not depend on the size of the working blocks.

    Raises
    ------
    ValueError
        If a count is out of range.

    Source: J. W. Silverstein 1985; I. Dumitriu and A. Edelman 2002.
    """
    n, d = whole_number("n", n, 1), whole_number("d", d, 0)
    columns = generator.binomial(d, 0.5, size=whole_number("size", size, 0))
    return _extreme_values(generator, n, columns, smallest_root_of_squares)
