"""The ledger as a table, and a claim as a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from untrained.figures.mutant_tables import bracket_table, bracket_text, current_brackets
from untrained.figures.style import VERDICTS
from untrained.figures.tables import Table, number
from untrained.figures.verdict_words import reasons
from untrained.sims.files import write_text
from untrained.sims.record.store import read_all
from untrained.theory.claim import Claim
from untrained.theory.ledger import ledger, theorems_assumed
from untrained.theory.wording import fill

_COLUMNS = ("claim", "verdict", "by", "margin", "informative", "nearest", "domain", "worst case", "assumes", "s")
_NUMBERS = ("margin", "informative", "nearest", "s")
_WIDE_ONLY = ("by", "nearest", "domain", "worst case", "assumes")
NOTE = Path(__file__).resolve().parents[1] / "paper_notes" / "ledger.md"
BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"
BRACKETS_BEGIN, BRACKETS_END = "<!-- brackets: begin -->", "<!-- brackets: end -->"
_BRACKETS = """
## Brackets

Every explicit constant, pushed the way that makes its statement stronger (both ways in identities): how far the same
evidence affirms it, and from where it refutes it; "sharp" where both ends are the same to one per cent. What is refuted
as it stands is pushed the other way, to where it is affirmed. `untrained verify --mutants --record` makes the table.
"""


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


def nearest(entry: Mapping[str, Any]) -> str:
    """By which ratio the nearest refuted control differs; a dash where none differs by a number."""
    value = entry.get("nearest")
    if value is None or value == "inf":
        return "-"
    return f"x {value:.6g}" if value >= 1 + 1e-5 else f"x (1 + {value - 1:.1g})"


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
        "nearest": nearest(entry),
        "domain": domain(entry),
        "assumes": " ".join(name.removeprefix("textbook.") for name in entry.get("assumes", ())),
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


def with_table(
    note: str, entries: Mapping[str, Mapping[str, Any]], mutants: Mapping[str, Mapping[str, Any]] | None = None
) -> str:
    """Return the note's text with the tables between its markers made anew; that of brackets is added where it lacks.

    Raises
    ------
    ValueError
        where the markers of the verdicts are missing.
    """
    if BEGIN not in note or not note.partition(BEGIN)[2].count(END):
        raise ValueError(f"`note` must hold the markers {BEGIN} and {END}, got neither")
    note = _between(note, BEGIN, END, markdown_table(entries))
    rows = list(current_brackets(mutants or {}, ledger(), {i: e["verdict"] for i, e in entries.items()}))
    if BRACKETS_BEGIN not in note:
        if not rows:
            return note
        note = f"{note.rstrip()}\n{_BRACKETS}\n{BRACKETS_BEGIN}\n{BRACKETS_END}\n"
    return _between(note, BRACKETS_BEGIN, BRACKETS_END, bracket_table(rows).markdown())


def _between(note: str, begin: str, end: str, table: str) -> str:
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    return pattern.sub(lambda match: f"{match[1]}{table}\n{match[2]}", note)


def refresh_note() -> Path | None:
    """Make the tables of the note of verdicts anew from the record; None where there is no note, as when installed.

    Raises
    ------
    ValueError
        where the note's markers are missing.
    """
    if not NOTE.is_file():
        return None
    text = with_table(NOTE.read_text(encoding="utf-8"), read_all("claim"), read_all("mutants"))
    write_text(NOTE, text)
    return NOTE


def _assumed(claim: Claim, entry: Mapping[str, Any] | None, claims: Mapping[str, Claim]) -> Sequence[str]:
    """The theorems that stand unproved under a claim, as recorded, or all that it rests on where nothing is."""
    if entry is None or "assumes" not in entry:
        return theorems_assumed(claim, claims)
    recorded: Sequence[str] = entry["assumes"]
    return recorded


def claim_page(
    claim_id: str,
    entry: Mapping[str, Any] | None,
    mutants: Mapping[str, Any] | None = None,
    claims: Mapping[str, Claim] | None = None,
) -> Sequence[tuple[str, str]]:
    """What `untrained claims ID` prints: heading and text, in order; `claims` are the ledger's by default."""
    claims = ledger() if claims is None else claims
    claim = claims[claim_id]
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
        ("assumes", ", ".join(_assumed(claim, entry, claims))),
        ("refuted by", claim.refuted_by),
        ("false siblings", "; ".join(f"{c.name}: {claim.change(c)}" for c in claim.controls)),
    ]
    if entry:
        within, level = entry.get("searched_within"), entry["level"]
        rows += [
            ("verdict", f"{entry['verdict']}: {entry['why']}"),
            *(("because", sentence) for sentence in reasons(claim, entry)),
            (
                "nearest",
                f"the nearest false sibling refuted differs by {near}" if (near := nearest(entry)) != "-" else "",
            ),
            ("margin", f"{margin(entry)} on {domain(entry)}, informative on {informative_share(entry)}"),
            ("worst case", worst(entry, 400)),
            ("searched on", domain({"domain": within}) if within else ""),
            (
                "level",
                f"{number(level)} per interval, {entry['family_level']} for all" if level else "",
            ),
            ("recorded", f"budget {entry['budget']}, seed {entry['seed']}, version {entry['version']}"),
        ]
    verdicts = {claim_id: entry["verdict"]} if entry else {}
    ends = current_brackets({claim_id: mutants} if mutants else {}, {claim_id: claim}, verdicts)
    rows += [("bracket", bracket_text(one)) for one in ends]
    return [(name, text) for name, text in rows if text]
