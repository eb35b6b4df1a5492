"""`untrained learn-prior`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from untrained.cli import console
from untrained.cli.options import Device, NetworkOption, Preset, Seed, Settings, Threads, with_network


def learn_prior_command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Measurement files of other images (.npz).")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The prior, .npz.")],
    preset: Preset = None,
    network: NetworkOption = None,
    settings: Settings = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Learn from measurements alone how fitted weights are distributed; use it with `--set prior=FILE`."""
    from untrained.sims import runtime
    from untrained.sims.recovery import learned_prior, reports, tasks, training

    chosen = with_network(settings, network)
    place = reports.check_output("out", out, (".npz",))
    reports.check_not_read([place], (*files, *tasks.values_of(chosen)))
    runtime.use_threads(threads)
    where = runtime.pick_device(device)
    prior = training.learn(files, chosen, preset, seed=seed, device=where, open_progress=console.progress_of)
    learned_prior.save_prior(place, prior)
    print(f"{len(prior.layers)} layers, from {len(files)} measurements, in {out}")
