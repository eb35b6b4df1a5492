"""`untrained reproduce --decide`: the sentences of recipes, decided at least cost."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untrained.cli import console
from untrained.cli.options import InterruptedRunError

if TYPE_CHECKING:
    from untrained.sims.experiments.recipes.deciding import CellBlock, Decision

_INTERRUPTED = "interrupted; cells that have ended are kept, and the same command goes on from there."


def decision_on(names: Sequence[str], hours: float | None, *, record: bool, **options: Any) -> Decision:
    """Return what is to be decided, by default of the CS-DIP paper, once everything that can be refused is checked.

    Raises
    ------
    ValueError
        where hours are missing or negative, there is nothing to judge by, the record would lose something, or as
        `make_decision` does.
    """
    from untrained.sims.experiments.recipes.deciding import make_decision
    from untrained.sims.experiments.recipes.vanveen18 import RECIPES
    from untrained.sims.experiments.recipes.vanveen18_text import TEXT_RECIPES

    if hours is None or not hours >= 0:
        raise ValueError(f"hours must be a number from 0 on where sentences are decided, got {hours}")
    if not hours and (store := options["store"]) is not None and not store.is_file():
        raise ValueError(f"store must be a file of results where nothing is computed, got {store}")
    chosen = names or [name for name, recipe in {**RECIPES, **TEXT_RECIPES}.items() if recipe.statements]
    decision = make_decision(*chosen, **options)
    if record:
        decision.chosen.check_recordable()
        decision.check_nothing_lost()
    return decision


def run_decision(decision: Decision, hours: float) -> None:
    """Compute block after block, and show how it goes on where a terminal looks on.

    Raises
    ------
    InterruptedRunError
        where it is interrupted.
    """
    from untrained.cli.reproduce import cells_progress

    try:
        with cells_progress(0) as (follow, open_progress):
            ending = decision.run(hours, tell=_tell, follow=follow, open_progress=open_progress)
    except KeyboardInterrupt:
        raise InterruptedRunError(_INTERRUPTED) from None
    for line in decision.chosen.failures() if decision.failed else ():
        print(f"failed: {line}")
    print(ending)


def _tell(block: CellBlock) -> None:
    print(block.in_words(), file=sys.stderr, flush=True)


def show_decision(records: Sequence[Mapping[str, Any]], folder: Path | None, *, record: bool) -> None:
    """Print how every sentence came out, and what it would take where it is undecided; write what is asked for."""
    from untrained.figures.recipe_curves import write_recipe
    from untrained.figures.recipe_tables import decision_table, needs_lines
    from untrained.sims.record.store import write_record

    console.show([decision_table(records), *needs_lines(records)], console.stdout())
    for entry in records:
        files = [write_record("recipe", entry["name"], entry)] if record else []
        console.show(map(str, files + ([] if folder is None else write_recipe(entry, folder))), console.stdout())
