"""`untrained verify`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from untrained.cli import console
from untrained.cli.options import Json, Record, ReportPage, Resume, Seed, Workers, one_thread_each
from untrained.cli.runs import follow_run

if TYPE_CHECKING:
    from untrained.figures.site.page import Making
    from untrained.results import Mutants, Verdicts
    from untrained.sims.evidence.papers import Paper

_PACKAGES = ("untrained", "numpy", "scipy", "sympy", "mpmath", "python-flint")
"""What verdicts depend on."""


def verify_command(
    claims: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PAPER.py] CLAIM", help="Ids, or the front of ids; of your own file, where one is named."
        ),
    ] = None,
    budget: Annotated[str, typer.Option(help="quick, standard or deep.")] = "quick",
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = None,
    report: ReportPage = None,
    record: Record = False,
    resume: Resume = False,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Push every constant, drop every hypothesis; exit 1 where none loses.")
    ] = False,
) -> None:
    """Judge claims with fresh evidence; exit 1 only when a verdict contradicts the committed record."""
    one_thread_each()
    from untrained.sims.evidence.gather import check_request
    from untrained.sims.evidence.papers import paper_and_names
    from untrained.sims.files import writable
    from untrained.theory.ledger import select_claims

    check_request(budget, seed, workers)
    paper, names = paper_and_names(claims or [])
    ids = select_claims(names, paper.listed)
    if record and paper.own:
        raise ValueError(f"record is for claims of the ledger, got those of {paper.path}")
    if mutants and budget != "quick":
        raise ValueError(f"budget is for verdicts, got {budget} with `mutants`")
    if json is not None:
        json = writable("json", json)
    if report is not None:
        from untrained.sims.recovery.reports import PAGE_SUFFIXES, check_output

        report = check_output("report", report, PAGE_SUFFIXES)
    workers = workers or min(8, os.cpu_count() or 1)
    if mutants:
        raise typer.Exit(mutate_claims(ids, seed, workers, json, paper, record=record, resume=resume, report=report))
    raise typer.Exit(
        judge_claims(ids, budget, seed, workers, json, record=record, resume=resume, paper=paper, report=report)
    )


def judge_claims(
    ids: list[str],
    budget: str,
    seed: int,
    workers: int,
    json: Path | None,
    *,
    record: bool,
    resume: bool,
    paper: Paper | None = None,
    report: Path | None = None,
) -> int:
    """Gather, judge, write and report; return the exit code."""
    from untrained.api import verdicts_of
    from untrained.sims.evidence.gather import Dossier, gather_all
    from untrained.sims.evidence.papers import LEDGER
    from untrained.sims.record.entries import Journal
    from untrained.sims.record.store import read_all
    from untrained.theory.ledger import in_order_of_need

    read_all("claim")  # a damaged record is refused before anything runs
    paper = LEDGER if paper is None else paper
    journal: Journal[Dossier] = Journal(budget, seed, ids, paper)
    total = len(in_order_of_need(ids, paper.claims))
    gathered = follow_run(
        lambda before: gather_all(ids, budget, seed, workers, before, paper), total, journal, "judging", resume=resume
    )
    verdicts = verdicts_of(gathered, budget, seed, paper)
    if json is not None:
        _write_json(json, verdicts, budget, seed)
    if report is not None:
        _write_page(report, verdicts, ids, paper)
    if record:
        _record("claim", verdicts.entries)
    journal.close()  # only now: what a long run gathered must outlive a disk that is full
    _report(verdicts)
    return 1 if verdicts.contradictions and not record else 0


def mutate_claims(
    ids: list[str],
    seed: int,
    workers: int,
    json: Path | None,
    paper: Paper,
    *,
    record: bool,
    resume: bool,
    report: Path | None = None,
) -> int:
    """Mutate, write and report; return the exit code."""
    from untrained.api import mutants_of
    from untrained.sims.evidence.mutants import MutantReport, mutate_all
    from untrained.sims.record.brackets import MUTANTS
    from untrained.sims.record.entries import Journal

    journal: Journal[MutantReport] = Journal("mutants", seed, ids, paper, MUTANTS)

    def run(before: Mapping[str, MutantReport]) -> Any:
        yield from before.values()
        yield from mutate_all([i for i in ids if i not in before], seed, workers, paper)

    gathered = follow_run(run, len(ids), journal, "pushing", resume=resume)
    mutants = mutants_of([gathered[i] for i in ids], seed, paper)
    if json is not None:
        _write_mutants(json, mutants, seed)
    if report is not None:
        _write_mutants_page(report, mutants, seed)
    if record:
        _record("mutants", mutants.entries)
    journal.close()
    console.show([*mutants.parts(), ""], console.stdout())
    return 1 if mutants.faults else 0


def _write_json(path: Path, verdicts: Verdicts, budget: str, seed: int) -> None:
    from untrained.sims.files import write_text
    from untrained.sims.record.store import to_text

    header = {"budget": budget, "seed": seed, "format": 1}
    claims, against = list(verdicts.entries.values()), list(verdicts.contradictions)
    write_text(path, to_text({**header, "claims": claims, "contradictions": against}))


def _write_page(path: Path, verdicts: Verdicts, named: list[str], paper: Paper) -> None:
    from untrained.figures.site.content import Content
    from untrained.figures.site.page import verdicts_page
    from untrained.sims.files import write_text
    from untrained.sims.record.store import read_all

    claims = {claim_id: paper.claims[claim_id] for claim_id in verdicts}
    first = next(iter(verdicts.entries.values()))
    making = _making({"budget": first["budget"], "seed": first["seed"]})
    content = Content(claims, verdicts.entries, read_all("mutants"))
    write_text(path, verdicts_page(content, named, verdicts.summary(), making))


def _write_mutants_page(path: Path, mutants: Mutants, seed: int) -> None:
    from untrained.figures.site.page import mutants_page
    from untrained.sims.files import write_text

    write_text(path, mutants_page(mutants.entries, mutants.summary(), _making({"seed": seed})))


def _making(settings: Mapping[str, Any]) -> Making:
    from untrained.figures.site.page import Making
    from untrained.sims.runtime import versions

    return Making(console.command_line(), versions(_PACKAGES), settings)


def _write_mutants(path: Path, mutants: Mutants, seed: int) -> None:
    from untrained.sims.files import write_text
    from untrained.sims.record.store import to_text

    whole = {"seed": seed, "format": 1, "mutants": list(mutants.entries.values()), "faults": list(mutants.faults)}
    write_text(path, to_text(whole))


def _record(kind: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    from untrained.figures.verdict_table import refresh_note
    from untrained.sims.record.store import write_record

    for claim_id, entry in entries.items():
        write_record(kind, claim_id, {k: v for k, v in entry.items() if k not in ("seconds", "brackets")})
    refresh_note()


def _report(verdicts: Verdicts) -> None:
    from untrained.figures.verdict_table import verdict_table

    screen = console.stdout()
    console.show([verdict_table(verdicts.entries, screen.width), ""], screen)
    for line in verdicts.summary():
        style = "bold red" if line.startswith("CONTRADICTS") else None
        screen.print(line, style=style, highlight=False)
