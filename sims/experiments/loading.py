"""Finding a study by name, module or file."""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from untrained.sims.experiments.studies.registry import STUDIES
from untrained.sims.experiments.study import Study
from untrained.sims.user_files import run_file


def resolve(reference: str) -> str:
    """Return `module:attribute` or `/whole/path.py:NAME`, which any process on this machine understands.

    Raises
    ------
    ValueError
        where it is neither a registered name nor of these forms.
    """
    found = STUDIES.get(reference, reference)
    where, _, attribute = found.rpartition(":")
    if not where or not attribute.isidentifier():
        known = ", ".join(STUDIES) or "none"
        raise ValueError(
            f"study must be a known name ({known}), file.py:NAME or package.module:NAME, got {reference!r}"
        )
    return f"{Path(where).resolve()}:{attribute}" if where.endswith(".py") else found


def load(reference: str) -> Study:
    """Return a study, imported now and only once a process.

    Raises
    ------
    ValueError
        where its file or module is missing or fails, or has no such study.
    """
    return _load(resolve(reference))


@lru_cache
def _load(resolved: str) -> Study:
    where, _, attribute = resolved.rpartition(":")
    found = getattr(_module(where), attribute, None)
    if not isinstance(found, Study):
        raise ValueError(f"study must be a Study named {attribute} in {where}, got {type(found).__name__}")
    return found


def _module(where: str) -> ModuleType:
    try:
        return run_file(Path(where), "study") if where.endswith(".py") else importlib.import_module(where)
    except (Exception, SystemExit) as error:
        raise ValueError(f"study must be importable, got {where} with {type(error).__name__}: {error}") from error
