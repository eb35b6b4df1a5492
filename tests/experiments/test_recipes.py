import dataclasses
import json
import math
from dataclasses import replace

import pytest

from tests.experiments.small_recipes import HALF, LEARNING, SETUPS, WHOLE, images, recipe
from untrained.sims.experiments.recipes import cells
from untrained.sims.experiments.recipes.cells import ImageCell, batches_of, cell_key, cells_of, image_seed, settings_of
from untrained.sims.experiments.recipes.comparisons import paired
from untrained.sims.experiments.recipes.recipe import COEFFICIENTS, NAMES, Algorithm, Learned, Part, Setup
from untrained.sims.experiments.recipes.reproduction import load_recipe, select
from untrained.sims.experiments.recipes.statements import (
    Alike,
    GainGrows,
    Lower,
    Saturates,
    comparisons_of,
    judge_sentence,
)
from untrained.sims.experiments.recipes.summary import interval, percent
from untrained.sims.experiments.recipes.vanveen18 import LEARNED, RECIPES
from untrained.sims.experiments.recipes.vanveen18_text import TEXT_RECIPES
from untrained.sims.operators import make_operator
from untrained.sims.recovery import methods
from untrained.sims.recovery.csdip import network_for

FIGURES = ["1a", "1b", "2", "3a", "3b", "4a", "4b", *map(str, range(5, 15))]


def test_there_is_a_recipe_for_every_figure_and_table_in_the_papers_order():
    assert list(RECIPES) == [*(f"fig{n}" for n in FIGURES), "table1", "table2"]
    for name, one in RECIPES.items():
        number = name.removeprefix("fig").removeprefix("table")
        assert f"{'Table' if name.startswith('table') else 'Figure'} {number}" in one.source


@pytest.mark.parametrize(
    ("name", "label", "setup", "value"),
    [
        ("table1", LEARNED, Setup(m=500), 9.9),
        ("table1", LEARNED, Setup(m=2000), 0.2),
        ("table1", LEARNED, Setup(m=4000, variance=10), 2.4),
        ("table1", LEARNED, Setup(m=1000, variance=100), 19.2),
        ("table1", LEARNED, Setup(m=500, variance=1000), 37.4),
        ("table1", LEARNED, Setup(m=8000, variance=1000), 6.2),
        ("table2", "csdip", Setup(m=1000), 15.6),
        ("table2", "damp", Setup(m=4000), 67.8),
        ("table2", "tv", Setup(m=2000), 22.1),
        ("table2", "lasso-dct", Setup(m=8000), 96.4),
    ],
)
def test_the_papers_tables_are_copied_right(name, label, setup, value):
    assert RECIPES[name].number(setup, label) == value


def test_the_papers_tables_are_copied_whole():
    assert len(RECIPES["table1"].numbers) == 4 * 5
    assert len(RECIPES["table2"].numbers) == 4 * 4
    assert sum(n.value for n in RECIPES["table1"].numbers) == pytest.approx(182.5)
    assert sum(n.value for n in RECIPES["table2"].numbers) == pytest.approx(660.3)


def test_radial_lines_give_the_papers_counts_of_coefficients():
    for lines, count in COEFFICIENTS.items():
        assert make_operator("fourier-radial", (1, 256, 256), lines=lines).coefficients == count
    assert COEFFICIENTS[10] == 1260


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_recipe_speaks_of_is_among_what_it_runs(name):
    one = RECIPES[name]
    setups = {setup for part in one.parts for setup in part.setups}
    labels = set(one.labels())
    assert labels <= set(NAMES)
    for printed in one.numbers:
        assert printed.setup in setups
        assert printed.label in labels | {"coefficients"}
    for statement in one.statements:
        assert statement.label in labels
        assert set(getattr(statement, "than", ())) <= labels
        low, high = getattr(statement, "between", None) or (-math.inf, math.inf)
        assert any(low <= (getattr(setup, one.axis) or 0) <= high for setup in setups)
        if isinstance(statement, Saturates):
            assert statement.after in {setup.m for setup in setups}
        if isinstance(statement, GainGrows):
            assert {statement.more, statement.less} <= {getattr(setup, statement.of) for setup in setups}


@pytest.mark.parametrize("label", sorted({label for one in RECIPES.values() for label in one.labels()}))
def test_settings_of_every_run_are_ones_of_its_method(label):
    algorithms = {a for one in RECIPES.values() for part in one.parts for a in part.algorithms if a.label == label}
    for algorithm in algorithms:
        settings_of(algorithm)


def test_restarts_are_the_papers():
    for one in RECIPES.values():
        for part in one.parts:
            for algorithm in part.algorithms:
                if algorithm.method == "csdip" and algorithm.preset is None:
                    assert settings_of(algorithm).restarts == (5 if part.dataset == "mnist" else 1)


def test_no_image_is_both_learned_from_and_evaluated():
    learning = [
        (part, a.learned) for one in RECIPES.values() for part in one.parts for a in part.algorithms if a.learned
    ]
    assert {learned.what for _, learned in learning} == {"prior", "generator"}
    for part, learned in learning:
        assert not set(part.images()) & set(range(learned.first, learned.first + learned.count))
        assert learned.count == {"prior": 10, "generator": 9000}[learned.what]


def test_image_counts_are_the_papers_as_far_as_images_are_held():
    counts = {"fig1a": (60, 37), "fig1b": (100, 100), "table1": (50, 27), "fig3a": (12, 12)}
    held = {"xray": 37, "mnist": 10_000, "retina": 12}
    for name, (paper, here) in counts.items():
        (part,) = RECIPES[name].parts
        assert (len(part.images()), len(part.images(held[part.dataset]))) == (paper, here)
        assert len(part.images(held[part.dataset], 3)) == 3
        assert part.images(held[part.dataset], 10 * paper) == part.images(held[part.dataset])
    assert RECIPES["table1"].parts[0].images(37)[0] == 10


def test_cells_are_those_of_images_setups_and_runs():
    one = recipe()
    assert len(cells_of(one, {"mnist": 6})) == 4 * 2 * 2
    assert len(cells_of(one, {"mnist": 3})) == 3 * 2 * 2
    assert len(cells_of(one, {}, images=2, labels=["tv"])) == 2 * 2
    assert [cell.image for cell in cells_of(one, {})] == sorted(cell.image for cell in cells_of(one, {}))


def test_batches_hold_every_cell_once_and_no_more_images_than_asked_for():
    all_cells = cells_of(recipe(), {})
    batches = list(batches_of(all_cells, {"mnist": 3}))
    assert sorted(map(repr, (c for b in batches for c in b))) == sorted(map(repr, all_cells))
    assert max(len({cell.image for cell in batch}) for batch in batches) == 3
    assert all(len({cell.setup for cell in batch}) == 1 for batch in batches)
    labels = [[cell.algorithm.label for cell in batch] for batch in batches]
    assert labels == [sorted(each) for each in labels]


def test_an_image_has_one_seed_whatever_the_recipe_and_no_other_image_has_it():
    seeds = {image_seed(name, i) for name in ("mnist", "xray", "retina") for i in range(100)}
    assert len(seeds) == 300
    assert image_seed("mnist", 0) == 1_443_877_098


@pytest.fixture
def small_methods(monkeypatch):
    from tests.experiments.small_recipes import Workshop
    from untrained.sims.recovery import methods

    workshop = Workshop()
    monkeypatch.setattr(methods, "METHODS", {"whole": workshop.method("whole"), "half": workshop.method("half")})


def test_keys_tell_every_two_cells_apart(small_methods):
    pixels = images()
    all_cells = cells_of(recipe(algorithms=(WHOLE, HALF, LEARNING)), {})
    assert len({cell_key(cell, pixels[cell.image]) for cell in all_cells}) == len(all_cells) == 4 * 2 * 3


def test_a_key_depends_on_everything_that_the_numbers_depend_on(small_methods, monkeypatch):
    cell, pixels = ImageCell("mnist", 1, SETUPS[0], WHOLE), images()
    others = [
        (replace(cell, dataset="xray"), pixels[1]),
        (replace(cell, image=2), pixels[1]),
        (cell, pixels[1] * 0.5),
        (replace(cell, setup=Setup(m=9)), pixels[1]),
        (replace(cell, setup=Setup("dct", m=8)), pixels[1]),
        (replace(cell, setup=Setup(m=8, variance=1.0)), pixels[1]),
        (replace(cell, algorithm=Algorithm("csdip", "half")), pixels[1]),
        (replace(cell, algorithm=Algorithm("csdip", "whole", {"share": "0.75"})), pixels[1]),
        (replace(cell, algorithm=LEARNING), pixels[1]),
        (replace(cell, algorithm=replace(LEARNING, learned=Learned("prior", 1, 2))), pixels[1]),
        (replace(cell, algorithm=replace(LEARNING, settings={"prior_weight": "10"})), pixels[1]),
    ]
    assert len({cell_key(*other) for other in [(cell, pixels[1]), *others]}) == len(others) + 1


def test_a_key_depends_on_nothing_else(small_methods, monkeypatch):
    cell, pixels = ImageCell("mnist", 1, SETUPS[0], WHOLE), images()
    same = ImageCell("mnist", 1, Setup(m=8), Algorithm("another label", "whole", {"share": "1.0"}))
    assert cell_key(cell, pixels[1]) == cell_key(same, pixels[1].clone())
    assert cell_key(cell, pixels[1]) == "74d585eeb6ccbbdee8cad4a8e72f426a"


def test_a_setting_that_came_later_changes_no_key_by_its_default():
    cell, pixel = ImageCell("mnist", 1, SETUPS[0], Algorithm("a", "csdip")), images()[1]
    for later, other in (("tv_scale", "0.5"), ("tv_by_noise", "0.9")):
        names = [replace(cell, algorithm=Algorithm("a", "csdip", {later: s})) for s in ("0.0", other)]
        keys = [cell_key(one, pixel) for one in (cell, *names)]
        assert keys[0] == keys[1] == "7375e06bf0a8b36f40da1be10bc78610"
        assert keys[2] != keys[0]


def test_a_cell_s_key_follows_the_versions_of_its_laws(small_methods, monkeypatch):
    cell, pixels = cells_of(recipe(), {"mnist": 6})[0], images(6)
    before = cell_key(cell, pixels[0])
    chosen = methods.METHODS[cell.algorithm.method]
    monkeypatch.setitem(methods.METHODS, cell.algorithm.method, dataclasses.replace(chosen, version=chosen.version + 1))
    after = cell_key(cell, pixels[0])
    monkeypatch.setattr(cells, "law_version", lambda name: 2)
    assert len({before, after, cell_key(cell, pixels[0])}) == 3


def test_an_interval_is_students(small_methods):
    # t of 2 degrees of freedom at 97.5 % is 4.302653 in any table; the deviation of 1, 2, 3 is 1.
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert interval([7.0]) == (7.0, None, None)


def test_a_gain_is_of_mean_errors_and_its_interval_of_pairs():
    assert percent([0.5, 0.6, 0.7], [1.0, 1.2, 1.4]) == pytest.approx([50.0, 50.0, 50.0])
    # Means 3 and 4: a gain of 25 %, although image by image it is 0 % and 40 %.
    gain, low, high = percent([3.0, 3.0, 3.1, 2.9], [3.0, 5.0, 3.1, 4.9])
    assert gain == pytest.approx(25.0)
    assert low < 25 < high
    assert percent([1.0], [4.0]) == [75.0, None, None]


def scores(**means):
    """Scores of 20 images about each mean, the same images good for all."""
    spread = [0.9 + 0.01 * i for i in range(20)]
    setups = (Setup(m=10), Setup(m=20))
    return {
        (label, setup): {i: mean * f for i, f in enumerate(spread)}
        for label, (pair) in means.items()
        for setup, mean in zip(setups, pair, strict=True)
    }


LOWER = Lower("a is better", "a", ("b",))
ALIKE = scores(a=(1, 1), b=(2, 1))
ALIKE["a", Setup(m=20)] = {i ^ 1: mse for i, mse in ALIKE["a", Setup(m=20)].items()}
"""At m = 20 the means are the same at every look, and of two images one is better for a, the other for b."""
JUDGED = {
    "lower everywhere": (LOWER, scores(a=(1, 1), b=(2, 2)), "holds"),
    "higher everywhere": (LOWER, scores(a=(2, 2), b=(1, 1)), "fails"),
    "higher at one of two": (LOWER, scores(a=(1, 2), b=(2, 1)), "fails"),
    "lower at one, the same on average at another": (LOWER, ALIKE, "undecided"),
    "lower at one, the same on every image at another": (LOWER, scores(a=(1, 1), b=(2, 1)), "fails"),
    "lower where it is asked": (replace(LOWER, between=(0, 10)), scores(a=(1, 2), b=(2, 1)), "holds"),
    "lower in half of the cases": (replace(LOWER, share=0.5), scores(a=(1, 2), b=(2, 1)), "holds"),
    "lower, but not by a factor of three": (replace(LOWER, factor=3), scores(a=(1, 1), b=(2, 2)), "fails"),
    "lower by a factor of three": (replace(LOWER, factor=3), scores(a=(1, 1), b=(4, 4)), "holds"),
    "alike within a factor": (Alike("same", "a", ("b",), 0.2), scores(a=(1, 1), b=(1.1, 0.9)), "holds"),
    "twice as large is not alike": (Alike("same", "a", ("b",), 0.2), scores(a=(1, 2), b=(1, 1)), "fails"),
    "half is not alike": (Alike("same", "a", ("b",), 0.2), scores(a=(1, 1), b=(1, 2)), "fails"),
    "no such run": (LOWER, scores(a=(1, 1)), "not run"),
    "saturated": (Saturates("a stops", "a", 10), scores(a=(1, 0.9)), "holds"),
    "not saturated": (Saturates("a stops", "a", 10), scores(a=(1, 0.5)), "fails"),
    "saturation without the setup": (Saturates("a stops", "a", 15), scores(a=(1, 1)), "not run"),
    "gain that grows": (GainGrows("grows", "a", "b", "m", 20, 10), scores(a=(0.9, 0.5), b=(1, 1)), "holds"),
    "gain that shrinks": (GainGrows("grows", "a", "b", "m", 20, 10), scores(a=(0.5, 0.9), b=(1, 1)), "fails"),
    "gain of nothing": (GainGrows("grows", "a", "b", "m", 20, 10), scores(a=(1, 1)), "not run"),
}


@pytest.mark.parametrize("name", JUDGED)
def test_sentences_are_judged_by_intervals(name):
    statement, table, verdict = JUDGED[name]
    assert judge_sentence(statement, table, "m").verdict == verdict


def test_a_single_image_decides_nothing():
    one = {place: {0: values[0]} for place, values in scores(a=(1, 1), b=(2, 2)).items()}
    assert judge_sentence(LOWER, one, "m").verdict == "undecided"
    assert judge_sentence(GainGrows("grows", "a", "b", "m", 20, 10), one, "m").verdict == "undecided"


def test_pairs_are_of_images_that_both_have():
    table = {("a", 1): {0: 1.0, 2: 3.0, 3: 4.0}, ("b", 1): {3: 5.0, 0: 6.0, 1: 7.0}}
    assert paired(table, ("a", 1), ("b", 1)) == ([1.0, 4.0], [6.0, 5.0])


@pytest.mark.parametrize("name", TEXT_RECIPES)
def test_sentences_of_the_text_are_of_cells_that_figures_have_too(name):
    one = TEXT_RECIPES[name]
    (part,), (statement,) = one.parts, one.statements
    assert comparisons_of(statement, one.arms(), one.axis)
    assert {statement.label, *statement.than} == set(one.labels()) <= set(NAMES)
    for algorithm in part.algorithms:
        settings_of(algorithm)
    figure = RECIPES[{"mnist": "fig1b", "xray": "fig1a", "retina": "fig3a"}[part.dataset]]
    pixels = images()[0]
    keys = {cell_key(c, pixels) for c in cells_of(figure, {}, images=1)}
    shared = [c.algorithm.label for c in cells_of(one, {}, images=1) if cell_key(c, pixels) in keys]
    others = {"wavelet": {"lasso-dct"}, "colours": {"csdip", "damp"}}
    assert set(shared) == others.get(name.split("-")[1], {"csdip"})


def test_the_dimension_of_z_that_is_compared_is_half_and_twice_the_published():
    for name, shape in (("mnist", (1, 28, 28)), ("xray", (1, 256, 256))):
        (part,) = TEXT_RECIPES[f"vanveen18-latent-{name}"].parts
        sizes = [network_for(settings_of(a), shape).latent.shape[0] for a in part.algorithms]
        assert [size / sizes[0] for size in sizes] == [1, 0.5, 2]


def test_selecting_keeps_the_order_asked_for():
    assert [one.name for one in select(["table2", "fig1a", "table2"])] == ["table2", "fig1a"]


def test_a_part_without_such_images_is_empty():
    assert list(Part("xray", (), (), count=5, first=10).images(available=4)) == []


def test_a_cell_is_parameters_that_json_can_hold_and_back():
    for algorithm in (WHOLE, HALF, LEARNING, Algorithm("csdip-fast", "csdip", preset="fast")):
        cell = ImageCell("mnist", 3, Setup("fourier-radial", lines=4), algorithm)
        parameters = json.loads(json.dumps(cell.cell().parameters))
        assert ImageCell.from_parameters(parameters) == cell
        assert cell.cell().seed == image_seed("mnist", 3)


def test_a_user_s_recipe_is_found_in_its_file(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from untrained.sims.experiments.recipes.recipe import Algorithm, Part, Recipe, Setup\n"
        "PARTS = (Part('mnist', (Setup(m=8),), (Algorithm('tv', 'tv'),), 2),)\n"
        "MINE = Recipe('mine', 'curves', 'Mine', 'nobody Figure 1', PARTS)\n"
    )
    assert load_recipe(f"{tmp_path / 'mine.py'}:MINE").labels() == ["tv"]
    with pytest.raises(ValueError, match=r"recipe must be a Recipe named PARTS in .*, got tuple"):
        load_recipe(f"{tmp_path / 'mine.py'}:PARTS")
    with pytest.raises(ValueError, match=r"recipe must be a known name \(fig1a, .*, file.py:NAME or"):
        select(["nope"])
    with pytest.raises(ValueError, match="recipes must each have a name of their own, got mine twice"):
        select([f"{tmp_path / 'mine.py'}:MINE", f"{tmp_path}/../{tmp_path.name}/mine.py:MINE"])
