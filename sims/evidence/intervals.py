"""Exact binomial intervals, and the family-wise level split over the ledger."""

from __future__ import annotations

from scipy.stats import binomtest


def clopper_pearson(successes: int, trials: int, level: float) -> tuple[float, float]:
    """Two-sided exact interval for a success probability; it misses the truth with probability <= level.

    Raises
    ------
    ValueError
        where 0 <= successes <= trials, trials >= 1 or 0 < level < 1 does not hold.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes must lie in 0..trials with trials >= 1, got {successes} of {trials}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")
    interval = binomtest(successes, trials).proportion_ci(1 - level, "exact")
    return float(interval.low), float(interval.high)


def split_level(family_level: float, intervals: int) -> float:
    """Level of each interval (Bonferroni), so that all hold together with probability >= 1 - family_level."""
    if intervals < 1:
        raise ValueError(f"intervals must be at least 1, got {intervals}")
    return family_level / intervals
