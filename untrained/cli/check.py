"""`untrained check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untrained.cli import console
from untrained.cli.options import (
    NETWORK_NAMES,
    OPERATOR_NAMES,
    Acceleration,
    Centre,
    Coils,
    ColumnRule,
    Count,
    Factor,
    InterruptedRunError,
    Json,
    Lines,
    ReportPage,
    Seed,
    Threads,
)

if TYPE_CHECKING:
    from untrained.sims.diagnosis.examination import Question
    from untrained.sims.diagnosis.report import Report
    from untrained.sims.networks.network import Network

_FORMAT = 1
"""Number of the layout of the JSON."""
_LONG = 60
"""Seconds above which what an examination takes is said even where nobody watches."""


def check_command(
    networks: Annotated[list[str], typer.Argument(metavar="NETWORK...", help=NETWORK_NAMES)],
    target: Annotated[str, typer.Option(metavar="IMAGE", help="An image file, or example:NAME.")] = "example:camera",
    operator: Annotated[str, typer.Option(help=f"How the image is measured: {OPERATOR_NAMES}.")] = "gaussian",
    m: Count = None,
    lines: Lines = None,
    factor: Factor = None,
    coils: Coils = None,
    acceleration: Acceleration = None,
    centre: Centre = None,
    columns: ColumnRule = None,
    seeds: Annotated[int, typer.Option(help="Starts that are looked at.")] = 3,
    steps: Annotated[int, typer.Option(help="Steps of each real descent.")] = 300,
    denoise: Annotated[float, typer.Option(help="Noise to be denoised, as a share of the range of pixels.")] = 0.1,
    latent_shape: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Of the input, where the factory returns a module alone.")
    ] = None,
    param_filter: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Only weights whose names match train.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(metavar="PLACE|KEY", help="Which of several outputs counts (default: the first).")
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="A page of pictures (.png, .pdf or .svg).")
    ] = None,
    json: Json = None,
    report: ReportPage = None,
) -> None:
    """Say which conditions of the theory a network meets, what follows from them, and what really happens."""
    from untrained.figures.drawing import PICTURE_SUFFIXES
    from untrained.sims import runtime
    from untrained.sims.diagnosis.examination import Question
    from untrained.sims.networks.loading import as_network
    from untrained.sims.recovery import reports, tasks

    page = reports.check_output("out", out, PICTURE_SUFFIXES) if out else None
    numbers = reports.check_output("json", json, (".json",)) if json else None
    lone = reports.check_output("report", report, reports.PAGE_SUFFIXES) if report else None
    reports.check_not_read((page, numbers, lone), (*networks, target))
    runtime.use_threads(threads)
    options = tasks.sensing(
        operator, m, lines=lines, factor=factor, coils=coils, acceleration=acceleration, centre=centre, columns=columns
    ).options
    question = Question(target, operator, m, options, seeds, steps, denoise, seed)
    place = int(part) if part is not None and part.isdecimal() else part
    chosen = [as_network(name, latent_shape=latent_shape, param_filter=param_filter, part=place) for name in networks]
    _check(chosen, question, page, numbers, lone)


def _check(
    networks: Sequence[Network], question: Question, page: Path | None, numbers: Path | None, lone: Path | None
) -> None:
    from untrained.figures.network_report import comparison, write_pages

    reports, refusals, interrupted = _reports(networks, question)
    if len(reports) > 1:
        console.show([comparison(reports)], console.stdout())
    if page and reports:
        console.show(map(str, write_pages(reports, page)), console.stdout())
    if numbers and reports:
        _write_json(numbers, reports)
    ended = f"interrupted after {len(reports)} of {len(networks)} networks" if interrupted else ""
    if lone and reports:
        _write_lone(lone, reports, refusals, ended, question)
    if ended:
        raise InterruptedRunError(ended)
    if refusals:
        raise ValueError("; ".join(refusals))


def _reports(networks: Sequence[Network], question: Question) -> tuple[list[Report], list[str], bool]:
    """Examine networks one by one, print what comes out, and go on where one is refused."""
    from untrained.figures.network_report import report_parts
    from untrained.sims.diagnosis.examination import check, expected_cost

    reports: list[Report] = []
    refusals: list[str] = []
    for network in networks:
        try:
            needs = expected_cost(network, question)
            if sys.stderr.isatty() or needs.seconds > _LONG:
                print(f"{network.name}: about {needs.seconds:.2g} s and {needs.memory / 1e9:.2g} GB", file=sys.stderr)
            reports.append(check(network, question=question, watching=console.progress_of))
        except KeyboardInterrupt:
            return reports, refusals, True
        except (ValueError, RuntimeError) as error:  # the latter from torch, within a network that is not ours
            refusals.append(str(error) if isinstance(error, ValueError) else f"{network.name} failed, with {error}")
            continue
        console.show(report_parts(reports[-1]), console.stdout())
    return reports, refusals, False


def _write_json(place: Path, reports: Sequence[Report]) -> None:
    from untrained.sims.recovery.reports import write_json
    from untrained.sims.runtime import versions

    write_json(place, {"format": _FORMAT, "versions": versions(), "networks": [one.to_json() for one in reports]})
    console.show([str(place)], console.stdout())


def _write_lone(
    place: Path, reports: Sequence[Report], refusals: Sequence[str], ended: str, question: Question
) -> None:
    """Write the page of the run, which has the curves of each network as a picture."""
    from untrained.figures.drawing import picture_bytes
    from untrained.figures.network_report import network_curves
    from untrained.figures.site.page import Making, examination_page
    from untrained.sims.files import write_text
    from untrained.sims.runtime import versions

    pictures = [picture_bytes(network_curves(one), ".svg") for one in reports]
    settings = {name: value for name, value in asdict(question).items() if name != "options"}
    making = Making(console.command_line(), versions(), {**settings, **question.options})
    write_text(place, examination_page([one.to_json() for one in reports], pictures, refusals, ended, making))
    print(place)
