"""`untrained figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def figures_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which figures (default: all).")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "--folder", metavar="DIR", help="Folder for the pictures and their captions.")
    ] = Path("build/figures"),
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="KIND", help="png, pdf or svg; may be repeated (default: all)."),
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Captions beside the pictures only, not in them.")] = False,
) -> None:
    """Draw the figures from the committed record, each with its caption in a text file beside it."""
    from untrained.figures.draw import FORMATS, draw

    try:
        paths = draw(names or None, out, formats=formats or FORMATS, captions=not bare)
    except OSError as error:
        raise ValueError(f"folder must be one that can be written to, got {out} ({error.strerror})") from error
    for path in paths:
        print(path)
