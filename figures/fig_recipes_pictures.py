"""What do the recovered images look like?"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from untrained.figures.recipe_pictures import blocks_of, draw_blocks, height_of, write
from untrained.figures.style import GREY
from untrained.sims.experiments.recipes.pictures import PICTURES
from untrained.sims.record.store import FOLDER, read_all

WIDTH, MARGIN, HEAD, LINE = 8.27, 0.2, 0.3, 0.2
"""Inches: the page, its margins, a recipe's title, and a line where it has no pictures."""


def fig_recipes_pictures(folder: Path = FOLDER) -> Figure:
    """Draw Figures 2 and 5 to 14 of the CS-DIP paper from the records; those not recorded say so.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    shown = [(recipe, records.get(recipe.name)) for recipe in PICTURES]
    pages = [(recipe, [] if record is None else blocks_of(record)) for recipe, record in shown]
    inner = WIDTH - 2 * MARGIN
    heights = [HEAD + (height_of(blocks, inner) if blocks else LINE) for _, blocks in pages]
    figure, top = Figure(figsize=(WIDTH, sum(heights) + 2 * MARGIN)), MARGIN
    for (recipe, blocks), height in zip(pages, heights, strict=True):
        name = recipe.source.removeprefix("vanveen18 ")
        write(figure, MARGIN, top + 0.15, f"{name}: {recipe.title}", fontsize=8, fontweight="bold")
        if blocks:
            draw_blocks(figure, blocks, MARGIN, top + HEAD, inner)
        else:
            write(
                figure,
                MARGIN,
                top + HEAD + 0.05,
                f"no pictures recorded: untrained reproduce {recipe.name}",
                color=GREY,
            )
        top += height
    return figure
