"""What lies in a store: sweeps, and a row for each cell that has ended."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from untrained.sims.experiments.grid import Cell
from untrained.sims.experiments.lock import Lock
from untrained.sims.experiments.rows import Row, row_from_text
from untrained.sims.experiments.work import Result


@dataclass(frozen=True)
class Ended:
    """A cell with how it ended."""

    key: str
    cell: Cell
    result: Result


@dataclass(frozen=True)
class Found:
    """A row of the store: a finished cell of some version of its study."""

    parameters: Mapping[str, Any]
    seed: int
    row: Row
    version: int


@contextmanager
def together(connection: sqlite3.Connection) -> Iterator[None]:
    """Write several things, all of them or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise


class Store:
    """An open store."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self._sweep, self._version = 0, 0

    def outcomes(self) -> dict[str, str]:
        """Return the outcome of every cell that has one, by key."""
        return dict(self._connection.execute("SELECT key, outcome FROM cells"))

    def begin(self, cells: int, kept: int, version: int) -> None:
        """Note that a sweep begins, of how many cells, and how many of them are done from before."""
        with together(self._connection):
            values = (time.time(), cells, kept, version)
            added = self._connection.execute(
                "INSERT INTO sweeps(started, cells, kept, version) VALUES (?,?,?,?)", values
            )
        self._sweep, self._version = int(added.lastrowid or 0), version

    def add(self, study: str, ended: Iterable[Ended]) -> None:
        """Keep cells, all or none of them; what failed before is replaced."""
        now, marks = time.time(), ",".join("?" * 13)
        with together(self._connection):
            rows = (self._values(study, one, now) for one in ended)
            self._connection.executemany(f"INSERT OR REPLACE INTO cells VALUES ({marks})", rows)

    def _values(self, study: str, ended: Ended, now: float) -> tuple[Any, ...]:
        cell, found = ended.cell, ended.result
        which = (ended.key, study, json.dumps(dict(cell.parameters), allow_nan=False), cell.seed)
        how = (found.outcome, found.row, found.error, found.seconds, found.worker, found.device)
        return (*which, *how, self._version, self._sweep, now)

    def done(self, version: int | None = None) -> Iterator[tuple[str, Found]]:
        """Yield the finished cells by key, of one version of the study or of all."""
        wanted = "SELECT key, parameters, seed, row, version FROM cells WHERE outcome = 'done'"
        wanted += "" if version is None else " AND version = ?"
        values = () if version is None else (version,)
        for key, parameters, seed, row, of in self._connection.execute(wanted, values):
            yield key, Found(json.loads(parameters), seed, row_from_text(row), of)

    def failures(self) -> Iterator[tuple[str, str]]:
        """Yield the cells that failed in the newest sweep: parameters and seed in words, and the error."""
        wanted = "SELECT parameters, seed, error FROM cells WHERE outcome = 'failed'"
        wanted += " AND sweep = (SELECT max(id) FROM sweeps) ORDER BY ended, parameters, seed"
        for parameters, seed, error in self._connection.execute(wanted):
            yield f"{parameters}, seed {seed}", error

    def status(self) -> dict[str, Any]:
        """Return how the newest sweep stands: cells, done, failed, cells a second, and whether a client is at it."""
        newest = "SELECT id, started, cells, kept FROM sweeps ORDER BY id DESC LIMIT 1"
        sweep, started, cells, kept = self._connection.execute(newest).fetchone() or (0, 0.0, 0, 0)
        counted = "SELECT count(*), count(row), max(ended) FROM cells WHERE sweep = ?"
        ended, done, last = self._connection.execute(counted, (sweep,)).fetchone()
        rate = ended / (last - started) if ended and last > started else 0.0
        how = {"cells": cells, "done": kept + done, "failed": ended - done, "rate": rate}
        return {**dict(self._connection.execute("SELECT name, value FROM about")), **how, "running": self.running()}

    def running(self) -> bool:
        """Whether some client has the store."""
        return Lock.held(self.path)
