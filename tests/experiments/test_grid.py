"""Studies, their grids, and finding them."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from support import FOLDER, TINY

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.grid import Grid, make_grid
from untrained.sims.experiments.studies import STUDIES, find_study, load_study
from untrained.sims.experiments.study import Study


@pytest.fixture
def tiny():
    return load_study(TINY)


def test_the_default_grid_is_every_value_with_every_seed(tiny):
    cells = list(make_grid(tiny))
    assert len(cells) == len(make_grid(tiny)) == 4 * 2 * 2
    assert [(c.parameters["n"], c.parameters["x"], c.seed) for c in cells[:5]] == [
        (1, 0.1, 0),
        (1, 0.1, 1),
        (1, 1.0, 0),
        (1, 1.0, 1),
        (2, 0.1, 0),
    ]


@pytest.mark.parametrize(
    ("text", "axis", "values"),
    [
        ("n=8,16", "n", (8, 16)),
        ("n=1:8:8", "n", (1, 2, 3, 4, 5, 6, 7, 8)),
        ("n=1:4:7", "n", (1, 2, 3, 4)),
        ("n=log:1:16:5", "n", (1, 2, 4, 8, 16)),
        ("n=8,8,16:18:2", "n", (8, 16, 18)),
        ("n=5:7:1", "n", (5,)),
        ("n=1e2", "n", (100,)),
        ("x=0:1:3", "x", (0.0, 0.5, 1.0)),
        ("x=1:0:3", "x", (1.0, 0.5, 0.0)),
        ("x=-1,2", "x", (-1.0, 2.0)),
        ("mode=plain,nan", "mode", ("plain", "nan")),
    ],
)
def test_an_axis_takes_values_and_ranges(tiny, text, axis, values):
    entries = make_grid(tiny, text).axes[axis]
    assert entries == values
    assert [type(value) for value in entries] == [type(value) for value in values]


def test_a_logarithmic_range_has_its_bounds_exactly_and_even_ratios(tiny):
    values = make_grid(tiny, "x=log:0.1:10:5").axes["x"]
    assert (values[0], values[-1]) == (0.1, 10.0)
    ratios = [b / a for a, b in pairwise(values)]
    assert all(math.isclose(ratio, 10**0.5) for ratio in ratios)


REFUSED = {
    "no equals sign": ("n", "AXIS=VALUES"),
    "an unknown axis": ("m=1", "one of n, x, mode, sleep, got 'm'"),
    "an axis twice": ("n=1 n=2", "n twice"),
    "no value": ("n=", "no value of n"),
    "a value too high": ("n=100001", "whole number from 1 to 100000, got 100001"),
    "a value too low": ("n=0:3:4", "whole number from 1 to 100000, got 0"),
    "half a whole number": ("n=1.5", "whole number from 1 to 100000, got 1.5"),
    "a word in place of a number": ("x=big", "x must be numbers, got 'big'"),
    "no finite number": ("x=nan", "x must be numbers, got 'nan'"),
    "an unknown word": ("mode=wild", "one of plain, raise"),
    "a range without count": ("x=1:2", "low:high:count"),
    "a count of none": ("x=1:2:0", "low:high:count"),
    "a huge count": ("x=1:2:100000000000", "low:high:count"),
    "a logarithm of nothing": ("x=log:0:2:3", "positive bounds"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_grid_is_refused_in_one_sentence(tiny, name):
    text, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=r"must") as refused:
        make_grid(tiny, text)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_seeds_are_refused(tiny):
    with pytest.raises(ValueError, match="seeds must be at least 1, got 0"):
        make_grid(tiny, seeds=0)


def test_a_key_tells_study_parameters_seed_and_version_apart_but_not_the_order_of_parameters(tiny):
    cell = Cell({"n": 1, "x": 0.5}, 0)
    assert tiny.key(cell) == tiny.key(Cell({"x": 0.5, "n": 1}, 0))
    others = [replace(tiny, name="b").key(cell), replace(tiny, version=2).key(cell), tiny.key(replace(cell, seed=1))]
    others += [tiny.key(Cell({"n": 2, "x": 0.5}, 0)), tiny.key(Cell({"n": 1, "x": math.nextafter(0.5, 1)}, 0))]
    assert len({tiny.key(cell), *others}) == 6


def test_parameters_are_fitted_to_their_axes(tiny):
    fitted = tiny.fit_all({"mode": "plain", "x": 1, "n": 2.0, "sleep": -0.0})
    assert repr(fitted) == repr({"n": 2, "x": 1.0, "mode": "plain", "sleep": 0.0})
    with pytest.raises(ValueError, match="must hold sleep"):
        tiny.fit_all({"n": 1, "x": 1.0, "mode": "plain"})
    with pytest.raises(ValueError, match="must not be 13"):
        tiny.fit_all({"n": 13, "x": 1.0, "mode": "plain", "sleep": 0.0})
    with pytest.raises(ValueError, match="whole number from 1 to 100000, got True"):
        tiny.fit("n", True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "a/b"}, "letters, digits, dots and dashes"),
        ({"seeds": 0}, "at least 1"),
        ({"axes": {"n": (1,)}}, "must be those of its domain"),
        ({"axes": {"n": (0,), "x": (0.1,), "mode": ("plain",), "sleep": (0.0,)}}, "from 1 to 100000, got 0"),
    ],
)
def test_a_study_that_contradicts_itself_is_refused(tiny, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(tiny, **change)


def test_a_study_is_found_by_name_by_module_and_by_file(tiny, monkeypatch):
    monkeypatch.setitem(STUDIES, "small", TINY)
    assert load_study("small") is load_study(TINY) is tiny
    monkeypatch.chdir(FOLDER)
    assert find_study("tiny.py:TINY") == TINY
    assert find_study("some.module:THING") == "some.module:THING"


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("nope", "must be a known name"),
        ("sims.nope:X", "must be importable, got sims.nope with ModuleNotFoundError"),
        ("missing.py:X", "missing.py with FileNotFoundError"),
        (f"{TINY}NOT", "must be a Study named TINYNOT"),
        ("untrained.sims.experiments.grid:Grid", "got type"),
    ],
)
def test_a_study_that_cannot_be_had_is_refused(reference, sentence):
    with pytest.raises(ValueError, match=r"must be") as refused:
        load_study(reference)
    assert sentence in str(refused.value)


def test_a_file_that_fails_is_refused_with_its_reason(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(ValueError, match="ZeroDivisionError: division by zero"):
        load_study(f"{tmp_path / 'bad.py'}:X")


def test_a_grid_makes_its_cells_one_by_one():
    grid = Grid({"n": tuple(range(1000)), "m": tuple(range(1000))}, 1000)
    assert len(grid) == 10**9
    assert next(iter(grid)) == Cell({"n": 0, "m": 0}, 0)


def test_the_kind_of_an_axis_follows_bounds_and_defaults():
    study = Study("s", "", {"a": (1,), "b": (1,), "c": ("u",)}, {"a": (0, 9), "b": (0.0, 9), "c": ("u", "v")}, 1, dict)
    assert [study.kind(axis) for axis in "abc"] == ["int", "float", "str"]
