"""Which method has the least error at which m or noise, in Figures 1, 3 and 4 of the CS-DIP paper?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from untrained.figures.drawing import cite, heads, panels, strip, under
from untrained.figures.recipe_curves import curves_message, curves_of, images_words, legend_entries
from untrained.figures.style import GREY
from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.experiments.recipes.vanveen18 import CURVES
from untrained.sims.record.store import FOLDER, read_all

_NAMES = {
    "fig1a": "Chest x-ray",
    "fig1b": "MNIST",
    "fig3a": "Retinopathy",
    "fig3b": "Chest x-ray, Fourier",
    "fig4a": "MNIST, trained or not",
    "fig4b": "Chest x-ray with noise",
}


def fig_recipes_curves(folder: Path = FOLDER) -> Figure:
    """Draw Figures 1, 3 and 4 of the CS-DIP paper from the records, a panel a recipe; those not recorded say so.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = {name: record for name, record in read_all("recipe", folder).items() if record["points"]}
    figure, places = panels(2, 3, 4.9)
    for axes, recipe in zip(places, CURVES, strict=True):
        if recipe.name in records:
            curves_of(axes, records[recipe.name])
            continue
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, f"not recorded:\nuntrained reproduce {recipe.name}", ha="center", color=GREY)
    heads(places, [_title(recipe, records.get(recipe.name)) for recipe in CURVES], 31)
    present = [records[recipe.name] for recipe in CURVES if recipe.name in records]
    if present:
        strip(figure, legend_entries(present))
    says = (
        "MSE on [-1, 1]: mean over images and its 95 % t-interval, which ends at the axis where it reaches 0. Hollow: "
        "one image, no interval. Titles compare the means over the images that all methods of a place have. Figures of "
        "the paper, and images a mean: "
    )
    under(figure, says + "; ".join(_images(records)) + "." + cite(folder))
    return figure


def _title(recipe: Recipe, record: Mapping[str, Any] | None) -> str:
    """What a figure of the paper shows, and what came out."""
    name = _NAMES[recipe.name]
    return f"{name}: {curves_message(record)}" if record else name


def _images(records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """How many images each panel's means are over, here and in the paper."""
    for letter, recipe in zip("abcdef", CURVES, strict=True):
        if recipe.name in records:
            papers = {row["paper"] for row in records[recipe.name]["images"]} - {None}
            theirs = f" (paper: {', '.join(map(str, sorted(papers)))})" if papers else ""
            yield f"{letter} {recipe.name.removeprefix('fig')}, {images_words(records[recipe.name])}{theirs}"
