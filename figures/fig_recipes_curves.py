"""How large is the error of each method against the number of measurements, and against noise?"""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from matplotlib.figure import Figure

from untrained.figures.recipe_curves import curve, legend
from untrained.figures.style import GREY
from untrained.sims.experiments.recipes.curves import CURVES
from untrained.sims.experiments.recipes.recipe import Recipe
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
            curve(place, record)
            continue
        place.set(xticks=[], yticks=[])
        place.text(0.5, 0.5, f"not recorded:\nuntrained reproduce {recipe.name}", ha="center", color=GREY)
    legend(figure)
    return figure


def _title(recipe: Recipe) -> str:
    """The paper's number of the figure, and what it shows in lines that fit above a panel."""
    lines = wrap(recipe.title.removeprefix("MSE - "), 34)
    return "\n".join([recipe.source.removeprefix("vanveen18 "), *lines])
