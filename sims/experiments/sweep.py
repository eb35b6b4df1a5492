"""Running a sweep: it is checked, its store is opened, and whatever is not in there yet is computed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from untrained.sims.experiments.engine import Engine, Summary, Watch
from untrained.sims.experiments.executors import Crew
from untrained.sims.experiments.grid import Cells
from untrained.sims.experiments.loading import load, resolve
from untrained.sims.experiments.opening import writing
from untrained.sims.experiments.study import Study


def run(
    study: str,
    cells: Cells,
    store: Path,
    executor_factory: Crew | Callable[[], Executor],
    *,
    device: str = "cpu",
    resume: bool = False,
    watch: Watch | None = None,
) -> Summary:
    """Compute the cells of a study that the store does not hold yet, whatever happens to the workers.

    `study` is a reference that workers can load by themselves. A cell that raises, or kills its worker twice, is
    failed; the others go on. The numbers depend neither on the executor nor on the order.

    Raises
    ------
    ValueError
        where a cell is outside the domain or named twice, the store cannot be used or holds cells of this sweep
        already and `resume` is off, or the workers cannot go on; what has ended is kept.
    """
    reference = resolve(study)
    loaded = load(reference)
    keys = _keys(loaded, cells)
    crew = executor_factory if isinstance(executor_factory, Crew) else Crew(executor_factory)
    with writing(store, loaded.name) as kept:
        found = {key: outcome for key, outcome in kept.outcomes().items() if key in keys}
        if found and not resume:
            raise ValueError(
                f"the store must hold no cell of a sweep that begins, got {len(found)} of {len(keys)} in {store}: "
                "`resume` goes on from them, or name another `store`"
            )
        done = {key for key, outcome in found.items() if outcome == "done"}
        kept.begin(len(keys), len(done), loaded.version)
        pending = ((key, cell) for cell in cells if (key := cell.key(loaded.name, loaded.version)) not in done)
        sweep = Engine(crew, kept, loaded.name, (reference, loaded.version, device), watch or (lambda _: None))
        return sweep.run(pending, Summary(len(keys), len(done), 0, len(done), 0.0))


def _keys(study: Study, cells: Cells) -> set[str]:
    keys: set[str] = set()
    checked = None
    for cell in cells:
        if cell.parameters is not checked:  # the seeds of a grid share their parameters
            fitted = study.fit_all(cell.parameters)
            if repr(fitted) != repr(dict(cell.parameters)):
                raise ValueError(f"parameters of {study.name} must be as its axes have them, got {cell.parameters}")
            checked = cell.parameters
        if (key := cell.key(study.name, study.version)) in keys:
            raise ValueError(f"cells must each be named once, got {dict(cell.parameters)}, seed {cell.seed} twice")
        keys.add(key)
    if not keys:
        raise ValueError("cells must be at least one, got none")
    return keys
