"""How a long computation tells how far it has come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

Progress = Callable[[int, int, float], None]
"""Called with (step, steps in all, value), the value being a loss or whatever else is followed."""
OpenProgress = Callable[[str], contextlib.AbstractContextManager[Progress | None]]
"""Gives the progress of a piece of work by its name, for as long as the block lasts; None where nobody follows it."""


@contextlib.contextmanager
def no_progress(name: str) -> Iterator[Progress | None]:
    """Follow no piece of work at all."""
    yield None
