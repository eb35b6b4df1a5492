"""The record of a claim: one numbered statement of a paper, as plain data that evidence can be gathered on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Case = Mapping[str, Any]
"""Parameters (numbers) and drawn objects (arrays with a leading batch axis) of one tested case."""
Constants = Mapping[str, Any]
"""Value of each named constant of a claim."""


@dataclass(frozen=True)
class Source:
    """Where a statement stands: paper key, label, equation, page, and how a damaged text was read."""

    paper: str
    label: str
    equation: str = ""
    page: int | None = None
    reading: str = ""


@dataclass(frozen=True)
class Range:
    """The values of one parameter: integers or reals from low to high, spread evenly or by ratio."""

    low: float
    high: float
    integer: bool = True
    by_ratio: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty range, or a ratio scale that starts at zero or below."""
        if not self.low <= self.high:
            raise ValueError(f"Range needs low <= high, got low={self.low}, high={self.high}")
        if self.by_ratio and self.low <= 0:
            raise ValueError(f"Range by_ratio needs low > 0, got low={self.low}")


@dataclass(frozen=True)
class Draw:
    """One random or derived object of a case: its kind, its shape in parameter names, and its options."""

    kind: str
    shape: tuple[str | int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hypothesis:
    """A premise that can be evaluated: `holds(case, constants)` is true where the statement applies."""

    name: str
    says: str
    holds: Callable[[Case, Constants], Any]


@dataclass(frozen=True)
class Constant:
    """A constant of a statement: its value, and whether it is explicit, universal (unnamed) or fitted."""

    value: Any
    kind: Literal["explicit", "universal", "fitted"] = "explicit"
    says: str = ""


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


@dataclass(frozen=True)
class Control:
    """A deliberately false sibling: the claim with some constants or routes changed."""

    name: str
    says: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lazy:
    """A function by module and name, imported when it is first called: reading the ledger costs nothing."""

    module: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        """Import the module and call the function."""
        return getattr(importlib.import_module(self.module), self.name)(*arguments)


@dataclass(frozen=True)
class ExactRoute:
    """Exact sides on listed cases; `covers` says why they exhaust the domain, and is empty if they do not."""

    cases: tuple[Case, ...]
    sides: Callable[[Case, Constants], Sides]
    covers: str = ""
    informative: Callable[[Case, Constants], bool] | None = None


@dataclass(frozen=True)
class SearchRoute:
    """Sides on a drawn case, searched for the smallest margin; each must be >= 0 on every case.

    `trivial` tells where the bound says nothing; `within` narrows the domain to what can be computed.
    """

    sides: Callable[[Case, Constants], Sides]
    trivial: Callable[[Case, Constants], Any] | None = None
    effort: float = 1.0
    within: Mapping[str, Range] | None = None


@dataclass(frozen=True)
class CountRoute:
    """Sides on drawn cases, counted against the claimed probability; a cell fixes parameters and trials."""

    cells: tuple[Case, ...]
    sides: Callable[[Case, Constants], Sides]
    probability: Callable[[Case, Constants], float]
    trials: int


@dataclass(frozen=True)
class Claim:
    """One numbered statement with everything needed to test it.

    `version` is raised by hand when numbers that the record holds of it change.
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
    assumes: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    symbolic: Callable[[Constants], Any] | None = None
    enclosed: Callable[[Constants], Any] | None = None
    exact: ExactRoute | None = None
    search: SearchRoute | None = None
    count: CountRoute | None = None
    version: int = 1

    @property
    def values(self) -> Constants:
        """The value of every constant."""
        return {name: constant.value for name, constant in self.constants.items()}

    def sibling(self, control: Control) -> Claim:
        """Return the false sibling: same routes, with the control's constants and changes put in."""
        unknown = set(control.constants) - set(self.constants)
        if unknown:
            raise ValueError(f"control {self.id}~{control.name} changes unknown constants {sorted(unknown)}")
        changed = {name: replace(self.constants[name], value=v) for name, v in control.constants.items()}
        return replace(
            self,
            id=f"{self.id}~{control.name}",
            says=control.says,
            constants={**self.constants, **changed},
            controls=(),
            needs=(),
            **control.changes,
        )
