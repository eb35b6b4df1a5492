"""The recipes of all papers, by name."""

from __future__ import annotations

from untrained.sims.experiments.recipes import jagatap19, vanveen18
from untrained.sims.experiments.recipes.recipe import Recipe

RECIPES: dict[str, Recipe] = {**vanveen18.RECIPES, **jagatap19.RECIPES}
