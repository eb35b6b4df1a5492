"""Recipes run: their cells, each once, computed or taken from the store, and the records they make together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from untrained.sims.experiments.engine import Follow, Summary
from untrained.sims.experiments.experiment import load, resolve
from untrained.sims.experiments.recipes.cells import (
    ImageCell,
    at_once_of,
    cell_key,
    cells_of,
    image_set,
    settings_of,
)
from untrained.sims.experiments.recipes.compute import REFERENCE, RecipeCells
from untrained.sims.experiments.recipes.heckel20a import DENOISING_RECIPES
from untrained.sims.experiments.recipes.jagatap19 import NET_RECIPES
from untrained.sims.experiments.recipes.recipe import Algorithm, Part, Recipe
from untrained.sims.experiments.recipes.records import record_of
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.experiments.recipes.vanveen18_text import TEXT_RECIPES
from untrained.sims.experiments.runner import Existing, run_cells
from untrained.sims.experiments.store import reading
from untrained.sims.experiments.studies import STUDIES
from untrained.sims.experiments.sweep import crew_of
from untrained.sims.files import cache_folder
from untrained.sims.images.datasets import available, dataset
from untrained.sims.progress import OpenProgress, no_progress
from untrained.sims.record.store import read_all

ALL_RECIPES: Mapping[str, Recipe] = {**RECIPES, **TEXT_RECIPES, **NET_RECIPES, **DENOISING_RECIPES}
"""The recipes of all papers, by name."""


@dataclass(frozen=True)
class Cost:
    """Cells of a whole recipe, the hours of those whose method was timed before, and the methods that were not."""

    recipe: Recipe
    cells: int
    hours: float
    untimed: tuple[str, ...]
    recorded: str | None


def costs(recipes: Iterable[Recipe], sizes: Mapping[str, int], records: Mapping[str, Mapping[str, Any]]) -> list[Cost]:
    """Return what each recipe costs with all its images; `records` are those there are, by name.

    A cell is taken to last as long as recorded ones of its set, setup and algorithm; else as `seconds_of` says.
    """
    timed = timings([point for record in records.values() for point in record["points"]])
    return [_cost(recipe, sizes, timed, records.get(recipe.name)) for recipe in recipes]


def all_costs(names: Sequence[str]) -> list[Cost]:
    """Return what recipes cost (all by default), by the committed records and the sets of images at hand.

    Raises
    ------
    ValueError
        where a name is unknown or a record is damaged.
    """
    chosen = select(names or list(ALL_RECIPES))
    sets = dict.fromkeys(part.dataset for recipe in chosen for part in recipe.parts)
    sizes = {name: len(dataset(name)) for name in sets if available(name) is None}
    return costs(chosen, sizes, read_all("recipe"))


def _cost(recipe: Recipe, sizes: Mapping[str, int], timed: Any, record: Mapping[str, Any] | None) -> Cost:
    cells = cells_of(recipe, sizes)
    seconds = [seconds_of(cell, timed) for cell in cells]
    untimed = dict.fromkeys(c.algorithm.label for c, s in zip(cells, seconds, strict=True) if s is None)
    return Cost(recipe, len(cells), sum(s or 0.0 for s in seconds) / 3600, tuple(untimed), _recorded(record))


def _recorded(record: Mapping[str, Any] | None) -> str | None:
    if record is None:
        return None
    used = ", ".join(f"{part['used']} of {part['dataset']}" for part in record["images"])
    return f"recorded ({used})" if used else "recorded"


def timings(points: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], list[float]]:
    """Return the mean seconds of recorded cells, by set, label and setup, and by set and label."""
    timed: dict[tuple[Any, ...], list[float]] = {}
    for point in points:
        setup = tuple(point["setup"].values())
        for place in ((point["dataset"], point["label"], setup), (point["dataset"], point["label"])):
            timed.setdefault(place, []).append(point["seconds"][0])
    return timed


def seconds_of(cell: ImageCell, timed: Mapping[tuple[Any, ...], Sequence[float]]) -> float | None:
    """Return how long a cell is taken to last; None where nothing like it was timed.

    Where its algorithm was not timed on its set, others of its method and network there tell, by the steps of all
    restarts.
    """
    own, setup = cell.algorithm, tuple(cell.setup.as_fields().values())
    for other in (own, *_of_the_same_network(cell)):
        for place in ((cell.dataset, other.label, setup), (cell.dataset, other.label)):
            if place in timed:
                longer = 1.0 if other is own else _steps(own) / _steps(other)
                return longer * sum(timed[place]) / len(timed[place])
    return None


def _of_the_same_network(cell: ImageCell) -> list[Algorithm]:
    own, parts = cell.algorithm, [part for recipe in ALL_RECIPES.values() for part in recipe.parts]
    others = dict.fromkeys(one for part in parts if part.dataset == cell.dataset for one in part.algorithms)
    alike = [one for one in others if one.method == own.method and _network(one) is not None]
    return [one for one in alike if _network(one) == _network(own)]


@cache
def _network(algorithm: Algorithm) -> str | None:
    """The network that an algorithm fits; None of one without."""
    network: str | None = getattr(settings_of(algorithm), "network", None)
    return network


def _steps(algorithm: Algorithm) -> int:
    """The steps of all restarts of an algorithm that fits a network."""
    settings = settings_of(algorithm)
    steps: int = settings.steps * settings.restarts
    return steps


@dataclass(frozen=True)
class RecipeRun:
    """Recipes, the sets of images they need, and their cells, each once with its key, as far as they are asked for."""

    recipes: tuple[Recipe, ...]
    cells: Mapping[str, Sequence[ImageCell]]
    """The cells of each recipe, by its name."""
    keys: Mapping[ImageCell, str]
    sets: Mapping[str, torch.Tensor]
    at_once: Mapping[str, int]
    store: Path

    def run(
        self,
        workers: int | None = 0,
        scheduler: str | None = None,
        *,
        device: str = "auto",
        resume: bool = False,
        follow: Follow | None = None,
        open_progress: OpenProgress = no_progress,
    ) -> Summary:
        """Compute every cell, or with `resume` those that the store does not hold: in this process, unless on workers.

        Raises
        ------
        ValueError
            where who computes is not clear, or as `run_cells` does.
        KeyboardInterrupt
            where it is interrupted; the cells that are done are in the store.
        """
        if not self.keys:
            return Summary(0, 0, 0, 0, 0.0)
        existing: Existing = "reuse" if resume else "replace"
        cells = [cell.cell() for cell in self.keys]
        with crew_of(workers, scheduler) as crew:
            where = (RecipeCells(self.at_once), REFERENCE, cells, self.store)
            how = {"device": device, "follow": follow, "open_progress": open_progress}
            return run_cells(*where, crew, existing=existing, **how)  # type: ignore[arg-type]

    def rows(self) -> dict[ImageCell, Mapping[str, Any]]:
        """Return the rows of the cells that are done."""
        if not self.keys:
            return {}
        with reading(self.store, RecipeCells.name) as opened:
            by_key = dict(opened.done())
        return {cell: by_key[key].row for cell, key in self.keys.items() if key in by_key}

    def records(self) -> list[dict[str, Any]]:
        """Return the record of each recipe, of the cells that are done."""
        rows = self.rows()
        return [
            record_of(recipe, {cell: rows[cell] for cell in self.cells[recipe.name] if cell in rows}, self.sets)
            for recipe in self.recipes
        ]

    def check_recordable(self) -> None:
        """Refuse to write a user's recipe into the record.

        Raises
        ------
        ValueError
            where a recipe is none of the paper's.
        """
        if others := [recipe.name for recipe in self.recipes if ALL_RECIPES.get(recipe.name) is not recipe]:
            raise ValueError(f"record is for the papers' recipes ({', '.join(ALL_RECIPES)}), got {others[0]}")

    def failures(self, most: int = 3) -> list[str]:
        """Return the first failed cells of the newest run in words."""
        with reading(self.store, RecipeCells.name) as opened:
            return [f"{cell}: {error}" for cell, error in islice(opened.failures(), most)]

    def status(self) -> dict[str, Any]:
        """Return how the newest run of recipes stands: cells, done, failed, rate and running."""
        with reading(self.store, RecipeCells.name) as opened:
            return opened.status()


def make_recipe_run(
    *references: str,
    images: int | None = None,
    methods: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    at_once: int | None = None,
    store: Path | None = None,
) -> RecipeRun:
    """Check everything that can be refused before the long work, and return what there is to do.

    Recipes are names of the papers', such as fig1a or jagatap19-cs, or file.py:NAME. `images` asks for the first of
    each part, `methods` for algorithms by their labels, `sizes` for numbers of measurements m, `at_once` for how many
    images are recovered side by side.

    Raises
    ------
    ValueError
        where a recipe or method is unknown, no part has as many images, a set of images is absent, or a method's
        settings do not fit.
    """
    for name, value in (("images", images), ("at_once", at_once)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    recipes = select(references)
    labels = with_methods(recipes, methods)
    parts = [part for recipe in recipes for part in recipe.parts]
    _check_images(images, parts)
    sets = {name: image_set(name) for name in dict.fromkeys(part.dataset for part in parts if part.algorithms)}
    cells = {recipe.name: _chosen(recipe, sets, images, labels, sizes) for recipe in recipes}
    keys = {
        cell: cell_key(cell, cell.pixels) for cell in dict.fromkeys(cell for some in cells.values() for cell in some)
    }
    if sizes is not None and not keys:
        raise ValueError(f"m must hold numbers of measurements that the recipes have, got {list(sizes)}")
    place = store or cache_folder() / "recipes.sqlite"
    return RecipeRun(tuple(recipes), cells, keys, sets, at_once_of(parts, at_once), place)


def _check_images(images: int | None, parts: Sequence[Part]) -> None:
    most = max((part.count for part in parts if part.algorithms), default=None)
    if images is not None and most is not None and images > most:
        raise ValueError(f"images must be at most {most}, as many as a part of the recipes has, got {images}")


def _chosen(
    recipe: Recipe,
    sets: Mapping[str, torch.Tensor],
    images: int | None,
    labels: Sequence[str],
    sizes: Sequence[int] | None,
) -> list[ImageCell]:
    cells = cells_of(recipe, {name: len(pixels) for name, pixels in sets.items()}, images, labels)
    return [cell for cell in cells if sizes is None or cell.setup.m in sizes]


def select(references: Sequence[str]) -> list[Recipe]:
    """Return recipes, each once, by name, file.py:NAME or package.module:NAME.

    Raises
    ------
    ValueError
        where there is none, one is unknown, or two are called the same.
    """
    if not references:
        raise ValueError("names must hold the name of a recipe, got none")
    recipes = [load_recipe(reference) for reference in dict.fromkeys(references)]
    names = [recipe.name for recipe in recipes]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"recipes must each have a name of their own, got {twice[0]} twice")
    return recipes


def load_recipe(reference: str) -> Recipe:
    """Return a recipe of the papers' by its name, or a user's by its file or module.

    Raises
    ------
    ValueError
        where it cannot be found or imported, or is a study.
    """
    if reference in ALL_RECIPES:
        return ALL_RECIPES[reference]
    if reference in STUDIES:
        raise ValueError(f"recipe must be no study, got {reference!r}, which untrained.sweep({reference!r}) computes")
    return load(resolve(reference, dict.fromkeys(ALL_RECIPES, ""), "recipe"), Recipe, "recipe")


def with_methods(recipes: Sequence[Recipe], labels: Sequence[str] | None) -> list[str]:
    """Return the labels of the algorithms asked for (None: all that the recipes have).

    Raises
    ------
    ValueError
        where no recipe has one of them, or a recipe has none of them.
    """
    every = list(dict.fromkeys(label for recipe in recipes for label in recipe.labels()))
    if labels is None:
        return every
    for label in labels:
        if label not in every:
            names = ", ".join(recipe.name for recipe in recipes)
            raise ValueError(f"methods must be of those of {names} ({', '.join(every) or 'none'}), got {label!r}")
    for recipe in recipes:
        if recipe.labels() and not set(labels) & set(recipe.labels()):
            has = ", ".join(recipe.labels())
            raise ValueError(f"methods must hold one that {recipe.name} has ({has}), got {', '.join(labels)}")
    return list(dict.fromkeys(labels))
