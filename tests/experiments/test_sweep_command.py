"""The command `sweep` as a user meets it."""

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from support import ROOT, TINY, raw

from untrained import cli as front
from untrained.cli import sweep as sweeping
from untrained.sims.experiments import experiment, studies, sweep
from untrained.sims.experiments.study import Study
from untrained.sims.record import store


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def of(*arguments, **options):
        line = [sys.executable, "-m", "untrained", "sweep", *map(str, arguments)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(line, cwd=ROOT, text=True, **pipes)

    return of


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Run the command in this process, for the sake of speed: exit code, standard output, standard error."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["untrained", "sweep", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            front.main()
        return ended.value.code, *capsys.readouterr()

    return of


def test_a_sweep_from_nothing_to_its_table(cli, tmp_path):
    place = tmp_path / "cache/untrained/sweeps/tiny.sqlite"
    code, out, err = cli(TINY, "--grid", "n=1:3:3 x=0.5", "--workers", "1", "--export", tmp_path / "a.csv")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith("6 of 6 cells done, 0 failed, ")
    assert first.endswith(f" s, in {place}")
    assert second == f"6 of 6 rows in {tmp_path / 'a.csv'}"
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 7
    assert len(raw(place)) == 6
    code, out, err = cli(TINY, "--grid", "n=1:4:4 x=0.5", "--resume", "--seeds", "3", "--workers", "1")
    assert (code, err) == (0, "")
    assert out.startswith("12 of 12 cells done (6 of them before), 0 failed, ")
    code, out, err = cli(TINY, "--status")
    assert (code, err) == (0, "")
    assert out.startswith("tiny: 12 of 12 cells done, 0 failed, 0 left, ")
    assert "not running" in out
    code, out, err = cli(TINY, "--status", "--export", tmp_path / "b.csv", "--grid", "n=1:4:4 x=0.5,0.7")
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == f"8 of 16 rows in {tmp_path / 'b.csv'}"


def test_failed_cells_are_told_and_exit_one(cli):
    code, out, err = cli(TINY, "--grid", "x=1 mode=raise", "--workers", "1")
    assert (code, err) == (1, "")
    first, *failures = out.splitlines()
    assert first.startswith("6 of 8 cells done, 2 failed, ")
    where = {"n": 3, "x": 1.0, "mode": "raise", "sleep": 0.0}
    error = "ArithmeticError: three is too many"
    assert sorted(failures) == [f"failed: {json.dumps(where)}, seed {seed}: {error}" for seed in (0, 1)]


REFUSED = {
    "no study": ((), "STUDY must be given"),
    "an unknown study": (("nope",), "must be a known name"),
    "an unknown axis": ((TINY, "--grid", "m=1"), "got 'm'"),
    "a value outside": ((TINY, "--grid", "n=0"), "from 1 to 100000, got 0"),
    "a combination outside": ((TINY, "--grid", "n=13"), "must not be 13"),
    "no seeds": ((TINY, "--seeds", "0"), "seeds must be at least 1"),
    "no workers": ((TINY, "--workers", "-1"), "--workers must be at least 0, got -1"),
    "a record of a user's study": ((TINY, "--record"), "is for the known studies (phase, rate,"),
    "a record of another grid": (("sigma", "--record", "--seeds", "2"), "another: leave --grid and --seeds out"),
    "workers and a scheduler": (
        (TINY, "--workers", "1", "--scheduler", "tcp://h:1"),
        "--workers must not be given",
    ),
    "an unknown device": ((TINY, "--device", "tpu"), "cpu, cuda, auto, got 'tpu'"),
    "an unknown kind of table": ((TINY, "--export", "a.txt"), ".csv or .parquet"),
    "very many cells and nobody to ask": ((TINY, "--grid", "n=14:100000:60000"), "--yes, got 240000"),
    "the status of nothing": ((TINY, "--status"), "must be there to be read"),
    "a store in a missing place": ((TINY, "--store", "/proc/none/x"), "can be written to"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_sentence_and_exit_code_two(cli, name):
    arguments, sentence = REFUSED[name]
    code, out, err = cli(*arguments)
    (line,) = err.splitlines()
    assert line.startswith("untrained: ")
    assert sentence in line
    assert (code, out) == (2, "")


def test_cells_already_there_are_refused(cli):
    cli(TINY, "--grid", "n=1 x=1", "--workers", "1")
    code, out, err = cli(TINY, "--grid", "n=1,2 x=1")
    assert (code, out) == (2, "")
    assert "--resume" in err


@pytest.mark.parametrize(("answer", "begun"), [(True, True), (False, False)])
def test_very_many_cells_are_asked_about_on_a_terminal(cli, monkeypatch, answer, begun):
    monkeypatch.setattr(sweeping, "MANY", 3)
    monkeypatch.setattr(sweeping, "on_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, err: answer)
    code, out, err = cli(TINY, "--grid", "n=1 x=0.1,0.2", "--workers", "1")
    assert (code == 0, "4 of 4 cells" in out, "got no for 4 cells" in err) == (begun, begun, not begun)


def test_very_many_cells_begin_with_yes(cli, monkeypatch):
    monkeypatch.setattr(sweeping, "MANY", 3)
    assert cli(TINY, "--grid", "n=1 x=0.1,0.2", "--workers", "1", "--yes")[0] == 0


def test_the_known_studies_are_listed(cli, monkeypatch):
    monkeypatch.setattr(studies, "STUDIES", {"tiny": TINY})
    code, out, err = cli("--list")
    assert (code, err) == (0, "")
    assert out.split() == ["tiny", "16", "cells", "Sines", "with", "noise."]


def test_a_record_is_written_from_the_store(cli, monkeypatch, tmp_path):
    small = Study("tiny", "Tiny.", {"n": (1, 2)}, {"n": (1, 9)}, 2, row_of, table=table_of)
    monkeypatch.setattr(experiment, "_attribute", lambda resolved, noun: small)
    monkeypatch.setattr(studies, "STUDIES", {"tiny": "some.module:TINY"})
    monkeypatch.setattr(sweep, "STUDIES", studies.STUDIES)
    monkeypatch.setattr(store, "FOLDER", tmp_path / "record")
    code, out, err = cli("tiny", "--workers", "0", "--record")
    path = tmp_path / "record/sweeps/tiny.json"
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == str(path)
    assert store.read_record("study", "tiny")["rows"] == [{"source": "simulation", "quantity": "sum", "value": 8}]
    before = path.read_text()
    assert "4 of them before" in cli("tiny", "--workers", "0", "--record")[1]
    assert path.read_text() == before


def row_of(parameters, seed, device):
    return {"sum": parameters["n"] + seed}


def table_of(cells):
    return [{"source": "simulation", "quantity": "sum", "value": sum(row["sum"] for _, _, row in cells)}]


@pytest.mark.parametrize(
    ("stop", "number", "exit_code"), [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)]
)
def test_an_interrupt_is_one_sentence_its_exit_code_and_no_lost_cell(start, tmp_path, cli, stop, number, exit_code):
    place = tmp_path / "s.sqlite"
    arguments = (TINY, "--grid", "n=1:10:10 x=0:1:100 sleep=0.01", "--workers", "2", "--store", place)
    running = start(*arguments, start_new_session=True)
    while not cli(TINY, "--status", "--store", place)[1].startswith("tiny: ") or not raw(place):
        time.sleep(0.05)
    code, status, err = cli(TINY, "--status", "--store", place)
    assert (code, err) == (0, "")
    assert ", running, in " in status
    stop(running.pid, number)  # an interrupt as a terminal does it: to the client and its workers
    out, err = running.communicate()
    (line,) = err.splitlines()
    cells = raw(place)
    assert line == (
        f"untrained: interrupted after {len(cells)} of 2000 cells, which are kept; "
        "the same command with --resume goes on from there."
    )
    assert (running.returncode, out) == (exit_code, "")
    assert 0 < len(cells) < 2000


def test_a_terminal_sees_how_it_goes_on(start):
    screen, end = pty.openpty()
    running = start(TINY, "--grid", "n=1:10:10 sleep=0.01 mode=raise", "--workers", "2", stderr=end)
    os.close(end)
    output = b""
    try:
        while part := os.read(screen, 4096):
            output += part
    except OSError:  # how a terminal ends
        pass
    os.close(screen)
    out, _ = running.communicate()
    assert out.startswith("36 of 40 cells done, 4 failed, ")
    assert b"a second" in output
    assert b"/40" in output
    assert b"failed" in output
