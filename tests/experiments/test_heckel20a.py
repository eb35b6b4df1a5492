"""The denoising recipes: pixel noise, PSNR, which iterate is scored, what is not installed."""

import copy
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from tests.experiments.small_recipes import images, recipe
from untrained.figures.recipe_tables import recipe_parts, setup_words
from untrained.figures.tables import text_of
from untrained.sims.experiments.recipes.cells import ImageCell, cell_key, cells_of, settings_of
from untrained.sims.experiments.recipes.compute import CELLS, Measurements, measured, recover_cells
from untrained.sims.experiments.recipes.heckel20a import DENOISING_RECIPES, EXAMPLE, TABLE
from untrained.sims.experiments.recipes.recipe import Algorithm, Setup
from untrained.sims.experiments.recipes.records import held_of, record_of
from untrained.sims.experiments.recipes.reproduction import ALL_RECIPES, select
from untrained.sims.experiments.recipes.statements import Higher, judge_sentence
from untrained.sims.experiments.recipes.summary import COLUMNS, groups, judged, points
from untrained.sims.images.images import example_image
from untrained.sims.images.scores import score
from untrained.sims.record.store import CHANGED, read_all
from untrained.sims.recovery.denoising import PixelNoise, every_pixel

CPU = torch.device("cpu")
RECORDED = {name: record for name, record in read_all("recipe").items() if name in DENOISING_RECIPES}
TINY = {"network_options": '{"channels": 8}', "steps": "20"}
LAST = Algorithm("last", "conv-decoder", TINY, preset="fast", iterate="last")
AVERAGE = Algorithm("average", "conv-decoder", TINY, preset="fast")
NOISY = Algorithm("noisy", "noisy")
SMALL = "photographs-16"


def test_the_recipes_are_found_by_their_names():
    assert set(DENOISING_RECIPES) <= set(ALL_RECIPES)
    assert select(["heckel20a-table1"]) == [DENOISING_RECIPES["heckel20a-table1"]]


@pytest.mark.parametrize(
    ("name", "setup", "label", "value"),
    [
        ("heckel20a-table1", TABLE, "noisy", 20.599), ("heckel20a-table1", TABLE, "bm3d", 25.5226),
        ("heckel20a-table1", TABLE, "skip-net", 25.7675), ("heckel20a-table1-512", TABLE, "decoder-over", 28.0860),
        ("heckel20a-fig2", EXAMPLE, "decoder-under", 29.54), ("heckel20a-fig2-512", EXAMPLE, "bm3d", 28.62),
    ],
)  # fmt: skip
def test_printed_numbers_are_copied_right(name, setup, label, value):
    assert DENOISING_RECIPES[name].number(setup, label) == value


def test_the_noise_is_the_papers():
    assert (TABLE.sigma, TABLE.clip, TABLE.same, TABLE.law) == (25.0, True, True, "normal")
    assert (EXAMPLE.sigma, EXAMPLE.clip, EXAMPLE.same, EXAMPLE.law) == (30.0, True, False, "normal")


@pytest.mark.parametrize("name", DENOISING_RECIPES)
def test_settings_are_the_papers_and_none_looks_at_the_truth(name):
    (part,) = DENOISING_RECIPES[name].parts
    side = int(part.dataset.removeprefix("photographs-"))
    settings = {a.label: settings_of(a, None, every_pixel((3, side, side))) for a in part.algorithms}
    nets = [settings[label] for label in ("skip-net", "decoder-under", "decoder-over")]
    table = "table1" in name
    assert [s.steps for s in nets] == ([1800, 3000, 1500] if table else [1900, 1900, 1500])
    assert {(s.optimiser, s.learning_rate, s.restarts, s.stopping) for s in nets} == {("adam", 0.01, 1, "fixed")}
    assert nets[0].input_noise == pytest.approx(0.7 / 30)
    assert nets[1].network_options == {"channels": 128}
    assert nets[2].network_options == {"channels": 512, "norm": "before" if table else "after"}
    noise = 2 * part.setups[0].sigma / 255 * (3 * side**2) ** 0.5
    assert [settings[label].noise for label in ("tv", "non-local-means", "bm3d")] == pytest.approx([noise] * 3)


def test_a_setup_is_pixel_noise_or_an_operator():
    with pytest.raises(ValueError, match=r"^sigma must be given"):
        Setup(m=5, clip=True)
    with pytest.raises(ValueError, match=r"^operator must be inpainting"):
        Setup("gaussian", m=5, sigma=3.0)
    assert set(Setup(m=5).as_fields()) == {"operator", "m", "lines", "variance"}
    assert Setup(**TABLE.as_fields()) == TABLE
    assert TABLE.in_words() == setup_words({"setup": TABLE.as_fields()})
    assert TABLE.in_words() == "sigma = 25/255, same in all channels, clipped"


def test_pixels_are_measured_with_the_noise_of_the_images_seed():
    image = example_image("astronaut", size=(16, 16))
    measurement = measured(image, TABLE, 7, CPU)
    assert torch.equal(measurement.y, PixelNoise(25.0, clip=True, seed=7, same=True).measurement(image).y)
    assert measurement.operator.name == "inpainting"


def test_the_last_iterate_and_the_average_are_of_one_fit(monkeypatch):
    cells = [ImageCell(SMALL, 0, EXAMPLE, algorithm) for algorithm in (AVERAGE, LAST, NOISY)]
    from untrained.sims.recovery import conv_decoder

    fits, plain = [], conv_decoder.recover
    monkeypatch.setattr(conv_decoder, "recover", lambda *a, **k: (fits.append(a), plain(*a, **k))[1])
    tasks = CELLS.tasks([cell.cell() for cell in cells], "cpu")
    average, last, noisy = [row for task in tasks for row in task.compute(None)]
    assert len(fits) == 1
    y = measured(cells[0].pixels, EXAMPLE, cells[0].seed, CPU)
    recovery = plain(y.operator, y.y, settings_of(LAST, None, y.operator), seed=cells[0].seed)
    assert last["psnr"] == pytest.approx(score(recovery.others["last"], cells[0].pixels)["psnr"], abs=1e-3)
    assert average["psnr"] == pytest.approx(score(recovery.image, cells[0].pixels)["psnr"], abs=1e-3)
    assert noisy["psnr"] == pytest.approx(score(y.operator.adjoint(y.y), cells[0].pixels)["psnr"])
    assert len({cell_key(cell, cell.pixels) for cell in cells}) == 3


def test_a_fit_is_of_its_image_and_setup_alone():
    measurements = Measurements(CPU)
    places = [(0, EXAMPLE), (0, TABLE), (1, TABLE)]
    rows_ = [recover_cells([ImageCell(SMALL, i, s, LAST)], measurements)[0] for i, s in places]
    alone = [recover_cells([ImageCell(SMALL, i, s, LAST)], Measurements(CPU))[0] for i, s in places]
    assert [row["psnr"] for row in rows_] == pytest.approx([row["psnr"] for row in alone], abs=1e-3)
    assert len({row["measurement"] for row in rows_}) == 3


def test_a_cell_of_pixel_noise_is_parameters_and_back():
    cell = ImageCell(SMALL, 1, TABLE, LAST)
    assert ImageCell.from_parameters(cell.cell().parameters) == cell
    assert cell_key(cell, cell.pixels) != cell_key(replace(cell, setup=replace(TABLE, same=False)), cell.pixels)


def rows(values, count=None):
    setups, runs = (TABLE,), (NOISY, Algorithm("decoder-over", "conv-decoder"))
    one = recipe("heckel", "scores", setups, runs, count=count or len(values[0]))
    one = replace(one, score="psnr", statements=(Higher("better", "decoder-over", ("noisy",)),))
    done = {}
    for cell in cells_of(one, {"mnist": len(values[0])}):
        db = values[cell.algorithm.label == "decoder-over"][cell.image]
        done[cell] = {
            "m": 64, "mse": 4 * 10 ** (-db / 10), "psnr": db, "ssim": 0.5, "seconds": 1.0, "outcome": "steps ended",
            "device": "cpu", "at_once": 1, "picture": None,
        }  # fmt: skip
    return one, done


def test_points_are_means_of_decibels_image_by_image():
    one, done = rows(([20.0, 21.0, 25.0], [27.0, 28.0, 29.0]))
    noisy, over = points(done, "psnr")
    assert (noisy["psnr"][0], over["psnr"][0]) == (22.0, 28.0)
    assert noisy["psnr"][1] == pytest.approx(22 - 4.302653 * 7**0.5 / 3**0.5, rel=1e-5)
    assert groups(done, "psnr")[1]["psnr"] == [27.0, 28.0, 29.0]
    record = record_of(one, done, {"mnist": images()})
    assert record["score"] == "psnr"
    text = text_of(recipe_parts(record))
    assert "PSNR, dB" in text
    assert "28 [25.52, 30.48]" in text
    assert "paper" in text


@pytest.mark.parametrize(
    ("high", "verdict"),
    [((27.0, 28.0, 29.0), "holds"), ((17.0, 17.5, 22.0), "fails"), ((20.1, 20.9, 25.0), "undecided")],
)
def test_higher_is_judged_by_paired_decibels(high, verdict):
    one, done = rows(([20.0, 21.0, 25.0] * 2, list(high) * 2))
    (judgement,) = judged(one, done)
    assert judgement["verdict"] == verdict
    assert "dB over 6 images" in judgement["told"]


def test_three_photographs_decide_nothing_and_what_would_is_told():
    values = [20.0, 21.0, 25.0], [27.0, 28.0, 29.0]
    (judgement,), (no_more,) = judged(*rows(values, count=6)), judged(*rows(values))
    assert judgement["verdict"] == "undecided"
    assert "would take 6 images, about 0.0017 h more" in judgement["told"]  # three more of two runs, a second each
    assert "would take 6 images, more than the 3 there are" in no_more["told"]


def test_higher_by_so_much_and_where_nothing_was_run():
    scores = {("a", TABLE): {i: 21 + i + 0.1 * (i % 2) for i in range(6)}, ("b", TABLE): {i: 20 + i for i in range(6)}}
    assert judge_sentence(Higher("", "a", ("b",), by=0.5), scores, "m").verdict == "holds"
    assert judge_sentence(Higher("", "a", ("b",), by=1.5), scores, "m").verdict == "fails"
    assert judge_sentence(Higher("", "a", ("c",)), scores, "m").verdict == "not run"


def test_an_algorithm_whose_package_is_absent_is_left_out_with_the_reason(monkeypatch):
    absent, present = (Algorithm("bm3d", "bm3d", needs=package) for package in ("no_such_package", "torch"))
    one = recipe("without", "scores", (TABLE,), (NOISY, absent))
    assert {cell.algorithm.label for cell in cells_of(one, {"mnist": 6})} == {"noisy"}
    assert {c.algorithm.label for c in cells_of(recipe("with", "scores", (TABLE,), (NOISY, present)), {})} == {
        "noisy", "bm3d",
    }  # fmt: skip
    record = record_of(one, {}, {"mnist": images()})
    assert "BM3D was not run: the package no_such_package is not installed." in record["differs"]


def test_a_denoised_photograph_is_a_row():
    (row,) = recover_cells([ImageCell(SMALL, 0, TABLE, NOISY)], Measurements(CPU))
    # clipping takes away noise: the PSNR is a little above 10 log10(255^2/25^2) = 20.17 dB
    assert 20.17 - 0.8 < row["psnr"] < 23
    assert row["psnr"] == pytest.approx(10 * np.log10(4 / row["mse"]))


def rows_of(recipe_, record):
    places = {(c.dataset, c.image, c.setup, c.algorithm.label): c for c in cells_of(recipe_, {})}
    cell_rows = {}
    for group in record["groups"]:
        for i, image in enumerate(group["image"]):
            columns = {n: group[n][i] if isinstance(group[n], list) else group[n] for n in COLUMNS}
            cell = places[group["dataset"], image, Setup(**group["setup"]), group["label"]]
            cell_rows[cell] = {**columns, "m": group["m"]}
    return cell_rows


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_means_and_verdicts_are_those_of_the_recorded_rows(name):
    one, record = DENOISING_RECIPES[name], RECORDED[name]
    assert record["version"] == one.version, CHANGED.format(name)
    done = rows_of(one, record)
    recorded = {p["label"]: p for p in record["points"]}
    for point in points(done, "psnr"):
        ours, theirs = point["psnr"], recorded[point["label"]]["psnr"]
        assert [x is None for x in ours] == [x is None for x in theirs]
        assert [x for x in ours if x is not None] == pytest.approx([x for x in theirs if x is not None], rel=1e-3), (
            CHANGED.format(name)
        )
    assert judged(one, done, held_of(record)) == record["statements"], CHANGED.format(name)
    other = copy.deepcopy(record)
    other["groups"][0]["psnr"][0] += 0.5
    assert points(rows_of(one, other), "psnr") != points(done, "psnr")


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("label", ["noisy", "non-local-means", "tv"])
def test_recorded_numbers_without_a_network_are_those_of_now(name, label):
    rows_ = rows_of(DENOISING_RECIPES[name], RECORDED[name])
    cell = next(c for c in rows_ if c.algorithm.label == label and c.image == 0)
    if cell.pixels.shape[-1] > 64:
        pytest.skip("recorded at the paper's size")
    (fresh,) = recover_cells([cell], Measurements(CPU))
    assert fresh["psnr"] == pytest.approx(rows_[cell]["psnr"], abs=0.01), CHANGED.format(name)


def test_settings_of_a_fit_are_told_apart_by_what_is_run():
    assert LAST.fit() == AVERAGE.fit()
    assert LAST.fit() != replace(LAST, preset="paper").fit()
    assert asdict(settings_of(LAST)) == asdict(settings_of(AVERAGE))
