"""Drawing every figure into files; the list of figures is this folder."""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

from untrained import figures
from untrained.figures.style import STYLE
from untrained.sims.record.store import FOLDER

# Neither a date nor a version of the library, so that the same record gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def figure_names() -> list[str]:
    """Return the name of every figure: the modules fig_* of this folder."""
    names = (module.name for module in pkgutil.iter_modules(figures.__path__))
    return sorted(name.removeprefix("fig_") for name in names if name.startswith("fig_"))


def make(name: str, folder: Path = FOLDER) -> Figure:
    """Make one figure from the record in a folder.

    Raises
    ------
    ValueError
        where the record lacks what the figure shows.
    """
    module = importlib.import_module(f"untrained.figures.fig_{name}")
    figure: Figure = getattr(module, f"fig_{name}")(folder)
    return figure


def draw(names: list[str] | None, out: Path, folder: Path = FOLDER) -> list[Path]:
    """Draw figures (all by default) into a folder, as PNG and PDF, and return the files.

    Raises
    ------
    ValueError
        where a name is no figure's, or the record lacks what a figure shows.
    OSError
        where the folder cannot be written to.
    """
    known = figure_names()
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(f"figure must be one of {', '.join(known)}, got {unknown[0]!r}")
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib.style.context(["default", STYLE]):
        return [path for name in names or known for path in _save(name, make(name, folder), out)]


def _save(name: str, figure: Figure, out: Path) -> list[Path]:
    paths = [out / f"{name}.{kind}" for kind in _METADATA]
    for path in paths:
        _write_whole(figure, path)
    return paths


def _write_whole(figure: Figure, path: Path) -> None:
    """Write a picture beside its place, then rename it: a reader never sees a part."""
    kind = path.suffix[1:]
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            figure.savefig(file, format=kind, metadata=_METADATA[kind])
        os.chmod(part, 0o644)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
