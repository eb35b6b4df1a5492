"""The width condition of Theorem 4.1, with the constants of its proof."""

from __future__ import annotations

import math

from untrained.theory.objects.shapes import whole_number


def alpha(target_norm: float, rows: int) -> float:
    """alpha = nu sqrt(d) ||z|| / 4 = ||y|| / (4 sqrt n). Source: vanveen18 Section B.4."""
    return target_norm / (4 * math.sqrt(whole_number("rows", rows, 1)))


def beta(target_norm: float, rows: int, width: int) -> float:
    """beta = nu (sqrt d + 2 sqrt n) ||z|| = ||y|| (sqrt d + 2 sqrt n)/sqrt(dn). Source: vanveen18 Section B.4."""
    n, d = whole_number("rows", rows, 1), whole_number("width", width, 1)
    return target_norm * (math.sqrt(d) + 2 * math.sqrt(n)) / math.sqrt(d * n)


def radius(rows: int) -> float:
    """R = 15 ||y||/alpha = 60 sqrt n. Source: vanveen18 Section B.4."""
    return 60 * math.sqrt(whole_number("rows", rows, 1))


def step_printed(target_norm: float, rows: int, width: int, eta_bar: float = 1.0) -> float:
    """eta = eta_bar/||y||^2 * 8nd/(4n + d), the step of the statement as read. Source: vanveen18 Theorem 4.1."""
    n, d = rows, width
    return eta_bar / target_norm**2 * 8 * n * d / (4 * n + d)


def step_proof(target_norm: float, rows: int, width: int) -> float:
    """eta = 1/beta^2 = dn/((sqrt d + 2 sqrt n)^2 ||y||^2). Source: vanveen18 Section B.4."""
    return 1 / beta(target_norm, rows, width) ** 2


def factor_printed(rows: int, width: int, eta_bar: float = 1.0) -> float:
    """1 - eta_bar d/(8(4n + d)), the factor per step of the statement. Source: vanveen18 Theorem 4.1."""
    return 1 - eta_bar * width / (8 * (4 * rows + width))


def factor_proof(rows: int, width: int) -> float:
    """1 - d/(64 (sqrt d + 2 sqrt n)^2), the factor per step that the proof gives at eta = 1/beta^2."""
    n, d = rows, width
    return 1 - d / (64 * (math.sqrt(d) + 2 * math.sqrt(n)) ** 2)


def perturbation_share(aspect: float, *, linear: float = 0.0) -> float:
    """Left side of the width inequality at d = aspect * n; it must be at most 1/12.

    2 (n/d)^{1/2} + sqrt(2 u log(1/u) + c u), u = 3 (120)^{2/3} (n/d)^{1/3}, c = `linear` (0 as printed).

    Raises
    ------
    ValueError
        where u > 1, that is where the logarithm would be negative.
    Source: vanveen18 Section B.4
    """
    u = 3 * 120 ** (2 / 3) * aspect ** (-1 / 3) if aspect > 0 else math.inf
    if not 0 < u <= 1:
        raise ValueError(f"aspect must be at least 27 * 120^2 = 388800 so that u <= 1, got {aspect}")
    return 2 / math.sqrt(aspect) + math.sqrt(2 * u * math.log(1 / u) + linear * u)


def failure_probability(rows: int, width: int) -> float:
    """5 e^{-n/2} + e^{-d/2} + e^{-4 d^{2/3} n^{1/3}}. Source: vanveen18 Theorem 4.1."""
    n, d = rows, width
    return 5 * math.exp(-n / 2) + math.exp(-d / 2) + math.exp(-4 * d ** (2 / 3) * n ** (1 / 3))
