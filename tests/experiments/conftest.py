import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import TINY, Here, run_tiny

from untrained.sims.experiments.executors import Crew, processes
from untrained.sims.experiments.grid import make_grid
from untrained.sims.experiments.studies import load_study


@pytest.fixture
def marks(tmp_path, monkeypatch):
    """Where a cell that does something only once notes that it did."""
    (tmp_path / "marks").mkdir()
    monkeypatch.setenv("TINY_MARKS", str(tmp_path / "marks"))
    return tmp_path / "marks"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "tiny.sqlite"


@pytest.fixture
def sweep(place):
    """Run the tiny study: in this process, or on as many workers as asked for."""

    def of(grid=None, workers=0, store=place, crew=None, **options):
        crew = crew or (processes(workers) if workers else Crew(Here, lambda: 2))
        return run_tiny(make_grid(load_study(TINY), grid), store, crew, **options)

    return of
