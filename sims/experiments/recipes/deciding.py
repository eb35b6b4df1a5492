"""Sentences decided at least cost: the block of cells that decides most an hour is computed first, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from untrained.sims.experiments.engine import Follow, Summary
from untrained.sims.experiments.recipes.comparisons import FAILS, HOLDS, LOOKS, Arm
from untrained.sims.experiments.recipes.planning import Standing, standing
from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.experiments.recipes.records import record_of, recorded_rows, rejudged
from untrained.sims.experiments.recipes.reproduction import RecipeRun, make_recipe_run, seconds_of, timings
from untrained.sims.experiments.recipes.statements import Statement, judge_sentence, share_of
from untrained.sims.experiments.recipes.summary import Done, leading, points, scores_of
from untrained.sims.progress import OpenProgress, no_progress
from untrained.sims.record.store import read_all

PILOT = 3
"""Images that a comparison has before its look is aimed at."""
_UNTIMED = 60.0
"""Seconds that a cell is taken to last of which no other was timed."""


class TimeUpError(Exception):
    """The time for deciding is over; what has ended is in the store."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a recipe as it stands, and what each of its comparisons lacks, image by image: keys of cells."""

    recipe: Recipe
    statement: Statement
    verdict: str
    stands: Standing
    lacking: tuple[tuple[frozenset[str], ...], ...]


@dataclass(frozen=True)
class CellBlock:
    """Cells to compute next, by their keys, for which comparison, and hours and worth of the look aimed at."""

    sentence: Sentence
    comparison: int
    images: int
    keys: tuple[str, ...]
    hours: float
    worth: float

    @property
    def rate(self) -> float:
        """Parts of decided sentences an hour, of the look that is aimed at."""
        return self.worth / max(self.hours, 1e-9)

    def in_words(self) -> str:
        """What is computed and why."""
        what = self.sentence.stands.looks[self.comparison].comparison.in_words()
        return f"{self.sentence.recipe.name}: {what}, to {self.images} images ({len(self.keys)} cells)"


class Decision:
    """Recipes whose sentences are to be decided, and the rows there are: those stored, else those recorded.

    Cells that have failed here are not tried again. Rows beside an nMSE hold error bars, which a record does not: there
    recorded rows are not mixed with stored ones.
    """

    def __init__(self, chosen: RecipeRun, workers: int = 0, device: str = "auto") -> None:
        self.chosen, self.workers, self.device = chosen, workers, device
        self.records = read_all("recipe")
        self._cells = {key: cell for cell, key in chosen.keys.items()}
        self._recorded: Done = {}
        for recipe in chosen.recipes:
            if recipe.name in self.records and recipe.score != "nmse":
                rows = recorded_rows(recipe, self.records[recipe.name])
                self._recorded = {**self._recorded, **{c: row for c, row in rows.items() if c in chosen.keys}}
        self._failed: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Read the rows again, and judge every sentence by them."""
        self._stored: Done = self.chosen.rows() if self.chosen.store.is_file() else {}
        self.rows: Done = {**self._recorded, **self._stored}
        recorded = [point for record in self.records.values() for point in record["points"]]
        timed = timings([*recorded, *points(self.rows)])
        self._seconds = {key: seconds_of(cell, timed) or _UNTIMED for key, cell in self._cells.items()}
        self.sentences = [s for recipe in self.chosen.recipes for s in self._sentences(recipe)]

    def _sentences(self, recipe: Recipe) -> Iterator[Sentence]:
        rows = self._own(recipe, self.rows)
        scores, by_arm = scores_of(leading(recipe, rows), recipe.score), self._lacking(recipe, rows)
        for statement in recipe.statements:
            verdict = judge_sentence(statement, scores, recipe.axis, recipe.arms())
            arms = [one.comparison.arms for one in verdict.looks]
            lacking = tuple(_by_image([by_arm.get(arm, {}) for arm in each]) for each in arms)
            stands = standing(verdict.looks, scores, share_of(statement))
            yield Sentence(recipe, statement, verdict.verdict, stands, lacking)

    def _lacking(self, recipe: Recipe, rows: Done) -> dict[Arm, dict[int, frozenset[str]]]:
        """The key of each cell that is not there, by run and image, before the first that failed.

        Images that can have no score are left out.
        """
        by_arm: dict[Arm, dict[int, frozenset[str]]] = {}
        ended: set[Arm] = set()
        for cell in self.chosen.cells[recipe.name]:
            arm, key, row = (cell.algorithm.label, cell.setup), self.chosen.keys[cell], rows.get(cell)
            if key in self._failed:
                ended.add(arm)
            if arm not in ended and (row is None or row[recipe.score] is not None):
                by_arm.setdefault(arm, {})[cell.image] = frozenset[str]() if row else frozenset((key,))
        return by_arm

    def _own(self, recipe: Recipe, rows: Done) -> Done:
        return {cell: rows[cell] for cell in self.chosen.cells[recipe.name] if cell in rows}

    @property
    def failed(self) -> int:
        """How many cells have failed."""
        return len(self._failed)

    @property
    def open(self) -> list[Sentence]:
        """The sentences that are not decided."""
        return [s for s in self.sentences if s.stands.looks and s.verdict not in (HOLDS, FAILS)]

    def hours_of(self, keys: Iterable[str]) -> float:
        """How long cells are taken to last, on all workers."""
        return sum(self._seconds[key] for key in keys) / 3600 / max(1, self.workers)

    def blocks(self) -> Iterator[CellBlock]:
        """Yield what can be computed next: of every open comparison the way to each look that it can reach."""
        for sentence in self.open:
            for i in sentence.stands.open:
                yield from self._blocks_of(sentence, i)

    def _blocks_of(self, sentence: Sentence, i: int) -> Iterator[CellBlock]:
        images = sentence.lacking[i]
        ahead = [count for count in LOOKS if sentence.stands.looks[i].used < count <= len(images)]
        step = ahead[0] if ahead else 0
        if sentence.stands.outlooks[i].images < PILOT:
            step = min(step, PILOT)
        now = tuple(sorted(_union(images[:step])))
        for count in ahead if now else ():
            whole = _union(images[:count])
            yield CellBlock(sentence, i, step, now, self.hours_of(whole), self._worth(whole))

    def _worth(self, keys: frozenset[str]) -> float:
        """What all sentences that are open gain by some cells."""
        arms = {(self._cells[key].algorithm.label, self._cells[key].setup) for key in keys}
        return sum(s.stands.worth(_reached(s, keys, arms)) for s in self.open)

    def next_block(self, hours: float = float("inf")) -> CellBlock | None:
        """Return the block of most worth an hour of those that fit into the hours left; None where none does."""
        blocks = [block for block in self.blocks() if self.hours_of(block.keys) <= hours]
        return max(blocks, key=lambda block: block.rate, default=None)

    def run(
        self,
        hours: float,
        *,
        tell: Callable[[CellBlock], None] | None = None,
        follow: Follow | None = None,
        open_progress: OpenProgress = no_progress,
    ) -> str:
        """Compute block after block until time is up or nothing is left to decide, and return which it was.

        Raises
        ------
        ValueError
            as `RecipeRun.run` does.
        KeyboardInterrupt
            where it is interrupted; the cells that have ended are in the store.
        """
        end = time.monotonic() + 3600 * hours

        def watch(state: Summary) -> None:
            if follow is not None:
                follow(state)
            if time.monotonic() > end and state.done + state.failed < state.cells:
                raise TimeUpError

        while hours and (block := self.next_block((end - time.monotonic()) / 3600)):
            if tell is not None:
                tell(block)
            try:
                self._compute(block, watch, open_progress)
            except TimeUpError:
                break
            finally:
                self.refresh()
        return self.ending()

    def _compute(self, block: CellBlock, watch: Follow, open_progress: OpenProgress) -> None:
        part = replace(self.chosen, keys={self._cells[key]: key for key in block.keys})
        how = {"device": self.device, "resume": True, "follow": watch, "open_progress": open_progress}
        if part.run(self.workers, **how).failed:  # type: ignore[arg-type]
            self._failed |= set(block.keys) - {self.chosen.keys[cell] for cell in part.rows()}

    def ending(self) -> str:
        """Why nothing more is computed, in words."""
        if not self.open:
            return "every sentence is decided"
        if block := self.next_block():
            return f"time is up; next would be {block.in_words()}, about {self.hours_of(block.keys):.2g} h"
        return "no image that there is can decide more"

    def new_records(self) -> list[dict[str, Any]]:
        """Return the record of each recipe: of all its rows, or the committed one judged anew where none is stored."""
        return [self._new_record(recipe) for recipe in self.chosen.recipes]

    def _new_record(self, recipe: Recipe) -> dict[str, Any]:
        record = self.records.get(recipe.name)
        if record is not None and record["version"] == recipe.version and not self._own(recipe, self._stored):
            return rejudged(recipe, record)
        return record_of(recipe, self._own(recipe, self.rows), self.chosen.sets)

    def check_nothing_lost(self) -> None:
        """Refuse to write records that lack what the committed ones have.

        Raises
        ------
        ValueError
            where a run or one of its images would be lost.
        """
        for record in self.new_records():
            now = {_arm_of(point): point["images"] for point in record["points"]}
            for point in self.records.get(record["name"], {"points": []})["points"]:
                if now.get(_arm_of(point), 0) < point["images"]:
                    raise ValueError(
                        f"store must hold all that the record of {record['name']} has, got fewer than "
                        f"{point['images']} images of {point['label']} at m = {point['m']}"
                    )


def make_decision(*references: str, workers: int = 0, device: str = "auto", **options: Any) -> Decision:
    """Check what can be refused, and return the sentences of recipes as they stand.

    Raises
    ------
    ValueError
        as `make_recipe_run` does, or where no recipe has a sentence.
    """
    chosen = make_recipe_run(*references, **options)
    if not any(recipe.statements for recipe in chosen.recipes):
        names = ", ".join(recipe.name for recipe in chosen.recipes)
        raise ValueError(f"names must hold a recipe with a sentence to decide, got {names}")
    return Decision(chosen, workers, device)


def _union(images: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*images)


def _by_image(tables: Sequence[Mapping[int, frozenset[str]]]) -> tuple[frozenset[str], ...]:
    """What each image lacks of all runs together, of the images that every run can have."""
    shared = set.intersection(*(set(table) for table in tables)) if tables else set()
    return tuple(_union(table[image] for table in tables) for image in sorted(shared))


def _reached(sentence: Sentence, keys: frozenset[str], arms: set[Arm]) -> dict[int, int]:
    """How many images each comparison has that takes one of the runs, if these cells are there."""
    stands = sentence.stands
    touched = [i for i in stands.open if not arms.isdisjoint(stands.looks[i].comparison.arms)]
    return {i: sum(lacks <= keys for lacks in sentence.lacking[i]) for i in touched}


def _arm_of(point: Mapping[str, Any]) -> tuple[str, str, str]:
    return point["dataset"], str(point["setup"]), point["label"]
