"""Every command and code block of README, CONTRIBUTING and the guides runs, and prints what the page shows."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from blocks import DATA, PAGES, ROOT, Session, agrees, blocks, commands

import untrained

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
SLOW = [name for name in NAMES if any("slow" in block.words for block in blocks(ROOT / name))]


def run(name, folder, monkeypatch, slow):
    folder = folder / "work"
    folder.mkdir()
    session = Session(folder)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    for variable, value in session.variables.items():
        monkeypatch.setenv(variable, value)
    for block in blocks(ROOT / name):
        absent = block.words.get("needs") == "data" and not DATA.is_dir()
        if not absent and (slow or "slow" not in block.words):
            session.run(block)


@pytest.mark.parametrize("name", [name for name in NAMES if blocks(ROOT / name)])
def test_a_page_prints_what_it_shows(name, tmp_path, monkeypatch):
    run(name, tmp_path, monkeypatch, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_page_prints_what_it_shows_where_it_takes_long(name, tmp_path, monkeypatch):
    run(name, tmp_path, monkeypatch, slow=True)


@pytest.mark.parametrize(
    ("output", "printed", "words", "same"),
    [
        ("a  b\n", "a b\n", {}, True),
        ("a b\n", "a c\n", {}, False),
        ("a\n...\nc\n", "a\nx\ny\nc\n", {}, True),
        ("a\n...\nc\n", "a\nx\ny\n", {}, False),
        ("took 1.5 s\n", "took 27 s\n", {}, True),
        ("took 1.5 m\n", "took 27 m\n", {}, False),
        ("claim PROVED 0.3\n", "claim PROVED 12.0\n", {"times": ""}, True),
        ("claim PROVED 0.3\n", "claim REFUTED 12.0\n", {"times": ""}, False),
        ("tv 0.1 40 0.3 ended\n", "tv 0.1 40 12.0 ended\n", {"times": ""}, True),
        ("tv 0.1 40 0.3 ended\n", "tv 0.1 41 12.0 ended\n", {"times": ""}, False),
        ("mse 0.100 -3\n", "mse 0.104 -3.1\n", {"about": "0.05"}, True),
        ("mse 0.100 -3\n", "mse 0.106 -3\n", {"about": "0.05"}, False),
        ("mse 0.100\n", "mse nan\n", {"about": "0.05"}, False),
        ("4 of 4, x1.png\n", "4 of 4, x2.png\n", {"about": "0.5"}, False),
    ],
)
def test_output_agrees_up_to_what_is_left_open(output, printed, words, same):
    assert agrees(output, printed, words) is same


def test_a_console_block_is_commands_and_their_output():
    text = "$ one --x \\\n    --y\nout\nmore\n$ two\n"
    assert commands(text) == [("one --x \\\n    --y", "out\nmore\n"), ("two", "")]
    with pytest.raises(ValueError, match="must begin"):
        commands("one\n")


def test_blocks_carry_their_words_and_the_output_below(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        '# A\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```console slow="a minute: x" about=0.1\n$ y\n```\n'
    )
    first, second = blocks(page)
    assert (first.language, first.line, first.text, first.output) == ("python", 3, "print(1)\n", "1\n")
    assert (second.words, second.output) == ({"slow": "a minute: x", "about": "0.1"}, "")


def test_a_cell_has_its_tags_and_fails_where_its_code_does(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```{code-cell} ipython3\n:tags: [remove-cell, slow]\nx = 1\nx / 0\n```\n")
    (cell,) = blocks(page)
    assert {"remove-cell", "slow"} <= set(cell.words)
    folder = tmp_path / "work"
    folder.mkdir()
    session = Session(folder)
    with pytest.raises(ZeroDivisionError):
        session.run(cell)
    assert session.names["x"] == 1


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    entries = {line for tree in re.findall(r"```{toctree}\n(.*?)```", index, re.DOTALL) for line in tree.splitlines()}
    assert pages - entries == {"index"}


@pytest.mark.parametrize("name", NAMES)
def test_no_page_shows_commands_in_another_kind_of_block(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "\n    untrained " not in text
    assert "```bash" not in text
    assert "```sh" not in text


def test_a_page_that_shows_something_else_fails(tmp_path):
    page = ROOT / "README.md"
    folder = tmp_path / "work"
    folder.mkdir()
    session = Session(folder)
    block = blocks(page)[0]
    for text, output, language in (("print(1)\n", "2\n", "python"), ("$ echo 1\n2\n", "", "console")):
        wrong = type(block)(page, 1, language, {}, text, output)
        with pytest.raises(AssertionError, match="and it printed"):
            session.run(wrong)


LINKS = [*(ROOT / "paper_notes").glob("*.md"), *PAGES]


@pytest.mark.parametrize("page", LINKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_and_their_anchors_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            path = page.parent / name if name else page
            assert path.exists(), f"{page} links to {target}"
            assert not anchor or f'id="{anchor}"' in path.read_text(encoding="utf-8"), f"{page} links to {target}"


needs_sphinx = pytest.mark.skipif(
    find_spec("sphinx") is None or find_spec("myst_nb") is None,
    reason="Sphinx or MyST-NB is not installed: pip install '.[docs]'",
)


def build_guides(folder, *options):
    build = "import sys; from sphinx.cmd.build import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", build, "-qW", "--keep-going", *options, str(ROOT / "docs"), str(folder)]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_sphinx
def test_the_guides_build_without_a_warning(tmp_path):
    build_guides(tmp_path, "-D", "nb_execution_mode=off")
    reference = (tmp_path / "api.html").read_text(encoding="utf-8")
    assert [name for name in untrained.__all__ if f'id="untrained.{name}"' not in reference] == ["figures", "operators"]


@needs_sphinx
@pytest.mark.slow
def test_the_notebooks_have_their_outputs_in_the_guides(tmp_path):
    build_guides(tmp_path)
    for name, text in {"verdict": "REFUTED", "width": "proved to converge", "recover": "weight of tv"}.items():
        page = (tmp_path / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        outputs = page.split('<div class="cell_output')[1:]
        assert any(text in output for output in outputs), f"no output of {name} has {text!r}"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "CHANGELOG.md"])
def test_a_place_in_the_tree_that_a_page_names_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    places = re.findall(r"`((?:theory|sims|figures|tests|untrained|paper_notes|docs|benchmarks)/[\w/.]*)`", text)
    assert [place for place in places if not (ROOT / place).exists()] == []
