"""The file of a store: SQLite that gets a row as each cell ends, and loses none when the client is killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from untrained.sims.experiments.store import Lock, Store, transaction

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
