"""How much does learned regularisation gain, and how long does a reconstruction take?"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from untrained.figures.recipe_grids import grid
from untrained.sims.experiments.recipes.made import blank
from untrained.sims.experiments.recipes.tables import TABLES
from untrained.sims.record.store import FOLDER, read_all


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
        told = "" if record else f" (ours not recorded: untrained reproduce {recipe.name})"
        place.set_title(f"{recipe.source.removeprefix('vanveen18 ')}: {recipe.title}{told}", fontsize=8.5)
    return figure
