"""`untrained choose-weight`."""

from __future__ import annotations

from math import isfinite
from typing import Annotated

import typer

from untrained.cli import console
from untrained.cli.options import Device, Json, NetworkOption, Preset, Seed, Settings, Threads, with_network


def choose_weight_command(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="What `learn-prior` wrote (.npz).")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Measurement files to try it on (.npz).")],
    weights: Annotated[str, typer.Option(metavar="A,B,...", help="The weights to try.")] = "0,1,10,100,1000",
    preset: Preset = None,
    network: NetworkOption = None,
    settings: Settings = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = None,
) -> None:
    """Choose the weight of a learned prior by the misfit on measurements that the fits did not see."""
    from untrained.sims import runtime
    from untrained.sims.recovery import reports, tasks, training

    place = reports.check_output("json", json, (".json",)) if json else None
    chosen = with_network(settings, network)
    reports.check_not_read([place], (prior, *files, *tasks.values_of(chosen)))
    runtime.use_threads(threads)
    where, candidates = runtime.pick_device(device), training.parse_weights(weights)
    best, misfits = training.choose_weight(
        prior, files, candidates, chosen, preset, seed=seed, device=where, open_progress=console.progress_of
    )
    for weight, misfit in misfits.items():
        print(f"{weight:<10g} {_word(misfit)}{'  least' if weight == best else ''}")
    if place:
        facts = {"prior": prior, "files": files, "seed": seed, "misfits": {str(w): v for w, v in misfits.items()}}
        reports.write_json(place, reports.json_ready({**facts, "weight": best}))
    print(f"use it with --set prior={prior} --set prior_weight={best:g}")


def _word(misfit: float) -> str:
    return f"{misfit:.6g}" if isfinite(misfit) else "diverged"
