"""The terminal: what is printed there, and how a long computation shows how far it has come."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper, UnsupportedOperation
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from untrained.figures.tables import Table
    from untrained.sims.progress import Progress


def command_line() -> str:
    """Return the command that is being run, as a shell takes it."""
    return shlex.join(["untrained", *sys.argv[1:]])


WIDE = 190
"""Columns where the output is no terminal."""
FEWEST = 40
"""The fewest columns that a table is set in: in fewer, which COLUMNS may say, it loses cells without a word."""


READER_LEFT = 141
"""Exit code where the reader of the results has left, which a shell gives those whom SIGPIPE ends."""
_departure = threading.Event()
"""Set where results were dropped, as their reader had left."""


def flushed() -> bool:
    """Write out what is left of the results; False where nobody reads them any more, and it is dropped."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        if not _departure.is_set():
            return True
    _departure.clear()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return False


def spell_out() -> None:
    """Have the results spell out letters that their encoding has not, as Python has standard error do it."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def has_reader() -> bool:
    """Whether the results go where somebody may read them: to no pipe that the reader has left, as far as is known."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    try:
        poll.register(sys.stdout, 0)
    except UnsupportedOperation:  # no file
        return True
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def stdout() -> Console:
    """Return the console of results; where their reader has left they are dropped, and what follows goes on."""
    from rich.console import Console

    class Results(Console):
        def on_broken_pipe(self) -> None:
            _departure.set()

    wide = Results()
    return Results(width=max(wide.width, FEWEST) if wide.is_terminal else WIDE)


def show(parts: Iterable[str | Table], screen: Console) -> None:
    """Print lines and tables from the top; a verdict has its colour."""
    for part in parts:
        if isinstance(part, str):
            screen.print(part, highlight=False, markup=False, soft_wrap=True)
        else:
            screen.print(_rich_table(part))


def _rich_table(table: Table) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    from untrained.figures.style import VERDICTS

    result = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in table.columns:
        result.add_column(name, justify="right" if name in table.right else "left", overflow="fold")
    for row in table.rows:
        result.add_row(*(Text(cell, style=VERDICTS[cell][1] if cell in VERDICTS else "") for cell in row))
    return result


def stderr() -> Console:
    """Return the console of progress."""
    from rich.console import Console

    return Console(stderr=True)


class MinuteLines:
    """Where no terminal looks on: a line a minute on standard error, the first after a minute."""

    def __init__(self, name: str = "", *, hidden: bool = False) -> None:
        self.name, self.hidden = name, hidden
        self.begun = self.last = time.monotonic()
        self.first = self.done = 0

    def tell(self, done: int, total: int, words: str) -> None:
        """Say how far the work has come, where a minute has passed; fewer done than before is another piece of it."""
        now = time.monotonic()
        if done < self.done:
            self.begun, self.first = now, done
        self.done = done
        if self.hidden or now - self.last < MINUTE:
            return
        self.last = now
        steps, left = done - self.first, ""
        if self.first < done < total:
            left = f", about {duration((now - self.begun) * (total - done) / steps)} left"
        print(f"{self.name}: {words}{left}", file=sys.stderr, flush=True)

    def steps(self, step: int, total: int, loss: float) -> None:
        """Tell of a step and its loss."""
        self.tell(step, total, f"step {step}{f' of {total}' if total else ''}, loss {loss:.4g}")


MINUTE = 60.0
"""Seconds between two lines."""


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, in two digits or so."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress_of(name: str) -> Iterator[Progress | None]:
    """Show the progress of a piece of work: a bar on a terminal, a line a minute elsewhere."""
    screen = stderr()
    if not screen.is_terminal:
        yield MinuteLines(name).steps
        return
    with bar("{task.description}", "loss {task.fields[loss]:.4g}", screen=screen) as progress:
        task = progress.add_task(name, total=None, loss=float("nan"))
        yield lambda step, total, loss: progress.update(task, completed=step, total=total or None, loss=loss)


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Show each warning about a file as one line of standard error; others as Python shows them."""
    from untrained.sims.files import FileWarning

    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show_line(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, FileWarning):
                print(f"untrained: warning: {' '.join(str(message).split())}", file=sys.stderr)
            else:
                usual(message, category, *where, **more)

        warnings.filterwarnings("always", category=FileWarning)
        warnings.showwarning = show_line
        yield


@contextmanager
def interrupt_held() -> Iterator[None]:
    """Hold the first interrupt back until the end of the block, which writes what took long; a second ends it."""
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    usual = {number: action for number in numbers if callable(action := signal.getsignal(number))}
    late: list[signal.Signals] = []

    def hold(number: int, frame: FrameType | None) -> None:
        signal.signal(number, usual[signal.Signals(number)])
        late.append(signal.Signals(number))

    for number in usual:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, action in usual.items():
            signal.signal(number, action)
    for number in late:
        usual[number](number, None)


def bar(*words: str, screen: Console, **options: Any) -> Any:
    """Return a bar of progress with words before it, counts, and times; nothing is drawn but on a terminal."""
    from rich import progress as rich

    first, *others = (rich.TextColumn(word) for word in words)
    counts = (rich.BarColumn(20), rich.MofNCompleteColumn(), *others)
    times = (rich.TimeElapsedColumn(), rich.TextColumn("left"), rich.TimeRemainingColumn())
    hidden = not screen.is_terminal
    return rich.Progress(first, *counts, *times, console=screen, transient=True, disable=hidden, **options)
