"""Mutants: each constant of a claim pushed the way that makes its statement stronger, and each hypothesis dropped.

A push that the evidence still affirms has shown nothing about the number; where affirmation ends and where refutation
begins is the bracket of the constant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from untrained.sims.evidence.gather import Budget, gather_routes
from untrained.theory.claim import Claim, Constant
from untrained.theory.evidence import Evidence
from untrained.theory.verdict import affirms, finding, refutes

Outcome = Literal["affirmed", "lost", "refuted", "undefined"]
Way = Literal["up", "down", "other", "dropped"]
STEPS = (Fraction(101, 100), Fraction(105, 100), Fraction(11, 10), Fraction(5, 4), 2, 10, 100, 1000)
"""By what a constant is multiplied, or divided, in turn; after them, on the way down, it is put to 0."""
_HALVINGS = 12
_QUICK = Budget("mutant", 30, 1)
_UNDEFINED = (ValueError, ArithmeticError, TypeError)
"""What a route may raise on numbers that make no sense."""


@dataclass(frozen=True)
class Push:
    """One mutant: the value that was put in place of the constant's, and what the evidence said of it."""

    value: Any
    outcome: Outcome


@dataclass(frozen=True)
class Pushes:
    """The mutants of one constant one way, in order of strength, or of one hypothesis, which is dropped.

    `affirmed` and `refuted` are the ends of the bracket: the strongest value that is affirmed, as far as it was
    halved, and the weakest that is refuted; None where there is none.
    """

    name: str
    way: Way
    value: Any
    pushes: tuple[Push, ...]
    affirmed: Any = None
    refuted: Any = None

    @property
    def is_fault(self) -> bool:
        """Whether every push is still affirmed: the evidence does not see the number."""
        return all(push.outcome == "affirmed" for push in self.pushes)


@dataclass(frozen=True)
class MutantReport:
    """Every mutant of one claim, and what the evidence says of the claim itself."""

    id: str
    outcome: Outcome
    pushes: tuple[Pushes, ...] = field(default=())

    @property
    def faults(self) -> tuple[Pushes, ...]:
        """Constants and hypotheses that no push takes the affirmation from; none where there was none to take."""
        return tuple(one for one in self.pushes if one.is_fault) if self.outcome == "affirmed" else ()


@dataclass(frozen=True)
class Bench:
    """Where mutants are tried: the claims that a statement stands among, a seed, and what is known already."""

    claims: Mapping[str, Claim]
    root_seed: int = 0

    @cached_property
    def outcomes(self) -> dict[Any, Outcome]:
        """Outcomes by the identity of the mutant."""
        return {}

    def outcome(self, claim: Claim) -> Outcome:
        """What the claim's routes say of it, the first refutation deciding."""
        key = (claim.id, repr(claim.values), tuple(h.name for h in claim.hypotheses))
        if key not in self.outcomes:
            self.outcomes[key] = self._look(claim)
        return self.outcomes[key]

    def _look(self, claim: Claim) -> Outcome:
        evidence: list[Evidence] = []
        try:
            for one in gather_routes(claim, _QUICK, self.root_seed, self.claims, shrink=False):
                evidence.append(one)
                if finding(one) == "refutes":
                    break
        except _UNDEFINED:
            return "undefined"
        return "refuted" if refutes(evidence) else "affirmed" if affirms(evidence) else "lost"


def mutate(claim: Claim, bench: Bench, *, brackets: bool = True) -> MutantReport:
    """Push every constant of a claim and drop every hypothesis; with `brackets`, halve to where affirmation ends."""
    own = bench.outcome(claim)
    pushes = [
        _push(claim, name, constant, way, bench, own, brackets)
        for name, constant in claim.constants.items()
        for way in ways(constant)
    ]
    return MutantReport(claim.id, own, (*pushes, *(_drop(claim, h.name, bench) for h in claim.hypotheses)))


def ways(constant: Constant) -> tuple[Way, ...]:
    """The ways in which a constant can be pushed."""
    if constant.kind != "explicit":
        return ()
    if constant.others:
        return ("other",)
    if isinstance(constant.value, bool) or not isinstance(constant.value, int | float | Fraction):
        raise ValueError(f"constant that is no number must list other values, got {constant.value!r} without")
    return ("up", "down") if constant.stronger == "both" else (constant.stronger,)


def values_pushed(constant: Constant, way: Way) -> tuple[Any, ...]:
    """The values to put in place of a constant's, in order of strength; whole numbers stay whole."""
    if way == "other":
        return constant.others
    return tuple(_ladder(constant.value, way, constant.whole))


def _ladder(value: Any, way: Way, whole: bool) -> Iterator[Any]:
    exact = value if isinstance(value, float) else Fraction(value)
    sign = 1 if way == "up" else -1
    if exact == 0:
        steps: list[Any] = [sign * (step - 1) if step < 2 else sign * step for step in STEPS]
    else:
        grows = (exact > 0) == (way == "up")
        steps = [exact * step if grows else exact / step for step in STEPS] + ([] if grows else [exact * 0])
    rounded = [value + sign, *(_whole(x, sign) for x in steps)] if whole else steps
    yield from sorted({x for x in rounded if sign * (x - value) > 0}, key=lambda x: sign * x)


def _whole(x: Any, sign: int) -> int:
    return math.ceil(x) if sign > 0 else math.floor(x)


def _drop(claim: Claim, name: str, bench: Bench) -> Pushes:
    return Pushes(name, "dropped", None, (Push(None, bench.outcome(claim.without(name))),))


def _push(claim: Claim, name: str, constant: Constant, way: Way, bench: Bench, own: Outcome, brackets: bool) -> Pushes:
    def look(value: Any) -> Outcome:
        return bench.outcome(claim.pushed({name: value}))

    pushes = tuple(_until_refuted(values_pushed(constant, way), look))
    ends = (
        _bracket(Push(constant.value, own), pushes, look, constant.whole)
        if brackets and way != "other"
        else (None, None)
    )
    return Pushes(name, way, constant.value, pushes, *ends)


def _until_refuted(values: Sequence[Any], look: Any) -> Iterator[Push]:
    """Outcomes up to the first refutation; stronger statements are refuted with it."""
    for value in values:
        push = Push(value, look(value))
        yield push
        if push.outcome == "refuted":
            return


def _bracket(own: Push, pushes: Sequence[Push], look: Any, whole: bool) -> tuple[Any, Any]:
    """The strongest value that is affirmed and the weakest that is refuted, by halving between neighbours."""
    ladder = [own, *pushes]
    return _last(ladder, look, "affirmed", whole), _first(ladder, look, whole)


def _last(ladder: Sequence[Push], look: Any, outcome: Outcome, whole: bool) -> Any:
    best: Any = None
    for before, after in zip(ladder, [*ladder[1:], None], strict=True):
        if before.outcome != outcome:
            break
        best = before.value
        if after is not None and after.outcome != outcome:
            return _halved(before.value, after.value, lambda value: look(value) == outcome, whole)[0]
    return best


def _first(ladder: Sequence[Push], look: Any, whole: bool) -> Any:
    if ladder[-1].outcome != "refuted":
        return None
    if len(ladder) == 1:
        return ladder[0].value
    return _halved(ladder[-2].value, ladder[-1].value, lambda value: look(value) != "refuted", whole)[1]


def _halved(inside: Any, outside: Any, holds: Any, whole: bool) -> tuple[Any, Any]:
    """Move two values towards each other, `holds` being true of the first alone; whole numbers stay whole."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) // 2 if whole else _middle(inside, outside)
        if middle in (inside, outside):
            break
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside, outside


def _middle(a: Any, b: Any) -> Any:
    """The middle of two values, by ratio where they have one sign: simple fractions, so that they can be read."""
    middle = math.sqrt(a * b) * (1 if a > 0 else -1) if a * b > 0 else float(a + b) / 2
    if isinstance(a, float) or isinstance(b, float):
        return middle
    near, far = sorted((Fraction(a), Fraction(b)))
    simple = Fraction(f"{middle:.7g}")
    return simple if near < simple < far else (near + far) / 2
