"""What a recipe costs: how many cells it has, and hours by the seconds that recorded cells took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from untrained.sims.experiments.recipes.cells import ImageCell, cells_of
from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.experiments.recipes.reproduction import select
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.images.datasets import available, dataset
from untrained.sims.record.store import read_all


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

    A cell is taken to last as long as recorded ones of its set, setup and algorithm; else as its set's and
    algorithm's on average.
    """
    timed = _timed([point for record in records.values() for point in record["points"]])
    return [_cost(recipe, sizes, timed, records.get(recipe.name)) for recipe in recipes]


def all_costs(names: Sequence[str]) -> list[Cost]:
    """Return what recipes cost (all by default), by the committed records and the sets of images at hand.

    Raises
    ------
    ValueError
        where a name is unknown or a record is damaged.
    """
    chosen = select(names or list(RECIPES))
    sets = dict.fromkeys(part.dataset for recipe in chosen for part in recipe.parts)
    sizes = {name: len(dataset(name)) for name in sets if available(name) is None}
    return costs(chosen, sizes, read_all("recipe"))


def _cost(recipe: Recipe, sizes: Mapping[str, int], timed: Any, record: Mapping[str, Any] | None) -> Cost:
    cells = cells_of(recipe, sizes)
    seconds = [_seconds(cell, timed) for cell in cells]
    untimed = dict.fromkeys(c.algorithm.label for c, s in zip(cells, seconds, strict=True) if s is None)
    return Cost(recipe, len(cells), sum(s or 0.0 for s in seconds) / 3600, tuple(untimed), _recorded(record))


def _recorded(record: Mapping[str, Any] | None) -> str | None:
    if record is None:
        return None
    used = ", ".join(f"{part['used']} of {part['dataset']}" for part in record["images"])
    return f"recorded ({used})" if used else "recorded"


def _timed(points: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], list[float]]:
    timed: dict[tuple[Any, ...], list[float]] = {}
    for point in points:
        setup = tuple(point["setup"].values())
        for place in ((point["dataset"], point["label"], setup), (point["dataset"], point["label"])):
            timed.setdefault(place, []).append(point["seconds"][0])
    return timed


def _seconds(cell: ImageCell, timed: Mapping[tuple[Any, ...], Sequence[float]]) -> float | None:
    places = (
        (cell.dataset, cell.algorithm.label, tuple(asdict(cell.setup).values())),
        (cell.dataset, cell.algorithm.label),
    )
    seconds = next((timed[place] for place in places if place in timed), None)
    return None if seconds is None else sum(seconds) / len(seconds)
