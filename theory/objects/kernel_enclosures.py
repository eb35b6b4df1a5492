"""Eigenvalues of Sigma(U) with certain digits, for circulant U: balls at small sizes, a float FFT with its error.

The eigenvalues are the Fourier transform of ||u||^2 g(t_s), t_s = <u_0, u_s>/||u||^2, g(t) = t/4 + t arcsin(t)/(2 pi).

Balls. A kernel of rationals or floats is exact, so the t_s are exact rationals; g and the transform are taken in balls
whose precision is doubled until the digits are certain. At t = 1 and -1, where arccos is singular, t is exact.

Floats, u the unit roundoff, gamma_k = ku/(1 - ku). A mixed-radix FFT of length N multiplies by one sparse matrix for
each prime factor p of N: twiddles off by at most mu and sums of p products, so each factor errs by at most eta_p = mu +
sqrt(2p) gamma_{p+4}(1 + mu) relative to its own norm, sqrt(p) times an isometry (Higham, Accuracy and Stability, 2002,
Theorem 24.2, is p = 2), and the transform by at most e = S/(1 - S) in relative l2, S the sum of the eta_p. What is
assumed of libraries: mu = 10u (twiddles are products of two table entries), and arccos to 4 units in the last place.
With B >= max |Fu|, power spectra err by (2e + gamma_4) B sqrt(N)||u|| in l2, so the t_s, divided by a sum of squares
that is folded log2(N) times, by E = (B/||u||)(3.1e + 7u + gamma_{log2 N + 5}) in l2.
g is convex with |g'(t)| <= l(m) = 1/4 + m/4 + m/(2 pi sqrt(1 - m^2)) for |t| <= m; with m_s = |t_s| + E, where m_s < 1,
the errors of g(t_s) sum to at most E ||l(m_s)||_2 (Cauchy and Schwarz). Elsewhere |g(a) - g(b)| <= |a - b|/2 +
sqrt(|a - b|/2)/2, as arccos changes most at its ends, by arccos(1 - h) <= pi sqrt(h/2). Rows that are equal or opposite
entry by entry have t = 1 or -1 exactly and cost nothing. The last transform adds e sqrt(N)||g||_2.
Source: heckel20a Theorem 1
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import acb, arb, ctx, fmpq
from numpy.typing import NDArray
from scipy import fft

from untrained.theory.objects.dual_kernels import active_share, kernel_array
from untrained.theory.objects.shapes import Array, whole_number

Exacts = NDArray[Any]
_FIRST_BITS, _MOST_BITS = 128, 4096
_LARGEST_FACTOR = 11
"""Larger prime factors send the library to another algorithm, whose error is not bounded here."""
_TWIDDLE, _ARCCOS = 10, 16
"""Errors in units of the roundoff: of a twiddle factor, and of g from an exact t."""
_SLACK = 1 + 1e-6
"""Covers the rounding of the radius itself: sums of at most 2^24 terms, none negative."""
_UNDERFLOW = 1e-280
_MOST_POINTS = 2**24


class SpectrumEnclosure(NamedTuple):
    """Eigenvalues by frequency, in the shape of the kernel, and the radius within which each of them is certain."""

    values: Array
    radius: float


def exact_kernel(kernel: Any) -> Exacts:
    """A kernel on a line or a torus as Fractions: rationals as they are, floats as the doubles that they are.

    Raises
    ------
    ValueError
        where it has another number of axes, an entry that is not finite, or is 0.
    """
    entries = np.asarray(kernel, dtype=object)
    kernel_array(entries.astype(float) if not _is_tiny(entries) else np.ones(entries.shape))
    return _filled(entries.shape, (Fraction(x if isinstance(x, Fraction | int) else float(x)) for x in entries.flat))


def _filled(shape: tuple[int, ...], items: Iterable[Any]) -> Exacts:
    objects: Exacts = np.empty(shape, dtype=object)
    for place, item in zip(np.ndindex(shape), items, strict=True):
        objects[place] = item
    return objects


def _is_tiny(entries: Exacts) -> bool:
    """Whether rationals are all 0 as floats, though not all are 0."""
    return all(float(x) == 0 for x in entries.flat) and any(x != 0 for x in entries.flat)


def exact_square(exact: Exacts) -> Fraction:
    """||u||^2 of a kernel of Fractions."""
    return sum((x * x for x in exact.flat), Fraction(0))


def exact_correlations(kernel: Any) -> Exacts:
    """<u_0, u_s>/||u||^2 for every shift s, as Fractions, in the shape of the kernel."""
    exact = exact_kernel(kernel)
    scale = math.lcm(*(x.denominator for x in exact.flat))
    u = _filled(exact.shape, (int(x * scale) for x in exact.flat))
    axes = tuple(range(u.ndim))
    square = int((u * u).sum())
    t: Exacts = np.empty(u.shape, dtype=object)
    for shift in np.ndindex(u.shape):
        t[shift] = Fraction(int((u * np.roll(u, shift, axes)).sum()), square)
    return t


def dual_ball(t: Fraction) -> arb:
    """g(t) = (1/2)(1 - arccos(t)/pi) t at an exact correlation, at the working precision."""
    value = arb(fmpq(t.numerator, t.denominator))
    return (1 - value.acos() / arb.pi()) / 2 * value


def spectrum_balls(kernel: Any, digits: int = 12) -> Exacts:
    """Every eigenvalue of Sigma(U) as a ball (an array of arb in the shape of the kernel), to so many certain digits.

    An eigenvalue that may be 0 is enclosed to 10^(-3 digits) ||u||^2 in place of digits of its own.

    Raises
    ------
    ValueError
        where the kernel is of another shape, not finite or 0, or digits no positive integer.
    ArithmeticError
        where some thousand bits do not give the digits.
    """
    digits = whole_number("digits", digits, 1)
    exact, t = exact_kernel(kernel), exact_correlations(kernel)
    square = exact_square(exact)
    bits = _FIRST_BITS + 4 * digits
    while bits <= _MOST_BITS + 16 * digits:
        with ctx.workprec(bits):
            size = arb(fmpq(square.numerator, square.denominator))
            values = transform_balls(_filled(t.shape, (size * dual_ball(x) for x in t.flat)))
            if all(_is_certain(x, size, digits) for x in values.flat):
                return values
        bits *= 2
    raise ArithmeticError(f"{digits} digits of every eigenvalue are not certain at {bits // 2} bits")


def power_balls(kernel: Any) -> Exacts:
    """|Fu|^2 by frequency, the eigenvalues of UU^T, as balls at the working precision."""
    exact, t = exact_kernel(kernel), exact_correlations(kernel)
    square = exact_square(exact)
    inner = (square * x for x in t.flat)
    return transform_balls(_filled(t.shape, (arb(fmpq(x.numerator, x.denominator)) for x in inner)))


def transform_balls(row: Exacts) -> Exacts:
    """The Fourier transform of an even array of balls, on a line or a torus; it is real."""
    first = _filled(row.shape, (acb(x) for x in row.flat))
    for axis in range(row.ndim):
        lines = np.moveaxis(first, axis, -1).reshape(-1, row.shape[axis])
        for line in range(len(lines)):
            lines[line, :] = acb.dft(list(lines[line]))
        moved = np.moveaxis(first, axis, -1).shape
        first = np.moveaxis(lines.reshape(moved), -1, axis)
    return _filled(row.shape, (x.real for x in first.flat))


def _is_certain(value: arb, size: arb, digits: int) -> bool:
    tenth = arb(10) ** -digits
    return bool(value.rad() <= tenth * value.abs_lower() or value.abs_upper() <= tenth**3 * size)


def enclose_spectrum(kernel: Array, tolerance: float = 1e-9) -> SpectrumEnclosure:
    """Every eigenvalue of Sigma(U) within a certain radius, at most the tolerance: doubles, then long doubles.

    Raises
    ------
    ValueError
        where the kernel is of another shape, not finite or 0, has a length with a prime factor above 11 or more than
        2^24 points (`spectrum_balls` takes small ones of any length), the tolerance is not positive, or is not met.
    """
    u = kernel_array(kernel)
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    if u.size > _MOST_POINTS or max((p for n in u.shape for p in _primes(n)), default=1) > _LARGEST_FACTOR:
        raise ValueError(
            f"kernel must have lengths without prime factors above {_LARGEST_FACTOR} and at most 2^24 points "
            f"for the enclosed FFT, got shape {u.shape}"
        )
    exponent = math.frexp(float(np.abs(u).max()))[1]
    for kind in (np.float64, np.longdouble):
        enclosure = _enclosed_fft(np.ldexp(u.astype(kind), -exponent), exponent)
        if enclosure.radius <= tolerance:
            return enclosure
    raise ValueError(f"tolerance must be at least {enclosure.radius:.3g} for this kernel, got {tolerance}")


def _primes(n: int) -> list[int]:
    factors, p = [], 2
    while n > 1:
        while n % p == 0:
            factors.append(p)
            n //= p
        p = p + 1 if p * p <= n else max(n, p + 1)
    return factors


def transform_error(shape: tuple[int, ...], roundoff: float) -> float:
    """Relative l2 error of a complex FFT of this shape, an upper bound that holds for every input."""
    total = 0.0
    for p in (p for n in shape for p in _primes(n)):
        mu = _TWIDDLE * roundoff
        total += mu + math.sqrt(2 * p) * _gamma(p + 4, roundoff) * (1 + mu)
    total += 2 * roundoff  # the division by N of the inverse
    return total / (1 - total)


def _gamma(k: float, roundoff: float) -> float:
    return k * roundoff / (1 - k * roundoff)


def _enclosed_fft(u: NDArray[Any], exponent: int) -> SpectrumEnclosure:
    """The enclosure at the precision of u, whose largest entry lies in [1/2, 1), for the kernel 2^exponent u."""
    roundoff = float(np.finfo(u.dtype).eps) / 2
    e, levels = transform_error(u.shape, roundoff), math.ceil(math.log2(u.size)) if u.size > 1 else 0
    square = _folded_sum(np.square(u))
    norm = math.sqrt(float(square)) * (1 - 1e-9)
    sizes = fft.fftn(u.astype(np.result_type(u.dtype, np.complex64)), workers=1)
    largest = float(np.abs(sizes).max()) * _SLACK + e * math.sqrt(u.size) * norm * _SLACK
    power = np.square(sizes.real) + np.square(sizes.imag)
    inner = fft.ifftn(power.astype(sizes.dtype), workers=1).real
    t = np.clip(inner / square, -1, 1)
    E = largest / norm * (3.1 * e + 7 * roundoff + _gamma(levels + 5, roundoff)) * _SLACK + _UNDERFLOW
    exact = _parallel_rows(u, t, 2 * E)
    t = np.where(exact, np.sign(t), t)
    g = active_share(t) * t
    error = _dual_error(np.abs(t), exact, E, roundoff)
    values = fft.fftn(g.astype(sizes.dtype), workers=1).real * square
    error += e * math.sqrt(u.size) * (float(np.linalg.norm(g.ravel().astype(float))) + error) + _UNDERFLOW
    relative = _gamma(levels + 4, roundoff) + 2.0**-53
    return _scaled(values, float(square), error, relative, exponent)


def _scaled(values: NDArray[Any], square: float, error: float, relative: float, exponent: int) -> SpectrumEnclosure:
    largest = float(np.abs(values).max())
    radius = (square * error * _SLACK + relative * (largest + square * error)) * _SLACK
    scale = math.ldexp(1.0, 2 * exponent)
    return SpectrumEnclosure((values * scale).astype(float), radius * scale)


def _dual_error(size: NDArray[Any], exact: NDArray[np.bool_], E: float, roundoff: float) -> float:
    """Sum of the errors of g over all shifts, where the correlations err by at most E in l2."""
    m = size + size.dtype.type(E + 4 * roundoff)  # not below |t| + E, whatever the sum is rounded to
    smooth = ~exact & (m < 1)
    edge = int((~exact & (m >= 1)).sum())
    inside = m[smooth]
    slopes = (1 + inside) / 4 + inside / (2 * np.pi * np.sqrt((1 - inside) * (1 + inside)))
    hoelder = edge * (E / 2 + math.sqrt(E / 2) / 2)
    return (E * float(np.linalg.norm(slopes.astype(float))) + hoelder + _ARCCOS * roundoff * float(m.sum())) * _SLACK


def _folded_sum(terms: NDArray[Any]) -> Any:
    """The sum of an array, halved by one addition at a time: log2 of its size roundings deep."""
    x = terms.ravel()
    while len(x) > 1:
        half = (len(x) + 1) // 2
        folded = x[:half].copy()
        folded[: len(x) - half] += x[half:]
        x = folded
    return x[0]


def _parallel_rows(u: NDArray[Any], t: NDArray[Any], room: float) -> NDArray[np.bool_]:
    """Shifts by which u is exactly itself or its negative, among those with a correlation that near 1 or -1."""
    axes = tuple(range(u.ndim))
    group = np.zeros(u.shape, dtype=bool)
    group.flat[0] = True
    for shift in (tuple(int(i) for i in row) for row in np.argwhere(np.abs(t) >= 1 - room)):
        image = u if t[shift] > 0 else -u
        if not group[shift] and u[tuple(-i for i in shift)] == image.flat[0]:
            group = _closed(group, shift, axes) if np.array_equal(np.roll(u, shift, axes), image) else group
    return group


def _closed(group: NDArray[np.bool_], shift: tuple[int, ...], axes: tuple[int, ...]) -> NDArray[np.bool_]:
    """The subgroup that a subgroup and one more shift generate."""
    step = group
    while True:
        step = np.roll(step, shift, axes)
        if group[tuple(np.argwhere(step)[0])]:
            return group
        group = group | step
