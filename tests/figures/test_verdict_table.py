from pathlib import Path

import pytest

from untrained.figures import verdict_table as verdict_tables
from untrained.figures.mutant_tables import mutant_table
from untrained.figures.style import VERDICTS
from untrained.figures.tables import number
from untrained.figures.verdict_table import (
    BEGIN,
    END,
    claim_page,
    domain,
    informative_share,
    margin,
    markdown_table,
    nearest,
    refresh_note,
    tally,
    verdict_table,
    with_table,
    worst,
)
from untrained.sims.record.store import read_all
from untrained.theory.ledger import ledger


def entry(**changes: object) -> dict[str, object]:
    return {
        "verdict": "PROVED",
        "margin": 0.25,
        "informative": 1.0,
        "decided_by": ["Exact"],
        "domain": {},
        "worst_case": {},
        **changes,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (0.25, "0.25"),
        (-1.0, "-1"),
        (1 / 3, "0.333"),
        (2.2507e-7, "2.25e-07"),
        ("inf", "inf"),
        (float("inf"), "never"),
        (float("nan"), "-"),
    ],
)
def test_number_has_three_digits(value: object, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"margin": 0.0, "decided_by": ["Symbolic"]}, "identity"),
        ({"margin": 0.5, "decided_by": ["Symbolic"]}, "0.5"),
        ({"margin": 0.0, "decided_by": ["Exact", "Symbolic"]}, "0"),
        ({"margin": -53.5981, "decided_by": ["Exact"]}, "-53.6"),
        ({"margin": None, "decided_by": []}, "-"),
    ],
)
def test_margin_of_an_identity_is_none(changes: dict[str, object], text: str) -> None:
    assert margin(entry(**changes)) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (1.0, "100 %"), (0.0, "0 %"), (0.523, "52 %")])
def test_share_is_in_per_cent(value: float | None, text: str) -> None:
    assert informative_share(entry(informative=value)) == text


def test_domain_lists_ranges() -> None:
    assert domain(entry(domain={"n": [1, 64], "s/d": [1e-18, 0.18]})) == "n 1..64, s/d 1e-18..0.18"
    assert domain(entry()) == "all sizes"


def test_worst_case_is_shortened() -> None:
    assert worst(entry(worst_case={"n": 3, "eta": 0.123456})) == "n=3 eta=0.123"
    assert worst(entry(worst_case={"enclosed": {"x": "0.5", "y": "1"}})) == "x = 0.5; y = 1"
    assert worst(entry()) == ""
    long = worst(entry(worst_case={f"name{i}": i for i in range(30)}))
    assert len(long) == 60
    assert long.endswith("...")


def test_tally_is_in_the_order_of_verdicts() -> None:
    entries = {str(i): entry(verdict=v) for i, v in enumerate(("REFUTED", "PROVED", "REFUTED"))}
    assert tally(entries) == "1 PROVED, 2 REFUTED"


def test_markdown_table_has_a_row_per_recorded_claim() -> None:
    record = read_all("claim")
    rows = [line for line in markdown_table(record).split("\n") if line.startswith("| [`")]
    named = [row.split("`")[1] for row in rows]
    assert named == [claim_id for claim_id in ledger() if claim_id in record]
    for claim_id, row in zip(named, rows, strict=True):
        cells = row.replace("\\|", "").strip("|").split("|")
        assert len(cells) == 5
        assert cells[1].strip() == record[claim_id]["verdict"]


def test_terminal_table_has_a_row_per_claim() -> None:
    record = read_all("claim")
    assert len(verdict_table(record).rows) == len(record)
    assert {data["verdict"] for data in record.values()} <= set(VERDICTS)


@pytest.mark.parametrize("old", ["", "| old |\n", "several\n\nlines \\1 of it\n"])
def test_with_table_replaces_between_markers_only(old: str) -> None:
    record = read_all("claim")
    text = with_table(f"before\n{BEGIN}\n{old}{END}\nafter\n", record)
    assert text == f"before\n{BEGIN}\n{markdown_table(record)}\n{END}\nafter\n"
    assert with_table(text, record) == text


@pytest.mark.parametrize("text", ["", "# untrained\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n"])
def test_with_table_refuses_a_note_without_markers(text: str) -> None:
    with pytest.raises(ValueError, match="must hold the markers"):
        with_table(text, read_all("claim"))


def test_the_note_holds_the_table_of_the_record() -> None:
    text = verdict_tables.NOTE.read_text(encoding="utf-8")
    assert with_table(text, read_all("claim"), read_all("mutants")) == text, "run `make record`"


def test_the_note_is_rewritten_between_its_markers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.md"
    monkeypatch.setattr(verdict_tables, "NOTE", path)
    assert refresh_note() is None
    path.write_text(f"über\n{BEGIN}\nold\n{END}\n", encoding="utf-8")
    assert refresh_note() == path
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"über\n{BEGIN}\n{markdown_table(read_all('claim'))}\n{END}\n")
    assert text == with_table(text, read_all("claim"), read_all("mutants"))


def test_claim_page_says_what_is_known() -> None:
    for claim_id, data in read_all("claim").items():
        page = dict(claim_page(claim_id, data))
        assert page["claim"] == claim_id
        assert page["verdict"].startswith(data["verdict"])
        assert "verdict" not in dict(claim_page(claim_id, None))


def test_a_narrow_terminal_table_leaves_out_where_and_by_what() -> None:
    names = [list(verdict_table({}, width).columns) for width in (190, 120, 80)]
    wide = ["claim", "verdict", "by", "margin", "informative", "nearest", "domain", "worst case", "assumes", "s"]
    assert names[0] == names[1] == wide
    assert names[2] == ["claim", "verdict", "margin", "informative", "s"]


def bracketed(claim_id: str = "vanveen18.lemC4", **changes: object) -> dict[str, dict[str, object]]:
    ends = {"value": "1/6", "affirmed": 0.3178, "strength": "proved", "refuted": 0.3264}
    push = {"name": "exponent", "way": "up", **ends, "weaker": False, "fault": False, "pushes": [["1/3", "lost"]]}
    data = {"id": claim_id, "outcome": "affirmed", "pushes": [push], "seed": 0}
    return {claim_id: {**data, "version": ledger()[claim_id].version, **changes}}


def test_the_note_gains_a_table_of_brackets_once() -> None:
    before = with_table(f"a\n{BEGIN}\n{END}\n", {})
    note = with_table(before, {}, bracketed())
    assert note.startswith(before.rstrip())
    assert "| 1/6 | up | 0.3178 proved | 0.3264 |  |" in note
    assert with_table(note, {}, bracketed()) == note
    sharp = bracketed()
    sharp["vanveen18.lemC4"]["pushes"][0]["refuted"] = 0.3179
    assert "| 0.3178 proved | 0.3179 | sharp |" in with_table(note, {}, sharp)
    assert "0.3178" not in with_table(note, {}, bracketed(version=0))


def test_an_end_of_a_supported_claim_says_so() -> None:
    record = {"vanveen18.lemC4": {**read_all("claim")["vanveen18.lemC4"], "verdict": "SUPPORTED"}}
    page = claim_page("vanveen18.lemC4", record["vanveen18.lemC4"], bracketed()["vanveen18.lemC4"])
    (bracket,) = [text for name, text in page if name == "bracket"]
    assert bracket == "exponent = 1/6, up: supported to 0.3178, refuted from 0.3264"


def test_mutants_of_a_claim_are_a_table() -> None:
    (entry_,) = bracketed().values()
    ((*cells,),) = mutant_table(entry_).rows
    assert cells == ["exponent", "up", "1/6", "0.3178 proved", "0.3264", "lost at 1/3"]
    fault = {**entry_["pushes"][0], "fault": True}
    dropped = {**fault, "way": "dropped", "pushes": [[None, "affirmed"]]}
    first, second = mutant_table({"pushes": [fault, dropped]}).rows
    assert first[-1].endswith("NO PUSH LOSES THE VERDICT")
    assert second[0] == "without exponent"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (1.0416666, "x 1.04167"), (1 + 2e-10, "x (1 + 2e-10)"), ("inf", "-")]
)
def test_the_nearest_control_is_a_ratio(value: object, text: str) -> None:
    assert nearest(entry(nearest=value)) == text
