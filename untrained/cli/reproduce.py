"""`untrained reproduce`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from untrained.cli import console
from untrained.cli.options import Device, Record, Resume, Threads
from untrained.cli.sweep import interruption, run_study, study_lines

if TYPE_CHECKING:
    from untrained.sims.experiments.engine import Follow, Summary
    from untrained.sims.experiments.recipes.reproduction import RecipeRun
    from untrained.sims.progress import OpenProgress, Progress

_DAY = 24 * 3600.0
"""Seconds over which the speed is taken: cells are long, and the usual half minute would see none of them end."""
_STYLES = {"holds": "green", "fails": "red", "undecided": "yellow"}
"""Colour of each verdict on a sentence of the paper; what else is said is grey."""


def reproduce_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Recipes, such as fig1a or table2, file.py:NAME, or studies."),
    ] = None,
    images: Annotated[int | None, typer.Option(help="The first N images of each part only.")] = None,
    methods: Annotated[str | None, typer.Option(metavar="A,B,...", help="These methods of the recipes only.")] = None,
    m: Annotated[str | None, typer.Option("--m", metavar="A,B,...", help="These numbers of measurements only.")] = None,
    at_once: Annotated[int | None, typer.Option(help="Images recovered side by side, where a method can.")] = None,
    workers: Annotated[int, typer.Option(help="Processes of one thread each (default: this one, all threads).")] = 0,
    resume: Resume = False,
    store: Annotated[Path | None, typer.Option(help="The file of results (default: in the cache folder).")] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The data (default: UNTRAINED_DATA).")] = None,
    folder: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write record and picture here.")] = None,
    device: Device = "auto",
    threads: Threads = None,
    record: Record = False,
    decide: Annotated[
        bool, typer.Option("--decide", help="Compute what decides most sentences an hour (default: CS-DIP's recipes).")
    ] = False,
    hours: Annotated[float | None, typer.Option(help="How long to decide; 0 judges what there is.")] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="List the recipes, what each costs, and which are recorded.")
    ] = False,
) -> None:
    """Run figures and tables of the papers again, and say what came out beside what the paper has."""
    from untrained.sims import runtime
    from untrained.sims.experiments.recipes.reproduction import make_recipe_run
    from untrained.sims.recovery import reports, tasks

    if data is not None:
        os.environ["UNTRAINED_DATA"] = str(data)
    if listing:
        _list_recipes(names or [])
        return
    recipes, studies = recipes_and_studies(names or [])
    if hours is not None and not decide:
        raise ValueError(f"hours must be left out without --decide, got {hours:g}")
    if studies:
        some = {"images": images, "methods": methods, "m": m, "at-once": at_once, "decide": decide or None}
        _refuse_recipes_options(some, studies)
    if studies and (recipes or folder is not None):
        raise ValueError(f"studies must be run by themselves and without --folder, got {', '.join(studies)}")
    runtime.use_threads(threads)
    if studies:
        kind = runtime.pick_device(device).type
        failures = [run_study(name, workers, kind, resume, store, record) for name in studies]
        raise typer.Exit(1 if any(failures) else 0)
    where, place = runtime.pick_device(device), None if folder is None else reports.check_folder("folder", folder)
    labels, sizes = methods.split(",") if methods else None, tasks.parse_counts("m", m)
    options = {"images": images, "at_once": at_once, "store": store}
    if decide:
        how = {"methods": labels, "sizes": sizes, "workers": workers, "device": where.type, **options}
        raise typer.Exit(_decide(names or [], hours, place, record=record, **how))
    chosen = make_recipe_run(*names or (), methods=labels, sizes=sizes, **options)  # type: ignore[arg-type]
    if record:
        chosen.check_recordable()
    failed = run_shown(chosen, workers, where.type, resume=resume).failed
    _report(chosen, place, record=record and not failed)
    raise typer.Exit(1 if failed else 0)


def _decide(names: Sequence[str], hours: float | None, folder: Path | None, *, record: bool, **options: Any) -> int:
    """Decide sentences, show and write how they came out, and return the exit code."""
    from untrained.cli.decide import decision_on, run_decision, show_decision

    decision = decision_on(names, hours, record=record, **options)
    run_decision(decision, hours or 0.0)
    show_decision(decision.new_records(), folder, record=record)
    return 1 if decision.failed else 0


def recipes_and_studies(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Deal out names: what no recipe is called and a known study is, is that study."""
    from untrained.sims.experiments.recipes.reproduction import ALL_RECIPES
    from untrained.sims.experiments.studies import STUDIES

    studies = [name for name in dict.fromkeys(names) if name in STUDIES and name not in ALL_RECIPES]
    return [name for name in names if name not in studies], studies


def _refuse_recipes_options(options: Mapping[str, Any], studies: Sequence[str]) -> None:
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{option} must be left out for a study, which `untrained sweep {studies[0]}` varies")


def _list_recipes(names: Sequence[str]) -> None:
    from untrained.figures.recipe_tables import cost_table
    from untrained.sims.experiments.recipes.reproduction import all_costs

    recipes, studies = recipes_and_studies(names)
    if recipes or not studies:
        console.show([cost_table(all_costs(recipes))], console.stdout())
    for line in study_lines(studies) if studies else _known_studies():
        print(line)


def _known_studies() -> list[str]:
    from untrained.sims.experiments.studies import STUDIES

    return [f"studies, which are named in the same way: {', '.join(STUDIES)}"]


def run_shown(chosen: RecipeRun, workers: int, device: str, *, resume: bool = False) -> Summary:
    """Run what is asked for, and show how it goes on where a terminal looks on."""
    try:
        with cells_progress(len(chosen.keys)) as (follow, open_progress):
            summary = chosen.run(workers, device=device, resume=resume, follow=follow, open_progress=open_progress)
    except KeyboardInterrupt:
        raise interruption(chosen.status()) from None
    for line in chosen.failures() if summary.failed else ():
        print(f"failed: {line}")
    return summary


@contextmanager
def cells_progress(cells: int) -> Iterator[tuple[Follow, OpenProgress]]:
    """Show how cells end and calls go on: a bar on a terminal, else a line a minute."""
    words = ("{task.description} {task.fields[step]}", "cells")
    with console.bar(*words, screen=console.stderr(), speed_estimate_period=_DAY) as progress:
        task = progress.add_task("recipes", total=cells, step="")
        lines, ended = console.MinuteLines("recipes", hidden=console.stderr().is_terminal), [0, 0, cells]

        def follow(state: Summary) -> None:
            ended[:] = state.done + state.failed, state.before, state.cells
            progress.update(task, completed=ended[0], total=state.cells)
            lines.tell(ended[0] - ended[1], ended[2] - ended[1], f"{ended[0]} of {ended[2]} cells")

        def steps(step: int, total: int, loss: float) -> None:
            progress.update(task, step=f"step {step} of {total}, loss {loss:.3g}")
            words = f"{ended[0]} of {ended[2]} cells, step {step} of {total}, loss {loss:.4g}"
            lines.tell(ended[0] - ended[1], ended[2] - ended[1], words)

        @contextmanager
        def open_progress(name: str) -> Iterator[Progress | None]:
            progress.update(task, description=name, step="")
            lines.name = name
            yield steps

        yield follow, open_progress


def _report(chosen: RecipeRun, folder: Path | None, *, record: bool) -> None:
    from untrained.figures.recipe_curves import write_recipe
    from untrained.sims.record.store import write_record

    for entry in chosen.records():
        _show(entry)
        files = [write_record("recipe", entry["name"], entry)] if record else []
        console.show(map(str, files + ([] if folder is None else write_recipe(entry, folder))), console.stdout())


def _show(record: Mapping[str, Any]) -> None:
    """Print a record: title, tables, the paper's sentences judged, what it is silent on and what differs here."""
    from untrained.figures.recipe_tables import recipe_parts, sentences

    screen = console.stdout()
    title, *tables = recipe_parts(record)
    screen.print(f"\n{title}", style="bold", highlight=False)
    console.show(tables, screen)
    for word, sentence in sentences(record):
        style = _STYLES.get(word, "bright_black")
        screen.print(f"{word:>9}  {sentence}", style=style, highlight=False, markup=False, soft_wrap=True)
