"""Drawing every figure into files; the list of figures is this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from untrained import figures
from untrained.figures.drawing import PICTURE_SUFFIXES, bare, caption_of, picture_bytes
from untrained.figures.style import STYLE
from untrained.sims.choices import check_choice
from untrained.sims.files import write_bytes, write_text
from untrained.sims.record.store import FOLDER

PICTURE_FORMATS = tuple(suffix[1:] for suffix in PICTURE_SUFFIXES)


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
    """Make one figure, with its caption below, from the record in a folder.

    Raises
    ------
    ValueError
        where the record lacks what the figure shows.
    """
    with matplotlib.style.context(["default", STYLE]):
        return maker(name)(folder)


def figure_caption(name: str, folder: Path = FOLDER) -> str:
    """Return the caption of a figure: what is shown, how often it was measured, what bars mean, and which claims.

    Raises
    ------
    ValueError
        as `make` does.
    """
    return caption_of(make(name, folder))


def draw(
    names: Sequence[str] | None,
    out: Path,
    folder: Path = FOLDER,
    formats: Sequence[str] = PICTURE_FORMATS,
    *,
    captions: bool = True,
) -> list[Path]:
    """Draw figures (all by default) into a folder in these formats, each caption as text beside, and return the files.

    With `captions` they stand in the pictures, too.

    Raises
    ------
    ValueError
        where a name is no figure's, a format is unknown, the record lacks what a figure shows, or a file cannot be
        written.
    OSError
        where the folder cannot be made.
    """
    choices = figure_names()
    for what, allowed, wanted in (("figure", choices, names or ()), ("format", PICTURE_FORMATS, formats)):
        for name in wanted:
            check_choice(what, name, allowed)
    out.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in PICTURE_FORMATS if kind in formats]
    return [path for name in names or choices for path in _save(out / name, make(name, folder), kinds, captions)]


def _save(stem: Path, figure: Figure, kinds: Sequence[str], captions: bool) -> list[Path]:
    text, paths = caption_of(figure), [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    if not captions:
        bare(figure)
    for path in paths:
        write_bytes(path, picture_bytes(figure, path.suffix))
    beside = stem.with_name(f"{stem.name}.txt")
    write_text(beside, f"{text}\n")
    return [*paths, beside]
