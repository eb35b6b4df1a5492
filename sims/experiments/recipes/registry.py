"""The recipes by name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from untrained.sims.experiments.recipes.curves import CURVES
from untrained.sims.experiments.recipes.pictures import PICTURES
from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.experiments.recipes.tables import TABLES


def _place(recipe: Recipe) -> tuple[bool, int, str]:
    """Figures before tables, each by its number."""
    kind, number, letter = re.fullmatch(r"(fig|table)(\d+)(\w?)", recipe.name).groups()  # type: ignore[union-attr]
    return kind == "table", int(number), letter


RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in sorted((*CURVES, *PICTURES, *TABLES), key=_place)}
"""One recipe a figure and table of the paper, in the paper's order."""


def select(names: Sequence[str]) -> list[Recipe]:
    """Return the recipes of these names, each once.

    Raises
    ------
    ValueError
        where a name is unknown.
    """
    for name in names:
        if name not in RECIPES:
            raise ValueError(f"recipe must be one of {', '.join(RECIPES)}, got {name!r}")
    return [RECIPES[name] for name in dict.fromkeys(names)]


def with_methods(recipes: Sequence[Recipe], labels: Sequence[str] | None) -> list[str]:
    """Return the labels of the runs wanted (None: all that the recipes have).

    Raises
    ------
    ValueError
        where no recipe has one of them, or a recipe has none of them.
    """
    known = list(dict.fromkeys(label for recipe in recipes for label in recipe.labels()))
    if labels is None:
        return known
    for label in labels:
        if label not in known:
            given = ", ".join(recipe.name for recipe in recipes)
            raise ValueError(f"method must be one of those of {given} ({', '.join(known) or 'none'}), got {label!r}")
    for recipe in recipes:
        if recipe.labels() and not set(labels) & set(recipe.labels()):
            has = ", ".join(recipe.labels())
            raise ValueError(f"methods must hold one that {recipe.name} has ({has}), got {', '.join(labels)}")
    return list(dict.fromkeys(labels))
