"""`untrained upscale`."""

from __future__ import annotations

from typing import Annotated

import typer

from untrained.cli.options import (
    FACTOR_HELP,
    METHOD_NAMES,
    Compare,
    Device,
    Folder,
    Grey,
    Json,
    NetworkOption,
    Out,
    PixelSigma,
    Preset,
    Seed,
    Settings,
    SizeOption,
    Threads,
    Truth,
    named_methods,
    with_network,
)
from untrained.cli.reconstruct import run_task


def upscale_command(
    source: Annotated[str, typer.Argument(metavar="IMAGE", help="The small image: PNG, JPEG, TIFF or npy.")],
    out: Out = None,
    factor: Annotated[int, typer.Option(help=FACTOR_HELP)] = 2,
    sigma: PixelSigma = None,
    method: Annotated[str | None, typer.Option(help=f"tv where none is named; {METHOD_NAMES}.")] = None,
    compare: Compare = None,
    preset: Preset = None,
    network: NetworkOption = None,
    settings: Settings = None,
    truth: Truth = None,
    seed: Seed = 0,
    size: SizeOption = None,
    grey: Grey = False,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = None,
    folder: Folder = None,
) -> None:
    """Recover a larger image whose means of blocks are the pixels of a small one, noise-free but for --sigma."""
    from untrained.sims import runtime
    from untrained.sims.recovery import pixel_tasks, tasks

    names, side = named_methods(method, compare, "tv"), tasks.parse_size(size)
    means = pixel_tasks.BlockMeans(factor, sigma)
    runtime.use_threads(threads)
    where, chosen = runtime.pick_device(device), with_network(settings, network)
    begin = tasks.usual_preset(names, preset)
    task = tasks.RecoveryTask(source, names, begin, chosen, truth, means, grey, side, seed, where)
    run_task(task, out, json, folder, together=compare is not None)
