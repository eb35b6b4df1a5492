"""The recipes of Net-GD and Net-PGD: ratios, printed numbers, nMSE by the truth's energy, and what is recorded."""

import copy
from dataclasses import asdict

import numpy as np
import pytest
import torch

from untrained.figures.recipe_tables import error_table
from untrained.sims.experiments.recipes import vanveen18
from untrained.sims.experiments.recipes.cells import ImageCell, cells_of, settings_of
from untrained.sims.experiments.recipes.compute import Measurements, recover_cells
from untrained.sims.experiments.recipes.heckel20a import DENOISING_RECIPES
from untrained.sims.experiments.recipes.jagatap19 import CPR, CS, NET_RECIPES, RATIOS, ratio_rows
from untrained.sims.experiments.recipes.recipe import Algorithm, Setup
from untrained.sims.experiments.recipes.records import held_of
from untrained.sims.experiments.recipes.reproduction import ALL_RECIPES, load_recipe
from untrained.sims.experiments.recipes.summary import NMSE_COLUMNS, groups, judged, points
from untrained.sims.experiments.recipes.vanveen18_text import TEXT_RECIPES
from untrained.sims.images.datasets import available, dataset
from untrained.sims.images.scores import intensity_nmse
from untrained.sims.operators import make_operator
from untrained.sims.record.store import CHANGED, read_all

RECORDED = {name: record for name, record in read_all("recipe").items() if name in NET_RECIPES}


def test_recipes_of_all_papers_are_found_by_their_names():
    names = ["jagatap19-cs", "jagatap19-cpr", "jagatap19-celeba", *DENOISING_RECIPES]
    assert list(ALL_RECIPES) == [*vanveen18.RECIPES, *TEXT_RECIPES, *names]
    assert load_recipe("jagatap19-cs") is NET_RECIPES["jagatap19-cs"]


def test_ratios_are_the_papers_counts():
    assert [ratio_rows("mnist", f) for f in RATIOS] == [63, 78, 118, 157, 196, 235]
    assert [ratio_rows("mnist", f) for f in CPR["net-gd-phase"]] == [78, 157, 235, 392, 784, 2352]
    assert ratio_rows("celeba", 0.1) == 1229


@pytest.mark.parametrize(
    ("name", "m", "label", "value"),
    [
        ("jagatap19-cs", 78, "net-gd", 0.081), ("jagatap19-cs", 78, "net-pgd", 0.077),
        ("jagatap19-cs", 235, "tv", 0.008), ("jagatap19-cs", 63, "lasso-dct", 1.40),
        ("jagatap19-cpr", 235, "net-gd-phase", 0.045),
        ("jagatap19-cpr", 2352, "sparta", 0.004), ("jagatap19-cpr", 784, "net-pgd-phase", 0.017),
    ],
)  # fmt: skip
def test_printed_numbers_are_those_read_off_the_slides(name, m, label, value):
    operator = "magnitude" if name == "jagatap19-cpr" else "gaussian"
    assert NET_RECIPES[name].number(Setup(operator, m), label) == value
    assert len(NET_RECIPES["jagatap19-cs"].numbers) == sum(map(len, CS.values())) == 24
    assert len(NET_RECIPES["jagatap19-cpr"].numbers) == sum(map(len, CPR.values())) == 16


@pytest.mark.parametrize("name", NET_RECIPES)
def test_every_algorithm_has_its_settings(name):
    for part in NET_RECIPES[name].parts:
        shape = (3, 64, 64) if part.dataset == "celeba" else (1, 28, 28)
        for setup in part.setups[:1]:
            operator = make_operator(setup.operator, shape, min(setup.m, 200))
            for algorithm in part.algorithms:
                assert asdict(settings_of(algorithm, None, operator))


def test_plain_runs_are_the_published_settings_and_have_no_truth_in_them():
    algorithms = {a.label: a for part in NET_RECIPES["jagatap19-cs"].parts for a in part.algorithms}
    operator = make_operator("gaussian", (1, 28, 28), 78)
    plain, best = (settings_of(algorithms[label], None, operator) for label in ("net-gd", "net-gd-best"))
    assert (plain.optimiser, plain.learning_rate, plain.steps, plain.restarts) == ("sgd", 0.08, 5000, 1)
    assert (plain.tv_weight, plain.start) == (0.0, "random")
    assert {plain.stopping, best.stopping} == {"fixed"}


def test_nmse_is_by_the_energy_of_the_truth_on_0_to_1():
    truth = torch.tensor([[[-1.0, 1.0], [0.0, -1.0]]])
    guess = torch.tensor([[[-1.0, 0.5], [0.0, 0.0]]])
    assert intensity_nmse(guess, truth) == pytest.approx((0.25**2 + 0.5**2) / (1 + 0.5**2))
    assert intensity_nmse(-torch.ones(1, 2, 2), truth) == pytest.approx(1.0)
    assert intensity_nmse(guess, -torch.ones(1, 2, 2)) == np.inf


def test_without_a_sign_the_nearer_of_both_counts():
    truth = torch.tensor([[[-1.0, 1.0], [0.0, -1.0]]])
    assert intensity_nmse(-truth - 2, truth, signed=False) == pytest.approx(0.0)
    assert intensity_nmse(-truth - 2, truth) == pytest.approx(4.0)


def a_row(nmse, mse=0.1, low=None, high=None):
    row = {"m": 78, "nmse": nmse, "mse": mse, "psnr": 1.0, "ssim": 0.5, "seconds": 1.0, "outcome": "steps ended"}
    return row | {"device": "cpu", "at_once": 2, "error_low": low, "error_high": high}


def test_points_count_wrong_images_and_bars_that_hold():
    setup, run = Setup(m=78), Algorithm("net-gd-best", "net-gd", preset="best")
    values = [a_row(0.1, 0.1, 0.05, 0.2), a_row(0.3, 0.3, 0.05, 0.2), a_row(0.02)]
    done = {ImageCell("mnist", i, setup, run): row for i, row in enumerate(values)}
    (point,) = points(done, "nmse")
    assert (point["median"], point["wrong"], point["bars"], point["covered"]) == (0.1, 1, 2, 1)
    assert point["nmse"][0] == pytest.approx(np.mean([0.1, 0.3, 0.02]), rel=1e-5)
    (group,) = groups(done, "nmse")
    assert group["nmse"] == [0.1, 0.3, 0.02]
    assert "mse" in group


def test_the_table_has_the_papers_number_beside_ours():
    record = {
        "score": "nmse",
        "numbers": [{"setup": asdict(Setup(m=78)), "label": "net-gd", "value": 0.081}],
        "points": [
            {
                "dataset": "mnist", "setup": asdict(Setup(m=78)), "m": 78, "label": "net-gd", "images": 3, "scored": 3,
                "nmse": [0.1, 0.05, 0.15], "outcomes": {}, "wrong": 1, "bars": 3, "covered": 2, "median": 0.1,
            }
        ],
    }  # fmt: skip
    table = error_table(record)
    assert table.columns[0].startswith("nMSE")
    (row,) = table.rows
    assert row[-1] == "0.1 [0.05, 0.15], paper 0.081, 1 wrong, 2/3 bars hold"


def test_a_magnitude_is_measured_and_scored_with_either_sign():
    if why := available("mnist"):
        pytest.skip(why)
    cell = ImageCell("mnist", 0, Setup("magnitude", 3000), Algorithm("amplitude-flow", "amplitude-flow"))
    (row,) = recover_cells([cell], Measurements(torch.device("cpu")))
    assert row["nmse"] < 1e-6


def test_faces_are_in_colour():
    if why := available("celeba"):
        pytest.skip(why)
    assert dataset("celeba").shape == (5, 3, 64, 64)


def rows_of(recipe, record):
    places = {(c.dataset, c.image, c.setup, c.algorithm.label): c for c in cells_of(recipe, {})}
    cell_rows = {}
    for group in record["groups"]:
        for i, image in enumerate(group["image"]):
            columns = {n: group[n][i] if isinstance(group[n], list) else group[n] for n in NMSE_COLUMNS}
            cell = places[group["dataset"], image, Setup(**group["setup"]), group["label"]]
            cell_rows[cell] = {**columns, "m": group["m"]}
    return cell_rows


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_means_and_verdicts_are_those_of_the_recorded_rows(name):
    recipe, record = NET_RECIPES[name], RECORDED[name]
    assert record["version"] == recipe.version, CHANGED.format(name)
    done = rows_of(recipe, record)
    recorded = {(p["label"], p["m"]): p for p in record["points"]}
    for point in points(done, "nmse"):
        beside = recorded[point["label"], point["m"]]
        assert point["nmse"] == pytest.approx(beside["nmse"], rel=1e-4), CHANGED.format(name)
        assert (point["wrong"], point["images"]) == (beside["wrong"], beside["images"]), CHANGED.format(name)
    assert judged(recipe, done, held_of(record)) == record["statements"], CHANGED.format(name)
    other = copy.deepcopy(record)
    other["groups"][0]["nmse"][0] *= 1.5
    assert points(rows_of(recipe, other), "nmse") != points(done, "nmse")


TARGETS = {
    ("jagatap19-cs", 78): 0.065, ("jagatap19-cs", 118): 0.028, ("jagatap19-cs", 157): 0.020,
    ("jagatap19-cs", 235): 0.014, ("jagatap19-cpr", 235): 0.025, ("jagatap19-cpr", 392): 0.010,
    ("jagatap19-cpr", 784): 0.010,
}  # fmt: skip


@pytest.mark.parametrize(("name", "m"), TARGETS)
def test_our_presets_reach_what_is_asked_of_them(name, m):
    if name not in RECORDED:
        pytest.skip(f"{name} is not recorded")
    points_ = [p for p in RECORDED[name]["points"] if p["m"] == m and p["label"].endswith("best")]
    assert min(p["nmse"][0] for p in points_) <= TARGETS[name, m]
    assert min(p["images"] for p in points_) >= (20 if name == "jagatap19-cs" else 10)
