"""What a path leaves of a random network: the random steps of the sharper theorem.

Given the margins g = h_0, what is left of sigma_min after any cut that costs s^2 is at least what Gordon's comparison
and the best multiplier lambda leave; margins, integral, output and misfit each fail with probability e^{-t^2/2}.
The deterministic half is `own.path_budget.convergence`; the theorems are in `path_width`.
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import lru_cache

import numpy as np
import sympy as sp
from flint import arb
from scipy.special import bdtr
from scipy.stats import binom, chi2, ncx2

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    ExactRoute,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.laws.masked import masked_smallest_below
from untrained.theory.laws.suprema import chi_mean
from untrained.theory.laws.wishart import smallest_eigenvalue_below
from untrained.theory.objects.path_budget import angle_paid
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.textbook.gaussian import GORDON, LIPSCHITZ, POINCARE
from untrained.theory.papers.textbook.tails import CHERNOFF, MASSART
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import fact

DUAL, ANGLES, MARGINS = "own.path_budget.dual", "own.path_budget.angles", "own.path_budget.margins"
LEAST_AFTER_CUTS, LEFT = "own.path_budget.smallest", "own.path_budget.left"
OUTPUT, START_MISFIT = "own.path_budget.output", "own.path_budget.misfit"
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


# What is left along the path: the margins' event, and that of the integral.


def left_along_the_path(p: Premises) -> Symbolic:
    """The steps' constants, put together for the integral of m over a fixed length."""
    margins, smallest, lipschitz = p.of(MARGINS), p.of(LEAST_AFTER_CUTS), p.of(LIPSCHITZ)
    number = exact_number
    reach = number(p["deviation"]) ** number(lipschitz["power"])
    return reduced(
        "Given g, phi_s = min ||x_{A without R}|| is 1-Lipschitz in x, so (E phi_s)^2 >= E phi_s^2 - 1, and E phi_s^2 is at "
        "least sum theta_lambda(g_l) - lambda s^2 for every lambda; m(s) is 1-Lipschitz in V, as a minimum of norms of "
        "V_{A without R}^T u, so its integral over a length L is L-Lipschitz. All else falls in what is lost.",
        [
            ("multiplier", number(p.of(DUAL)["charge"]) <= 1),
            ("cut at an angle", [p.of(ANGLES)[name] for name in ("double", "sine", "circle")] == [2, 1, 1]),
            ("margins", number(p["loss"]) >= number(margins["loss"])),
            ("half of the neurons", number(margins["share"]) >= number(p["share"])),
            ("variance of the norm", number(p["variance"]) >= number(p.of(POINCARE)["factor"])),
            ("rows", number(p["rows"]) >= number(smallest["rows"])),
            ("deviation of the integral", number(lipschitz["rate"]) * reach >= number(p["rate"])),
            ("deviation of the margins", number(margins["rate"]) >= number(p["rate"])),
            ("two events", number(p["factor"]) >= number(margins["factor"]) + number(lipschitz["factor"])),
        ],
        sufficient=True,
    )


def least_of_w(c: Constants, n: int, d: int, t: float, length: float) -> float:
    """w at a length x: what the constants leave of sigma_min/sqrt d, by the best multiplier; 0 where it is below."""
    angle = angle_paid(min(1.0, length**2 / float(c["share"])))
    energy = float(c["share"]) * (2 * angle - math.sin(2 * angle)) / math.pi
    energy -= float(c["loss"]) * t / math.sqrt(d) + float(c["variance"]) / d
    return math.sqrt(max(0.0, energy)) - float(c["rows"]) * math.sqrt(n / d) - float(c["deviation"]) * t / math.sqrt(d)


def left_at_the_start(case: Case, c: Constants) -> Sides:
    """A length too short for any cut: P(sigma_min(V_A) < w(0) sqrt d) by its exact law, against what may fail."""
    n, d, t = int(case["n"]), int(case["d"]), float(case["t"])
    level = least_of_w(c, n, d, t, 0.0) * math.sqrt(d)
    below = float(masked_smallest_below(n, d, level**2).mid()) if level > 0 else 0.0
    return Sides(below, float(c["factor"]) * math.exp(-float(c["rate"]) * t**2), unit=1)


def left_after_cuts(case: Case, c: Constants) -> Sides:
    """The claimed integral up to x against one that is no less than int m: cuts in the order of what they take a price."""
    V, g, x, t = case["V"], case["g"], float(case["x"]), float(case["t"])
    n, d = V.shape[-2:]
    ends = np.linspace(0.0, x, _STATIONS + 1)
    claimed = sum(least_of_w(c, n, d, t, end) for end in ends[1:]) * x / _STATIONS
    most = [
        np.mean([_after_cut(columns[:, on > 0], on[on > 0], end) for end in ends[:-1] * math.sqrt(d)])
        for columns, on in zip(V, g, strict=True)
    ]
    return Sides(np.full(len(V), claimed), np.array(most) * x / math.sqrt(d), unit=1.0)


def _after_cut(V: Array, g: Array, price: float) -> float:
    """sigma_min after the cut, at this price, of the neurons that give the weakest direction most for theirs."""
    u = np.linalg.svd(V, full_matrices=False)[0][:, -1]
    order = np.argsort(-(((u @ V) / g) ** 2))
    rest = order[np.searchsorted(np.cumsum(g[order] ** 2), price**2, side="right") :]
    return float(np.linalg.svd(V[:, rest], compute_uv=False)[-1]) if len(rest) >= len(V) else 0.0


def not_failing(case: Case, c: Constants) -> float:
    """The claimed probability at t."""
    return 1 - float(c["factor"]) * math.exp(-float(c["rate"]) * float(case["t"]) ** 2)


_STATIONS = 6
"""Lengths at which a drawn network is cut."""


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


# That the records say what `path_budget` computes with.


def cut_as_used(p: Premises) -> list[arb]:
    """The closed forms of a cut at an angle."""
    return [fact([p.of(ANGLES)[name] for name in ("double", "sine", "circle")] == [2, 1, 1])]


def left_as_used(p: Premises) -> list[arb]:
    """What is left along the path, no more than its record says."""
    left = p.of(LEFT)
    return [
        fact(left["share"] == left["loss"] == left["rate"] == _HALF),
        fact(max(left["variance"], left["rows"], left["deviation"]) <= 1 and left["factor"] <= 2),
    ]


def misfit_as_used(p: Premises) -> list[arb]:
    """Both Chernoff bounds, no smaller than their records say."""
    output, misfit = p.of(OUTPUT), p.of(START_MISFIT)
    return [fact(output["share"] == misfit["power"] == _HALF), fact(output["factor"] <= 1 and misfit["factor"] <= 1)]


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
        id=LEAST_AFTER_CUTS,
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
        id=LEFT,
        source=_source("what a path leaves of sigma_min, on average over its length"),
        says="For V of shape n x d and h_0 standard normal and a fixed x, int m(s) ds over the lengths s <= x sqrt d is at least d int w, but for probability ${factor:factor}e^{-${rate:factor}<t, t>}, with w(u) = sqrt(max over lambda of ($share E min(<x, x>, lambda <g, g>) - lambda <u, u>) - ${loss:factor}t/sqrt d - ${variance}/d) - ${rows:factor}sqrt(n/d) - ${deviation:factor}t/sqrt d.",
        tex=r"\int_0^{x\sqrt d}m\,ds\ge d\int_0^xw\,du,\ w=\sqrt{\max_\lambda(${share:factor}\mathbb{E}\min(x,\lambda g)-\lambda u)-${loss:factor}t/\sqrt d-$variance/d}-${rows:factor}\sqrt{n/d}-${deviation:factor}t/\sqrt d",
        refuted_by="n, d, t at which the exact law of sigma_min, or cuts of drawn networks, leave less more often",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**9), "t": Range(0, 1e4, False), "x": Range(0, 1, False)},
        law={"V": Draw("gaussian", ("n", "d")), "g": Draw("gaussian", ("d",))},
        constants={
            "share": Constant(_HALF, "up"),
            "loss": Constant(_HALF, "down"),
            "variance": Constant(1, "down"),
            "rows": Constant(1, "down"),
            "deviation": Constant(1, "down"),
            "factor": Constant(2, "down"),
            "rate": Constant(_HALF, "up"),
        },
        needs=(MARGINS, LEAST_AFTER_CUTS, DUAL, ANGLES, LIPSCHITZ, POINCARE),
        proofs=(left_along_the_path,),
        exact=ExactRoute(
            tuple(
                {"n": n, "d": d, "t": t}
                for n, d in ((1, 10**4), (4, 100), (16, 160), (32, 400))
                for t in (1.2, 2.0, 4.0)
            ),
            left_at_the_start,
        ),
        count=CountRoute(
            ({"n": 8, "d": 400, "t": 1.5, "x": 0.3}, {"n": 16, "d": 800, "t": 1.5, "x": 0.3}),
            left_after_cuts,
            not_failing,
            60,
            True,
        ),
        controls=(
            Control("share_0.55", {"share": F(55, 100)}),
            Control("no_rows", {"rows": 0}),
        ),
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
        id=START_MISFIT,
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
)
