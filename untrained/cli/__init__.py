"""The command line: judge the theory of untrained networks, and recover images from few measurements with them."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from untrained.sims.diagnosis.examine import Question
    from untrained.sims.evidence.gather import Gathered
    from untrained.sims.experiments.command import Order
    from untrained.sims.experiments.recipes.keep import Kept
    from untrained.sims.experiments.recipes.reproduce import Plan
    from untrained.sims.networks.network import Network
    from untrained.sims.record.journal import Journal
    from untrained.sims.recovery.requests import Request
    from untrained.sims.recovery.result import Watch
    from untrained.sims.recovery.runs import Found

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The theory of untrained neural-network priors, judged claim by claim, and image recovery with them.",
)


_UsageError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for a malformed command line; its newer versions bring a click of their own."""


class RefusedError(Exception):
    """Bad input, told in one sentence."""


class InterruptedRunError(Exception):
    """A run that was interrupted, told in one sentence."""


def _refuse(sentence: object) -> NoReturn:
    raise RefusedError(str(sentence))


def _ids(names: Sequence[str]) -> list[str]:
    from untrained.theory.ledger import select

    try:
        return select(names)
    except ValueError as error:
        _refuse(error)


def _record() -> dict[str, dict[str, Any]]:
    from untrained.sims.record.store import read_all

    try:
        return read_all("claim")
    except ValueError as error:
        _refuse(error)


def _one_thread_each() -> None:
    """Linear algebra on one thread: sums do not depend on how many cores there are."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _check_writable(path: Path) -> None:
    plain = path.is_file() and os.access(path, os.W_OK) if path.exists() else path.parent.is_dir()
    if not plain or not os.access(path.parent, os.W_OK):  # a device or a pipe must not be renamed over
        _refuse(f"--json must name a file in a folder that can be written to, got {path}")


@app.command()
def verify(
    claims: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLAIM", help="Ids, or the front of ids."),
    ] = None,
    budget: Annotated[str, typer.Option(help="quick, standard or deep.")] = "quick",
    seed: Annotated[int, typer.Option(help="Root seed; the same seed gives the same numbers.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Processes (default: one per core, at most 8).")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write everything found to this file.")] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write into the committed record (a standard run)."),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from an interrupted run.")] = False,
) -> None:
    """Judge claims with fresh evidence; exit 1 only when a verdict contradicts the committed record."""
    _one_thread_each()
    from untrained.sims.evidence.gather import BUDGETS

    if budget not in BUDGETS:
        _refuse(f"--budget must be one of {', '.join(BUDGETS)}, got {budget!r}")
    if seed < 0:
        _refuse(f"--seed must be a non-negative integer, got {seed}")
    if workers is not None and workers < 1:
        _refuse(f"--workers must be at least 1, got {workers}")
    ids = _ids(claims or [])
    if json is not None:
        json = json.resolve()
        _check_writable(json)
    workers = workers or min(8, os.cpu_count() or 1)
    raise typer.Exit(_verify(ids, budget, seed, workers, json, record=record, resume=resume))


def _verify(
    ids: list[str], budget: str, seed: int, workers: int, json: Path | None, *, record: bool, resume: bool
) -> int:
    from untrained.sims.evidence.gather import judge_all
    from untrained.sims.files import write_text
    from untrained.sims.record.entries import entry
    from untrained.sims.record.journal import Journal
    from untrained.sims.record.store import to_text, write_record
    from untrained.theory.verdict import contradicts

    recorded = _record()
    header = {"budget": budget, "seed": seed}
    journal = Journal(budget, seed, ids)
    gathered = _gather(ids, budget, seed, workers, journal, resume=resume)
    judged = judge_all(gathered)
    entries = {i: {**entry(j, header), "seconds": round(j.gathered.seconds, 3)} for i, j in judged.items()}
    against = [
        f"{i}: {e['verdict']} against the recorded {recorded[i]['verdict']}"
        for i, e in entries.items()
        if i in recorded and contradicts(e["verdict"], recorded[i]["verdict"])
    ]
    if json is not None:
        whole = {**header, "format": 1, "claims": list(entries.values()), "contradictions": against}
        write_text(json, to_text(whole))
    if record:
        for claim_id, data in entries.items():
            write_record("claim", claim_id, {k: v for k, v in data.items() if k != "seconds"})
    journal.close()  # only now: what a long run found must outlive a disk that is full
    _report(entries, against, len(entries.keys() - recorded.keys()))
    return 1 if against and not record else 0


def _gather(
    ids: list[str], budget: str, seed: int, workers: int, journal: Journal, *, resume: bool
) -> dict[str, Gathered]:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from untrained.sims.evidence.gather import gather_all
    from untrained.theory.ledger import in_order_of_need

    try:
        done = journal.read() if resume else {}
    except ValueError as error:
        _refuse(f"{error}; without --resume it is written anew")
    try:
        journal.start(done)
    except OSError as error:
        at = f"{journal.path.parent} ({error.strerror}); XDG_CACHE_HOME names another"
        _refuse(f"the cache folder must be one that can be written to, got {at}")
    wanted = in_order_of_need(ids)
    gathered: dict[str, Gathered] = {}
    columns = (TextColumn("judging {task.fields[last]}"), MofNCompleteColumn(), TimeElapsedColumn())
    screen = Console(stderr=True)
    try:
        with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
            task = progress.add_task("", total=len(wanted), last="")
            for found in gather_all(ids, budget, seed, workers, done):
                gathered[found.id] = found
                if found.id not in done:
                    journal.add(found)
                progress.update(task, advance=1, last=found.id)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {len(gathered)} of {len(wanted)} claims, which are kept; "
            "the same command with --resume goes on from there."
        ) from None
    return gathered


def _console() -> Any:
    from rich.console import Console

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that leaves is no contradiction: end as others do
    wide = Console()
    return wide if wide.is_terminal else Console(width=190)


def _report(entries: Mapping[str, Mapping[str, Any]], against: Sequence[str], unrecorded: int) -> None:
    from untrained.figures.verdict_table import tally, terminal_table
    from untrained.sims.evidence.gather import FAMILY_LEVEL

    console = _console()
    console.print(terminal_table(entries, console.width))
    some = next(iter(entries.values()))
    console.print(
        f"\n{len(entries)} claims: {tally(entries)}. Budget {some['budget']}, seed {some['seed']}; all Monte-Carlo "
        f"intervals hold together with probability {1 - FAMILY_LEVEL:g}.",
        highlight=False,
    )
    for line in against:
        console.print(f"CONTRADICTS THE RECORD  {line}", style="bold red", highlight=False)
    if unrecorded:
        console.print(f"{unrecorded} of them are not in the committed record.", highlight=False)
    if not against and unrecorded < len(entries):
        console.print("No verdict contradicts the committed record.", highlight=False)


@app.command()
def claims(
    claim: Annotated[str | None, typer.Argument(metavar="ID", help="A claim, or the front of ids up to a dot.")] = None,
) -> None:
    """List the claims, or say one in words and formula with its source, its tests and its latest verdict."""
    from untrained.figures.verdict_table import claim_page

    ids, record, console = _ids([claim] if claim else []), _record(), _console()
    shown = claim if claim in ids else ids[0] if len(ids) == 1 else None
    if shown:
        for name, text in claim_page(shown, record.get(shown)):
            console.print(f"{name:>14}  {text}", highlight=False, markup=False, soft_wrap=True)
        return
    from untrained.theory.ledger import ledger

    for claim_id in ids:
        verdict = record.get(claim_id, {}).get("verdict", "UNTESTED")
        console.print(
            f"{claim_id:<42} {verdict:<13} {ledger()[claim_id].says}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


@app.command()
def figures(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One figure (default: all).")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("build/figures"),
) -> None:
    """Draw the figures from the committed record."""
    from untrained.figures.draw import draw

    try:
        paths = draw([name] if name is not None else None, out)
    except ValueError as error:
        _refuse(error)
    except OSError as error:
        _refuse(f"--out must be a folder that can be written to, got {out} ({error.strerror})")
    for path in paths:
        print(path)


Seed = Annotated[int, typer.Option(help="The same seed gives the same numbers.")]
Grey = Annotated[bool, typer.Option("--grey", help="Take the image in grey.")]
Size = Annotated[str | None, typer.Option(metavar="N|HxW", help="Crop the image to this shape and resample it.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: CUDA where there is one.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads (default: torch's); their number changes last digits.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; repeatable.")]
Method = Annotated[str | None, typer.Option(help="csdip (default), lasso-dct, lasso-wavelet, tv, damp or csgm.")]
Compare = Annotated[str | None, typer.Option(metavar="A,B,...", help="Several methods, each given the same y.")]
Preset = Annotated[str | None, typer.Option(help="Of csdip: paper, best or fast.")]
Truth = Annotated[str | None, typer.Option(metavar="IMAGE", help="The true image, for scores only.")]
OPERATORS = (
    "gaussian, gaussian-seeded, fourier-radial, dct, hadamard, scrambled-dct, scrambled-hadamard, inpainting, superres"
)
Count = Annotated[int | None, typer.Option("--m", help="How many measurements.")]
Lines = Annotated[int | None, typer.Option(help="Lines of fourier-radial, in place of --m.")]
Factor = Annotated[int | None, typer.Option(help="Factor of superres, in place of --m.")]
Json = Annotated[Path | None, typer.Option(help="Write settings, versions, fingerprints and scores here.")]


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        _refuse(error)


@app.command()
def measure(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="PNG, JPEG, TIFF or npy; or example:camera.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The measurement file, .npz.")],
    operator: Annotated[str, typer.Option(help=f"{OPERATORS}.")] = "gaussian",
    m: Count = None,
    lines: Lines = None,
    factor: Factor = None,
    noise: Annotated[float, typer.Option(help="sigma of the noise added: its variance is sigma^2/m.")] = 0.0,
    seed: Seed = 0,
    size: Size = None,
    grey: Grey = False,
) -> None:
    """Measure an image with a random operator; the file holds what a solver may see, never the image."""
    from untrained.sims.recovery import outputs, requests, runs

    with _refusing():
        place = outputs.check_output("--out", out, (".npz",))
        how = requests.sensing(operator, m, lines=lines, factor=factor, noise=noise, seed=seed)
        told = runs.measure_to(place, runs.load_image(image, grey=grey, size=requests.parse_size(size)), how)
    for name, value in told.items():
        print(f"{name:<12} {value}")
    print(f"{'file':<12} {out}")


@app.command()
def reconstruct(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A measurement file (.npz), or an image to measure.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The image; with --compare, the picture of all.")],
    method: Annotated[
        str | None, typer.Option(help="csdip (default), lasso-dct, lasso-wavelet, tv, damp, csgm.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Several methods, each given the same y.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Of csdip: paper, best or fast.")] = None,
    settings: Settings = None,
    truth: Truth = None,
    operator: Annotated[str | None, typer.Option(help=f"To measure an image: {OPERATORS}.")] = None,
    m: Count = None,
    lines: Lines = None,
    factor: Factor = None,
    noise: Annotated[float | None, typer.Option(help="sigma of the noise added when measuring.")] = None,
    seed: Seed = 0,
    size: Size = None,
    grey: Grey = False,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = None,
    save_all: Annotated[Path | None, typer.Option(help="Folder for every method's image, as npy and PNG.")] = None,
) -> None:
    """Recover an image from its measurements, by one method or by several beside each other."""
    from untrained.sims import runtime as surroundings
    from untrained.sims.recovery import requests

    if method is not None and compare is not None:
        _refuse("--method and --compare must not be given both")
    names = [name.strip() for name in (compare if compare is not None else method or "csdip").split(",")]
    with _refusing():
        how = requests.sensing_of(source, operator, m, lines=lines, factor=factor, noise=noise, seed=seed)
        surroundings.use_threads(threads)
        where, side = surroundings.pick_device(device), requests.parse_size(size)
        request = requests.Request(source, names, preset, settings or (), truth, how, grey, side, seed, where)
        _reconstruct(request, out, json, save_all, together=compare is not None)


def _reconstruct(request: Request, out: Path, json: Path | None, folder: Path | None, *, together: bool) -> None:
    from untrained.figures.side_by_side import PICTURES, encoded, side_by_side, table
    from untrained.sims.recovery import outputs, runs

    kinds = PICTURES if together else None
    places = outputs.checked_outputs(out, json, folder, kinds=kinds, read=(request.source, request.truth))
    problem = runs.prepare(request)
    if sys.stderr.isatty():
        for name, needs in runs.expected(problem).items():
            print(f"{name}: about {needs.seconds:.3g} s and {needs.memory / 1e9:.2g} GB", file=sys.stderr)
    found = runs.recover_all(problem, _watching)
    picture = encoded(side_by_side(found.results, problem.truth), out.suffix.lower()) if together else None
    written = outputs.write_all(places, runs.told(problem, found), found.images, picture)
    console = _console()
    console.print(table(found.entries))
    _say_end(found, written)


@app.command()
def train_generator(
    images: Annotated[str, typer.Argument(metavar="IMAGES", help="An idx file, mnist or digits.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The generator, .npz.")],
    epochs: Annotated[int, typer.Option(help="How often every image is seen.")] = 60,
    latent: Annotated[int, typer.Option(help="Dimension of the generator's input.")] = 20,
    skip: Annotated[int | None, typer.Option(help="Leave the first N out (default: 1000 of mnist, else 0).")] = None,
    size: Size = None,
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Train the generator of csgm on images; use it with `--method csgm --set generator=FILE`."""
    from untrained.sims import runtime as surroundings
    from untrained.sims.networks import vae
    from untrained.sims.recovery import outputs, requests, training

    with _refusing():
        place = outputs.checked_outputs(out, kinds=(".npz",), read=[images]).picture
        surroundings.use_threads(threads)
        found = training.training_images(images, skip, requests.parse_size(size))
        with surroundings.memory_told("training"), _watching("generator") as watch:
            made = vae.train_generator(found, latent=latent, epochs=epochs, seed=seed, watch=watch)
        vae.save_generator(place, made)
    print(f"a generator of {'x'.join(map(str, made.shape))} pixels, from {len(found)} images, in {out}")


@app.command()
def learn_prior(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Measurement files of other images (.npz).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The prior, .npz.")],
    preset: Preset = None,
    settings: Settings = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Learn from measurements alone how fitted weights are distributed; use it with `--set prior=FILE`."""
    from untrained.sims import runtime as surroundings
    from untrained.sims.recovery import learned_prior, outputs, training

    with _refusing():
        place = outputs.checked_outputs(out, kinds=(".npz",), read=files).picture
        surroundings.use_threads(threads)
        where = surroundings.pick_device(device)
        prior = training.learn(files, settings or (), preset, seed=seed, device=where, watching=_watching)
        learned_prior.save_prior(place, prior)
    print(f"{len(prior.layers)} layers, from {len(files)} measurements, in {out}")


@app.command()
def choose_weight(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="What `learn-prior` wrote (.npz).")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Measurement files to try it on (.npz).")],
    weights: Annotated[str, typer.Option(metavar="A,B,...", help="The weights to try.")] = "0,1,10,100,1000",
    preset: Preset = None,
    settings: Settings = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    json: Annotated[Path | None, typer.Option(help="Write the misfits and the choice here.")] = None,
) -> None:
    """Choose the weight of a learned prior by the misfit on measurements that the fits did not see."""
    from untrained.sims import runtime as surroundings
    from untrained.sims.recovery import outputs, training

    with _refusing():
        place = outputs.check_output("--json", json, (".json",)) if json else None
        surroundings.use_threads(threads)
        where, tried = surroundings.pick_device(device), training.parse_weights(weights)
        best, misfits = training.choose_weight(
            prior, files, tried, settings or (), preset, seed=seed, device=where, watching=_watching
        )
    for weight, misfit in misfits.items():
        print(f"{weight:<10g} {misfit:.6g}{'  least' if weight == best else ''}")
    if place:
        told = {"prior": prior, "files": files, "seed": seed, "misfits": {str(w): v for w, v in misfits.items()}}
        outputs.write_json(place, {**told, "weight": best})
    print(f"use it with --set prior={prior} --set prior_weight={best:g}")


def _say_end(found: Found, written: Sequence[Path]) -> None:
    files, kept = ", ".join(path.name for path in written), ", ".join(found.images)
    if found.interrupted:
        raise InterruptedRunError(f"{found.ended}; the best found so far by {kept} is written to {files}")
    if found.ended:
        _refuse(f"{found.ended}; what came before, by {kept}, is written to {files}")


@contextmanager
def _watching(name: str) -> Iterator[Watch | None]:
    from rich import progress as shown
    from rich.console import Console

    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    counts = (shown.BarColumn(), shown.MofNCompleteColumn(), shown.TextColumn("loss {task.fields[loss]:.4g}"))
    times = (shown.TimeElapsedColumn(), shown.TextColumn("left"), shown.TimeRemainingColumn())
    words = shown.TextColumn("{task.description}")
    with shown.Progress(words, *counts, *times, console=screen, transient=True) as progress:
        task = progress.add_task(name, total=None, loss=float("nan"))
        yield lambda step, total, loss: progress.update(task, completed=step, total=total or None, loss=loss)


Images = Annotated[int | None, typer.Option(help="The first N images of each part only.")]
AtOnce = Annotated[int | None, typer.Option("--at-once", help="Images recovered side by side, where a method can.")]


@app.command()
def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Recipes, such as fig1a or table2.")] = None,
    images: Images = None,
    methods: Annotated[str | None, typer.Option(metavar="A,B,...", help="These methods of the recipes only.")] = None,
    sizes: Annotated[str | None, typer.Option("--m", metavar="A,B,...", help="These numbers of measurements.")] = None,
    at_once: AtOnce = None,
    resume: Annotated[bool, typer.Option("--resume", help="Take over the cells that are finished already.")] = False,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The data (default: UNTRAINED_DATA).")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write record and picture here.")] = None,
    device: Device = "auto",
    threads: Threads = None,
    record: Annotated[bool, typer.Option("--record", help="Write into the committed record.")] = False,
    show: Annotated[
        bool, typer.Option("--list", help="List the recipes, what each costs, and which are recorded.")
    ] = False,
) -> None:
    """Run the CS-DIP paper's figures and tables again, and say what was found beside what the paper has."""
    from untrained.sims import runtime as surroundings
    from untrained.sims.experiments.recipes.keep import Kept
    from untrained.sims.experiments.recipes.reproduce import Request, prepare, resume_from
    from untrained.sims.recovery import outputs, requests

    if data is not None:
        os.environ["UNTRAINED_DATA"] = str(data)
    with _refusing():
        if show:
            _list_recipes(names or [])
            return
        surroundings.use_threads(threads)
        where, place = surroundings.pick_device(device), None if out is None else outputs.check_folder("--out", out)
        counts = requests.parse_counts("--m", sizes)
        plan, kept = prepare(Request(names or [], images, methods and methods.split(","), at_once, counts)), Kept()
        if resume:
            resume_from(plan, kept)
        _reproduce(plan, kept, where)
        _tell_recipes(plan, place, record=record)


def _list_recipes(names: Sequence[str]) -> None:
    from untrained.figures.recipe_tables import listing
    from untrained.sims.experiments.recipes.cost import all_costs

    _console().print(listing(all_costs(names)))


def _reproduce(plan: Plan, kept: Kept, device: Any) -> None:
    from untrained.sims.experiments.recipes.progress import run_shown

    try:
        run_shown(plan, kept, device)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {len(plan.done)} of {len(plan.keys)} cells, which are kept; "
            "the same command with --resume goes on from there."
        ) from None


def _tell_recipes(plan: Plan, place: Path | None, *, record: bool) -> None:
    from untrained.figures.recipe_report import report, write
    from untrained.sims.experiments.recipes.reproduce import records
    from untrained.sims.record.store import write_record

    console = _console()
    for made in records(plan):
        report(made, console)
        written = [write_record("recipe", made["name"], made)] if record else []
        for path in written + ([] if place is None else write(made, place)):
            print(path)


@app.command()
def check(
    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="NETWORK...",
            help="FILE.py:FACTORY, which returns a module and its input (the file is run, so trust it first); "
            "or a known name: dcgan-mnist, dcgan-xray, dcgan-retina, decoder, deep-decoder, skip-unet, two-layer.",
        ),
    ],
    target: Annotated[str, typer.Option(metavar="IMAGE", help="An image file, or example:NAME.")] = "example:camera",
    operator: Annotated[str, typer.Option(help=f"How the image is measured: {OPERATORS}.")] = "gaussian",
    m: Annotated[int | None, typer.Option("--m", help="How many measurements (default: none are taken).")] = None,
    lines: Lines = None,
    factor: Factor = None,
    seeds: Annotated[int, typer.Option(help="Starts that are looked at.")] = 3,
    steps: Annotated[int, typer.Option(help="Steps of each real descent.")] = 300,
    noise: Annotated[float, typer.Option(help="Noise to be denoised, as a share of the range of pixels.")] = 0.1,
    latent_shape: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Of the input, where the factory returns a module alone.")
    ] = None,
    param_filter: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Only weights whose names match train.")
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A page of pictures (.png, .pdf or .svg).")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all numbers and verdicts here.")] = None,
) -> None:
    """Say which conditions of the theory a network meets, what follows from them, and what really happens."""
    from untrained.figures.side_by_side import PICTURES
    from untrained.sims import runtime as surroundings
    from untrained.sims.diagnosis import command
    from untrained.sims.recovery import outputs, requests

    with _refusing():
        page = outputs.check_output("--out", out, PICTURES) if out else None
        told = outputs.check_output("--json", json, (".json",)) if json else None
        surroundings.use_threads(threads)
        how = requests.sensing(operator, m, lines=lines, factor=factor).options
        question = command.Question(target, operator, m, how, seeds, steps, noise, seed)
        sources = command.sources(networks, latent_shape, param_filter)
    _check(sources, question, page, told)


def _check(sources: Sequence[Network], question: Question, page: Path | None, told: Path | None) -> None:
    from untrained.figures import architecture_page, architecture_table
    from untrained.sims.diagnosis import command

    console, found, refused, cut = _console(), [], [], False
    for source in sources:
        try:
            found.append(command.check(source, question=question, watching=_watching))
        except KeyboardInterrupt:
            cut = True
            break
        except (ValueError, RuntimeError) as error:  # the latter from torch, within a network that is not ours
            refused.append(str(error) if isinstance(error, ValueError) else f"{source.name} failed, with {error}")
            continue
        architecture_table.report(found[-1], console)
    if len(found) > 1:
        architecture_table.compare(found, console)
    for path in architecture_page.write(found, page) if page and found else ():
        print(path)
    if told and found:
        command.write_json(told, found)
        print(told)
    if cut:
        raise InterruptedRunError(f"interrupted after {len(found)} of {len(sources)} networks")
    if refused:
        _refuse("; ".join(refused))


@app.command()
def sweep(
    study: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="A known study, file.py:NAME or package.module:NAME.")
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="AXES", help="Such as 'n=8,16 ratio=1:8:8 eta=log:0.1:10:5'; other axes as they are."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Repetitions of each choice of parameters.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (default: one per core).")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of Dask: tcp://host:8786.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: CUDA where a worker has one.")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on: only what is not done yet is computed.")] = False,
    store: Annotated[Path | None, typer.Option(help="The file of results (default: in the cache folder).")] = None,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the rows: .csv or .parquet.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Say how far it is, also while it runs.")] = False,
    show: Annotated[bool, typer.Option("--list", help="List the known studies.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin a very large sweep without asking.")] = False,
) -> None:
    """Compute a grid of thousands of cells that may be interrupted at any moment; exit 1 when cells failed."""
    _one_thread_each()
    from untrained.sims.experiments import command
    from untrained.sims.experiments.export import check_export

    with _refusing():
        if show:
            print("\n".join(command.listing()) or "no study is known by name")
            return
        if study is None:
            _refuse("STUDY must be given, or --list")
        order = command.make_order(study, grid, seeds, store)
        command.set_workers(order, workers, scheduler, device)
        order.resume, export = resume, export and check_export(export)
        if status:
            print(command.status(order))
        else:
            _ask_first(order, yes=yes)
            _sweep(order)
        if export:
            print(command.write_table(order, export))
    raise typer.Exit(1 if order.seen.failed else 0)


def _ask_first(order: Order, *, yes: bool) -> None:
    from untrained.sims.experiments.command import MANY, is_large, on_terminal

    if yes or not is_large(order):
        return
    if not on_terminal():
        _refuse(f"a sweep of more than {MANY} cells must be begun with --yes, got {len(order.grid)}")
    if not typer.confirm(f"{len(order.grid)} cells: begin?", err=True):
        _refuse(f"the sweep must be agreed to, got no for {len(order.grid)} cells")


def _sweep(order: Order) -> None:
    from untrained.sims.experiments import command

    try:
        seen = command.sweep(order)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {order.seen.done} of {len(order.grid)} cells, which are kept; "
            "the same command with --resume goes on from there."
        ) from None
    print(command.say_end(seen, order.store))
    for line in command.failures(order) if seen.failed else ():
        print(line)


def _end(sentence: str, code: int) -> NoReturn:
    print(f"untrained: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(code)


def main() -> NoReturn:
    """Run the command line: bad input is one sentence and exit code 2, never a traceback."""
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except RefusedError as error:
        _end(str(error), 2)
    except InterruptedRunError as error:
        _end(str(error), 130)
    except _UsageError as error:
        _end(error.format_message(), error.exit_code)
    except OSError as error:
        _end(f"the system refused to go on, with {error}", 2)
    except (typer.Abort, KeyboardInterrupt):
        _end("interrupted", 130)
    if code == 130:  # typer turns an interrupt elsewhere into this code, without a word
        _end("interrupted", 130)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
