"""Extreme singular values of Gaussian matrices in double precision: bounds, edges, bidiagonal solvers."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from untrained.theory.objects.shapes import Array

_BLOCK = 4096
_RELATIVE_STEP = 1e-13


class SpectralBound(NamedTuple):
    """A level that a singular value crosses with probability at most ``failure``."""

    level: float
    failure: float


def _check_shape(rows: int, columns: int) -> None:
    if not 1 <= rows < math.inf:
        raise ValueError(f"rows must be at least 1, got {rows!r}")
    if not 0 <= columns < math.inf:
        raise ValueError(f"columns must be at least 0, got {columns!r}")


def _failure(deviation: float) -> float:
    if not 0 <= deviation < math.inf:
        raise ValueError(f"deviation must be finite and at least 0, got {deviation!r}")
    return math.exp(-deviation * deviation / 2)


def davidson_szarek_smallest(rows: int, columns: int, deviation: float) -> SpectralBound:
    """Level sqrt(s) - sqrt(n) - t that the n-th singular value of an n x s Gaussian matrix stays above.

    Returns
    -------
    SpectralBound
        The level (possibly negative) and the failure probability exp(-t^2/2).

    Raises
    ------
    ValueError
        If a count or the deviation is out of range.

    Source: K. R. Davidson and S. J. Szarek 2001, Theorem II.13.
    """
    _check_shape(rows, columns)
    failure = _failure(deviation)
    return SpectralBound(math.sqrt(columns) - math.sqrt(rows) - deviation, failure)


def davidson_szarek_largest(rows: int, columns: int, deviation: float) -> SpectralBound:
    """Level sqrt(s) + sqrt(n) + t that the first singular value of an n x s Gaussian matrix stays below.

    Returns
    -------
    SpectralBound
        The level and the failure probability exp(-t^2/2).

    Raises
    ------
    ValueError
        If a count or the deviation is out of range.

    Source: K. R. Davidson and S. J. Szarek 2001, Theorem II.13.
    """
    _check_shape(rows, columns)
    failure = _failure(deviation)
    return SpectralBound(math.sqrt(columns) + math.sqrt(rows) + deviation, failure)


def marchenko_pastur_edges(rows: int, columns: int) -> tuple[float, float]:
    """Edges (sqrt(s) -+ sqrt(n))^2 of the bulk of the non-zero eigenvalues of V V^T, V n x s Gaussian.

    Raises
    ------
    ValueError
        If a count is out of range.

    Source: V. A. Marchenko and L. A. Pastur 1967.
    """
    _check_shape(rows, columns)
    n, s = math.sqrt(rows), math.sqrt(columns)
    return (s - n) ** 2, (s + n) ** 2


def jacobian_edge_ratio() -> float:
    """Ratio d/n at which sqrt(d/2) - sqrt(n) = sqrt(d)/2, that is (1/sqrt(2) - 1/2)^-2, about 23.31."""
    return (math.sqrt(0.5) - 0.5) ** -2


def _log_derivative_sums(a2: Array, b2: Array, shift: Array, sign: float) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Sums of 1/(root - shift) and of its square, and where all pivots of B B^T - shift have the sign.

    The pivots p = a^2 + t follow t <- b^2 t / p - shift, which never forms B B^T; on the right side of the
    spectrum both derivative recursions add terms of one sign.
    """
    t, t1, t2 = -shift, np.full_like(shift, -1.0), np.zeros_like(shift)
    p, r, u, q = (np.empty_like(shift) for _ in range(4))
    s1, s2, extreme = np.zeros_like(shift), np.zeros_like(shift), np.full_like(shift, math.inf)
    for i in range(len(a2)):
        np.add(a2[i], t, out=p)
        np.minimum(extreme, p if sign > 0 else np.negative(p, out=q), out=extreme)
        np.divide(1.0, p, out=r)
        np.multiply(t1, r, out=u)
        s1 -= u
        s2 += np.multiply(u, u, out=q)
        s2 -= np.multiply(t2, r, out=q)
        if i + 1 == len(a2):
            break
        np.multiply(b2[i], r, out=q)
        t *= q
        t -= shift
        q *= a2[i]
        q *= r
        u *= t1
        u *= 2.0
        t2 -= u
        t2 *= q
        t1 *= q
        t1 -= 1.0
    return s1, s2, extreme > 0


def _laguerre_step(s1: Array, s2: Array, n: int, sign: float) -> Array:
    """Laguerre's step towards the nearest root; from outside the spectrum it never passes it."""
    spread = np.maximum((n - 1) * (n * s2 - s1 * s1), 0.0)
    return n / (s1 + sign * np.sqrt(spread))


def _next_trial(inner: Array, outer: Array, ahead: Array, retreat: Array, sign: float) -> Array:
    """Laguerre's point if it stays inside the bracket; else just inside its end, at worst its middle."""
    middle = 0.5 * (inner + outer)
    back = outer - sign * retreat * np.abs(outer)
    back = np.where(sign * (back - middle) > 0, back, middle)
    return np.where(sign * (outer - ahead) > 0, ahead, back)


def _is_settled(inner: Array, outer: Array, trial: Array) -> npt.NDArray[np.bool_]:
    """Whether the last move or the bracket is within rounding, or the numbers are no longer finite."""
    move = np.minimum(np.abs(trial - inner), np.abs(outer - inner))
    return ~(move > _RELATIVE_STEP * np.abs(trial))


def _extreme_root(a2: Array, b2: Array, start: Array, sign: float) -> Array:
    """Extreme eigenvalue of B B^T per column: Laguerre's iteration, bisection where rounding overshoots.

    Where 1/root^2 overflows, the last trial outside the spectrum stands.
    """
    result, index = start.copy(), np.arange(start.size)
    inner, outer, trial = start.copy(), np.full_like(start, sign * math.inf), start.copy()
    ahead, retreat = start.copy(), np.full_like(start, _RELATIVE_STEP / 16)
    going = np.ones(start.size, dtype=np.bool_)
    while index.size:
        with np.errstate(all="ignore"):
            s1, s2, outside = _log_derivative_sums(a2, b2, trial, sign)
            step = _laguerre_step(s1, s2, len(a2), sign)
            # A trial that is no longer outside the spectrum bounds the root from the other side.
            inner, outer = np.where(outside, trial, inner), np.where(outside, outer, trial)
            ahead = np.where(outside, trial + step, ahead)
            retreat = np.where(outside, retreat, 8 * retreat)
            trial = _next_trial(inner, outer, ahead, retreat, sign)
        result[index[going]] = np.where(np.isfinite(trial), trial, inner)[going]
        # Settled columns are kept, without effect, until they can be dropped many at once.
        going &= ~_is_settled(inner, outer, trial)
        if 2 * np.count_nonzero(going) <= index.size:
            a2, b2, index = a2[:, going], b2[:, going], index[going]
            inner, outer, trial = inner[going], outer[going], trial[going]
            ahead, retreat, going = ahead[going], retreat[going], going[going]
    return result


def smallest_root_of_squares(diagonal_squares: Array, subdiagonal_squares: Array) -> Array:
    """Smallest eigenvalues of B B^T, entries of B given squared, one lower-bidiagonal matrix per column.

    Parameters
    ----------
    diagonal_squares, subdiagonal_squares : arrays of shape (n, size) and (n - 1, size), not checked.

    Returns
    -------
    ndarray of shape (size,)
    """
    norm = np.sqrt(subdiagonal_squares.max(axis=0, initial=0.0))
    start = np.maximum(np.sqrt(diagonal_squares.min(axis=0)) - norm, 0.0)
    return _extreme_root(diagonal_squares, subdiagonal_squares, start * start * (1 - 1e-14), 1.0)


def largest_root_of_squares(diagonal_squares: Array, subdiagonal_squares: Array) -> Array:
    """Largest eigenvalues of B B^T, entries of B given squared, one lower-bidiagonal matrix per column.

    Parameters
    ----------
    diagonal_squares, subdiagonal_squares : arrays of shape (n, size) and (n - 1, size), not checked.

    Returns
    -------
    ndarray of shape (size,)
    """
    norm = np.sqrt(diagonal_squares.max(axis=0)) + np.sqrt(subdiagonal_squares.max(axis=0, initial=0.0))
    start = norm * norm * (1 + 1e-14)
    return _extreme_root(diagonal_squares, subdiagonal_squares, start, -1.0)


def _checked_bidiagonal(diagonal: npt.ArrayLike, subdiagonal: npt.ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(diagonal, dtype=np.float64), np.asarray(subdiagonal, dtype=np.float64)
    if a.ndim == 0 or a.shape[-1] == 0:
        raise ValueError(f"diagonal must have shape (..., n) with n at least 1, got {a.shape}")
    if b.shape != (*a.shape[:-1], a.shape[-1] - 1):
        raise ValueError(f"subdiagonal must have shape (..., n - 1) for diagonal {a.shape}, got {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("diagonal and subdiagonal must be finite, got an entry that is not")
    return a, b


def _extreme_singular_values(diagonal: npt.ArrayLike, subdiagonal: npt.ArrayLike, largest: bool) -> Array:
    a, b = _checked_bidiagonal(diagonal, subdiagonal)
    n, batch = a.shape[-1], a.shape[:-1]
    size = math.prod(batch)
    a, b = np.abs(a.reshape(size, n).T), np.abs(b.reshape(size, n - 1).T)
    scale = np.maximum(a.max(axis=0, initial=0.0), b.max(axis=0, initial=0.0))
    scale[scale == 0] = 1.0
    solve = largest_root_of_squares if largest else smallest_root_of_squares
    result = np.empty(size)
    for first in range(0, size, _BLOCK):
        part = slice(first, first + _BLOCK)
        result[part] = np.sqrt(solve((a[:, part] / scale[part]) ** 2, (b[:, part] / scale[part]) ** 2))
    return np.asarray(result * scale).reshape(batch)


def smallest_from_bidiagonal(diagonal: npt.ArrayLike, subdiagonal: npt.ArrayLike) -> Array:
    """Smallest singular values of a batch of lower-bidiagonal matrices.

    Parameters
    ----------
    diagonal, subdiagonal : arrays of shape (..., n) and (..., n - 1).

    Returns
    -------
    ndarray of shape (...)
        Accurate to about 1e-13 relative to the value itself unless squares underflow.

    Raises
    ------
    ValueError
        If the shapes do not match or an entry is not finite.

    Source: Laguerre's iteration on differential quotient-difference pivots, B. N. Parlett 1995.
    """
    return _extreme_singular_values(diagonal, subdiagonal, largest=False)


def largest_from_bidiagonal(diagonal: npt.ArrayLike, subdiagonal: npt.ArrayLike) -> Array:
    """Largest singular values of a batch of lower-bidiagonal matrices.

    Parameters
    ----------
    diagonal, subdiagonal : arrays of shape (..., n) and (..., n - 1).

    Returns
    -------
    ndarray of shape (...)
        Accurate to about 1e-13 relative to the value itself.

    Raises
    ------
    ValueError
        If the shapes do not match or an entry is not finite.

    Source: Laguerre's iteration on differential quotient-difference pivots, B. N. Parlett 1995.
    """
    return _extreme_singular_values(diagonal, subdiagonal, largest=True)
