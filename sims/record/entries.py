"""A judged claim as plain JSON data, and evidence there and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, get_args

import numpy as np

from untrained.sims.evidence.gather import FAMILY_LEVEL, Gathered, Judged, interval_level
from untrained.theory.claim import Claim, Range
from untrained.theory.evidence import Evidence
from untrained.theory.ledger import ledger

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Evidence)}
_TUPLES = ("checked", "residuals", "margin")


def plain(value: Any) -> Any:
    """Turn a value into what JSON holds; numbers that are not finite become words."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Fraction):
        return str(value)
    return value


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """One piece of evidence with its kind."""
    return {"kind": type(evidence).__name__, **plain(dataclasses.asdict(evidence))}


def evidence_from_json(data: Mapping[str, Any]) -> Evidence:
    """Read back what `evidence_to_json` wrote.

    Raises
    ------
    ValueError
        where the kind is unknown or a field is missing.
    """
    fields = {k: _back(k, v) for k, v in data.items() if k != "kind"}
    kind = _KINDS.get(str(data.get("kind")))
    if kind is None:
        raise ValueError(f"evidence must have a known kind, got {data.get('kind')!r}")
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"evidence of kind {data['kind']} must have its own fields, got {sorted(fields)}") from error


def _back(name: str, value: Any) -> Any:
    if isinstance(value, list) and name in _TUPLES:
        return tuple(_back("", v) for v in value)
    return float(value) if isinstance(value, str) and value in ("inf", "-inf", "nan") else value


def gathered_to_json(gathered: Gathered) -> dict[str, Any]:
    """Everything seen of one claim, for a run that may have to go on later."""
    return {
        "id": gathered.id,
        "evidence": [evidence_to_json(e) for e in gathered.evidence],
        "controls": {name: [evidence_to_json(e) for e in seen] for name, seen in gathered.controls.items()},
        "seconds": gathered.seconds,
    }


def gathered_from_json(data: Mapping[str, Any]) -> Gathered:
    """Read back what `gathered_to_json` wrote."""
    controls = {name: tuple(map(evidence_from_json, seen)) for name, seen in data["controls"].items()}
    return Gathered(data["id"], tuple(map(evidence_from_json, data["evidence"])), controls, data["seconds"])


def entry(judged: Judged, header: Mapping[str, Any]) -> dict[str, Any]:
    """One claim of the record: verdict, margin, evidence, controls, worst case, and where it all came from."""
    claim, verdict = ledger()[judged.gathered.id], judged.verdict
    return plain(
        {
            "id": claim.id,
            "verdict": verdict.status,
            "why": verdict.why,
            "margin": verdict.margin,
            "informative": verdict.informative,
            "domain": _ranges(claim.domain),
            "searched_within": _ranges(claim.search.within or claim.domain) if claim.search else None,
            "worst_case": verdict.worst_case,
            "decided_by": verdict.decided_by,
            "assumes": claim.assumes,
            "needs": claim.needs,
            "level": interval_level() if claim.count else None,
            "family_level": FAMILY_LEVEL if claim.count else None,
            "evidence": [evidence_to_json(e) for e in judged.gathered.evidence],
            "controls": [_control(claim, name, judged) for name in judged.gathered.controls],
            **header,
            "version": claim.version,
        }
    )


def _ranges(domain: Mapping[str, Range]) -> dict[str, list[float]]:
    return {name: _range(values) for name, values in domain.items()}


def _range(values: Range) -> list[float]:
    return [int(values.low), int(values.high)] if values.integer else [values.low, values.high]


def _control(claim: Claim, name: str, judged: Judged) -> dict[str, Any]:
    says = next(c.says for c in claim.controls if c.name == name)
    verdict = judged.control_verdicts[name]
    return {
        "id": f"{claim.id}~{name}",
        "says": says,
        "verdict": verdict.status,
        "refuted_by_same_route": name in judged.verdict.controls_refuted,
        "margin": verdict.margin,
        "evidence": [evidence_to_json(e) for e in judged.gathered.controls[name]],
    }
