"""A paper of one's own: a Python file or a list of claims, judged and pushed as the ledger is."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import untrained
from untrained.results import Mutants, Verdicts
from untrained.sims.evidence.papers import LEDGER, paper_and_names, paper_of, read_paper
from untrained.theory.claim import Control
from untrained.theory.ledger import ledger

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "my_paper.py"


@pytest.fixture
def paper(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copy(EXAMPLE, tmp_path / "my_paper.py"))


def run(paper, *arguments):
    command = [sys.executable, "-m", "untrained", *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "XDG_CACHE_HOME": str(paper.parent / "cache")}
    return subprocess.run(command, cwd=paper.parent, env=environment, capture_output=True, text=True, timeout=300)


def edited(paper, old, new):
    text = paper.read_text()
    assert old in text
    paper.write_text(text.replace(old, new))
    return paper


def test_the_example_is_short():
    assert sum(bool(line.strip()) for line in EXAMPLE.read_text().splitlines()) <= 30


def test_a_file_is_judged_on_processes_as_it_is_in_this_one(paper):
    here, there = untrained.verify(paper), untrained.verify(paper, workers=2)
    assert isinstance(here, Verdicts)
    assert here["jl.lengths"] == "SUPPORTED"
    pairs = zip(here.entries.values(), there.entries.values(), strict=True)
    assert all({**a, "seconds": 0} == {**b, "seconds": 0} for a, b in pairs)
    assert "not in the committed record" not in str(here)
    assert here.entries["jl.lengths"]["nearest"] == pytest.approx(1.04)


def test_a_list_of_claims_is_judged(paper):
    claims = list(read_paper(paper).own.values())
    assert untrained.verify(claims)["jl.lengths"] == "SUPPORTED"
    with pytest.raises(ValueError, match=r"^workers is for claims by id or in a file, got 2 for a list$"):
        untrained.verify(claims, workers=2)


def test_a_claim_may_need_the_ledger(paper):
    (claim,) = read_paper(paper).own.values()
    needing = replace(claim, id="jl.more", needs=("vanveen18.sigma",))
    verdicts = untrained.verify([claim, needing], "jl.more")
    assert list(verdicts) == ["jl.more"]
    assert verdicts.entries["jl.more"]["needs"] == ["vanveen18.sigma"]
    with pytest.raises(ValueError, match=r"claim jl\.more needs unknown claims \['nobody'\]"):
        paper_of([replace(needing, needs=("nobody",))])


def test_brackets_of_a_file(paper):
    mutants = untrained.mutants(paper)
    assert isinstance(mutants, Mutants)
    ends = {one["name"]: one for one in mutants["jl.lengths"]["pushes"]}
    assert ends["square"]["affirmed"] < ends["square"]["refuted"] <= 0.2525
    assert ends["cube"]["refuted"] < ends["cube"]["affirmed"] < 1 / 6
    assert mutants.faults == ()
    assert "4 of 4 constants and hypotheses lose their verdict when pushed." in str(mutants)


def test_the_level_is_split_over_one_s_own_counts(paper):
    (entry,) = untrained.verify(paper).entries.values()
    assert entry["level"] == pytest.approx(0.01 / 3)  # one cell, of the claim and of two siblings


def test_the_command_line_takes_a_file(paper):
    judged = run(paper, "verify", "my_paper.py", "lengths", "--workers", "1", "--json", "out.json")
    assert (judged.returncode, judged.stderr) == (0, "")
    assert "SUPPORTED" in judged.stdout
    assert [one["id"] for one in json.loads((paper.parent / "out.json").read_text())["claims"]] == ["jl.lengths"]
    pushed = run(paper, "verify", "my_paper.py", "--mutants", "--workers", "1", "--json", "mutants.json")
    assert (pushed.returncode, pushed.stderr) == (0, "")
    assert "4 of 4 constants" in pushed.stdout
    assert json.loads((paper.parent / "mutants.json").read_text())["faults"] == []
    page = run(paper, "claims", "my_paper.py")
    assert (page.returncode, page.stderr) == (0, "")
    assert "jl.lengths" in page.stdout
    assert list((paper.parent / "cache" / "untrained").iterdir()) == []


def test_a_number_without_weight_is_printed_and_exits_one(paper):
    edited(paper, '"power": (2, "down")}', '"power": (2, "down"), "idle": (3, "up")}')
    edited(paper, " eps^$power", " eps^$power or $idle")
    ended = run(paper, "verify", "my_paper.py", "--mutants", "--workers", "1")
    assert ended.returncode == 1
    assert "NO PUSH LOSES THE VERDICT  jl.lengths: idle up" in ended.stdout


REFUSED = {
    "a missing field": (
        '    refuted_by="n and eps where the exact failure probability is larger",\n',
        "",
        "paper must be a file that Python runs, got my_paper.py with TypeError: Claim.__init__() missing 1 required "
        "positional argument: 'refuted_by'",
    ),
    "a formula that raises": (
        'c["factor"] * exp',
        '1 / 0 * c["factor"] * exp',
        "evidence of jl.lengths must be computed without an error, got ZeroDivisionError: division by zero (line 10)",
    ),
    "no control": (
        'controls=(Control("square_0.26", {"square": 0.26}), Control("factor_0.99", {"factor": 0.99})),',
        "",
        "claim jl.lengths must have a control, a sibling that is false, got none",
    ),
    "a control of another constant": (
        '{"factor": 0.99}',
        '{"faktor": 0.99}',
        "constants of jl.lengths must be its own, got unknown constants ['faktor']",
    ),
    "a file that does not import": (
        "from math import exp",
        "from math import exponential",
        "paper must be a file that Python runs, got my_paper.py with ImportError: cannot import name 'exponential'",
    ),
    "a file that ends the program": (
        "from math import exp",
        "raise SystemExit(0)",
        "paper must be a file that Python runs, got my_paper.py with SystemExit: 0 (line",
    ),
    "a file that is no Python": (
        "def claimed",
        "deff claimed",
        "paper must be a file that Python runs, got my_paper.py",
    ),
    "an unknown placeholder": (
        "$factor e",
        "$faktor e",
        "words of jl.lengths must be templates of its constants: sentence must name constants of its claim, "
        "got $faktor",
    ),
    "a number typed into a sentence": (
        "probability <= $factor",
        "probability <= 2",
        "says of jl.lengths must take its numbers from constants, got 2 in",
    ),
    "an id of the ledger": ('"jl.lengths"', '"vanveen18.h"', "claim ids must be unique, got vanveen18.h in the ledger"),
    "no claim": (
        "LENGTHS = Claim(",
        "LENGTHS = dict(",
        "paper must hold claims, in CLAIMS or under names of their own",
    ),
    "a way that there is none of": (
        '"factor": (2, "down")',
        '"factor": (2, "sideways")',
        "constant factor of jl.lengths must be stronger up, down or both, got 'sideways'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_with_a_file_is_one_sentence(paper, case):
    old, new, sentence = REFUSED[case]
    ended = run(edited(paper, old, new), "verify", "my_paper.py", "--workers", "1")
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"untrained: {sentence}")


def test_an_id_twice_is_refused(paper):
    (claim,) = read_paper(paper).own.values()
    with pytest.raises(ValueError, match=r"^claim ids must be unique, got jl\.lengths more than once$"):
        paper_of([claim, replace(claim, controls=(Control("x", {"factor": 1}),))])


def test_the_record_takes_the_ledger_alone(paper):
    ended = run(paper, "verify", "my_paper.py", "--record")
    assert ended.returncode == 2
    assert ended.stderr.startswith("untrained: --record is for claims of the ledger, got those of")


def test_a_run_of_another_file_has_another_journal(paper):
    from untrained.sims.record.entries import Journal

    before = Journal("quick", 0, ["jl.lengths"], read_paper(paper)).path
    edited(paper, "0.26", "0.27")
    assert Journal("quick", 0, ["jl.lengths"], read_paper(paper)).path != before
    assert Journal("quick", 0, ["jl.lengths"]).path != before


def test_without_a_file_the_ledger_is_at_hand():
    assert paper_and_names(["lemB3"]) == (LEDGER, ["lemB3"])
    assert LEDGER.claims is ledger()
