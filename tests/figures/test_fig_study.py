import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from untrained.figures.draw import draw, figure_names, make
from untrained.figures.drawing import between
from untrained.sims.record.store import FOLDER, read_record
from untrained.theory.objects.sign_changes import worst_count

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
    before = draw([FIGURES[name]], tmp_path / "before", record, ("png",))[0].read_bytes()
    path = record / "sweeps" / f"{name}.json"
    data = json.loads(path.read_text())
    for row in data["rows"]:
        for key in ("value", "low", "high"):
            row[key] = None if row[key] is None else 0.9 * row[key]
    path.write_text(json.dumps(data))
    assert draw([FIGURES[name]], tmp_path / "after", record, ("png",))[0].read_bytes() != before


@pytest.mark.parametrize("name", FIGURES)
def test_figure_of_a_study_that_was_not_recorded_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^study must be one of the record's, got '{name}'$"):
        draw([FIGURES[name]], tmp_path / "out", tmp_path)


def test_phase_diagram_has_every_cell_and_the_budget_is_named() -> None:
    study = read_record("study", "phase")
    steps, figure = study["axes"]["steps"][0], make("study_phase")
    assert {f"{steps} steps", f"{steps // 4} steps", "not stuck", "a fit exists"} <= legend_texts("phase")
    mesh = next(part for part in figure.axes[0].collections if part.get_array() is not None)
    shares = {(r["n"], r["ratio"]): r["value"] for r in study["rows"] if r["quantity"] == "converged"}
    wanted = [[shares[n, ratio] for ratio in study["axes"]["ratio"]] for n in study["axes"]["n"]]
    assert mesh.get_array().reshape(len(wanted), -1).tolist() == wanted
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [f"{n}" for n in study["axes"]["n"]]


@pytest.mark.parametrize(("value", "place"), [(2, 0.5), (3, 1.0), (4, 1.5), (16, 2.5), (1, 0.0)])
def test_a_value_lies_between_the_middles_of_its_cells(value: float, place: float) -> None:
    assert between([2, 4, 16], value) == pytest.approx(place)


def test_step_has_a_line_and_a_mark_for_every_ratio() -> None:
    study = read_record("study", "step")
    assert {f"d/n = {ratio:g}" for ratio in study["axes"]["ratio"]} <= legend_texts("step")
    rows = [row for row in study["rows"] if (row["source"], row["quantity"]) == ("printed", "step_multiple")]
    lines = [line for line in make("study_step").axes[1].get_lines() if line.get_marker() == "v"]
    marks = {float(line.get_xdata()[0]) for line in lines if len(line.get_xdata()) == 1}
    assert marks == {row["value"] for row in rows}


def test_signs_are_shares_of_the_width_against_the_distance_gone() -> None:
    """R/sqrt(d) and the share of d, straight from the rows of the largest n."""
    rows = [row for row in read_record("study", "signs")["rows"] if row["n"] == 32]
    named = {(row["quantity"], row["ratio"]): row["value"] for row in rows}
    axes = make("study_signs").axes[0]
    drawn = {(float(x), float(y)) for line in axes.get_lines() for x, y in zip(*line.get_data(), strict=True)}
    for (quantity, ratio), value in named.items():
        if quantity in ("off", "worst_on", "worst_all"):
            d = round(32 * ratio)
            x, y = named["radius", ratio] / d**0.5, value / d
            assert any(abs(x - u) < 1e-9 and abs(y - v) < 1e-9 for u, v in drawn)
    assert axes.get_ylim()[1] < 2


def test_the_worst_share_of_a_ball_is_that_of_many_drawn_neurons() -> None:
    """The most of 200 000 normal alignments whose squares sum to at most R^2, against the limit that is drawn."""
    g = np.random.default_rng(0).standard_normal(200_000)
    line = next(line for line in make("study_signs").axes[0].get_lines() if len(line.get_xdata()) == 81)
    for x, y in zip(*line.get_data(), strict=True):
        if 0.02 < x < 0.9:
            assert worst_count(g, x * len(g) ** 0.5) / len(g) == pytest.approx(y, rel=0.02)
