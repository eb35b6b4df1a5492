"""`untrained reconstruct`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from untrained.cli import console
from untrained.cli.options import (
    METHOD_NAMES,
    OPERATOR_HELP,
    Acceleration,
    Centre,
    Coils,
    ColumnRule,
    Count,
    Device,
    Factor,
    Grey,
    InterruptedRunError,
    Json,
    Lines,
    Listing,
    MapsOption,
    MaskOption,
    MatrixOption,
    NetworkOption,
    Out,
    OwnShape,
    PixelScale,
    Preset,
    ReportPage,
    Seed,
    Settings,
    SizeOption,
    Threads,
    named_methods,
    with_network,
)

if TYPE_CHECKING:
    from untrained.sims.recovery.recover import Recoveries
    from untrained.sims.recovery.reports import Outputs
    from untrained.sims.recovery.tasks import RecoveryProblem, RecoveryTask


def reconstruct_command(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="A measurement file (.npz), an image to measure, or y.")
    ] = None,
    out: Out = None,
    method: Annotated[str | None, typer.Option(help=f"{METHOD_NAMES}.")] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Several methods, each given the same y.")
    ] = None,
    preset: Preset = None,
    network: NetworkOption = None,
    settings: Settings = None,
    listing: Listing = False,
    truth: Annotated[str | None, typer.Option(metavar="IMAGE", help="The true image, for scores only.")] = None,
    operator: Annotated[str | None, typer.Option(help=f"What an image, or y, is measured by: {OPERATOR_HELP}")] = None,
    matrix: MatrixOption = None,
    shape: OwnShape = None,
    pixels: PixelScale = None,
    m: Count = None,
    lines: Lines = None,
    factor: Factor = None,
    coils: Coils = None,
    acceleration: Acceleration = None,
    centre: Centre = None,
    columns: ColumnRule = None,
    mask: MaskOption = None,
    maps: MapsOption = None,
    noise: Annotated[
        float | None, typer.Option(help="sigma of the noise added when measuring: its variance is sigma^2/m.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="sense (default): measure an image; denoise: every pixel is seen, with noise.")
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(help="To denoise: standard deviation of the noise of a pixel, on the scale 0 to 255."),
    ] = None,
    noisy: Annotated[bool, typer.Option("--noisy", help="The image is noisy already; sigma may be unknown.")] = False,
    clip: Annotated[bool, typer.Option("--clip", help="Clip the noisy pixels to their scale, as files do.")] = False,
    estimate_noise: Annotated[
        bool, typer.Option("--estimate-noise", help="The noise of the measurements is unknown: estimate it.")
    ] = False,
    seed: Seed = 0,
    size: SizeOption = None,
    grey: Grey = False,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for every method's image, as npy and PNG.")
    ] = None,
    report: ReportPage = None,
) -> None:
    """Recover an image from its measurements, or denoise it, by one method or by several beside each other."""
    if listing:
        _list_settings(source or compare or method)
        return
    if source is None:
        raise ValueError("SOURCE must be given, or --list-settings")
    from untrained.sims import runtime
    from untrained.sims.recovery import methods, tasks

    denoises = tasks.checked_task(task, sigma=sigma, noisy=noisy, clip=clip)
    keys = [word.partition("=")[0] for word in settings or ()]
    usual = "conv-decoder" if denoises else methods.default_method(preset, network, keys)
    names = named_methods(method, compare, usual)
    options: dict[str, Any] = {
        "lines": lines, "factor": factor,
        "coils": coils, "acceleration": acceleration, "centre": centre, "columns": columns,
        "mask": mask, "maps": maps, "matrix": matrix, "shape": shape, "pixels": pixels,
    }  # fmt: skip
    how = (
        tasks.denoising_of(
            source, sigma, noisy=noisy, clip=clip, seed=seed, operator=operator, m=m, noise=noise, **options
        )
        if denoises
        else tasks.sensing_of(source, operator, m, noise=noise, seed=seed, **options)
    )
    runtime.use_threads(threads)
    chosen = with_network(settings, network)
    where, side = runtime.pick_device(device), tasks.parse_size(size)
    recovery = tasks.RecoveryTask(source, names, preset, chosen, truth, how, grey, side, seed, where, estimate_noise)
    run_task(recovery, out, json, folder, report, together=compare is not None)


def _list_settings(names: str | None) -> None:
    from untrained.figures.tables import Table
    from untrained.sims.recovery.methods import METHODS, method, settings_table

    chosen = [method(name.strip()) for name in names.split(",")] if names else METHODS.values()
    for one in chosen:
        says = f"{one.name}: {one.says}" + ("; presets as for small images" if one.presets() else "")
        console.show([says, Table(*settings_table(one.name)), ""], console.stdout())


def run_task(
    task: RecoveryTask,
    out: Path | None,
    json: Path | None,
    folder: Path | None,
    report: Path | None = None,
    *,
    together: bool,
) -> None:
    """Recover what a task asks for, write the files and print the table; with `together` a picture of all methods."""
    from untrained.figures.drawing import PICTURE_SUFFIXES
    from untrained.sims.recovery import recover, reports, tasks

    kinds = PICTURE_SUFFIXES if together else None
    places = reports.checked_outputs(out, json, folder, report, kinds=kinds, read=task.files, names=task.names)
    problem = tasks.prepare_task(task)
    if sys.stderr.isatty():
        for name, needs in recover.estimates(problem).items():
            print(f"{name}: {needs}", file=sys.stderr)
    ended = recover.recover_all(problem, console.progress_of)
    with console.interrupt_held():
        _write(problem, ended, places, together=together)


def _write(problem: RecoveryProblem, ended: Recoveries, places: Outputs, *, together: bool) -> None:
    """Write what came out, and print it."""
    from untrained.figures.drawing import picture_bytes
    from untrained.figures.side_by_side import measured_words, method_table, side_by_side
    from untrained.sims.files import write_text
    from untrained.sims.recovery import recover, reports

    picture = None
    if together and places.picture is not None:
        words = measured_words(problem.measurement.operator)
        picture = picture_bytes(side_by_side(ended.results, problem.truth, words), places.picture.suffix.lower())
    data = recover.run_report(problem, ended)
    files = reports.write_all(places, data, ended.images, picture)
    if places.page is not None:
        write_text(places.page, _page(problem, ended, data))
        files.append(places.page)
    console.show([method_table(ended.entries), *problem.notes], console.stdout())
    option = " (--pixels LOW:HIGH)" if problem.task.source_is_y else ""
    for entry in ended.entries:
        if "warning" in entry:
            print(f"{entry['method']}: {entry['warning']}{option}", file=sys.stderr)
    _say_end(ended, files)


def _page(problem: RecoveryProblem, ended: Recoveries, report: Mapping[str, Any]) -> str:
    """One page of a run: images beside the truth, where it is known, with maps of their errors."""
    from untrained.figures.drawing import picture_bytes
    from untrained.figures.side_by_side import measured_words, side_by_side
    from untrained.figures.site.page import Making, reconstruction_page
    from untrained.sims.images.images import image_bytes

    images, errors = ended.images, b""
    if problem.truth is not None:
        images = {"truth": problem.truth, **images}
        figure = side_by_side(ended.results, problem.truth, measured_words(problem.measurement.operator))
        errors = picture_bytes(figure, ".svg")
    # of a fit that diverged not every pixel need be a number; it is shown as black
    pictures = {name: image_bytes(image.nan_to_num(nan=-1.0), ".png") for name, image in images.items()}
    return reconstruction_page(report, pictures, errors, Making(console.command_line(), report["versions"], {}))


def _say_end(ended: Recoveries, files: Sequence[Path]) -> None:
    names, methods = ", ".join(path.name for path in files), ", ".join(ended.images)
    if ended.interrupted:
        raise InterruptedRunError(f"{ended.ended}; the best so far by {methods} is written to {names}")
    if ended.ended:
        raise ValueError(f"{ended.ended}; what came before, by {methods}, is written to {names}")
