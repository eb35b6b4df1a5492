"""The study of the smoothest interpolant: its errors from the definition, its table, its record."""

import math

import numpy as np
import pytest

from untrained.sims.experiments.studies import load_study
from untrained.sims.experiments.studies.interpolation_error import interpolation_root
from untrained.sims.experiments.study import StoredRow
from untrained.sims.record.store import CHANGED, pick, read_record

SMALL = {"n": 12, "m": 5, "half_width": 3, "span": 3, "noise": 0.2}


def cells(count, **changes):
    study = load_study("interpolation")
    parameters = study.fit_all(SMALL | changes)
    return [StoredRow(parameters, seed, study.row(parameters, seed, "cpu")) for seed in range(count)]


def test_the_root_is_that_of_least_squares_fits_one_by_one():
    rng = np.random.default_rng(3)
    A, s = rng.standard_normal((5, 9)), rng.uniform(0.1, 2, 9)
    fit = lambda y: np.sqrt(s) * np.linalg.lstsq(A * np.sqrt(s), y, rcond=None)[0]  # noqa: E731
    missed = sum(np.sum((fit(A[:, i]) - np.eye(9)[i]) ** 2) for i in range(4)) / 4
    noise = sum(np.sum(fit(e) ** 2) for e in np.eye(5))
    assert interpolation_root(A, s, 4, 0.0) == pytest.approx(math.sqrt(missed))
    assert interpolation_root(A, s, 4, 0.3) == pytest.approx(math.sqrt(missed + 0.09 * noise))


def test_noise_is_put_on_the_same_measurements():
    noisy, plain = cells(1)[0].row, cells(1, noise=0.0)[0].row
    assert noisy["error"] > plain["error"]
    assert (noisy["range_finder"], noisy["constant_one"]) == (plain["range_finder"], plain["constant_one"])


def test_bounds_are_of_the_error_without_noise():
    table = load_study("interpolation").table(cells(2) + cells(2, noise=0.0))
    assert {row["source"] for row in table if row["noise"]} == {"simulation", "equivalent"}
    assert {row["source"] for row in table if not row["noise"]} == {
        "simulation", "equivalent", "range finder", "constant 1",
    }  # fmt: skip
    assert len({frozenset(row) for row in table}) == 1


@pytest.mark.parametrize("changes", [{"m": 12}, {"span": 12}])
def test_fewer_measurements_than_pixels_are_asked_for(changes):
    with pytest.raises(ValueError, match=r"m and span must be below n = 12, got "):
        load_study("interpolation").fit_all(SMALL | changes)


def test_recorded_numbers_are_those_of_now():
    study, data = load_study("interpolation"), read_record("study", "interpolation")
    at = {"n": 300, "m": 120, "half_width": 10, "span": 5, "noise": 0.1}
    assert data["version"] == study.version
    for row in study.table(cells(study.seeds, **at)):
        (recorded,) = pick(data["rows"], source=row["source"], **at)
        numbers = [[math.nan if r[k] is None else r[k] for k in ("value", "low", "high")] for r in (row, recorded)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-4, nan_ok=True), CHANGED.format("interpolation")
