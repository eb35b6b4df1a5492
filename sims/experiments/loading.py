"""Finding a study by name, module or file, and the version of the code behind its numbers."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from untrained.sims.experiments.studies.registry import STUDIES
from untrained.sims.experiments.study import Study
from untrained.sims.user_files import run_file

ROOT = Path(__file__).resolve().parents[2]


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


def code_version(reference: str) -> str:
    """Hash the sources that a study's numbers come from: its own file and whatever its `code` names.

    Raises
    ------
    ValueError
        where the study cannot be loaded or one of its sources is missing.
    """
    return _code_version(resolve(reference))


@lru_cache
def _code_version(resolved: str) -> str:
    study, own = _load(resolved), _own_file(resolved)
    digest = hashlib.sha256(study.version.encode() + b"\0" + own.read_bytes() + b"\0")
    for name in study.code:
        top = _place(study, name, own.parent)
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            inside = path.relative_to(top).as_posix()
            digest.update(f"{name}\0{inside}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _own_file(resolved: str) -> Path:
    where = resolved.rpartition(":")[0]
    return Path(where if where.endswith(".py") else str(sys.modules[where].__file__))


def _place(study: Study, name: str, beside: Path) -> Path:
    for path in (ROOT / name, beside / name):
        if path.exists():
            return path
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise ValueError(f"code of {study.name} must name packages, folders or files, got {name!r}")
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
