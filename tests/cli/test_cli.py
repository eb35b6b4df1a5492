"""The command line as a user meets it: in processes of its own, from the root of the repository."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from untrained import cli
from untrained.cli import console
from untrained.figures.tables import Table
from untrained.sims.record import store
from untrained.sims.record.entries import Journal
from untrained.theory.ledger import ledger

ROOT = Path(__file__).parents[2]
FAST = ("oymak19.step.rate", "vanveen18.lemB4.law.printed")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "untrained"


@pytest.fixture
def run(cache):
    def of(*arguments, options=()):
        command = [sys.executable, *options, "-m", "untrained", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    return of


def told(ended):
    """The one sentence on standard error."""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("untrained: ")
    return line.removeprefix("untrained: ")


def test_help_loads_no_library(run):
    ended = run("--help", options=("-X", "importtime"))
    assert ended.returncode == 0
    assert all(name in ended.stdout for name in ("verify", "claims", "figures"))
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "typer" in loaded
    assert loaded & {"numpy", "scipy", "sympy", "torch", "matplotlib", "hypothesis", "theory", "sims"} == set()


def test_without_a_command_it_helps(run):
    ended = run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == run("--help").stdout


REFUSED = {
    "an unknown claim": (("verify", "vanveen18.lemB33"), "did you mean vanveen18.lemB3"),
    "an unknown claim to show": (("claims", "nope"), "got 'nope'"),
    "an unknown budget": (("verify", "--budget", "huge"), "quick, standard, deep, got 'huge'"),
    "a negative seed": (("verify", "--seed", "-1"), "non-negative integer, got -1"),
    "a seed that is no number": (("verify", "--seed", "abc"), "'--seed'"),
    "no workers": (("verify", "--workers", "0"), "--workers must be at least 1, got 0"),
    "a folder that is missing": (("verify", FAST[0], "--json", "/missing/x.json"), "got /missing/x.json"),
    "a folder in place of a file": (("verify", FAST[0], "--json", "."), "must name a file"),
    "a file in place of a folder": (("verify", FAST[0], "--json", "README.md/x.json"), "can be written to"),
    "an unknown command": (("judge",), "No such command 'judge'"),
    "an unknown option": (("verify", "--fast"), "No such option: --fast"),
    "an unknown figure": (("figures", "nope"), "got 'nope'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_sentence_and_exit_code_two(run, name):
    arguments, sentence = REFUSED[name]
    ended = run(*arguments)
    assert sentence in told(ended)
    assert (ended.returncode, ended.stdout) == (2, "")


def test_a_file_that_cannot_be_written_after_all_is_one_sentence(run):
    ended = run("verify", FAST[0], "--workers", "1", "--json", "/dev/fd/x.json")
    assert ended.returncode == 2
    assert "x.json" in told(ended)


def test_a_cache_that_cannot_be_written_is_one_sentence(run, cache):
    cache.parent.write_text("a file where the folder should be")
    ended = run("verify", FAST[0], "--workers", "1")
    assert ended.returncode == 2
    assert "cache" in told(ended)


def test_verify_writes_everything_it_found(run, tmp_path, cache):
    path = tmp_path / "out.json"
    ended = run("verify", *FAST, "--workers", "1", "--seed", "5", "--json", path)
    assert (ended.returncode, ended.stderr) == (0, "")
    whole = json.loads(path.read_text())
    assert (whole["format"], whole["budget"], whole["seed"]) == (1, "quick", 5)
    assert whole["contradictions"] == []
    claims = {claim["id"]: claim for claim in whole["claims"]}
    assert list(claims) == list(FAST)
    for claim in claims.values():
        wanted = {"id", "verdict", "margin", "informative", "evidence", "controls", "seconds", "worst_case"}
        assert wanted <= set(claim)
        assert claim["seconds"] >= 0
        assert claim["evidence"][0]["kind"] == "Symbolic"
    assert claims[FAST[0]]["verdict"] == "PROVED"
    names = [f"{FAST[0]}~{control.name}" for control in ledger()[FAST[0]].controls]
    assert [control["id"] for control in claims[FAST[0]]["controls"]] == names
    assert claims[FAST[1]]["verdict"] == "REFUTED"
    assert all(name in ended.stdout for name in (*FAST, "2 claims: 1 PROVED, 1 REFUTED", "No verdict contradicts"))
    assert list(cache.iterdir()) == []
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["out.json"]


def verify(ids, json_path=None, *, record=False):
    return cli.verify.judge_claims(list(ids), "quick", 0, 1, json_path, record=record, resume=False)


@pytest.fixture
def recorded(monkeypatch, cache):
    """Put verdicts in place of the committed record."""

    def of(**verdicts):
        entries = {name.replace("__", "."): {"verdict": verdict} for name, verdict in verdicts.items()}
        monkeypatch.setattr(store, "read_all", lambda kind: entries if kind == "claim" else {})

    return of


def test_a_verdict_that_agrees_with_the_record_exits_zero_even_if_refuted(recorded, capsys):
    recorded(vanveen18__lemB4__law__printed="REFUTED")
    assert verify([FAST[1]]) == 0
    assert "No verdict contradicts the committed record." in capsys.readouterr().out


@pytest.mark.parametrize(("claim_id", "was"), [(FAST[0], "REFUTED"), (FAST[1], "PROVED"), (FAST[1], "SUPPORTED")])
def test_a_verdict_that_contradicts_the_record_exits_one(recorded, capsys, tmp_path, claim_id, was):
    recorded(**{claim_id.replace(".", "__"): was})
    assert verify([claim_id], tmp_path / "out.json") == 1
    assert "CONTRADICTS THE RECORD" in capsys.readouterr().out
    (line,) = json.loads((tmp_path / "out.json").read_text())["contradictions"]
    assert line.startswith(claim_id)
    assert line.endswith(f"against the recorded {was}")


@pytest.mark.parametrize("was", ["CONSISTENT", "INCONCLUSIVE", "UNTESTED"])
def test_a_stronger_verdict_than_the_record_s_is_no_contradiction(recorded, was):
    recorded(oymak19__step__rate=was)
    assert verify([FAST[0]]) == 0


def test_a_claim_that_is_not_recorded_contradicts_nothing(recorded):
    recorded()
    assert verify(FAST) == 0


def test_recording_writes_the_entries_and_exits_zero(recorded, monkeypatch):
    saved, refreshed = {}, []
    monkeypatch.setattr(store, "write_record", lambda kind, name, data: saved.update({name: data}))
    monkeypatch.setattr("untrained.figures.verdict_table.refresh_note", lambda: refreshed.append(dict(saved)))
    recorded(oymak19__step__rate="REFUTED")
    assert verify([FAST[0]], record=True) == 0
    assert saved[FAST[0]]["verdict"] == "PROVED"
    assert "seconds" not in saved[FAST[0]]
    assert refreshed == [saved]


def test_a_damaged_record_is_refused_before_anything_is_run(monkeypatch, cache):
    def damaged(kind):
        raise ValueError("record of a claim must be JSON, got x.json")

    monkeypatch.setattr(store, "read_all", damaged)
    with pytest.raises(ValueError, match=r"record of a claim must be JSON, got x\.json"):
        verify([FAST[0]])
    assert not cache.exists()


SLOWER = ("oymak19", "vanveen18.lemC2")  # the slow one comes last


def interrupt_once_begun(arguments, journals, claims):
    """Start a run, and interrupt its process group as soon as so many claims are in its journal."""
    command = [sys.executable, "-m", "untrained", "verify", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if sum(path.read_text().count("\n") for path in journals.glob("verify-*.jsonl")) >= claims:
            os.killpg(process.pid, signal.SIGINT)
            break
        time.sleep(0.01)
    process.stdout_text, process.stderr = process.communicate(timeout=120)
    return process


def without_times(path):
    whole = json.loads(path.read_text())
    return [{k: v for k, v in claim.items() if k not in ("seconds", "code")} for claim in whole["claims"]]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_is_told_in_one_sentence_and_goes_on(run, tmp_path, cache, workers):
    path, arguments = tmp_path / "out.json", (*SLOWER, "--workers", workers)
    process = interrupt_once_begun((*arguments, "--json", path), cache, 2)
    assert re.match(r"interrupted after \d+ of \d+ claims, which are kept; .* --resume goes on", told(process))
    assert process.returncode == 130
    assert process.stdout_text == ""
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]
    (journal,) = cache.iterdir()
    entries = {line["id"]: line["seconds"] for line in map(json.loads, journal.read_text().splitlines())}
    assert len(entries) >= 2

    ended = run("verify", *arguments, "--resume", "--json", path)
    assert (ended.returncode, ended.stderr) == (0, "")
    seconds = {claim["id"]: claim["seconds"] for claim in json.loads(path.read_text())["claims"]}
    assert {name: seconds[name] for name in entries} == {name: round(s, 3) for name, s in entries.items()}
    assert list(cache.iterdir()) == []

    undisturbed = tmp_path / "undisturbed.json"
    assert run("verify", *SLOWER, "--workers", "1", "--json", undisturbed).returncode == 0
    assert without_times(path) == without_times(undisturbed)


def test_claims_lists_every_claim(run):
    ended = run("claims")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.split()[0] for line in ended.stdout.splitlines()] == list(ledger())


def test_claims_lists_those_that_a_front_stands_for(run):
    ended = run("claims", "lemB2")
    ids = [line.split()[0] for line in ended.stdout.splitlines()]
    assert ids == [i for i in ledger() if i.startswith("vanveen18.lemB2.")]


def test_claims_of_an_id_shows_its_source_and_formula(run):
    claim = ledger()["vanveen18.lemB3"]
    ended = run("claims", claim.id)
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = dict(line.strip().split("  ", 1) for line in ended.stdout.splitlines())
    assert rows["claim"] == claim.id
    assert rows["formula"] == claim.formula
    assert rows["source"] == f"vanveen18, {claim.source.label}, page {claim.source.page}"
    assert rows["refuted by"] == claim.refuted_by
    assert claim.controls[0].name in rows["false siblings"]
    assert rows["verdict"].startswith(store.read_all("claim")[claim.id]["verdict"])


@pytest.mark.parametrize("command", ["claims", "claims --help", "reconstruct --list-settings"])
def test_a_reader_that_leaves_meets_no_word_of_it(command):
    words = [sys.executable, "-m", "untrained", *command.split()]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as untrained:
        untrained.stdout.close()
        assert untrained.stderr.read() == b""
    assert untrained.returncode == console.READER_LEFT


def test_a_reader_that_stops_early_has_the_first_line():
    command = f"{sys.executable} -m untrained claims | head -n 1"
    ended = subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, text=True)
    assert ended.stdout.startswith(next(iter(ledger())))
    assert ended.stderr == ""


def test_what_follows_results_that_nobody_reads_still_comes(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        console.show(["results"], console.stdout())
        assert not console.flushed()


def test_streams_that_are_closed_from_the_start_are_no_matter(monkeypatch):
    app, answers = typer.Typer(), []
    app.callback()(lambda: None)
    app.command()(lambda: answers.append((sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())))
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["untrained", "<lambda>"])
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()
    assert answers == [(False, False, False)]


def test_another_pipe_that_breaks_is_told(monkeypatch, capsys):
    def broken():
        read, write = os.pipe()
        os.close(read)
        try:
            os.write(write, b"to a worker that has died")
        finally:
            os.close(write)

    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(broken)
    console.stdout()
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["untrained", "broken"])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert capsys.readouterr().err == "untrained: the system refused to go on, with [Errno 32] Broken pipe\n"


def test_the_json_file_replaces_no_pipe_and_follows_a_link(run, tmp_path):
    pipe, target, link = tmp_path / "pipe", tmp_path / "target.json", tmp_path / "link.json"
    os.mkfifo(pipe)
    refused = run("verify", FAST[0], "--workers", "1", "--json", pipe)
    assert refused.returncode == 2
    assert told(refused).startswith("--json must name a file in a folder that can be written to")
    assert pipe.is_fifo()
    target.write_text("old")
    link.symlink_to(target)
    assert run("verify", FAST[0], "--workers", "1", "--json", link).returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["claims"]


def test_what_a_run_found_outlives_a_file_that_cannot_be_written(cache, monkeypatch, tmp_path):
    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("untrained.sims.files.write_bytes", full)
    monkeypatch.setattr(Journal, "start", lambda self, before: cache.mkdir(parents=True))
    with pytest.raises(OSError, match="No space left"):
        cli.verify.judge_claims([FAST[0]], "quick", 0, 1, tmp_path / "x.json", record=False, resume=False)
    (journal,) = cache.iterdir()
    assert json.loads(journal.read_text().splitlines()[-1])["id"]


def test_runs_of_other_claims_keep_their_own_journals(cache):
    assert Journal("quick", 0, ["a"]).path != Journal("quick", 0, ["b"]).path
    assert Journal("quick", 0, ["a"]).path == Journal("quick", 0, ["a"]).path


def test_the_front_of_an_id_that_names_one_claim_shows_its_page(run):
    page = run("claims", "lemC4").stdout
    assert page == run("claims", "vanveen18.lemC4").stdout
    assert "false siblings" in page


def test_claims_that_are_not_recorded_are_told(recorded, capsys):
    recorded()
    assert verify([FAST[0]]) == 0
    told_of = capsys.readouterr().out
    assert "not in the committed record" in told_of
    assert "No verdict contradicts" not in told_of


@pytest.mark.parametrize("columns", ["0", "1", "5"])
def test_a_terminal_of_hardly_any_columns_loses_no_cell(columns, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", columns)
    console.show([Table(["method", "misfit"], [["tv", "0.25"]])], console.stdout())
    assert re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).split() == ["method", "misfit", "tv", "0.25"]
