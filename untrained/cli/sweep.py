"""`untrained sweep`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from untrained.cli import console
from untrained.cli.options import InterruptedRunError, Record, Resume, Workers, one_thread_each

if TYPE_CHECKING:
    from untrained.sims.experiments.engine import Follow, Summary
    from untrained.sims.experiments.sweep import Sweep

MANY = 100_000
"""More cells than this are asked about first."""


def sweep_command(
    study: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="A known study, file.py:NAME or package.module:NAME.")
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="AXES", help="Such as 'n=8,16 ratio=1:8:8 eta=log:0.1:10:5'; other axes as they are."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Repetitions of each choice of parameters.")] = None,
    workers: Workers = None,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of Dask: tcp://host:8786.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: CUDA where a worker has one.")] = "cpu",
    resume: Resume = False,
    store: Annotated[Path | None, typer.Option(help="The file of results (default: in the cache folder).")] = None,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the rows: .csv or .parquet.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Say how far it is, also while it runs.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the known studies.")] = False,
    record: Record = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin a very large sweep without asking.")] = False,
) -> None:
    """Compute a grid of thousands of cells that may be interrupted at any moment; exit 1 when cells failed."""
    one_thread_each()
    from untrained.sims.experiments.sweep import check_export, make_sweep

    if listing:
        print("\n".join(study_lines()) or "no study is known by name")
        return
    if study is None:
        raise ValueError("STUDY must be given, or --list")
    chosen, failed = make_sweep(study, grid, seeds, store), 0
    export = export and check_export(export)
    if record:
        chosen.check_recordable()
    if status:
        print(_status(chosen))
    else:
        _ask_first(len(chosen.grid), yes=yes)
        failed = _run(chosen, workers, scheduler, device, resume=resume or record).failed
    if export:
        print(_write_table(chosen, export))
    if record and not failed:
        print(chosen.write_record())
    raise typer.Exit(1 if failed else 0)


def _ask_first(cells: int, *, yes: bool) -> None:
    if yes or cells <= MANY:
        return
    if not on_terminal():
        raise ValueError(f"a sweep of more than {MANY} cells must be begun with --yes, got {cells}")
    if not typer.confirm(f"{cells} cells: begin?", err=True):
        raise ValueError(f"the sweep must be agreed to, got no for {cells} cells")


def on_terminal() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _run(chosen: Sweep, workers: int | None, scheduler: str | None, device: str, *, resume: bool) -> Summary:
    try:
        with _progress(chosen) as follow:
            summary = chosen.run(workers, scheduler, device=device, resume=resume, follow=follow)
    except KeyboardInterrupt:
        raise interruption(chosen.status()) from None
    before = f" ({summary.before} of them before)" if summary.before else ""
    counts = f"{summary.done} of {summary.cells} cells done{before}, {summary.failed} failed"
    print(f"{counts}, {summary.seconds:.1f} s, in {chosen.store}")
    for line in chosen.failures() if summary.failed else ():
        print(f"failed: {line}")
    return summary


def interruption(state: Mapping[str, Any]) -> InterruptedRunError:
    """Return the error that tells how far an interrupted run has come."""
    return InterruptedRunError(
        f"interrupted after {state['done']} of {state['cells']} cells, which are kept; "
        "the same command with --resume goes on from there."
    )


@contextmanager
def _progress(chosen: Sweep) -> Iterator[Follow]:
    words = ("{task.description}", "cells, {task.fields[rate]}", "{task.fields[failed]} failed")
    with console.bar(*words, screen=console.stderr()) as progress:
        task = progress.add_task(chosen.study.name, total=len(chosen.grid), rate="", failed=0)
        lines = console.MinuteLines(chosen.study.name, hidden=console.stderr().is_terminal)

        def follow(state: Summary) -> None:
            ended = state.done + state.failed
            rate = f"{(ended - state.before) / state.seconds:.3g} a second" if state.seconds else "starting"
            progress.update(task, completed=ended, rate=rate, failed=state.failed)
            new, cells = ended - state.before, len(chosen.grid)
            lines.tell(new, cells - state.before, f"{ended} of {cells} cells, {rate}, {state.failed} failed")

        yield follow


def _write_table(chosen: Sweep, path: Path) -> str:
    from untrained.sims.experiments.sweep import export

    table = chosen.rows()
    export(path, table)
    return f"{len(table)} of {len(chosen.grid)} rows in {path}"


def _status(chosen: Sweep) -> str:
    """How the store's newest run stands, which may be running."""
    state = chosen.status()
    left = state["cells"] - state["done"] - state["failed"]
    counts = f"{state['done']} of {state['cells']} cells done, {state['failed']} failed, {left} left"
    running = "running" if state["running"] else "not running"
    return f"{chosen.study.name}: {counts}, {state['rate']:.3g} a second, {running}, in {chosen.store}"


def run_study(name: str, workers: int, device: str, resume: bool, store: Path | None, record: bool) -> int:
    """Run the default grid of a known study, print its table, record it where asked; return how many cells failed."""
    from untrained.figures.tables import Table, number
    from untrained.sims.experiments.sweep import make_sweep

    chosen = make_sweep(name, store=store)
    if record:
        chosen.check_recordable()
    failed = _run(chosen, workers, None, device, resume=resume or record).failed
    table = chosen.table()
    if table:
        rows = [[str(x) if isinstance(x, int) else number(x) for x in row.values()] for row in table]
        console.show([f"{name}: {chosen.study.says}", Table(list(table[0]), rows)], console.stdout())
    if record and not failed:
        print(chosen.write_record())
    return failed


def study_lines(names: Iterable[str] | None = None) -> list[str]:
    """A line for every known study, or for those named."""
    from untrained.sims.experiments.studies import STUDIES
    from untrained.sims.experiments.sweep import make_sweep

    sweeps = [(name, make_sweep(name)) for name in names or STUDIES]
    return [f"{name:<24} {len(each.grid):>7} cells  {each.study.says}" for name, each in sweeps]
