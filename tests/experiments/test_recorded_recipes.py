"""Recorded numbers of recipes: means and verdicts are those of the recorded rows, and a cheap row is computed anew."""

import copy
from functools import cache

import pytest
import torch

from untrained.sims.experiments.recipes.cells import ImageCell, cells_of
from untrained.sims.experiments.recipes.compute import Measurements, recover_cells
from untrained.sims.experiments.recipes.recipe import Setup
from untrained.sims.experiments.recipes.records import held_of, record_of
from untrained.sims.experiments.recipes.summary import COLUMNS, gains, judged, points
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.images.datasets import available
from untrained.sims.record.store import CHANGED, read_record

EXACT = ("lasso-dct", "lasso-wavelet", "tv")
"""Algorithms without a network, of which rounding is not magnified by thousands of steps."""
CHEAP = 3.0
"""Seconds of a recorded cell that is computed anew by default."""


def rows_of(recipe, record):
    """The recorded row of each cell."""
    places = {(c.dataset, c.image, c.setup, c.algorithm.label): c for c in cells_of(recipe, {})}
    rows = {}
    for group in record["groups"]:
        for i, image in enumerate(group["image"]):
            columns = {n: group[n][i] if isinstance(group[n], list) else group[n] for n in COLUMNS}
            cell = places[group["dataset"], image, Setup(**group["setup"]), group["label"]]
            rows[cell] = {**columns, "m": group["m"], "picture": None}
    return rows


def close(fresh, recorded, least=1e-9):
    """Whether two parts of a record are alike to the digits that it holds; numbers below `least` are all alike.

    The ends of an interval are differences: they are alike to digits of the largest number beside them.
    """
    if isinstance(fresh, dict):
        return fresh.keys() == recorded.keys() and all(close(fresh[n], recorded[n], least) for n in fresh)
    if isinstance(fresh, list | tuple):
        least = max([least, *(1e-4 * abs(x) for x in recorded if isinstance(x, float))])
        return len(fresh) == len(recorded) and all(close(a, b, least) for a, b in zip(fresh, recorded, strict=True))
    return fresh == (pytest.approx(recorded, rel=1e-4, abs=least) if isinstance(recorded, float) else recorded)


@pytest.mark.parametrize("name", RECIPES)
def test_means_gains_and_verdicts_are_those_of_the_recorded_rows(name):
    recipe, record = RECIPES[name], read_record("recipe", name)
    rows = rows_of(recipe, record)
    assert record["version"] == recipe.version, CHANGED.format(name)
    assert close(points(rows), record["points"]), CHANGED.format(name)
    assert close(gains(recipe, rows), record["gains"], 1e-3), CHANGED.format(name)
    assert judged(recipe, rows, held_of(record)) == record["statements"], CHANGED.format(name)


def test_another_number_among_the_rows_is_noticed():
    recipe, record = RECIPES["fig1b"], copy.deepcopy(read_record("recipe", "fig1b"))
    record["groups"][0]["mse"][0] *= 1.01
    assert not close(points(rows_of(recipe, record)), record["points"])


def test_recorded_patterns_are_those_of_now():
    record, fresh = read_record("recipe", "fig13"), record_of(RECIPES["fig13"], {}, {})
    assert (fresh["counts"], fresh["numbers"]) == (record["counts"], record["numbers"]), CHANGED.format("fig13")


def cheapest(name):
    """The recorded cell that takes the fewest seconds, and its row."""
    rows = rows_of(RECIPES[name], read_record("recipe", name))
    exact = {cell: row for cell, row in rows.items() if cell.algorithm.method in EXACT}
    return min(exact.items(), key=lambda item: item[1]["seconds"], default=None)


SAMPLES = {name: cell for name in RECIPES if (cell := cheapest(name))}


@cache
def computed(cell: ImageCell):
    (row,) = recover_cells([cell], Measurements(torch.device("cpu")))
    return row


def sample(name):
    cell, row = SAMPLES[name]
    slow = pytest.mark.slow if row["seconds"] > CHEAP else ()
    return pytest.param(name, cell, row, marks=slow, id=f"{name}-{cell.algorithm.label}")


@pytest.mark.parametrize(("name", "cell", "row"), [sample(name) for name in SAMPLES])
def test_a_recorded_number_is_that_of_a_cell_computed_now(name, cell, row):
    if why := available(cell.dataset):
        pytest.skip(why)
    fresh = computed(cell)
    assert changes(fresh, row) == [], CHANGED.format(f"{name} or of {cell.algorithm.method}")
    assert changes(fresh, row | {"mse": row["mse"] * 1.01}) == ["mse"]


def changes(fresh, row):
    """Scores that are not as recorded; iterations end a little elsewhere on other machines and threads."""
    return [name for name in ("mse", "psnr", "ssim") if fresh[name] != pytest.approx(row[name], rel=2e-3)]
