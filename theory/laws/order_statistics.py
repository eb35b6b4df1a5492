"""|W z|_{m-}: the m-th smallest entry in absolute value, and its exact binomial law."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtrc, erf

from untrained.theory.objects.shapes import Array, real_array, whole_number

CHERNOFF_EXPONENT = 0.5 * math.log(2 * math.pi) - 1 + 1 / math.sqrt(2 * math.pi)
"""0.3178...: P(|W z|_{m-} < ||z|| m/(2d)) <= e^{-0.3178 m} for all m <= d."""


def smallest_entry(values: Array, rank: int) -> Array:
    """|v|_{m-}, the m-th smallest absolute entry over the last axis, shape (...).

    Raises
    ------
    ValueError
        where m is not in 1..d or an entry is not finite.
    Source: vanveen18 Section C.3
    """
    v = real_array("values", values, 1)
    m = whole_number("rank", rank, 1)
    if m > v.shape[-1]:
        raise ValueError(f"rank must be at most the length {v.shape[-1]}, got {m}")
    smallest: Array = np.partition(np.abs(v), m - 1, axis=-1)[..., m - 1]
    return smallest


def smallest_entry_below(rank: int, width: int, level: float) -> float:
    """P(|g|_{m-} < level) for g standard normal in R^d: a binomial tail, at least m of d fall below.

    Raises
    ------
    ValueError
        where m is not in 1..d or the level is negative or NaN.
    Source: vanveen18 Lemma C.4
    """
    m, d = whole_number("rank", rank, 1), whole_number("width", width, 1)
    if m > d:
        raise ValueError(f"rank must be at most the width {d}, got {m}")
    if not level >= 0:
        raise ValueError(f"level must be >= 0, got {level}")
    return float(bdtrc(m - 1, d, erf(level / math.sqrt(2))))
