"""How wide is wide enough for a descent whose path pays for the neurons that it loses: the random half.

Given the margins g = h_0, what is left of sigma_min after any cut that costs s^2 is at least what Gordon's comparison
and the best multiplier lambda leave; margins, output, misfit, integral and ||V|| each fail with probability e^{-t^2/2}.
The deterministic half is `own.path_budget.convergence`; the bounds are evaluated in `theory.objects.path_budget`.
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import lru_cache

import numpy as np
import sympy as sp
from flint import arb, ctx
from scipy.special import bdtr
from scipy.stats import binom, chi2, ncx2

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws.misfit import misfit_exceeds
from untrained.theory.laws.suprema import chi_mean
from untrained.theory.laws.wishart import smallest_eigenvalue_below
from untrained.theory.objects import path_budget
from untrained.theory.objects.path_budget import PathBudget
from untrained.theory.papers.textbook.gaussian import GORDON, LIPSCHITZ, POINCARE
from untrained.theory.papers.textbook.tails import CHERNOFF, MASSART, binomial_at_most
from untrained.theory.papers.vanveen18.theorem_41 import LARGEST
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed, ends, fact

CONVERGENCE, DUAL = "own.path_budget.convergence", "own.path_budget.dual"
ANGLES, MARGINS, GORDON_LEFT = "own.path_budget.angles", "own.path_budget.margins", "own.path_budget.smallest"
OUTPUT, MISFIT = "own.path_budget.output", "own.path_budget.misfit"
_CONE, _REDUCTION = "own.descent.cone", "own.descent.reduction"
_HALF = F(1, 2)


def _source(label: str) -> Source:
    return Source("own", label)


# The cut at an angle: neurons with |x_l| > tan(psi) g_l go.


def angular_means(p: Premises) -> Symbolic:
    """Means over the angle of (g, x) from the g axis; E r^2 = 2, so the density of each is r^2 times 2/pi on a quarter."""
    u, psi = sp.symbols("u psi", positive=True)
    r = sp.Symbol("r", positive=True)
    square = sp.integrate(r**2 * r * sp.exp(-(r**2) / 2), (r, 0, sp.oo))
    quarter = square * 2 / sp.pi
    double, sine, circle = (exact_number(p[name]) for name in ("double", "sine", "circle"))
    left = (double * psi - sine * sp.sin(2 * psi)) / sp.pi
    paid = (circle * sp.pi - double * psi - sine * sp.sin(2 * psi)) / sp.pi
    return reduced(
        "x = r sin u, g = r cos u with u uniform; min(x^2, lambda g^2) is x^2 below the angle and lambda g^2 above.",
        [
            ("energy left", quarter * sp.integrate(sp.sin(u) ** 2, (u, 0, psi)) - left),
            ("price paid", quarter * sp.integrate(sp.cos(u) ** 2, (u, psi, sp.pi / 2)) - paid),
        ],
    )


# What all margins together leave, for every multiplier at once.


def margins_hold(p: Premises) -> Symbolic:
    """The layers of theta, which grows in g and has values in [0, 1], are upper tails of the law of the margins."""
    d, t = sp.symbols("d t", positive=True)
    massart = p.of(MASSART)
    eps = exact_number(p["loss"]) * t / sp.sqrt(d)
    rate = exact_number(massart["rate"]) * d * eps ** exact_number(massart["power"])
    return reduced(
        "theta_lambda(g) = E_x min(x^2, lambda g^2), 0 for g <= 0, is at most E x^2 = 1 and does not fall, so sum theta(g_l)/d "
        "is the integral over levels in [0, 1] of the share of margins above a point; each is at least its mean less eps.",
        [
            ("rate", rate - exact_number(p["rate"]) * t**2 >= 0),
            ("factor", exact_number(p["factor"]) >= exact_number(massart["factor"])),
            ("half of the margins are above 0", sp.Rational(1, 2) - exact_number(p["share"])),
        ],
        sufficient=True,
    )


def margins_on(case: Case, c: Constants) -> Sides:
    """lambda without end: theta is 1 for a neuron that is on. P(Bin(d, 1/2) < share d - loss t sqrt d) against the bound."""
    d, t = int(case["d"]), float(case["t"])
    level = float(c["share"]) * d - float(c["loss"]) * t * math.sqrt(d)
    below = float(bdtr(math.ceil(level) - 1, d, 0.5)) if level > 0 else 0.0
    return Sides(below, float(c["factor"]) * math.exp(-float(c["rate"]) * t**2))


# Gordon's comparison, the sets R being part of the outer index.


def restricted_increments(p: Premises) -> Symbolic:
    """X = <w, V^T u> + gamma against Y = <w, x> + <u, xi>, unit u in R^n, unit w supported on A_0 without R."""
    a, b = sp.symbols("a b", real=True)
    rows = exact_number(p["rows"])
    gap = 1 - a - b + a * b
    n = sp.Symbol("n", positive=True)
    return reduced(
        "With a = <u, u'> and b = <w, w'>, Cov(X, X') - Cov(Y, Y') = (1 + ab) - (a + b) = (1 - a)(1 - b) >= 0, and 0 where "
        "u = u', so also for one (u, R); gamma, one standard normal variable, drops out of the means, max over w is the "
        "norm over A_0 without R, and E ||xi|| <= sqrt n. The margins are given: R ranges over a family that they fix.",
        [
            ("covariances", (1 + a * b) - (a + b) - (1 - a) * (1 - b)),
            ("the same u", gap.subs(a, 1)),
            ("variances", (1 + a * b - a - b).subs({a: 1, b: 1})),
            ("Gordon's factor", exact_number(p.of(GORDON)["factor"]) - 1),
            ("E <xi, xi> = n", rows**2 * n - n >= 0),
        ],
        sufficient=True,
    )


def square_of_normals(case: Case, c: Constants) -> Sides:
    """No cut, n columns: E ||x|| - rows sqrt n against E sigma_min of the square matrix, from its exact law."""
    n = int(case["n"])
    return Sides(float(chi_mean(n)) - float(c["rows"]) * math.sqrt(n), _smallest_mean(n), unit=1)


@lru_cache(maxsize=16)
def _smallest_mean(n: int) -> float:
    """E sigma_min of a square of standard normal entries; sqrt(n) sigma_min is above 8 once in 1e14 draws."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    level = 4 * (nodes + 1)
    above = [1 - float(smallest_eigenvalue_below(n, n, float(x) ** 2 / n)) for x in level]
    return float(4 * (weights * np.array(above)).sum() / math.sqrt(n))


# Chernoff bounds of the output's energy and of the misfit.


def output_transform(p: Premises) -> Symbolic:
    """E e^{theta phi(g)^2} of a standard normal g."""
    g, m, theta = sp.symbols("g m theta", positive=True)
    share = exact_number(p["share"])
    on = sp.integrate(sp.exp(-(g**2) / (2 * m**2)) / sp.sqrt(2 * sp.pi), (g, 0, sp.oo))
    return reduced(
        "m = (1 - 2 theta)^{-1/2}; a neuron is off half the time, and the d neurons are independent.",
        [
            ("one neuron", sp.Rational(1, 2) + on - (1 - share + share * m)),
            ("m", 1 - 2 * theta - (1 - theta / exact_number(p["end"]))),
            ("Markov", exact_number(p["factor"]) >= exact_number(p.of(CHERNOFF)["factor"])),
        ],
        sufficient=True,
    )


def output_above(case: Case, c: Constants) -> Sides:
    """P(sum phi(g_l)^2 > q d), binomially many squares, against the bound at theta."""
    d, q, theta = int(case["d"]), float(case["q"]), float(case["theta"])
    count = np.arange(1, d + 1)
    exact = float((binom.pmf(count, d, 0.5) * chi2.sf(q * d, count)).sum())
    share = float(c["share"])
    mean = 1 - share + share / math.sqrt(1 - theta / float(c["end"]))
    return Sides(exact, float(c["factor"]) * math.exp(-theta * q * d) * mean**d)


def misfit_transform(p: Premises) -> Symbolic:
    """E e^{theta (x - a)^2} of a standard normal x, with theta in units of 1/sigma^2."""
    x, a = sp.symbols("x a", real=True)
    theta = sp.Symbol("theta", positive=True)
    rest = sp.Symbol("rest", positive=True)
    centre = 2 * theta * a / rest
    completed = -rest * (x + centre) ** 2 / 2 + theta * a**2 / rest
    exponent = (theta * (x - a) ** 2 - x**2 / 2 - completed).subs(rest, 1 - theta / exact_number(p["end"]))
    mean = sp.integrate(sp.exp(-rest * x**2 / 2) / sp.sqrt(2 * sp.pi), (x, -sp.oo, sp.oo))
    return reduced(
        "The exponent is a square and a constant; n coordinates, the squares of whose a add up to ||y||^2/sigma^2; the bound "
        "grows in sigma at fixed theta/sigma^2.",
        [
            ("completed square", sp.simplify(exponent)),
            ("what is left", mean - rest ** (-exact_number(p["power"]))),
            ("Markov", exact_number(p["factor"]) >= exact_number(p.of(CHERNOFF)["factor"])),
        ],
        sufficient=True,
    )


def misfit_above(case: Case, c: Constants) -> Sides:
    """P(||sigma xi - y||^2 > rho dn), a noncentral chi-square, against the bound at theta; sigma^2 = q d."""
    n, q, rho, theta = int(case["n"]), float(case["q"]), float(case["rho"]), float(case["theta"])
    exact = float(ncx2.sf(rho * n / q, n, n / q))
    rest = 1 - theta / float(c["end"])
    log_bound = n * (-theta * rho / q - float(c["power"]) * math.log(rest) + theta / (q * rest))
    return Sides(exact, float(c["factor"]) * math.exp(log_bound))


# The argument as a whole.


def _events(p: Premises) -> int:
    """Margins, output, misfit and integral; for descent ||V|| too, which bounds the step."""
    return 5 if _step(p) else 4


def _step(p: Premises) -> F:
    """The step in units of the proof's; 0 for gradient flow."""
    return F(p.constants.get("step", 0))


def _event_rate(p: Premises) -> F:
    """A rate so that each event fails with e^{-rate rows} or less, where the failure is of a stated size."""
    if "failure_rate" in p.constants:
        return F(p["failure_rate"])
    exponent = math.log(_events(p) / p["failure"]) / p["rows"]
    return F(math.ceil(exponent * _FINE) + 1, _FINE)


_FINE = 10**9


def _path(p: Premises) -> PathBudget:
    return PathBudget(F(p["aspect"]) if p.given("width") else F(_NARROW), _event_rate(p), F(1, p["rows"]))


_NARROW = 1
"""A width where none is asked for."""


def _failure(p: Premises, rows: int) -> arb:
    """What the statement grants to fail."""
    if "failure_rate" in p.constants:
        return ball(p["failure_factor"]) * (-ball(p["failure_rate"]) * rows).exp()
    return ball(p["failure"])


def _inherited(p: Premises) -> list[arb]:
    """That the records needed say what `path_budget` computes with."""
    margins, output, misfit = p.of(MARGINS), p.of(OUTPUT), p.of(MISFIT)
    lipschitz, convergence = p.of(LIPSCHITZ), p.of(CONVERGENCE)
    return [
        fact(margins["loss"] <= _HALF and margins["rate"] >= _HALF and margins["factor"] <= 1),
        fact(margins["share"] == _HALF and output["share"] == _HALF and misfit["power"] == _HALF),
        fact(output["factor"] <= 1 and misfit["factor"] <= 1),
        fact(p.of(GORDON_LEFT)["rows"] <= 1 and p.of(POINCARE)["factor"] <= 1),
        fact(lipschitz["factor"] <= 1 and lipschitz["rate"] >= _HALF and lipschitz["power"] == 2),
        fact(convergence["half"] <= _HALF and p.of(DUAL)["charge"] <= 1),
        fact(p.of(ANGLES)["double"] == 2 and p.of(ANGLES)["sine"] == 1 and p.of(ANGLES)["circle"] == 1),
    ]


def _union(p: Premises, path: PathBudget) -> list[arb]:
    """That the events together fail no more often than is granted."""
    if "failure_rate" in p.constants:
        return [ball(p["failure_factor"] - _events(p))]
    return [ball(p["failure"]) - _events(p) * (-ball(path.rate) * p["rows"]).exp()]


def surplus_decides(p: Premises) -> Enclosed:
    """The integral has more than is needed, and the surplus gives the rate and the length, at d = aspect n."""
    path, step = _path(p), _step(p)
    with ctx.workprec(path_budget.WORKING_BITS):
        left = path_budget.surplus(path, step)
        smallest, speed = left.smallest.max(arb(0)), arb(1)
        margins = [left.surplus, ball(p["length"]) - left.length, *_inherited(p), *_union(p, path)]
        if step:
            speed = ball(step) * (2 - ball(step)) / 2
            margins += [ball(p["deviation"]) - 1 - path.deviation, *_norm_bounded(p)]
        reduction = p.of(_REDUCTION)
        margins.append(fact(reduction["drift"] == 1 and reduction["z_power"] == 2))
        margins += [speed * smallest**2 * ball(p["rate_divisor"]) - 1, ball(p["misfit"]) - left.misfit]
        margins.append(fact(p["power"] == 2))
        return enclosed(
            {"surplus": left.surplus, "length": left.length, "smallest": left.smallest, "misfit": left.misfit},
            margins,
            "All that is left grows, and all that is needed falls, in d/n, n and with a lower rate: the ends decide.",
            sufficient=True,
        )


def _norm_bounded(p: Premises) -> list[arb]:
    largest = p.of(LARGEST)
    return [
        fact(largest["columns"] <= 1 and largest["rows"] <= 1),
        fact(largest["factor"] <= 1 and largest["rate"] >= _HALF and largest["power"] == 2),
    ]


def too_narrow(p: Premises) -> Enclosed:
    """Whether at some admitted n and d a random signal is outside the cone of the columns on more often than is granted."""
    cone, path = p.of(_CONE), _path(p)
    with ctx.workprec(path_budget.WORKING_BITS):
        sizes = [(rows, math.ceil(path.aspect * rows)) for rows in (1, 10, *_MANY_ROWS) if rows >= p["rows"]]
        room = [_failure(p, n) - binomial_at_most(n - 1, d, F(cone["share"])) for n, d in sizes]
        room += [_failure(p, n) - 1 + _misfit_below(n, d, F(p["misfit"])) for n, d in sizes]
    least = min(room, key=lambda m: float(m.mid()))
    return Enclosed({"room": least.str(5)}, ends(least), "One n and d decide against it; none decides for it.", False)


def _misfit_below(n: int, d: int, most: F) -> arb:
    """How often ||r_0|| <= most ||y||, at most: ||r_0||^2/||y||^2 has the mean 3/2 and a variance of so much (Chebyshev)."""
    gap = F(3, 2) - most**2
    if gap <= 0:
        return arb(1)
    return ball(min(F(1), ((F(5, 2) + F(5, 2 * d)) / n + F(5, 4 * d)) / gap**2))


def start_above(case: Case, c: Constants) -> Sides:
    """P(||r_0|| > misfit ||y||) by its exact law, against what may fail."""
    n, d = int(case["n"]), int(case["d"])
    if "failure_rate" in c:
        allowed = float(c["failure_factor"]) * math.exp(-float(c["failure_rate"]) * n)
    else:
        allowed = float(c["failure"])
    return Sides(misfit_exceeds(n, d, float(c["misfit"])), allowed, unit=1)


def _starts(c: Constants) -> tuple[Case, ...]:
    return tuple({"n": n, "d": math.ceil(c["aspect"] * n)} for n in (4, 10, 16) if n >= c["rows"])


_MANY_ROWS = (100, 10**4, 10**7)


_LIMIT_RATE = F(1, 2 * 10**6)


def least_width_to_digits(p: Premises) -> Enclosed:
    """The argument serves half a unit of the last digit above, and whatever multipliers it takes, not so much below."""
    least, rate, step = F(p["least"]), F(p["failure_rate"]), _step(p)
    unit = F(10) ** (math.floor(math.log10(least)) + 1 - int(p["digits"]))
    above, below = (PathBudget(least + side * unit / 2, rate, F(1, p["rows"])) for side in (1, -1))
    with ctx.workprec(path_budget.WORKING_BITS):
        serves, rest = path_budget.surplus(above, step).surplus, path_budget.surplus_at_most(below, step)
        return enclosed(
            {"surplus above": serves, "surplus below": rest},
            [serves, -rest, *_inherited(p)],
            "What is left less what is needed grows in d/n; its sign is certain on both sides.",
        )


def _least(name: str, least: F, step: F, rows: int, rate: F, digit: F) -> Claim:
    """The least width for descent, or flow; `digit` is one of the last."""
    of = "with $step times the step of Theorem 4.1's proof" if step else "for gradient flow"
    return Claim(
        id=f"own.sharper.least.{name}",
        source=_source("the least width that the argument serves"),
        says=f"Where each event may fail with e^{{-$failure_rate n}}, the argument of own.sharper.descent serves {of} every n >= $rows and d >= C n, and no smaller C, for C = $least to $digits digits.",
        tex=r"C_{\min}=$least",
        refuted_by="an enclosure of the least width that leaves out these digits",
        constants={
            "least": Constant(float(least)),
            "digits": Constant(4, "up", whole=True),
            "rows": Constant(rows),
            "failure_rate": Constant(rate),
            **({"step": Constant(step)} if step else {}),
        },
        reads=(ANGLES, MARGINS, GORDON_LEFT, OUTPUT, MISFIT, CONVERGENCE, DUAL, LIPSCHITZ, POINCARE),
        proofs=(least_width_to_digits,),
        controls=(Control("last_digit", {"least": float(least + digit)}), Control("six_digits", {"digits": 6})),
    )


WIDTH_GIVEN = Hypothesis("width", "d >= $aspect n", lambda case, c: case["d"] >= c["aspect"] * case["n"])
_PROBABLY = "with probability at least 1 - ${failure_factor:factor}e^{-${failure_rate:factor}n}"
_SURELY = "with probability at least 1 - $failure"
_STAYS = "phi(Wz) stays within ${length:factor}sqrt d ||z|| of where it starts"
_DESCENT_NEEDS = (
    *(CONVERGENCE, DUAL, ANGLES, MARGINS, GORDON_LEFT, OUTPUT, MISFIT, _REDUCTION, LIPSCHITZ, POINCARE, LARGEST),
    _CONE,
)


def _theorem(name: str, label: str, aspect: F, step: F, promises: Constants, failure: Constants) -> Claim:
    """Theorem 4.1's form at a width of ours; a step of 0 is gradient flow."""
    often = _PROBABLY if "failure_rate" in failure else _SURELY
    at_least = "For every n >= $rows and d >= $aspect n"
    if step:
        says = (
            f"{at_least}, {often}, gradient descent with eta = ${{step:factor}}dn/((sqrt d + ${{deviation:factor}}sqrt n)||y||)^$power "
            f"has a misfit of at most ${{misfit:factor}}(1 - d/(${{rate_divisor:factor}}(sqrt d + ${{deviation:factor}}sqrt n)^$power))^tau ||y|| "
            f"after tau steps, for all tau, and {_STAYS}."
        )
        tex = r"\|V\phi(W_\tau z)-y\|\le ${misfit:factor}\Big(1-\tfrac{d}{${rate_divisor:factor}(\sqrt d+${deviation:factor}\sqrt n)^{$power}}\Big)^\tau\|y\|"
    else:
        says = (
            f"{at_least}, {often}, gradient flow has a misfit of at most ${{misfit:factor}}e^{{-||y||^$power t/(${{rate_divisor:factor}}n)}} ||y|| "
            f"at every time t, and {_STAYS}."
        )
        tex = r"\|V\phi(W_tz)-y\|\le ${misfit:factor}e^{-\|y\|^{$power}t/(${rate_divisor:factor}n)}\|y\|"
    kinds = {"failure_factor": "down", "failure_rate": "up", "failure": "down", "rows": "down"}
    constants = {
        "aspect": Constant(aspect, "down"),
        "power": Constant(2),
        **{key: Constant(value, "down") for key, value in promises.items()},
        **{key: Constant(value, kinds[key], whole=key == "rows") for key, value in failure.items()},  # type: ignore[arg-type]
    }
    if step:
        constants |= {"step": Constant(step), "deviation": Constant(2, "down")}
    return Claim(
        id=f"own.sharper.{name}",
        source=_source(label),
        says=says,
        tex=tex,
        refuted_by="n and d that it admits where a random signal is out of reach more often than it may fail",
        domain={"n": Range("rows", 10**12, True, True), "d": Range(1, 10**15, True, True)},
        hypotheses=(WIDTH_GIVEN,),
        constants=constants,
        needs=_DESCENT_NEEDS if step else tuple(need for need in _DESCENT_NEEDS if need != LARGEST),
        proofs=(surplus_decides, too_narrow),
        exact=ExactRoute(_starts, start_above) if failure["rows"] <= _FEW else None,
        controls=(
            Control(
                "misfit_1.3" if failure["rows"] <= _FEW else "misfit_1.22",
                {"misfit": _TOO_SMALL[failure["rows"] <= _FEW]},
            ),
            Control("aspect_4", {"aspect": 4}),
            Control("aspect_3.9", {"aspect": F(39, 10)}),
            Control("any_width", {}, ("width",)),
        ),
    )


_FEW = 16
"""Rows up to which the exact law of the misfit is evaluated."""
_TOO_SMALL = {True: F(13, 10), False: F(122, 100)}
"""A misfit that is exceeded too often: by its exact law for few rows, and far out, where it tends to sqrt(3/2)."""
_USUAL = {"rows": 4, "failure_factor": 5, "failure_rate": _HALF}
_FLOW = {**_USUAL, "failure_factor": 4}
_HUNDRED = {"rows": 100, "failure": F(1, 100)}
_FAR_OUT = {"rows": 10**6, "failure_factor": 5, "failure_rate": _LIMIT_RATE}


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=ANGLES,
        source=_source("what a cut at an angle leaves, and what it costs"),
        says="For independent standard normal x and g, E[<x, x>; |x| <= tan(psi)|g|] = (${double:factor}psi - ${sine:factor}sin ${double:factor}psi)/pi and E[<g, g>; |x| > tan(psi)|g|] = (${circle:factor}pi - ${double:factor}psi - ${sine:factor}sin ${double:factor}psi)/pi.",
        tex=r"e(\psi)=\frac{${double:factor}\psi-${sine:factor}\sin ${double:factor}\psi}{\pi},\quad k(\psi)=\frac{${circle:factor}\pi-${double:factor}\psi-${sine:factor}\sin ${double:factor}\psi}{\pi}",
        refuted_by="an angle where an integral is another",
        domain={"psi": Range(0, math.pi / 2, False)},
        constants={"double": Constant(2), "sine": Constant(1), "circle": Constant(1)},
        proofs=(angular_means,),
        controls=(Control("sine_1.01", {"sine": F(101, 100)}), Control("circle_0.99", {"circle": F(99, 100)})),
    ),
    Claim(
        id=MARGINS,
        source=_source("all margins at once, for every multiplier"),
        says="For independent standard normal g_l, E_x sum of min(<x, x>, lambda <g_l, g_l>) over the g_l > 0 is, at every lambda >= 0 at once, at least d($share E min(<x, x>, lambda <g, g>)) - ${loss:factor}t sqrt d, but for probability ${factor:factor}e^{-${rate:factor}<t, t>}.",
        tex=r"\sum_{g_l>0}\theta_\lambda(g_l)\ge ${share:factor}d\,\mathbb{E}\theta_\lambda(g)-${loss:factor}t\sqrt d\ \ \forall\lambda",
        refuted_by="d and t at which so few margins are above 0 more often",
        domain={"d": Range(1, 10**9, True, True), "t": Range(0, 1e4, False)},
        constants={
            "share": Constant(_HALF, "up"),
            "loss": Constant(_HALF, "down"),
            "factor": Constant(1, "down"),
            "rate": Constant(_HALF, "up"),
        },
        needs=(MASSART,),
        proofs=(margins_hold,),
        exact=ExactRoute(
            tuple(
                {"d": d, "t": t} for d in (1, 4, 25, 100, 10**4, 10**6) for t in (0.1, 1, 3, 10, 25) if t * t < 4 * d
            ),
            margins_on,
        ),
        controls=(
            Control("loss_0.45", {"loss": F(45, 100)}),
            Control("rate_0.6", {"rate": F(6, 10)}),
            Control("share_0.51", {"share": F(51, 100)}),
        ),
    ),
    Claim(
        id=GORDON_LEFT,
        source=_source("Gordon's comparison with the removed columns chosen by V"),
        says="For V of shape n x d with independent standard normal entries and fixed margins g, the mean of the least sigma_min(V_{A without R}) over all R of a family fixed by g is at least the mean of the least ||x_{A without R}||, x standard normal in R^d, less ${rows:factor}sqrt n.",
        tex=r"\mathbb{E}\min_R\sigma_{\min}(V_{A\setminus R})\ge\mathbb{E}\min_R\|x_{A\setminus R}\|-${rows:factor}\sqrt n",
        refuted_by="n at which the exact mean is below it, for a square matrix and no removal",
        domain={"n": Range(1, 10**9)},
        constants={"rows": Constant(1, "down")},
        needs=(GORDON,),
        proofs=(restricted_increments,),
        exact=ExactRoute(tuple({"n": n} for n in (1, 2, 4, 8, 16, 32)), square_of_normals),
        controls=(Control("rows_0.95", {"rows": F(95, 100)}), Control("rows_0.5", {"rows": _HALF})),
    ),
    Claim(
        id=OUTPUT,
        source=_source("the energy of the hidden layer at the start"),
        says="For h_0 standard normal in R^d and theta > 0 below $end, ||phi(h_0)|| exceeds sqrt(qd) with probability at most ${factor:factor}(e^{-theta q}(1 - $share + $share/sqrt(1 - theta/$end)))^d.",
        tex=r"P\{\|\phi(h_0)\|>\sqrt{qd}\}\le ${factor:factor}\Big(e^{-\theta q}\big(1-$share+$share/\sqrt{1-\theta/$end}\big)\Big)^d",
        refuted_by="d, q, theta at which the binomial mixture of chi-squares gives more",
        domain={"d": Range(1, 10**9, True, True), "q": Range(0, 100, False), "theta": Range(0, "end", False)},
        constants={"share": Constant(_HALF, "down"), "factor": Constant(1, "down"), "end": Constant(_HALF)},
        needs=(CHERNOFF,),
        proofs=(output_transform,),
        exact=ExactRoute(
            tuple(
                {"d": d, "q": q, "theta": theta}
                for d in (1, 4, 30, 300, 3000)
                for q, theta in ((0.55, 0.03), (0.7, 0.1), (1.0, 0.2), (2.0, 0.35))
                if d * q * theta < 500
            ),
            output_above,
        ),
        controls=(Control("share_0.4", {"share": F(4, 10)}), Control("factor_0.01", {"factor": F(1, 100)})),
    ),
    Claim(
        id=MISFIT,
        source=_source("the misfit at the start, given the hidden layer's energy"),
        says="For xi standard normal in R^n, ||y|| = sqrt(dn) and sigma <= sqrt(qd), ||sigma xi - y|| exceeds sqrt(rho) ||y|| with probability at most ${factor:factor}(e^{-theta rho/q + theta/(q(1 - theta/$end))}(1 - theta/$end)^{-$power})^n, for every theta > 0 below $end.",
        tex=r"P\{\|\sigma\xi-y\|>\sqrt\rho\,\|y\|\}\le ${factor:factor}\Big(e^{-\theta\rho/q+\theta/(q(1-\theta/$end))}(1-\theta/$end)^{-$power}\Big)^n",
        refuted_by="n, q, rho, theta at which the noncentral chi-square gives more",
        domain={"n": Range(1, 10**9, True, True), "q": Range(0, 100, False), "rho": Range(0, 100, False)},
        constants={
            "power": Constant(_HALF, "down"),
            "factor": Constant(1, "down"),
            "end": Constant(_HALF),
        },
        needs=(CHERNOFF,),
        proofs=(misfit_transform,),
        exact=ExactRoute(
            tuple(
                {"n": n, "q": q, "rho": rho, "theta": theta}
                for n in (1, 4, 30, 300, 3000)
                for q, rho, theta in ((0.5, 1.7, 0.03), (0.56, 3.8, 0.2), (0.52, 2.16, 0.1), (1.0, 9.0, 0.3))
                if n * rho * theta / q < 500
            ),
            misfit_above,
        ),
        controls=(Control("power_0.4", {"power": F(4, 10)}), Control("factor_0.01", {"factor": F(1, 100)})),
    ),
    _least("descent", F(3513, 10), F(1, 10), 4, _HALF, F(1, 10)),
    _least("descent.whole_step", F(8340, 10), F(1), 4, _HALF, F(1, 10)),
    _least("descent.limit", F(9458, 100), F(1, 10), 100, _LIMIT_RATE, F(1, 100)),
    _least("flow", F(3298, 10), F(0), 4, _HALF, F(1, 10)),
    _least("flow.limit", F(8797, 100), F(0), 100, _LIMIT_RATE, F(1, 100)),
    _theorem(
        "descent",
        "Theorem 4.1 with 400 in place of 4.3e15",
        F(400),
        F(1, 10),
        {"misfit": F(195, 100), "rate_divisor": 15200, "length": F(421, 1000)},
        _USUAL,
    ),
    _theorem(
        "descent.short_step",
        "Theorem 4.1 with a hundredth of the proof's step",
        F(332),
        F(1, 100),
        {"misfit": F(195, 100), "rate_divisor": 5500 * 10**6, "length": F(408, 1000)},
        _USUAL,
    ),
    _theorem(
        "descent.hundred",
        "Theorem 4.1 for a hundred rows and more",
        F(167),
        F(1, 10),
        {"misfit": F(148, 100), "rate_divisor": 66 * 10**6, "length": F(458, 1000)},
        _HUNDRED,
    ),
    _theorem(
        "descent.limit",
        "Theorem 4.1 for rows without end",
        F(95),
        F(1, 10),
        {"misfit": F(1226, 1000), "rate_divisor": 11 * 10**6, "length": F(524, 1000)},
        _FAR_OUT,
    ),
    _theorem(
        "flow",
        "Theorem 4.1 for gradient flow",
        F(330),
        F(0),
        {"misfit": F(195, 100), "rate_divisor": 40 * 10**6, "length": F(407, 1000)},
        _FLOW,
    ),
    _theorem(
        "flow.hundred",
        "Theorem 4.1 for gradient flow, a hundred rows and more",
        F(155),
        F(0),
        {"misfit": F(148, 100), "rate_divisor": 8 * 10**6, "length": F(454, 1000)},
        _HUNDRED,
    ),
    _theorem(
        "flow.limit",
        "Theorem 4.1 for gradient flow, rows without end",
        F(88),
        F(0),
        {"misfit": F(1226, 1000), "rate_divisor": 15 * 10**6, "length": F(519, 1000)},
        {**_FAR_OUT, "failure_factor": 4},
    ),
)
