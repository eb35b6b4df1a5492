"""Does a theorem cover a two-layer generator of n rows and d neurons, and what else is known at these sizes?

The sharper theorem is evaluated at these sizes; the numbers of the others are those of their claims, and what descents
were seen to do is read from the record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betainc

from untrained.sims.record.entries import json_value
from untrained.sims.record.store import pick, read_record
from untrained.theory.ledger import ledger
from untrained.theory.objects.covered_widths import (
    LONGEST_STEP,
    Promise,
    SharperTheorem,
    largest_rate,
    rate_for,
    usual_rate,
)

if TYPE_CHECKING:
    from untrained.sims.diagnosis.width_runs import WidthRuns

_PRINTED, _MINIMAL, _CONE, _STUDY = "vanveen18.thm41.corrected", "vanveen18.width.minimal", "own.descent.cone", "phase"
_START = "own.lemB1_200"
_PROOF_STEP, _STEPS = Fraction(1, 10), (Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(1))
_MOST = 1e30
"""Largest n and d."""
LAW_SIZES = (32, 10_000, 120_000)
"""n, d and n d up to which the exact law at the start is evaluated: it takes about a second at most."""


@dataclass(frozen=True)
class KnownWidths:
    """What is known beside the sharper theorem: d/n of the printed theorem, and of its own least constant.

    `printed_log_failure` is the logarithm of the probability that the printed theorem lets fail. `start_log_failure` is
    that of P(sigma_min(J(W_0)) < (1/2) nu sqrt(d) ||z||) by its exact law, None where n or d is too large for it; from
    d/n = `start_aspect` on the sharpened Lemma B.1 bounds it by `start_log_granted`. Up to `cone_width` no descent fits
    most signals, at d it fits at most the share `fit_exists` of them; half of the descents of the record converged at
    d/n = `half_converged` (`half_low` to `half_high`, 95 %) and n = `half_rows`.
    """

    printed_aspect: int
    printed_least: int
    printed_log_failure: float
    start_aspect: int
    start_log_granted: float
    start_log_failure: float | None
    cone_width: int
    fit_exists: float
    half_rows: int
    half_converged: float
    half_low: float
    half_high: float


@dataclass(frozen=True)
class WidthAnswer:
    """What is known of n rows and d neurons.

    `theorem` is the sharper one at the n, step and rate that were asked for, `promise` what it says at d; `probability`
    is None where none was named. `safest` is the theorem at the largest rate at which d is covered, None where it is at
    none. `least` holds the least d for each step, 0 being gradient flow; `runs` what drawn networks did, if any were.
    """

    rows: int
    width: int
    probability: Fraction | None
    theorem: SharperTheorem
    covers: bool
    promise: Promise
    safest: SharperTheorem | None
    least: Mapping[Fraction, int | None]
    others: KnownWidths
    runs: WidthRuns | None = None

    def to_json(self) -> dict[str, Any]:
        """Return every number as JSON can hold it; step and probability are exact, as text."""
        theorem = self.theorem
        head = {"n": self.rows, "d": self.width, "step": theorem.step, "probability": self.probability}
        numbers = head | {
            "covers": self.covers,
            "spread": float(theorem.spread),
            "log_failure": theorem.log_failure,
            "log_least_failure": self.safest.log_failure if self.safest else None,
            "promise": asdict(self.promise),
            "steps_per_digit": self.promise.steps_per_digit if theorem.step else None,
            "least_widths": [{"step": step, "d": width} for step, width in self.least.items()],
            "others": asdict(self.others),
            "runs": asdict(self.runs) if self.runs else None,
        }
        converted: dict[str, Any] = json_value(numbers)
        return converted


def answer_width(
    rows: object,
    width: object,
    probability: object = None,
    step: object = None,
    *,
    flow: bool = False,
    simulate: int = 0,
    seed: int = 0,
) -> WidthAnswer:
    """Say what is known of n rows and d neurons: numbers, or text such as "1e7"; draw so many networks and descend.

    Raises
    ------
    ValueError
        where n or d is no whole number from 1 on, the probability not strictly between 0 and 1, the step not strictly
        between 0 and 2, a step named for gradient flow, no probability where the theorem's own says nothing, or
        networks too large to be drawn.
    """
    n, d = _whole("n", rows), _whole("d", width)
    if step is not None and flow:
        raise ValueError(f"step must not be named for gradient flow, got {step}")
    c = Fraction(0) if flow else _PROOF_STEP if step is None else _below("step", step, LONGEST_STEP)
    p = None if probability is None else _below("probability", probability, 1)
    theorem = _theorem(n, c, p)
    runs, rate = _runs(theorem, d, simulate, seed), largest_rate(n, d, c)
    least = {one: _theorem(n, one, p).least_width() for one in sorted({*_STEPS, c})}
    safest = None if rate is None else SharperTheorem(n, c, rate)
    says, others = theorem.promise(d), known_widths(n, d)
    return WidthAnswer(n, d, p, theorem, theorem.covers(d), says, safest, least, others, runs)


def _runs(theorem: SharperTheorem, width: int, count: int, seed: int) -> WidthRuns | None:
    if not count:
        return None
    from untrained.sims.diagnosis.width_runs import draw_runs

    return draw_runs(theorem, width, count, seed)


def _theorem(n: int, step: Fraction, probability: Fraction | None) -> SharperTheorem:
    rate = usual_rate(n, step) if probability is None else rate_for(1 - probability, n, step)
    return SharperTheorem(n, step, rate)


def known_widths(rows: int, width: int) -> KnownWidths:
    """Read what is known beside the sharper theorem from the claims and the record."""
    claims, n, d = ledger(), rows, width
    cone, printed, start = (claims[name].values for name in (_CONE, _PRINTED, _START))
    fits = float(betainc(n, d - n + 1, float(cone["share"]))) if n <= d else 0.0
    halves = pick(read_record("study", _STUDY)["rows"], source="simulation", quantity="half converged")
    half = min(halves, key=lambda row: abs(math.log(row["n"]) - math.log(n)))
    return KnownWidths(
        printed["aspect"],
        claims[_MINIMAL].values["least"],
        _log_failure(printed, n, d),
        start["width_ratio"],
        math.log(start["failure_factor"]) - float(start["failure_rate"]) * n,
        start_log_failure(n, d, Fraction(start["fraction"])),
        cone["per_row"] * n + cone["offset"],
        fits,
        *(half[name] for name in ("n", "value", "low", "high")),
    )


def start_log_failure(rows: int, width: int, fraction: Fraction) -> float | None:
    """Logarithm of P(sigma_min(J(W_0)) < fraction nu sqrt(d) ||z||) by its exact law, to three digits of P.

    None where n, d or their product is above LAW_SIZES.
    """
    if any(size > most for size, most in zip((rows, width, rows * width), LAW_SIZES, strict=True)):
        return None
    from untrained.theory.laws.masked import masked_smallest_below

    probability = masked_smallest_below(rows, width, fraction**2 * width, relative_width=1e-4)
    return min(0.0, float(probability.mid().log()))


def _log_failure(printed: Mapping[str, Any], n: int, d: int) -> float:
    """Logarithm of the probability that Theorem 4.1 lets fail."""
    c = {name: float(printed[name]) for name in ("coefficient", "rows_rate", "width_rate", "last_exponent")}
    mixed = c["last_exponent"] * d ** float(printed["d_power"]) * n ** float(printed["n_power"])
    terms = (math.log(c["coefficient"]) - c["rows_rate"] * n, -c["width_rate"] * d, -mixed)
    return float(np.logaddexp.reduce(terms))


def _whole(name: str, value: object) -> int:
    """A whole number from 1 on that is written as one, or as 1e7.

    Raises
    ------
    ValueError
        where it is none.
    """
    number = _exact(value)
    if number is None or number.denominator != 1 or number < 1:
        raise ValueError(f"{name} must be a whole number from 1 to {_MOST:.0e}, got {value}")
    return int(number)


def _below(name: str, value: object, end: int) -> Fraction:
    """A number strictly between 0 and an end, as exact as it is written.

    Raises
    ------
    ValueError
        where it is none.
    """
    number = _exact(value)
    if number is None or not 0 < number < end:
        raise ValueError(f"{name} must lie strictly between 0 and {end}, got {value}")
    return number


def _exact(value: object) -> Fraction | None:
    """The number that is written; None where none is, or its size is not one of floats: it is not even tried then."""
    text = str(value).strip()
    try:
        size = abs(float(Fraction(text) if "/" in text else text))
        return Fraction(text) if 0 < size <= _MOST else None
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
