"""What the tests of sweeps share."""

import sqlite3
from concurrent.futures import Executor, Future
from contextlib import closing
from pathlib import Path

from untrained.sims.experiments.runner import run_cells
from untrained.sims.experiments.studies import load_study
from untrained.sims.experiments.sweep import one_mapping, stored_rows

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
TINY = f"{FOLDER / 'tiny.py'}:TINY"


def run_tiny(cells, store, crew=None, *, resume=False, **options):
    existing = "reuse" if resume else "refuse"
    return run_cells(load_study(TINY), TINY, cells, store, crew, existing=existing, **options)


def rows(store, cells=None):
    """The finished cells of the tiny study, each as one mapping."""
    study = load_study(TINY)
    return [one_mapping(study, one) for one in stored_rows(study, store, cells)]


class Here(Executor):
    """Computes each call as it is submitted."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def raw(path, what="key, parameters, seed, outcome, row, error"):
    """The cells of a store as they lie in the file, sorted by key."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {what} FROM cells ORDER BY key").fetchall()
