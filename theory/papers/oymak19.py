"""Steps of the proof of the meta-theorem (Oymak and Soltanolkotabi 2019, quoted as CS-DIP's Theorem B.5).

The original text is not at hand; the steps are re-derived, for all (a_1, a_2) at once, from the theorem as CS-DIP states
it. Rate: for unit r and u let g, h = (r +- u)/2, G, H = J_0^T g, J_0^T h, e = (J - J_0)^T r, f = (J_bar - J_0)^T u; then
<u, r> - eta <J_bar^T u, J^T r> = 1 - 2|h|^2 - eta(|P|^2 - |Q|^2) with P + Q = J^T r, P - Q = J_bar^T u, and
2|h|^2 >= 2 eta |H|^2 by A3 at theta_0 alone. The largest such value over u is ||r_+||.
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import cache
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
from untrained.theory.proof.algebra import exact_number, reduced

AVERAGE, STEP_RATE, STEP_PATH, INSIDE = (
    f"oymak19.{name}" for name in ("averaged_jacobian", "step.rate", "step.path", "stays_inside")
)
_ROUNDING = 1e-12


def _source(name: str) -> Source:
    reading = "re-derived; only CS-DIP's statement of the theorem was read"
    return Source("oymak19", f"proof of the meta-theorem, {name}", "", None, reading)


# ReLU networks change along a segment by the average of their Jacobian.


def relu_along_a_segment(p: Premises) -> Symbolic:
    """phi(h + delta) - phi(h) = delta * (share of the segment where phi' = 1), in all four sign patterns."""
    q, s = sp.symbols("q s", positive=True)
    ends = {"++": (q, s), "--": (-q, -s), "+-": (q, -s), "-+": (-q, s)}
    average = {"++": sp.Integer(1), "--": sp.Integer(0), "+-": q / (q + s), "-+": s / (q + s)}
    starting = {signs: sp.Integer(signs[0] == "+") for signs in ends}
    e = exact_number(p["endpoint"])
    share = {signs: (1 - e) * average[signs] + e * starting[signs] for signs in ends}
    return reduced(
        "f(theta_+) - f(theta) is a sum over neurons, each linear in its own weights: ReLU changes by its displacement "
        "times the share of the segment on which it is active, and J_bar holds that share in place of phi'.",
        [
            (f"signs {signs}", sp.Max(after, 0) - sp.Max(before, 0) - share[signs] * (after - before))
            for signs, (before, after) in ends.items()
        ],
    )


_AVERAGE = Claim(
    id=AVERAGE,
    source=_source("averaged_jacobian"),
    says="Over a step ReLU networks obey f(theta_+) - f(theta) = J_bar (theta_+ - theta), J_bar the average Jacobian on the segment, moved towards J(theta) by a share of $endpoint.",
    tex=r"f(\theta_+)-f(\theta)=\bar J(\theta_+-\theta),\ \bar J=(1-$endpoint)\textstyle\int J+$endpoint\,J(\theta)",
    refuted_by="a sign pattern in which the change of ReLU differs",
    constants={"endpoint": Constant(0)},
    proofs=(relu_along_a_segment,),
    controls=(Control("endpoint", {"endpoint": 1}), Control("a_hundredth", {"endpoint": F(1, 100)})),
    version=2,
)


# One step inside the ball.


def matrices(case: Case) -> tuple[Array, Array, Array]:
    """J_0, J and J_bar of a case, each (n, p); those of an exact case are numbers."""
    if "tens" in case:
        return tuple(np.array([[float(_exact(case, name))]]) for name in ("start", "now", "now"))  # type: ignore[return-value]
    J = case["J0"][0]
    return J, J + case["bend"] * _unit(case["E"][0]), J + case["bend"] * _unit(case["F"][0])


def _exact(case: Case, name: str) -> F:
    """A number of an exact case, in units of 10^tens."""
    return F(10) ** case["tens"] * F(case[name]).limit_denominator(10**7)


def _unit(M: Array) -> Array:
    return np.asarray(M / np.linalg.norm(M, 2))


def _numbers(case: Case) -> tuple[Any, Any, Any]:
    """a_1, a_2 and beta of a case: as they stand, or in units of what the drawn matrices have."""
    if "tens" in case:
        return _exact(case, "a_1"), _exact(case, "a_2"), _exact(case, "beta")
    values = np.linalg.svd(case["J0"][0], compute_uv=False)
    return case["low"] * values[-1], case["wide"] * case["bend"], case["stiff"] * values[0]


def start_is_conditioned(case: Case, c: Constants) -> bool:
    """A1: sigma_min(J_0) >= a_1 alpha, alpha = 1."""
    values = np.linalg.svd(matrices(case)[0], compute_uv=False)
    return bool(values[-1] >= float(_numbers(case)[0]) * (1 - _ROUNDING))


def start_is_near(case: Case, c: Constants) -> bool:
    """A2: J and J_bar lie within a_2 alpha of J_0."""
    J0, *others = matrices(case)
    allowed = float(_numbers(case)[1]) + _ROUNDING * np.linalg.norm(J0, 2)
    return all(bool(np.linalg.norm(J - J0, 2) <= allowed) for J in others)


def start_is_bounded(case: Case, c: Constants) -> bool:
    """A3 at theta_0: ||J_0|| <= beta."""
    return bool(np.linalg.norm(matrices(case)[0], 2) <= float(_numbers(case)[2]) * (1 + _ROUNDING))


STEP_HYPOTHESES = (
    Hypothesis("A1", "A1: sigma_min(J_0) >= a_1 alpha", start_is_conditioned),
    Hypothesis("A2", "A2: J and J_bar lie within a_2 alpha of J_0", start_is_near),
    Hypothesis("A3", "A3 at theta_0: ||J_0|| <= beta", start_is_bounded),
)


@cache
def polarised_identities() -> tuple[tuple[str, sp.Expr], ...]:
    """The identities of quadratic forms in G, H, s = (e + f)/2 and t = (f - e)/2 behind the rate.

    They are checked in real numbers; inner products are bilinear and symmetric, so they hold in any dimension.
    """
    G, H, s, t = sp.symbols("G H s t", real=True)
    e, f, P, Q = s - t, s + t, G + s, H - t
    identities = [
        ("<J^T r, J_bar^T u> = |P|^2 - |Q|^2", (G + H + e) * (G - H + f) - (P**2 - Q**2)),
        ("|s|^2 + |t|^2 <= a_2^2", s**2 + t**2 - (e**2 + f**2) / 2),
        ("2|H|^2 added", P**2 - Q**2 + 2 * H**2 - (G**2 + H**2 + 2 * (G * s + H * t) + s**2 - t**2)),
    ]
    return tuple((name, sp.expand(rest)) for name, rest in identities)


def misfit_falls(p: Premises) -> Symbolic:
    """1 - ||r_+|| >= eta (N^2 - 2 N a_2 - a_2^2), N^2 = |G|^2 + |H|^2 >= a_1^2, coefficient by coefficient."""
    N, a_2 = sp.symbols("N a_2", positive=True)
    least = sp.Poly(N**2 - 2 * N * a_2 - a_2**2, N, a_2)
    square, cross, last = (least.coeff_monomial(m) for m in (N**2, N * a_2, a_2**2))
    return reduced(
        "What is linear in (s, t) is at least -2 N a_2, what is quadratic at least -a_2^2; by A1 N >= a_1, from where "
        "the bound grows as a_1 >= a_2.",
        [
            *polarised_identities(),
            ("eta beta^2 <= 1", _step_allowed(p)),
            ("degree two in alpha", exact_number(p["power"]) - 2),
            ("a_1^2", exact_number(p["square"]) <= square * int(p.given("A1"))),
            ("a_1 a_2", -exact_number(p["cross"]) <= cross),
            ("a_2^2", -exact_number(p["last"]) <= last),
            ("grows in N", _largest_ratio(p) <= 1),
        ],
        sufficient=True,
    )


# The path: ||r_+|| <= ||r - eta J_0 a|| + eta a_2 |a|, a = J^T r; a_1 = 1, x = a_2, y = eta in (0, 1], ||r|| = 1.

_X, _Y = sp.symbols("x y", positive=True)
PULL = (1 - _X) / (1 + _X)
"""path + a_2 for the path that is claimed: ||r - eta J_0 a|| <= 1 - PULL eta |a|."""
SPLIT = 1 - _X - 3 * _X**2
"""The y at which the multipliers change."""
MULTIPLIERS = ((2 / (1 + _X), (1 - _X) / (1 + _X) ** 2), (1 + 1 / (5 * _X), 1 / (1 + 5 * _X)))
"""(m, gamma) for y above and below: of |a - J_0^T r|^2 <= a_2^2 and of 2 PULL |a| <= gamma |a|^2 + PULL^2/gamma."""


def form_of_a_singular_value(m: Any, gamma: Any, w: Any, y: Any) -> tuple[Any, Any, Any]:
    """Coefficients of r_i^2, a_i^2 and the determinant, in the component of a singular value, w its square."""
    spent = m * _X**2 + PULL**2 / gamma
    of_r, of_a = m * w - spent, PULL**2 * y - gamma + m - y * w
    return of_r, of_a, of_r * of_a - (m - 1) ** 2 * w


@cache
def path_conditions(lowest: int) -> tuple[tuple[str, sp.Expr], ...]:
    """What must be >= 0 for every x: both determinants, at the ends w = a_1^2 and 1/eta, at the ends of y."""
    conditions = []
    for (m, gamma), ends in zip(MULTIPLIERS, ((sp.Integer(1), SPLIT), (SPLIT, sp.Integer(0))), strict=True):
        for y in ends:
            of_r, _, first = form_of_a_singular_value(m, gamma, sp.Integer(lowest), y)
            of_a, spent = PULL**2 * y - gamma + m - 1, m * lowest - of_r
            second = (m - y * spent) * of_a - (m - 1) ** 2  # y times the determinant at w = 1/y
            conditions += [("r", of_r), ("a", of_a), ("w = a_1^2", first), ("w = 1/eta", second)]
    return tuple((f"{name} at x", sp.factor(sp.together(rest))) for name, rest in conditions)


def never_negative(expression: sp.Expr, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether a rational function of x vanishes identically or is positive on an interval (Sturm's count of roots)."""
    above, below = sp.fraction(expression)
    f = sp.Poly(above * below, _X)
    return bool(f.is_zero or (f.count_roots(low, high) == 0 and f.eval((low + high) / 2) > 0))


@cache
def path_identities() -> tuple[tuple[str, sp.Expr], ...]:
    """How the square of ||r - eta J_0 a|| <= 1 - PULL eta |a| splits, and that its ends decide."""
    psi, a, m, g, w, y, c = sp.symbols("psi a m g w y c", positive=True)
    left = 2 * psi * a - y * w * a**2 + (c**2 * y - g) * a**2 + m * (a - psi) ** 2
    split = m * psi**2 + (c**2 * y - g + m - y * w) * a**2 - 2 * (m - 1) * psi * a
    m_1, gamma_1 = MULTIPLIERS[0]
    det = form_of_a_singular_value(m, g, w, y)[2]
    second = sp.expand(y * det.subs(w, 1 / y))
    return (
        ("split by singular values", sp.expand(left - split)),
        ("concave in w", sp.diff(det, w, 2) + 2 * m * y),
        ("linear in y at w = 1", sp.diff(det.subs(w, 1), y, 2)),
        ("concave in y at w = 1/y", sp.simplify(sp.diff(second, y, 2) + 2 * PULL**2 * (m * _X**2 + PULL**2 / g))),
        ("PULL eta |a| <= 1, as |a| <= beta + a_2", sp.simplify(PULL * (1 + _X) - (1 - _X))),
        ("PULL = path + a_2", sp.simplify(PULL - _X - (1 - 2 * _X - _X**2) / (1 + _X))),
        ("attained at y = 1", sp.simplify(form_of_a_singular_value(m_1, gamma_1, sp.Integer(1), sp.Integer(1))[2])),
    )


def misfit_pays_for_length(p: Premises) -> Symbolic:
    """1 - ||r_+|| >= path eta |a| with path = (a_1^2 - 2 a_1 a_2 - a_2^2)/(a_1 + a_2)."""
    low, high = exact_number(p["least_ratio"]), _largest_ratio(p)
    bounded = 0 < low <= high < 1
    conditions = path_conditions(int(p.given("A1")))
    return reduced(
        "Squared, ||r - eta J_0 a|| <= 1 - PULL eta |a| is a sum of forms in (r_i, a_i) over the singular values of J_0, "
        "once |a| and |a - J_0^T r| <= a_2 are taken in with their multipliers. A form is not negative where both "
        "coefficients and the determinant are not; the determinant is concave in w, between a_1^2 and beta^2 <= 1/eta, "
        "and at both ends concave in y, so that four values decide, each a rational function of x = a_2/a_1.",
        [
            *path_identities(),
            ("eta beta^2 <= 1", _step_allowed(p)),
            ("degree two", exact_number(p["power"]) - 2),
            ("a_1^2", exact_number(p["square"]) <= 1),
            ("a_1 a_2", exact_number(p["cross"]) >= 2),
            ("a_2^2", exact_number(p["last"]) >= 1),
            ("0 < x < 1", bool(bounded)),
            *((name, bounded and never_negative(f, low, high)) for name, f in conditions),
        ],
        sufficient=True,
    )


def _largest_ratio(p: Premises) -> sp.Expr:
    """The largest a_2/a_1, infinite where nothing bounds it."""
    return exact_number(p["largest_ratio"]) if p.given("A2") and p.given("ratio") else sp.oo


def _step_allowed(p: Premises) -> bool:
    return p.given("A3") and p["step_power"] == 2 and p["step"] <= 1


def _power(base: Any, exponent: Any) -> Any:
    return base ** int(exponent) if exponent == int(exponent) else float(base) ** float(exponent)


def _eta(beta: Any, c: Constants) -> Any:
    return c["step"] / _power(beta, c["step_power"])


def _form(a_1: Any, a_2: Any, c: Constants) -> Any:
    squares = c["square"] * _power(a_1, c["power"]) - c["last"] * _power(a_2, c["power"])
    return squares - c["cross"] * a_1 * a_2


def step_case(case: Case, c: Constants) -> tuple[Any, Any, Any, Any]:
    """eta, ||r_+||/||r||, ||J^T r||/||r|| and the form in a_1, a_2 of a case; alpha = 1."""
    a_1, a_2, beta = _numbers(case)
    eta, form = _eta(beta, c), _form(a_1, a_2, c)
    if "tens" in case:
        now = _exact(case, "now")
        return eta, abs(1 - eta * now**2), now, form
    _, J, mean = matrices(case)
    r = case["r"][0]
    pull = J.T @ r
    return eta, float(np.linalg.norm(r - eta * mean @ pull)), float(np.linalg.norm(pull)), form


def step_shrinks(case: Case, c: Constants) -> Sides:
    """||r_+||/||r|| against 1 - rate eta."""
    eta, after, _, rate = step_case(case, c)
    return Sides(after, 1 - eta * rate + _slack(case), unit=1)


def step_pays(case: Case, c: Constants) -> Sides:
    """path eta ||J^T r|| against ||r|| - ||r_+||, ||r|| = 1."""
    eta, after, pull, form = step_case(case, c)
    a_1, a_2, _ = _numbers(case)
    return Sides(form / (a_1 + a_2) * eta * pull, 1 - after + _slack(case), unit=1)


def _slack(case: Case) -> Any:
    return 0 if "tens" in case else _ROUNDING


def scalar_steps(c: Constants) -> tuple[Case, ...]:
    """One output, one weight, a_1 = 10^tens: J_0 = beta, J = J_bar at either end; then each premise missed."""
    largest = float(c["largest_ratio"])
    ratios = (0, 1 / 20, float(c.get("least_ratio", 0)), 1 / 6, 1 / 4, largest)
    cases = [_scalar(x, side * x) for x in ratios for side in (1, -1)]
    cases += [_scalar(1 / 6, 1 / 6, tens=tens) for tens in (50, -50)]
    cases.append(_scalar(largest, largest, start=max(1, largest)))
    missed = (_scalar(1 / 6, 0, start=1 / 100, beta=1), _scalar(1 / 6, 1), _scalar(1 / 6, 0, beta=1 / 10))
    return (*cases, *missed)


def _scalar(a_2: float, moved: float, start: float = 1, beta: float | None = None, tens: int = 0) -> Case:
    at = {"start": start, "now": start + moved, "beta": start if beta is None else beta}
    return {"a_1": 1, "a_2": a_2, **at, "tens": tens}


_LAW = {
    "J0": Draw("gaussian", ("n", "p")),
    "E": Draw("gaussian", ("n", "p")),
    "F": Draw("gaussian", ("n", "p")),
    "r": Draw("direction", ("n",)),
}
_WITHIN = {
    "n": Range(1, 4),
    "p": Range(4, 8),
    "bend": Range(0.01, 0.3, False),
    "low": Range(0.5, 1.1, False),
    "wide": Range(0.9, 2, False),
    "stiff": Range(0.9, 2, False),
}


def within_ratio(case: Case, c: Constants) -> bool:
    """least_ratio a_1 <= a_2 <= largest_ratio a_1."""
    a_1, a_2, _ = _numbers(case)
    return bool(c.get("least_ratio", 0) * a_1 <= a_2 <= c["largest_ratio"] * a_1)


_BELOW = Hypothesis("ratio", "a_2 <= ${largest_ratio:factor}a_1", within_ratio)
_BETWEEN = Hypothesis("ratio", "${least_ratio:factor}a_1 <= a_2 <= ${largest_ratio:factor}a_1", within_ratio)


def _step(
    claim_id: str, words: tuple[str, str], proof: Any, sides: Any, ratio: tuple[Hypothesis, dict[str, Constant]]
) -> Claim:
    return Claim(
        id=claim_id,
        source=_source(claim_id.removeprefix("oymak19.")),
        says="One step theta_+ = theta - eta J^T r with eta <= $step/beta^$step_power, along which f changes by J_bar (theta_+ - theta), "
        + words[0],
        tex=r"\eta\le $step/\beta^{$step_power}\Rightarrow" + words[1],
        refuted_by="matrices J_0, J, J_bar that meet A1 to A3, and r, for which the inequality fails",
        domain={"n": Range(1, 10**60), "p": Range(1, 10**60)},
        law=_LAW,
        hypotheses=(*STEP_HYPOTHESES, ratio[0]),
        constants={
            "square": Constant(1, "up"),
            "cross": Constant(2, "down"),
            "last": Constant(1, "down"),
            "power": Constant(2),
            **ratio[1],
            "step": Constant(1, "up"),
            "step_power": Constant(2),
        },
        proofs=(proof,),
        exact=ExactRoute(scalar_steps, sides),
        search=SearchRoute(sides, within=_WITHIN),
        controls=(
            Control("square_1.01", {"square": F(101, 100)}),
            Control("cross_1.98", {"cross": F(198, 100)}),
            Control("step_1.01", {"step": F(101, 100)}),
            *(Control(f"no_{name}", {}, (name,)) for name in ("A1", "A2", "A3")),
        ),
        version=2,
    )


_STEPS = (
    _step(
        STEP_RATE,
        (
            "has ||r_+|| <= (1 - rate eta alpha^$power)||r||, rate = ${square:factor}a_1^$power - ${cross:factor}a_1 a_2 - ${last:factor}a_2^$power.",
            r"\|r_+\|\le(1-(${square:factor}a_1^{$power}-${cross:factor}a_1a_2-${last:factor}a_2^{$power})\eta\alpha^{$power})\|r\|",
        ),
        misfit_falls,
        step_shrinks,
        (_BELOW, {"largest_ratio": Constant(1, "up")}),
    ),
    _step(
        STEP_PATH,
        (
            "has ||r|| - ||r_+|| >= path alpha ||theta_+ - theta||, path = (${square:factor}a_1^$power - ${cross:factor}a_1 a_2 - ${last:factor}a_2^$power)/(a_1 + a_2).",
            r"\|r\|-\|r_+\|\ge\frac{${square:factor}a_1^{$power}-${cross:factor}a_1a_2-${last:factor}a_2^{$power}}{a_1+a_2}\alpha\|\theta_+-\theta\|",
        ),
        misfit_pays_for_length,
        step_pays,
        (_BETWEEN, {"least_ratio": Constant(F(1, 10), "down"), "largest_ratio": Constant(F(2, 5), "up")}),
    ),
)


# The next iterate stays in the ball.


def one_step_more(p: Premises) -> Symbolic:
    """Path so far and one step, in units of ||r_0||/(path alpha): 1 - rho + path (1 + a_2/a_1)/a_1 rho <= radius."""
    rho, share = sp.symbols("rho share", nonnegative=True)
    longest, radius = 1 - rho + share * rho, exact_number(p["radius"])
    end = exact_number(p["step"]) if p.given("short") and p["step_power"] == 2 else sp.oo
    return reduced(
        "eta ||J^T r|| <= step (beta + a_2 alpha)||r||/beta^2, and beta >= ||J_0|| >= a_1 alpha; the sum is linear in "
        "rho = ||r||/||r_0|| and in path (a_1 + a_2)/a_1^2, so that the ends decide.",
        [
            ("linear in rho", sp.diff(longest, rho, 2)),
            ("at r = 0", radius >= longest.subs(rho, 0)),
            ("at r = r_0", radius >= longest.subs(rho, 1).subs(share, end)),
        ],
        sufficient=True,
    )


def path_is_short(case: Case, c: Constants) -> bool:
    """path (a_1 + a_2) <= a_1 a_1."""
    a_1, a_2, path = (_exact(case, name) for name in ("a_1", "a_2", "path"))
    return path * (a_1 + a_2) <= a_1**2


def length_with_one_step(case: Case, c: Constants) -> Sides:
    """Path so far and one step of the greatest length, beta = a_1, against radius/path; alpha = ||r_0|| = 1."""
    a_1, a_2, path = (_exact(case, name) for name in ("a_1", "a_2", "path"))
    rho = F(case["rho"])
    step = _eta(a_1, c) * (a_1 + a_2) * rho
    return Sides(((1 - rho) / path + step) * path, c["radius"], unit=1)


_LENGTHS = tuple(
    {"rho": rho, "a_1": 1, "a_2": 1 / 6, "path": path, "tens": tens}
    for tens in (0, 100, -100)
    for path in (6 / 7, 1 / 2, 12 / 7)
    for rho in (0, 1 / 2, 1)
)

_INSIDE = Claim(
    id=INSIDE,
    source=_source("stays_inside"),
    says="Where path alpha times the length so far is at most ||r_0|| - ||r||, one step more with eta <= $step/beta^$step_power ends within ${radius:factor}||r_0||/(path alpha) of theta_0.",
    tex=r"\alpha\,\mathrm{path}\sum_{t<\tau}\eta\|J_t^Tr_t\|\le\|r_0\|-\|r_\tau\|\Rightarrow\|\theta_\tau-\eta J_\tau^Tr_\tau-\theta_0\|\le ${radius:factor}\|r_0\|/(\alpha\,\mathrm{path})",
    refuted_by="a misfit between 0 and ||r_0|| at which path and step together exceed the radius",
    hypotheses=(Hypothesis("short", "path (a_1 + a_2) <= a_1 a_1", path_is_short),),
    constants={"radius": Constant(1, "down"), "step": Constant(1, "up"), "step_power": Constant(2)},
    proofs=(one_step_more,),
    exact=ExactRoute(_LENGTHS, length_with_one_step),
    controls=(
        Control("radius_0.99", {"radius": F(99, 100)}),
        Control("step_1.01", {"step": F(101, 100)}),
        Control("any_path", {}, ("short",)),
    ),
    version=2,
)

CLAIMS: tuple[Claim, ...] = (_AVERAGE, *_STEPS, _INSIDE)
