"""Claims as JSON: a judged one in the record, and what a run has gathered so far, there and back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar, get_args

import numpy as np

from untrained.sims.evidence.gather import FAMILY_LEVEL, Dossier, Judgement, interval_level
from untrained.sims.evidence.papers import LEDGER, Paper
from untrained.sims.files import cache_folder, write_text
from untrained.theory.claim import Claim, Constants, Range
from untrained.theory.evidence import Evidence
from untrained.theory.ledger import ledger

_T = TypeVar("_T")
_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Evidence)}
_TUPLES = ("checked", "residuals", "margin")


def json_value(value: Any) -> Any:
    """Turn a value into what JSON holds; numbers that are not finite become words."""
    if isinstance(value, Mapping):
        return {str(k): json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(v) for v in value]
    if isinstance(value, np.generic):
        return json_value(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Fraction):
        return str(value)
    return value


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """One piece of evidence with its kind."""
    return {"kind": type(evidence).__name__, **json_value(dataclasses.asdict(evidence))}


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


def dossier_to_json(dossier: Dossier) -> dict[str, Any]:
    """Everything gathered on one claim, for a run that may have to go on later."""
    return {
        "id": dossier.id,
        "evidence": [evidence_to_json(e) for e in dossier.evidence],
        "controls": {name: [evidence_to_json(e) for e in sibling] for name, sibling in dossier.controls.items()},
        "seconds": dossier.seconds,
    }


def dossier_from_json(data: Mapping[str, Any]) -> Dossier:
    """Read back what `dossier_to_json` wrote."""
    controls = {name: tuple(map(evidence_from_json, sibling)) for name, sibling in data["controls"].items()}
    return Dossier(data["id"], tuple(map(evidence_from_json, data["evidence"])), controls, data["seconds"])


def claim_entry(
    judgement: Judgement, header: Mapping[str, Any], claims: Mapping[str, Claim] | None = None
) -> dict[str, Any]:
    """One claim of the record: verdict, margin, evidence, controls, worst case, and where it all came from.

    `claims` are those that it stands among, the ledger's by default.
    """
    claims = ledger() if claims is None else claims
    claim, verdict = claims[judgement.dossier.id], judgement.verdict
    return json_value(
        {
            "id": claim.id,
            "verdict": verdict.status,
            "why": verdict.why,
            "margin": verdict.margin,
            "informative": verdict.informative,
            "nearest": verdict.nearest,
            "domain": _ranges(claim.ranges),
            "searched_within": _ranges(claim.search.within or claim.domain, claim.values) if claim.search else None,
            "worst_case": verdict.worst_case,
            "decided_by": verdict.decided_by,
            "assumes": verdict.assumes,
            "needs": claim.needs,
            "level": interval_level(claims) if claim.count else None,
            "family_level": FAMILY_LEVEL if claim.count else None,
            "evidence": [evidence_to_json(e) for e in judgement.dossier.evidence],
            "controls": [_control(claim, name, judgement) for name in judgement.dossier.controls],
            **header,
            "version": claim.version,
        }
    )


def _ranges(domain: Mapping[str, Range], constants: Constants | None = None) -> dict[str, list[float]]:
    return {name: _range(values.at(constants or {})) for name, values in domain.items()}


def _range(values: Range) -> list[float]:
    low, high = values.ends
    return [int(low), int(high)] if values.integer else [low, high]


def _control(claim: Claim, name: str, judgement: Judgement) -> dict[str, Any]:
    sibling = claim.sibling(next(c for c in claim.controls if c.name == name))
    verdict = judgement.control_verdicts[name]
    return {
        "id": f"{claim.id}~{name}",
        "says": sibling.sentence,
        "verdict": verdict.status,
        "refuted_by_same_route": name in judgement.verdict.controls_refuted,
        "margin": verdict.margin,
        "evidence": [evidence_to_json(e) for e in judgement.dossier.controls[name]],
    }


@dataclass(frozen=True)
class Form(Generic[_T]):
    """How a journal writes what a run has of one claim, and reads it back."""

    name: str
    to_json: Callable[[_T], dict[str, Any]]
    back: Callable[[Mapping[str, Any]], _T]


DOSSIERS = Form("verify", dossier_to_json, dossier_from_json)


class Journal(Generic[_T]):
    """The journal of a run, which only an identical run goes on from: the same numbers, claims and versions.

    A user's file is known by its content too, for its versions are nobody's promise.
    """

    def __init__(
        self, budget: str, seed: int, ids: Sequence[str] = (), paper: Paper = LEDGER, form: Form[_T] | None = None
    ) -> None:
        versions = {claim_id: claim.version for claim_id, claim in ({**ledger(), **paper.own}).items()}
        content = [str(paper.path), hashlib.sha256(paper.path.read_bytes()).hexdigest()] if paper.path else []
        identity = json.dumps([budget, seed, list(ids), versions, *content])
        self.form: Form[Any] = form or DOSSIERS
        key = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.path = cache_folder() / f"{self.form.name}-{key}.jsonl"

    def read(self) -> dict[str, _T]:
        """Return every claim that was written whole; a torn last line is left out.

        Raises
        ------
        ValueError
            where another line is damaged.
        """
        if not self.path.exists():
            return {}
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
            return {g.id: g for g in (self.form.back(json.loads(line)) for line in lines)}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"the journal to resume from must be whole, got a damaged {self.path}") from error

    def start(self, before: Mapping[str, _T]) -> None:
        """Begin the file anew with what was gathered before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, "".join(self._line(g) for g in before.values()))

    def add(self, one: _T) -> None:
        """Append one claim."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self._line(one))

    def close(self) -> None:
        """Remove the file of a run that came to its end."""
        self.path.unlink(missing_ok=True)

    def _line(self, one: _T) -> str:
        return json.dumps(self.form.to_json(one), allow_nan=False) + "\n"
