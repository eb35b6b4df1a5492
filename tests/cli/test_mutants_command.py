"""`untrained verify --mutants`: reports, journals, the record, and its exit code."""

import json
from dataclasses import replace

import pytest

from untrained import cli
from untrained.sims.evidence.mutants import MutantReport, Push, Pushes
from untrained.sims.evidence.papers import LEDGER, Paper
from untrained.sims.record import store
from untrained.sims.record.brackets import MUTANTS
from untrained.sims.record.entries import Journal
from untrained.theory.claim import Constant
from untrained.theory.ledger import ledger

IDS = ["vanveen18.sigma", "vanveen18.h"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "untrained"


def mutate(ids, json_path=None, *, record=False, resume=False, paper=LEDGER):
    return cli.verify.mutate_claims(list(ids), 0, 2, json_path, paper, record=record, resume=resume)


def test_every_constant_is_pushed_and_the_reports_are_written(cache, tmp_path, capsys):
    assert mutate(IDS, tmp_path / "out.json") == 0
    whole = json.loads((tmp_path / "out.json").read_text())
    assert [one["id"] for one in whole["mutants"]] == IDS
    assert whole["faults"] == []
    printed = capsys.readouterr().out
    names = {name for claim_id in IDS for name in ledger()[claim_id].constants}
    assert all(name in printed for name in names)
    assert "constants and hypotheses lose their verdict when pushed." in printed
    assert list(cache.iterdir()) == []


def test_what_was_pushed_before_is_taken_from_the_journal(cache, capsys):
    before = MutantReport(IDS[0], "affirmed", (Pushes("diagonal", "up", 1, (Push(2, "lost"),), 1, 2, "proved"),))
    journal = Journal("mutants", 0, IDS, LEDGER, MUTANTS)
    journal.start({IDS[0]: before})
    assert mutate(IDS, resume=True) == 0
    assert "lost at 2" in capsys.readouterr().out
    assert not journal.path.exists()


def test_recording_writes_a_file_a_claim_and_the_note(cache, monkeypatch, tmp_path):
    refreshed, write = [], store.write_record
    monkeypatch.setattr(store, "write_record", lambda kind, name, data: write(kind, name, data, tmp_path))
    monkeypatch.setattr("untrained.figures.verdict_table.refresh_note", lambda: refreshed.append(True))
    assert mutate(IDS, record=True) == 0
    record = store.read_all("mutants", tmp_path)
    assert sorted(record) == sorted(IDS)
    assert record[IDS[0]]["version"] == ledger()[IDS[0]].version
    assert refreshed == [True]


def test_a_fault_exits_one(cache, monkeypatch, capsys):
    report = MutantReport(IDS[0], "affirmed", (Pushes("diagonal", "up", 1, (Push(2, "affirmed"),), 2, None, "proved"),))
    monkeypatch.setattr("untrained.sims.evidence.mutants.mutate_all", lambda ids, seed, workers, paper: iter([report]))
    assert mutate(IDS[:1]) == 1
    assert f"NO PUSH LOSES THE VERDICT  {IDS[0]}: diagonal up" in capsys.readouterr().out


def test_another_version_of_a_claim_has_another_journal(cache):
    claim = replace(ledger()[IDS[0]], id="own.x", constants={"diagonal": Constant(1)})
    papers = [Paper({"own.x": replace(claim, version=version)}) for version in (1, 2)]
    first, second = (Journal("mutants", 0, ["own.x"], paper, MUTANTS).path for paper in papers)
    assert first != second
    assert first.name.startswith("mutants-")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--mutants", "--budget", "deep"], "--budget is for verdicts, got deep with --mutants"),
        (["--mutants", "--workers", "0"], "--workers must be at least 1, got 0"),
        (["--mutants", "nobody"], "claim id must be one that"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, sentence, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["untrained", "verify", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"untrained: {sentence}")
