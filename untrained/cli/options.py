"""What the commands share: their options, and bad input told in one sentence that names them."""

from __future__ import annotations

import contextlib
import os
import re
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from untrained.sims.choices import check_choice
from untrained.sims.user_files import error_line

OPERATOR_NAMES = (
    "gaussian, gaussian-seeded, fourier-radial, dct, hadamard, scrambled-dct, scrambled-hadamard, inpainting, "
    "superres, multicoil, magnitude, fourier-cartesian"
)
PRESET_NAMES = (
    "auto", "best", "fast", "paper", "smooth", "crisp", "sharp", "steady", "paper-under", "interpolation",
    "tv", "nlm", "wavelet", "block-matching",
)  # fmt: skip
DEVICE_NAMES = ("cpu", "cuda", "auto")
TASK_NAMES = ("sense", "denoise")
METHOD_NAMES = (
    "mixture (default), csdip (where a preset, network or setting is one of its), lasso-dct, lasso-wavelet, tv, damp, "
    "csgm, net-gd, net-pgd, conv-decoder (default to denoise) or "
    "ridge; to denoise also non-local-means, block-matching, bm3d, noisy; "
    "from magnitudes net-gd-phase, net-pgd-phase, amplitude-flow or sparta"
)
OPERATOR_HELP = f"{OPERATOR_NAMES}; or FILE.py:FACTORY, your own (the file is run, so trust it first)."
NETWORK_NAMES = (
    "FILE.py:FACTORY, which returns a module and its input (the file is run, so trust it first); "
    "or a known name: dcgan-mnist, dcgan-xray, dcgan-retina, decoder, deep-decoder, skip-unet, pixelwise, "
    "conv-decoder, conv-generator, two-layer."
)


COUNT_HELP = "How many measurements, or which share of the pixels: 0.1 or 10%."


def count_or_share(text: str) -> float:
    """Return how many measurements a text says: a whole number, or a share of the pixels such as 0.1 or 10%.

    Raises
    ------
    typer.BadParameter
        where it says neither.
    """
    with contextlib.suppress(ValueError):
        return int(text)
    share = 0.0
    with contextlib.suppress(ValueError):
        share = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    if not 0 < share < 1:
        raise typer.BadParameter(f"must be a whole number, or a share above 0 and below 1 of the pixels, got {text!r}")
    return share


Seed = Annotated[int, typer.Option(help="The same seed gives the same numbers.")]
Grey = Annotated[bool, typer.Option("--grey", help="Take the image in grey.")]
SizeOption = Annotated[str | None, typer.Option(metavar="N|HxW", help="Crop the image to this shape and resample it.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: CUDA where there is one.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads (default: torch's); their number changes last digits.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; repeatable.")]
Listing = Annotated[
    bool, typer.Option("--list-settings", help="List the settings of the method named (default: of all) and end.")
]
NetworkOption = Annotated[str | None, typer.Option(metavar="NETWORK", help="Of csdip: a name, or FILE.py:FACTORY.")]
PRESET_HELP = (
    "Of mixture: auto (default) or best; of csdip: fast, paper, smooth, crisp, sharp or steady; of damp: tv, nlm or "
    "wavelet; of net-...: paper or best, of net-pgd also fast; of conv-decoder: paper, best, fast, paper-under or "
    "interpolation."
)
Preset = Annotated[str | None, typer.Option(help=PRESET_HELP)]
Count = Annotated[
    float | None,
    typer.Option("--m", parser=count_or_share, metavar="N|SHARE", help=COUNT_HELP),
]
Lines = Annotated[int | None, typer.Option(help="Lines of fourier-radial, in place of --m.")]
FACTOR_HELP = "How many times a side of the image is that of its means of blocks (superres: in place of --m)."
Factor = Annotated[int | None, typer.Option(help=FACTOR_HELP)]
Coils = Annotated[int | None, typer.Option(help="Receiver coils of multicoil.")]
Acceleration = Annotated[float | None, typer.Option(help="Of multicoil: all columns over sampled ones.")]
Centre = Annotated[float | None, typer.Option(help="Share of multicoil's columns in the sampled centre (0.08).")]
ColumnRule = Annotated[str | None, typer.Option(help="Other columns of multicoil: random (default) or equispaced.")]
MatrixOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Your own matrix, of flattened images: .npy, .npz (scipy.sparse, or A) or .mtx."),
]
OwnShape = Annotated[
    str | None,
    typer.Option(
        metavar="[Cx]HxW", help="SOURCE is y that you measured (.npy, .npz, .csv), of an image of this shape."
    ),
]
PixelScale = Annotated[
    str | None, typer.Option(metavar="LOW:HIGH", help="Scale of the pixels that y was measured of (-1:1), as 0:255.")
]
MASK_HELP = "an image, cut at half of its largest value (white: known), or an npy of bool, or of 0 and one more value"
MaskOption = Annotated[
    str | None, typer.Option(metavar="FILE", help=f"Mask of inpainting or fourier-cartesian: {MASK_HELP}.")
]
MapsOption = Annotated[
    str | None, typer.Option("--coil-maps", metavar="FILE", help="Coil maps of fourier-cartesian, .npy (coils, H, W).")
]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write every number to this file (.json).")]
ReportPage = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Also write this run as one page, pictures within, to it (.html)."),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="The image; with --compare, the picture of all.")
]
Compare = Annotated[str | None, typer.Option(metavar="A,B,...", help="Several methods, each given the same pixels.")]
Truth = Annotated[str | None, typer.Option(metavar="IMAGE", help="The true image, for scores only.")]
PixelSigma = Annotated[
    float | None, typer.Option(help="Standard deviation of the noise of a pixel, on the scale 0 to 255.")
]
Folder = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder for every method's image, as npy and PNG.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from an interrupted run.")]
Record = Annotated[bool, typer.Option("--record", help="Write into the committed record.")]
Workers = Annotated[int | None, typer.Option(help="Processes (default: one per core).")]


def named_methods(method: str | None, compare: str | None, usual: str) -> list[str]:
    """The methods that are named, the usual one where none is.

    Raises
    ------
    ValueError
        where one method is named, and several.
    """
    if method is not None and compare is not None:
        raise ValueError("method and compare must not be given both")
    return [name.strip() for name in (compare if compare is not None else method or usual).split(",")]


def with_network(settings: Sequence[str] | None, network: str | None) -> Sequence[str]:
    """The settings with a network chosen."""
    chosen = [] if network is None else [f"network={network}"]
    return (*chosen, *(settings or ()))


class RefusedError(Exception):
    """Bad input, told in one sentence."""


class InterruptedRunError(Exception):
    """A run that was interrupted, told in one sentence."""


class Command(TyperCommand):
    """A command that tells bad input in one sentence, with the options of its own in place of Python's arguments."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises
        ------
        RefusedError
            in place of a ValueError, which is how all rooms tell bad input, and of an exit in code of the user's own.
        """
        try:
            check_names(ctx.params)
            return super().invoke(ctx)
        except ValueError as error:
            flags = {str(p.name): max(p.opts, key=len) for p in self.params if p.opts and p.opts[0].startswith("-")}
            raise RefusedError(with_options(str(error), flags)) from error
        except SystemExit as error:  # no code of the house's: it would pass for success, with nothing said
            where = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
            why = error_line(error, where)
            raise RefusedError(f"{where.name} must let the run come to its end, got {why}") from error


def check_names(arguments: Mapping[str, Any]) -> None:
    """Refuse a misspelt operator, method, preset, task or device before any large library is loaded.

    What looks like a file is left to the command.

    Raises
    ------
    ValueError
        where a name is unknown, with the one that may be meant.
    """
    from untrained.sims.recovery.methods import METHODS

    operator = arguments.get("operator")
    lists = {"preset": PRESET_NAMES, "task": TASK_NAMES, "device": DEVICE_NAMES, "method": METHODS}
    names = [(what, arguments[what], lists[what]) for what in lists if arguments.get(what) is not None]
    if (compare := arguments.get("compare")) is not None:
        names += [("method of `compare`", name.strip(), METHODS) for name in compare.split(",")]
    if operator is not None and not re.search(r"[./:\\]", operator):
        names.append(("operator", operator, OPERATOR_NAMES.split(", ")))
    for what, name, choices in names:
        check_choice(what, name, choices)


def with_options(sentence: str, flags: Mapping[str, str]) -> str:
    """Return a sentence about arguments as one about options: those it begins with, and those in backquotes.

    `flags` holds the option of each argument: "seed must be ..." becomes "--seed must be ...".
    """

    def flag(name: re.Match[str]) -> str:
        return flags.get(name[1], name[0])

    head = re.match(r"\w+(?:(?:, | and | or )\w+)*(?= (?:must|needs|is for)\b)", sentence)
    if head:
        sentence = re.sub(r"(\w+)", flag, head[0]) + sentence[head.end() :]
    return re.sub(r"`(\w+)`", flag, sentence)


def one_thread_each() -> None:
    """Keep linear algebra on one thread: sums do not depend on how many cores there are."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
