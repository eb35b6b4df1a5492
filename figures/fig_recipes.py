"""The CS-DIP paper's figures and tables, from the records of its recipes; a recipe that is not recorded says so."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from matplotlib.figure import Figure

from untrained.figures.recipe_curves import curves_of, grid, legend
from untrained.figures.recipe_pictures import blocks_of, draw_blocks, height_of, write_line
from untrained.figures.style import GREY
from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.experiments.recipes.records import blank
from untrained.sims.experiments.recipes.vanveen18 import CURVES, PICTURES, TABLES
from untrained.sims.record.store import FOLDER, read_all


def fig_recipes_curves(folder: Path = FOLDER) -> Figure:
    """Draw Figures 1, 3 and 4 of the CS-DIP paper from the records, a panel a recipe; those not recorded say so.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    figure = Figure(figsize=(8.27, 5.6), layout="constrained")
    records = read_all("recipe", folder)
    for place, recipe in zip(figure.subplots(2, 3).ravel(), CURVES, strict=True):
        record = records.get(recipe.name)
        place.set_title(_title(recipe), fontsize=8)
        if record is not None and record["points"]:
            curves_of(place, record)
            continue
        place.set(xticks=[], yticks=[])
        place.text(0.5, 0.5, f"not recorded:\nuntrained reproduce {recipe.name}", ha="center", color=GREY)
    legend(figure)
    return figure


def _title(recipe: Recipe) -> str:
    """The paper's number of the figure, and what it shows in lines that fit above a panel."""
    lines = wrap(recipe.title.removeprefix("MSE - "), 34)
    return "\n".join([recipe.source.removeprefix("vanveen18 "), *lines])


_WIDTH, _MARGIN, _HEAD, _LINE = 8.27, 0.2, 0.3, 0.2
"""Inches: the page, its margins, a recipe's title, and a line where it has no pictures."""
_EMPTY: dict[str, list[dict[str, object]]] = {"pictures": []}


def fig_recipes_pictures(folder: Path = FOLDER) -> Figure:
    """Draw Figures 2 and 5 to 14 of the CS-DIP paper from the records; those not recorded say so.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    pages = [(recipe, blocks_of(records.get(recipe.name, _EMPTY))) for recipe in PICTURES]
    inner = _WIDTH - 2 * _MARGIN
    heights = [_HEAD + (height_of(blocks, inner) if blocks else _LINE) for _, blocks in pages]
    figure, top = Figure(figsize=(_WIDTH, sum(heights) + 2 * _MARGIN)), _MARGIN
    for (recipe, blocks), height in zip(pages, heights, strict=True):
        name = recipe.source.removeprefix("vanveen18 ")
        write_line(figure, _MARGIN, top + 0.15, f"{name}: {recipe.title}", fontsize=8, fontweight="bold")
        if blocks:
            draw_blocks(figure, blocks, _MARGIN, top + _HEAD, inner)
        else:
            write_line(
                figure,
                _MARGIN,
                top + _HEAD + 0.05,
                f"no pictures recorded: untrained reproduce {recipe.name}",
                color=GREY,
            )
        top += height
    return figure


def fig_recipes_tables(folder: Path = FOLDER) -> Figure:
    """Draw Tables 1 and 2 of the CS-DIP paper, the paper's numbers above those of the records.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    figure = Figure(figsize=(8.27, 5.6), layout="constrained")
    records = read_all("recipe", folder)
    for place, recipe in zip(figure.subplots(2, 1).ravel(), TABLES, strict=True):
        record = records.get(recipe.name)
        grid(place, record or blank(recipe))
        note = "" if record else f" (ours not recorded: untrained reproduce {recipe.name})"
        place.set_title(f"{recipe.source.removeprefix('vanveen18 ')}: {recipe.title}{note}", fontsize=8.5)
    return figure
