"""Deciding listed cases exactly: by floats from exact laws, or by balls whose sign is certain."""

from __future__ import annotations

import math
from typing import Any

from flint import arb

from untrained.theory.claim import Case, Claim, ExactRoute, listed
from untrained.theory.evidence import Exact
from untrained.theory.proof.balls import ends

FLOAT_GUARD = 1e-9
"""A float margin this close to zero decides nothing: the laws used are good to about 1e-12."""


def decide(claim: Claim) -> Exact:
    """Evaluate both sides on every listed case where the hypotheses hold and keep the least margin.

    Raises
    ------
    ValueError
        where the claim has no exact route.
    """
    route = claim.exact
    if route is None:
        raise ValueError(f"claim must have an exact route, got {claim.id} without one")
    cases = listed(route.cases, claim.values)
    rows = [(case, *_bounds(route.sides(case, claim.values).margin)) for case in cases if _meets(claim, case)]
    informative = sum(_says_something(route, case, claim) for case, *_ in rows)
    if not rows:
        return Exact(len(cases), 0, 0.0, {}, route.covers)
    undecided = sum(low < 0 <= high for _, low, high in rows)
    certain_failure = [row for row in rows if row[2] < 0]
    case, low, high = min(certain_failure or rows, key=lambda row: row[1])
    margin = high if certain_failure else max(low, 0.0) if undecided else low
    first = dict(certain_failure[0][0]) if certain_failure else {}
    return Exact(len(cases), informative, margin, dict(case), route.covers, bool(route.covers), undecided, first)


def _meets(claim: Claim, case: Case) -> bool:
    return all(bool(h.holds(case, claim.values)) for h in claim.hypotheses if h.holds)


def _says_something(route: ExactRoute, case: Case, claim: Claim) -> bool:
    return route.informative is None or bool(route.informative(case, claim.values))


def _bounds(margin: Any) -> tuple[float, float]:
    """Lower and upper end of a margin: a ball's own, or a float widened by the guard."""
    if isinstance(margin, arb):
        return ends(margin)
    x = float(margin)
    if math.isnan(x):
        return -math.inf, math.inf
    return (x, x) if x == 0 or abs(x) > FLOAT_GUARD else (-FLOAT_GUARD, FLOAT_GUARD)
