"""Gathering evidence for the ledger on one or more processes, and judging it."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing import get_context
from typing import Any

from untrained.sims.evidence.counts import split_level
from untrained.theory.claim import Claim, listed
from untrained.theory.evidence import Evidence
from untrained.theory.ledger import assumptions, in_order_of_need, ledger
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


def interval_level() -> float:
    """Level of each interval: the family level split over every counted cell of the whole ledger."""
    counted = [c for c in ledger().values() if c.count]
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
    from untrained.sims.evidence.counts import count
    from untrained.sims.evidence.search import search
    from untrained.theory.proof.exact import decide

    premises = claim.premises(claims)
    yield from (proof(premises) for proof in claim.proofs)
    yield from (route(claim.values) for route in (claim.symbolic, claim.enclosed) if route)
    if claim.exact:
        yield decide(claim)
    if claim.search:
        yield search(claim, budget.examples, root_seed, shrink=shrink)
    if claim.count:
        trials, level = claim.count.trials * budget.trials_factor, interval_level()
        cells = range(len(listed(claim.count.cells, claim.values)))
        yield from (count(claim, claim.count, i, trials, level, root_seed) for i in cells)


def gather_all(
    ids: Sequence[str], budget: str, root_seed: int, workers: int, done: Mapping[str, Dossier] | None = None
) -> Iterator[Dossier]:
    """Yield what each claim and each claim it needs gathers, as it ends; `done` is passed on, not repeated.

    A single worker is a process too: the parent only waits, so that an interrupt never falls into a library.
    """
    ordered, done = in_order_of_need(ids), dict(done or {})
    yield from (done[i] for i in ordered if i in done)
    waiting = [i for i in ordered if i not in done]
    if waiting:
        yield from _on_processes(waiting, budget, root_seed, min(workers, len(waiting)))


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _on_processes(ids: Sequence[str], budget: str, root_seed: int, workers: int) -> Iterator[Dossier]:
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _leave_interrupts_to_the_parent)
    try:
        running = [pool.submit(gather, i, budget, root_seed) for i in ids]
        while running:
            ended = wait(running, return_when=FIRST_COMPLETED).done
            yield from (future.result() for future in running if future in ended)
            running = [future for future in running if future not in ended]
    except BaseException:
        for process in list(getattr(pool, "_processes", {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def judge_claim(
    claim: Claim, dossier: Dossier, statuses: Mapping[str, Status], claims: Mapping[str, Claim] | None = None
) -> Verdict:
    """Judge one claim, given the verdicts on those that it needs.

    A theorem of a textbook that is not proved here is an assumption, and a premise that fails where it is refuted.
    """
    claims = ledger() if claims is None else claims
    open_ = [i for i in assumptions(claim, claims) if statuses[i] not in ("PROVED", "REFUTED")]
    needs = {i: statuses[i] for i in claim.needs if i not in open_}
    fitted = any(constant.kind == "fitted" for constant in claim.constants.values())
    distances = {c.name: distance(claim, c.constants) for c in claim.controls}
    return judge(dossier.evidence, dossier.controls, needs, assumes=open_, distances=distances, fitted=fitted)


def distance(claim: Claim, constants: Mapping[str, Any]) -> float:
    """The largest ratio by which constants differ from a claim's own; infinite where they have none."""
    return max((_ratio(claim.constants[name].value, value) for name, value in constants.items()), default=math.inf)


def _ratio(a: Any, b: Any) -> float:
    numbers = all(isinstance(x, int | float | Fraction) and not isinstance(x, bool) for x in (a, b))
    return float(max(a / b, b / a)) if numbers and a * b > 0 else math.inf


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
