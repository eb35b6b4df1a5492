"""Mutants as JSON: what the record and a run's journal hold of one claim, and the brackets read out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from untrained.sims.evidence.mutants import MutantReport, Push, Pushes, is_number
from untrained.sims.record.entries import Form, json_value

_SHARP = 1.01
"""Where both ends of a bracket agree to this ratio, the constant is sharp."""


def report_to_json(report: MutantReport) -> dict[str, Any]:
    """Every mutant of one claim; fractions are words such as 1/2."""
    pushes = [
        {
            "name": one.name,
            "way": one.way,
            "value": json_value(one.value),
            "affirmed": json_value(one.affirmed),
            "strength": one.strength,
            "refuted": json_value(one.refuted),
            "weaker": one.weaker,
            "fault": one in report.faults,
            "pushes": [[json_value(push.value), push.outcome] for push in one.pushes],
        }
        for one in report.pushes
    ]
    return {"id": report.id, "outcome": report.outcome, "pushes": pushes}


def report_from_json(data: Mapping[str, Any]) -> MutantReport:
    """Read back what `report_to_json` wrote."""
    return MutantReport(data["id"], data["outcome"], tuple(_pushes(one) for one in data["pushes"]))


def _pushes(data: Mapping[str, Any]) -> Pushes:
    pushes = tuple(Push(value_from_json(value), outcome) for value, outcome in data["pushes"])
    ends = (value_from_json(data[end]) for end in ("value", "affirmed", "refuted"))
    value, affirmed, refuted = ends
    return Pushes(data["name"], data["way"], value, pushes, affirmed, refuted, data["strength"], data["weaker"])


def value_from_json(value: Any) -> Any:
    """A value as it was before `json_value`: words that are fractions are numbers again."""
    if isinstance(value, list):
        return tuple(map(value_from_json, value))
    if isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            return value
    return value


MUTANTS = Form("mutants", report_to_json, report_from_json)


@dataclass(frozen=True)
class Bracket:
    """What is known of one constant one way: its value in the statement, affirmed to and refuted from where.

    `strength` says whether the affirmed end is proved or supported.
    """

    claim: str
    name: str
    way: str
    value: Any
    affirmed: Any
    refuted: Any
    strength: str

    @property
    def is_sharp(self) -> bool:
        """Whether both ends are the same to one per cent."""
        ends = self.affirmed, self.refuted
        if not all(is_number(end) for end in ends) or ends[0] * ends[1] <= 0:
            return False
        low, high = sorted(abs(float(end)) for end in ends)
        return high <= _SHARP * low


def brackets(entry: Mapping[str, Any], verdict: str = "PROVED") -> Iterator[Bracket]:
    """The brackets in a record of mutants; of a claim that is neither proved nor refuted no end is proved."""
    for one in report_from_json(entry).pushes:
        if one.way in ("up", "down") and (one.affirmed is not None or one.refuted is not None):
            strength = "supported" if one.strength and verdict not in ("PROVED", "REFUTED") else one.strength
            yield Bracket(entry["id"], one.name, one.way, one.value, one.affirmed, one.refuted, strength)
