import json
import shutil
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from untrained.figures.draw import draw, make
from untrained.sims.experiments.recipes.jagatap19 import CPR, CS, measurement_ratio, ratio_rows
from untrained.sims.record.store import FOLDER, read_record

NAME = "recipes_netpgd"
RECIPES = ("jagatap19-cs", "jagatap19-cpr", "jagatap19-celeba")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    recipes = tmp_path / "record" / "recipes"
    recipes.mkdir(parents=True)
    for name in RECIPES:
        shutil.copy(FOLDER / "recipes" / f"{name}.json", recipes)
    return tmp_path / "record"


def change(record: Path, name: str, **fields: object) -> None:
    path = record / "recipes" / f"{name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def texts(folder: Path = FOLDER) -> list[str]:
    return [text.get_text() for text in make(NAME, folder).findobj(Text)]


def curves(panel: int, *, hollow: bool, folder: Path = FOLDER) -> list[dict[float, float]]:
    """The points of each line that has markers: f, as the recipe asks for it, and nMSE."""
    lines = [line for line in make(NAME, folder).axes[panel].get_lines() if line.get_marker() != "None"]
    chosen = [line for line in lines if (line.get_markerfacecolor() == "none") == hollow]
    return [dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in chosen]


@pytest.mark.parametrize(("panel", "digitised"), [(0, CS), (1, CPR)])
def test_hollow_points_are_the_papers_at_their_true_ratios(panel: int, digitised: dict) -> None:
    wanted = [
        {measurement_ratio("mnist", ratio_rows("mnist", f)): v for f, v in row.items()} for row in digitised.values()
    ]
    drawn = curves(panel, hollow=True)
    assert len(drawn) == len(wanted)
    assert all(row in drawn for row in wanted)


@pytest.mark.parametrize("panel", [0, 1, 2])
def test_filled_points_are_the_recorded_means_near_their_ratios(panel: int) -> None:
    points = [p for p in read_record("recipe", RECIPES[panel])["points"] if not p["label"].startswith("floor")]
    pixels = 12288 if panel == 2 else 784
    wanted = sorted((max(p["nmse"][0], 1e-3), p["m"] / pixels) for p in points)
    drawn = sorted((y, x) for row in curves(panel, hollow=False) for x, y in row.items())
    assert [y for y, _ in drawn] == [y for y, _ in wanted]
    assert [x for _, x in drawn] == pytest.approx([x for _, x in wanted], rel=1e-3)


def test_axes_are_logarithmic_with_a_tick_at_every_ratio() -> None:
    for axes, ratios in zip(make(NAME).axes, (CS["net-gd"], CPR["net-gd-phase"]), strict=False):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert list(axes.get_xticks()) == pytest.approx(list(ratios), rel=6e-3)
        assert [label.get_text() for label in axes.get_xticklabels()] == [f"{f:g}" for f in ratios]


def test_ours_and_the_papers_points_share_a_colour_and_methods_share_no_marker() -> None:
    for axes in make(NAME).axes[:2]:
        lines = [line for line in axes.get_lines() if line.get_marker() != "None"]
        looks = [(to_hex(line.get_color()), line.get_marker(), line.get_markerfacecolor() == "none") for line in lines]
        filled = [look[:2] for look in looks if not look[2]]
        assert {look[:2] for look in looks if look[2]} <= set(filled)
        assert len({colour for colour, _ in filled}) == len({marker for _, marker in filled}) == len(filled)


def test_legends_separate_ours_from_the_papers() -> None:
    ours, theirs = make(NAME).legends
    names = [text.get_text() for text in ours.get_texts()]
    assert {"Net-GD", "Net-PGD, preset best", "TV", "SPARTA", "floor, slides' widths"} <= set(names)
    assert len(set(names)) == len(names)
    assert {text.get_text() for text in theirs.get_texts()} == {"Net-GD", "Net-PGD", "Lasso (DCT)", "TV", "SPARTA"}
    assert (ours.get_title().get_text()[:4], theirs.get_title().get_text()[:5]) == ("ours", "paper")


def test_floor_is_drawn_where_it_is_recorded(record: Path) -> None:
    (floor,) = (p["nmse"][0] for p in read_record("recipe", "jagatap19-cs")["points"] if p["label"] == "floor")
    lines = [list(line.get_ydata()) for line in make(NAME).axes[0].get_lines()]
    assert [floor, floor] in lines
    assert [floor, floor] not in [list(line.get_ydata()) for line in make(NAME).axes[1].get_lines()]


def test_a_mean_below_the_axis_is_written() -> None:
    assert "5e-11" in texts()


def test_title_says_who_has_the_least_mean(record: Path) -> None:
    points = read_record("recipe", "jagatap19-cs")["points"]
    change(record, "jagatap19-cs", points=[p for p in points if not p["label"].startswith("net-")])
    titles = [axes.get_title(loc="left").replace("\xa0", " ").replace("\n", " ") for axes in make(NAME, record).axes]
    titles = [title.partition("$  ")[2] for title in titles]
    assert titles[0] == "Digits, y = Ax: least mean by TV at f = 0.08 to 0.3"
    assert titles[1] == "Digits, y = |Ax|: least mean by a network at f = 0.1 to 1, by amplitude flow at f = 3"


def test_panels_say_how_many_images_and_what_is_not_recorded(record: Path) -> None:
    assert any(text.startswith("20 images (paper: 6)") for text in texts(record))
    points = read_record("recipe", "jagatap19-cs")["points"]
    change(record, "jagatap19-cs", points=[p for p in points if p["m"] in (63, 78, 235) and p["label"] != "tv"])
    words = "\n".join(texts(record))
    assert "not recorded: f = 0.15, 0.2, 0.25" in words
    assert "TV; floor, slides' widths" in words


def test_a_recipe_without_a_record_says_so_in_its_panel(record: Path) -> None:
    (record / "recipes" / "jagatap19-celeba.json").unlink()
    change(record, "jagatap19-cpr", points=[])
    figure = make(NAME, record)
    panels = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert panels[1:] == [[f"not recorded:\nuntrained reproduce {name}"] for name in RECIPES[1:]]
    assert [len(axes.get_lines()) for axes in figure.axes[1:]] == [0, 0]


def test_a_folder_without_records_still_draws_its_panels(tmp_path: Path) -> None:
    assert sum(text.startswith("not recorded:") for text in texts(tmp_path)) == 3


def test_figure_changes_with_its_record(record: Path, tmp_path: Path) -> None:
    before = draw([NAME], tmp_path / "before", record, ("png",))[0].read_bytes()
    points = read_record("recipe", "jagatap19-celeba")["points"]
    for point in points:
        point["nmse"] = [0.9 * number for number in point["nmse"]]
    change(record, "jagatap19-celeba", points=points)
    assert draw([NAME], tmp_path / "after", record, ("png",))[0].read_bytes() != before


def test_caption_names_bars_and_source() -> None:
    caption = " ".join(next(text for text in texts() if text.startswith("nMSE = ")).split())
    for words in ("95 % t-interval", "Jagatap and Hegde 2019", "p. 27-28", "upper bound of the least error"):
        assert words in caption
