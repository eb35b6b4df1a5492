"""Scalar inequalities that the ledger encloses, replayed by LeanCert, whose interval arithmetic is proved in Lean.

An extra: `pip install "untrained[replay]"`. The numbers come from the records; the formulas stand here a second time.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any, Literal

from untrained.theory.claim import Claim, Constants
from untrained.theory.ledger import ledger

CHECKER, RELEASE = "leancert", "0.3.2"
_DEPTH, _TERMS = 24, 16
"""How often an interval is halved, and the terms of the checker's series; its fractions grow with both."""
_ROOT_OF_TWO_PI = F(250662827, 10**8), F(250662828, 10**8)
"""A short interval around sqrt(2 pi): the variable may be any number of it."""

Side = Callable[[Any, Any], Any]
"""From the checker's module and its variable to an expression of them."""


@dataclass(frozen=True)
class ScalarInequality:
    """side(x) <= 0 for every x from low to high, as the argument of a claim needs it."""

    claim_id: str
    name: str
    side: Side
    low: F = F(0)
    high: F = F(1)


@dataclass(frozen=True)
class Replay:
    """What the checker made of an inequality, on how many pieces of its interval."""

    inequality: ScalarInequality
    outcome: Literal["verified", "refuted", "open"]
    pieces: int


def checker() -> Any:
    """The checker's module.

    Raises
    ------
    ModuleNotFoundError
        where the extra is not installed.
    """
    try:
        return importlib.import_module(CHECKER)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"replaying needs {CHECKER}=={RELEASE}: pip install 'untrained[replay]'") from error


def recheck(inequality: ScalarInequality) -> Replay:
    """Verify an inequality on pieces of its interval, halved where the checker cannot tell; one false piece refutes."""
    lean, waiting, pieces = checker(), [(inequality.low, inequality.high, 0)], 0
    x = lean.var("x")
    side, config = inequality.side(lean, x) + x * 0, lean.Config(taylor_depth=_TERMS)
    while waiting:
        low, high, halved = waiting.pop()
        pieces += 1
        if isinstance(lean.verify_bound(side, {"x": (low, high)}, upper=0, config=config), lean.Verified):
            continue
        if isinstance(lean.verify_bound(side, {"x": (high, high)}, lower=F(1, 10**30), config=config), lean.Verified):
            return Replay(inequality, "refuted", pieces)
        if halved == _DEPTH:
            return Replay(inequality, "open", pieces)
        middle = (low + high) / 2
        waiting += [(low, middle, halved + 1), (middle, high, halved + 1)]
    return Replay(inequality, "verified", pieces)


def replay_all(claims: Mapping[str, Claim] | None = None) -> Iterator[Replay]:
    """Replay every inequality that is written down here, with the numbers of these claims, the ledger's by default."""
    yield from map(recheck, inequalities(ledger() if claims is None else claims))


def inequalities(claims: Mapping[str, Claim]) -> Iterator[ScalarInequality]:
    """The inequalities, with the numbers of these claims."""
    yield width_squared(claims["vanveen18.width.printed"].values)
    yield from sum_of_failures(claims)
    for name in ("vanveen18.lemB1.proof", "own.lemB1_200"):
        yield from two_exponents(claims, name)
    for name in ("vanveen18.lemC4", "own.lemC4_exponent"):
        yield chernoff_exponent(claims[name])
    yield chi_square_inequality(claims["vanveen18.lemB4.eq16.corrected"])


def width_squared(c: Constants, high: Any = 10**60) -> ScalarInequality:
    """-a v log(b v) <= (budget - rows sqrt(n/d))^2 in w = sqrt v, so that sqrt(n/d) = w^3/scaled_radius.

    Raises
    ------
    ValueError
        where the powers are other ones, or the right side is not positive before it is squared.
    """
    rows, a, b, scale, budget = (F(c[k]) for k in ("rows", "log_factor", "inner", "scaled_radius", "budget"))
    if (c["power"], c["falloff"]) != (F(2, 3), F(1, 3)):
        raise ValueError(f"powers must be 2/3 and 1/3, got {c['power']} and {c['falloff']}")
    low, top = (_sixth_root(scale**2 / F(aspect), up) for aspect, up in ((high, False), (c["aspect"], True)))
    if budget <= rows * top**3 / scale:
        raise ValueError(f"budget must exceed rows sqrt(n/d), got {budget}")

    def side(lean: Any, w: Any) -> Any:
        left = lean.const(-a) * w * w * lean.log(lean.const(b) * w * w)
        return left - (lean.const(budget) - lean.const(rows / scale) * w * w * w) ** 2

    return ScalarInequality("vanveen18.width.printed", "the squared width inequality", side, low, top)


def _sixth_root(value: F, up: bool) -> F:
    """A fraction on one side of the sixth root, close to it."""
    root = F(f"{float(value) ** (1 / 6):.14e}")
    shift = F(1, 10**13)
    root *= 1 + shift if up else 1 - shift
    if (root**6 >= value) is not up:
        raise ArithmeticError(f"root must lie on one side of {float(value)} ** (1/6)")
    return root


def sum_of_failures(claims: Mapping[str, Claim]) -> Iterator[ScalarInequality]:
    """The terms in n at n = 1, and the exponent of the last term, cubed."""
    c = claims["vanveen18.union"].values
    b1, b2, b3, b4 = (
        claims[f"vanveen18.{name}"].values for name in ("lemB1.proof", "lemB2.in_range", "lemB3", "lemB4")
    )
    terms = [
        (b1["failure_factor"], b1["failure_rate"]),
        (1, b2["failure_rate_rows"]),
        (b3["failure_factor"], b3["failure_rate"]),
        (b4["failure_factor"], b4["rows_rate"]),
    ]

    def rows_side(lean: Any, x: Any) -> Any:
        total = lean.const(-F(c["coefficient"]))
        for factor, rate in terms:
            total = total + lean.const(F(factor)) * lean.exp(lean.const(F(c["rows_rate"]) - F(rate)))
        return total

    cubed = (F(c["last_exponent"]) / F(b2["failure_rate_flips"])) ** 3 - (F(b2["scale"]) * F(c["radius"])) ** 2
    yield ScalarInequality("vanveen18.union", "the terms in n at n = 1", rows_side)
    yield ScalarInequality("vanveen18.union", "the last exponent, cubed", _constant(cubed))


def _constant(value: F) -> Side:
    return lambda lean, _: lean.const(value)


_CAP = 3
"""A larger exponent than the rate plus this is not needed."""


def _short(value: float) -> F:
    """A number of four decimals below."""
    return F(math.floor(value * 10**4 - F(1, 10)), 10**4)


def _root_near(value: F, side: int) -> F:
    """A fraction below (-1) or above (1) the square root, within 1e-9 of it; its square is compared exactly."""
    root = F(math.isqrt(math.floor(value * 10**18)) + max(side, 0), 10**9)
    if (root**2 - value) * side < 0:
        raise ArithmeticError(f"root must lie on side {side} of sqrt {float(value)}")
    return root


def two_exponents(claims: Mapping[str, Claim], claim_id: str) -> Iterator[ScalarInequality]:
    """Lemma B.1 at n = 1: each exponent is at least a short number below it, and with these the failures add up."""
    claim = claims[claim_id]
    lowest, binomial = (claims[f"textbook.{name}"].values for name in ("davidson_szarek.smallest", "binomial_lower"))
    C, f, rate, factor = (F(claim.values[k]) for k in ("width_ratio", "fraction", "failure_rate", "failure_factor"))
    evidence = claim.proofs[0](claim.premises(claims)).quantities
    x, p = F(evidence["x"]), F(claims["vanveen18.sigma"].values["diagonal"])
    few, small = (_short(float(evidence[f"exponent of {what}"])) for what in ("few columns", "a small value"))
    root, width = _root_near(x * C, -1), _root_near(C, 1)
    slack = F(lowest["columns"]) * root - F(lowest["rows"]) - f * width
    near = [min(exponent, rate + _CAP) for exponent in (few, small)]

    def few_side(lean: Any, _: Any) -> Any:
        k = lean.const
        divergence = k(x) * lean.log(k(x / p)) + k(1 - x) * lean.log(k((1 - x) / (1 - p)))
        return k(few) - k(C * F(binomial["rate"])) * divergence

    def sum_side(lean: Any, _: Any) -> Any:
        first = lean.const(F(binomial["factor"])) * lean.exp(lean.const(rate - near[0]))
        return first + lean.const(F(lowest["factor"])) * lean.exp(lean.const(rate - near[1])) - lean.const(factor)

    yield ScalarInequality(claim_id, "the exponent of few columns", few_side)
    yield ScalarInequality(claim_id, "the exponent of a small value", _constant(small - F(lowest["rate"]) * slack**2))
    yield ScalarInequality(claim_id, "the failures of both at n = 1", sum_side)


def chernoff_exponent(claim: Claim) -> ScalarInequality:
    """exponent <= -log q - 1 + q at q = 2 level/sqrt(2 pi)."""
    level, exponent = F(claim.values["level"]), F(claim.values["exponent"])

    def side(lean: Any, root_of_two_pi: Any) -> Any:
        q = lean.const(2 * level) / root_of_two_pi
        return lean.const(exponent) + lean.log(q) + lean.const(1) - q

    return ScalarInequality(claim.id, "Chernoff's exponent", side, *_ROOT_OF_TWO_PI)


def chi_square_inequality(claim: Claim) -> ScalarInequality:
    """rate <= (e - 1 - log e)/2, what Chernoff gives for a chi-square of n degrees above e n."""
    rate, energy = F(claim.values["rate"]), F(claim.values["energy"])

    def side(lean: Any, _: Any) -> Any:
        return lean.const(rate - (energy - 1) / 2) + lean.log(lean.const(energy)) * lean.const(F(1, 2))

    return ScalarInequality(claim.id, "the exponent of a chi-square", side)
