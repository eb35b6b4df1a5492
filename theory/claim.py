"""The record of a claim: one numbered statement of a paper, as plain data that evidence can be gathered on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from untrained.theory.wording import fill, unexplained_numerals, written

Case = Mapping[str, Any]
"""Parameters (numbers) and drawn objects (arrays with a leading batch axis) of one tested case."""
Constants = Mapping[str, Any]
"""Value of each named constant of a claim."""
Cases = tuple[Case, ...] | Callable[[Constants], tuple[Case, ...]]
"""Listed cases, or the list that follows from the constants."""
Stronger = Literal["up", "down", "both"]
TEXTBOOK = "textbook"
"""Key of the paper under which theorems of textbooks are filed: what rests on them is proved if they hold."""
FAILURE_SIDES = ("the probability of failure", "the probability that the claim allows")
"""Names of the sides of an exact law against what a statement claims."""


@dataclass(frozen=True)
class Source:
    """Where a statement stands: paper key, label, equation, page, and how a damaged text was read.

    `formal` names where a proof assistant has it proved, and how the constants there compare.
    """

    paper: str
    label: str
    equation: str = ""
    page: int | None = None
    reading: str = ""
    formal: str = ""


@dataclass(frozen=True)
class Range:
    """The values of one parameter: integers or reals from low to high, spread evenly or by ratio.

    An end may be the name of a constant of the claim.
    """

    low: float | str
    high: float | str
    integer: bool = True
    by_ratio: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty range, or a ratio scale that starts at zero or below."""
        if isinstance(self.low, str) or isinstance(self.high, str):
            return
        if not self.low <= self.high:
            raise ValueError(f"Range needs low <= high, got low={self.low}, high={self.high}")
        if self.by_ratio and self.low <= 0:
            raise ValueError(f"Range by_ratio needs low > 0, got low={self.low}")

    def at(self, constants: Constants) -> Range:
        """The range with constants in place of their names."""
        low, high = (constants[end] if isinstance(end, str) else end for end in (self.low, self.high))
        return replace(self, low=low, high=high)

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends as numbers."""
        low, high = (float(end) if isinstance(end, Fraction) else end for end in (self.low, self.high))
        if isinstance(low, str) or isinstance(high, str):
            raise ValueError(f"Range must have numbers for ends here, got low={low}, high={high}")
        return low, high


@dataclass(frozen=True)
class Draw:
    """One random or derived object of a case: its kind, its shape in parameter names, and its options."""

    kind: str
    shape: tuple[str | int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hypothesis:
    """A premise by name; `says` is a template.

    `holds(case, constants)`, where there is one, is true on the cases to which the statement applies.
    """

    name: str
    says: str
    holds: Callable[[Case, Constants], Any] | None = None


@dataclass(frozen=True)
class Constant:
    """A constant of a statement: its value, and whether it is explicit, universal (unnamed) or fitted.

    `stronger` is the way in which a push makes the statement say more; both ways, where any other value is false.
    `others` are values to put in its place, where it is a word or a switch. A `whole` one is a count. A universal one,
    which is never pushed, is a word.
    """

    value: Any
    stronger: Stronger = "both"
    kind: Literal["explicit", "universal", "fitted"] = "explicit"
    says: str = ""
    others: tuple[Any, ...] = ()
    whole: bool = False

    def __post_init__(self) -> None:
        """Refuse a number that nothing would push."""
        if self.kind == "universal" and (not isinstance(self.value, str) or unexplained_numerals(self.value)):
            raise ValueError(f"value of a universal constant must be a word without numerals, got {self.value!r}")


@dataclass(frozen=True)
class Sides:
    """Both sides of a conclusion `lhs <= rhs`; a margin is in units of the bound, >= 0 iff it holds."""

    lhs: Any
    rhs: Any
    unit: Any = None

    @property
    def margin(self) -> Any:
        """(rhs - lhs) divided by |rhs|, or by `unit` where one is given."""
        unit = abs(self.rhs) if self.unit is None else self.unit
        return (self.rhs - self.lhs) / unit


def rounding(terms: float, scale: Any) -> Any:
    """Allowance for a sum of `terms` products of size `scale` in float64: Higham's gamma, with room for two."""
    return 4 * (terms + 10) * 2.0**-52 * scale + 1e-300


@dataclass(frozen=True)
class Control:
    """A deliberately false sibling: the claim with some constants changed, or without some of its hypotheses."""

    name: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Premises:
    """What an argument may use: the constants of its statement, the hypotheses that stand, the records it needs."""

    constants: Constants
    hypotheses: frozenset[str] = frozenset()
    records: Mapping[str, Claim] = field(default_factory=dict)

    def __getitem__(self, constant: str) -> Any:
        """The value of a constant of the statement itself."""
        return self.constants[constant]

    def given(self, hypothesis: str) -> bool:
        """Whether a hypothesis of the statement stands; an argument that does not ask does not need it."""
        return hypothesis in self.hypotheses

    def of(self, claim_id: str) -> Constants:
        """The constants of a record that the statement needs.

        Raises
        ------
        KeyError
            where the claim names it neither among its needs nor among what it reads.
        """
        return self.records[claim_id].values


Proof = Callable[[Premises], Any]
"""An argument: from premises to Symbolic or Enclosed evidence."""


@dataclass(frozen=True)
class ExactRoute:
    """Exact sides on listed cases; `covers` says why they exhaust the domain, and is empty if they do not.

    `compares` names both sides in a sentence.
    """

    cases: Cases
    sides: Callable[[Case, Constants], Sides]
    covers: str = ""
    informative: Callable[[Case, Constants], bool] | None = None
    compares: tuple[str, str] = ("the left side", "the right side")


@dataclass(frozen=True)
class SearchRoute:
    """Sides on a drawn case, searched for the smallest margin; each must be >= 0 on every case.

    `trivial` tells where the bound says nothing; `within` narrows the domain to what can be computed. An `attack`
    bounds the left side from below only, where the statement is of a supremum: it refutes or is silent.
    """

    sides: Callable[[Case, Constants], Sides]
    trivial: Callable[[Case, Constants], Any] | None = None
    effort: float = 1.0
    within: Mapping[str, Range] | None = None
    attack: bool = False


@dataclass(frozen=True)
class CountRoute:
    """Sides on drawn cases, counted against the claimed probability; a cell fixes parameters and trials.

    An `attack` bounds the left side from below only: it refutes or is silent.
    """

    cells: Cases
    sides: Callable[[Case, Constants], Sides]
    probability: Callable[[Case, Constants], float]
    trials: int
    attack: bool = False


def claimed_share(case: Case, c: Constants) -> float:
    """The constant `probability` of a claim, for whatever cell."""
    return float(c["probability"])


def listed(cases: Cases, constants: Constants) -> tuple[Case, ...]:
    """The cases of a route, for these constants."""
    return cases(constants) if callable(cases) else cases


@dataclass(frozen=True)
class Claim:
    """One numbered statement with everything needed to test it.

    `says` and `tex` are templates of `wording`: every number in them is a constant. `needs` are the claims whose truth
    its proofs rest on, `reads` those whose constants they take over. `version` is raised by hand when numbers that the
    record holds of it change.
    """

    id: str
    source: Source
    says: str
    tex: str
    refuted_by: str
    domain: Mapping[str, Range] = field(default_factory=dict)
    law: Mapping[str, Draw] = field(default_factory=dict)
    hypotheses: tuple[Hypothesis, ...] = ()
    constants: Mapping[str, Constant] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    proofs: tuple[Proof, ...] = ()
    exact: ExactRoute | None = None
    search: SearchRoute | None = None
    count: CountRoute | None = None
    version: int = 1

    @property
    def values(self) -> Constants:
        """The value of every constant."""
        return {name: constant.value for name, constant in self.constants.items()}

    @property
    def sentence(self) -> str:
        """The statement in words."""
        return fill(self.says, self.values)

    @property
    def formula(self) -> str:
        """The statement as a formula."""
        return fill(self.tex, self.values, "tex")

    @property
    def ranges(self) -> Mapping[str, Range]:
        """The domain, with the constants that bound it."""
        return {name: values.at(self.values) for name, values in self.domain.items()}

    @property
    def is_textbook(self) -> bool:
        """Whether it is a theorem of a textbook, which others may assume."""
        return self.source.paper == TEXTBOOK

    def premises(self, ledger: Mapping[str, Claim]) -> Premises:
        """What its proofs may use."""
        records = {name: ledger[name] for name in (*self.needs, *self.reads)}
        return Premises(self.values, frozenset(h.name for h in self.hypotheses), records)

    def pushed(self, constants: Constants) -> Claim:
        """Return the statement with other values of some constants, and the same routes.

        Raises
        ------
        ValueError
            where there is no such constant.
        """
        unknown = set(constants) - set(self.constants)
        if unknown:
            raise ValueError(f"constants of {self.id} must be its own, got unknown constants {sorted(unknown)}")
        changed = {name: replace(self.constants[name], value=value) for name, value in constants.items()}
        return replace(self, constants={**self.constants, **changed}, controls=())

    def without(self, *names: str) -> Claim:
        """Return the statement without some of its hypotheses, and the same routes.

        Raises
        ------
        ValueError
            where there is no such hypothesis.
        """
        unknown = set(names) - {h.name for h in self.hypotheses}
        if unknown:
            raise ValueError(f"hypotheses of {self.id} must be its own, got unknown hypotheses {sorted(unknown)}")
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h.name not in names), controls=())

    def change(self, control: Control) -> str:
        """What a false sibling has in place of what the claim says."""
        values = self.values
        put = [f"{name} {written(v)} in place of {written(values[name])}" for name, v in control.constants.items()]
        return "; ".join([*put, *(f"without {name}" for name in control.without)])

    def sibling(self, control: Control) -> Claim:
        """Return the false sibling: the same routes, with the control's constants, without its hypotheses."""
        sibling = self.pushed(control.constants).without(*control.without)
        return replace(sibling, id=f"{self.id}~{control.name}")
