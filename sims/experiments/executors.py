"""Who computes the cells: processes of this machine, a Dask cluster, or any executor."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from untrained.sims.experiments.processes import Processes, WorkerDiedError

_PATIENCE = 5
"""Seconds that a scheduler is given to answer."""


def _end(executor: Executor) -> None:
    executor.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class Crew:
    """An executor and what must be known of it.

    `room` says how many groups of cells may be with it at a time. `deaths` are what a call raises whose worker died,
    where the executor itself goes on; after a BrokenExecutor another is made. `apart` says that a death strikes one
    call only: elsewhere the suspects are tried again with nobody beside them. `kill` ends it in the middle of its
    calls, and `lost` tells in words why no answer will come any more.
    """

    make: Callable[[], Executor]
    room: Callable[[], int] = lambda: 2 * cores()
    deaths: tuple[type[BaseException], ...] = ()
    apart: bool = False
    kill: Callable[[Any], None] = _end
    lost: Callable[[], str] = lambda: ""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(workers: int | None = None) -> Crew:
    """Return a crew of processes of this machine, one per core where their number is not given.

    Raises
    ------
    ValueError
        where `workers` is not positive.
    """
    count = cores() if workers is None else workers
    if count < 1:
        raise ValueError(f"workers must be at least 1, got {count}")
    return Crew(lambda: Processes(count), lambda: 2 * count, (WorkerDiedError,), True, Processes.kill)


@contextmanager
def cluster(address: str) -> Iterator[Crew]:
    """Give the crew of a Dask scheduler, such as `tcp://host:8786`.

    Raises
    ------
    ValueError
        where Dask is not installed, the scheduler cannot be reached, or it has no workers.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ValueError("a scheduler must be reached by Dask, got no such library: pip install 'untrained[cluster]'")
    dask = importlib.import_module("distributed")
    with _quiet(), _client(dask, address) as client:
        if not client.nthreads():
            raise ValueError(f"the scheduler must have workers, got {address} without any")
        deaths, lost = (dask.KilledWorker,), lambda: _lost(client, address)
        yield Crew(client.get_executor, _Room(client), deaths, kill=_leave, lost=lost)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Dask log nothing: what goes wrong is told in one sentence."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    were = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, were, strict=True):
            logger.disabled = was


def _client(dask: Any, address: str) -> Any:
    try:
        return dask.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # TimeoutError is an OSError
        raise ValueError(
            f"the scheduler must be one that can be reached, got {address} ({type(error).__name__})"
        ) from error


class _Room:
    """Twice the threads of a cluster, whose workers may come and go."""

    def __init__(self, client: Any) -> None:
        self._client, self._asked, self._room = client, 0.0, 1

    def __call__(self) -> int:
        if time.monotonic() - self._asked > _PATIENCE:
            self._asked = time.monotonic()
            with suppress(OSError):  # a scheduler that has gone, which `lost` tells
                self._room = max(1, 2 * sum(self._client.nthreads().values()))
        return self._room


def _leave(executor: Any) -> None:
    executor.shutdown(wait=False)


def _lost(client: Any, address: str) -> str:
    comm = client.scheduler_comm
    there = client.status == "running" and comm is not None and not comm.comm.closed()
    return "" if there else f"the scheduler must stay in reach, got no more answer from {address}"
