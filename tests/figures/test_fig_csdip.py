"""Figures of the CS-DIP paper's experiments: marks stand at their m, titles compare what can be compared."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from tests.figures.made_figures import made
from untrained.figures.draw import make
from untrained.figures.recipe_curves import curves_message, least_error, recipe_looks
from untrained.figures.recipe_pictures import picture_rows
from untrained.sims.experiments.recipes.recipe import NAMES
from untrained.sims.record.store import FOLDER, read_record

PANELS = ("fig1a", "fig1b", "fig3a", "fig3b", "fig4a", "fig4b")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER / "recipes", tmp_path / "recipes")
    return tmp_path


@pytest.mark.parametrize("place", range(6))
def test_every_mean_stands_at_its_own_place_hollow_where_it_is_of_one_image(place: int) -> None:
    data, axes = read_record("recipe", PANELS[place]), made("recipes_curves").axes[place]
    lines = [line for line in axes.get_lines() if line.get_marker() != "None" and len(line.get_xdata()) == 1]
    drawn = {
        (float(x.get_xdata()[0]), float(x.get_ydata()[0]), to_hex(x.get_markerfacecolor()) == "#ffffff") for x in lines
    }
    across = lambda p: p["setup"]["variance"] if data["axis"] == "variance" else p["m"]  # noqa: E731
    assert drawn == {(across(p), p["mse"][0], p["mse"][1] is None) for p in data["points"]}


def test_no_two_runs_share_a_colour_or_a_marker() -> None:
    looks = recipe_looks([*dict.fromkeys(name for name in NAMES if name.startswith(("csdip", "damp", "tv", "lasso")))])
    named = [looks[name] for name in ("csdip", "csdip-fast", "csdip-lr", "damp", "tv", "lasso-dct", "lasso-wavelet")]
    assert len({look["color"] for look in named}) == len({look["marker"] for look in named}) == len(named)
    others = recipe_looks(["mine", "yours"])
    assert others["mine"]["marker"] != others["yours"]["marker"]


def test_an_interval_that_reaches_zero_ends_at_the_axis_and_does_not_stretch_it() -> None:
    for axes, name in zip(made("recipes_curves").axes, PANELS, strict=False):
        means = [p["mse"][0] for p in read_record("recipe", name)["points"]]
        assert axes.get_ylim()[0] == pytest.approx(min(means) / 2)


def test_least_error_names_spans() -> None:
    places = {1.0: {"a": 1.0, "b": 2.0}, 2.0: {"a": 1.0, "b": 3.0}, 4.0: {"b": 1.0, "a": 2.0}, 8.0: {}}
    text = least_error(places, "m", lambda x: f"{x:g}")
    assert text.replace("\xa0", " ") == "least mean by a at m = 1 to 2, by b at m = 4"


def test_a_title_compares_methods_on_the_images_that_all_have() -> None:
    """Method a has the lower mean over all of its images, b over the two that both have."""
    setup = {"m": 9, "variance": 0.0, "lines": None}
    groups = [
        {"setup": setup, "m": 9, "label": "csdip", "image": [0, 1, 2, 3], "mse": [4.0, 4.0, 0.0, 0.0]},
        {"setup": setup, "m": 9, "label": "tv", "image": [1, 0], "mse": [3.0, 3.0]},
    ]
    message = curves_message({"axis": "m", "groups": groups, "points": []})
    assert message.replace("\xa0", " ") == "least mean by TV at m = 9"


@pytest.mark.parametrize(
    ("name", "recipes"), [("recipes_xray", ("fig7", "fig2", "fig8")), ("recipes_mnist", ("fig5",))]
)
def test_every_picture_has_its_error_below_and_the_least_is_bold(name: str, recipes: tuple[str, ...]) -> None:
    weights = {axes.get_xlabel(): axes.xaxis.label.get_fontweight() for axes in made(name).axes if axes.get_xlabel()}
    dataset = name.removeprefix("recipes_")
    for recipe in recipes:
        groups = [g for g in read_record("recipe", recipe)["groups"] if g["dataset"] == dataset]
        for setup in {str(g["setup"]) for g in groups}:
            errors = np.array([g["mse"] for g in groups if str(g["setup"]) == setup])
            assert all(f"{value:.2g}" in weights for value in errors.ravel())
            assert all(weights[f"{value:.2g}"] == "bold" for value in errors.min(0))


def test_rows_of_pictures_are_in_the_order_of_m_with_originals_first() -> None:
    rows = picture_rows(read_record("recipe", "fig5"))
    assert [name for name, _ in rows] == ["m = 25", "m = 50"]
    assert next(iter(rows[0][1])) == "original"
    assert {len(tiles) for _, row in rows for tiles in row.values()} == {2}
    assert [axes.get_ylabel() for axes in made("recipes_xray").axes if axes.get_ylabel()] == [
        f"m = {m}" for m in (500, 1000, 2000, 4000, 8000)
    ]


def test_gains_and_seconds_are_the_paper_s_hollow_and_ours_filled() -> None:
    for figure, name, field in (("learned_regularisation", "table1", "gains"), ("runtimes", "table2", "points")):
        data = read_record("recipe", name)
        lines = [line for line in made(figure).axes[0].get_lines() if line.get_marker() != "None"]
        hollow, filled = [], []
        for line in lines:
            points = list(zip(*line.get_data(), strict=True))
            (hollow if to_hex(line.get_markerfacecolor()) == "#ffffff" else filled).extend(points)
        assert sorted(hollow) == sorted((n["setup"]["m"], n["value"]) for n in data["numbers"])
        ours = [(p["setup"]["m"], (p["gain"] if field == "gains" else p["seconds"])[0]) for p in data[field]]
        assert sorted(filled) == sorted(ours)


def test_captions_tell_how_much_is_not_recorded(record: Path) -> None:
    table = read_record("recipe", "table1")
    cells, missing = len(table["numbers"]), len(table["numbers"]) - len(table["gains"])
    words = f"{missing} of {cells} cells are not recorded"
    assert words in " ".join(made("learned_regularisation").get_supxlabel().split())
    (record / "recipes" / "table1.json").unlink()
    assert "Not recorded: untrained reproduce table1." in " ".join(
        make("learned_regularisation", record).get_supxlabel().split()
    )


def test_a_figure_changes_with_its_record(record: Path) -> None:
    path = record / "recipes" / "fig7.json"
    data = json.loads(path.read_text())
    data["groups"][0]["mse"] = [0.123]
    path.write_text(json.dumps(data))
    assert "0.12" in [text.get_text() for text in make("recipes_xray", record).findobj(Text)]
