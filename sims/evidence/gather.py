"""Gathering evidence for the ledger on one or more processes, and judging it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Literal

from untrained.sims.evidence.counts import split_level
from untrained.sims.evidence.papers import LEDGER, Paper, read_paper
from untrained.sims.evidence.processes import on_processes
from untrained.theory.claim import Claim, Proof, listed
from untrained.theory.evidence import Evidence
from untrained.theory.ledger import in_order_of_need, ledger, theorems_assumed
from untrained.theory.verdict import Status, Verdict, judge

FAMILY_LEVEL = 0.01
"""Probability that any interval of the whole ledger misses its truth."""


@dataclass(frozen=True)
class Budget:
    """How hard to look: examples of each search, and how many times the fixed trials of each count."""

    name: str
    examples: int
    trials_factor: int


BUDGETS = {b.name: b for b in (Budget("quick", 60, 1), Budget("standard", 300, 4), Budget("deep", 2000, 40))}


@dataclass(frozen=True)
class Dossier:
    """Everything gathered on one claim: its own evidence, that of its false siblings, and the time it took."""

    id: str
    evidence: tuple[Evidence, ...]
    controls: Mapping[str, tuple[Evidence, ...]]
    seconds: float


@dataclass(frozen=True)
class Judgement:
    """The dossier of one claim, its verdict, and the verdicts of its false siblings."""

    dossier: Dossier
    verdict: Verdict
    control_verdicts: Mapping[str, Verdict]


def check_request(budget: str, seed: int, workers: int | None = None) -> None:
    """Refuse budgets that are unknown, seeds below 0 and fewer workers than one.

    Raises
    ------
    ValueError
        where one of them is not as it must be.
    """
    if budget not in BUDGETS:
        raise ValueError(f"budget must be one of {', '.join(BUDGETS)}, got {budget!r}")
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")


def interval_level(claims: Mapping[str, Claim] | None = None) -> float:
    """Level of each interval: the family level split over every counted cell of the whole ledger.

    Where the claims at hand are not all the ledger's, it is split over those of others and what they need.
    """
    claims = ledger() if claims is None else claims
    others = [i for i, claim in claims.items() if claim is not ledger().get(i)]
    counted = [claims[i] for i in (in_order_of_need(others, claims) if others else claims)]
    cells = sum(len(listed(c.count.cells, c.values)) * (1 + len(c.controls)) for c in counted if c.count)
    return split_level(FAMILY_LEVEL, max(1, cells))


def gather(claim_id: str, budget_name: str, root_seed: int, claims: Mapping[str, Claim] | None = None) -> Dossier:
    """Run every evidence route of a claim, and the same routes on its false siblings.

    `claims` are those that it stands among, the ledger's by default.
    """
    start = time.perf_counter()
    claims = ledger() if claims is None else claims
    claim, budget = claims[claim_id], BUDGETS[budget_name]
    evidence = tuple(gather_routes(claim, budget, root_seed, claims, shrink=True))
    siblings = {
        c.name: tuple(gather_routes(claim.sibling(c), budget, root_seed, claims, shrink=False)) for c in claim.controls
    }
    return Dossier(claim_id, evidence, siblings, time.perf_counter() - start)


def gather_routes(
    claim: Claim, budget: Budget, root_seed: int, claims: Mapping[str, Claim], *, shrink: bool
) -> Iterator[Evidence]:
    """Run every evidence route of a statement, which need not be one of the claims that it stands among, in turn."""
    yield from (route.run(claim) for route in routes(claim, budget, root_seed, claims, shrink=shrink))


@dataclass(frozen=True)
class Route:
    """One evidence route of a statement, which any push of it shares: known by `key`, run by `run`.

    `kind` says how it comes by its evidence: argued from premises, decided on listed cases, or drawn.
    """

    key: tuple[int, int]
    kind: Literal["argued", "listed", "drawn"]
    run: Callable[[Claim], Evidence]


def routes(
    claim: Claim, budget: Budget, root_seed: int, claims: Mapping[str, Claim], *, shrink: bool = False
) -> Iterator[Route]:
    """The evidence routes of a statement, in the order in which they are run."""
    from untrained.sims.evidence.counts import count
    from untrained.sims.evidence.search import search
    from untrained.theory.proof.exact import decide

    def argue(proof: Proof, one: Claim) -> Evidence:
        evidence: Evidence = proof(one.premises(claims))
        return evidence

    yield from (Route((id(proof), 0), "argued", partial(argue, proof)) for proof in claim.proofs)
    if claim.exact:
        yield Route((id(claim.exact), 0), "listed", decide)
    if claim.search:
        by = partial(search, examples=budget.examples, root_seed=root_seed, shrink=shrink)
        yield Route((id(claim.search), 0), "drawn", by)
    if claim.count:
        trials, level = claim.count.trials * budget.trials_factor, interval_level(claims)
        for i in range(len(listed(claim.count.cells, claim.values))):
            by_trials = partial(count, route=claim.count, cell=i, trials=trials, level=level, root_seed=root_seed)
            yield Route((id(claim.count), i), "drawn", by_trials)


def gather_all(
    ids: Sequence[str],
    budget: str,
    root_seed: int,
    workers: int,
    done: Mapping[str, Dossier] | None = None,
    paper: Paper = LEDGER,
) -> Iterator[Dossier]:
    """Yield what each claim and each claim it needs gathers, as it ends; `done` is passed on, not repeated.

    A single worker is a process too: the parent only waits, so that an interrupt never falls into a library.
    """
    ordered, done = in_order_of_need(ids, paper.claims), dict(done or {})
    yield from (done[i] for i in ordered if i in done)
    waiting = [i for i in ordered if i not in done]
    yield from on_processes(gather_from, [(paper.path, i, budget, root_seed) for i in waiting], workers)


def gather_from(path: Path | None, claim_id: str, budget_name: str, root_seed: int) -> Dossier:
    """Run every evidence route of a claim of the paper in a file, or of the ledger."""
    return gather_in(read_paper(path), claim_id, budget_name, root_seed)


def gather_in(paper: Paper, claim_id: str, budget_name: str, root_seed: int) -> Dossier:
    """Run every evidence route of a claim of a paper; what goes wrong in a user's is told in one sentence."""
    with paper.errors_of(claim_id):
        return gather(claim_id, budget_name, root_seed, paper.claims)


def judge_claim(
    claim: Claim, dossier: Dossier, statuses: Mapping[str, Status], claims: Mapping[str, Claim] | None = None
) -> Verdict:
    """Judge one claim, given the verdicts on those that it needs.

    A theorem of a textbook that is not proved here is an assumption, and a premise that fails where it is refuted.
    """
    claims = ledger() if claims is None else claims
    open_ = [i for i in theorems_assumed(claim, claims) if statuses[i] not in ("PROVED", "REFUTED")]
    needs = {i: statuses[i] for i in claim.needs if i not in open_}
    fitted = any(constant.kind == "fitted" for constant in claim.constants.values())
    distances = {c.name: distance(claim, c.constants) for c in claim.controls}
    return judge(dossier.evidence, dossier.controls, needs, assumes=open_, distances=distances, fitted=fitted)


def distance(claim: Claim, constants: Mapping[str, Any]) -> float:
    """The largest ratio by which constants differ from a claim's own; infinite where they have none."""
    return max((_ratio(claim.constants[name].value, value) for name, value in constants.items()), default=math.inf)


def _ratio(a: Any, b: Any) -> float:
    """The larger over the smaller of two numbers of one sign; beside 0 a number counts as one plus its size."""
    if not all(isinstance(x, int | float | Fraction) and not isinstance(x, bool) for x in (a, b)):
        return math.inf
    if a == 0:
        return 1 + abs(float(b))
    return float(max(a / b, b / a)) if a * b > 0 else math.inf


def judge_all(dossiers: Mapping[str, Dossier], claims: Mapping[str, Claim] | None = None) -> dict[str, Judgement]:
    """Judge claims in the order of their needs, so that a proof is no better than what it rests on."""
    claims = ledger() if claims is None else claims
    judgements: dict[str, Judgement] = {}
    for claim_id in in_order_of_need(dossiers, claims):
        claim, dossier = claims[claim_id], dossiers[claim_id]
        verdict = judge_claim(claim, dossier, {i: j.verdict.status for i, j in judgements.items()}, claims)
        siblings = {name: judge(evidence, {}) for name, evidence in dossier.controls.items()}
        judgements[claim_id] = Judgement(dossier, verdict, siblings)
    order = {name: position for position, name in enumerate(claims)}
    return dict(sorted(judgements.items(), key=lambda item: order[item[0]]))
