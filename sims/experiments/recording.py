"""The record of a study: the table that all rows of its default grid are summed up in, read from the store."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from untrained.sims.experiments.export import rows
from untrained.sims.experiments.grid import make_grid
from untrained.sims.experiments.loading import load
from untrained.sims.experiments.study import Result, Study


def study_record(reference: str, store: Path) -> dict[str, Any]:
    """Return the record of a study whose default grid a store holds whole.

    Raises
    ------
    ValueError
        where the study has no table, or cells of its grid are not in the store.
    """
    study = load(reference)
    if study.table is None:
        raise ValueError(f"study must have a table to be recorded, got {study.name} without one")
    grid = make_grid(study)
    results = _results(study, rows(store, reference, grid))
    if len(results) < len(grid):
        raise ValueError(f"store must hold every cell of {study.name}, got {len(results)} of {len(grid)} in {store}")
    return {
        "name": study.name,
        "says": study.says,
        "axes": {axis: list(values) for axis, values in grid.axes.items()},
        "seeds": grid.seeds,
        "version": study.version,
        "cells": len(results),
        "cells_sha256": digest(results),
        "rows": study.table(results),
    }


def _results(study: Study, table: list[dict[str, Any]]) -> list[Result]:
    """Parameters, seed and columns told apart again."""
    return [
        (
            {axis: row[axis] for axis in study.axes},
            row["seed"],
            {name: value for name, value in row.items() if name not in study.axes and name != "seed"},
        )
        for row in table
    ]


def digest(results: list[Result]) -> str:
    """A hash of every row, in the order of the grid."""
    text = json.dumps([row for _, _, row in results], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
