"""What a worker does: it imports the study by itself and computes a group of cells, all of it as plain data."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from untrained.sims.experiments.loading import load
from untrained.sims.experiments.rows import row_to_text
from untrained.sims.experiments.study import Study

Outcome = Literal["done", "failed"]
_SECONDS = 1.0
"""A group that takes longer is handed back as far as it is: what has ended must not wait for what is slow."""


@dataclass(frozen=True)
class Result:
    """How a cell ended: the text of its row, or why there is none."""

    outcome: Outcome
    row: str | None
    error: str | None
    seconds: float
    worker: str
    device: str


def work(reference: str, version: int, device: str, cells: Sequence[tuple[Mapping[str, Any], int]]) -> list[Result]:
    """Compute cells, given as (parameters, seed), the first ones only where they take long; one that raises fails.

    Raises
    ------
    ValueError
        where the study cannot be imported here, or not in the version that the sweep is of.
    """
    study = load(reference)
    if study.version != version:
        got = f"{study.version} on {_worker()}"
        raise ValueError(
            f"worker must have the version of {study.name} that the sweep began with ({version}), got {got}"
        )
    device, results, start = _present(device), [], time.perf_counter()
    for parameters, seed in cells:
        results.append(_compute(study, parameters, seed, device))
        if time.perf_counter() - start > _SECONDS:
            break
    return results


def _compute(study: Study, parameters: Mapping[str, Any], seed: int, device: str) -> Result:
    start, row, error = time.perf_counter(), None, None
    try:
        row = row_to_text(study.row(dict(parameters), seed, device), parameters)
    except (Exception, SystemExit) as raised:
        error = " ".join(f"{type(raised).__name__}: {raised}".split())
    seconds = time.perf_counter() - start
    return Result("failed" if row is None else "done", row, error, seconds, _worker(), device)


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
