"""`untrained figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def figures_command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One figure (default: all).")] = None,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the pictures.")] = Path("build/figures"),
) -> None:
    """Draw the figures from the committed record."""
    from untrained.figures.draw import draw

    try:
        paths = draw([name] if name is not None else None, folder)
    except OSError as error:
        raise ValueError(f"folder must be one that can be written to, got {folder} ({error.strerror})") from error
    for path in paths:
        print(path)
