"""A path pays for every neuron that it loses: what the descent of Theorem 4.1 has spent bounds what can be cut off.

h = Wz, g its start, A_0 those on there, r = f - y, a = V^T r on those alive, c = eta ||V_{A_0} V_{A_0}^T||; neurons die within
a step (`theory.objects.path_lengths`). m(s) is the least sigma_min(V_{A_0 minus R}) over R with ||g_R|| <= s, s the length
of the path. Proofs are termwise, so that every size is covered; searches try every R.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction as F
from functools import cached_property

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
    rounding,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects.path_lengths import (
    LeastLeft,
    StepWithDeaths,
    descend_with_deaths,
    flow_of_one_output,
    least_left,
    subsets,
)
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.exact import FLOAT_GUARD

_STEP, _PRICE, _SPENT = "own.path_budget.step", "own.path_budget.price", "own.path_budget.spent"
_REDUCTION, _OFF = "own.descent.reduction", "own.descent.off_stays_off"

_LAW = {"V": Draw("gaussian", ("n", "d")), "g": Draw("gaussian", ("d",)), "r": Draw("direction", ("n",))}
_ANY = {"n": Range(1, 10**9), "d": Range(1, 10**9)}
_SMALL = {"n": Range(1, 3), "d": Range(5, 10), "crowd": Range(1, 3, False)}
_LONG, _BRIEF = 60, 12
"""Steps of a searched descent."""
_ROOM = 2 * FLOAT_GUARD
"""For rounding, in units of what is compared: so that a listed case decides where both sides are equal."""


@dataclass(frozen=True)
class _Run:
    """A case: V, g and the direction of r_0 with a leading axis of one, c, and ||r_0|| as `pull` of a natural size.

    That is the integral of m up to L = `reach` ||g_{A_0}||, or else ||V_{A_0}|| ||g_{A_0}||, or 1 where there is none.
    For a drawn x the margins are x|x|^crowd, so that many are small beside the largest and some neurons die.
    """

    case: Case
    by_reach: bool = False

    @cached_property
    def V(self) -> Array:
        return np.asarray(self.case["V"][0], float)

    @cached_property
    def g(self) -> Array:
        x = np.asarray(self.case["g"][0], float)
        return x * np.abs(x) ** float(self.case.get("crowd", 0))

    @cached_property
    def largest(self) -> float:
        """||V_{A_0}||."""
        return float(np.linalg.norm(self.V * (self.g > 0), 2))

    @cached_property
    def eta(self) -> float:
        return float(self.case["c"]) / self.largest**2 if self.largest > 0 else 0.0

    @cached_property
    def budget(self) -> float:
        """L, up to which m is integrated; in units of 1 where no neuron is on."""
        return float(self.case["reach"]) * (float(np.linalg.norm(np.maximum(self.g, 0))) or 1.0)

    @cached_property
    def left(self) -> LeastLeft:
        return least_left(self.V, self.g)

    @cached_property
    def r(self) -> Array:
        """r_0."""
        granted = self.left.integral(self.budget) if self.by_reach else 0.0
        size = granted if granted > 0 else self.largest * float(np.linalg.norm(np.maximum(self.g, 0)))
        return float(self.case["pull"]) * (size or 1.0) * np.asarray(self.case["r"][0], float)

    def steps(self, most: int) -> list[StepWithDeaths]:
        """The steps of its descent."""
        return list(descend_with_deaths(self.V, self.g, self.r, self.eta, int(self.case.get("steps", most))))


def no_neuron_is_on(case: Case, c: Constants) -> bool:
    """Whether nothing moves at all."""
    return bool(np.all(np.asarray(case["g"]) <= 0))


def _square(x: Array) -> float:
    return float(x @ x)


# One step.


def gain_of_a_step(p: Premises) -> Symbolic:
    """B and the square of r_+ = r - eta V(Da), neuron by neuron: a_l^2 is in the mean of p^2 up to D_l."""
    a, u, h, eta, B, square = sp.symbols("a u h eta B norm_squared", positive=True)
    D = sp.Symbol("D", nonnegative=True)
    lead, share, power = (exact_number(p[name]) for name in ("lead", "share", "power"))
    return reduced(
        "Who is dead moves no more, so a neuron alive at the start of a step adds a_l^power to p^power up to D_l = min(1, "
        "h_l/(eta a_l)) and f moves by -eta V(Da). <r, V(Da)> = <a, Da> = B and ||V(Da)||^2 <= ||V_{A_0}||^2 <Da, Da>, "
        "where <Da, Da> <= B as D <= 1. One neuron that lives attains it.",
        [
            ("the dead stay dead", p.of(_OFF)["state"] == "off"),
            ("drift", exact_number(p.of(_REDUCTION)["drift"]) - 1),
            ("a neuron that dies ends at 0", h - eta * (h / (eta * a)) * a),
            ("term of the mean of p^power", sp.integrate(a**power, (u, 0, D)) - D * a * a),
            ("term of B - <Da, Da>", D * a * a - (D * a) ** 2 - D * (1 - D) * a * a),
            ("difference of the squares", -2 * eta * B + eta**2 * square * B + eta * (2 - eta * square) * B),
            ("small c", lead <= 2),
            ("large c", share >= 1),
        ],
    )


def step_sides(case: Case, c: Constants) -> Sides:
    """Largest difference of B and the mean of p^power, in units of B, or of the squares, in units of <r, r>."""
    run, power, worst = _Run(case), float(c["power"]), 0.0
    fall = run.eta * (float(c["lead"]) - float(c["share"]) * float(case["c"]))
    for one in run.steps(_BRIEF):
        if _square(one.r) < _RESOLVED**2 * _square(run.r):
            break
        mean = float(np.diff(one.ends, prepend=0.0) @ one.norms**power)
        after = one.r + run.V @ (np.maximum(one.h_after, 0) - np.maximum(one.h, 0))
        beyond = (_square(after) - _square(one.r) + fall * one.gain) / _square(one.r)
        worst = max(worst, beyond, abs(mean - one.gain) / max(mean, one.gain, 1e-300))
    return Sides(worst, _ROOM, unit=1)


_RESOLVED = 1e-4
"""Misfit in units of the first down to which the change of V h_+ is compared with it."""


# What the dead have cost.


def dead_are_paid_for(p: Premises) -> Symbolic:
    """The moves of two neurons in two pieces of the path: the norm of sums is at most the sum of norms."""
    a, b, x, y = sp.symbols("a b x y", nonnegative=True)
    return reduced(
        "eta times the integral of p is that of ||(eta|a_l| 1{l alive})||, at least the norm of the integrals, which are "
        "the lengths Delta_l that neurons move until they die; who died came from g_l to 0, so Delta_l >= g_l. A "
        "neuron alone pays exactly that.",
        [
            ("the dead stay dead", p.of(_OFF)["state"] == "off"),
            ("drift", exact_number(p.of(_REDUCTION)["drift"]) - 1),
            ("Cauchy and Schwarz", (a**2 + b**2) * (x**2 + y**2) - (a * x + b * y) ** 2 - (a * y - b * x) ** 2),
            ("a neuron alone", exact_number(p["paid"]) <= 1),
        ],
    )


def price_sides(case: Case, c: Constants) -> Sides:
    """Largest paid ||g_R||/s over the deaths of a descent, R those dead there, against 1."""
    run, s, worst = _Run(case), 0.0, 0.0
    g = np.maximum(run.g, 0)
    for one in run.steps(_BRIEF):
        dead, lengths = np.linalg.norm(one.dead * g, axis=-1), s + one.lengths
        worst = max(worst, float(np.max(dead / np.where(dead > 0, lengths, 1.0))))
        s = float(lengths[-1])
    return Sides(float(c["paid"]) * worst, 1 + _ROOM)


# What the path has spent.


def spent_argument(p: Premises) -> Symbolic:
    """(1 - half c) times the integral of m over a step is at most what the step takes off ||r||; both ends of c."""
    r, q = sp.symbols("r r_after", positive=True)
    half, largest = exact_number(p["half"]), exact_number(p["step"]) if p.given("step") else sp.oo
    step, price = p.of(_STEP), p.of(_PRICE)
    lead, share = exact_number(step["lead"]), exact_number(step["share"])
    return reduced(
        "On a step p >= m(s)||r||, as ||g_R|| <= s for the dead R; so the integral of m over its path, that of m eta p "
        "du, is at most eta B/||r||, B the mean of p^2. With (lead - share c)eta B <= ||r||^2 - ||r_+||^2 half of this over "
        "||r|| is at most ||r|| - ||r_+||. Where 1 - half c is negative ||r_+|| <= ||r|| is enough. Steps add up.",
        [
            ("p^2", exact_number(step["power"]) - 2),
            ("the dead are paid for", exact_number(price["paid"]) >= 1),
            ("difference of squares", 2 * r * (r - q) - (r**2 - q**2) - (r - q) ** 2),
            ("misfits fall", sp.Ge(lead - share * largest, 0)),
            ("c = 0", sp.Ge(lead / 2, 1)),
            ("c at its largest", sp.Ge((lead - share * largest) / 2, sp.Max(0, 1 - half * largest))),
        ],
        sufficient=True,
    )


def spent_sides(case: Case, c: Constants) -> Sides:
    """Largest (1 - half c) int_0^s m + ||r_t|| over a descent, in units of ||r_0||, against 1."""
    run, s, worst = _Run(case), 0.0, 0.0
    weight, first = 1 - float(c["half"]) * float(case["c"]), float(np.linalg.norm(run.r))
    for one in run.steps(_LONG):
        s += float(one.lengths[-1])
        worst = max(worst, (weight * run.left.integral(s) + float(np.linalg.norm(one.r_after))) / first)
    return Sides(worst, 1 + _ROOM)


# Convergence.


def excess(run: _Run, factor: float) -> float:
    """delta: by how much the integral of m up to L exceeds factor ||r_0||."""
    return run.left.integral(run.budget) - factor * float(np.linalg.norm(run.r))


def descent_excess(case: Case, c: Constants) -> float:
    """delta of a descent."""
    weight = 1 - float(c["half"]) * float(case["c"])
    return excess(_Run(case, by_reach=True), 1 / weight if weight else np.inf)


def flow_excess(case: Case, c: Constants) -> float:
    """delta of the flow."""
    return excess(_Run(case, by_reach=True), float(c["start"]))


def small_step(case: Case, c: Constants) -> bool:
    """c < step."""
    return bool(case["c"] < float(c["step"]))


def _mu_power(run: _Run, delta: float, c: Constants) -> float:
    """mu^power, mu the larger of m(L) and rate delta/L."""
    return float(max(run.left.at(run.budget), float(c["rate"]) * delta / run.budget) ** float(c["power"]))


def convergence_argument(p: Premises) -> Symbolic:
    """The path cannot afford L, and m at its end is at least delta/L."""
    length, end, value = sp.symbols("L L_0 m_at_L_0", positive=True)
    spent, step = p.of(_SPENT), p.of(_STEP)
    largest = exact_number(p["step"]) if p.given("step") else sp.oo
    half, lead, rate, power = (exact_number(p[name]) for name in ("half", "lead", "rate", "power"))
    return reduced(
        "The integral of m up to s_t never exceeds ||r_0||/(1 - half c), which is reached at an L_0 < L; m falls, so delta "
        "<= m(L_0)(L - L_0), and m(s) >= m(L_0) all along. B, the mean of p^2, is at least m(s)^2||r||^2 with the s at the "
        "end of the step, and so at least mu^2||r||^2.",
        [
            ("the path costs delta more", p.given("budget")),
            ("steps", sp.Le(largest, exact_number(spent["step"]))),
            ("the budget is finite", sp.Le(half * largest, 1)),
            ("what is spent", half >= exact_number(spent["half"])),
            ("m at L_0 times L", sp.expand(value * length - value * (length - end) - value * end)),
            ("delta/L", rate <= 1),
            ("power of m", power - exact_number(step["power"])),
            ("the gain is not negative", sp.Ge(exact_number(step["lead"]) - exact_number(step["share"]) * largest, 0)),
            ("gain of a step", sp.And(lead <= exact_number(step["lead"]), exact_number(step["share"]) <= 1)),
        ],
        sufficient=True,
    )


def convergence_sides(case: Case, c: Constants) -> Sides:
    """Largest of s/L - 1 and of <r_+, r_+>/<r, r> less its claimed factor over a descent, against 0."""
    run, s, worst = _Run(case, by_reach=True), 0.0, -1.0
    fall = run.eta * (float(c["lead"]) - float(case["c"])) * _mu_power(run, descent_excess(case, c), c)
    for one in run.steps(_LONG):
        s += float(one.lengths[-1])
        worst = max(worst, s / run.budget - 1, _square(one.r_after) / _square(one.r) - (1 - fall))
    return Sides(worst, _ROOM, unit=1)


def argument_of_the_flow(p: Premises) -> Symbolic:
    """Gradient flow: d||r||/ds = -p/||r||, and the end of the argument for steps."""
    a, r, t, mu = sp.symbols("a r t mu", positive=True)
    start, twice, rate, power = (exact_number(p[name]) for name in ("start", "twice", "rate", "power"))
    slope = 2 * a * (-a)  # a neuron's part of d<r, r>/dt = 2<r, -V_A a>
    along = slope / (2 * r) / a  # d||r||/dt over ds/dt, one neuron alive
    decay = sp.exp(-2 * mu**2 * t)
    return reduced(
        "dr/dt = -V_A V_A^T r between deaths, so d<r, r>/dt = -2p^2, ds/dt = p and d||r||/ds = -p/||r|| <= -m(s), the dead "
        "being paid for as in a step: the integral of m up to s is at most ||r_0|| - ||r||, and the path stays below the L_0 "
        "where it is ||r_0||. There m(L_0) >= delta/(L - L_0).",
        [
            ("the path costs delta more", p.given("budget")),
            ("the dead stay dead", p.of(_OFF)["state"] == "off"),
            ("drift", exact_number(p.of(_REDUCTION)["drift"]) - 1),
            ("the dead are paid for", exact_number(p.of(_PRICE)["paid"]) >= 1),
            ("fall along the path", along + a / r),
            ("decay", sp.diff(decay, t) + 2 * mu**2 * decay),
            ("factor of ||r_0||", start >= 1),
            ("delta/L", rate <= 1),
            ("rate", twice <= 2),
            ("power", power - 2),
        ],
        sufficient=True,
    )


def flow_sides(case: Case, c: Constants) -> Sides:
    """Largest of s/L - 1 and of ln(<r, r>/<r_0, r_0>) + twice mu^power t over a flow with n = 1, against 0."""
    run = _Run(case, by_reach=True)
    fall = float(c["twice"]) * _mu_power(run, flow_excess(case, c), c)
    (r,) = run.r
    flow = flow_of_one_output(run.V[0] * np.sign(r), run.g, abs(float(r)), _FOLLOWED)
    decay = 2 * np.log(flow.misfits / flow.misfits[0]) + fall * flow.times
    return Sides(max(float(flow.lengths[-1]) / run.budget - 1, float(decay.max())), _ROOM, unit=1)


_FOLLOWED = 1e-6
"""Misfit in units of the first up to which a flow is followed."""


# The cheapest cut, by duality.


def weak_duality(p: Premises) -> Symbolic:
    """A neuron's part of both sides, in R or not, x_l^2 below lambda g_l^2 or above."""
    low, more, price = sp.symbols("low more price", nonnegative=True)
    multiplier = sp.Symbol("lambda", nonnegative=p.given("sign") or None, real=True)
    charge, power = exact_number(p["charge"]), exact_number(p["power"])
    in_r = sp.expand(charge * (low + more) - low)  # lambda g^2 = low + more, x^2 = low
    return reduced(
        "With min(x^2, lambda g^2) = low: a neuron outside R leaves x^2 >= low. One in R leaves 0 and pays charge lambda g^2, "
        "at least charge low. The price charge lambda(s^2 - ||g_R||^2) that is left over is not negative.",
        [
            ("squares", power - 2),
            ("in R", all(x >= 0 for x in sp.Poly(in_r, low, more).coeffs())),
            ("left over", sp.Ge(charge * multiplier * price, 0)),
        ],
        sufficient=True,
    )


def duality_sides(case: Case, c: Constants) -> Sides:
    """The dual's value against the least energy that a cut of price s leaves, in units of <x, x>."""
    x, g = (np.asarray(case[name][0], float) for name in ("x", "g"))
    s, multiplier, power = float(case["s"]), float(case["multiplier"]), float(c["power"])
    removed = subsets(len(x))
    affordable = removed[removed @ g**2 <= s**2]
    least = float((~affordable @ x**2).min())
    capped = np.minimum(np.abs(x) ** power, multiplier * np.abs(g) ** power).sum()
    value = float(capped) - float(c["charge"]) * multiplier * s**power
    scale = _square(x) + abs(multiplier) * (_square(g) + s**2)
    return Sides(value, least + rounding(len(x), scale) + _ROOM * _square(x), unit=_square(x))


def multiplier_is_a_price(case: Case, c: Constants) -> bool:
    """lambda >= 0."""
    return bool(case["multiplier"] >= 0)


# Listed cases: one neuron, or two, at the edge.


def _one(c: F | float, pull: float, reach: float = 0.9, v: float = 1.0, steps: int = 12) -> Case:
    """One output and one neuron, at 1."""
    return {"V": [[[v]]], "g": [[1.0]], "r": [[1.0]], "c": float(c), "pull": pull, "reach": reach, "steps": steps}


def _two(c: float, pull: float, steps: int = 12) -> Case:
    """Two outputs, each with a neuron of its own at 1; the misfit is along the larger one."""
    pair = {"V": [[[1.0, 0.0], [0.0, 0.25]]], "g": [[1.0, 1.0]], "r": [[1.0, 0.0]]}
    return {**pair, "c": c, "pull": pull, "reach": 0.5, "steps": steps}


_STEP_CASES = (_one(1, 0.1), _one(1, 0.1, v=2.0), _one(3, 0.01), _one(0.5, 100), _two(1.0, 0.1))
_SPENT_CASES = (_one(1.99, 0.001), _one(1, 0.1), _one(0.1, 100), _two(2.01, 0.01), _two(1.5, 0.01))
_AT_THE_END = tuple(_one(F(199, 100), pull, steps=600) for pull in (0.0051, 0.0049))
_CONVERGENCE_CASES = (
    *_AT_THE_END,
    *(_one(1, 0.0001, v=v) for v in (0.5, 1.0, 2.0)),
    _one(1, 0.6),
    _one(2.01, 0.01, 0.5, steps=200),
    _two(1.0, 0.3),
)
_FLOW_CASES = tuple(_one(0, pull, v=v) for pull in (1e-4, 0.995, 1.005, 3.0) for v in (0.5, 1.0, 2.0))


def _cut(x: tuple[float, ...], g: tuple[float, ...], s: float, multiplier: float) -> Case:
    return {"x": [x], "g": [g], "s": s, "multiplier": multiplier}


_CUTS = (
    _cut((3.0, 4.0, 5.0), (3.0, 4.0, 10.0), 5.0, 1.0),
    _cut((0.3, 0.4, 0.5), (0.3, 0.4, 10.0), 0.5, 1.0),
    _cut((1.0,), (1.0,), 1.0, 1.0),
    _cut((1.0, 1.0), (1.0, 1.0), 2.0, -1.0),
    _cut((2.0, 1.0), (1.0, 1.0), 0.5, 10.0),
)

_BUDGET = Hypothesis(
    "budget",
    "the integral of m up to L is ||r_0||/(1 - ${half:factor}c) plus a delta > 0",
    lambda case, c: descent_excess(case, c) > 0,
)
_FLOW_BUDGET = Hypothesis(
    "budget",
    "the integral of m up to L is ${start:factor}||r_0|| plus a delta > 0",
    lambda case, c: flow_excess(case, c) > 0,
)
_SMALL_STEP = Hypothesis("step", "c = eta||V_{A_0}V_{A_0}^T|| < $step", small_step)
_SIGN = Hypothesis("sign", "lambda >= 0", multiplier_is_a_price)
_PULLS = Range(0.05, 1.2, False, True)
_WIDE = {
    **_SMALL,
    "d": Range(1, 10),
    "crowd": Range(0, 3, False),
    "c": Range(0.01, 4, False, True),
    "pull": Range(1e-2, 1e2, False, True),
}
_REACH = Range(0.1, 1, False)


def _source(label: str) -> Source:
    return Source("own", label)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=_STEP,
        source=_source("one step of Theorem 4.1's descent whose neurons die within it"),
        says="In a step h_+ = h - eta a of Theorem 4.1's descent, a = V^T r on the neurons alive and nothing elsewhere, let D_l be the part of the step before neuron l dies and p the norm of a on those still alive: B = <a, Da> is the mean of p^$power, and <r_+, r_+> is at most <r, r> - eta($lead - ${share:factor}c)B, where c = eta||V_{A_0}V_{A_0}^T|| and A_0 are the neurons on at the start.",
        tex=r"B=\langle a,Da\rangle=\int p(u)^{$power}\,du,\quad \langle r_+,r_+\rangle\le\langle r,r\rangle-\eta($lead-${share:factor}c)B",
        refuted_by="a step whose B is another, or after which more is left",
        domain=_ANY,
        law=_LAW,
        constants={"power": Constant(2), "lead": Constant(2, "up"), "share": Constant(1, "down")},
        needs=(_REDUCTION, _OFF),
        proofs=(gain_of_a_step,),
        exact=ExactRoute(_STEP_CASES, step_sides),
        search=SearchRoute(step_sides, no_neuron_is_on, within=_WIDE),
        controls=(
            Control("lead_2.01", {"lead": F(201, 100)}),
            Control("lead_3", {"lead": 3}),
            Control("share_0.99", {"share": F(99, 100)}),
            Control("power_2.02", {"power": F(202, 100)}),
            Control("power_1", {"power": 1}),
        ),
    ),
    Claim(
        id=_PRICE,
        source=_source("what a path costs that neurons die on"),
        says="At every point of that descent's path the neurons of A_0 that are dead, R, have ${paid:factor}||g_R|| <= s, the length of the path so far: the sum of eta times the mean of p, so that a neuron's moves count until it dies; g is the start of h.",
        tex=r"${paid:factor}\|g_R\|\le s",
        refuted_by="a path shorter than what its dead neurons have moved",
        domain=_ANY,
        law=_LAW,
        constants={"paid": Constant(1, "up")},
        needs=(_REDUCTION, _OFF),
        proofs=(dead_are_paid_for,),
        exact=ExactRoute(_STEP_CASES, price_sides),
        search=SearchRoute(price_sides, no_neuron_is_on, within=_WIDE),
        controls=(Control("paid_1.01", {"paid": F(101, 100)}), Control("paid_2", {"paid": 2})),
    ),
    Claim(
        id=_SPENT,
        source=_source("what the path has spent is off the misfit"),
        says="Along that descent (1 - ${half:factor}c) times the integral of m up to s_t, plus ||r_t||, is at most ||r_0||, where m(s) is the least sigma_min(V_{A_0 minus R}) over R with ||g_R|| <= s, and s_t is the length of the path.",
        tex=r"(1-${half:factor}c)\int_0^{s_t}m\,ds+\|r_t\|\le\|r_0\|",
        refuted_by="a descent that has spent more",
        domain=_ANY,
        law=_LAW,
        hypotheses=(_SMALL_STEP,),
        constants={"half": Constant(F(1, 2), "down"), "step": Constant(2, "up")},
        needs=(_STEP, _PRICE),
        proofs=(spent_argument,),
        exact=ExactRoute(_SPENT_CASES, spent_sides),
        search=SearchRoute(
            spent_sides, no_neuron_is_on, within={**_WIDE, "c": Range(0.01, 2.1, False)}, effort=0.5
        ),
        controls=(
            Control("half_0.499", {"half": F(499, 1000)}),
            Control("half_0.4", {"half": F(4, 10)}),
            Control("step_2.02", {"step": F(202, 100)}),
            Control("any_step", {}, ("step",)),
        ),
    ),
    Claim(
        id="own.path_budget.convergence",
        source=_source("a convergence theorem for Theorem 4.1's descent from what V has left along the path"),
        says="Then the path of Theorem 4.1's descent stays shorter than L at every t, and a step leaves <r_+, r_+> at most 1 - eta($lead - c)mu^$power of <r, r>, mu the larger of m(L) and ${rate:factor}delta/L; m as in own.path_budget.spent.",
        tex=r"\int_0^Lm\,ds=\tfrac{\|r_0\|}{1-${half:factor}c}+\delta,\ c<$step\Rightarrow s_t<L,\ \langle r_+,r_+\rangle\le\big(1-\eta($lead-c)\max(m(L),${rate:factor}\delta/L)^{$power}\big)\langle r,r\rangle",
        refuted_by="a descent that meets the hypotheses whose path is longer, or a step that leaves more",
        domain=_ANY,
        law=_LAW,
        hypotheses=(_SMALL_STEP, _BUDGET),
        constants={
            "half": Constant(F(1, 2), "down"),
            "step": Constant(2, "up"),
            "lead": Constant(2, "up"),
            "rate": Constant(1, "up"),
            "power": Constant(2),
        },
        needs=(_SPENT, _STEP),
        proofs=(convergence_argument,),
        exact=ExactRoute(_CONVERGENCE_CASES, convergence_sides),
        search=SearchRoute(
            convergence_sides,
            within={**_SMALL, "c": Range(0.05, 2.2, False, True), "pull": _PULLS, "reach": _REACH},
            effort=0.5,
        ),
        controls=(
            Control("half_0.4975", {"half": F(4975, 10000)}),
            Control("half_0.4", {"half": F(4, 10)}),
            Control("step_2.02", {"step": F(202, 100)}),
            Control("lead_2.01", {"lead": F(201, 100)}),
            Control("rate_1.01", {"rate": F(101, 100)}),
            Control("rate_2", {"rate": 2}),
            Control("power_2.02", {"power": F(202, 100)}),
            Control("power_1.98", {"power": F(198, 100)}),
            Control("any_budget", {}, ("budget",)),
            Control("any_step", {}, ("step",)),
        ),
    ),
    Claim(
        id="own.path_budget.flow",
        source=_source("the same for gradient flow"),
        says="Then along the gradient flow dh/dt = -a the path stays shorter than L, and <r, r> is at most e^{-${twice:factor}mu^$power t}<r_0, r_0> at time t, mu the larger of m(L) and ${rate:factor}delta/L; m as in own.path_budget.spent.",
        tex=r"\int_0^Lm\,ds=${start:factor}\|r_0\|+\delta\Rightarrow s<L,\ \langle r,r\rangle\le e^{-${twice:factor}\max(m(L),${rate:factor}\delta/L)^{$power}t}\langle r_0,r_0\rangle",
        refuted_by="a flow that meets the hypothesis whose path is longer, or that is slower",
        domain=_ANY,
        law=_LAW,
        hypotheses=(_FLOW_BUDGET,),
        constants={
            "start": Constant(1, "down"),
            "twice": Constant(2, "up"),
            "rate": Constant(1, "up"),
            "power": Constant(2),
        },
        needs=(_PRICE, _REDUCTION, _OFF),
        proofs=(argument_of_the_flow,),
        exact=ExactRoute(_FLOW_CASES, flow_sides),
        search=SearchRoute(
            flow_sides, within={**_SMALL, "n": Range(1, 1), "pull": _PULLS, "reach": _REACH}, effort=0.5
        ),
        controls=(
            Control("start_0.99", {"start": F(99, 100)}),
            Control("start_0.5", {"start": F(1, 2)}),
            Control("twice_2.01", {"twice": F(201, 100)}),
            Control("rate_1.01", {"rate": F(101, 100)}),
            Control("power_2.02", {"power": F(202, 100)}),
            Control("power_1.98", {"power": F(198, 100)}),
            Control("any_budget", {}, ("budget",)),
        ),
    ),
    Claim(
        id="own.path_budget.dual",
        source=_source("what the cheapest cut leaves, from below"),
        says="For all x and g and every R with ||g_R|| <= s, what x has outside R, <x, x> less <x_R, x_R>, is at least the sum over all l of min(|x_l|^$power, lambda|g_l|^$power), less ${charge:factor}lambda s^$power.",
        tex=r"\min_{\|g_R\|\le s}\big(\langle x,x\rangle-\langle x_R,x_R\rangle\big)\ge\sum_l\min(|x_l|^{$power},\lambda|g_l|^{$power})-${charge:factor}\lambda s^{$power}",
        refuted_by="x, g and s where a cut leaves less",
        domain={"d": Range(1, 10**9)},
        law={"x": Draw("gaussian", ("d",)), "g": Draw("gaussian", ("d",))},
        hypotheses=(_SIGN,),
        constants={"power": Constant(2), "charge": Constant(1, "down")},
        proofs=(weak_duality,),
        exact=ExactRoute(_CUTS, duality_sides),
        search=SearchRoute(
            duality_sides,
            within={"d": Range(1, 12), "s": Range(0.01, 10, False, True), "multiplier": Range(-1, 5, False)},
        ),
        controls=(
            Control("charge_0.99", {"charge": F(99, 100)}),
            Control("charge_0.5", {"charge": F(1, 2)}),
            Control("power_2.02", {"power": F(202, 100)}),
            Control("power_1.98", {"power": F(198, 100)}),
            Control("any_sign", {}, ("sign",)),
        ),
    ),
)  # fmt: skip
