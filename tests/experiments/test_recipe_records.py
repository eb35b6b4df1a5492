import json
from dataclasses import replace
from itertools import combinations

import matplotlib.style
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from tests.experiments.small_recipes import HALF, LEARNING, SETUPS, WHOLE, images, recipe
from untrained.figures.draw import make
from untrained.figures.recipe_curves import draw_recipe, write_recipe
from untrained.figures.recipe_tables import printed_number, recipe_parts, setup_words, spoken
from untrained.figures.style import STYLE
from untrained.figures.tables import text_of
from untrained.sims.experiments.recipes import records
from untrained.sims.experiments.recipes.cells import ImageCell, cells_of
from untrained.sims.experiments.recipes.recipe import COEFFICIENTS, Setup
from untrained.sims.experiments.recipes.records import blank, decoded, encoded, record_of
from untrained.sims.experiments.recipes.reproduction import ALL_RECIPES, costs, seconds_of, timings
from untrained.sims.experiments.recipes.summary import interval, points, rows
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.record.store import RECORD_KINDS, fits, read_all, record_text, write_record

PAGES = ("recipes_curves", "recipes_mnist", "recipes_xray", "learned_regularisation", "runtimes")


def test_a_picture_comes_back_to_half_a_step_of_eight_bits():
    for shape in ((1, 9, 7), (3, 9, 7)):
        image = images(1, shape)[0]
        assert float((decoded(encoded(image)) - image).abs().max()) <= 0.5 / 127.5 + 1e-6
        assert tuple(decoded(encoded(image, 6)).shape) == (shape[0], 6, 5)
    assert torch.equal(decoded(encoded(torch.full((1, 3, 3), 5.0))), torch.ones(1, 3, 3))


def finished(one, mse=lambda cell: 1.0 + cell.image, size=6):
    """Finished cells of a recipe, with errors as a function of the cell."""
    pixels = images(size)
    return {
        cell: {
            "method": cell.algorithm.method, "m": cell.setup.m or 100, "mse": mse(cell), "psnr": 20.0, "ssim": 0.5,
            "seconds": 2.0, "outcome": "steps ended", "device": "cpu", "at_once": 1,
            "picture": encoded(pixels[cell.image]),
        }
        for cell in cells_of(one, {"mnist": size})
    }  # fmt: skip


def a_record(kind="curves", **options):
    one = recipe(kind, kind, **options)
    return record_of(one, finished(one), {"mnist": images()})


def test_a_record_comes_back_as_it_was(tmp_path):
    record = a_record("pictures")
    assert write_record("recipe", "pictures", record, tmp_path) == tmp_path / "recipes" / "pictures.json"
    assert read_all("recipe", tmp_path) == {"pictures": record}


def test_rows_of_a_record_are_its_cells_and_points_their_means():
    record = a_record()
    cell_rows = list(rows(record))
    assert len(cell_rows) == 16
    for point in record["points"]:
        place = {"label": point["label"], "m": point["m"], "variance": point["setup"]["variance"]}
        own = [row["mse"] for row in cell_rows if place.items() <= row.items()]
        assert own == [1.0, 2.0, 3.0, 4.0]
        assert point["mse"] == pytest.approx(interval(own), rel=1e-5)
        assert (point["images"], point["scored"]) == (4, 4)


def test_points_leave_out_what_is_not_finite_and_say_so():
    one = recipe()
    (point, *_) = points(finished(one, lambda cell: None if cell.image == 1 else 2.0))
    assert (point["images"], point["scored"], point["mse"]) == (4, 3, [2.0, 2.0, 2.0])
    (point, *_) = points(finished(one, lambda cell: None))
    assert (point["scored"], point["mse"], spoken(point["mse"])) == (0, None, "no finite MSE")
    assert (spoken(None, score="nmse"), spoken(None, 4, "psnr")) == ("no finite nMSE", "no finite PSNR")


def test_a_record_tells_how_many_images_it_used_and_that_the_paper_had_more():
    record = a_record()
    assert record["images"] == [{"dataset": "mnist", "used": 4, "held": 6, "paper": 5}]
    assert "4 images of mnist were used, the paper has 5." in record["differs"]
    assert not [s for s in a_record(paper_count=None)["differs"] if "images" in s]


def test_pictures_are_made_smaller_until_a_record_is_small_or_left_out(monkeypatch):
    one = recipe("pictures", "pictures")
    noise = images(6, (1, 200, 200))
    done = {cell: {**row, "picture": encoded(noise[cell.image])} for cell, row in finished(one).items()}
    record = record_of(one, done, {"mnist": noise})
    side = max(decoded(record["pictures"][0]["png"]).shape)
    assert 32 <= side < 200
    assert fits("recipe", record)
    assert {p["label"] for p in record["pictures"]} == {"original", "csdip", "tv"}
    monkeypatch.setattr(records, "fits", lambda kind, data: len(RECORD_KINDS[kind].layout(data)) <= 8_000)
    assert record_of(one, done, {"mnist": noise})["pictures"] == []


def test_a_record_has_one_line_a_group_of_cells():
    text = record_text("recipe", a_record())
    assert json.loads(text) == a_record()
    assert sum('"psnr":' in line for line in text.splitlines()) == 4


def test_the_pattern_is_recorded_without_a_cell():
    record = record_of(RECIPES["fig13"], {}, {})
    assert [(c["setup"]["lines"], c["coefficients"]) for c in record["counts"]] == list(COEFFICIENTS.items())
    sampled = [int((decoded(p["png"]) > 0).sum()) for p in record["pictures"]]
    assert sampled == [2 * count + 1 for count in COEFFICIENTS.values()]  # both half planes, and the mean
    assert fits("recipe", record)


@pytest.mark.parametrize("kind", ["curves", "pictures", "gains", "runtimes"])
def test_every_kind_of_record_is_drawn_and_told(kind, tmp_path):
    setups = (Setup(m=8), Setup(m=16))
    record = a_record(kind, setups=setups, algorithms=(WHOLE, LEARNING if kind == "gains" else HALF))
    paths = write_recipe(record, tmp_path / "out")
    assert [path.suffix for path in paths] == [".json", ".png", ".pdf"]
    assert all(path.stat().st_size > 3000 for path in paths[1:])
    texts = [text.get_text() for text in draw_recipe(record).findobj(Text)]
    words = text_of(recipe_parts(record))
    assert "2.5 [0.446, 4.55]" in words
    drawn = {float(y) for axes in draw_recipe(record).axes for line in axes.get_lines() for y in line.get_ydata()}
    if kind in ("gains", "runtimes"):
        assert {"here", "the paper"} <= set(texts)
        assert {10.0, 20.0} <= drawn
        assert "20" in words
    if kind == "gains":
        assert record["gains"][0]["gain"] == [0.0, 0.0, 0.0]
        assert 0.0 in drawn
    if kind == "runtimes":
        assert 2.0 in drawn
        assert "2 [2, 2] on cpu" in words
    if kind == "pictures":
        assert {"m = 8", "m = 16"} <= set(texts)
        assert {"1", "2"} <= set(texts)  # the errors of the images, below them


def test_a_record_without_printed_numbers_has_a_dash_for_each():
    one = replace(recipe("gains", "gains", algorithms=(WHOLE, LEARNING)), numbers=())
    words = text_of(recipe_parts(record_of(one, finished(one), {"mnist": images()})))
    assert "-" in words
    assert draw_recipe(record_of(one, finished(one), {"mnist": images()})).axes


def test_a_record_of_one_image_has_no_intervals_and_is_drawn_all_the_same():
    record = a_record(count=1)
    assert record["points"][0]["mse"] == [1.0, None, None]
    assert draw_recipe(record).axes
    assert spoken(record["points"][0]["mse"]) == "1"


def test_an_interval_without_ends_is_told_as_such():
    assert spoken([3.0, None, 5.0]) == "3 [unbounded]"
    assert setup_words(a_record()["points"][2]) == "m = 16, sigma^2 = 4"


def boxes(name, folder):
    with matplotlib.style.context(["default", STYLE]):
        figure = make(name, folder)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        texts = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
        return figure.bbox, [(t.get_text(), Text.get_window_extent(t, canvas.get_renderer())) for t in texts]


@pytest.fixture
def recorded(tmp_path):
    """Records of one recipe of each kind, of the paper's own."""
    pixels = {"mnist": images(12, (1, 28, 28)), "xray": images(12, (1, 32, 32)), "retina": images(12, (3, 32, 32))}
    for name in ("fig1a", "fig3b", "fig4b", "fig2", "fig5", "fig9", "table1", "table2"):
        one = RECIPES[name]
        done = {
            cell: {
                "method": cell.algorithm.method, "m": cell.setup.m or COEFFICIENTS[cell.setup.lines],
                "mse": 20.0 + cell.image, "psnr": 20.0, "ssim": 0.5, "seconds": 12.34, "outcome": "steps ended",
                "device": "cuda", "at_once": 1,
                "picture": encoded(pixels[cell.dataset][cell.image]),
            }
            for cell in cells_of(one, {name: len(p) for name, p in pixels.items()}, images=2)
        }  # fmt: skip
        write_record("recipe", one.name, record_of(one, done, pixels), tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_recorded_recipes_hold_all_and_no_text_overlaps(name, recorded):
    page, texts = boxes(name, recorded)
    assert [t for t, b in texts if b.x0 < page.x0 or b.x1 > page.x1 or b.y0 < page.y0 or b.y1 > page.y1] == []
    bodies = [(t, b.padded(-0.25 * min(b.width, b.height))) for t, b in texts]
    assert [(s, t) for (s, a), (t, b) in combinations(bodies, 2) if a.overlaps(b)] == []
    words = {
        "recipes_curves": "CS-DIP",
        "recipes_mnist": "m = 75",
        "recipes_xray": "m = 2000",
        "learned_regularisation": "here",
        "runtimes": "the paper",
    }
    assert words[name] in [text for text, _ in texts]


@pytest.mark.parametrize("name", PAGES)
def test_pages_say_what_is_not_recorded(name, tmp_path):
    _, texts = boxes(name, tmp_path)
    words = " ".join(text for text, _ in texts)
    own = {
        "recipes_curves": "fig4b",
        "recipes_mnist": "fig5, fig2, fig6",
        "recipes_xray": "fig7, fig2, fig8",
        "learned_regularisation": "table1",
        "runtimes": "table2",
    }
    assert f"untrained reproduce {own[name]}" in " ".join(words.split())


def test_what_is_not_recorded_still_has_the_papers_numbers():
    empty = blank(RECIPES["table2"])
    setup = {"operator": "gaussian", "m": 8000, "lines": None, "variance": 0.0}
    assert printed_number(empty, setup, "lasso-dct") == 96.4
    assert printed_number(empty, {**setup, "m": 500}, "lasso-dct") is None


def test_costs_are_of_seconds_recorded_for_the_same_setup_else_for_others():
    one, record = recipe(), a_record()
    for point in record["points"]:
        point["seconds"] = [{8: 900.0, 16: 1800.0}[point["m"]], None, None]
    wide = recipe("wide", setups=(*SETUPS, Setup(m=32)))
    by_name = {c.recipe.name: c for c in costs([one, wide], {"mnist": 6}, {"small": record})}
    assert (by_name["small"].cells, by_name["small"].hours) == (16, pytest.approx(4 * 2 * (900 + 1800) / 3600))
    assert by_name["wide"].hours == pytest.approx(4 * 2 * (900 + 1800 + 1350) / 3600)
    assert by_name["small"].recorded == "recorded (4 of mnist)"
    (untimed,) = costs([recipe(algorithms=(WHOLE, LEARNING))], {}, {"other": record})
    assert untimed.untimed == ("csdip-lr",)
    assert untimed.recorded is None


def test_a_fit_that_was_not_timed_costs_as_its_steps_and_restarts_say():
    once, five, fast = (ImageCell("mnist", 0, Setup(m=75), one) for one in timed_algorithms())
    timed = timings([{"dataset": "mnist", "setup": Setup(m=50).as_fields(), "label": "csdip", "seconds": [500.0]}])
    assert (seconds_of(five, timed), seconds_of(once, timed)) == (500.0, pytest.approx(100.0))
    assert seconds_of(fast, timed) is None  # another network


def timed_algorithms():
    recipes = ALL_RECIPES["vanveen18-restarts-mnist"], ALL_RECIPES["fig1b"]
    by_label = {one.label: one for recipe in recipes for part in recipe.parts for one in part.algorithms}
    return by_label["csdip-once"], by_label["csdip"], by_label["csdip-fast"]


def test_committed_records_are_of_recipes_in_their_versions():
    records = read_all("recipe")
    assert records.keys() <= ALL_RECIPES.keys()
    for name, record in records.items():
        assert (record["title"], record["version"]) == (ALL_RECIPES[name].title, ALL_RECIPES[name].version)
