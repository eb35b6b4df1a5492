"""Who computes the cells: processes of this machine, a Dask cluster, or any executor."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.context import SpawnProcess
from typing import Any, ParamSpec, TypeVar

from untrained.sims.experiments.worker import one_thread

_P = ParamSpec("_P")
_T = TypeVar("_T")
_SPAWN = multiprocessing.get_context("spawn")
_STARTING = threading.Lock()
"""Starting and reaping children is not safe from several threads at once."""
_PATIENCE = 10.0
"""Seconds that a process is given to end by itself."""


class WorkerDiedError(Exception):
    """The process that was at a call ended before the call did."""


@dataclass(frozen=True)
class _Call:
    future: Future[Any]
    parts: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: connection.Connection[Any, Any]


class Processes(Executor):
    """`workers` processes, each of one thread; one that dies fails its call by WorkerDiedError and is replaced.

    They begin from nothing (spawn), leave interrupts to the parent, and end with it however it ends.

    Raises
    ------
    ValueError
        where `workers` is not positive.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        resource_tracker.ensure_running()  # its own start lets interrupts through again
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._workers: dict[int, _Worker] = {}
        self._ending, self._killed = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._serve, args=(i,), daemon=True) for i in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Queue a call; function, arguments and result travel by pickle."""
        if self._ending.is_set():
            raise RuntimeError("calls must be submitted before shutdown, got one after it")
        future: Future[_T] = Future()
        self._calls.put(_Call(future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, and end the processes when what is queued is done (or cancelled)."""
        self._ending.set()
        if cancel_futures:
            self._cancel_queued()
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill(self) -> None:
        """End every process at once, in the middle of its call, and shut down."""
        self._ending.set()
        self._killed.set()
        self._cancel_queued()
        with _STARTING:
            for worker in self._workers.values():
                worker.process.kill()
        self.shutdown()

    def _cancel_queued(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            if call is not None:
                call.future.cancel()

    def _serve(self, number: int) -> None:
        if hasattr(signal, "pthread_sigmask"):  # what this thread starts inherits it: interrupts are the parent's
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while (call := self._calls.get()) is not None:
            if call.future.set_running_or_notify_cancel():
                self._do(number, call)
        self._end(number)

    def _do(self, number: int, call: _Call) -> None:
        try:
            worker = self._started(number)
            worker.pipe.send(call.parts)
        except OSError as error:  # the process died before the call, or cannot be started
            self._fail(number, call, error)
        except BaseException as error:  # what cannot be pickled
            call.future.set_exception(error)
        else:
            self._receive(number, call, worker)

    def _receive(self, number: int, call: _Call, worker: _Worker) -> None:
        try:
            done, value = worker.pipe.recv()
        except (EOFError, OSError) as error:  # nothing came, or only a part of the answer
            self._fail(number, call, error)
        except BaseException as error:  # what cannot be unpickled
            call.future.set_exception(error)
        else:
            (call.future.set_result if done else call.future.set_exception)(value)

    def _fail(self, number: int, call: _Call, error: Exception) -> None:
        how = self._end(number) or f"could not be started ({error})"
        call.future.set_exception(WorkerDiedError(f"its worker {how}"))

    def _started(self, number: int) -> _Worker:
        with _STARTING:
            if self._killed.is_set():
                raise OSError("the executor was killed")
            if number not in self._workers:
                ours, theirs = _SPAWN.Pipe()
                process = _SPAWN.Process(target=_answer, args=(theirs,))
                process.start()
                theirs.close()  # else the death of the process would not end the pipe
                self._workers[number] = _Worker(process, ours)
            return self._workers[number]

    def _end(self, number: int) -> str:
        worker = self._workers.get(number)
        if worker is None:
            return ""
        worker.pipe.close()
        with _STARTING:
            del self._workers[number]
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            code = worker.process.exitcode or 0
            worker.process.close()
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _answer(pipe: connection.Connection[Any, Any]) -> None:
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, function(*args, **kwargs)))
        except BaseException as error:
            pipe.send((False, error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


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
