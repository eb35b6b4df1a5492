"""Theorem 4.1's conclusion along runs at widths that people use, far below its hypothesis, by either of its rules.

The rules are the printed step and rate (at eta_bar = 1) and those of the proof, the step 1/beta^2 and Theorem B.5's
rate; `step` and `decrease` are in their units. A run that has not come down to the floor in `_MOST` steps has not
shown the conclusion.
"""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import numpy as np

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    Range,
    Sides,
    Source,
)
from untrained.theory.objects import width

_MOST = 300
"""Steps for which a run is followed."""


def step_by_rule(case: Case) -> float:
    """The step of a case at ||y|| = 1, in the units of its rule."""
    n, d = int(case["n"]), int(case["d"])
    unit = width.step_printed(1.0, n, d) if case["rule"] == "printed" else width.step_proof(1.0, n, d)
    return float(case["step"]) * unit


def factor_by_rule(case: Case, c: Constants) -> float:
    """One minus so many times the decrease per step of the rule; 0 where that is more than all."""
    n, d = int(case["n"]), int(case["d"])
    factor = width.factor_printed(n, d) if c["rule"] == "printed" else width.factor_proof(n, d)
    return max(0.0, 1 - float(c["decrease"]) * (1 - factor))


def _above(misfits: np.ndarray, floor: float) -> tuple[np.ndarray, Any]:
    """The steps before a run first comes down to the floor, and whether it ever does."""
    there = misfits <= floor
    return ~np.logical_or.accumulate(there, axis=-1), there.any(axis=-1)


def bound_along(case: Case, c: Constants) -> Sides:
    """Largest misfit in units of `misfit` rho^tau ||y||, over the steps before the floor."""
    misfits = case["run"].misfits
    above, ends = _above(misfits, float(c["floor"]))
    allowed = factor_by_rule(case, c) ** np.arange(misfits.shape[-1]) * float(c["misfit"])
    ratio = np.where(above, misfits, 0.0) / np.maximum(allowed, 1e-300)
    return Sides(np.where(ends, ratio.max(axis=-1), np.inf), 1.0)


def rate_along(case: Case, c: Constants) -> Sides:
    """Largest ||r_{tau+1}||/||r_tau|| over the steps from above the floor, against rho."""
    misfits = case["run"].misfits
    above, ends = _above(misfits, float(c["floor"]))
    started = above[:, :-1] & (misfits[:, :-1] > 0)
    ratio = np.where(started, misfits[:, 1:] / np.where(started, misfits[:, :-1], 1.0), 0.0)
    return Sides(np.where(ends, ratio.max(axis=-1), np.inf), factor_by_rule(case, c), unit=1.0)


def theorem_probability(case: Case, c: Constants) -> float:
    """1 - failure (5 e^{-n/2} + e^{-d/2} + e^{-4 d^{2/3} n^{1/3}})."""
    return 1 - float(c["failure"]) * width.failure_probability(int(case["n"]), int(case["d"]))


def _cells(c: Constants) -> tuple[dict[str, Any], ...]:
    rule, step = c["rule"], float(c["step"])
    return tuple({"n": n, "d": d, "steps": _MOST, "rule": rule, "step": step} for n, d in c["sizes"])


_CONCLUSIONS = {
    "bound": (
        "the misfit is at most $misfit rho^tau ||y||, with 1 - rho $decrease times the rule's decrease a step, until it is $floor ||y||",
        r"\|r_\tau\|\le $misfit\rho^\tau\|y\|\ \text{until}\ \|r_\tau\|\le $floor\|y\|",
        bound_along,
        {"misfit": Constant(3, "down"), "floor": Constant(F(1, 10**12), "down")},
    ),
    "rate": (
        "the misfit shrinks by rho at every step, with 1 - rho $decrease times the rule's decrease a step, until it is $floor ||y||",
        r"\|r_{\tau+}\|\le\rho\|r_\tau\|\ \text{until}\ \|r_\tau\|\le $floor\|y\|",
        rate_along,
        {"floor": Constant(F(1, 10**9), "down")},
    ),
}
_SIGNALS = {"practice": ("random signals", "direction"), "image": ("crops of a photograph", "image")}
_SIZES = {"practice": ((8, 400), (8, 3200)), "image": ((64, 6400),)}
_NARROW = {"practice": ((8, 16), (8, 32)), "image": ((64, 128),)}
_TRIALS = {"practice": 150, "image": 12}
_OTHER = {"printed": "proof", "proof": "printed"}


_FASTER = Control("decrease_18", {"decrease": 18})
_NEARER = {"bound": Control("misfit_1.4", {"misfit": F(7, 5)}), "rate": Control("step_4.5", {"step": F(9, 2)})}


def _run(name: str, what: str, rule: str) -> Claim:
    (signals, kind), (words, formula, sides, own) = _SIGNALS[name], _CONCLUSIONS[what]
    n, d = zip(*_SIZES[name], strict=True)
    return Claim(
        id=f"own.{name}.{what}.{rule}",
        source=Source("own", "Theorem 4.1's conclusion at widths that people use, far below its hypothesis"),
        says=f"At (n, d) in $sizes, for {signals} y and $step times the step of Theorem 4.1's $rule rule, {words}; it fails with at most ${{failure:factor}}the theorem's probability.",
        tex=formula,
        refuted_by="a cell whose interval for the success probability lies below the claimed one",
        domain={"n": Range(min(n), max(n)), "d": Range(min(d), max(d))},
        law={
            "V": Draw("gaussian", ("n", "d")),
            "g": Draw("gaussian", ("d",)),
            "y": Draw(kind, ("n",)),
            "run": Draw("descent", (), {"step": step_by_rule}),
        },
        constants={
            "sizes": Constant(_SIZES[name], others=(_NARROW[name],)),
            "rule": Constant(rule, others=(_OTHER[rule],)),
            "step": Constant(1, "up"),
            "decrease": Constant(1, "up"),
            "failure": Constant(1, "down"),
            **own,
        },
        count=CountRoute(_cells, sides, theorem_probability, _TRIALS[name]),
        controls=(_FASTER, _NEARER[what]),
        version=2,
    )


CLAIMS: tuple[Claim, ...] = tuple(
    _run(name, what, rule) for name in _SIGNALS for what in _CONCLUSIONS for rule in ("printed", "proof")
)
