"""Exact laws of the extreme eigenvalues of a real Wishart matrix, in ball arithmetic.

Throughout W = V V^T with V of shape (n, s), entries independent standard normal. The joint density of the
eigenvalues integrates over a box [a, b]^n to a constant times a Pfaffian (de Bruijn), whose entries obey
two-term recursions; every result is a ball that certainly contains the true probability.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate

from flint import arb, arb_mat, ctx, fmpq

from untrained.theory.objects.shapes import whole_number
from untrained.theory.proof.balls import ball

Level = float | Fraction | arb
_MOST_BITS = 1 << 16


def _checked_law(n: int, s: int, relative_bits: int) -> tuple[int, int]:
    whole_number("relative_bits", relative_bits, 1)
    return whole_number("n", n, 1), whole_number("s", s, 0)


def checked_level(level: Level, name: str) -> Level:
    """Return a threshold that is finite and at least 0."""
    if isinstance(level, bool) or not isinstance(level, (float, int, Fraction, arb)):
        raise ValueError(f"{name} must be a float, int, Fraction or ball, got {level!r}")
    x = ball(level)
    if not x.is_finite() or x < 0:
        raise ValueError(f"{name} must be finite and at least 0, got {level!r}")
    return level


def _upper_gammas(shape: fmpq, at: arb | None, count: int) -> tuple[list[arb], list[arb]]:
    """Q(shape + i, at) and at^(shape+i) e^-at / Gamma(shape+i+1) for i < count; `at` None is infinity."""
    if at is None or at == 0:
        return [arb(0 if at is None else 1)] * count, [arb(0)] * count
    step = at ** arb(shape) * (-at).exp() * arb(shape + 1).rgamma()
    tail = at.gamma_upper(arb(shape), 1)
    tails, steps = [], []
    for i in range(1, count + 1):
        tails.append(tail)
        steps.append(step)
        tail, step = tail + step, step * at / arb(shape + i)
    return tails, steps


def _pair_masses(first: int, a: arb, b: arb | None, count: int) -> list[arb]:
    """2 Gamma(m) 2^-m times the mass of Gamma(m) on [a, b], for m = first, first + 1, ..."""
    near, far = (_upper_gammas(fmpq(first), end, count)[0] for end in (a, b))
    scale, masses = arb(first).gamma() * arb(2) ** (1 - first), []
    for i in range(count):
        masses.append(scale * (near[i] - far[i]))
        scale = scale * (first + i) / 2
    return masses


def _skew_matrix(n: int, s: int, a: arb, b: arb | None) -> arb_mat:
    """De Bruijn's matrix for x^(k-1) e^(-x/2) / (2^k Gamma(k)), k = (s-n+1)/2 + i, bordered for odd n."""
    k = fmpq(s - n + 1, 2)
    near, h_a = _upper_gammas(k, a / 2, n)
    far, h_b = _upper_gammas(k, None if b is None else b / 2, n)
    G = [p - q for p, q in zip(near, far, strict=True)]
    h = [p + q for p, q in zip(h_a, h_b, strict=True)]
    mass = _pair_masses(s - n + 1, a, b, 2 * n - 1)
    r = list(accumulate(range(n), lambda g, i: g / arb(k + i), initial=arb(k).rgamma()))
    size = n + n % 2
    A = [[arb(0)] * size for _ in range(size)]
    for j in range(n):
        entry = arb(0)
        for i in range(j, n - 1):
            entry = entry - mass[i + j] * (r[i + 1] * r[j]) + h[i] * G[j]
            A[i + 1][j], A[j][i + 1] = entry, -entry
    if size > n:
        for i in range(n):
            A[i][n], A[n][i] = G[i], -G[i]
    return arb_mat(A)


def _constant(n: int, s: int) -> arb:
    """Factor K that turns the Pfaffian of the normalised functions into a probability."""
    K = arb.pi() ** (arb(n) / 2)
    for i in range(n):
        K = K * arb(fmpq(s - n + 1, 2) + i).gamma()
        K = K * arb(fmpq(s - i, 2)).rgamma() * arb(fmpq(n - i, 2)).rgamma()
    return K


def _inside(n: int, s: int, low: Level, high: Level | None) -> arb:
    """P(low <= all eigenvalues <= high) for s >= n at the current working precision."""
    b = None if high is None else ball(high)
    return _constant(n, s) * _skew_matrix(n, s, ball(low), b).det().sqrt()


def _until_accurate(compute: Callable[[], arb], relative_bits: int, bits: int) -> arb:
    while bits <= _MOST_BITS:
        with ctx.workprec(bits):
            value = compute()
            if value.is_finite() and value.rel_accuracy_bits() >= relative_bits:
                return value
        bits += bits // 2
    raise ArithmeticError(f"{relative_bits} relative bits need a working precision above {_MOST_BITS} bits")


def _edges(n: float, s: float) -> tuple[float, float]:
    return (math.sqrt(s) - math.sqrt(n)) ** 2, (math.sqrt(s) + math.sqrt(n)) ** 2


def rate_below(n: float, s: float, level: float, points: int = 16) -> float:
    """Leading exponent (nats) of P(smallest eigenvalue < level): half of int sqrt((a-y)(b-y))/y dy."""
    a, b = _edges(n, s)
    if s <= n or level >= a:
        return 0.0
    nodes = [(i + 0.5) / points for i in range(points)]
    at = [max(a - (a - level) * u * u, 1e-300) for u in nodes]
    # y = a - (a - level) u^2 removes the square-root end at y = a.
    terms = (u * u * math.sqrt(b - y) / y for u, y in zip(nodes, at, strict=True))
    return (a - level) ** 1.5 * sum(terms) / points


def _starting_bits(n: int, s: int, relative_bits: int) -> int:
    """Working precision that covers the cancellation of the determinant (fitted, only a first try)."""
    return relative_bits + 32 + int(n * (math.log2(s + 1) + 2))


def eigenvalues_inside(n: int, s: int, low: Level, high: Level | None, *, relative_bits: int = 40) -> arb:
    """Probability that every eigenvalue of W_n(s, I) lies in [low, high].

    Parameters
    ----------
    n, s : rows (>= 1) and columns (>= 0) of the Gaussian matrix.
    low, high : ends of the interval, ``high`` None for infinity; floats and fractions are taken as exact.
    relative_bits : correct bits of the returned ball.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count or an end is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: N. G. de Bruijn 1955; M. Chiani, Distribution of the largest eigenvalue for real Wishart, 2014.
    """
    n, s = _checked_law(n, s, relative_bits)
    a = ball(checked_level(low, "low"))
    b = None if high is None else ball(checked_level(high, "high"))
    if b is not None and b < a:
        raise ValueError(f"high must be at least low = {low!r}, got {high!r}")
    if s < n:
        if a > 0 or s == 0:
            return arb(0 if a > 0 else 1)
        n, s = s, n
    if b is not None and b.is_exact() and b == a:
        return arb(0)
    return _until_accurate(lambda: _inside(n, s, low, high), relative_bits, _starting_bits(n, s, relative_bits))


def smallest_eigenvalue_below(n: int, s: int, level: Level, *, relative_bits: int = 40) -> arb:
    """P(smallest eigenvalue of W_n(s, I) < level), accurate relative to this probability itself.

    Parameters
    ----------
    n, s : rows (>= 1) and columns (>= 0); s < n makes the smallest eigenvalue 0.
    level : threshold, at least 0.
    relative_bits : correct bits of the returned ball.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count or the level is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: N. G. de Bruijn 1955; M. Chiani, Distribution of the largest eigenvalue for real Wishart, 2014.
    """
    n, s = _checked_law(n, s, relative_bits)
    threshold = ball(checked_level(level, "level"))
    if threshold == 0 or (s < n and threshold > 0):
        return arb(0 if threshold == 0 else 1)
    tail = rate_below(n, s, float(threshold)) / math.log(2)
    bits = _starting_bits(n, s, relative_bits) + int(min(tail, _MOST_BITS / 2))
    return _until_accurate(lambda: 1 - _inside(n, s, level, None), relative_bits, bits)


def largest_eigenvalue_above(n: int, s: int, level: Level, *, relative_bits: int = 40) -> arb:
    """P(largest eigenvalue of W_n(s, I) > level), accurate relative to this probability itself.

    Parameters
    ----------
    n, s : rows (>= 1) and columns (>= 0); the two exchange roles where s < n.
    level : threshold, at least 0.
    relative_bits : correct bits of the returned ball.

    Returns
    -------
    arb

    Raises
    ------
    ValueError
        If a count or the level is out of range.
    ArithmeticError
        If the accuracy needs more working precision than the cap.

    Source: N. G. de Bruijn 1955; M. Chiani, Distribution of the largest eigenvalue for real Wishart, 2014.
    """
    n, s = _checked_law(n, s, relative_bits)
    threshold = ball(checked_level(level, "level"))
    n, s = min(n, s), max(n, s)
    if n == 0 or threshold == 0:
        return arb(0 if n == 0 else 1)
    bits = _starting_bits(n, s, relative_bits)
    return _until_accurate(lambda: 1 - _inside(n, s, 0, level), relative_bits, bits)
