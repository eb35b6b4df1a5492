"""The study of compressive sensing that is not stopped, against its parts and their definitions."""

import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from untrained.sims.experiments.studies import sensing_convergence as study
from untrained.sims.experiments.study import StoredRow
from untrained.sims.experiments.worker import row_from_text, row_to_text
from untrained.sims.images.images import load_image
from untrained.sims.record.store import pick, read_record
from untrained.sims.recovery import conv_decoder

STUDY = study.SENSING_CONVERGENCE_STUDY
SMALL = {"image": "camera", "size": 16, "channels": 6, "steps": 200, "acceleration": 8.0}


def cell(seed=0, operator="multicoil", noise=0.1, **changes):
    parameters = STUDY.fit_all(SMALL | {"operator": operator, "noise": noise} | changes)
    return StoredRow(parameters, seed, STUDY.row(parameters, seed, "cpu"))


@pytest.fixture(scope="module")
def cells():
    return [cell(seed) for seed in (0, 1)]


def test_a_row_is_json_scalars_that_depend_on_the_seed(cells):
    texts = [row_to_text(row, parameters) for parameters, _, row in cells]
    assert texts[0] != texts[1]
    assert row_to_text(cell(0).row, cells[0].parameters) == texts[0]
    assert row_from_text(texts[0]).keys() == cells[0].row.keys()


def test_a_table_has_summaries_and_both_curves_between_least_and_largest(cells):
    rows = STUDY.table(cells)
    assert len(rows) == len(study.SUMMARIES) + 24 + 12
    losses = [row["step"] for row in rows if row["quantity"] == "loss"]
    assert losses == study.window_ends(200)[1::2]
    assert len({frozenset(row) for row in rows}) == 1
    json.dumps(rows, allow_nan=False)
    ends = [row for row in rows if row["quantity"] == "error" and row["step"] == 200]
    (last,) = (row for row in rows if row["quantity"] == "last_error")
    pair = sorted(one.row["last_error"] for one in cells)
    assert [last["low"], last["high"]] == pytest.approx(pair, rel=1e-5)
    assert (last["value"], last["count"]) == (pytest.approx(np.mean(pair), rel=1e-5), 2)
    assert [row["value"] for row in ends] == [last["value"]]


def test_the_rise_is_that_of_the_curve(cells):
    for _, _, row in cells:
        errors = [row[f"error_{k}"] for k in range(study.CHECKPOINTS)]
        assert row["least_error"] == min(errors)
        assert row["rise"] == errors[-1] / min(errors) - 1 >= 0
        assert row["least_step"] == study.window_ends(200)[errors.index(min(errors))]


@pytest.mark.parametrize("steps", [200, 2000, 100_000])
def test_checkpoints_grow_from_ten_steps_to_all(steps):
    edges = np.array(study.window_ends(steps))
    assert (edges[0], edges[-1], len(edges)) == (10, steps, 24)
    assert (np.diff(edges) > 0).all()
    inner = edges[1:-1]
    exact = 10 * (steps / 10) ** (np.arange(1, 23) / 23)
    assert np.abs(inner - exact).max() <= 0.5


def test_a_checkpoint_is_the_median_of_the_last_tenth_of_its_steps():
    values = np.random.default_rng(0).standard_normal(200)
    edges = study.window_ends(200)
    slow = []
    for edge in edges:
        # Steps count from 1: those above nine tenths of the edge, the edge itself at least.
        tenth = [values[step - 1] for step in range(1, edge + 1) if step > 9 * edge // 10]
        slow.append(np.median(tenth or [values[edge - 1]]))
    np.testing.assert_array_equal(study.medians_before(values, edges), slow)


@pytest.mark.parametrize("operator", study.SENSINGS)
def test_the_last_error_and_loss_are_those_of_the_recovery(operator):
    parameters = cell_parameters(operator, 0.05)
    x = load_image("example:camera", grey=True, size=(16, 16))
    measurement = study.sensed(x, parameters, 3)
    settings = study.decoder_settings(6, 60)
    errors, losses = study.descent_errors(measurement, x, settings, 3, "cpu")
    recovery = conv_decoder.recover(measurement.operator, measurement.y, settings, seed=3)
    u, t = (recovery.image + 1) / 2, (x + 1) / 2
    energy = (measurement.y + measurement.operator.forward(torch.ones_like(x))).square().sum()
    assert len(errors) == len(losses) == 60
    assert errors[-1] == pytest.approx(float((u - t).square().mean()), rel=1e-5)
    assert losses[-1] == pytest.approx(recovery.misfit / float(energy), rel=1e-4)


def cell_parameters(operator, noise):
    return STUDY.fit_all(SMALL | {"operator": operator, "noise": noise})


@pytest.mark.parametrize("operator", study.SENSINGS)
def test_noise_is_a_share_of_the_measurements_of_the_image_on_0_to_1(operator):
    x = load_image("example:camera", grey=True, size=(32, 32))
    clean, noisy = (study.sensed(x, cell_parameters(operator, noise), 1) for noise in (0.0, 0.3))
    A = clean.operator
    assert torch.equal(clean.y, A.forward(x))
    # y = A(2u - 1): in units of u the noise is half of what it is in y.
    ratio = float((noisy.y - clean.y).norm() / 2 / A.forward((x + 1) / 2).norm())
    assert ratio == pytest.approx(0.3, abs=5 * 0.3 / (2 * A.m) ** 0.5)


def test_operators_are_those_of_the_text_and_of_the_published_run():
    gaussian, pixels, coils = (study.sensing_operator(name, (1, 64, 64), 8.0, 2) for name in study.SENSINGS)
    assert gaussian.m == 1024
    # Each pixel with probability 1/3: 1365 of 4096 with a standard deviation of 30.
    assert abs(pixels.m - 4096 / 3) < 5 * 30.2
    assert pixels.m != round(4096 / 3)
    assert (coils.coils, coils.coefficients) == (4, 4 * 64 * 8)


def test_the_network_is_the_published_one_at_its_size():
    settings = study.decoder_settings(256, 100_000)
    assert settings == conv_decoder.PRESETS["interpolation"]


def test_the_table_of_the_notes_is_the_record():
    rows = read_record("study", "heckel20b-fig1")["rows"]
    text = (Path(__file__).parents[2] / "paper_notes" / "heckel20b.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| (.*) \|$", text, re.MULTILINE)
    assert [(name, float(noise)) for name, noise, _ in lines] == list(product(study.SENSINGS, STUDY.axes["noise"]))
    for name, noise, numbers in lines:
        kind = {row["quantity"]: row for row in pick(rows, operator=name, noise=float(noise), step=None)}
        values = [kind[quantity]["value"] for quantity in ("least_error", "least_step", "last_error")]
        rises = [100 * kind["rise"][end] for end in ("value", "low", "high")]
        expected = "{:.5f} | {:.0f} | {:.5f} | {:.1f} | {:.1f}, {:.1f}".format(*values, *rises)
        assert numbers == expected
        assert float(noise) > 0 or kind["last_loss"]["high"] < 1e-5


def test_too_few_columns_are_refused():
    with pytest.raises(ValueError, match=r"^acceleration must sample more than the 4 columns of the centre, got 16.0$"):
        STUDY.fit_all(SMALL | {"operator": "multicoil", "noise": 0.0, "size": 48, "acceleration": 16})
    STUDY.fit_all(SMALL | {"operator": "gaussian", "noise": 0.0, "size": 48, "acceleration": 16})
