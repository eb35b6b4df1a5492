from pathlib import Path

import pytest
from support import TINY

from untrained.sims.experiments.grid import Grid
from untrained.sims.experiments.runner import run_cells
from untrained.sims.experiments.studies import STUDIES, load_study, phase, sigma
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.sweep import Sweep, make_sweep
from untrained.sims.record.store import CHANGED, pick, read_record

NAMES = tuple(STUDIES)
SIMULATED = {"noise", "heckel20b-fig1", "heckel20a-fig4", "heckel20a-fig7", "heckel20a-fig12", "frequencies"}
"""Studies beside which no theory stands."""
SMALL = Grid({"n": (4,), "ratio": (8.0, 40.0), "trials": (20,)}, 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_study_is_its_default_grid_in_a_small_file(name: str) -> None:
    study, data = load_study(name), read_record("study", name)
    assert {axis: to_digits(values) for axis, values in data["axes"].items()} == {
        axis: to_digits(values) for axis, values in study.axes.items()
    }
    assert (data["name"], data["says"], data["seeds"]) == (name, study.says, study.seeds)
    assert data["cells"] == len(Grid(study.axes, study.seeds))


def to_digits(values):
    """Values of an axis to 14 digits: the last of a power is another one on another processor."""
    return [float(f"{value:.14g}") if isinstance(value, float) else value for value in values]


@pytest.mark.parametrize("name", NAMES)
def test_theory_and_simulation_stand_in_one_table(name: str) -> None:
    rows = read_record("study", name)["rows"]
    sources = {row["source"] for row in rows}
    assert "simulation" in sources
    assert len(sources) > 1 or name in SIMULATED


SAMPLES = {
    "phase": {"n": 16, "ratio": 14.0, "runs": 32, "steps": 20_000},
    "rate": {"n": 8, "ratio": 20.0, "runs": 8, "steps": 20_000},
    "step": {"n": 16, "ratio": 8.0, "multiple": 2.0, "runs": 16, "steps": 3000},
    "sigma": {"n": 16, "ratio": 20.0, "trials": 10_000},
    "signs": {"n": 8, "ratio": 20.0, "runs": 8, "steps": 10_000},
    "sensing": {"matrix": "cosine", "n": 32, "m": 16, "ratio": 20.0, "runs": 16, "steps": 5000},
    "noise": {
        "generator": "smooth",
        "signal": "noise",
        "n": 16,
        "ratio": 50.0,
        "runs": 16,
        "steps": 20_000,
        "errors": 1000,
    },
}
"""Parameters of each study that are computed anew: a cheap row of its grid."""


def sample(name: str) -> list[dict[str, object]]:
    """Rows of a study's table at its sample, from cells computed now."""
    study, parameters = load_study(name), study_of(name)
    cells = [StoredRow(parameters, seed, study.row(parameters, seed, "cpu")) for seed in range(study.seeds)]
    assert study.table is not None
    return at_sample(name, study.table(cells))


def study_of(name: str) -> dict[str, object]:
    return dict(load_study(name).fit_all(SAMPLES[name]))


def at_sample(name: str, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in rows if all(row[axis] == value for axis, value in study_of(name).items() if axis in row)]


def changes(fresh: list[dict[str, object]], record: list[dict[str, object]]) -> list[object]:
    """Rows of which the record has other numbers, or none; the record has six digits."""
    known = {(row["source"], row["quantity"]): row for row in record}
    return [row for row in fresh if not close(row, known.get((row["source"], row["quantity"]), {}))]


def close(fresh: dict[str, object], recorded: dict[str, object]) -> bool:
    numbers = [name for name in ("value", "low", "high") if fresh.get(name) is not None]
    words = [{k: v for k, v in row.items() if k not in numbers} for row in (fresh, recorded)]
    return words[0] == words[1] and [fresh[k] for k in numbers] == pytest.approx(
        [recorded[k] for k in numbers], rel=1e-4
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_recorded_numbers_are_those_of_cells_computed_now(name: str) -> None:
    fresh, recorded = sample(name), at_sample(name, read_record("study", name)["rows"])
    assert len(fresh) >= 4
    assert changes(fresh, recorded) == [], CHANGED.format(name)
    assert read_record("study", name)["version"] == load_study(name).version
    recorded[0]["value"] = float(recorded[0]["value"]) + 0.01  # type: ignore[arg-type]
    assert len(changes(fresh, recorded)) == 1


def test_recorded_quantiles_and_exact_levels_are_those_of_now() -> None:
    study, record = load_study("sigma_min"), read_record("study", "sigma_min")
    cells = [StoredRow(p, 0, study.row(p, 0, "cpu")) for p in (cell.parameters for cell in Grid(study.axes, 1))][::24]
    fresh = [row for cell in cells for row in sigma._quantile_rows(cell.parameters["n"], cell.row)]
    fresh += [sigma._place("exact law", 16, 6.0, "level of failure 2e^-n", sigma.failure_level(16, 96))]
    assert len(fresh) == 7
    assert unrecorded(fresh, record["rows"]) == [], CHANGED.format("sigma_min")
    assert record["version"] == study.version
    other = [row | {"value": row["value"] * 1.001} for row in record["rows"]]
    assert unrecorded(fresh, other) == [row for row in fresh if row["value"]]


def unrecorded(fresh: list[dict[str, object]], record: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in fresh if not any(close(row, one) for one in record)]


def test_recorded_thresholds_are_those_of_the_recorded_shares() -> None:
    rows = read_record("study", "phase")["rows"]
    shares = [row for row in rows if row["ratio"] is not None and row["source"] == "simulation"]
    sizes = sorted({row["n"] for row in shares})
    for quantity in ("converged", *phase.PARTS, "stalled"):
        thresholds = [r for r in rows if r["source"] == "simulation" and r["quantity"].startswith(f"half {quantity}")]
        thresholds = [r for r in thresholds if r["quantity"].split(",")[0] == f"half {quantity}"]
        fresh = phase._threshold_rows(sizes, shares, quantity)
        assert len(fresh) == len(thresholds)
        assert all(close(a, b) for a, b in zip(fresh, thresholds, strict=True))


def test_the_record_is_read_from_the_store(tmp_path: Path) -> None:
    sweep = Sweep("sigma", load_study("sigma"), SMALL, tmp_path / "sigma.sqlite")
    run_cells(sweep.study, "sigma", list(SMALL)[:3], sweep.store)
    with pytest.raises(ValueError, match="cells of a record must all be done, got 3 of 4"):
        sweep.record()
    assert sweep.run(workers=0, resume=True).before == 3
    data = sweep.record()
    assert (data["cells"], data["axes"]["ratio"], data["seeds"], data["version"]) == (4, [8.0, 40.0], 2, 1)
    assert {row["count"] for row in pick(data["rows"], source="simulation", quantity="below half")} == {40}
    cells = [
        StoredRow(cell.parameters, cell.seed, sigma.SIGMA_STUDY.row(cell.parameters, cell.seed, "cpu"))
        for cell in SMALL
    ]
    assert data["rows"] == sweep.study.table(cells) == sweep.table()


def test_a_study_without_a_table_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="study to be recorded must have a table, got tiny without"):
        make_sweep(TINY, store=tmp_path / "tiny.sqlite").record()


def test_pick_leaves_out_rows_without_a_value() -> None:
    rows = [{"n": 1, "value": 2.0}, {"n": 1, "value": None}, {"n": 2, "value": 3.0}]
    assert pick(rows, n=1) == [{"n": 1, "value": 2.0}]
