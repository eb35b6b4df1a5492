import dataclasses
import errno
import json
import math
import os
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest

from untrained.sims import files
from untrained.sims.evidence.gather import Dossier, judge_all
from untrained.sims.files import write_text
from untrained.sims.record import entries, store
from untrained.sims.record.entries import (
    Journal,
    claim_entry,
    dossier_from_json,
    dossier_to_json,
    evidence_from_json,
    evidence_to_json,
    json_value,
)
from untrained.sims.record.store import RECORD_KINDS, read_all, read_record, record_text, to_text, write_record
from untrained.theory.evidence import Compared, Counted, Enclosed, Evidence, Exact, Searched, Symbolic
from untrained.theory.ledger import in_order_of_need, ledger

EVIDENCE = [
    Symbolic(("a", "b"), ("b: x - 1",), "because", True),
    Symbolic(("a",), (), "because"),
    Exact(7, 5, -0.1, {"n": 3, "delta": 0.25}, "all of them", True, 1, {"n": 2, "delta": 0.5}),
    Exact(7, 5, -math.inf, {"n": 3}),
    Enclosed({"x": "1.234"}, (-0.5, 0.25), "because", True, True),
    Enclosed({}, (-math.inf, math.inf)),
    Searched(60, 50, 40, -math.inf, {"n": 3, "seed": 2**31}),
    Searched(60, 0, 0, math.inf, {}),
    Counted({"n": 4, "R": 0.2}, 0.9, 90, 100, 95, 1e-4, 0.8, 1.0, -math.inf, {"trial": 7}),
    Compared({"m": 500}, 0.8, 0.7, 0.9, "<", 1.0, 0.05, 60),
    Compared({"m": 500}, 0.8, -math.inf, math.inf, ">=", 1.0, 0.05, 1),
]


def gathered(claim_id="vanveen18.lemC3", seconds=1.25):
    controls = {control.name: (EVIDENCE[6], EVIDENCE[2]) for control in ledger()[claim_id].controls}
    return Dossier(claim_id, tuple(EVIDENCE), controls, seconds)


def through_text(value):
    return json.loads(json.dumps(value, allow_nan=False))


def test_every_kind_of_evidence_is_tried():
    assert {type(e).__name__ for e in EVIDENCE} == {kind.__name__ for kind in get_args(Evidence)}


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda e: type(e).__name__)
def test_evidence_comes_back_from_json_as_it_was(evidence):
    assert evidence_from_json(through_text(evidence_to_json(evidence))) == evidence


def test_a_margin_that_is_no_number_comes_back():
    back = evidence_from_json(through_text(evidence_to_json(Exact(1, 1, math.nan, {}))))
    assert math.isnan(back.margin)


def test_what_was_gathered_comes_back_from_json_as_it_was():
    assert dossier_from_json(through_text(dossier_to_json(gathered()))) == gathered()


def test_evidence_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="evidence must have a known kind, got 'Rumour'"):
        evidence_from_json({"kind": "Rumour"})


@pytest.mark.parametrize("change", [{"margin": None, "extra": 1}, {}], ids=["extra", "missing"])
def test_evidence_with_other_fields_is_refused(change):
    data = {**evidence_to_json(EVIDENCE[6]), **change} if change else {"kind": "Searched", "draws": 1}
    with pytest.raises(ValueError, match="evidence of kind Searched must have its own fields"):
        evidence_from_json(data)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.float64(np.inf), "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (Fraction(1, 3), "1/3"),
        ((1, [2.0, Fraction(1, 2)]), [1, [2.0, "1/2"]]),
        ({1: (np.int64(2),)}, {"1": [2]}),
        (None, None),
        ("text", "text"),
    ],
)
def test_plain_values_are_what_json_holds(value, expected):
    content = json_value(value)
    assert content == expected
    assert type(content) is type(expected)


def test_an_entry_has_everything_a_reader_needs():
    judged = judge_all({"vanveen18.lemC3": gathered()})["vanveen18.lemC3"]
    entry = through_text(claim_entry(judged, {"seed": 3}))
    version = ledger()["vanveen18.lemC3"].version
    assert (entry["id"], entry["verdict"], entry["seed"], entry["version"]) == (
        "vanveen18.lemC3",
        "REFUTED",
        3,
        version,
    )
    assert entry["margin"] == "-inf"
    assert entry["domain"] == {k: list(r.ends) for k, r in ledger()["vanveen18.lemC3"].ranges.items()}
    assert [e["kind"] for e in entry["evidence"]] == [type(e).__name__ for e in EVIDENCE]
    assert entry["level"] is None
    controls = {c["id"]: c for c in entry["controls"]}
    claim = ledger()["vanveen18.lemC3"]
    assert set(controls) == {f"vanveen18.lemC3~{control.name}" for control in claim.controls}
    for control in claim.controls:
        assert controls[f"vanveen18.lemC3~{control.name}"]["refuted_by_same_route"]
        assert controls[f"vanveen18.lemC3~{control.name}"]["says"] == claim.sibling(control).sentence


def test_a_counted_claim_shows_its_level():
    dossier = Dossier("vanveen18.lemC2", (EVIDENCE[8],), {}, 0.0)
    needed = {i: gathered(i) for i in in_order_of_need(["vanveen18.lemC2"])}
    entry = claim_entry(judge_all({**needed, "vanveen18.lemC2": dossier})["vanveen18.lemC2"], {})
    assert entry["family_level"] == 0.01
    assert 0 < entry["level"] < 0.01


ENTRY = {
    "id": "own.x",
    "verdict": "PROVED",
    "why": "proved by Symbolic",
    "margin": 0.0,
    "informative": None,
    "domain": {},
    "worst_case": {"ν": "½"},
    "decided_by": ["Symbolic"],
    "budget": "quick",
    "seed": 0,
    "version": 1,
}


ROWS = [{"source": "edge", "quantity": "x", "value": 0.1}, {"source": "edge", "quantity": "y", "value": None}]
RECORDS = {
    "claim": ENTRY,
    "mutants": {"id": "own.x", "outcome": "affirmed", "pushes": [{"name": "x"}], "seed": 0, "version": 1},
    "study": {"name": "x", "says": "X?", "axes": {"n": [1]}, "seeds": 1, "version": 2, "rows": ROWS},
    "recipe": {
        "name": "x", "kind": "curves", "title": "X", "source": "y", "version": 1, "groups": [{"mse": [1.0]}],
        "points": [], "statements": [],
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_every_kind_of_record_comes_back_as_it_was(tmp_path, kind):
    paths = [write_record(kind, name, RECORDS[kind], tmp_path) for name in ("own.x", "own.y.z")]
    assert read_record(kind, "own.x", tmp_path) == RECORDS[kind]
    assert read_all(kind, tmp_path) == {"own.x": RECORDS[kind], "own.y.z": RECORDS[kind]}
    assert paths[0].read_text() == record_text(kind, RECORDS[kind])
    assert paths[0].read_bytes().endswith(b"}\n")


def test_kinds_do_not_see_each_other(tmp_path):
    for kind, data in RECORDS.items():
        write_record(kind, "x", data, tmp_path)
    assert [list(read_all(kind, tmp_path)) for kind in RECORD_KINDS] == [["x"]] * len(RECORD_KINDS)


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_what_was_not_recorded_is_refused(tmp_path, kind):
    with pytest.raises(ValueError, match=f"^{kind} must be one of the record's, got 'curve'$"):
        read_record(kind, "curve", tmp_path)


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_a_record_that_grows_too_long_is_refused_and_the_old_one_stays(tmp_path, kind):
    path = write_record(kind, "x", RECORDS[kind], tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"^record of a {kind} must take at most [0-9]+ bytes, got"):
        write_record(kind, "x", {**RECORDS[kind], "says": "x" * RECORD_KINDS[kind].limit}, tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_the_committed_files_are_as_the_writer_writes_them(kind):
    for name, data in read_all(kind).items():
        assert RECORD_KINDS[kind].path(name, store.FOLDER).read_text(encoding="utf-8") == record_text(kind, data)


@pytest.mark.parametrize("rows", [[], [{"source": 1}], [*ROWS, {"source": 1}], "rows", [1]])
@pytest.mark.parametrize("kind", ["study"])
def test_rows_of_different_columns_are_refused(tmp_path, kind, rows):
    RECORD_KINDS[kind].path("x", tmp_path).parent.mkdir(exist_ok=True)
    RECORD_KINDS[kind].path("x", tmp_path).write_text(json.dumps({**RECORDS[kind], "rows": rows}))
    with pytest.raises(ValueError, match=f"^record of a {kind} must hold rows with the same columns and a source, in"):
        read_record(kind, "x", tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{'verdict': 1}", r"record of a claim must be JSON, got own\.x\.json with"),
        (b'{"verdict": "PROVED"', r"record of a claim must be JSON, got own\.x\.json with"),
        (b"", r"record of a claim must be JSON, got own\.x\.json with"),
        (b"\xff\xfe", r"record of a claim must be JSON, got own\.x\.json with"),
        (b"[1]", r"record of a claim must be one object, got own\.x\.json with list"),
        (b"{}", r"record of a claim must hold its fields, got own\.x\.json without budget"),
        (to_text({**ENTRY, "verdict": "MAYBE"}).encode(), r"must hold a known verdict, got 'MAYBE', in own\.x\.json"),
    ],
)
def test_a_corrupted_record_file_is_refused_in_one_sentence(tmp_path, content, sentence):
    (tmp_path / "own.x.json").write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as error:
        read_all("claim", tmp_path)
    assert "\n" not in str(error.value)


def test_numbers_that_are_not_finite_are_never_written_bare():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_text({"margin": math.inf})


def test_writing_replaces_the_whole_file(tmp_path):
    path = tmp_path / "x.json"
    write_text(path, "a long first text\n")
    write_text(path, "short\n")
    assert path.read_text() == "short\n"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def full_disk(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*arguments):
    raise KeyboardInterrupt("at once")


@pytest.mark.parametrize(
    ("step", "failure", "error", "sentence"),
    [
        ("replace", full_disk, OSError, "No space left"),
        ("chmod", full_disk, OSError, "No space left"),
        ("replace", interrupted, KeyboardInterrupt, "at once"),
    ],
)
def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path, monkeypatch, step, failure, error, sentence):
    path = tmp_path / "x.json"
    write_text(path, "old\n")
    monkeypatch.setattr(files.os, step, failure)
    with pytest.raises(error, match=sentence):
        write_text(path, "new\n")
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert path.read_text() == "old\n"


def test_text_that_cannot_be_encoded_leaves_no_part(tmp_path):
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        write_text(tmp_path / "x.json", "half\ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_full_is_an_error_and_leaves_no_part(tmp_path, monkeypatch):
    def on_full_device(handle, *arguments, **options):
        os.dup2(device, handle)
        return fdopen(handle, *arguments, **options)

    device, fdopen = os.open("/dev/full", os.O_WRONLY), os.fdopen
    monkeypatch.setattr(files.os, "fdopen", on_full_device)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "x.json", "new\n")
    os.close(device)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="in a folder that exists"):
        write_text(tmp_path / "missing" / "x.json", "text")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "untrained"


def test_a_journal_lies_in_the_cache_folder(cache, monkeypatch):
    assert Journal("quick", 0).path.parent == cache
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert Journal("quick", 0).path.parts[-3:-1] == (".cache", "untrained")


def test_a_run_goes_on_from_what_was_written(cache):
    journal = Journal("quick", 0)
    journal.start({})
    for claim_id in ("vanveen18.lemC3", "vanveen18.lemC4"):
        journal.add(gathered(claim_id))
    dossiers = Journal("quick", 0).read()
    assert dossiers == {i: gathered(i) for i in ("vanveen18.lemC3", "vanveen18.lemC4")}


def test_a_torn_last_line_is_left_out(cache):
    journal = Journal("quick", 0)
    journal.start({"vanveen18.lemC3": gathered()})
    whole = journal.path.read_text()
    for torn in (whole[:-1], whole[:40], "{"):
        journal.path.write_text(whole + torn)
        assert list(journal.read()) == ["vanveen18.lemC3"]


def test_a_journal_that_begins_anew_keeps_only_what_it_is_given(cache):
    journal = Journal("quick", 0)
    journal.start({})
    journal.add(gathered("vanveen18.lemC4"))
    journal.start({"vanveen18.lemC3": gathered()})
    assert list(journal.read()) == ["vanveen18.lemC3"]


@pytest.mark.parametrize(("budget", "seed"), [("quick", 1), ("standard", 0), ("quick", 10)])
def test_another_run_has_another_journal(cache, budget, seed):
    Journal("quick", 0).start({"vanveen18.lemC3": gathered()})
    other = Journal(budget, seed)
    assert other.path != Journal("quick", 0).path
    assert other.read() == {}


def test_another_version_of_a_claim_has_another_journal(cache, monkeypatch):
    before = Journal("quick", 0).path
    raised = {**ledger(), "vanveen18.lemC3": dataclasses.replace(ledger()["vanveen18.lemC3"], version=99)}
    monkeypatch.setattr(entries, "ledger", lambda: raised)
    assert Journal("quick", 0).path != before


def test_a_run_that_ends_leaves_no_journal(cache):
    journal = Journal("quick", 0)
    journal.start({})
    journal.close()
    journal.close()
    assert list(cache.iterdir()) == []
