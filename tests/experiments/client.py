"""A client to be killed: `python client.py STORE GRID WORKERS`."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from untrained.sims.experiments.executors import processes  # noqa: E402
from untrained.sims.experiments.grid import make_grid  # noqa: E402
from untrained.sims.experiments.runner import run_cells  # noqa: E402
from untrained.sims.experiments.studies import load_study  # noqa: E402

if __name__ == "__main__":
    study = f"{FOLDER / 'tiny.py'}:TINY"
    grid = make_grid(load_study(study), sys.argv[2])
    where, crew = (load_study(study), study, grid, Path(sys.argv[1])), processes(int(sys.argv[3]))
    print(run_cells(*where, crew, existing="reuse"))
