"""A study over a grid, and the store of its cells: checked, run, read, exported, and summed up in what is recorded."""

from __future__ import annotations

import csv
import hashlib
import importlib
import importlib.util
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from untrained.sims.experiments.engine import Follow, Summary
from untrained.sims.experiments.executors import Crew, cluster, processes
from untrained.sims.experiments.grid import Cells, Grid, make_grid
from untrained.sims.experiments.runner import Existing, run_cells
from untrained.sims.experiments.store import reading
from untrained.sims.experiments.studies import STUDIES, find_study, load_study
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.files import cache_folder, writable, write_bytes
from untrained.sims.record.store import write_record

_SUFFIXES = (".csv", ".parquet")


def check_export(path: Path) -> Path:
    """Return where a table goes, if it can be written.

    Raises
    ------
    ValueError
        where the kind of file is unknown, the folder cannot be written to, or a library is missing.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"export must name a file ending in {' or '.join(_SUFFIXES)}, got {path}")
    writable("export", path)
    if path.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            "a parquet file must be written by pyarrow, got no such library: pip install 'untrained[parquet]'"
        )
    return path


def export(path: Path, table: Sequence[Mapping[str, Any]]) -> None:
    """Write rows to a csv or parquet file, whole or not at all.

    Raises
    ------
    ValueError
        as `check_export` does, or where a column of a parquet file mixes kinds.
    """
    check_export(path)
    names = list(dict.fromkeys(name for row in table for name in row))
    data = _csv(names, table) if path.suffix.lower() == ".csv" else _parquet(names, table)
    write_bytes(path, data)


def _csv(names: Sequence[str], table: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def _parquet(names: Sequence[str], table: Sequence[Mapping[str, Any]]) -> bytes:
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        columns = {name: pyarrow.array([row.get(name) for row in table]) for name in names}
    except (pyarrow.ArrowException, OverflowError) as error:
        raise ValueError(f"a column of a parquet file must be of one kind, got {error}: export to csv") from error
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


_DEVICES = ("cpu", "cuda", "auto")


@dataclass(frozen=True)
class Sweep:
    """The cells of a study, and the file where they are stored as they end.

    `reference` is what workers load the study by; `resume` goes on from what the store holds.
    """

    reference: str
    study: Study
    grid: Grid
    store: Path

    def run(
        self,
        workers: int | None = None,
        scheduler: str | None = None,
        *,
        device: str = "cpu",
        resume: bool = False,
        follow: Follow | None = None,
    ) -> Summary:
        """Compute what the store does not hold: on processes (default: one a core; 0: in this one) or a cluster.

        Raises
        ------
        ValueError
            where who computes is not clear, or as `run_cells` does.
        """
        if device not in _DEVICES:
            raise ValueError(f"device must be one of {', '.join(_DEVICES)}, got {device!r}")
        existing: Existing = "reuse" if resume else "refuse"
        with crew_of(workers, scheduler) as crew:
            where = (self.study, self.reference, self.grid, self.store)
            return run_cells(*where, crew, device=device, existing=existing, follow=follow)

    def rows(self) -> list[dict[str, Any]]:
        """Return the finished cells of the grid in its order: parameters, seed, then columns."""
        return [one_mapping(self.study, one) for one in stored_rows(self.study, self.store, self.grid)]

    def table(self) -> list[TableRow]:
        """Return the study's summary of the finished cells of the grid, empty where it has none.

        Raises
        ------
        ValueError
            where the store cannot be read.
        """
        return [] if self.study.table is None else self.study.table(stored_rows(self.study, self.store, self.grid))

    def failures(self, most: int = 3) -> list[str]:
        """Return the first failed cells of the newest run in words."""
        with reading(self.store, self.study.name) as opened:
            return [f"{cell}: {error}" for cell, error in islice(opened.failures(), most)]

    def status(self) -> dict[str, Any]:
        """Return how the newest run stands, which may still go on: cells, done, failed, rate and running.

        Raises
        ------
        ValueError
            where there is no store or it cannot be read.
        """
        with reading(self.store, self.study.name) as opened:
            return opened.status()

    def check_recordable(self) -> None:
        """Refuse to write anything into the record but the whole default grid of a known study.

        Raises
        ------
        ValueError
            where the study is a user's, has no table, or its grid is not the default one.
        """
        if self.reference not in STUDIES.values() or self.study.table is None:
            raise ValueError(f"record is for the known studies ({', '.join(STUDIES)}), got {self.study.name}")
        if self.grid != make_grid(self.study):
            name = self.study.name
            raise ValueError(f"record is for the default grid of {name}, got another: leave `grid` and `seeds` out")

    def write_record(self, folder: Path | None = None) -> Path:
        """Write the study into the record, and return the file.

        Raises
        ------
        ValueError
            as `record` does.
        """
        return write_record("study", self.study.name, self.record(), folder)

    def record(self) -> dict[str, Any]:
        """Return what is recorded of the study: its grid, its version and its table.

        Raises
        ------
        ValueError
            where the study has no table, or the store lacks a cell.
        """
        if self.study.table is None:
            raise ValueError(f"study to be recorded must have a table, got {self.study.name} without")
        cells = stored_rows(self.study, self.store, self.grid)
        if len(cells) < len(self.grid):
            raise ValueError(f"cells of a record must all be done, got {len(cells)} of {len(self.grid)}")
        text = json.dumps([one.row for one in cells], sort_keys=True)
        return {
            "name": self.study.name,
            "says": self.study.says,
            "axes": {axis: list(values) for axis, values in self.grid.axes.items()},
            "seeds": self.grid.seeds,
            "version": self.study.version,
            "cells": len(cells),
            "cells_sha256": hashlib.sha256(text.encode()).hexdigest()[:16],
            "rows": self.study.table(cells),
        }


def make_sweep(reference: str, grid: str | None = None, seeds: int | None = None, store: Path | None = None) -> Sweep:
    """Return the sweep of a study, over its default grid with the axes that `grid` names replaced.

    Raises
    ------
    ValueError
        where there is no such study or its grid is refused.
    """
    study = load_study(reference)
    place = store or cache_folder() / "sweeps" / f"{study.name}.sqlite"
    return Sweep(find_study(reference), study, make_grid(study, grid, seeds), place)


@contextmanager
def crew_of(workers: int | None, scheduler: str | None = None) -> Iterator[Crew | None]:
    """Give who computes: processes (one a core by default), a cluster, or with 0 workers nobody but this process.

    Raises
    ------
    ValueError
        where workers are negative or given beside a scheduler, or the scheduler cannot be reached.
    """
    if workers is not None and scheduler is not None:
        raise ValueError("workers must not be given beside a scheduler, got both")
    if workers is not None and workers < 0:
        raise ValueError(f"workers must be at least 0, got {workers}")
    if scheduler is None:
        yield None if workers == 0 else processes(workers)
        return
    with cluster(scheduler) as crew:
        yield crew


def stored_rows(study: Study, store: Path, cells: Cells | None = None) -> list[StoredRow]:
    """Return the finished cells of a study's present version, in the order of `cells` and of these only.

    Without cells they are all that there are, in the order of parameters and seed.

    Raises
    ------
    ValueError
        where the store cannot be read.
    """
    with reading(store, study.name) as opened:
        by_key = dict(opened.done(study.laws))
    if cells is not None:
        return [by_key[key] for key in map(study.key, cells) if key in by_key]
    return sorted(by_key.values(), key=lambda one: (*(one.parameters[axis] for axis in study.axes), one.seed))


def one_mapping(study: Study, one: StoredRow) -> dict[str, Any]:
    """A stored row as one mapping: parameters in the order of the axes, seed, then columns."""
    return {**{axis: one.parameters[axis] for axis in study.axes}, "seed": one.seed, **one.row}
