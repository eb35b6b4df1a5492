"""The record of a recipe: one JSON file with its rows, means, verdicts and small pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from untrained.sims.experiments.recipes.recipe import Recipe
from untrained.sims.record.store import FOLDER as RECORD
from untrained.sims.record.store import write_whole

LIMIT = 200_000
"""The most bytes of a record."""
_FIELDS = {"name", "kind", "title", "source", "code", "groups", "points", "statements"}


def folder_of(record: Path = RECORD) -> Path:
    """Where recipes' records lie in the folder of the record."""
    return record / "recipes"


def to_text(record: Mapping[str, Any]) -> str:
    """JSON text with one line an element of each list, so that a change is seen where it is."""
    fields = [f" {json.dumps(name)}: {_value(value)}" for name, value in record.items()]
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _value(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _line(value)
    return "[\n" + ",\n".join(f"  {_line(part)}" for part in value) + "\n ]"


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def save(record: Mapping[str, Any], folder: Path) -> Path:
    """Write a record into a folder, which is made if need be, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['name']}.json"
    write_whole(path, to_text(record))
    return path


def load(name: str, record: Path = RECORD) -> dict[str, Any] | None:
    """Return the record of a recipe, None where there is none.

    Raises
    ------
    ValueError
        where the file is not a record.
    """
    path = folder_of(record) / f"{name}.json"
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"record of a recipe must be JSON, got {path.name} with {error}") from error
    if not isinstance(data, dict) or (missing := sorted(_FIELDS - data.keys())):
        got = f"without {missing[0]}" if isinstance(data, dict) else f"with {type(data).__name__}"
        raise ValueError(f"record of a recipe must hold its fields, got {path.name} {got}")
    return data


def blank(recipe: Recipe) -> dict[str, Any]:
    """Return the record of a recipe of which nothing was run: it holds the paper's numbers only."""
    head = {"name": recipe.name, "kind": recipe.kind, "title": recipe.title, "source": recipe.source}
    numbers = [asdict(number) for number in recipe.numbers]
    return {**head, "numbers": numbers, "points": [], "gains": [], "counts": [], "pictures": []}


def load_all(names: Sequence[str], record: Path = RECORD) -> dict[str, dict[str, Any]]:
    """Return the records that there are, by name."""
    found = {name: load(name, record) for name in names}
    return {name: data for name, data in found.items() if data is not None}
