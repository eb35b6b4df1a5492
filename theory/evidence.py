"""The kinds of evidence: what was seen, never what is concluded from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Symbolic:
    """Identities reduced by computer algebra; `residuals` holds what did not reduce to zero (or to true).

    Where the checks make up a `sufficient` argument only, a residual decides nothing.
    """

    checked: tuple[str, ...]
    residuals: tuple[str, ...]
    argument: str
    sufficient: bool = False


@dataclass(frozen=True)
class Exact:
    """Cases decided by a closed form or an exact law; `exhausts` when they cover the whole domain.

    `first_failure` is the first listed case that certainly fails, the smallest where cases are listed by size.
    """

    cases: int
    informative: int
    margin: float
    worst_case: dict[str, Any]
    argument: str = ""
    exhausts: bool = False
    undecided: int = 0
    first_failure: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Enclosed:
    """Quantities in ball arithmetic; `margin` encloses the claim's margin, so its sign is certain or open.

    Where the margin is of a `sufficient` condition only, a negative one decides nothing.
    """

    quantities: dict[str, str]
    margin: tuple[float, float]
    argument: str = ""
    exhausts: bool = False
    sufficient: bool = False


@dataclass(frozen=True)
class Searched:
    """A property-based search: how many draws, where hypotheses held, where the bound said something.

    `smallest` is the counterexample of least sizes, where there is one. An `attack` refutes or is silent.
    """

    draws: int
    applicable: int
    informative: int
    margin: float
    worst_case: dict[str, Any]
    smallest: dict[str, Any] = field(default_factory=dict)
    attack: bool = False


@dataclass(frozen=True)
class Counted:
    """One Monte-Carlo cell: successes in trials fixed beforehand, Clopper-Pearson interval at `level`.

    An `attack` refutes or is silent: its successes are those of a quantity that bounds the claimed one from below.
    """

    case: dict[str, Any]
    claimed: float
    successes: int
    trials: int
    applicable: int
    level: float
    low: float
    high: float
    worst_margin: float
    worst_case: dict[str, Any] = field(default_factory=dict)
    attack: bool = False


@dataclass(frozen=True)
class Compared:
    """A paired comparison: the interval (low, high) of a quantity over `pairs`, claimed to lie in `sense` to `limit`.

    The interval misses the truth with probability at most `level`; where pairs are too few for one, its ends are
    infinite.
    """

    case: dict[str, Any]
    estimate: float
    low: float
    high: float
    sense: Literal["<", "<=", ">", ">="]
    limit: float
    level: float
    pairs: int

    def opposite(self) -> Compared:
        """Return the same comparison with the opposite claim: a false sibling wherever this one is true."""
        senses: dict[str, Literal["<", "<=", ">", ">="]] = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
        return replace(self, sense=senses[self.sense])


Evidence = Symbolic | Exact | Enclosed | Searched | Counted | Compared
