"""Mutants: each constant of a claim pushed the way that makes its statement stronger, and each hypothesis dropped.

A push that the evidence still affirms has shown nothing about the number; where affirmation ends and where refutation
begins is the bracket of the constant. What is refuted as it stands is pushed the other way, to where it is affirmed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from untrained.sims.evidence.bench import Bench, Outcome, Outcomes, Strength
from untrained.sims.evidence.papers import LEDGER, Paper, read_paper
from untrained.sims.evidence.processes import on_processes
from untrained.theory.claim import Claim, Constant

Way = Literal["up", "down", "other", "dropped"]
STEPS = (Fraction(101, 100), Fraction(105, 100), Fraction(11, 10), Fraction(5, 4), 2, 10, 100, 1000)
"""By what a constant is multiplied, or divided, in turn; after them, on the way down, it is put to 0."""
_HALVINGS = 14
_TOLERANCE = 1e-5
"""Both values of a halving are as close as this, in parts of themselves, when it ends."""
_COARSE = 1e-3
"""The same for the refuted end where cases must be computed or drawn for each value."""
_OPPOSITE: Mapping[Way, Way] = {"up": "down", "down": "up"}


@dataclass(frozen=True)
class Push:
    """One mutant: the value that was put in place of the constant's, and what the evidence said of it."""

    value: Any
    outcome: Outcome


@dataclass(frozen=True)
class Pushes:
    """The mutants of one constant one way, in the order in which they were tried, or of one hypothesis, dropped.

    `affirmed` and `refuted` are the ends of the bracket: the strongest value that is affirmed, as far as it was
    halved, and the weakest that is refuted; None where there is none. `strength` says how the former is affirmed.
    A `weaker` one starts from a value that is not affirmed, and goes to where it is.
    """

    name: str
    way: Way
    value: Any
    pushes: tuple[Push, ...]
    affirmed: Any = None
    refuted: Any = None
    strength: Strength = ""
    weaker: bool = False

    @property
    def is_fault(self) -> bool:
        """Whether every push is still affirmed: the evidence does not see the number."""
        return not self.weaker and all(push.outcome == "affirmed" for push in self.pushes)


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


def mutate(claim: Claim, bench: Bench, *, brackets: bool = True) -> MutantReport:
    """Push every constant of a claim and drop every hypothesis; with `brackets`, halve to where affirmation ends.

    The constants of a statement that is not affirmed are pushed the other way too, up to where it is.
    """
    own = bench.look(claim)
    pushes = [_Ladder(claim, name, way, bench, own, brackets).pushes() for name, way in _all_ways(claim)]
    if own.outcome != "affirmed":
        back = [(name, _OPPOSITE[way]) for name, way in _all_ways(claim) if claim.constants[name].stronger == way]
        weaker = [_Ladder(claim, name, way, bench, own, brackets).weaker() for name, way in back]
        pushes = [*weaker, *(() if own.outcome == "refuted" else pushes)]
    return MutantReport(claim.id, own.outcome, (*pushes, *(_drop(claim, h.name, bench) for h in claim.hypotheses)))


def sees(claim: Claim, name: str, bench: Bench) -> bool:
    """Whether one push of a constant each way, or dropping a hypothesis of that name, takes the affirmation.

    The steps are tried from a factor of two on, so that one look is mostly enough.
    """
    if name not in claim.constants:
        return not bench.affirms(claim.without(name))
    constant = claim.constants[name]
    for way in ways(constant):
        ladder = values_pushed(constant, way)
        middle = min(4, len(ladder) - 1)
        order = [*ladder[middle:], *ladder[:middle]]
        if all(bench.affirms(claim.pushed({name: value})) for value in order):
            return False
    return True


def mutate_all(ids: Sequence[str], root_seed: int, workers: int, paper: Paper = LEDGER) -> Iterator[MutantReport]:
    """Yield the mutants of each claim, as it ends, on processes of their own."""
    yield from on_processes(mutate_from, [(paper.path, claim_id, root_seed) for claim_id in ids], workers)


def mutate_from(path: Path | None, claim_id: str, root_seed: int) -> MutantReport:
    """Mutate a claim of the paper in a file, or of the ledger."""
    return mutate_in(read_paper(path), claim_id, root_seed)


def mutate_in(paper: Paper, claim_id: str, root_seed: int) -> MutantReport:
    """Mutate a claim of a paper; what goes wrong in a user's is told in one sentence."""
    with paper.errors_of(claim_id):
        return mutate(paper.claims[claim_id], Bench(paper.claims, root_seed))


def pushes_seen(reports: Iterable[MutantReport]) -> tuple[int, int]:
    """How many constants and hypotheses of affirmed claims lose the verdict when pushed, and how many there are."""
    all_, faults = set(), set()
    for report in reports:
        if report.outcome == "affirmed":
            all_ |= {(report.id, one.name, one.way == "dropped") for one in report.pushes}
            faults |= {(report.id, one.name, one.way == "dropped") for one in report.faults}
    return len(all_) - len(faults), len(all_)


def _all_ways(claim: Claim) -> list[tuple[str, Way]]:
    return [(name, way) for name, constant in claim.constants.items() for way in ways(constant)]


def ways(constant: Constant) -> tuple[Way, ...]:
    """The ways in which a constant can be pushed."""
    if constant.kind != "explicit":
        return ()
    if constant.others or not is_number(constant.value):
        return ("other",)
    return ("up", "down") if constant.stronger == "both" else (constant.stronger,)


def is_number(value: Any) -> bool:
    """Whether a value is a real number, and no switch."""
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


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


@dataclass(frozen=True)
class _Ladder:
    """The steps of one constant one way from the claim's own value, and the halvings between neighbours."""

    claim: Claim
    name: str
    way: Way
    bench: Bench
    own: Outcomes
    brackets: bool

    @property
    def constant(self) -> Constant:
        return self.claim.constants[self.name]

    def put(self, value: Any) -> Claim:
        return self.claim.pushed({self.name: value})

    def steps(self, last: Outcome) -> list[tuple[Any, Outcomes]]:
        """The claim itself and its pushes, up to the first with an outcome that settles all beyond it.

        Once affirmation is lost, the first step that is refuted is sought by halving the steps that are left.
        """
        steps, values = [(self.constant.value, self.own)], values_pushed(self.constant, self.way)
        for i, value in enumerate(values):
            steps.append((value, self.look(value)))
            if steps[-1][1].outcome == last:
                break
            if last == "refuted" and steps[-1][1].outcome == "lost" and self.way != "other":
                return [*steps, *self._beyond(values[i + 1 :])]
        return steps

    def _beyond(self, values: Sequence[Any]) -> list[tuple[Any, Outcomes]]:
        """Of the steps after the first that is lost: the strongest, or the first refuted and those before."""
        if not values:
            return []
        tried = {len(values) - 1: self.look(values[-1])}
        low, high = -1, len(values) - 1
        while tried[len(values) - 1].outcome == "refuted" and high - low > 1:
            middle = (low + high) // 2
            tried[middle] = self.look(values[middle])
            low, high = (low, middle) if tried[middle].outcome == "refuted" else (middle, high)
        return [(values[i], tried[i]) for i in sorted(tried) if i <= high]

    def look(self, value: Any) -> Outcomes:
        return self.bench.look(self.put(value))

    def pushes(self) -> Pushes:
        """Push to where the statement is refuted."""
        steps = self.steps("refuted")
        result = self._result(steps)
        if not self.brackets or self.way == "other":
            return result
        return self._with_ends(result, *self._last_affirmed(steps), self._first_refuted(steps))

    def weaker(self) -> Pushes:
        """Push to where the statement is affirmed."""
        steps = self.steps("affirmed")[::-1]
        result = self._result(steps[-2::-1], weaker=True)
        return self._with_ends(result, *self._last_affirmed(steps), self._first_refuted(steps))

    def _result(self, steps: Sequence[tuple[Any, Outcomes]], *, weaker: bool = False) -> Pushes:
        pushes = tuple(Push(value, said.outcome) for value, said in (steps if weaker else steps[1:]))
        return Pushes(self.name, self.way, self.constant.value, pushes, weaker=weaker)

    def _with_ends(self, pushes: Pushes, affirmed: Any, strength: Strength, refuted: Any) -> Pushes:
        return replace(pushes, affirmed=affirmed, strength=strength, refuted=refuted)

    def _last_affirmed(self, steps: Sequence[tuple[Any, Outcomes]]) -> tuple[Any, Strength]:
        """The strongest affirmed value; where a proof affirms, the proof alone is asked between neighbours."""
        row = list(takewhile(lambda step: step[1].outcome == "affirmed", steps))
        if not row:
            return None, ""
        (value, said), after = row[-1], steps[len(row) :]
        if not after:
            return value, said.strength
        holds = self._proves if said.strength == "proved" else self._affirms
        return _halved(value, after[0][0], holds, self.constant.whole)[0], said.strength

    def _first_refuted(self, steps: Sequence[tuple[Any, Outcomes]]) -> Any:
        """The weakest refuted value; between neighbours the routes alone are asked that refute the stronger."""
        first = next((i for i, (_, said) in enumerate(steps) if said.outcome == "refuted"), None)
        if first is None or first == 0:
            return None if first is None else steps[0][0]
        keys = steps[first][1].refuting

        def stands(value: Any) -> bool:
            return self.bench.look(self.put(value), keys).outcome != "refuted"

        tolerance = _TOLERANCE if steps[first][1].argued else _COARSE
        return _halved(steps[first - 1][0], steps[first][0], stands, self.constant.whole, tolerance)[1]

    def _proves(self, value: Any) -> bool:
        return self.bench.proves(self.put(value))

    def _affirms(self, value: Any) -> bool:
        return self.bench.outcome(self.put(value)) == "affirmed"


def _halved(
    inside: Any, outside: Any, holds: Callable[[Any], bool], whole: bool, tolerance: float = _TOLERANCE
) -> tuple[Any, Any]:
    """Move two values towards each other, `holds` being true of the first alone; whole numbers stay whole."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) // 2 if whole else _middle(inside, outside)
        if middle in (inside, outside) or _close(inside, outside, tolerance):
            break
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside, outside


def _close(a: Any, b: Any, tolerance: float) -> bool:
    return bool(abs(a - b) <= tolerance * abs(a))


def _middle(a: Any, b: Any) -> Any:
    """The middle of two values, by ratio where they have one sign: simple fractions, so that they can be read."""
    middle = math.sqrt(a * b) * (1 if a > 0 else -1) if a * b > 0 else float(a + b) / 2
    if isinstance(a, float) or isinstance(b, float):
        return middle
    near, far = sorted((Fraction(a), Fraction(b)))
    simple = Fraction(f"{middle:.7g}")
    return simple if near < simple < far else (near + far) / 2
