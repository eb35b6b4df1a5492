"""`untrained figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_FOLDER = Path("build/figures")


def figures_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which figures (default: all).")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=f"Folder for the pictures and their captions (default: {_FOLDER})."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="KIND", help="png, pdf or svg; may be repeated (default: all)."),
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Captions beside the pictures only, not in them.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", hidden=True, help="The same as --folder.")] = None,
) -> None:
    """Draw the figures from the committed record, each with its caption in a text file beside it."""
    from untrained.figures.draw import PICTURE_FORMATS, draw

    if folder is not None and out is not None:
        raise ValueError(f"--folder must be given once, got --out {out} as well")
    place = folder or out or _FOLDER
    try:
        paths = draw(names or None, place, formats=formats or PICTURE_FORMATS, captions=not bare)
    except OSError as error:
        raise ValueError(f"folder must be one that can be written to, got {place} ({error.strerror})") from error
    for path in paths:
        print(path)
