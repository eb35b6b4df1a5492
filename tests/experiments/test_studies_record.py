import json
from pathlib import Path

import pytest

from untrained.sims.experiments.grid import Grid
from untrained.sims.experiments.loading import load
from untrained.sims.experiments.studies import phase, sigma
from untrained.sims.experiments.studies.registry import STUDIES
from untrained.sims.record import studies
from untrained.sims.record.store import FOLDER
from untrained.sims.record.studies import compute_study, load_study, pick, study_text

NAMES = ("phase", "rate", "step", "sigma", "signs", "sensing", "noise")
SMALL = Grid({"n": (4,), "ratio": (8.0, 40.0), "trials": (20,)}, 2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("untrained.sims.experiments.grid.make_grid", lambda study: SMALL)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_study_is_its_default_grid_in_a_small_file(name: str) -> None:
    study, data = load(name), load_study(name)
    assert {axis: tuple(values) for axis, values in data["axes"].items()} == dict(study.axes)
    assert (data["name"], data["says"], data["seeds"]) == (name, study.says, study.seeds)
    path = FOLDER / "sweeps" / f"{name}.json"
    assert path.stat().st_size <= 100_000
    assert study_text(data) == path.read_text(encoding="utf-8")
    assert data["cells"] == len(Grid(study.axes, study.seeds))


@pytest.mark.parametrize("name", NAMES)
def test_theory_and_simulation_stand_in_one_table(name: str) -> None:
    rows = load_study(name)["rows"]
    sources = {row["source"] for row in rows}
    assert "simulation" in sources
    assert len(sources) > 1 or name == "noise"


def recorded(name: str, **at: object) -> list[dict[str, object]]:
    return [row for row in load_study(name)["rows"] if all(row[key] == value for key, value in at.items())]


def close(fresh: dict[str, object], kept: dict[str, object]) -> bool:
    numbers = [k for k in ("value", "low", "high") if fresh[k] is not None]
    same = {k: v for k, v in fresh.items() if k not in numbers} == {k: v for k, v in kept.items() if k not in numbers}
    return same and [fresh[k] for k in numbers] == pytest.approx([kept[k] for k in numbers], rel=1e-4)


def test_sigma_is_recorded_as_its_cells_give_it() -> None:
    parameters = {"n": 16, "ratio": 20.0, "trials": 10_000}
    fresh = sigma.table([(parameters, 0, sigma.row(parameters, 0, "cpu"))])[:6]
    kept = recorded("sigma", n=16, ratio=20)
    assert len(kept) == 6
    assert all(close(a, b) for a, b in zip(fresh, kept, strict=True))


def test_phase_is_recorded_as_its_cells_give_it() -> None:
    parameters = {"n": 16, "ratio": 14.0, "runs": 32, "steps": 20_000}
    cells = [(parameters, seed, phase.row(parameters, seed, "cpu")) for seed in (0, 1)]
    kept = recorded("phase", n=16, ratio=14)
    assert len(kept) == 7
    assert all(close(a, b) for a, b in zip(phase.table(cells)[:7], kept, strict=True))


def test_recorded_thresholds_are_those_of_the_recorded_shares() -> None:
    rows = load_study("phase")["rows"]
    shares = [row for row in rows if row["ratio"] is not None and row["source"] == "simulation"]
    sizes = sorted({row["n"] for row in shares})
    for quantity in ("converged", *phase.PARTS, "stalled"):
        kept = [r for r in rows if r["source"] == "simulation" and r["quantity"].startswith(f"half {quantity}")]
        kept = [r for r in kept if r["quantity"].split(",")[0] == f"half {quantity}"]
        fresh = phase._threshold_rows(sizes, shares, quantity)
        assert len(fresh) == len(kept)
        assert all(close(a, b) for a, b in zip(fresh, kept, strict=True))


@pytest.mark.usefixtures("small")
def test_computing_a_study_goes_through_all_cells(capsys: pytest.CaptureFixture[str]) -> None:
    data = compute_study("sigma")
    assert (data["cells"], data["axes"]["ratio"], data["seeds"]) == (4, [8.0, 40.0], 2)
    assert {row["count"] for row in pick(data["rows"], source="simulation", quantity="below half")} == {40}
    assert capsys.readouterr().out.count("\n") == 4
    assert compute_study("sigma", quiet=True) == data
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("small")
def test_the_command_writes_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["studies", "sigma"])
    studies.main()
    assert load_study("sigma", tmp_path) == compute_study("sigma", quiet=True)
    assert [path.name for path in (tmp_path / "sweeps").iterdir()] == ["sigma.json"]


def test_the_command_refuses_an_unknown_study(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["studies", "phases"])
    with pytest.raises(SystemExit):
        studies.main()
    assert f"study must be one of {', '.join(STUDIES)}, got phases" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "study must be one of the record's, got 'sigma'"),
        ("{", "study must be JSON with rows, got sigma.json"),
        ("[1]", "study must be JSON with rows, got sigma.json"),
        ('{"rows": []}', "same columns with a source, got sigma.json"),
        ('{"rows": [{"source": 1}]}', "same columns with a source, got sigma.json"),
    ],
)
def test_a_missing_or_damaged_record_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    (tmp_path / "sweeps").mkdir()
    if text is not None:
        (tmp_path / "sweeps" / "sigma.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_study("sigma", tmp_path)


def test_text_is_the_data_again_and_never_too_long() -> None:
    row = {"source": "edge", "quantity": "x", "value": 0.1}
    assert json.loads(study_text({"name": "s", "rows": [row] * 3})) == {"name": "s", "rows": [row] * 3}
    with pytest.raises(ValueError, match="must take at most 100000 bytes, got"):
        study_text({"name": "s", "rows": [row] * 3000})
    with pytest.raises(ValueError, match="not JSON compliant"):
        study_text({"name": "s", "rows": [row | {"value": float("nan")}]})


def test_pick_leaves_out_rows_without_a_value() -> None:
    rows = [{"n": 1, "value": 2.0}, {"n": 1, "value": None}, {"n": 2, "value": 3.0}]
    assert pick(rows, n=1) == [{"n": 1, "value": 2.0}]
