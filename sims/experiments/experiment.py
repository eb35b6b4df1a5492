"""What can be run: cells that are each computed from parameters and a seed alone, found by workers through a name."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar, runtime_checkable

from untrained.sims.choices import suggestion
from untrained.sims.progress import Progress
from untrained.sims.user_files import USER_ERRORS, run_file

_T = TypeVar("_T")


@dataclass(frozen=True)
class Cell:
    """One choice of parameters, which JSON can hold, and seed."""

    parameters: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class Task:
    """Cells that one call computes, a row for each; `name` says what they are in a few words."""

    name: str
    cells: Sequence[Cell]
    compute: Callable[[Progress | None], Sequence[Mapping[str, Any]]]


@runtime_checkable
class Experiment(Protocol):
    """What the engine runs: a study, or the cells of the papers' recipes.

    `laws` names the versions of everything that the numbers follow; a client and its workers must share them.
    """

    @property
    def name(self) -> str:
        """Name of its store."""

    @property
    def laws(self) -> str:
        """Versions of the laws of its numbers."""

    def validate(self, parameters: Mapping[str, Any]) -> None:
        """Raise a ValueError where no cell has these parameters."""

    def key(self, cell: Cell) -> str:
        """Identify the numbers of a cell: equal for equal laws, parameters and seed."""

    def batches(self, cells: Iterable[Cell]) -> Iterator[list[Cell]]:
        """Group cells that one worker had best compute together, in the order of computing."""

    def tasks(self, cells: Sequence[Cell], device: str) -> Iterator[Task]:
        """Yield the calls that compute the cells of some batches, in their order."""


def digest(content: Any) -> str:
    """SHA-256 of what JSON can hold."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def resolve(reference: str, registered: Mapping[str, str], noun: str) -> str:
    """Return `module:attribute` or `/whole/path.py:NAME`, which any process on this machine understands.

    Raises
    ------
    ValueError
        where it is neither a registered name nor of these forms.
    """
    place = registered.get(reference, reference)
    where, _, attribute = place.rpartition(":")
    if not where or not attribute.isidentifier():
        names, hint = ", ".join(registered) or "none", suggestion(reference, registered)
        raise ValueError(
            f"{noun} must be a known name ({names}), file.py:NAME or package.module:NAME, got {reference!r}{hint}"
        )
    return f"{Path(where).resolve()}:{attribute}" if where.endswith(".py") else place


def load(resolved: str, kind: type[_T], noun: str = "experiment") -> _T:
    """Return what `resolve` gave the place of, imported now and only once a process.

    Raises
    ------
    ValueError
        where its file or module is missing or fails, or has nothing of that kind under the name.
    """
    value = _attribute(resolved, noun)
    if not isinstance(value, kind):
        where, _, name = resolved.rpartition(":")
        raise ValueError(f"{noun} must be a {kind.__name__} named {name} in {where}, got {type(value).__name__}")
    return value


@lru_cache
def _attribute(resolved: str, noun: str) -> Any:
    where, _, name = resolved.rpartition(":")
    return getattr(_module(where, noun), name, None)


def _module(where: str, noun: str) -> ModuleType:
    try:
        return run_file(Path(where), noun) if where.endswith(".py") else importlib.import_module(where)
    except USER_ERRORS as error:
        raise ValueError(f"{noun} must be importable, got {where} with {type(error).__name__}: {error}") from error
