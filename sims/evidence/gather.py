"""Gathering evidence for the ledger on one or more processes, and judging it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context

from untrained.sims.evidence.counts import split_level
from untrained.theory.claim import Claim
from untrained.theory.evidence import Evidence
from untrained.theory.ledger import in_order_of_need, ledger
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
    cells = sum(len(c.count.cells) * (1 + len(c.controls)) for c in ledger().values() if c.count)
    return split_level(FAMILY_LEVEL, max(1, cells))


def gather(claim_id: str, budget_name: str, root_seed: int) -> Dossier:
    """Run every evidence route of a claim, and the same routes on its false siblings."""
    start = time.perf_counter()
    claim, budget = ledger()[claim_id], BUDGETS[budget_name]
    evidence = _routes(claim, budget, root_seed, shrink=True)
    siblings = {c.name: _routes(claim.sibling(c), budget, root_seed, shrink=False) for c in claim.controls}
    return Dossier(claim_id, evidence, siblings, time.perf_counter() - start)


def _routes(claim: Claim, budget: Budget, root_seed: int, *, shrink: bool) -> tuple[Evidence, ...]:
    from untrained.sims.evidence.counts import count
    from untrained.sims.evidence.search import search
    from untrained.theory.proof.exact import decide

    evidence: list[Evidence] = []
    if claim.symbolic:
        evidence.append(claim.symbolic(claim.values))
    if claim.enclosed:
        evidence.append(claim.enclosed(claim.values))
    if claim.exact:
        evidence.append(decide(claim))
    if claim.search:
        evidence.append(search(claim, budget.examples, root_seed, shrink=shrink))
    if claim.count:
        trials, level = claim.count.trials * budget.trials_factor, interval_level()
        evidence += [count(claim, claim.count, i, trials, level, root_seed) for i in range(len(claim.count.cells))]
    return tuple(evidence)


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


def judge_all(dossiers: Mapping[str, Dossier]) -> dict[str, Judgement]:
    """Judge claims in the order of their needs, so that a proof is no better than what it rests on."""
    judgements: dict[str, Judgement] = {}
    for claim_id in in_order_of_need(dossiers):
        claim, dossier = ledger()[claim_id], dossiers[claim_id]
        needs: dict[str, Status] = {need: judgements[need].verdict.status for need in claim.needs}
        fitted = any(constant.kind == "fitted" for constant in claim.constants.values())
        verdict = judge(dossier.evidence, dossier.controls, needs, fitted=fitted)
        siblings = {name: judge(evidence, {}) for name, evidence in dossier.controls.items()}
        judgements[claim_id] = Judgement(dossier, verdict, siblings)
    order = {name: position for position, name in enumerate(ledger())}
    return dict(sorted(judgements.items(), key=lambda item: order[item[0]]))
