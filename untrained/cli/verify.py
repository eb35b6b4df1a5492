"""`untrained verify`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untrained.cli import console
from untrained.cli.options import InterruptedRunError, Json, Record, Resume, Seed, Workers, one_thread_each

if TYPE_CHECKING:
    from untrained.results import Verdicts
    from untrained.sims.evidence.gather import Dossier
    from untrained.sims.record.entries import Journal


def verify_command(
    claims: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLAIM", help="Ids, or the front of ids."),
    ] = None,
    budget: Annotated[str, typer.Option(help="quick, standard or deep.")] = "quick",
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = None,
    record: Record = False,
    resume: Resume = False,
) -> None:
    """Judge claims with fresh evidence; exit 1 only when a verdict contradicts the committed record."""
    one_thread_each()
    from untrained.sims.evidence.gather import check_request
    from untrained.sims.files import writable
    from untrained.theory.ledger import select_claims

    check_request(budget, seed, workers)
    ids = select_claims(claims or [])
    if json is not None:
        json = writable("json", json)
    workers = workers or min(8, os.cpu_count() or 1)
    raise typer.Exit(judge_claims(ids, budget, seed, workers, json, record=record, resume=resume))


def judge_claims(
    ids: list[str], budget: str, seed: int, workers: int, json: Path | None, *, record: bool, resume: bool
) -> int:
    """Gather, judge, write and report; return the exit code."""
    from untrained.api import verdicts_of
    from untrained.sims.record.entries import Journal
    from untrained.sims.record.store import read_all

    read_all("claim")  # a damaged record is refused before anything runs
    journal = Journal(budget, seed, ids)
    verdicts = verdicts_of(_gather(ids, budget, seed, workers, journal, resume=resume), budget, seed)
    if json is not None:
        _write_json(json, verdicts, budget, seed)
    if record:
        _record(verdicts)
    journal.close()  # only now: what a long run gathered must outlive a disk that is full
    _report(verdicts)
    return 1 if verdicts.contradictions and not record else 0


def _write_json(path: Path, verdicts: Verdicts, budget: str, seed: int) -> None:
    from untrained.sims.files import write_text
    from untrained.sims.record.store import to_text

    header = {"budget": budget, "seed": seed, "format": 1}
    claims, against = list(verdicts.entries.values()), list(verdicts.contradictions)
    write_text(path, to_text({**header, "claims": claims, "contradictions": against}))


def _gather(
    ids: list[str], budget: str, seed: int, workers: int, journal: Journal, *, resume: bool
) -> dict[str, Dossier]:
    from untrained.sims.evidence.gather import gather_all
    from untrained.theory.ledger import in_order_of_need

    before = _before(journal) if resume else {}
    _start(journal, before)
    needed = in_order_of_need(ids)
    gathered: dict[str, Dossier] = {}
    try:
        with console.bar("judging {task.fields[last]}", screen=console.stderr()) as progress:
            task = progress.add_task("", total=len(needed), last="")
            for one in gather_all(ids, budget, seed, workers, before):
                gathered[one.id] = one
                if one.id not in before:
                    journal.add(one)
                progress.update(task, advance=1, last=one.id)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {len(gathered)} of {len(needed)} claims, which are kept; "
            "the same command with --resume goes on from there."
        ) from None
    return gathered


def _before(journal: Journal) -> dict[str, Dossier]:
    try:
        return journal.read()
    except ValueError as error:
        raise ValueError(f"{error}; without --resume it is written anew") from error


def _start(journal: Journal, before: Mapping[str, Dossier]) -> None:
    try:
        journal.start(before)
    except OSError as error:
        at = f"{journal.path.parent} ({error.strerror}); XDG_CACHE_HOME names another"
        raise ValueError(f"the cache folder must be one that can be written to, got {at}") from error


def _record(verdicts: Verdicts) -> None:
    from untrained.figures.verdict_table import refresh_note
    from untrained.sims.record.store import write_record

    for claim_id, entry in verdicts.entries.items():
        write_record("claim", claim_id, {k: v for k, v in entry.items() if k != "seconds"})
    refresh_note()


def _report(verdicts: Verdicts) -> None:
    from untrained.figures.verdict_table import verdict_table

    screen = console.stdout()
    console.show([verdict_table(verdicts.entries, screen.width), ""], screen)
    for line in verdicts.summary():
        style = "bold red" if line.startswith("CONTRADICTS") else None
        screen.print(line, style=style, highlight=False)
