"""The figures and the recipes' pictures as SVG files, drawn on several processes."""

from __future__ import annotations

import inspect
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.text import Text

from untrained.figures import draw
from untrained.figures.drawing import picture_bytes
from untrained.figures.recipe_curves import draw_recipe
from untrained.figures.style import STYLE
from untrained.sims.record.store import read_record

_ELSEWHERE = frozenset(("ledger", "recipes_curves"))
"""Figures that show what pages of their own have."""
_STUDIES = {"interpolation": "smooth_interpolation", "heckel20b-fig1": "sensing_convergence"}
"""Figures of studies that are not called like them."""
_VIEW_BOX = re.compile(rb'viewBox="0 0 (\d+\.?\d*) (\d+\.?\d*)"')
_PIXELS = 1.8
"""A picture's pixels on a page for each of its points: larger than in print, which is held closer than a screen."""
_CLAIM_ID = re.compile(r"\b[a-z]+\d*(?:\.\w+)+\b")


@dataclass(frozen=True)
class DrawnFigure:
    """A drawn figure: its name, what it shows, its SVG, and the words like ids of claims that stand in it.

    Where it could not be drawn `svg` is empty and `fault` says why.
    """

    name: str
    shows: str
    svg: bytes = b""
    named: tuple[str, ...] = ()
    fault: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels at which a page shows it.

        Raises
        ------
        ValueError
            where it could not be drawn.
        """
        box = _VIEW_BOX.search(self.svg)
        if box is None:
            raise ValueError(f"figure must be drawn, got {self.name}")
        return round(_PIXELS * float(box[1])), round(_PIXELS * float(box[2]))


@dataclass(frozen=True)
class Drawing:
    """Pictures that are being drawn, of figures and of recipes; to ask for them is to wait for them."""

    pending: Mapping[str, Callable[[], DrawnFigure]]
    pending_recipes: Mapping[str, Callable[[], DrawnFigure]]

    @cached_property
    def figures(self) -> dict[str, DrawnFigure]:
        """The figures by name."""
        return {name: result() for name, result in self.pending.items()}

    @cached_property
    def recipes(self) -> dict[str, DrawnFigure]:
        """The pictures of recipes by the names of these."""
        return {name: result() for name, result in self.pending_recipes.items()}


@contextmanager
def drawing(
    folder: Path, recipes: Sequence[str], workers: int, figures: Sequence[str] | None = None
) -> Iterator[Drawing]:
    """Draw the figures of a folder's record, but for those that pages of the site show otherwise, and its recipes.

    They are drawn on processes of their own while the block goes on, or in this one as they are asked for where there
    are no workers.
    """
    names = [name for name in draw.figure_names() if name not in _ELSEWHERE] if figures is None else figures
    if workers < 1:
        yield Drawing(
            {name: partial(_figure, name, folder) for name in names},
            {name: partial(_recipe, name, folder) for name in recipes},
        )
        return
    pool = ProcessPoolExecutor(workers, _context(), _leave_interrupts)
    try:
        yield Drawing(
            {name: pool.submit(_figure, name, folder).result for name in names},
            {name: pool.submit(_recipe, name, folder).result for name in recipes},
        )
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Processes that share one import of what they need, where the system has such."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def figure_of_study(name: str, figures: Sequence[str]) -> str | None:
    """Return the figure that shows a study, None where there is none."""
    plain = name.replace("-", "_")
    return next((one for one in (_STUDIES.get(name), f"study_{plain}", plain) if one in figures), None)


def _figure(name: str, folder: Path) -> DrawnFigure:
    first, _, _ = (inspect.getdoc(draw.maker(name)) or "").partition("\n")
    shows = re.sub(r"^Draw (\w)", lambda match: match[1].upper(), first)
    with matplotlib.style.context(["default", STYLE]):
        try:
            figure = draw.make(name, folder)
        except ValueError as error:
            return DrawnFigure(name, shows, fault=str(error))
        return DrawnFigure(name, shows, picture_bytes(figure, ".svg"), tuple(_claims_named(figure)))


def _recipe(name: str, folder: Path) -> DrawnFigure:
    record = read_record("recipe", name, folder)
    return DrawnFigure(name, f"{record['title']}.", picture_bytes(draw_recipe(record), ".svg"))


def _claims_named(figure: Figure) -> Iterator[str]:
    words = " ".join(part.get_text() for part in figure.findobj(Text) if isinstance(part, Text))
    yield from dict.fromkeys(_CLAIM_ID.findall(words))
