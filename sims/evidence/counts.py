"""Monte-Carlo counts: trials fixed beforehand, each cell with its own streams, and exact binomial intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import binomtest

from untrained.sims.evidence.cases import build_case, draw_shape
from untrained.sims.random.streams import stream
from untrained.theory.claim import Case, Claim, CountRoute, listed
from untrained.theory.evidence import Counted

_MOST_ENTRIES = 2_000_000
"""Largest number of float64 entries of one drawn object held at a time."""


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


def count(claim: Claim, route: CountRoute, cell: int, trials: int, level: float, root_seed: int) -> Counted:
    """Count how often the conclusion holds in one cell, over the trials where the hypotheses held."""
    params = listed(route.cells, claim.values)[cell]
    margins = np.concatenate(list(_blocks(claim, route, cell, trials, root_seed)))
    applicable = int(np.sum(~np.isnan(margins)))
    successes = int(np.sum(margins >= 0))
    low, high = clopper_pearson(successes, applicable, level) if applicable else (0.0, 1.0)
    worst = int(np.nanargmin(margins)) if applicable else 0
    return Counted(
        dict(params),
        float(route.probability(params, claim.values)),
        successes,
        trials,
        applicable,
        level,
        low,
        high,
        float(margins[worst]) if applicable else 0.0,
        {"trial": worst},
        route.attack,
    )


def replay(claim: Claim, route: CountRoute, cell: int, trials: int, trial: int, root_seed: int) -> float:
    """Draw one of so many trials of a cell again, and return its margin; NaN where a hypothesis did not hold."""
    size = _block_size(claim, listed(route.cells, claim.values)[cell])
    block, place = divmod(trial, size)
    return float(_margins(claim, route, cell, block, min(size, trials - block * size), root_seed)[place])


def _blocks(claim: Claim, route: CountRoute, cell: int, trials: int, root_seed: int) -> Any:
    size = _block_size(claim, listed(route.cells, claim.values)[cell])
    for block, start in enumerate(range(0, trials, size)):
        batch = min(size, trials - start)
        yield _margins(claim, route, cell, block, batch, root_seed)


def _block_size(claim: Claim, params: Case) -> int:
    """Trials per block: a function of the cell alone, so that the numbers do not depend on the budget."""
    sizes = [math.prod(draw_shape(d, params)) for d in claim.law.values() if d.kind in ("gaussian", "direction", "fit")]
    return max(1, min(100_000, _MOST_ENTRIES // max([1, *sizes])))


def _margins(claim: Claim, route: CountRoute, cell: int, block: int, batch: int, root_seed: int) -> np.ndarray:
    c = claim.values
    params = listed(route.cells, c)[cell]
    case = build_case(claim.law, params, lambda role: stream(root_seed, claim.id, cell, block, role), batch)
    margins = np.broadcast_to(np.asarray(route.sides(case, c).margin, dtype=float), (batch,)).copy()
    margins[np.isnan(margins)] = -np.inf  # a conclusion that is not a number did not hold
    for holds in (h.holds for h in claim.hypotheses if h.holds):
        margins[~np.broadcast_to(holds(case, c), (batch,))] = np.nan
    return margins
