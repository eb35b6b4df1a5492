"""`untrained width`."""

from __future__ import annotations

from typing import Annotated

import typer

from untrained.cli import console
from untrained.cli.options import Json, Seed

_FORMAT = 1
"""Number of the layout of the JSON."""


def width_command(
    n: Annotated[str, typer.Option(metavar="N", help="Rows of V: numbers in the output.")],
    d: Annotated[str, typer.Option(metavar="D", help="Neurons of the hidden layer, as 10000000 or 1e7.")],
    probability: Annotated[
        str | None, typer.Option(metavar="P", help="With which it is to hold (default: 1 - 5 e^(-n/2), the paper's).")
    ] = None,
    step: Annotated[
        str | None, typer.Option(metavar="C", help="Of descent, as a share of the step of the paper's proof (0.1).")
    ] = None,
    flow: Annotated[bool, typer.Option("--flow", help="Gradient flow in place of descent.")] = False,
    simulate: Annotated[
        int, typer.Option(metavar="RUNS", help="Draw so many networks, n d at most 1e7, and follow their descents.")
    ] = 0,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Say whether the sharper theorem covers a two-layer network V ReLU(W z), and the smallest width that it covers."""
    from untrained.figures.width_report import width_parts
    from untrained.sims.diagnosis.width_answer import answer_width
    from untrained.sims.files import writable, write_text
    from untrained.sims.record.store import to_text

    place = None if json is None else writable("json", json)
    answer = answer_width(n, d, probability, step, flow=flow, simulate=simulate, seed=seed)
    console.show(width_parts(answer), console.stdout())
    if place is not None:
        write_text(place, to_text({"format": _FORMAT, **answer.to_json()}))
        print(place)
