"""`untrained certify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from untrained.cli import console
from untrained.cli.options import Seed


def certify_command(
    instance: Annotated[
        Path | None, typer.Argument(metavar="[FILE.npz]", help="Arrays V (n, d), W (d, k), z (k) and y (n).")
    ] = None,
    n: Annotated[int | None, typer.Option(help="Rows of V, where there is no file: it is drawn.")] = None,
    d: Annotated[int | None, typer.Option(help="Neurons, where there is no file.")] = None,
    k: Annotated[int, typer.Option(help="Length of z, where there is no file.")] = 16,
    seed: Seed = 0,
    step: Annotated[float, typer.Option(help="Learning rate times (||V_A|| ||z||)^2, between 0 and 2.")] = 0.1,
    flow: Annotated[bool, typer.Option("--flow", help="The gradient flow in place of a descent.")] = False,
    steps: Annotated[int, typer.Option(help="Steps that are followed at most; with 0 the start must do.")] = 10_000,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the certificate to this file (.json).")
    ] = None,
) -> None:
    """Prove that descent of the two-layer generator converges for one instance; exit code 1 where there is no proof."""
    from untrained.api import certify
    from untrained.sims.files import writable, write_text

    if out and out.suffix.lower() != ".json":
        raise ValueError(f"out must end in .json, got {out}")
    place = writable("out", out) if out else None
    proof = certify(instance, n=n, d=d, k=k, seed=seed, step=None if flow else step, steps=steps)
    console.show(proof.parts(), console.stdout())
    if place:
        write_text(place, json.dumps(proof.certificate.to_json(), indent=1, allow_nan=False) + "\n")
        print(place)
    if not proof:
        raise typer.Exit(1)
