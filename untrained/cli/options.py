"""What the commands share: their options, and bad input told in one sentence that names them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

OPERATOR_NAMES = (
    "gaussian, gaussian-seeded, fourier-radial, dct, hadamard, scrambled-dct, scrambled-hadamard, inpainting, "
    "superres, multicoil, magnitude"
)
METHOD_NAMES = (
    "csdip (default), lasso-dct, lasso-wavelet, tv, damp, csgm, net-gd, net-pgd, conv-decoder (default to denoise) or "
    "ridge; to denoise also non-local-means, block-matching, bm3d, noisy; "
    "from magnitudes net-gd-phase, net-pgd-phase, amplitude-flow or sparta"
)
NETWORK_NAMES = (
    "FILE.py:FACTORY, which returns a module and its input (the file is run, so trust it first); "
    "or a known name: dcgan-mnist, dcgan-xray, dcgan-retina, decoder, deep-decoder, skip-unet, pixelwise, "
    "conv-decoder, conv-generator, two-layer."
)

Seed = Annotated[int, typer.Option(help="The same seed gives the same numbers.")]
Grey = Annotated[bool, typer.Option("--grey", help="Take the image in grey.")]
SizeOption = Annotated[str | None, typer.Option(metavar="N|HxW", help="Crop the image to this shape and resample it.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: CUDA where there is one.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads (default: torch's); their number changes last digits.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; repeatable.")]
NetworkOption = Annotated[str | None, typer.Option(metavar="NETWORK", help="Of csdip: a name, or FILE.py:FACTORY.")]
PRESET_HELP = (
    "Of csdip, net-... and conv-decoder: paper or best; of csdip, net-pgd and conv-decoder also fast; of conv-decoder "
    "also paper-under and interpolation."
)
Preset = Annotated[str | None, typer.Option(help=PRESET_HELP)]
Count = Annotated[int | None, typer.Option("--m", help="How many measurements.")]
Lines = Annotated[int | None, typer.Option(help="Lines of fourier-radial, in place of --m.")]
Factor = Annotated[int | None, typer.Option(help="Factor of superres, in place of --m.")]
Coils = Annotated[int | None, typer.Option(help="Receiver coils of multicoil.")]
Acceleration = Annotated[float | None, typer.Option(help="Of multicoil: all columns over sampled ones.")]
Centre = Annotated[float | None, typer.Option(help="Share of multicoil's columns in the sampled centre (0.08).")]
ColumnRule = Annotated[str | None, typer.Option(help="Other columns of multicoil: random (default) or equispaced.")]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write every number to this file (.json).")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from an interrupted run.")]
Record = Annotated[bool, typer.Option("--record", help="Write into the committed record.")]
Workers = Annotated[int | None, typer.Option(help="Processes (default: one per core).")]


def with_network(settings: Sequence[str] | None, network: str | None) -> Sequence[str]:
    """The settings with a network chosen, whose options are then not a preset's but its own."""
    chosen = [] if network is None else [f"network={network}", "network_options={}"]
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
            in place of a ValueError, which is how all rooms tell bad input.
        """
        try:
            return super().invoke(ctx)
        except ValueError as error:
            flags = {str(p.name): max(p.opts, key=len) for p in self.params if p.opts and p.opts[0].startswith("-")}
            raise RefusedError(with_options(str(error), flags)) from error


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
