"""The report of a recipe: on the terminal what was found beside what the paper says, in a folder record and picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from untrained.figures.recipe_drawing import draw_recipe
from untrained.figures.recipe_tables import sentences, tables
from untrained.figures.side_by_side import encoded
from untrained.sims.files import write_bytes, write_text
from untrained.sims.record.store import record_text


def report(record: Mapping[str, Any], console: Console) -> None:
    """Print a record: title, tables, the paper's sentences judged, what it is silent on and what differs here."""
    console.print(f"\n{record['name']}: {record['title']} ({record['source']})", style="bold", highlight=False)
    for table in tables(record):
        console.print(table)
    for style, sentence in sentences(record):
        console.print(sentence, style=style, highlight=False, markup=False, soft_wrap=True)


def write(record: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a record and its picture, as PNG and PDF, into a folder, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{record['name']}.json"]
    write_text(paths[0], record_text("recipe", record))
    figure = draw_recipe(record)
    for suffix in (".png", ".pdf"):
        path = folder / f"{record['name']}{suffix}"
        write_bytes(path, encoded(figure, suffix))
        paths.append(path)
    return paths
