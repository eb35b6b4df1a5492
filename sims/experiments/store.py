"""What lies in a store: runs, and a row for each cell that has ended."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.lock import Lock
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.worker import CellOutcome, row_from_text

KeyedOutcome = tuple[str, Cell, CellOutcome]
"""The key of a cell, the cell, and how it ended."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
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
        self._run, self._laws = 0, ""

    def outcomes(self) -> dict[str, str]:
        """Return the outcome of every cell that has one, by key."""
        return dict(self._connection.execute("SELECT key, outcome FROM cells"))

    def begin(self, cells: int, before: int, laws: str) -> None:
        """Note that a run begins, of how many cells, and how many of them are done from before."""
        with transaction(self._connection):
            values = (time.time(), cells, before, laws)
            cursor = self._connection.execute("INSERT INTO runs(started, cells, before, laws) VALUES (?,?,?,?)", values)
        self._run, self._laws = int(cursor.lastrowid or 0), laws

    def add(self, experiment: str, outcomes: Iterable[KeyedOutcome]) -> None:
        """Write cells, all or none of them; what was there under their keys is replaced."""
        now, marks = time.time(), ",".join("?" * 13)
        with transaction(self._connection):
            rows = (self._values(experiment, *one, now) for one in outcomes)
            self._connection.executemany(f"INSERT OR REPLACE INTO cells VALUES ({marks})", rows)

    def _values(self, experiment: str, key: str, cell: Cell, end: CellOutcome, now: float) -> tuple[Any, ...]:
        which = (key, experiment, json.dumps(dict(cell.parameters), allow_nan=False), cell.seed)
        how = (end.outcome, end.row, end.error, end.seconds, end.worker, end.device)
        return (*which, *how, self._laws, self._run, now)

    def done(self, laws: str | None = None) -> Iterator[tuple[str, StoredRow]]:
        """Yield the finished cells by key, of one version of the laws or of all."""
        query = "SELECT key, parameters, seed, row FROM cells WHERE outcome = 'done'"
        query += "" if laws is None else " AND laws = ?"
        for key, parameters, seed, row in self._connection.execute(query, () if laws is None else (laws,)):
            yield key, StoredRow(json.loads(parameters), seed, row_from_text(row))

    def failures(self) -> Iterator[tuple[str, str]]:
        """Yield the cells that failed in the newest run: parameters and seed in words, and the error."""
        query = "SELECT parameters, seed, error FROM cells WHERE outcome = 'failed'"
        query += " AND run = (SELECT max(id) FROM runs) ORDER BY ended, parameters, seed"
        for parameters, seed, error in self._connection.execute(query):
            yield f"{parameters}, seed {seed}", error

    def status(self) -> dict[str, Any]:
        """Return how the newest run stands: cells, done, failed, cells a second, and whether a client is at it."""
        newest = "SELECT id, started, cells, before FROM runs ORDER BY id DESC LIMIT 1"
        run, started, cells, before = self._connection.execute(newest).fetchone() or (0, 0.0, 0, 0)
        counts = "SELECT count(*), count(row), max(ended) FROM cells WHERE run = ?"
        ended, done, last = self._connection.execute(counts, (run,)).fetchone()
        rate = ended / (last - started) if ended and last > started else 0.0
        how = {"cells": cells, "done": before + done, "failed": ended - done, "rate": rate}
        return {**dict(self._connection.execute("SELECT name, value FROM about")), **how, "running": self.running()}

    def running(self) -> bool:
        """Whether some client has the store."""
        return Lock.is_locked(self.path)
