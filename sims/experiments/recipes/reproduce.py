"""Recipes run: every cell kept as soon as it is finished, so that an interrupted run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from untrained.sims.experiments.recipes.cells import Cell, at_once_of, batches_of, cells_of, key
from untrained.sims.experiments.recipes.keep import Kept
from untrained.sims.experiments.recipes.made import record_of
from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.experiments.recipes.registry import select, with_methods
from untrained.sims.experiments.recipes.work import Bench, compute
from untrained.sims.images.datasets import dataset


@dataclass(frozen=True)
class Request:
    """What is to be run: recipes by name, how many images of each part, which methods and numbers of measurements, and
    how many images side by side.

    None means all that the recipe has.
    """

    names: Sequence[str]
    images: int | None = None
    methods: Sequence[str] | None = None
    at_once: int | None = None
    sizes: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("names must hold the name of a recipe, got none")
        for option in ("images", "at_once"):
            value = getattr(self, option)
            if value is not None and value < 1:
                raise ValueError(f"{option} must be at least 1, got {value}")


@dataclass(frozen=True)
class Plan:
    """The cells of a request, each once with its key, and the images they are about; `done` fills as they finish."""

    request: Request
    recipes: tuple[Recipe, ...]
    labels: tuple[str, ...]
    sets: dict[str, torch.Tensor]
    keys: dict[Cell, str]
    done: dict[Cell, dict[str, Any]] = field(default_factory=dict)

    def cells(self, recipe: Recipe) -> list[Cell]:
        """The cells of one of the recipes."""
        held = {name: len(images) for name, images in self.sets.items()}
        cells, sizes = cells_of(recipe, held, self.request.images, self.labels), self.request.sizes
        return [cell for cell in cells if sizes is None or cell.setup.m in sizes]

    def left(self) -> list[Cell]:
        """The cells that are not done."""
        return [cell for cell in self.keys if cell not in self.done]


def prepare(request: Request) -> Plan:
    """Check everything that can be refused before the long work, and return what there is to do.

    Raises
    ------
    ValueError
        where a recipe or method is unknown, a set of images is absent, or a method's settings do not fit.
    """
    recipes = select(request.names)
    labels = with_methods(recipes, request.methods)
    named = dict.fromkeys(part.dataset for recipe in recipes for part in recipe.parts if part.runs)
    sets = {name: dataset(name) for name in named}
    plan = Plan(request, tuple(recipes), tuple(labels), sets, {})
    for cell in dict.fromkeys(cell for recipe in recipes for cell in plan.cells(recipe)):
        plan.keys[cell] = key(cell, sets[cell.dataset][cell.image])
    if request.sizes is not None and not plan.keys:
        raise ValueError(f"m must hold numbers of measurements that the recipes have, got {list(request.sizes)}")
    return plan


def resume_from(plan: Plan, kept: Kept) -> int:
    """Take over the cells that were finished before, and return how many.

    Raises
    ------
    ValueError
        where a finished cell is damaged.
    """
    before = len(plan.done)
    for cell in plan.left():
        if (found := kept.read(plan.keys[cell])) is not None:
            plan.done[cell] = found
    return len(plan.done) - before


def run(plan: Plan, kept: Kept, bench: Bench) -> Iterator[Cell]:
    """Compute what is left, keep each cell as soon as it is finished, and yield it.

    Raises
    ------
    ValueError
        where the cache folder cannot be written to, or a method refuses.
    KeyboardInterrupt
        where it is interrupted; what was yielded is kept.
    """
    kept.start()
    parts = [part for recipe in plan.recipes for part in recipe.parts]
    for batch in batches_of(plan.left(), at_once_of(parts, plan.request.at_once)):
        for cell, found in compute(batch, plan.sets[batch.dataset], bench):
            kept.add(plan.keys[cell], found)
            plan.done[cell] = found
            yield cell


def records(plan: Plan) -> list[dict[str, Any]]:
    """Return the record of each recipe of a plan, made from the cells that are done."""
    done = ({cell: plan.done[cell] for cell in plan.cells(recipe) if cell in plan.done} for recipe in plan.recipes)
    return [record_of(recipe, cells, plan.sets) for recipe, cells in zip(plan.recipes, done, strict=True)]
