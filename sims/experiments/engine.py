"""What a sweep does as it runs: groups of cells go out, and what comes back is in the store before more goes out."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import islice

from untrained.sims.experiments.executors import Crew
from untrained.sims.experiments.grid import Cell
from untrained.sims.experiments.opening import StoppedError
from untrained.sims.experiments.store import Ended, Store
from untrained.sims.experiments.work import Result, work

_GROUP_SECONDS = 0.2
"""Cells are grouped to about this length, which is long beside the way to a worker and short beside a kill."""
_LARGEST = 100
"""Cells of a group."""
_LIVES = 2
"""How often a cell may kill its worker before it is given up."""
_STARTS = 5
"""How often workers may die before they have done anything."""


@dataclass(frozen=True)
class Summary:
    """How a sweep stands: all its cells, those done, those failed, those done before it began, and its seconds."""

    cells: int
    done: int
    failed: int
    kept: int
    seconds: float


Watch = Callable[[Summary], None]
Task = tuple[str, Cell]


class Engine:
    """The state of a run: what is with the workers, what is tried again, and how long a cell takes."""

    def __init__(self, crew: Crew, store: Store, study: str, fixed: tuple[str, int, str], watch: Watch) -> None:
        self._crew, self._store, self._study, self._fixed, self._watch = crew, store, study, fixed, watch
        self._flying: dict[Future[list[Result]], list[Task]] = {}
        self._again: deque[Task] = deque()
        self._back: deque[Task] = deque()
        self._suspects: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._pace = _GROUP_SECONDS
        self._executor: Executor

    def run(self, pending: Iterator[Task], so_far: Summary) -> Summary:
        """Compute what is pending, and return how it stands at the end; the workers are ended in any case."""
        self._start, self._pending, self._seen = time.perf_counter(), pending, so_far
        self._left = so_far.cells - so_far.kept
        self._watch(so_far)
        if not self._left:
            return so_far
        self._executor = self._crew.make()
        try:
            self._check_start()
            self._go_on()
        except BaseException:
            self._crew.kill(self._executor)
            raise
        self._executor.shutdown(wait=True)
        return self._seen

    def _check_start(self) -> None:
        """No cell is blamed for workers that cannot begin or cannot load the study."""
        error: BaseException | None = None
        for _ in range(_STARTS):
            future = self._send([])
            while not wait([future], timeout=1.0).done:
                self._check_lost()
            error = CancelledError() if future.cancelled() else future.exception()
            if not isinstance(error, (BrokenExecutor, *self._crew.deaths)):
                break
            if isinstance(error, BrokenExecutor):
                self._rebuild()
        if isinstance(error, ValueError):
            raise error
        if error is not None:
            raise ValueError(f"workers must be able to start, got {type(error).__name__}: {error}") from error

    def _check_lost(self) -> None:
        if words := self._crew.lost():
            raise self._stopped(words)

    def _go_on(self) -> None:
        while self._fill() or self._flying:
            ended, _ = wait(self._flying, timeout=1.0, return_when=FIRST_COMPLETED)
            self._keep([one for future in ended for one in self._collect(future)])
            self._check_lost()

    def _fill(self) -> bool:
        """Hand out groups while there is room; whether any was."""
        began = len(self._flying)
        room = 1 if self._must_be_alone() else self._crew.room()
        while len(self._flying) < room and (group := self._next_group(room)):
            self._flying[self._send(group)] = group
        return len(self._flying) > began

    def _must_be_alone(self) -> bool:
        """Whether a suspect is next or under way, whose death would strike whoever is beside it."""
        flying = (key for group in self._flying.values() for key, _ in group)
        return not self._crew.apart and bool(self._again or any(key in self._suspects for key in flying))

    def _next_group(self, room: int) -> list[Task]:
        if self._again:
            return [self._again.popleft()]
        fair = -(-self._left // (2 * room))  # the last groups must not keep one worker busy and the others idle
        size = max(1, min(int(_GROUP_SECONDS / self._pace), _LARGEST, fair))
        group = [self._back.popleft() for _ in range(min(size, len(self._back)))]
        group += islice(self._pending, size - len(group))
        self._left -= len(group)
        return group

    def _send(self, group: list[Task]) -> Future[list[Result]]:
        cells = [(cell.parameters, cell.seed) for _, cell in group]
        try:
            return self._executor.submit(work, *self._fixed, cells)
        except BrokenExecutor as error:  # told in the same way as one that breaks later
            future: Future[list[Result]] = Future()
            future.set_exception(error)
            return future

    def _collect(self, future: Future[list[Result]]) -> list[Ended]:
        group = self._flying.pop(future, None)
        if group is None:  # collected already, when its executor broke
            return []
        try:
            results = future.result()
        except BrokenExecutor as error:
            return self._died(group, error) + self._rebuild()
        except self._crew.deaths as error:
            return self._died(group, error)
        except CancelledError:
            raise self._stopped(self._crew.lost() or "the executor must finish its calls, got one cancelled") from None
        except ValueError as error:
            raise self._stopped(str(error)) from error
        except Exception as error:
            raise self._stopped(f"a worker must give its results, got {type(error).__name__}: {error}") from error
        return self._take(group, results)

    def _take(self, group: list[Task], results: list[Result]) -> list[Ended]:
        rest = group[len(results) :]  # handed back, because the group took long
        self._back.extend(rest)
        self._left += len(rest)
        self._learn_pace(results)
        return [Ended(*task, result) for task, result in zip(group, results, strict=False)]

    def _died(self, group: list[Task], error: BaseException) -> list[Ended]:
        """Try the cells again, each by itself; one that was by itself has lost a life."""
        (key, cell), *others = group
        if others or not (self._crew.apart or key in self._suspects):
            self._suspect(group)
            return []
        self._deaths[key] += 1
        if self._deaths[key] < _LIVES:
            self._suspect(group)
            return []
        why = f"{type(error).__name__}: {' '.join(str(error).split())}, {_LIVES} times"
        return [Ended(key, cell, Result("failed", None, why, 0.0, "", self._fixed[2]))]

    def _suspect(self, group: list[Task]) -> None:
        self._again.extend(group)
        self._suspects.update(key for key, _ in group)

    def _rebuild(self) -> list[Ended]:
        """Make another executor; every call with the broken one has ended, or ends now."""
        self._executor.shutdown(wait=True)
        others, self._flying = self._flying, {}
        kept: list[Ended] = []
        for future, group in others.items():
            if future.exception() is None:
                kept += self._take(group, future.result())
            else:
                self._suspect(group)
        self._executor = self._crew.make()
        return kept

    def _learn_pace(self, results: list[Result]) -> None:
        mean = sum(result.seconds for result in results) / len(results)
        self._pace = max(1e-6, 0.5 * self._pace + 0.5 * mean)

    def _keep(self, ended: list[Ended]) -> None:
        if not ended:
            return
        try:
            self._store.add(self._study, ended)
        except OSError as error:
            raise self._stopped(f"the store must be one that can be written to, got {error}") from error
        done = sum(one.result.outcome == "done" for one in ended)
        seen, seconds = self._seen, time.perf_counter() - self._start
        self._seen = replace(seen, done=seen.done + done, failed=seen.failed + len(ended) - done, seconds=seconds)
        self._watch(self._seen)

    def _stopped(self, why: str) -> StoppedError:
        seen = self._seen
        return StoppedError(f"{why}; {seen.done} of {seen.cells} cells are kept, and a resumed run goes on from there")
