"""A function over many arguments on processes of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Any, TypeVar

_T = TypeVar("_T")


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on_processes(function: Callable[..., _T], arguments: Sequence[tuple[Any, ...]], workers: int) -> Iterator[_T]:
    """Yield what the function returns for each tuple of arguments, as it ends; an error ends all of them."""
    if not arguments:
        return
    pool = ProcessPoolExecutor(min(workers, len(arguments)), get_context("spawn"), _leave_interrupts_to_the_parent)
    try:
        running = [pool.submit(function, *each) for each in arguments]
        while running:
            ended = wait(running, return_when=FIRST_COMPLETED).done
            yield from (future.result() for future in running if future in ended)
            running = [future for future in running if future not in ended]
    except BaseException:
        for process in list(getattr(pool, "_processes", {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
