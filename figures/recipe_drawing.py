"""One recipe's record as the figure or table of the paper that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

from untrained.figures.recipe_curves import curves_figure
from untrained.figures.recipe_grids import table_figure
from untrained.figures.recipe_pictures import pictures_figure
from untrained.figures.style import STYLE

_DRAWERS: dict[str, Callable[[Mapping[str, Any]], Figure]] = {
    "curves": curves_figure,
    "pictures": pictures_figure,
    "pattern": pictures_figure,
    "gains": table_figure,
    "runtimes": table_figure,
}


def draw_recipe(record: Mapping[str, Any]) -> Figure:
    """Draw a record: curves, pictures or a table, by its kind."""
    with matplotlib.style.context(["default", STYLE]):
        return _DRAWERS[record["kind"]](record)
