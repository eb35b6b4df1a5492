"""Property-based search for the case of least margin, with hypothesis as a library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st

from untrained.sims.evidence.cases import build_case
from untrained.sims.evidence.local_constants import no_local_constants
from untrained.sims.random.streams import stream
from untrained.theory.claim import Case, Claim, Range, SearchRoute
from untrained.theory.evidence import Searched


class _CounterexampleError(Exception):
    """Raised inside the shrinking pass only, to tell hypothesis that a case refutes the claim."""


def strategy(values: Range) -> st.SearchStrategy[Any]:
    """Return the strategy that draws one parameter from its range."""
    low, high = values.ends
    if values.by_ratio:
        reals = st.floats(math.log(low), math.log(high)).map(lambda t: min(max(math.exp(t), low), high))
        return reals.map(round) if values.integer else reals
    return st.integers(int(low), int(high)) if values.integer else st.floats(low, high)


class _Tally:
    """What a search saw: counts, and the case of least margin."""

    def __init__(self, attack: bool) -> None:
        self.attack = attack
        self.draws = self.applicable = self.informative = 0
        self.margin = math.inf
        self.worst_case: dict[str, Any] = {}

    def add(self, margin: float | None, informative: bool, case: dict[str, Any]) -> None:
        self.draws += 1
        if margin is None:
            return
        self.applicable += 1
        self.informative += informative
        if margin < self.margin or not self.worst_case:
            self.margin, self.worst_case = margin, case

    def evidence(self) -> Searched:
        margin = self.margin if self.applicable else 0.0
        return Searched(self.draws, self.applicable, self.informative, margin, self.worst_case, attack=self.attack)


def look(claim: Claim, route: SearchRoute, params: Case, seed: int, root_seed: int) -> tuple[float | None, bool]:
    """Margin of one case (None where a hypothesis fails) and whether the bound said anything there."""
    case = build_case(claim.law, params, lambda role: stream(root_seed, "search", seed, role), 1)
    c = claim.values
    if not all(np.all(h.holds(case, c)) for h in claim.hypotheses if h.holds):
        return None, False
    margin = float(np.min(np.asarray(route.sides(case, c).margin, dtype=float)))
    if math.isnan(margin):
        margin = -math.inf
    return margin, not (route.trivial is not None and bool(np.all(route.trivial(case, c))))


def search(claim: Claim, examples: int, root_seed: int, *, shrink: bool = True) -> Searched:
    """Search the claim's domain for the case of least margin, the same one for the same root seed.

    Where a counterexample turns up it is shrunk to the smallest sizes that still refute.

    Raises
    ------
    ValueError
        where the claim has no search route.
    """
    route = claim.search
    if route is None:
        raise ValueError(f"claim must have a search route, got {claim.id} without one")
    tally = _Tally(route.attack)

    def visit(params: dict[str, Any], seed: int) -> None:
        margin, informative = look(claim, route, params, seed, root_seed)
        tally.add(margin, informative, _in_order(claim, params, seed))
        if margin is not None and math.isfinite(margin):
            hypothesis.target(-margin, label="margin")

    draws = max(20, int(examples * route.effort))
    _run(claim, visit, draws, root_seed, [hypothesis.Phase.generate, hypothesis.Phase.target])
    evidence = tally.evidence()
    return _shrunk(claim, route, evidence, draws, root_seed) if shrink and evidence.margin < 0 else evidence


def _domain(claim: Claim) -> Mapping[str, Range]:
    """What a search draws from: the claim's domain, or the part of it that can be computed."""
    within = claim.search.within if claim.search else None
    return claim.ranges if within is None else {name: values.at(claim.values) for name, values in within.items()}


def _in_order(claim: Claim, params: Case, seed: int) -> dict[str, Any]:
    return {**{name: params[name] for name in _domain(claim)}, "seed": seed}


def _shrunk(claim: Claim, route: SearchRoute, evidence: Searched, draws: int, root_seed: int) -> Searched:
    counterexamples: list[dict[str, Any]] = []

    def insist(params: dict[str, Any], seed: int) -> None:
        margin, _ = look(claim, route, params, seed, root_seed)
        if margin is not None and margin < 0:
            counterexamples.append(_in_order(claim, params, seed))
            raise _CounterexampleError

    try:
        _run(claim, insist, draws, root_seed, [hypothesis.Phase.generate, hypothesis.Phase.shrink])
    except _CounterexampleError:
        return replace(evidence, smallest=counterexamples[-1])
    return evidence


def _run(claim: Claim, visit: Any, examples: int, root_seed: int, phases: list[hypothesis.Phase]) -> None:
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    params = st.fixed_dictionaries({name: strategy(values) for name, values in _domain(claim).items()})
    source = int(stream(root_seed, claim.id, "search").integers(2**63))
    test = settings(hypothesis.given(params, st.integers(0, 2**32 - 1))(visit))
    with no_local_constants():
        hypothesis.seed(source)(test)()
