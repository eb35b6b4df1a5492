"""`untrained denoise`."""

from __future__ import annotations

from typing import Annotated

import typer

from untrained.cli.options import (
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


def denoise_command(
    source: Annotated[str, typer.Argument(metavar="IMAGE", help="The noisy image: PNG, JPEG, TIFF or npy.")],
    out: Out = None,
    sigma: PixelSigma = None,
    add_noise: Annotated[
        float | None,
        typer.Option(metavar="SIGMA", help="For a trial with scores: the image is clean, add noise of this deviation."),
    ] = None,
    clip: Annotated[bool, typer.Option("--clip", help="With --add-noise: clip the pixels, as files do.")] = False,
    method: Annotated[str | None, typer.Option(help=f"conv-decoder where none is named; {METHOD_NAMES}.")] = None,
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
    """Denoise an image; the deviation of its noise is estimated where --sigma does not say it."""
    from untrained.sims import runtime
    from untrained.sims.recovery import tasks

    names = named_methods(method, compare, "conv-decoder")
    noisy = tasks.noise_of(source, sigma, add_noise, clip=clip, seed=seed)
    runtime.use_threads(threads)
    where, side = runtime.pick_device(device), tasks.parse_size(size)
    chosen, begin = with_network(settings, network), tasks.usual_preset(names, preset)
    task = tasks.RecoveryTask(source, names, begin, chosen, truth, noisy, grey, side, seed, where)
    run_task(task, out, json, folder, together=compare is not None)
