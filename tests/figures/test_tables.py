"""Tables as plain data: text, notebook and Markdown say the same."""

import pytest

from untrained.figures.tables import Table, html_of, number, text_of

TABLE = Table(("name", "value"), [("a|b", "1"), ("<c>", "22.5")], ("value",))


def test_text_stands_in_columns_with_numbers_to_the_right():
    assert TABLE.text().splitlines() == ["name  value", "a|b       1", "<c>    22.5"]


def test_html_escapes_what_is_in_a_cell():
    assert "<th>name</th><th>value</th>" in TABLE.html()
    assert '<td style="text-align: left">&lt;c&gt;</td><td style="text-align: right">22.5</td>' in TABLE.html()
    assert TABLE.html().count("<tr>") == 3


def test_markdown_escapes_bars_and_aligns_numbers():
    assert TABLE.markdown().splitlines() == [
        "| name | value |", "| --- | ---: |", "| a\\|b | 1 |", "| <c> | 22.5 |",
    ]  # fmt: skip


def test_a_table_without_rows_is_its_head():
    assert Table(("a", "b"), []).text() == "a  b"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((3, 0.12345), "(3, 0.123)"),
        ([[1, 2], (None, "delta")], "((1, 2), (-, delta))"),
        ((), "()"),
        (float("inf"), "never"),
    ],
)
def test_numbers_of_a_tuple_are_written_one_by_one(value, text):
    assert number(value) == text


def test_lines_and_tables_make_one_page():
    assert text_of(["first", TABLE]).splitlines()[:2] == ["first", "name  value"]
    assert html_of(["1 < 2", TABLE]) == f"<p>1 &lt; 2</p>{TABLE.html()}"
