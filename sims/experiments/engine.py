"""How cells reach workers: groups of them go out, and what comes back is in the store before more goes out."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import islice

from untrained.sims.experiments.executors import Crew
from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.store import KeyedOutcome, StoppedError, Store
from untrained.sims.experiments.worker import CellOutcome, work

_GROUP_SECONDS = 0.2
"""Batches are grouped to about this length, which is long beside the way to a worker and short beside a kill."""
_LARGEST = 100
"""Batches of a group."""
_LIVES = 2
"""How often a cell may kill its worker before it is given up."""
_STARTS = 5
"""How often workers may die before they have done anything."""


@dataclass(frozen=True)
class Summary:
    """How a run stands: all its cells, those done, those failed, those done before it began, and its seconds."""

    cells: int
    done: int
    failed: int
    before: int
    seconds: float


Follow = Callable[[Summary], None]
KeyedCell = tuple[str, Cell]
Batch = list[KeyedCell]


class Tally:
    """Writes what ended into the store, counts it and tells whoever follows."""

    def __init__(self, store: Store, experiment: str, summary: Summary, follow: Follow) -> None:
        self._store, self._experiment, self._follow = store, experiment, follow
        self.summary, self._start = summary, time.perf_counter()
        self.tell()

    def tell(self) -> None:
        """Tell whoever follows how the run stands, also where nothing has ended since."""
        self._follow(self.summary)

    def add(self, outcomes: Sequence[KeyedOutcome]) -> None:
        """Write cells with how they ended.

        Raises
        ------
        ValueError
            where the store cannot be written to.
        """
        if not outcomes:
            return
        try:
            self._store.add(self._experiment, outcomes)
        except OSError as error:
            raise self.stopped(f"the store must be one that can be written to, got {error}") from error
        done = sum(outcome.outcome == "done" for _, _, outcome in outcomes)
        old, seconds = self.summary, time.perf_counter() - self._start
        self.summary = replace(old, done=old.done + done, failed=old.failed + len(outcomes) - done, seconds=seconds)
        self.tell()

    def stopped(self, why: str) -> StoppedError:
        """The error of a run that cannot go on."""
        now = self.summary
        return StoppedError(f"{why}; {now.done} of {now.cells} cells are kept, and a resumed run goes on from there")


class Engine:
    """The state of a run: what is with the workers, what is tried again, and how long a batch takes.

    `call` is what workers are told besides the cells: reference, laws and device.
    """

    def __init__(self, crew: Crew, tally: Tally, call: tuple[str, str, str]) -> None:
        self._crew, self._tally, self._call = crew, tally, call
        self._flying: dict[Future[list[CellOutcome]], list[Batch]] = {}
        self._again: deque[Batch] = deque()
        self._back: deque[Batch] = deque()
        self._suspects: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._pace = _GROUP_SECONDS
        self._executor: Executor

    def run(self, pending: Iterator[Batch]) -> None:
        """Compute what is pending; the workers are ended in any case."""
        self._pending = pending
        self._left = self._tally.summary.cells - self._tally.summary.done
        if not self._left:
            return
        self._executor = self._crew.make()
        try:
            self._check_start()
            self._go_on()
        except BaseException:
            self._crew.kill(self._executor)
            raise
        self._executor.shutdown(wait=True)

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
            raise self._tally.stopped(words)

    def _go_on(self) -> None:
        while self._fill() or self._flying:
            ended, _ = wait(self._flying, timeout=1.0, return_when=FIRST_COMPLETED)
            self._tally.add([one for future in ended for one in self._collect(future)])
            if not ended:
                self._tally.tell()
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
        flying = (key for group in self._flying.values() for batch in group for key, _ in batch)
        return not self._crew.apart and bool(self._again or any(key in self._suspects for key in flying))

    def _next_group(self, room: int) -> list[Batch]:
        if self._again:
            return [self._again.popleft()]
        fair = -(-self._left // (2 * room))  # the last groups must not keep one worker busy and the others idle
        size = max(1, min(int(_GROUP_SECONDS / self._pace), _LARGEST, fair))
        group = [self._back.popleft() for _ in range(min(size, len(self._back)))]
        group += islice(self._pending, size - len(group))
        self._left -= _cells_of(group)
        return group

    def _send(self, group: list[Batch]) -> Future[list[CellOutcome]]:
        batches = [[(cell.parameters, cell.seed) for _, cell in batch] for batch in group]
        try:
            return self._executor.submit(work, *self._call, batches)
        except BrokenExecutor as error:  # told in the same way as one that breaks later
            future: Future[list[CellOutcome]] = Future()
            future.set_exception(error)
            return future

    def _collect(self, future: Future[list[CellOutcome]]) -> list[KeyedOutcome]:
        group = self._flying.pop(future, None)
        if group is None:  # collected already, when its executor broke
            return []
        try:
            outcomes = future.result()
        except BrokenExecutor as error:
            return self._bury(group, error) + self._rebuild()
        except self._crew.deaths as error:
            return self._bury(group, error)
        except CancelledError:
            why = self._crew.lost() or "the executor must finish its calls, got one cancelled"
            raise self._tally.stopped(why) from None
        except ValueError as error:
            raise self._tally.stopped(str(error)) from error
        except Exception as error:
            why = f"a worker must give its results, got {type(error).__name__}: {error}"
            raise self._tally.stopped(why) from error
        return self._take(group, outcomes)

    def _take(self, group: list[Batch], outcomes: list[CellOutcome]) -> list[KeyedOutcome]:
        """Match outcomes to cells; batches without any are handed back, because the group took long."""
        cells = [keyed for batch in group for keyed in batch]
        done = 0
        while _cells_of(group[:done]) < len(outcomes):
            done += 1
        self._back.extend(group[done:])
        self._left += _cells_of(group[done:])
        self._learn_pace(sum(outcome.seconds for outcome in outcomes) / max(1, done))
        return [(*keyed, outcome) for keyed, outcome in zip(cells, outcomes, strict=False)]

    def _bury(self, group: list[Batch], error: BaseException) -> list[KeyedOutcome]:
        """Try the cells again, each by itself; one that was by itself has lost a life."""
        (key, cell), *others = (keyed for batch in group for keyed in batch)
        if others or not (self._crew.apart or key in self._suspects):
            self._suspect(group)
            return []
        self._deaths[key] += 1
        if self._deaths[key] < _LIVES:
            self._suspect(group)
            return []
        why = f"{type(error).__name__}: {' '.join(str(error).split())}, {_LIVES} times"
        return [(key, cell, CellOutcome("failed", None, why, 0.0, "", self._call[2]))]

    def _suspect(self, group: list[Batch]) -> None:
        cells = [keyed for batch in group for keyed in batch]
        self._again.extend([keyed] for keyed in cells)
        self._suspects.update(key for key, _ in cells)

    def _rebuild(self) -> list[KeyedOutcome]:
        """Make another executor; every call with the broken one has ended, or ends now."""
        self._executor.shutdown(wait=True)
        others, self._flying = self._flying, {}
        outcomes: list[KeyedOutcome] = []
        for future, group in others.items():
            if future.exception() is None:
                outcomes += self._take(group, future.result())
            else:
                self._suspect(group)
        self._executor = self._crew.make()
        return outcomes

    def _learn_pace(self, mean: float) -> None:
        self._pace = max(1e-6, 0.5 * self._pace + 0.5 * mean)


def _cells_of(group: Iterable[Batch]) -> int:
    return sum(map(len, group))
