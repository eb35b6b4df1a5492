"""Running an experiment: its store is opened, and whatever is not in there yet is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from itertools import islice
from pathlib import Path
from typing import Literal

from untrained.sims.experiments.engine import Batch, Engine, Follow, Summary, Tally
from untrained.sims.experiments.executors import Crew
from untrained.sims.experiments.experiment import Experiment
from untrained.sims.experiments.grid import Cells
from untrained.sims.experiments.store import Store, writing
from untrained.sims.experiments.worker import compute
from untrained.sims.progress import OpenProgress, no_progress

Existing = Literal["refuse", "reuse", "replace"]
"""What becomes of cells that the store holds already; failed ones are computed anew in any case but the first."""


def run_cells(
    experiment: Experiment,
    reference: str,
    cells: Cells,
    store: Path,
    crew: Crew | Callable[[], Executor] | None = None,
    *,
    device: str = "cpu",
    existing: Existing = "refuse",
    follow: Follow | None = None,
    open_progress: OpenProgress = no_progress,
) -> Summary:
    """Compute the cells of an experiment that the store does not hold yet, whatever happens to the workers.

    `reference` is by what workers load it themselves; without a crew the cells are computed in this process, and
    `open_progress` follows each call. A cell that raises, or kills its worker twice, is failed; the others go on. The
    numbers depend neither on the workers nor on the order.

    Raises
    ------
    ValueError
        where a cell is outside the domain or named twice, the store cannot be used or holds cells of this run
        although they are refused, or the workers cannot go on; what has ended is kept.
    """
    keys = _keys(experiment, cells)
    with writing(store, experiment.name) as opened:
        done = _done(opened, keys, existing)
        opened.begin(len(keys), len(done), experiment.laws)
        tally = Tally(opened, experiment.name, Summary(len(keys), len(done), 0, len(done), 0.0), follow or _unfollowed)
        pending = _pending(experiment, cells, done)
        if crew is None:
            _run_here(experiment, pending, device, tally, open_progress)
        else:
            crew = crew if isinstance(crew, Crew) else Crew(crew)
            Engine(crew, tally, (reference, experiment.laws, device)).run(pending)
    return tally.summary


def _unfollowed(summary: Summary) -> None:
    pass


def _keys(experiment: Experiment, cells: Cells) -> set[str]:
    keys: set[str] = set()
    valid = None
    for cell in cells:
        if cell.parameters is not valid:  # the seeds of a grid share their parameters
            experiment.validate(cell.parameters)
            valid = cell.parameters
        if (key := experiment.key(cell)) in keys:
            raise ValueError(f"cells must each be named once, got {dict(cell.parameters)}, seed {cell.seed} twice")
        keys.add(key)
    if not keys:
        raise ValueError("cells must be at least one, got none")
    return keys


def _done(store: Store, keys: set[str], existing: Existing) -> set[str]:
    outcomes = {key: outcome for key, outcome in store.outcomes().items() if key in keys}
    if outcomes and existing == "refuse":
        raise ValueError(
            f"the store must hold no cell of a run that begins, got {len(outcomes)} of {len(keys)} in {store.path}: "
            "`resume` goes on from them, or name another `store`"
        )
    return {key for key, outcome in outcomes.items() if outcome == "done"} if existing == "reuse" else set()


def _pending(experiment: Experiment, cells: Cells, done: set[str]) -> Iterator[Batch]:
    left = (cell for cell in cells if experiment.key(cell) not in done)
    for batch in experiment.batches(left):
        yield [(experiment.key(cell), cell) for cell in batch]


def _run_here(
    experiment: Experiment, pending: Iterator[Batch], device: str, tally: Tally, open_progress: OpenProgress
) -> None:
    for batch in pending:
        keyed = iter(batch)
        for outcomes in compute(experiment, [cell for _, cell in batch], device, open_progress):
            tally.add([(*one, outcome) for one, outcome in zip(islice(keyed, len(outcomes)), outcomes, strict=True)])
