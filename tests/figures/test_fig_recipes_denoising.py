import json
import shutil
from pathlib import Path

import pytest
from matplotlib.text import Text

from untrained.figures.draw import draw, make
from untrained.figures.recipe_curves import draw_recipe
from untrained.sims.record.store import FOLDER, read_record

TABLE, EXAMPLE, STUDY = "heckel20a-table1", "heckel20a-fig2", "heckel20a-fig1"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    for kind, name in (("recipes", TABLE), ("recipes", EXAMPLE), ("sweeps", STUDY)):
        (tmp_path / "record" / kind).mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / kind / f"{name}.json", tmp_path / "record" / kind)
    return tmp_path / "record"


def texts(folder: Path) -> str:
    return "\n".join(text.get_text() for text in make("recipes_denoising", folder).findobj(Text))


def test_every_mean_is_a_dot_and_every_printed_number_a_hollow_one(record: Path) -> None:
    data = read_record("recipe", TABLE, record)
    labels = list(dict.fromkeys(p["label"] for p in data["points"]))
    lines = [line for line in make("recipes_denoising", record).axes[0].get_lines() if line.get_marker() != "None"]
    dots = {True: set(), False: set()}
    for line in lines:
        dots[line.get_markerfacecolor() == "none"].add((float(line.get_xdata()[0]), int(line.get_ydata()[0])))
    assert dots[False] == {(p["psnr"][0], labels.index(p["label"])) for p in data["points"]}
    printed = {(n["value"], labels.index(n["label"])) for n in data["numbers"] if n["label"] in labels}
    assert dots[True] == printed


def test_the_example_has_a_picture_of_each_method_with_its_decibels(record: Path) -> None:
    data = read_record("recipe", EXAMPLE, record)
    text = texts(record)
    assert len(data["pictures"]) == len(data["points"]) + 1
    assert all(f"{point['psnr'][0]:.1f} dB" in text for point in data["points"])


def test_what_is_not_recorded_is_said(tmp_path: Path) -> None:
    text = texts(tmp_path)
    assert f"untrained reproduce {TABLE}" in text
    assert f"untrained reproduce {EXAMPLE}" in text


def test_curves_of_the_study_change_with_its_record(record: Path, tmp_path: Path) -> None:
    before = draw(["heckel20a_fig1"], tmp_path / "before", record)[0].read_bytes()
    path = record / "sweeps" / f"{STUDY}.json"
    data = json.loads(path.read_text())
    for row in data["rows"]:
        row["value"] *= 0.9
    path.write_text(json.dumps(data))
    assert draw(["heckel20a_fig1"], tmp_path / "after", record)[0].read_bytes() != before


@pytest.mark.parametrize("name", [TABLE, EXAMPLE])
def test_a_record_is_drawn_by_itself(record: Path, name: str) -> None:
    assert draw_recipe(read_record("recipe", name, record)).findobj(Text)
