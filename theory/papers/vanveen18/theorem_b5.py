"""Theorem B.5, the meta-theorem: statement, proof from the steps filed under oymak19, maps at the edge, controls.

WeightRun is theta_+ = theta - eta J^T r with r = f(theta) - y. On a map that acts on each weight by itself, by slopes that
change at one distance, r and the path are recursions of numbers, and the premises can be read off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction as F
from typing import Any

import numpy as np
import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    Draw,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    SearchRoute,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.oymak19 import AVERAGE, INSIDE, STEP_PATH, STEP_RATE
from untrained.theory.proof.algebra import exact_number, reduced

META_NEEDS = (AVERAGE, STEP_RATE, STEP_PATH, INSIDE)
_STEPS, _ROUNDING = 400, 1e-12
_FAR = 1e100
"""A run that is so many times farther off than it started has lost."""


# Proof: the steps, chained.


@dataclass(frozen=True)
class Assumed:
    """a_1, a_2, R alpha/||r_0|| and eta beta^2 as the hypotheses that stand grant them; 0 or infinite without."""

    a_1: sp.Expr
    a_2: sp.Expr
    radius: sp.Expr
    step: sp.Expr

    def form(self, record: Constants) -> sp.Expr:
        """square a_1^p - cross a_1 a_2 - last a_2^p, the coefficients read from a record of a step."""
        square, cross, last, power = (exact_number(record[name]) for name in ("square", "cross", "last", "power"))
        return square * self.a_1**power - cross * self.a_1 * self.a_2 - last * self.a_2**power

    def path(self, record: Constants) -> sp.Expr:
        """The form over a_1 + a_2; A2 with a smaller a_2 than the record serves is A2 with the least that it does."""
        served = replace(self, a_2=sp.Max(self.a_2, exact_number(record["least_ratio"]) * self.a_1))
        form = served.form(record)
        return form / (served.a_1 + served.a_2) if form > 0 else sp.Integer(0)


def assumed(p: Premises) -> Assumed:
    """What the theorem grants; without A0 nothing bounds J_bar - J_0, whatever A2 says of J."""
    a_1, a_2, radius, step = (exact_number(p[name]) for name in ("a1", "a2", "radius", "step"))
    return Assumed(
        a_1 if p.given("A1") else sp.Integer(0),
        a_2 if p.given("A2") and p.given("A0") and not p.of(AVERAGE)["endpoint"] else sp.oo,
        radius,
        step if p.given("A3") and p["step_power"] == p.of(STEP_RATE)["step_power"] else sp.oo,
    )


def chained(p: Premises, *conclusion: tuple[str, Any]) -> Symbolic:
    """Induction: inside the ball a step obeys both inequalities, and the path's keeps the next iterate inside."""
    a, rate, path, inside = assumed(p), p.of(STEP_RATE), p.of(STEP_PATH), p.of(INSIDE)
    ratio = a.a_2 / a.a_1 if a.a_1 > 0 else sp.oo
    granted = sp.Min(*(exact_number(record["step"]) for record in (rate, path, inside)))
    return reduced(
        "Induction: theta_0, ..., theta_t lie within R, so the segment to theta_{t+1} does if that does, and A2 holds for "
        "J and the averaged J_bar; each step obeys both inequalities, the second adds up along the path, and the next "
        "iterate lies within R.",
        [
            ("step", a.step <= granted),
            ("a_2/a_1", ratio <= sp.Min(exact_number(rate["largest_ratio"]), exact_number(path["largest_ratio"]))),
            ("the powers agree", len({p["step_power"], *(r["step_power"] for r in (rate, path, inside))}) == 1),
            ("R holds the path and a step", a.radius * usable_path(p) >= exact_number(inside["radius"])),
            *conclusion,
        ],
        sufficient=True,
    )


def usable_path(p: Premises) -> sp.Expr:
    """The largest path that the step's inequality grants and for which one step more is short; 0 where none is."""
    a = assumed(p)
    granted = a.path(p.of(STEP_PATH))
    return sp.Min(granted, a.a_1**2 / (a.a_1 + a.a_2)) if granted > 0 else granted


def converges(p: Premises) -> Symbolic:
    """eq. (9): every step shrinks the misfit as the one-step inequality says."""
    rate = assumed(p).form(p.of(STEP_RATE))
    power = exact_number(p["rate_power"]) - exact_number(p.of(STEP_RATE)["power"])
    return chained(p, ("rate", exact_number(p["rate"]) <= rate), ("power of alpha", power))


def stays_close(p: Premises) -> Symbolic:
    """eq. (10): the one-step inequality, summed; the distance is at most the path's length."""
    return chained(p, ("path", exact_number(p["path"]) <= assumed(p).path(p.of(STEP_PATH))))


# Maps whose slopes change at one distance.


@dataclass(frozen=True)
class WeightRun:
    """A run from theta_0 with ||r_0|| = 1: logarithms of the misfits, distances and lengths, each (T + 1,)."""

    log_misfits: Array
    distances: Array
    lengths: Array


def descend_by_weight(case: Case, eta: float, steps: int) -> WeightRun:
    """Follow a map by its weights, each by itself; ||r|| and ||theta - theta_0|| are those of the numbers."""
    r, x = np.array([_follow_weight(case, i, eta, steps) for i in range(len(case["r"]))]).transpose(1, 2, 0)
    lengths = np.linalg.norm(np.diff(x, axis=0), axis=-1)
    return WeightRun(_log_norm(r), np.linalg.norm(x, axis=-1), np.concatenate([[0.0], np.cumsum(lengths)]))


def _follow_weight(case: Case, i: int, eta: float, steps: int) -> tuple[list[float], list[float]]:
    """r and x = theta - theta_0 of f with the slope `first` at 0 alone, `near` up to `reach` and `far` beyond.

    f changes by `drift` times what its slopes say: 1 where A0 holds.
    """
    slope, near, far, target = (float(case[name][i]) for name in ("first", "near", "far", "r"))
    reach, drift = float(case["reach"]), float(case["drift"])
    misfits, places = [-target], [0.0]
    for _ in range(steps):
        x, r = places[-1], misfits[-1]
        move = -eta * slope * r if abs(r) <= _FAR * abs(target) else 0.0
        share = share_within(x, move, reach)
        misfits.append(r + drift * (share * near + (1 - share) * far) * move)
        places.append(x + move)
        slope = near if abs(x + move) <= reach else far
    return misfits, places


def share_within(x: float, move: float, reach: float) -> float:
    """The share of the segment from x to x + move that lies within `reach` of 0."""
    if max(abs(x), abs(x + move)) <= reach:
        return 1.0
    low, high = sorted((x, x + move))
    return max(0.0, min(high, reach) - max(low, -reach)) / (high - low) if high > low else 0.0


def _log_norm(r: Array) -> Array:
    size = np.abs(r).max(axis=-1)
    inner = np.linalg.norm(r / np.where(size > 0, size, 1.0)[:, None], axis=-1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(size) + np.log(inner))


def slopes_of(case: Case) -> Case:
    """The map of a case: as it stands, or from the numbers and signs that a search drew; alpha = 1 there."""
    if "first" in case:
        return {**case, **{name: [case[name]] for name in ("first", "near", "far", "r")}}
    signs = np.where(case["start"][0] >= 0, 1.0, -1.0)
    first = float(case["low"]) * np.linspace(1.0, float(case["spread"]), int(case["n"]))
    near, far = first + case["bend"] * signs, first - case["turn"] * signs
    largest = max(np.abs(s).max() for s in (first, near, far))
    size = {"alpha": 1.0, "r": case["y"][0], "reach": case["reach"], "drift": 1.0}
    return {**size, "first": first, "near": near, "far": far, "beta": case["stiff"] * largest}


def integrates(case: Case, c: Constants) -> bool:
    """A0: f changes by what its slopes say."""
    return bool(slopes_of(case)["drift"] == 1)


def conditioned(case: Case, c: Constants) -> bool:
    """A1 on a map of slopes."""
    one = slopes_of(case)
    return bool(np.min(np.abs(one["first"])) >= float(c["a1"]) * one["alpha"] * (1 - _ROUNDING))


def steady(case: Case, c: Constants) -> bool:
    """A2 on a map of slopes: the far ones count where R is beyond them."""
    one = slopes_of(case)
    first, near, far = (np.asarray(one[name], float) for name in ("first", "near", "far"))
    allowed = float(c["a2"]) * one["alpha"] * (1 + _ROUNDING) + _ROUNDING * np.abs(first).max()
    reached = one["reach"] < float(c["radius"]) * np.linalg.norm(np.asarray(one["r"]) / one["alpha"])
    return bool(np.abs(near - first).max() <= allowed and (not reached or np.abs(far - first).max() <= allowed))


def bounded_everywhere(case: Case, c: Constants) -> bool:
    """A3 on a map of slopes."""
    one = slopes_of(case)
    return all(bool(np.abs(one[s]).max() <= one["beta"] * (1 + _ROUNDING)) for s in ("first", "near", "far"))


A0 = Hypothesis("A0", "A0: f changes along a segment by the integral of J (piecewise linear maps do)", integrates)
A1 = Hypothesis("A1", "A1: sigma_min(J(theta_0)) >= ${a1:factor}alpha", conditioned)
A2 = Hypothesis("A2", "A2: ||J(theta) - J(theta_0)|| <= ${a2:factor}alpha within R", steady)
A3 = Hypothesis("A3", "A3: ||J(theta)|| <= beta everywhere", bounded_everywhere)


def _run(case: Case, c: Constants) -> tuple[Case, WeightRun, float]:
    one = slopes_of(case)
    eta = float(c["step"]) / float(one["beta"]) ** float(c["step_power"])
    return one, descend_by_weight(one, eta, _STEPS if "first" in case else _STEPS // 10), eta


def rate_on_slopes(case: Case, c: Constants) -> Sides:
    """The largest misfit/((1 - rate eta alpha^power)^tau ||r_0||) over a run, in logarithms, against 0."""
    one, run, eta = _run(case, c)
    factor = 1 - float(c["rate"]) * eta * one["alpha"] ** float(c["rate_power"])
    allowed = np.log(factor) if factor > 0 else -_FAR
    worst = np.max(run.log_misfits[1:] - run.log_misfits[0] - np.arange(1, len(run.log_misfits)) * allowed)
    return Sides(float(np.clip(worst, -1e3, 1e3)), 0.0, unit=1.0)


def _path_sides(case: Case, c: Constants, moved: Callable[[WeightRun], Array]) -> Sides:
    one, run, _ = _run(case, c)
    misfits = np.exp(np.clip(run.log_misfits - run.log_misfits[0], -700, 700))
    size = float(np.exp(run.log_misfits[0] - np.log(one["alpha"])))
    left = float(c["path"]) * moved(run) / size + misfits
    return Sides(float(np.max(left[1:])), 1.0)


def distance_on_slopes(case: Case, c: Constants) -> Sides:
    """Largest path alpha ||theta_tau - theta_0|| + ||r_tau|| over a run, in units of ||r_0||, against 1."""
    return _path_sides(case, c, lambda run: run.distances)


def length_on_slopes(case: Case, c: Constants) -> Sides:
    """The same with the length of the path."""
    return _path_sides(case, c, lambda run: run.lengths)


def edges(c: Constants) -> tuple[Case, ...]:
    """Maps of one weight, ||r_0|| = alpha: each premise used up, each fold just beyond R, and each premise missed."""
    a_1, a_2, R = float(c["a1"]), float(c["a2"]), float(c["radius"])
    low, high = a_1 - a_2, a_1 + a_2
    cases = [
        _line(a_1, a_1, a_1, a_1),
        _line(a_1, low, low, a_1),
        _line(a_1, low, low, 3 * a_1),
        _line(a_1, high, high, a_1),
        _line(a_1, high, high, high),
        _line(a_1, low, 0, a_1, reach=R),
        _line(a_1, low, -a_1, a_1, reach=R),
        _line(a_1, high, low, a_1, reach=0.1),
        *(_line(a_1, low, low, 3 * a_1, alpha=alpha) for alpha in (1e100, 1e-100)),
    ]
    missed = [_line(a_1, a_1, a_1, a_1, drift=0.0), _line(a_1 / 100, a_1 / 100, a_1 / 100, a_1)]
    return (*cases, *missed, _line(a_1, 0, 0, a_1), _line(a_1, a_1, a_1, a_1 / 10))


def _line(
    first: float, near: float, far: float, beta: float, reach: float = 1e300, drift: float = 1.0, alpha: float = 1.0
) -> Case:
    slopes = {"first": first * alpha, "near": near * alpha, "far": far * alpha, "beta": beta * alpha}
    return {**slopes, "alpha": alpha, "r": alpha, "reach": reach, "drift": drift}


_LAW = {"start": Draw("gaussian", ("n",)), "y": Draw("gaussian", ("n",), {"scale": "size"})}
_WITHIN = {
    "n": Range(1, 6),
    "low": Range(1.9, 4, False),
    "spread": Range(1, 10, False, True),
    "bend": Range(0, 0.4, False),
    "turn": Range(0, 2, False),
    "reach": Range(0.01, 1e3, False, True),
    "stiff": Range(0.9, 3, False),
    "size": Range(0.01, 100, False, True),
}


def meta_theorem(
    claim_id: str,
    source: Source,
    sentence: tuple[str, str, str],
    proof: Callable[[Premises], Symbolic],
    sides: Callable[[Case, Constants], Sides],
    constants: dict[str, Constant],
    *controls: Control,
    hypotheses: tuple[Hypothesis, ...] = (A0, A1, A2, A3),
) -> Claim:
    """A conclusion of the meta-theorem: the same proof, maps and dropped premises for every set of constants."""
    says, tex, refuted_by = sentence
    own = {"a1": Constant(2, "down"), "a2": Constant(F(1, 3), "up")}
    step = {"step": Constant(1, "up"), "step_power": Constant(2)}
    return Claim(
        id=claim_id,
        source=source,
        says=says,
        tex=tex,
        refuted_by=refuted_by,
        domain={"p": Range(1, 10**60)},
        law=_LAW,
        hypotheses=hypotheses,
        constants={**own, **constants, **step},
        needs=META_NEEDS,
        proofs=(proof,),
        exact=ExactRoute(edges, sides),
        search=SearchRoute(sides, within=_WITHIN, effort=0.7),
        controls=(*controls, _POWER, *(Control(f"no_{h.name}", {}, (h.name,)) for h in hypotheses)),
        version=2,
    )


_POWER = Control("step_power_2.02", {"step_power": F(202, 100)})
_PREMISE = "If f changes along segments by the integral of its Jacobian (A0), then under A1 to A3 with R = ${radius:factor}||r_0||/alpha and eta <= $step/beta^$step_power "

CLAIMS: tuple[Claim, ...] = (
    meta_theorem(
        "vanveen18.thmB5.rate",
        Source(
            "vanveen18",
            "Theorem B.5, eq. (9)",
            "||y - f(theta_tau)|| <= (1 - eta alpha^2/4)^tau ||y - f(theta_0)||",
            17,
            "eta alpha^2/4 is read from 'eta 4-', eta <= 1/beta^2 from 'e2'",
        ),
        (
            _PREMISE
            + "the misfit of theta_+ = theta - eta J^T r shrinks by 1 - ${rate:factor}eta alpha^$rate_power a step.",
            r"\|y-f(\theta_\tau)\|\le(1-${rate:factor}\eta\alpha^{$rate_power})^\tau\|y-f(\theta_0)\|,\ \eta\le $step/\beta^{$step_power},\ R=${radius:factor}\|r_0\|/\alpha",
            "a map that meets A0 to A3 whose descent is slower",
        ),
        converges,
        rate_on_slopes,
        {"radius": Constant(5, "down"), "rate": Constant(F(1, 4), "up"), "rate_power": Constant(2)},
        Control("rate_2.8", {"rate": F(28, 10)}),
        Control("radius_0.59", {"radius": F(59, 100)}),
        Control("step_1.9", {"step": F(19, 10)}),
    ),
    meta_theorem(
        "vanveen18.thmB5.path",
        Source(
            "vanveen18",
            "Theorem B.5, eq. (10)",
            "(alpha/5)||theta_tau - theta_0|| + ||y - f(theta_tau)|| <= ||y - f(theta_0)||",
            17,
            "alpha/5 is read from a split line",
        ),
        (
            _PREMISE
            + "descent theta_+ = theta - eta J^T r has ${path:factor}alpha ||theta_tau - theta_0|| + ||r_tau|| <= ||r_0|| for every tau.",
            r"${path:factor}\alpha\|\theta_\tau-\theta_0\|+\|y-f(\theta_\tau)\|\le\|y-f(\theta_0)\|,\ \eta\le $step/\beta^{$step_power},\ R=${radius:factor}\|r_0\|/\alpha",
            "a map that meets A0 to A3 whose descent wanders farther",
        ),
        stays_close,
        distance_on_slopes,
        {"radius": Constant(5, "down"), "path": Constant(F(1, 5), "up")},
        Control("path_1.7", {"path": F(17, 10)}),
        Control("radius_0.29", {"radius": F(29, 100)}),
        Control("step_1.85", {"step": F(185, 100)}),
    ),
)
