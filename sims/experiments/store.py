"""A store: its runs, a row for each cell that has ended, and the lock of the one process that writes.

The library filelock has no shared lock of a file: its probe would refuse a second one at the same moment, and could not
look into a folder that is read only.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.worker import CellOutcome, row_from_text

_TRIES = 10
"""Whoever asks whether a store is locked has the lock for a moment."""
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


class Lock:
    """The lock of a store, held from the moment it is made.

    Raises
    ------
    ValueError
        where another process has it.
    OSError
        where the file beside the store cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(_beside(path), os.O_RDWR | os.O_CREAT, 0o644)
        if not self._try():
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise ValueError(f"the store must have one writer at a time, got {path} in use by process {holder}")
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def _try(self) -> bool:
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return True
        return False

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    @staticmethod
    def is_locked(path: Path) -> bool:
        """Whether a process has the lock of a store."""
        try:
            file = os.open(_beside(path), os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
