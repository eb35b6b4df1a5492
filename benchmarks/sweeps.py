"""Time a sweep of many small cells: what a cell costs beside its own work, and what two workers gain; prints JSON."""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import Any

from untrained.sims.experiments.executors import Processes, processes
from untrained.sims.experiments.grid import Grid
from untrained.sims.experiments.runner import run_cells
from untrained.sims.experiments.study import Study


def row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, float]:
    """Pure arithmetic, which no other core can help with."""
    total = float(seed)
    for i in range(parameters["work"]):
        total = (total * 1.000001 + i) % 1.0e6
    return {"total": total}


SMALL = Study("small", "Sums.", {"work": (0,)}, {"work": (0, 10**9)}, 1, row)
REFERENCE = f"{Path(__file__).resolve()}:SMALL"


def seconds(work: int, cells: int, workers: int) -> float:
    """From the first call to the last row in the store, the start of the workers included."""
    with tempfile.TemporaryDirectory() as folder:
        grid, store = Grid({"work": (work,)}, cells), Path(folder, "s.sqlite")
        summary = run_cells(SMALL, REFERENCE, grid, store, processes(workers))
    assert summary.done == cells
    return summary.seconds


def plain_seconds(work: int, cells: int, workers: int) -> float:
    """The same work with nothing around it: what this machine, as busy as it is now, gains by two processes."""
    share = cells // workers
    with Processes(workers) as executor:
        wait([executor.submit(abs, 0) for _ in range(workers)])
        start = time.perf_counter()
        wait([executor.submit(row, {"work": work * share}, 0, "cpu") for _ in range(workers)])
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--work", type=int, default=10_000, help="turns of the loop of one cell")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    calls = [
        partial(time_of, arguments.work, arguments.cells, k) for time_of in (seconds, plain_seconds) for k in (1, 2)
    ]
    rounds = [[call() for call in calls] for _ in range(arguments.rounds)]  # in turns: the machine may be busy
    one, two, plain_one, plain_two = map(min, zip(*rounds, strict=True))
    start = seconds(0, 1, 1)
    empty = seconds(0, arguments.cells, 1)
    result = {
        "cells": arguments.cells,
        "seconds_of_a_cell": one / arguments.cells,
        "one_worker_seconds": one,
        "two_workers_seconds": two,
        "gain_of_two": one / two,
        "gain_of_two_plain_processes": plain_one / plain_two,
        "start_seconds": start,
        "overhead_of_a_cell_seconds": empty / arguments.cells,
        "overhead_of_a_cell_without_start_seconds": (empty - start) / arguments.cells,
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
