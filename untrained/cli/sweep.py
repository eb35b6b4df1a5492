"""`untrained sweep`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untrained.cli import console
from untrained.cli.options import InterruptedRunError, Record, Resume, Workers, one_thread_each

if TYPE_CHECKING:
    from untrained.sims.experiments.engine import Summary, Watch
    from untrained.sims.experiments.order import Order


def sweep(
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
    from untrained.sims.experiments import order as orders
    from untrained.sims.experiments.export import check_export

    if listing:
        print("\n".join(orders.listing()) or "no study is known by name")
        return
    if study is None:
        raise ValueError("STUDY must be given, or --list")
    order = orders.make_order(study, grid, seeds, store)
    orders.set_workers(order, workers, scheduler, device)
    order.resume, export = resume or record, export and check_export(export)
    if record:
        orders.check_recordable(order)
    if status:
        print(orders.status(order))
    else:
        _ask_first(order, yes=yes)
        _run(order)
    if export:
        print(orders.write_table(order, export))
    if record and not order.seen.failed:
        print(orders.write_to_record(order))
    raise typer.Exit(1 if order.seen.failed else 0)


def _ask_first(order: Order, *, yes: bool) -> None:
    from untrained.sims.experiments.order import MANY, is_large

    if yes or not is_large(order):
        return
    if not on_terminal():
        raise ValueError(f"a sweep of more than {MANY} cells must be begun with --yes, got {len(order.grid)}")
    if not typer.confirm(f"{len(order.grid)} cells: begin?", err=True):
        raise ValueError(f"the sweep must be agreed to, got no for {len(order.grid)} cells")


def on_terminal() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _run(order: Order) -> None:
    from untrained.sims.experiments import order as orders

    try:
        with _progress(order) as watch:
            seen = orders.sweep(order, watch)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {order.seen.done} of {len(order.grid)} cells, which are kept; "
            "the same command with --resume goes on from there."
        ) from None
    print(orders.say_end(seen, order.store))
    for line in orders.failures(order) if seen.failed else ():
        print(line)


@contextmanager
def _progress(order: Order) -> Iterator[Watch]:
    words = ("{task.description}", "cells, {task.fields[rate]}", "{task.fields[failed]} failed")
    with console.bar(*words, screen=console.errors()) as progress:
        task = progress.add_task(order.name, total=len(order.grid), rate="", failed=0)

        def watch(seen: Summary) -> None:
            ended = seen.done + seen.failed
            rate = f"{(ended - seen.kept) / seen.seconds:.3g} a second" if seen.seconds else "starting"
            progress.update(task, completed=ended, rate=rate, failed=seen.failed)

        yield watch
