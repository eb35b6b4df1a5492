"""Long runs of claims: what they gather is followed on the screen, journalled, and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from untrained.cli import console
from untrained.cli.options import InterruptedRunError

if TYPE_CHECKING:
    from untrained.sims.record.entries import Journal


def follow_run(
    run: Callable[[Mapping[str, Any]], Iterable[Any]], total: int, journal: Journal[Any], word: str, *, resume: bool
) -> dict[str, Any]:
    """Return what a run yields by id; `run` is called with what its journal has from before.

    Raises
    ------
    InterruptedRunError
        where it is interrupted; what it gathered is kept.
    """
    before = _before(journal) if resume else {}
    _start(journal, before)
    gathered: dict[str, Any] = {}
    try:
        with console.bar(f"{word} {{task.fields[last]}}", screen=console.stderr()) as progress:
            task = progress.add_task("", total=total, last="")
            for one in run(before):
                gathered[one.id] = one
                if one.id not in before:
                    journal.add(one)
                progress.update(task, advance=1, last=one.id)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {len(gathered)} of {total} claims, which are kept; "
            "the same command with --resume goes on from there."
        ) from None
    return gathered


def _before(journal: Journal[Any]) -> dict[str, Any]:
    try:
        return journal.read()
    except ValueError as error:
        raise ValueError(f"{error}; without --resume it is written anew") from error


def _start(journal: Journal[Any], before: Mapping[str, Any]) -> None:
    try:
        journal.start(before)
    except OSError as error:
        at = f"{journal.path.parent} ({error.strerror}); XDG_CACHE_HOME names another"
        raise ValueError(f"the cache folder must be one that can be written to, got {at}") from error
