"""`untrained report`."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from untrained.cli.options import one_thread_each


def report_command(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the pages.")] = Path(
        "build/report"
    ),
    show: Annotated[bool, typer.Option("--open", help="Open the first page in a browser.")] = False,
    reconstruction: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Also a page of what `reconstruct --json FILE` wrote; repeatable."),
    ] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Also a page of what `check --json FILE` wrote; repeatable."),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Draw the figures, which takes longest.")
    ] = True,
) -> None:
    """Write the ledger as pages to read in a browser: verdicts, reasons, evidence, derivations, experiments."""
    one_thread_each()
    from untrained.figures.site.build import check_place, write_site
    from untrained.figures.site.content import read_content
    from untrained.figures.site.run_pages import read_examination, read_reconstruction

    if out == Path("build/report"):
        out.parent.mkdir(exist_ok=True)
    check_place(out)
    reconstructions = [read_reconstruction(path) for path in reconstruction or ()]
    checks = [read_examination(path) for path in check or ()]
    chosen: tuple[str, ...] | None = None if pictures else ()
    written = write_site(
        out,
        read_content(),
        reconstructions=reconstructions,
        checks=checks,
        workers=min(2, os.cpu_count() or 1),
        figures=chosen,
        recipes=chosen,
    )
    for name, fault in written.faults.items():
        print(f"not drawn: {name}, {fault}")
    print(f"{written.index}: {written.pages} pages, {written.size / 1e6:.1f} MB")
    if show:
        webbrowser.open(written.index.resolve().as_uri())
