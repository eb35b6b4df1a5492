"""Where mutants are tried: each route of a claim is run once for the numbers that it reads."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np

from untrained.sims.evidence.gather import Budget, Route, routes
from untrained.theory.claim import Claim, Constants
from untrained.theory.evidence import Evidence
from untrained.theory.verdict import Finding, affirms, finding, refutes

Outcome = Literal["affirmed", "lost", "refuted", "undefined"]
Strength = Literal["proved", "supported", ""]
_QUICK = Budget("mutant", 30, 1)
_UNDEFINED = (ValueError, ArithmeticError, TypeError, IndexError)
"""What a route may raise on numbers that make no sense."""


@dataclass(frozen=True)
class Outcomes:
    """What the routes say together: the outcome, how it is affirmed, which route refutes, and whether by argument."""

    outcome: Outcome
    strength: Strength = ""
    refuting: frozenset[Any] = frozenset()
    argued: bool = False


class _Reads(Mapping[str, Any]):
    """Constants that note the names of those that are read."""

    def __init__(self, values: Constants, names: set[str]) -> None:
        self._values, self._names = values, names

    def __getitem__(self, name: str) -> Any:
        self._names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._names.update(self._values)
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **other}


@dataclass(frozen=True)
class _Watched(Claim):
    """A claim that notes which of its constants are read."""

    @cached_property
    def names(self) -> set[str]:
        return set()

    @property
    def values(self) -> Constants:
        return _Reads(super().values, self.names)


def _watched(claim: Claim) -> _Watched:
    return _Watched(**{f.name: getattr(claim, f.name) for f in fields(Claim)})


@dataclass(frozen=True)
class Bench:
    """Where mutants are tried: the claims that a statement stands among, a seed, and what each route said already."""

    claims: Mapping[str, Claim]
    root_seed: int = 0

    @cached_property
    def _said(self) -> dict[Any, list[tuple[Route, dict[str, Any], Evidence | Exception]]]:
        return {}

    def outcome(self, claim: Claim) -> Outcome:
        """What the claim's routes say of it, the first refutation deciding."""
        return self.look(claim).outcome

    def look(self, claim: Claim, only: Collection[Any] | None = None) -> Outcomes:
        """What the claim's routes say of it, or those of some keys alone; the first refutation decides."""
        evidence: list[Evidence] = []
        try:
            for route in routes(claim, _QUICK, self.root_seed, self.claims):
                if only is None or route.key in only:
                    evidence.append(self._say(claim, route))
                    if finding(evidence[-1]) == "refutes":
                        return Outcomes("refuted", "", frozenset([route.key]), route.kind == "argued")
        except _UNDEFINED:
            return Outcomes("undefined")
        if not evidence or refutes(evidence) or not affirms(evidence):
            return Outcomes("lost")
        return Outcomes("affirmed", "proved" if any(finding(e) == "proves" for e in evidence) else "supported")

    def proves(self, claim: Claim) -> bool:
        """Whether a route that can prove does so, whatever else there is."""
        return self._word(claim) == "proves"

    def affirms(self, claim: Claim) -> bool:
        """Whether the claim is affirmed; routes that only support are run where none that can prove has decided."""
        word = self._word(claim)
        return word == "proves" or (word == "silent" and self.outcome(claim) == "affirmed")

    def _word(self, claim: Claim) -> Finding:
        """What the routes that can prove say together: one that proves decides, else one that refutes or is open."""
        covers = bool(claim.exact and claim.exact.covers)
        kinds = ("argued", "listed") if covers else ("argued",)
        try:
            able = (r for r in routes(claim, _QUICK, self.root_seed, self.claims) if r.kind in kinds)
            words = []
            for route in able:
                words.append(finding(self._say(claim, route)))
                if words[-1] == "proves":
                    return "proves"
        except _UNDEFINED:
            return "refutes"
        return next((word for word in words if word in ("refutes", "open")), "silent")

    def _say(self, claim: Claim, route: Route) -> Evidence:
        """What a route says, remembered by the constants that it read and by the hypotheses that it may ask for."""
        premises = [h.name for h in claim.hypotheses if h.holds or route.kind == "argued"]
        before = self._said.setdefault((claim.id, route.key, *premises), [])
        values = claim.values
        alike = (said for _, reads, said in before if all(_alike(values[k], value) for k, value in reads.items()))
        said = next(alike, None)
        if said is None:
            said, reads = self._run(claim, route)
            before.append((route, reads, said))
        if isinstance(said, Exception):
            raise said
        return said

    def _run(self, claim: Claim, route: Route) -> tuple[Evidence | Exception, dict[str, Any]]:
        watched = _watched(claim)
        said: Evidence | Exception
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                said = route.run(watched)
        except _UNDEFINED as error:
            said = error
        return said, {name: claim.values[name] for name in sorted(watched.names) if name in claim.values}


def _alike(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)
