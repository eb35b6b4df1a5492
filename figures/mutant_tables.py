"""Mutants and brackets as tables: of one claim, and of every constant of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from untrained.figures.tables import Table
from untrained.sims.record.brackets import Bracket, brackets, value_from_json
from untrained.theory.claim import Claim
from untrained.theory.wording import written

_Entry = Mapping[str, Any]
_COLUMNS = ("constant", "pushed", "value", "affirmed to", "refuted from", "outcomes")


def constant_text(value: Any) -> str:
    """A value of a constant: a number as it stands in a sentence, in seven digits where it has more."""
    value = value_from_json(value)
    if value is None:
        return "-"
    text = written(value)
    return text if isinstance(value, str | bool | tuple) or len(text) <= 12 else f"{float(value):.7g}"


def mutant_table(entry: _Entry) -> Table:
    """Return a row a constant and way, or hypothesis, of one claim."""
    return Table(_COLUMNS, [_mutant_row(one) for one in entry["pushes"]], _COLUMNS[2:5])


def _mutant_row(one: _Entry) -> tuple[str, ...]:
    fault = "  NO PUSH LOSES THE VERDICT" if one["fault"] else ""
    if one["way"] == "dropped":
        return (f"without {one['name']}", "dropped", "-", "-", "-", f"{one['pushes'][0][1]}{fault}")
    affirmed = f"{constant_text(one['affirmed'])} {one['strength']}".rstrip()
    ends = constant_text(one["value"]), affirmed, constant_text(one["refuted"])
    return (one["name"], one["way"], *ends, f"{_outcomes(one['pushes'])}{fault}")


def _outcomes(pushes: Sequence[Sequence[Any]]) -> str:
    """Where each outcome of the steps begins: affirmed 199, lost 198, refuted 20."""
    first: dict[str, str] = {}
    for value, outcome in pushes:
        first.setdefault(outcome, constant_text(value))
    return ", ".join(f"{outcome} at {value}" for outcome, value in first.items())


def bracket_text(bracket: Bracket) -> str:
    """A bracket in words: width_ratio = 3528, down: proved to 199.7, refuted from 67.3."""
    affirmed = f"{bracket.strength} to {constant_text(bracket.affirmed)}" if bracket.affirmed is not None else ""
    refuted = f"refuted from {constant_text(bracket.refuted)}" if bracket.refuted is not None else ""
    ends = ", ".join(part for part in (affirmed, refuted, "sharp" if bracket.is_sharp else "") if part)
    return f"{bracket.name} = {constant_text(bracket.value)}, {bracket.way}: {ends}"


def current_brackets(
    mutants: Mapping[str, _Entry], claims: Mapping[str, Claim], verdicts: Mapping[str, str]
) -> Iterator[Bracket]:
    """The brackets of recorded mutants in the order of the claims, of those that are still of the same version."""
    for claim_id, claim in claims.items():
        entry = mutants.get(claim_id)
        if entry and entry["version"] == claim.version:
            yield from brackets(entry, verdicts.get(claim_id, "PROVED"))


def bracket_table(rows: Sequence[Bracket]) -> Table:
    """Return a row a bracket for the note of the ledger."""
    columns = ("claim", "constant", "value", "pushed", "affirmed to", "refuted from", "")
    cells = [
        (
            f"[`{b.claim}`]({b.claim.split('.')[0]}.md#{b.claim})",
            f"`{b.name}`",
            constant_text(b.value),
            b.way,
            f"{constant_text(b.affirmed)} {b.strength}".rstrip(),
            constant_text(b.refuted),
            "sharp" if b.is_sharp else "",
        )
        for b in rows
    ]
    return Table(columns, cells, (columns[2], *columns[4:6]))
