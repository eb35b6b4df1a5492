"""`untrained report` as a user meets it: what it refuses, and what it says."""

import json

import pytest

from untrained.figures.site import build


@pytest.fixture
def quick(monkeypatch):
    """Leave the pages of claims and papers out."""
    monkeypatch.setattr(build.Site, "files", lambda site: iter([("index.html", b"<html>"), (build._MARK, b"")]))


def told(ended):
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    return line.removeprefix("untrained: ")


def test_it_says_where_the_first_page_is(untrained, quick, tmp_path):
    ended = untrained("report", "-o", tmp_path / "pages", "--no-pictures")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{tmp_path}/pages/index.html: 1 pages, 0.0 MB\n"
    assert (tmp_path / "pages" / "index.html").is_file()


def test_it_opens_the_first_page_where_asked_to(untrained, quick, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    untrained("report", "-o", tmp_path / "pages", "--no-pictures", "--open")
    assert opened == [(tmp_path / "pages" / "index.html").as_uri()]


def test_a_folder_of_something_else_is_left_alone(untrained, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    sentence = told(untrained("report", "-o", tmp_path, "--no-pictures"))
    assert sentence == f"--out must name a folder that is new, empty or an earlier report, got {tmp_path}"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("option", ["reconstruction", "check"])
def test_what_is_no_report_is_refused_before_anything_is_written(untrained, tmp_path, option):
    (tmp_path / "r.json").write_text(json.dumps({"format": 1}))
    sentence = told(untrained("report", "-o", tmp_path / "pages", f"--{option}", tmp_path / "r.json"))
    assert sentence.startswith(f"--{option} must name a report with ")
    assert "must name a file that exists" in told(
        untrained("report", "-o", tmp_path / "pages", f"--{option}", "none.json")
    )
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
