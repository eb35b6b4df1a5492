"""The ledger as a table, and a claim as a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from untrained.figures.style import VERDICTS
from untrained.figures.tables import Table, number
from untrained.sims.files import write_text
from untrained.sims.record.store import read_all
from untrained.theory.ledger import assumptions, ledger
from untrained.theory.wording import fill

_COLUMNS = ("claim", "verdict", "by", "margin", "informative", "domain", "worst case", "s")
_NUMBERS, _WIDE_ONLY = ("margin", "informative", "s"), ("by", "domain", "worst case")
NOTE = Path(__file__).resolve().parents[1] / "paper_notes" / "ledger.md"
BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"


def margin(entry: Mapping[str, Any]) -> str:
    """The margin in units of the bound; an identity has none."""
    return "identity" if set(entry["decided_by"]) == {"Symbolic"} and entry["margin"] == 0 else number(entry["margin"])


def informative_share(entry: Mapping[str, Any]) -> str:
    """The share of tested cases on which the hypotheses held and the bound said something."""
    return "-" if entry["informative"] is None else f"{100 * entry['informative']:.0f} %"


def domain(entry: Mapping[str, Any]) -> str:
    """Each parameter's range, or that sizes do not matter."""
    ranges = [f"{name} {low:.4g}..{high:.4g}" for name, (low, high) in entry["domain"].items()]
    return ", ".join(ranges) or "all sizes"


def worst(entry: Mapping[str, Any], limit: int = 60) -> str:
    """The case of least margin, shortened."""
    case = entry["worst_case"]
    if "enclosed" in case:
        text = "; ".join(f"{name} = {digits}" for name, digits in case["enclosed"].items())
    else:
        text = " ".join(f"{name}={number(v) if not isinstance(v, int) else v}" for name, v in case.items())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def verdict_table(entries: Mapping[str, Mapping[str, Any]], width: int = 190) -> Table:
    """Return a row a claim; a narrow table leaves out where and by what."""
    columns = _COLUMNS if width >= 120 else [c for c in _COLUMNS if c not in _WIDE_ONLY]
    rows = [[row[column] for column in columns] for row in map(_row, entries, entries.values())]
    return Table(columns, rows, _NUMBERS)


def _row(claim_id: str, entry: Mapping[str, Any]) -> dict[str, str]:
    return {
        "claim": claim_id,
        "verdict": entry["verdict"],
        "by": " ".join(entry["decided_by"]),
        "margin": margin(entry),
        "informative": informative_share(entry),
        "domain": domain(entry),
        "worst case": worst(entry),
        "s": f"{entry['seconds']:.1f}" if "seconds" in entry else "-",
    }


def tally(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """How many claims have which verdict, in one line."""
    counts = Counter(entry["verdict"] for entry in entries.values())
    return ", ".join(f"{counts[status]} {status}" for status in VERDICTS if counts[status])


def markdown_table(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the note's table, a row a claim in the ledger's order."""
    rows = []
    for claim_id, claim in ledger().items():
        if claim_id in entries:
            e = entries[claim_id]
            note = f"[`{claim_id}`]({claim_id.split('.')[0]}.md#{claim_id})"
            rows.append((note, e["verdict"], margin(e), informative_share(e), claim.sentence))
    columns = ("claim", "verdict", "margin", "informative", "says")
    return f"{Table(columns, rows, columns[2:4]).markdown()}\n\n{tally(entries)}."


def with_table(note: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the note's text with the table between its markers made anew.

    Raises
    ------
    ValueError
        where the markers are missing.
    """
    pattern = re.compile(f"({re.escape(BEGIN)}\n).*?({re.escape(END)})", re.DOTALL)
    if not pattern.search(note):
        raise ValueError(f"`note` must hold the markers {BEGIN} and {END}, got neither")
    table = markdown_table(entries)
    return pattern.sub(lambda match: f"{match[1]}{table}\n{match[2]}", note)


def refresh_note() -> Path | None:
    """Make the table of the note of verdicts anew from the record; None where there is no note, as when installed.

    Raises
    ------
    ValueError
        where the note's markers are missing.
    """
    if not NOTE.is_file():
        return None
    write_text(NOTE, with_table(NOTE.read_text(encoding="utf-8"), read_all("claim")))
    return NOTE


def claim_page(claim_id: str, entry: Mapping[str, Any] | None) -> Sequence[tuple[str, str]]:
    """What `untrained claims ID` prints: heading and text, in order."""
    claim = ledger()[claim_id]
    source = ", ".join(str(part) for part in (claim.source.paper, claim.source.label) if part)
    page = f", page {claim.source.page}" if claim.source.page else ""
    rows = [
        ("claim", claim.id),
        ("says", claim.sentence),
        ("formula", claim.formula),
        ("source", f"{source}{page}" + (f": {claim.source.equation}" if claim.source.equation else "")),
        ("read as", claim.source.reading),
        ("formal in", claim.source.formal),
        ("hypotheses", "; ".join(fill(h.says, claim.values) for h in claim.hypotheses)),
        ("constants", ", ".join(f"{k} = {c.value} ({c.kind})" for k, c in claim.constants.items())),
        ("rests on", ", ".join(claim.needs)),
        ("assumes", ", ".join(assumptions(claim))),
        ("refuted by", claim.refuted_by),
        ("false siblings", "; ".join(f"{c.name}: {claim.change(c)}" for c in claim.controls)),
    ]
    if entry:
        within, level = entry.get("searched_within"), entry["level"]
        rows += [
            ("verdict", f"{entry['verdict']}: {entry['why']}"),
            ("margin", f"{margin(entry)} on {domain(entry)}, informative on {informative_share(entry)}"),
            ("worst case", worst(entry, 400)),
            ("searched on", domain({"domain": within}) if within else ""),
            (
                "level",
                f"{number(level)} per interval, {entry['family_level']} for all" if level else "",
            ),
            ("recorded", f"budget {entry['budget']}, seed {entry['seed']}, version {entry['version']}"),
        ]
    return [(name, text) for name, text in rows if text]
