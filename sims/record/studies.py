"""The recorded studies: the table of each, which figures draw, and the command that makes them anew."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from untrained.sims.record.store import FOLDER, write_whole

SWEEPS = "sweeps"
"""The folder of the studies within the record's."""
_MOST = 100_000
"""Bytes of a file of the record."""


def load_study(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return what was recorded of a study: `says`, `axes`, `seeds`, `code` and `rows`, all of the same columns.

    Raises
    ------
    ValueError
        where the study was not recorded, or the file is not that of a study.
    """
    path = folder / SWEEPS / f"{name}.json"
    if not path.exists():
        raise ValueError(f"study must be one of the record's, got {name!r}")
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        columns = {frozenset(row) for row in data["rows"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"study must be JSON with rows, got {path.name} with {error!r}") from error
    if len(columns) != 1 or not {"source", "quantity", "value"} <= next(iter(columns)):
        raise ValueError(f"study must hold rows of the same columns with a source, got {path.name}")
    return data


def pick(rows: Sequence[dict[str, Any]], **wanted: object) -> list[dict[str, Any]]:
    """Return the rows that hold these values and have a value."""
    return [row for row in rows if row["value"] is not None and all(row[k] == v for k, v in wanted.items())]


def study_text(data: dict[str, Any]) -> str:
    """JSON text with a line for each row of the table.

    Raises
    ------
    ValueError
        where it is too long for the record, or a number is not finite.
    """
    head = json.dumps({name: value for name, value in data.items() if name != "rows"}, indent=1, allow_nan=False)
    rows = ",\n".join(json.dumps(row, separators=(",", ":"), allow_nan=False) for row in data["rows"])
    text = f'{head[:-2]},\n "rows": [\n{rows}\n]}}\n'
    if len(text.encode()) > _MOST:
        raise ValueError(f"study of the record must take at most {_MOST} bytes, got {len(text.encode())}")
    return text


def compute_study(name: str, device: str = "cpu", *, quiet: bool = False) -> dict[str, Any]:
    """Compute all cells of a study's default grid, one after another, and sum them up in its table.

    Raises
    ------
    ValueError
        where the study is not known.
    """
    from untrained.sims.experiments.grid import make_grid
    from untrained.sims.experiments.loading import code_version, load, resolve

    study, module = load(name), importlib.import_module(resolve(name).partition(":")[0])
    code, grid, cells, start = code_version(name), make_grid(study), [], time.monotonic()
    for cell in grid:
        parameters = study.fit_all(cell.parameters)
        cells.append((parameters, cell.seed, study.row(parameters, cell.seed, device)))
        if not quiet:
            print(f"{name} {len(cells)}/{len(grid)}, {time.monotonic() - start:.0f} s: {parameters}", flush=True)
    axes = {axis: list(values) for axis, values in grid.axes.items()}
    digest = hashlib.sha256(json.dumps([row for _, _, row in cells], sort_keys=True).encode()).hexdigest()[:16]
    head = {"name": study.name, "says": study.says, "axes": axes, "seeds": grid.seeds, "code": code}
    return {**head, "cells": len(cells), "cells_sha256": digest, "rows": module.table(cells)}


def main() -> None:
    """Record studies anew: `python -m untrained.sims.record.studies [NAME ...]`."""
    from untrained.sims.experiments.studies.registry import STUDIES

    parser = argparse.ArgumentParser(prog="python -m untrained.sims.record.studies", description="Record studies anew.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"studies (default all): {', '.join(STUDIES)}")
    names: list[str] = parser.parse_args().names or list(STUDIES)
    if unknown := [name for name in names if name not in STUDIES]:
        parser.error(f"study must be one of {', '.join(STUDIES)}, got {unknown[0]}")
    (FOLDER / SWEEPS).mkdir(exist_ok=True)
    for name in names:
        path = FOLDER / SWEEPS / f"{name}.json"
        write_whole(path, study_text(compute_study(name)))
        print(path)


if __name__ == "__main__":
    main()
