"""What a worker does: it loads the experiment by itself and computes cells, all of it as plain data."""

from __future__ import annotations

import json
import math
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from untrained.sims.experiments.experiment import Cell, Experiment, Task, load
from untrained.sims.progress import OpenProgress, no_progress
from untrained.sims.user_files import USER_ERRORS

Row = dict[str, float | int | str | bool | None]
_SECONDS = 1.0
"""A group that takes longer is handed back as far as it is: what has ended must not wait for what is slow."""


@dataclass(frozen=True)
class CellOutcome:
    """How a cell ended: the text of its row, or why there is none."""

    outcome: Literal["done", "failed"]
    row: str | None
    error: str | None
    seconds: float
    worker: str
    device: str


def work(
    reference: str, laws: str, device: str, batches: Sequence[Sequence[tuple[Mapping[str, Any], int]]]
) -> list[CellOutcome]:
    """Compute batches of cells, given as (parameters, seed), the first ones only where they take long.

    Raises
    ------
    ValueError
        where the experiment cannot be imported here, or follows other laws than the client's.
    """
    experiment = load(reference, Experiment)  # type: ignore[type-abstract]
    if experiment.laws != laws:
        raise ValueError(
            f"worker must have the version that the client has ({laws}), got {experiment.laws} on {_worker()}"
        )
    outcomes, start = [], time.perf_counter()
    for batch in batches:
        cells = [Cell(parameters, seed) for parameters, seed in batch]
        outcomes += [outcome for some in compute(experiment, cells, device) for outcome in some]
        if time.perf_counter() - start > _SECONDS:
            break
    return outcomes


def compute(
    experiment: Experiment, cells: Sequence[Cell], device: str, open_progress: OpenProgress = no_progress
) -> Iterator[list[CellOutcome]]:
    """Yield how the cells of a batch ended, in their order, after each call that computed some; what raises fails."""
    present = _present(device)
    for task in experiment.tasks(cells, present):
        yield _outcomes(task, present, open_progress)


def _outcomes(task: Task, device: str, open_progress: OpenProgress) -> list[CellOutcome]:
    start, rows, error = time.perf_counter(), None, None
    try:
        with open_progress(task.name) as progress:
            rows = [
                row_to_text(row, cell.parameters) for row, cell in zip(task.compute(progress), task.cells, strict=True)
            ]
    except USER_ERRORS as raised:
        error = " ".join(f"{type(raised).__name__}: {raised}".split())
    seconds = (time.perf_counter() - start) / len(task.cells)
    if rows is None:
        return [CellOutcome("failed", None, error, seconds, _worker(), device) for _ in task.cells]
    return [CellOutcome("done", row, None, seconds, _worker(), device) for row in rows]


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _present(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def one_thread() -> None:
    """Keep libraries that are imported from now on to one thread, so that workers do not crowd each other."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def row_to_text(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return a row as JSON text that gives it back bit for bit: a number that is not finite is written as its bits.

    Raises
    ------
    ValueError
        where a column is no JSON scalar, or has the name of a parameter or of the seed.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"row must be a mapping of columns, got {type(row).__name__}")
    if clashes := [name for name in row if name in parameters or name == "seed"]:
        raise ValueError(f"column must not have the name of a parameter or of the seed, got {clashes[0]!r}")
    return json.dumps({_name(name): _plain(name, value) for name, value in row.items()}, allow_nan=False)


def row_from_text(text: str) -> Row:
    """Return the row that `row_to_text` wrote."""
    columns: dict[str, Any] = json.loads(text)
    return {name: _float(x["bits"]) if isinstance(x, dict) else x for name, x in columns.items()}


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise ValueError(f"name of a column must be a string, got {name!r}")
    return name


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, float):
        raise ValueError(f"column must be a float, int, str, bool or None, got {name} of type {type(value).__name__}")
    return float(value) if math.isfinite(value) else {"bits": struct.pack(">d", value).hex()}


def _float(bits: str) -> float:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    return float(value)
