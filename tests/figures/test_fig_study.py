import json
import shutil
from pathlib import Path

import pytest

from untrained.figures.draw import draw, figure_names, make
from untrained.sims.record.store import FOLDER, read_record

NAMES = ("phase", "rate", "step", "sigma", "signs", "sensing", "noise")
FIGURES = {**{name: f"study_{name}" for name in NAMES}, "heckel20b-fig1": "sensing_convergence"}
"""The figure of each recorded study."""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER / "sweeps", tmp_path / "record" / "sweeps")
    return tmp_path / "record"


def legend_texts(name: str) -> set[str]:
    figure = make(f"study_{name}")
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return {text.get_text() for legend in legends if legend is not None for text in legend.get_texts()}


def test_every_study_has_its_figure() -> None:
    assert {f"study_{name}" for name in NAMES} == {name for name in figure_names() if name.startswith("study_")}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_of_a_study_changes_with_its_record(name: str, record: Path, tmp_path: Path) -> None:
    before = draw([FIGURES[name]], tmp_path / "before", record)[0].read_bytes()
    path = record / "sweeps" / f"{name}.json"
    data = json.loads(path.read_text())
    for row in data["rows"]:
        for key in ("value", "low", "high"):
            row[key] = None if row[key] is None else 0.9 * row[key]
    path.write_text(json.dumps(data))
    assert draw([FIGURES[name]], tmp_path / "after", record)[0].read_bytes() != before


@pytest.mark.parametrize("name", FIGURES)
def test_figure_of_a_study_that_was_not_recorded_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^study must be one of the record's, got '{name}'$"):
        draw([FIGURES[name]], tmp_path / "out", tmp_path)


def test_phase_names_every_n_and_the_budget() -> None:
    study = read_record("study", "phase")
    steps = study["axes"]["steps"][0]
    wanted = {f"n = {n}" for n in study["axes"]["n"]} | {f"converge in {steps} steps", f"not stuck after {steps} steps"}
    assert wanted <= legend_texts("phase")


def test_step_has_a_line_and_a_mark_for_every_ratio() -> None:
    study = read_record("study", "step")
    assert {f"d/n = {ratio:g}" for ratio in study["axes"]["ratio"]} <= legend_texts("step")
    rows = [row for row in study["rows"] if (row["source"], row["quantity"]) == ("printed", "step_multiple")]
    lines = [line for line in make("study_step").axes[0].get_lines() if line.get_marker() == "v"]
    marks = {float(line.get_xdata()[0]) for line in lines if len(line.get_xdata())}
    assert marks == {row["value"] for row in rows}


def test_signs_are_shares_of_the_width() -> None:
    (line,) = (each for each in make("study_signs").axes[0].get_lines() if each.get_label() == "worst, all neurons")
    assert max(line.get_ydata()) <= 1
