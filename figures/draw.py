"""Drawing every figure into files; the list of figures is this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from untrained import figures
from untrained.figures.drawing import picture_bytes
from untrained.figures.style import STYLE
from untrained.sims.choices import check_choice
from untrained.sims.files import write_bytes
from untrained.sims.record.store import FOLDER

_KINDS = (".png", ".pdf")


def _makers() -> dict[str, Callable[[Path], Figure]]:
    """Return the functions fig_* of the modules fig_* of this folder, by what comes after fig_."""
    names = [module.name for module in pkgutil.iter_modules(figures.__path__) if module.name.startswith("fig_")]
    modules = (importlib.import_module(f"untrained.figures.{name}") for name in names)
    makers = (item for module in modules for item in vars(module).items() if item[0].startswith("fig_"))
    return {name.removeprefix("fig_"): maker for name, maker in sorted(makers)}


def figure_names() -> list[str]:
    """Return the name of every figure."""
    return list(_makers())


def maker(name: str) -> Callable[[Path], Figure]:
    """Return the function that makes a figure."""
    return _makers()[name]


def make(name: str, folder: Path = FOLDER) -> Figure:
    """Make one figure from the record in a folder.

    Raises
    ------
    ValueError
        where the record lacks what the figure shows.
    """
    return maker(name)(folder)


def draw(names: Sequence[str] | None, out: Path, folder: Path = FOLDER) -> list[Path]:
    """Draw figures (all by default) into a folder, as PNG and PDF, and return the files.

    Raises
    ------
    ValueError
        where a name is no figure's, the record lacks what a figure shows, or a file cannot be written.
    OSError
        where the folder cannot be made.
    """
    choices = figure_names()
    for name in names or ():
        check_choice("figure", name, choices)
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib.style.context(["default", STYLE]):
        return [path for name in names or choices for path in _save(name, make(name, folder), out)]


def _save(name: str, figure: Figure, out: Path) -> list[Path]:
    paths = [out / f"{name}{kind}" for kind in _KINDS]
    for path in paths:
        write_bytes(path, picture_bytes(figure, path.suffix))
    return paths
