"""Loss and error while a network is fitted, by a plain loop; what is fitted; and the study by way of `reproduce`."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from untrained import cli as front
from untrained.sims.experiments.grid import Grid
from untrained.sims.experiments.studies import denoising, load_study
from untrained.sims.experiments.studies.denoising import PAPER_ENDS, course, curve_steps, settings_of_fit, targets
from untrained.sims.experiments.studies.fits import DECODER_AND_UNET
from untrained.sims.experiments.study import StoredRow
from untrained.sims.networks.generators import architecture
from untrained.sims.record import store
from untrained.sims.record.store import CHANGED, pick, read_record
from untrained.sims.recovery.denoising import PixelNoise

NAME = "heckel20a-fig1"
STUDY = load_study(NAME)
SMALL = {"network": "conv-decoder", "target": "image", "size": 16, "channels": 6, "sigma": 40.0, "steps": 12}


def test_steps_of_a_curve_are_those_of_the_other_studies_but_0():
    assert curve_steps(1) == (1,)
    assert curve_steps(100) == (1, 2, 3, 6, 10, 18, 32, 56, 100)


def test_the_noise_is_uniform_and_has_the_norm_of_the_image():
    x, y = targets("noise", 32, 40.0, 3)
    u, noise = (x + 1) / 2, (y + 1) / 2
    assert noise.norm() == pytest.approx(float(u.norm()), rel=1e-5)
    assert noise.min() >= 0
    assert u.max() == pytest.approx(1.0)
    # a uniform law on [0, b] has mean b/2 and deviation b/sqrt(12); of 1024 numbers both are known to about 2 %
    assert noise.std() / noise.mean() == pytest.approx(2 / 12**0.5, rel=0.1)


def test_the_noisy_image_is_clipped_and_the_image_is_itself():
    x, y = targets("noisy image", 32, 40.0, 3)
    assert torch.equal(y.flatten(), PixelNoise(40.0, clip=True, seed=3).measurement(x).y)
    x, y = targets("image", 32, 40.0, 3)
    assert torch.equal(x, y)


@pytest.mark.parametrize("network", DECODER_AND_UNET)
def test_a_course_is_that_of_a_plain_loop(network):
    """Adam on the mean of squares over pixels on [0, 1], written out."""
    x, y = targets("noisy image", 16, 40.0, 2)
    settings = settings_of_fit(network, 6, 4)
    loss, error = course(settings, x, y, 2, "cpu")
    module, z = architecture(settings.network, (1, 16, 16), **settings.network_options).start(2, 0, "torch-today")
    adam = torch.optim.Adam(module.parameters(), 0.01)
    for t in range(4):
        u = (module(z)[0] + 1) / 2
        misfit = (u - (y + 1) / 2).square().mean()
        assert loss[t] == pytest.approx(float(misfit.detach()), rel=1e-3)
        assert error[t] == pytest.approx(float((u.detach() - (x + 1) / 2).square().mean()), rel=1e-3)
        adam.zero_grad()
        misfit.backward()
        adam.step()


def test_the_networks_are_the_papers_at_its_size():
    assert settings_of_fit("conv-decoder", 256, 10).network_options == {"channels": 256}
    assert settings_of_fit("skip-unet", 256, 10).network_options == {"width": 128}


def test_an_image_is_fitted_sooner_than_noise():
    rows = {t: STUDY.row(SMALL | {"target": t, "channels": 24, "steps": 60}, 0, "cpu") for t in ("image", "noise")}
    falls = {target: row["loss_60"] / row["loss_1"] for target, row in rows.items()}
    assert falls["image"] < 0.5 * falls["noise"]


def test_a_table_has_medians_with_extremes_and_the_papers_ends():
    cells = [StoredRow(SMALL, seed, STUDY.row(SMALL, seed, "cpu")) for seed in (0, 1, 2)]
    rows = STUDY.table(cells)
    (last,) = pick(rows, source="simulation", quantity="loss", step=12)
    ends = sorted(one.row["loss_12"] for one in cells)
    assert [last["low"], last["value"], last["high"]] == pytest.approx(ends, rel=1e-5)
    (least,) = pick(rows, quantity="least error")
    assert least["step"] == sorted(one.row["steps_to_least"] for one in cells)[1]
    printed = pick(rows, source="printed")
    assert {row["step"] for row in printed} == {10_010}
    assert len(printed) == sum(value is not None for ends in PAPER_ENDS.values() for value in ends) == 10


def test_recorded_beginnings_are_those_of_now():
    rows, (size,) = read_record("study", NAME)["rows"], STUDY.axes["size"]
    parameters = dict.fromkeys(STUDY.axes) | {axis: values[0] for axis, values in STUDY.axes.items()}
    for target in denoising.TARGETS:
        short = parameters | {"target": target, "steps": 2}
        cells = [StoredRow(short, seed, STUDY.row(short, seed, "cpu")) for seed in range(STUDY.seeds)]
        for row in pick(STUDY.table(cells), source="simulation", step=2, size=size):
            if row["quantity"] == "least error":
                continue
            (recorded,) = pick(rows, **{k: row[k] for k in ("source", "quantity", "network", "target", "size", "step")})
            assert recorded["value"] == pytest.approx(row["value"], rel=1e-3), CHANGED.format(NAME)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """`untrained reproduce` in this process, with the study at a tiny size: exit code, output, error."""
    axes = {axis: (SMALL[axis],) for axis in STUDY.axes}
    small = replace(STUDY, axes=axes, seeds=1)
    monkeypatch.setattr(denoising, "FIG1_STUDY", small)
    monkeypatch.setattr("untrained.sims.experiments.sweep.load_study", lambda reference: small)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "FOLDER", tmp_path / "record")

    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["untrained", "reproduce", *map(str, arguments)])
        try:
            front.main()
        except SystemExit as ended:
            return ended.code or 0, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return of


def test_reproduce_runs_a_study_of_the_name_and_records_it(command, tmp_path):
    code, out, err = command(NAME, "--device", "cpu", "--threads", "1", "--record")
    assert (code, err) == (0, "")
    assert "1 of 1 cells done, 0 failed" in out
    assert "least error" in out
    record = json.loads((tmp_path / "record" / "sweeps" / f"{NAME}.json").read_text())
    assert record["cells"] == len(Grid({axis: (value,) for axis, value in SMALL.items()}, 1))
    code, out, _ = command(NAME, "--device", "cpu", "--threads", "1", "--resume")
    assert "(1 of them before)" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((NAME, "--images", "2"), "images must be left out for a study"),
        ((NAME, "--methods", "tv"), "methods must be left out for a study"),
        ((NAME, "fig1a"), "studies must be run by themselves"),
    ],
)
def test_what_a_study_does_not_take_is_refused(command, arguments, said):
    code, _, err = command(*arguments)
    assert code == 2
    assert said in err


def test_the_list_has_the_studies_too(command):
    code, out, _ = command("--list", NAME)
    assert code == 0
    assert NAME in out
