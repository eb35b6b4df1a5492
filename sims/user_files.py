"""Running a Python file that a user names: it is run as Python would run it; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

LONGEST_MESSAGE = 200
"""Characters of somebody else's error that are shown."""
USER_ERRORS = (Exception, SystemExit)
"""What somebody else's code may raise and is told of: an exit too, which would pass for success; not an interrupt."""
_NEIGHBOURS: dict[Path, dict[str, ModuleType]] = {}


def run_file(path: Path, prefix: str) -> ModuleType:
    """Run a Python file as a module of its own, named after `prefix` and where it lies.

    Raises
    ------
    ValueError
        where it is no Python file; whatever the file raises comes through.
    """
    name = f"{prefix}_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{prefix} must be a Python file, got {path}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextmanager
def neighbours(folder: Path) -> Iterator[None]:
    """Let code import the files beside it while it runs, as a script may; other folders' code never sees them.

    Nor does it see the arguments of our command line, which are not its own.
    """
    place, before, arguments = str(folder), set(sys.modules), sys.argv
    sys.argv = arguments[:1]
    modules = _NEIGHBOURS.setdefault(folder, {})
    sys.path.insert(0, place)
    added = {name: module for name, module in modules.items() if name not in before}
    sys.modules.update(added)
    try:
        yield
    finally:
        sys.argv = arguments
        if place in sys.path:
            sys.path.remove(place)
        fresh = [name for name in sys.modules if name.partition(".")[0] not in before]
        for name in [name for name in fresh if _lies_in(name, folder)]:
            modules[name] = sys.modules.pop(name)


def function_in(path: Path, factory: str, prefix: str) -> Any:
    """Return what a user's file calls FACTORY, after running it; random numbers of others are left as they were.

    Raises
    ------
    ValueError
        where the file fails, or has no such function.
    """
    from untrained.sims.random.isolated_rng import isolated_rng

    try:
        with isolated_rng(0, "file"), neighbours(path.parent):
            module = run_file(path, prefix)
    except USER_ERRORS as error:
        raise ValueError(f"{path.name} must run without error, got {error_line(error, path)}") from error
    maker = getattr(module, factory, None)
    if not callable(maker):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        has = ", ".join(own) or "none"
        raise ValueError(f"factory must be a function in {path.name} (which has {has}), got {factory!r}")
    return maker


def _lies_in(name: str, folder: Path) -> bool:
    """Whether a module, or the package it is in, lies directly in a folder."""
    top = sys.modules[name.partition(".")[0]]
    places = [getattr(top, "__file__", None), *getattr(top, "__path__", ())]
    return any(Path(place).parent == folder for place in places if place)


def error_line(error: BaseException, path: Path | None = None) -> str:
    """An error in one short line: its type, the first line that says something, and the line of the file it came from.

    A line that ends in a colon only says what the next one is about.
    """
    says = ""
    for line in filter(None, map(str.strip, str(error).splitlines())):
        says = f"{says} {line}".lstrip()
        if not says.endswith(":"):
            break
    short = says if len(says) <= LONGEST_MESSAGE else says[:LONGEST_MESSAGE] + "…"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if path and frame.filename == str(path)]
    where = f" (line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{': ' if short else ''}{short}{where}"
