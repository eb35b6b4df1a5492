"""`untrained measure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from untrained.cli.options import (
    OPERATOR_HELP,
    Acceleration,
    Centre,
    Coils,
    ColumnRule,
    Count,
    Factor,
    Grey,
    Lines,
    MapsOption,
    MaskOption,
    MatrixOption,
    Seed,
    SizeOption,
)


def measure_command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="PNG, JPEG, TIFF, npy and others; or example:camera.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The measurement file, .npz; .npy holds y alone, for your own A."
        ),
    ],
    operator: Annotated[str | None, typer.Option(help=f"gaussian (default) and others: {OPERATOR_HELP}")] = None,
    matrix: MatrixOption = None,
    m: Count = None,
    lines: Lines = None,
    factor: Factor = None,
    coils: Coils = None,
    acceleration: Acceleration = None,
    centre: Centre = None,
    columns: ColumnRule = None,
    mask: MaskOption = None,
    maps: MapsOption = None,
    noise: Annotated[float, typer.Option(help="sigma of the noise added: its variance is sigma^2/m.")] = 0.0,
    seed: Seed = 0,
    size: SizeOption = None,
    grey: Grey = False,
) -> None:
    """Measure an image with a random operator; the file holds what a solver may see, never the image."""
    from untrained.sims.images.images import load_image
    from untrained.sims.recovery import reports, tasks

    sensing = tasks.sensing(
        operator,
        m,
        lines=lines,
        factor=factor,
        coils=coils,
        acceleration=acceleration,
        centre=centre,
        columns=columns,
        mask=mask,
        maps=maps,
        matrix=matrix,
        noise=noise,
        seed=seed,
    )
    place = reports.check_output("out", out, (".npz", ".npy"))
    reports.check_not_read([place], (image, *sensing.files))
    if not sensing.rebuildable and place.suffix == ".npz":
        raise ValueError(
            f"out must end in .npy for your own operator or maps, which no measurement file can rebuild, got {out}"
        )
    facts = reports.measure_into(place, load_image(image, grey=grey, size=tasks.parse_size(size)), sensing)
    for name, value in facts.items():
        print(f"{name:<12} {value}")
    print(f"{'file':<12} {out}")
