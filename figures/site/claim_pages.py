"""The page of a claim: statement, verdict, why, evidence, controls, worst case, derivation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from markupsafe import Markup

from untrained.figures.mutant_tables import constant_text, current_brackets
from untrained.figures.site.content import Content, Entry, paper_title
from untrained.figures.site.mathml import mathml
from untrained.figures.site.notes import Note, claim_page_of, linked
from untrained.figures.site.pictures import DrawnFigure
from untrained.figures.tables import Table, number
from untrained.figures.verdict_table import domain, informative_share, margin
from untrained.figures.verdict_words import case_words, margin_words, percent_words, reasons
from untrained.sims.record.brackets import value_from_json
from untrained.sims.record.entries import evidence_from_json
from untrained.theory.claim import Claim
from untrained.theory.verdict import finding
from untrained.theory.wording import fill

_FINDINGS = {
    "refutes": "refutes it",
    "proves": "proves it",
    "supports": "supports it",
    "unresolved": "cannot tell",
    "open": "lies on both sides",
    "silent": "says nothing",
}
_EVIDENCE = ("kind", "what was tried", "what came out", "finding")
_ERRATUM = re.compile(r"\n(?=(?:False|Follows|Corrected|Reproduce)\b)")


def claim_context(
    claim: Claim,
    content: Content,
    figures: Mapping[str, DrawnFigure],
    page_of: Callable[[str], str] = claim_page_of,
) -> dict[str, Any]:
    """Return what is shown of a claim; `page_of` is where the links to others of the content lead."""
    entry = content.entry(claim.id)
    erratum, derivation = content.notes.get("errata"), content.notes.get(claim.source.paper)
    return {
        "claim": claim,
        "entry": entry,
        "formula": mathml(claim.formula, block=True),
        "paper": paper_title(claim.source.paper),
        "hypotheses": [fill(one.says, claim.values) for one in claim.hypotheses],
        "domain": domain(entry),
        "constants": _constants(claim, content.mutants.get(claim.id), entry),
        "law": {name: f"{one.kind} {' x '.join(map(str, one.shape))}".strip() for name, one in claim.law.items()},
        "reasons": [linked(sentence, content.claims, page_of) for sentence in reasons(claim, entry)],
        "margin": margin_words(entry),
        "margin_number": margin(entry),
        "informative": informative_share(entry),
        "evidence": Table(_EVIDENCE, list(_evidence(entry))),
        "controls": _controls(claim, entry),
        "worst": _worst(claim, entry),
        "figures": [one for one in figures.values() if claim.id in one.named and one.svg],
        "erratum": _section(content, erratum, claim.id, _ERRATUM),
        "derivation": _section(content, derivation, claim.id, None),
        "needs": [(name, content.entry(name)["verdict"]) for name in claim.needs],
        "needed_by": [(name, content.entry(name)["verdict"]) for name in content.needed_by.get(claim.id, ())],
        "has_mutants": claim.id in content.mutants,
    }


def ledger_row(claim: Claim, entry: Entry, page: str) -> dict[str, Any]:
    """Return the row of a claim in the table of all, which leads to its page."""
    value = entry["margin"]
    return {
        "id": claim.id,
        "page": page,
        "verdict": entry["verdict"],
        "paper": claim.source.paper,
        "says": claim.sentence,
        "margin": margin(entry),
        "value": repr(value) if isinstance(value, int | float) else "",
        "by": " ".join(entry["decided_by"]),
    }


def _section(content: Content, note: Note | None, claim_id: str, apart: re.Pattern[str] | None) -> Markup | None:
    """What a note says of a claim; `apart` begins lines that are paragraphs of their own."""
    section = note.section(claim_id) if note else None
    if section is None:
        return None
    return content.writer.html(apart.sub("\n\n", section.text) if apart else section.text)


def _constants(claim: Claim, mutants: Entry | None, entry: Entry) -> Table:
    """Each constant with its value, and how far it may be pushed."""
    ends: dict[str, list[str]] = {}
    pushed = {claim.id: mutants} if mutants else {}
    for one in current_brackets(pushed, {claim.id: claim}, {claim.id: entry["verdict"]}):
        affirmed = f"{one.strength} to {constant_text(one.affirmed)}" if one.affirmed is not None else ""
        refuted = f"refuted from {constant_text(one.refuted)}" if one.refuted is not None else ""
        ends.setdefault(one.name, []).append(f"{one.way}: " + ", ".join(filter(None, (affirmed, refuted))))
    rows = [
        (name, constant_text(constant.value), constant.kind, "; ".join(ends.get(name, ())) or "-")
        for name, constant in claim.constants.items()
    ]
    return Table(("constant", "value", "kind", "pushed further"), rows)


def _controls(claim: Claim, entry: Entry) -> Table:
    changes = {f"{claim.id}~{one.name}": claim.change(one) for one in claim.controls}
    rows = [
        (
            changes.get(one["id"], one["id"].partition("~")[2]),
            one["says"],
            one["verdict"],
            "yes" if one["refuted_by_same_route"] else "no: missed",
            _margin_text(one["margin"]),
        )
        for one in entry["controls"]
    ]
    return Table(("changed", "the false sibling says", "verdict", "refuted by the same evidence", "margin"), rows)


def _evidence(entry: Entry) -> Iterator[tuple[str, str, str, str]]:
    for data in entry["evidence"]:
        tried, result = _TELL[data["kind"]](data)
        yield data["kind"], tried, result, _FINDINGS[finding(evidence_from_json(data))]


def _symbolic(e: Entry) -> tuple[str, str]:
    return "; ".join(e["checked"]), "; ".join(e["residuals"]) or "nothing left over"


def _exact(e: Entry) -> tuple[str, str]:
    tried = f"{e['cases']} cases, of which {e['informative']} said something"
    undecided = f", {e['undecided']} undecided" if e["undecided"] else ""
    at = f" at {case_words(e['worst_case'])}" if e["worst_case"] else ""
    return tried + undecided, f"least margin {_margin_text(e['margin'])}{at}"


def _enclosed(e: Entry) -> tuple[str, str]:
    low, high = e["margin"]
    named = "; ".join(f"{name} = {digits}" for name, digits in e["quantities"].items())
    return named, f"margin in [{number(low)}, {number(high)}]"


def _searched(e: Entry) -> tuple[str, str]:
    tried = f"{e['draws']} draws, {e['applicable']} met the hypotheses, {e['informative']} said something"
    return tried, f"least margin {_margin_text(e['margin'])} at {case_words(e['worst_case'])}"


def _counted(e: Entry) -> tuple[str, str]:
    interval = f"[{percent_words(e['low'])}, {percent_words(e['high'])}] at level {number(e['level'])}"
    tried = f"{case_words(e['case'])}: {e['trials']} trials, {e['applicable']} met the hypotheses"
    return tried, f"held in {e['successes']}, {interval}; claimed: {percent_words(e['claimed'])}"


def _compared(e: Entry) -> tuple[str, str]:
    interval = f"[{number(e['low'])}, {number(e['high'])}] at level {number(e['level'])}"
    return f"{case_words(e['case'])}: {e['pairs']} pairs", f"{interval}; claimed: {e['sense']} {number(e['limit'])}"


_TELL = {
    "Symbolic": _symbolic,
    "Exact": _exact,
    "Enclosed": _enclosed,
    "Searched": _searched,
    "Counted": _counted,
    "Compared": _compared,
}


def _worst(claim: Claim, entry: Entry) -> dict[str, str]:
    """The case of least margin in words, and a line of Python that computes both sides there."""
    case = entry["worst_case"]
    if "enclosed" in case:
        return {"words": "; ".join(f"{name} = {digits}" for name, digits in case["enclosed"].items()), "line": ""}
    exact = [e for e in entry["evidence"] if e["kind"] == "Exact" and e["worst_case"] == case]
    return {"words": case_words(case), "line": _line(claim, case) if exact and claim.exact else ""}


def _line(claim: Claim, case: Mapping[str, Any]) -> str:
    written = ", ".join(f"{name!r}: {value_from_json(value)!r}" for name, value in case.items())
    fractions = "from fractions import Fraction\n" if "Fraction(" in written else ""
    return (
        f"{fractions}from untrained.theory.ledger import ledger\n\nclaim = ledger()[{claim.id!r}]\n"
        f"sides = claim.exact.sides({{{written}}}, claim.values)\nprint(sides.lhs, sides.rhs, sides.margin)"
    )


def _margin_text(value: Any) -> str:
    """A margin, or that the bound is as good as nothing beside what exceeds it."""
    return "below all bounds" if isinstance(value, float) and value < -1e300 else number(value)
