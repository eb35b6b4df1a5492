"""`untrained inpaint`."""

from __future__ import annotations

from typing import Annotated

import typer

from untrained.cli.options import (
    MASK_HELP,
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


def inpaint_command(
    source: Annotated[str, typer.Argument(metavar="IMAGE", help="The image with holes: PNG, JPEG, TIFF or npy.")],
    out: Out = None,
    mask: Annotated[
        str | None,
        typer.Option(metavar="MASK", help=f"What is known: {MASK_HELP}; without it, the opaque pixels."),
    ] = None,
    sigma: PixelSigma = None,
    method: Annotated[str | None, typer.Option(help=f"csdip where none is named; {METHOD_NAMES}.")] = None,
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
    """Fill in the unknown pixels of an image; the others are denoised, or copied with --sigma 0."""
    from untrained.sims import runtime
    from untrained.sims.recovery import pixel_tasks, tasks

    names, side = named_methods(method, compare, "csdip"), tasks.parse_size(size)
    holes = pixel_tasks.inpainting_of(source, mask, sigma, side)
    runtime.use_threads(threads)
    where, chosen = runtime.pick_device(device), with_network(settings, network)
    begin = tasks.usual_preset(names, preset)
    task = tasks.RecoveryTask(source, names, begin, chosen, truth, holes, grey, side, seed, where)
    run_task(task, out, json, folder, together=compare is not None)
