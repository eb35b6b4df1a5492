"""The command line: one file a command; what a command does stands in the rooms of the package."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Annotated, NoReturn

import typer

from untrained.cli import (
    certify,
    check,
    choose_weight,
    claims,
    console,
    denoise,
    figures,
    inpaint,
    learn_prior,
    measure,
    reconstruct,
    report,
    reproduce,
    sweep,
    train_generator,
    upscale,
    verify,
    width,
)
from untrained.cli.options import Command, InterruptedRunError, RefusedError

COMMANDS: dict[str, Callable[..., None]] = {
    "verify": verify.verify_command,
    "claims": claims.claims_command,
    "figures": figures.figures_command,
    "report": report.report_command,
    "measure": measure.measure_command,
    "reconstruct": reconstruct.reconstruct_command,
    "denoise": denoise.denoise_command,
    "inpaint": inpaint.inpaint_command,
    "upscale": upscale.upscale_command,
    "train-generator": train_generator.train_generator_command,
    "learn-prior": learn_prior.learn_prior_command,
    "choose-weight": choose_weight.choose_weight_command,
    "reproduce": reproduce.reproduce_command,
    "check": check.check_command,
    "width": width.width_command,
    "certify": certify.certify_command,
    "sweep": sweep.sweep_command,
}
HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP,
    help="The theory of untrained neural-network priors, judged claim by claim, and image recovery with them.",
)
for _name, _command in COMMANDS.items():
    app.command(_name, cls=Command, context_settings=HELP)(_command)


def _show_version(version_flag: bool) -> None:
    if version_flag:
        from importlib.metadata import version

        print(f"untrained {version('untrained')}")
        raise typer.Exit


@app.callback()
def _options(
    number: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def _end(sentence: str, code: int) -> NoReturn:
    print(f"untrained: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(code)


def _refused(error: BaseException | None) -> NoReturn:
    """End at an error of the system; without a word where it is that nobody reads the results any more."""
    if isinstance(error, BrokenPipeError) and not (console.has_reader() and console.flushed()):
        sys.exit(console.READER_LEFT)
    _end(f"the system refused to go on, with {error}", 2)


def main() -> NoReturn:
    """Run the command line: bad input is one sentence and exit code 2, never a traceback.

    An interrupt ends with 130, a SIGTERM, which keeps what an interrupt keeps, with 143, and where the reader of the
    results leaves it is 141.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed from the start
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    terminated = threading.Event()
    console.spell_out()
    with _as_interrupt(terminated):
        try:
            _main()
        except SystemExit as ended:
            code = 143 if terminated.is_set() and ended.code == 130 else ended.code
        sys.exit(code if console.flushed() else console.READER_LEFT)


@contextlib.contextmanager
def _as_interrupt(terminated: threading.Event) -> Iterator[None]:
    """Take the first SIGTERM as an interrupt, in this process alone; a second ends it at once."""
    here = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != here:  # a worker, which is forked with this handler
            os.kill(os.getpid(), number)
        terminated.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _main() -> NoReturn:
    streams = sys.stdout, sys.stderr
    try:
        with console.warnings_in_lines():
            code = app(sys.argv[1:] or ["--help"], prog_name="untrained", standalone_mode=False)
    except RefusedError as error:
        _end(str(error), 2)
    except InterruptedRunError as error:
        _end(str(error), 130)
    except typer.TyperException as error:  # a malformed command line
        _end(error.format_message(), error.exit_code)
    except OSError as error:
        _refused(error)
    except SystemExit as ended:
        if sys.stdout is streams[0]:
            raise
        sys.stdout, sys.stderr = streams  # typer puts others there and ends where any pipe breaks
        _refused(ended.__context__)
    except (typer.Abort, KeyboardInterrupt):
        _end("interrupted", 130)
    if code == 130:  # typer turns an interrupt elsewhere into this code, without a word
        _end("interrupted", 130)
    sys.exit(code if isinstance(code, int) else 0)
