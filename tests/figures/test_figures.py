import ast
import json
import re
import shutil
from itertools import combinations
from pathlib import Path
from typing import get_args

import matplotlib.style
import pytest
from matplotlib.text import Text

from tests.figures.made_figures import made
from untrained import figures
from untrained.figures.draw import draw, figure_caption, figure_names, make
from untrained.figures.fig_ledger import SECTIONS, section
from untrained.figures.fig_sigma_min import fig_sigma_min
from untrained.figures.style import STYLE, VERDICTS
from untrained.sims.record.store import FOLDER, read_all, read_record, write_record
from untrained.theory.ledger import ledger
from untrained.theory.verdict import Status

HERE = Path(figures.__file__).parent
FORBIDDEN = (
    "numpy.random",
    "untrained.theory.proof",
    "untrained.sims.evidence",
    "untrained.sims.experiments.studies",
    "random",
    "torch",
    "scipy",
)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "record", ignore=shutil.ignore_patterns("*.py", "__pycache__")))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    paths = draw(None, tmp_path_factory.mktemp("out") / "deep" / "folder", formats=("svg",))
    return {path.name: path.read_bytes() for path in paths}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def outside(axes):
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def boxes(name: str):
    figure = made(name)
    hidden = {id(label) for axes in figure.axes for label in outside(axes)}
    texts = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible() and id(t) not in hidden]
    renderer = figure.canvas.get_renderer()
    return figure.bbox, [(t.get_text(), Text.get_window_extent(t, renderer)) for t in texts]


def test_figures_are_the_folder() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("fig_*.py"))
    assert figure_names() == sorted(re.findall(r"^def fig_(\w+)", sources, re.MULTILINE))
    assert {"ledger", "sigma_min"} <= set(figure_names())


def are_whole(files: dict[str, bytes], names: list[str], kinds: tuple[str, ...]) -> bool:
    beginnings = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    assert set(files) == {f"{name}.{kind}" for name in names for kind in (*kinds, "txt")}
    pictures = [(name.rpartition(".")[2], data) for name, data in files.items() if not name.endswith("txt")]
    return all(data.startswith(beginnings[kind]) and len(data) > 5000 for kind, data in pictures)


def test_every_figure_is_drawn_whole(drawn: dict[str, bytes]) -> None:
    assert are_whole(drawn, figure_names(), ("svg",))


@pytest.mark.parametrize("names", [["sigma_min"], pytest.param(figure_names(), marks=pytest.mark.slow)])
def test_a_figure_is_drawn_in_every_format(names: list[str], tmp_path: Path) -> None:
    kinds = ("png", "pdf", "svg")
    assert are_whole({path.name: path.read_bytes() for path in draw(names, tmp_path)}, names, kinds)


@pytest.mark.parametrize("names", [figure_names()[::5], pytest.param(figure_names(), marks=pytest.mark.slow)])
def test_same_record_gives_same_bytes(names: list[str], drawn: dict[str, bytes], tmp_path: Path) -> None:
    again = {path.name: path.read_bytes() for path in draw(names, tmp_path, formats=("svg",))}
    assert [name for name in again if drawn[name] != again[name]] == []
    assert len(again) == 2 * len(names)


def test_only_pictures_and_captions_are_left_behind(tmp_path: Path) -> None:
    paths = draw(["sigma_min"], tmp_path, formats=("svg", "png"))
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert [path.name for path in paths] == ["sigma_min.png", "sigma_min.svg", "sigma_min.txt"]


def test_the_caption_stands_beside_and_where_it_is_asked_for_only_there(tmp_path: Path) -> None:
    _, beside = draw(["sigma_min"], tmp_path, formats=("svg",), captions=False)
    assert beside.read_text() == f"{figure_caption('sigma_min')}\n"
    assert "vanveen18.lemB1.printed" in beside.read_text()
    (tall, _), (low, _) = (draw(["sigma_min"], tmp_path / str(k), formats=("png",), captions=k) for k in (True, False))
    heights = [int.from_bytes(path.read_bytes()[20:24], "big") for path in (tall, low)]
    assert heights[0] > heights[1] + 100


def test_an_unknown_format_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^format must be one of png, pdf, svg, got 'gif'$"):
        draw(["sigma_min"], tmp_path / "out", formats=("png", "gif"))
    assert not (tmp_path / "out").exists()


def test_ledger_changes_with_the_record(drawn: dict[str, bytes], record: Path, tmp_path: Path) -> None:
    path = record / "vanveen18.lemB3.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "verdict": "REFUTED"}))
    svg, _ = draw(["ledger"], tmp_path, record, ("svg",))
    assert svg.read_bytes() != drawn["ledger.svg"]


def test_sigma_min_changes_with_the_table(drawn: dict[str, bytes], record: Path, tmp_path: Path) -> None:
    study = read_record("study", "sigma_min", record)
    rows = [row | {"value": 0.9 * row["value"]} for row in study["rows"]]
    write_record("study", "sigma_min", {**study, "rows": rows}, record)
    svg, _ = draw(["sigma_min"], tmp_path, record, ("svg",))
    assert svg.read_bytes() != drawn["sigma_min.svg"]


def put_mutants(record: Path) -> None:
    """Mutants of two claims: one constant sharp, one open, one refuted as it stands."""

    def one(name: str, way: str, value: object, affirmed: object, refuted: object, strength: str = "proved") -> dict:
        ends = {"value": value, "affirmed": affirmed, "strength": strength, "refuted": refuted}
        return {"name": name, "way": way, **ends, "weaker": False, "fault": False, "pushes": []}

    for claim_id, pushes in {
        "vanveen18.lemB1.proof": [
            one("width_ratio", "down", 3528, 199.74, 67.3),
            one("fraction", "up", "1/2", 0.66, 0.68),
        ],
        "vanveen18.lemC4": [
            one("exponent", "up", "1/6", 0.3178, 0.3179),
            one("level", "up", "1/2", 0, None, "supported"),
        ],
    }.items():
        version = ledger()[claim_id].version
        data = {"id": claim_id, "outcome": "affirmed", "pushes": pushes, "seed": 0, "version": version}
        write_record("mutants", claim_id, data, record)


def test_brackets_are_drawn_from_the_recorded_mutants(record: Path, tmp_path: Path) -> None:
    shutil.rmtree(record / "mutants", ignore_errors=True)
    empty, _ = draw(["brackets"], tmp_path / "empty", record, ("png",))
    put_mutants(record)
    png, _ = draw(["brackets"], tmp_path, record, ("png",))
    assert png.read_bytes() != empty.read_bytes()
    texts = [text.get_text() for text in make("brackets", record).findobj(Text)]
    assert "lemB1.proof  width_ratio 3528" in texts
    assert "lemC4  exponent 1/6  sharp" in texts
    assert "n = 3 constants of 2 claims, 1 of them sharp (ends within 1 %)." in texts


def test_mutants_of_another_version_are_not_shown(record: Path) -> None:
    shutil.rmtree(record / "mutants", ignore_errors=True)
    put_mutants(record)
    path = record / "mutants" / "vanveen18.lemC4.json"
    data = json.loads(path.read_text())
    write_record("mutants", "vanveen18.lemC4", {**data, "version": data["version"] + 1}, record)
    texts = [text.get_text() for text in make("brackets", record).findobj(Text)]
    assert not [text for text in texts if text.startswith("lemC4")]


def test_unknown_name_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    names = ", ".join(figure_names())
    sentence = rf"^figure must be one of {names}, got 'sigma_max'; did you mean sigma_min\?$"
    with pytest.raises(ValueError, match=sentence):
        draw(["ledger", "sigma_max"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unwritable_folder_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            draw(["sigma_min"], out)


def test_failed_write_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "sigma_min.png").mkdir()
    with pytest.raises(ValueError, match=r"sigma_min\.png"):
        draw(["sigma_min"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sigma_min.png"]


def test_missing_table_and_empty_record_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^study must be one of the record's, got 'sigma_min'$"):
        draw(["sigma_min"], tmp_path / "out", tmp_path)
    with pytest.raises(ValueError, match=r"^record must hold at least one claim, got none"):
        draw(["ledger"], tmp_path / "out", tmp_path)


@pytest.mark.parametrize("path", sorted(HERE.glob("fig_*.py")), ids=lambda path: path.stem)
def test_figures_compute_nothing(path: Path) -> None:
    names = imported(path)
    assert not [n for n in names if any(n == f or n.startswith(f"{f}.") for f in FORBIDDEN)]
    assert "numpy" not in names
    assert "untrained.sims.record.store" in names


@pytest.mark.parametrize("name", figure_names())
def test_no_text_overlaps_or_leaves_the_page(name: str) -> None:
    page, places = boxes(name)
    assert [t for t, b in places if b.x0 < page.x0 or b.x1 > page.x1 or b.y0 < page.y0 or b.y1 > page.y1] == []
    bodies = [(t, b.padded(-0.25 * min(b.width, b.height))) for t, b in places]
    assert [(s, t) for (s, a), (t, b) in combinations(bodies, 2) if a.overlaps(b)] == []


def test_ledger_shows_every_claim_with_its_verdict() -> None:
    _, places = boxes("ledger")
    texts, record = [text for text, _ in places], read_all("claim")
    for claim_id in ledger():
        assert claim_id.partition(".")[2] in texts
    for verdict in VERDICTS:
        entries = [record.get(claim_id, {"verdict": "UNTESTED"}) for claim_id in ledger()]
        count = sum(entry["verdict"] == verdict for entry in entries)
        assert texts.count(verdict) == count
        assert (f"{count} {verdict}" in texts) == (count > 0)


def test_a_verdict_is_told_by_shape_alone_too() -> None:
    assert set(VERDICTS) == set(get_args(Status))
    assert len({marker for marker, _ in VERDICTS.values()}) == len({c for _, c in VERDICTS.values()}) == len(VERDICTS)


def test_every_heading_of_the_ledger_is_used_once() -> None:
    headings = [section(claim_id) for claim_id in ledger()]
    assert {name for _, name in SECTIONS} <= set(headings)
    texts = [text.get_text() for text in made("ledger").findobj(Text)]
    assert [name for name in set(headings) if texts.count(name) != 1] == []
    assert section("newpaper.lem1") == "newpaper"


def test_widths_on_the_figure_are_those_of_the_table() -> None:
    with matplotlib.style.context(["default", STYLE]):
        texts = [text.get_text() for text in fig_sigma_min().axes[0].texts]
    marks = ["limit 23.3", "exact, n = 16: 60.1", "exact, n = 64: 67.3", "proved here 200", "the paper's proof 3528"]
    assert [mark for mark in [*marks, "printed 3828"] if mark not in texts] == []


def test_exact_law_lies_where_simulation_and_thresholds_say() -> None:
    rows = read_record("study", "sigma_min")["rows"]
    for n in (16, 64):
        exact = sorted((r["d_over_n"], r["value"]) for r in rows if r["source"] == "exact law" and r["n"] == n)
        (threshold,) = (r["d_over_n"] for r in rows if r["source"] == "threshold" and r["n"] == n)
        assert exact == sorted(exact, key=lambda point: point[1])
        assert max(v for x, v in exact if x < threshold) < 0.5 < min(v for x, v in exact if x > threshold)
        lows = [r for r in rows if r["n"] == n and r["quantity"] == "quantile 0.001"]
        for low in lows:
            assert all(v < low["value"] + 0.02 for x, v in exact if abs(x / low["d_over_n"] - 1) < 0.03)
