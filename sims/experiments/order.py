"""A sweep as a user orders it: checked before anything runs, and told at its end."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from untrained.sims.experiments.engine import Summary, Watch
from untrained.sims.experiments.executors import Crew, cluster, inline, processes
from untrained.sims.experiments.export import check_export, export, rows
from untrained.sims.experiments.grid import Grid, make_grid
from untrained.sims.experiments.loading import load
from untrained.sims.experiments.opening import reading
from untrained.sims.experiments.recording import study_record
from untrained.sims.experiments.studies.registry import STUDIES
from untrained.sims.experiments.sweep import run
from untrained.sims.files import cache_folder
from untrained.sims.record.store import write_record

MANY = 100_000
"""More cells than this are asked about first."""
DEVICES = ("cpu", "cuda", "auto")


@dataclass
class Order:
    """What is swept, by whom, and where it is kept; `seen` is how it stands."""

    study: str
    grid: Grid
    store: Path
    workers: int | None = None
    scheduler: str | None = None
    device: str = "cpu"
    resume: bool = False
    here: bool = False
    seen: Summary = field(default_factory=lambda: Summary(0, 0, 0, 0, 0.0))

    @property
    def name(self) -> str:
        """What the study is called."""
        return load(self.study).name


def make_order(study: str, grid: str | None, seeds: int | None, store: Path | None) -> Order:
    """Return the order of a study's sweep.

    Raises
    ------
    ValueError
        where there is no such study or its grid is refused.
    """
    loaded = load(study)
    return Order(study, make_grid(loaded, grid, seeds), store or _default_place(loaded.name))


def set_workers(order: Order, workers: int | None, scheduler: str | None, device: str) -> None:
    """Set who computes.

    Raises
    ------
    ValueError
        where both workers and a scheduler are given, there are no workers, or the device is unknown.
    """
    if workers is not None and scheduler is not None:
        raise ValueError("workers and scheduler must not be given both")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    order.workers, order.scheduler, order.device = workers, scheduler, device


def _default_place(name: str) -> Path:
    return cache_folder() / "sweeps" / f"{name}.sqlite"


def is_large(order: Order) -> bool:
    """Whether there are more cells than anyone begins by mistake."""
    return len(order.grid) > MANY


def sweep(order: Order, watch: Watch) -> Summary:
    """Run an order; `watch` is told how it goes on, and `seen` says how it stands.

    Raises
    ------
    ValueError, KeyboardInterrupt
        as `run` does.
    """

    def note(seen: Summary) -> None:
        order.seen = seen
        watch(seen)

    crew = cluster(order.scheduler) if order.scheduler is not None else nullcontext(_crew(order))
    with crew as executors:
        return run(
            order.study,
            order.grid,
            order.store,
            executors,
            device=order.device,
            resume=order.resume,
            watch=note,
        )


def _crew(order: Order) -> Crew:
    return inline() if order.here else processes(order.workers)


def say_end(seen: Summary, store: Path) -> str:
    """Return the last line of a sweep."""
    before = f" ({seen.kept} of them before)" if seen.kept else ""
    return f"{seen.done} of {seen.cells} cells done{before}, {seen.failed} failed, {seen.seconds:.1f} s, in {store}"


def failures(order: Order, most: int = 3) -> list[str]:
    """Return the first failed cells in words."""
    with reading(order.store, load(order.study).name) as kept:
        return [f"failed: {cell}: {error}" for (cell, error), _ in zip(kept.failures(), range(most), strict=False)]


def write_table(order: Order, path: Path) -> str:
    """Write the finished cells of an order's grid, and say so."""
    table = rows(order.store, order.study, order.grid)
    export(check_export(path), table)
    return f"{len(table)} of {len(order.grid)} rows in {path}"


def status(order: Order) -> str:
    """Return how the store's newest sweep stands, which may be running.

    Raises
    ------
    ValueError
        where there is no store or it cannot be read.
    """
    with reading(order.store, load(order.study).name) as kept:
        found = kept.status()
    left = found["cells"] - found["done"] - found["failed"]
    how = "running" if found["running"] else "not running"
    counts = f"{found['done']} of {found['cells']} cells done, {found['failed']} failed, {left} left"
    return f"{found['study']}: {counts}, {found['rate']:.3g} a second, {how}, in {order.store}"


def listing() -> list[str]:
    """Return a line for every known study."""
    return [f"{name:<24} {len(make_grid(load(name))):>7} cells  {load(name).says}" for name in STUDIES]


def check_recordable(order: Order) -> None:
    """Refuse to record anything but the whole default grid of a known study with a table.

    Raises
    ------
    ValueError
        where the study is a user's, has no table, or its grid is not the default one.
    """
    study = load(order.study)
    if order.study not in STUDIES or study.table is None:
        raise ValueError(f"record is for the known studies ({', '.join(STUDIES)}), got {order.study}")
    if order.grid != make_grid(study):
        raise ValueError(f"record is for the default grid of {study.name}, got another: leave `grid` and `seeds` out")


def write_to_record(order: Order) -> Path:
    """Write the record of a study from what its store holds, and return the file."""
    return write_record("study", load(order.study).name, study_record(order.study, order.store))
