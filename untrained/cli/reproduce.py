"""`untrained reproduce`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from untrained.cli import console
from untrained.cli.options import Device, InterruptedRunError, Record, Resume, Threads

if TYPE_CHECKING:
    from untrained.sims.experiments.recipes.keep import Kept
    from untrained.sims.experiments.recipes.reproduce import Plan

_DAY = 24 * 3600.0
"""Seconds over which the speed is taken: cells are long, and the usual half minute would see none of them end."""
_STYLES = {"holds": "green", "fails": "red", "undecided": "yellow"}
"""Colour of each verdict on a sentence of the paper; what else is said is grey."""


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Recipes, such as fig1a or table2.")] = None,
    images: Annotated[int | None, typer.Option(help="The first N images of each part only.")] = None,
    methods: Annotated[str | None, typer.Option(metavar="A,B,...", help="These methods of the recipes only.")] = None,
    m: Annotated[str | None, typer.Option("--m", metavar="A,B,...", help="These numbers of measurements only.")] = None,
    at_once: Annotated[int | None, typer.Option(help="Images recovered side by side, where a method can.")] = None,
    resume: Resume = False,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The data (default: UNTRAINED_DATA).")] = None,
    folder: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write record and picture here.")] = None,
    device: Device = "auto",
    threads: Threads = None,
    record: Record = False,
    listing: Annotated[
        bool, typer.Option("--list", help="List the recipes, what each costs, and which are recorded.")
    ] = False,
) -> None:
    """Run the CS-DIP paper's figures and tables again, and say what came out beside what the paper has."""
    from untrained.sims import runtime
    from untrained.sims.experiments.recipes.keep import Kept
    from untrained.sims.experiments.recipes.reproduce import Request, prepare, resume_from
    from untrained.sims.recovery import reports, tasks

    if data is not None:
        os.environ["UNTRAINED_DATA"] = str(data)
    if listing:
        _list_recipes(names or [])
        return
    runtime.use_threads(threads)
    where, place = runtime.pick_device(device), None if folder is None else reports.check_folder("folder", folder)
    counts = tasks.parse_counts("m", m)
    plan, cells = prepare(Request(names or [], images, methods and methods.split(","), at_once, counts)), Kept()
    if resume:
        resume_from(plan, cells)
    _run(plan, cells, where)
    _tell(plan, place, record=record)


def _list_recipes(names: Sequence[str]) -> None:
    from untrained.figures.recipe_tables import cost_table
    from untrained.sims.experiments.recipes.cost import all_costs

    console.show([cost_table(all_costs(names))], console.output())


def _run(plan: Plan, cells: Kept, device: Any) -> None:
    try:
        run_shown(plan, cells, device)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {len(plan.done)} of {len(plan.keys)} cells, which are kept; "
            "the same command with --resume goes on from there."
        ) from None


def run_shown(plan: Plan, cells: Kept, device: Any) -> None:
    """Run what is left of a plan, and show how it goes on where a terminal looks on."""
    from untrained.sims.experiments.recipes.reproduce import run
    from untrained.sims.experiments.recipes.work import Bench

    with console.bar(
        "{task.description} {task.fields[step]}", "cells", screen=console.errors(), speed_estimate_period=_DAY
    ) as progress:
        task = progress.add_task("starting", total=len(plan.left()), step="")

        def watch(step: int, total: int, loss: float) -> None:
            progress.update(task, step=f"step {step} of {total}, loss {loss:.3g}")

        def say(what: str) -> None:
            progress.update(task, description=what, step="")

        for _ in run(plan, cells, Bench(device, cells.folder, watch, say)):
            progress.advance(task)


def _tell(plan: Plan, place: Path | None, *, record: bool) -> None:
    from untrained.figures.recipe_curves import write_recipe
    from untrained.sims.experiments.recipes.reproduce import records
    from untrained.sims.record.store import write_record

    for data in records(plan):
        _show(data)
        files = [write_record("recipe", data["name"], data)] if record else []
        for path in files + ([] if place is None else write_recipe(data, place)):
            print(path)


def _show(record: Mapping[str, Any]) -> None:
    """Print a record: title, tables, the paper's sentences judged, what it is silent on and what differs here."""
    from untrained.figures.recipe_tables import recipe_parts, sentences

    screen = console.output()
    title, *tables = recipe_parts(record)
    screen.print(f"\n{title}", style="bold", highlight=False)
    console.show(tables, screen)
    for word, sentence in sentences(record):
        style = _STYLES.get(word, "bright_black")
        screen.print(f"{word:>9}  {sentence}", style=style, highlight=False, markup=False, soft_wrap=True)
