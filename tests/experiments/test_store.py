"""The store: what it keeps, bit for bit, and every way in which it can be unfit."""

import math
import os
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing

import pytest
from support import ROOT, TINY, raw, rows

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.grid import make_grid
from untrained.sims.experiments.store import APPLICATION, FORMAT, reading, writing
from untrained.sims.experiments.studies import load_study
from untrained.sims.experiments.sweep import export
from untrained.sims.experiments.worker import CellOutcome, row_from_text, row_to_text


def bits(number):
    return struct.pack(">d", number).hex()


def number(hexadecimal):
    return struct.unpack(">d", bytes.fromhex(hexadecimal))[0]


@pytest.mark.parametrize(
    "value",
    [0.1, -0.0, 5e-324, math.pi, 1.7976931348623157e308, math.inf, -math.inf, math.nan, number("fff80000000000ab")],
)
def test_a_float_comes_back_with_the_same_bits(value):
    (result,) = row_from_text(row_to_text({"a": value}, {})).values()
    assert bits(result) == bits(value)


def test_other_scalars_come_back_with_their_kinds():
    row = {"n": 3**100, "w": "ü\n\0'\"", "yes": True, "no": False, "none": None, "one": 1, "real": 1.0}
    result = row_from_text(row_to_text(row, {}))
    assert repr(result) == repr(row)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"a": [1]}, "got a of type list"),
        ({"a": 1j}, "got a of type complex"),
        ({1: 1}, "must be a string, got 1"),
        ({"seed": 1}, "got 'seed'"),
        ({"n": 1}, "got 'n'"),
        ([1], "must be a mapping of columns, got list"),
    ],
)
def test_a_row_of_anything_else_is_refused(row, sentence):
    with pytest.raises(ValueError, match="must") as refused:
        row_to_text(row, {"n": 1})
    assert sentence in str(refused.value)


def ended(i, outcome="done", row='{"a": 1}'):
    return f"key {i}", Cell({"n": i}, 0), CellOutcome(outcome, row, None, 0.0, "w", "cpu")


def test_the_header_tells_program_format_study_and_time(place):
    with writing(place, "tiny"):
        pass
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        about = dict(connection.execute("SELECT name, value FROM about"))
    assert about["experiment"] == "tiny"
    assert about["created"].endswith("+00:00")


def test_cells_are_kept_all_together_or_not_at_all(place):
    with writing(place, "tiny") as store:
        store.begin(2, 0, "v")
        with pytest.raises(TypeError):
            store.add("tiny", [ended(1), "no cell"])
        assert store.outcomes() == {}
        store.add("tiny", [ended(1), ended(2)])
    assert [key for key, *_ in raw(place)] == ["key 1", "key 2"]


UNFIT = {
    "text": (lambda path: path.write_text("hello, this is no database" * 100), "file is not a database"),
    "another program's": (lambda path: alter(path, "CREATE TABLE t (a)"), "of another program"),
    "a newer format": (lambda path: alter(path, "PRAGMA user_version = 3", make=True), "of format 3"),
    "another study's": (lambda path: make(path, "other"), "must be of tiny"),
    "cut off": (lambda path: cut(path), "must be a whole SQLite file"),
    "overwritten in the middle": (lambda path: overwrite(path), "must be a whole SQLite file"),
}


def make(path, study="tiny", cells=400):
    with writing(path, study) as store:
        store.begin(cells, 0, "v")
        store.add(study, [ended(i) for i in range(cells)])


def alter(path, statement, *, make=False):
    if make:
        globals()["make"](path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def cut(path):
    make(path)
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path):
    make(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(b"\xff" * 8192)


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize("opening", [writing, reading])
def test_an_unfit_store_is_refused_with_a_way_out_and_left_as_it_is(place, name, opening):
    spoil, sentence = UNFIT[name]
    spoil(place)
    before = place.read_bytes()
    with pytest.raises(ValueError, match="the store must be") as refused, opening(place, "tiny"):
        pass
    assert sentence in str(refused.value)
    assert "move it away or name another `store`" in str(refused.value)
    assert place.read_bytes() == before


def test_a_store_that_is_not_there_cannot_be_read(place):
    with pytest.raises(ValueError, match="must be there to be read"), reading(place, "tiny"):
        pass


def test_a_folder_in_place_of_a_store_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the store must be a file"), writing(tmp_path, "tiny"):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="in a folder that can be written to"), writing(tmp_path / "file/s", "tiny"):
        pass


def test_a_file_that_was_made_but_never_begun_is_taken(place):
    place.touch()
    make(place)
    assert len(raw(place)) == 400


HOLD = """
import sys
from pathlib import Path
from untrained.sims.experiments.studies import load_study
from untrained.sims.experiments.worker import CellOutcome, row_from_text, row_to_text
from untrained.sims.experiments.store import writing
with writing(Path(sys.argv[1]), "tiny"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_client_is_refused_reading_goes_on_and_death_releases(place):
    make(place)
    command = [sys.executable, "-c", HOLD, place]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(ValueError, match=f"in use by process {other.pid}$"), writing(place, "tiny"):
                pass
            with reading(place, "tiny") as store:
                assert store.status()["running"]
                assert len(store.outcomes()) == 400
        finally:
            other.kill()
            other.wait()
    with writing(place, "tiny") as store:
        assert len(store.outcomes()) == 400
    with reading(place, "tiny") as store:
        assert not store.status()["running"]


def test_a_full_disk_stops_with_one_sentence_and_earlier_cells_are_kept(place):
    def fill():
        with writing(place, "tiny") as store:
            store.begin(9, 0, "v")
            store._connection.execute("PRAGMA max_page_count = 20")
            for i in range(99):
                store.add("tiny", [ended(i, row=f'{{"a": "{"x" * 1000}"}}')])

    with pytest.raises(ValueError, match=r"database or disk is full.*is kept"):
        fill()
    cells = raw(place, "key, length(row)")
    assert 5 < len(cells) < 98
    with writing(place, "tiny") as store:
        assert len(store.outcomes()) == len(cells)


def test_rows_come_sorted_by_parameters_and_seed_or_as_a_grid_has_them(sweep, place):
    sweep("n=3,1 x=1,0.5")
    cell_rows = rows(place)
    assert [(row["n"], row["x"], row["seed"]) for row in cell_rows] == [
        (n, x, seed) for n in (1, 3) for x in (0.5, 1.0) for seed in (0, 1)
    ]
    assert list(cell_rows[0]) == ["n", "x", "mode", "sleep", "seed", "value", "odd", "whole", "word", "yes", "no"]
    as_asked = rows(place, make_grid(load_study(TINY), "n=3,2,1 x=1", 1))
    assert [(row["n"], row["seed"]) for row in as_asked] == [(3, 0), (1, 0)]


def test_a_csv_holds_every_float_exactly(sweep, place, tmp_path):
    sweep("n=1:9:9 mode=plain,nan,inf")
    table = rows(place)
    export(tmp_path / "a.csv", table)
    head, *lines = (tmp_path / "a.csv").read_text().splitlines()
    assert head == "n,x,mode,sleep,seed,value,odd,whole,word,yes,no"
    assert len(lines) == len(table) == 9 * 2 * 3 * 2
    assert [float(line.split(",")[5]) for line in lines] == [row["value"] for row in table]
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


@pytest.mark.parametrize("name", ["a.txt", "missing/a.csv", "folder.csv"])
def test_a_table_that_cannot_be_written_is_refused(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match="export must name a file"):
        export(tmp_path / name, [{"a": 1}])


def test_parquet_without_its_library_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'untrained\[parquet\]'"):
        export(tmp_path / "a.parquet", [{"a": 1}])


def test_parquet_holds_the_rows(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    table = [{"a": 0.1, "b": "x", "c": None}, {"a": math.inf, "b": "y", "c": True}]
    export(tmp_path / "a.parquet", table)
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == table
    with pytest.raises(ValueError, match="of one kind"):
        export(tmp_path / "a.parquet", [{"a": 0.1}, {"a": "x"}])
