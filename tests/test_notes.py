"""The notes and the ledger name the same claims, constants and parameters."""

import pkgutil
import re
from pathlib import Path

import pytest

from untrained.theory import papers
from untrained.theory.ledger import ledger

NOTES = Path(__file__).parents[1] / "paper_notes"
PAPERS = tuple(module.name for module in pkgutil.iter_modules(papers.__path__))


def note(name):
    return (NOTES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_claim_has_one_anchor_in_the_notes_of_its_paper(paper):
    anchors = re.findall(r'<a id="([^"]*)">', note(paper))
    assert sorted(anchors) == sorted(i for i in ledger() if i.startswith(f"{paper}."))


def refuted_in_papers(record):
    return [i for i, e in record.items() if e["verdict"] == "REFUTED" and not i.startswith("own.")]


def test_every_refuted_statement_of_a_paper_is_in_the_errata_with_its_reproducer(record):
    errata = note("errata")
    refuted = refuted_in_papers(record)
    assert refuted
    for claim_id in refuted:
        command = rf"untrained verify {re.escape(claim_id)}(?![\w.])"
        assert re.search(command, errata), f"errata lacks `untrained verify {claim_id}`"


def test_every_reproducer_in_the_errata_is_of_a_refuted_claim(record):
    named = re.findall(r"untrained verify ([^\s`]+)", note("errata"))
    assert [i for i in named if record.get(i, {}).get("verdict") != "REFUTED"] == []


def code_names(text):
    """Every backticked name in the `code name` column of a Markdown table."""
    names, column = set(), None
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if "code name" in cells:
            column = cells.index("code name")
        elif not cells:
            column = None
        elif column is not None:
            names |= set(re.findall(r"`([^`]+)`", cells[column]))
    return names


def test_the_code_names_are_read_from_that_column_alone():
    text = "| symbol | code name |\n|---|---|\n| `a\\|b` | `b`, `c` |\n\n| `d` | `e` |\n"
    assert code_names(text) == {"b", "c"}


@pytest.mark.parametrize("claim_id", list(ledger()))
def test_every_parameter_and_constant_of_a_claim_is_in_the_notation(claim_id):
    claim = ledger()[claim_id]
    assert (set(claim.domain) | set(claim.constants)) - code_names(note("notation")) == set()


def sources():
    """Every place in CS-DIP that a docstring names as its source."""
    place = re.compile(r"Source: vanveen18 ((?:Lemma|Theorem|Section) [\w.]+\d|eq\. \(\d+\))")
    files = [path for room in ("theory", "sims") for path in (NOTES.parent / room).rglob("*.py")]
    return sorted({label for path in files for label in place.findall(path.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("label", sources())
def test_a_docstring_names_a_place_that_the_ledger_or_the_note_treats(label):
    places = " ".join(claim.source.label for claim in ledger().values()) + note("vanveen18")
    assert re.search(re.escape(label) + r"(?!\d)", places, re.IGNORECASE)


def test_docstrings_name_their_sources():
    assert len(sources()) >= 10


def functions_named():
    """Every `module.function` that a note names; ids of claims and names of files are something else."""
    texts = " ".join(path.read_text(encoding="utf-8") for path in NOTES.glob("*.md"))
    named = set(re.findall(r"`([a-z_0-9]+)\.([a-z_0-9]+)(?:\([^`]*\))?`", texts))
    return sorted((module, name) for module, name in named if module not in PAPERS)


@pytest.mark.parametrize(("module", "name"), functions_named())
def test_a_function_that_a_note_names_exists(module, name):
    files = list((NOTES.parent / "theory").rglob(f"{module}.py"))
    assert any(f"def {name}(" in path.read_text(encoding="utf-8") for path in files), f"no {module}.{name} in theory"


def test_functions_are_named_in_the_notes():
    assert len(functions_named()) >= 10


@pytest.mark.parametrize("path", sorted(NOTES.glob("*.md")), ids=lambda path: path.name)
def test_a_folder_that_a_note_names_exists(path):
    for folder in re.findall(r"`((?:theory|sims|figures)/[\w/.]*)`", path.read_text(encoding="utf-8")):
        assert (NOTES.parent / folder).exists(), f"{path.name} names {folder}"
