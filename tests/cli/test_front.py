"""What every command has: help by two names, options that mean one thing, and the shell's completion of them."""

import os
import subprocess
import sys
from collections import defaultdict

import pytest
from typer.main import get_command

import untrained
from untrained import cli

PARAMETERS = {name: command.params for name, command in get_command(cli.app).commands.items()}


@pytest.fixture
def run(monkeypatch, capsys):
    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["untrained", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (ended.value.code, *capsys.readouterr())

    return of


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"untrained {untrained.__version__}\n", "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_has_a_short_name(run, name):
    code, text, errors = run(name, "-h")
    assert (code, errors) == (0, "")
    assert text == run(name, "--help")[1]
    assert text.startswith(f"Usage: untrained {name} ")


def test_a_malformed_line_is_one_sentence(run):
    for arguments in (["claims", "a", "b"], ["measure"], ["verify", "--budget"], ["--nothing"], ["nothing"]):
        code, text, errors = run(*arguments)
        assert (code, text) == (2, "")
        assert errors.startswith("untrained: ")
        assert errors.count("\n") == 1


def test_an_error_of_ours_is_no_bad_input(run, monkeypatch):
    def broken(path, **options):
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr("untrained.sims.record.store.read_all", broken)
    monkeypatch.setattr(sys, "argv", ["untrained", "claims"])
    with pytest.raises(RuntimeError, match="a mistake in the program"):
        cli.main()


def shared(option):
    """The parameters of all commands that have an option."""
    return [param for params in PARAMETERS.values() for param in params if option in param.opts]


def test_an_option_means_one_argument():
    names = defaultdict(set)
    for params in PARAMETERS.values():
        for option, name in ((option, param.name) for param in params for option in param.opts if option[0] == "-"):
            names[option].add(name)
    assert {option: names for option, names in names.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    "option",
    [
        "--seed",
        "--threads",
        "--set",
        "--preset",
        "--size",
        "--lines",
        "--factor",
        "--json",
        "--coils",
        "--centre",
        "--report",
    ],
)
def test_a_shared_option_has_one_help(option):
    assert len(shared(option)) > 1
    assert len({param.help for param in shared(option)}) == 1


def test_out_is_a_file_but_of_the_report_and_noise_is_that_of_measurements():
    report = PARAMETERS["report"]
    assert {param.metavar for param in shared("--out") if param not in report and not param.hidden} == {"FILE"}
    assert {param.metavar for param in report if "--out" in param.opts} == {"FOLDER"}
    assert {param.metavar for param in shared("--folder")} == {"FOLDER"}
    assert all(param.help.startswith("sigma of the noise added") for param in shared("--noise"))


def test_the_shell_completes_commands():
    environment = {
        **os.environ,
        "_UNTRAINED_COMPLETE": "complete_bash",
        "COMP_WORDS": "untrained re",
        "COMP_CWORD": "1",
    }
    script = "from untrained.cli import main; main()"
    words = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert words.stdout.split() == ["report", "reconstruct", "reproduce"]


def test_the_completion_of_the_shell_is_shown(run, monkeypatch):
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    code, text, errors = run("--show-completion")
    assert (code, errors) == (0, "")
    assert "_UNTRAINED_COMPLETE=complete_bash" in text
