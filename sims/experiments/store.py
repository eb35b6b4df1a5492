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
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.worker import CellOutcome, row_from_text

FORMAT = 2
APPLICATION = 0x756E7472
"""The four letters `untr` in the header of the file."""
_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, started REAL NOT NULL, cells INTEGER NOT NULL, "
    "before INTEGER NOT NULL, laws TEXT NOT NULL)",
    "CREATE TABLE cells (key TEXT PRIMARY KEY, experiment TEXT NOT NULL, parameters TEXT NOT NULL, "
    "seed INTEGER NOT NULL, outcome TEXT NOT NULL, row TEXT, error TEXT, seconds REAL NOT NULL, worker TEXT NOT NULL, "
    "device TEXT NOT NULL, laws TEXT NOT NULL, run INTEGER NOT NULL, ended REAL NOT NULL)",
)
_WAYS_OUT = "move it away or name another `store`"


class StoppedError(ValueError):
    """A run that cannot go on, in one sentence; the cells it has computed are in the store."""


@contextmanager
def writing(path: Path, experiment: str) -> Iterator[Store]:
    """Open the store of an experiment for the one client that writes, and make it where there is none.

    Raises
    ------
    ValueError
        where another client has it, or it is damaged, of another experiment, another format or another program.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(path)
    except OSError as error:
        at = f"{path} ({error.strerror})"
        raise ValueError(f"the store must be a file in a folder that can be written to, got {at}") from error
    with lock, closing(_connect(path, "rwc")) as connection, _refusing(path):
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _check_header(connection, path, new=True)
            _make(connection, experiment)
        _check(connection, path, experiment)
        connection.execute("PRAGMA synchronous = NORMAL")
        yield Store(path, connection)


@contextmanager
def reading(path: Path, experiment: str) -> Iterator[Store]:
    """Open the store of an experiment to look only, which may be while a client writes.

    Raises
    ------
    ValueError
        where there is none, or as `writing` does.
    """
    if not path.is_file():
        raise ValueError(f"the store must be there to be read, got {path}")
    with closing(_connect(path, "ro")) as connection, _refusing(path):
        _check(connection, path, experiment)
        yield Store(path, connection)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=10, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise ValueError(f"the store must be a file that can be opened, got {path} ({error})") from error


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        way_on = "what was written is kept, and a resumed run goes on from there"
        raise StoppedError(f"the store must be one that can be used, got {path} ({error}): {way_on}") from error
    except sqlite3.DatabaseError as error:
        raise ValueError(f"the store must be a whole SQLite file, got {path} ({error}): {_WAYS_OUT}") from error


def _make(connection: sqlite3.Connection, experiment: str) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    about = {"experiment": experiment, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    with transaction(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for table in _TABLES:
            connection.execute(table)
        connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())


def _check(connection: sqlite3.Connection, path: Path, experiment: str) -> None:
    _check_header(connection, path)
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise ValueError(f"the store must be a whole SQLite file, got {path} ({state}): {_WAYS_OUT}")
    (name,) = connection.execute("SELECT value FROM about WHERE name = 'experiment'").fetchone()
    if name != experiment:
        raise ValueError(f"the store must be of {experiment}, got {path} of {name}: {_WAYS_OUT}")


def _check_header(connection: sqlite3.Connection, path: Path, *, new: bool = False) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, number) == (0, 0) and new:
        return
    if application != APPLICATION:
        raise ValueError(f"the store must be one of untrained's, got {path} of another program: {_WAYS_OUT}")
    if number != FORMAT:
        raise ValueError(f"the store must be of format {FORMAT}, got {path} of format {number}: {_WAYS_OUT}")


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
