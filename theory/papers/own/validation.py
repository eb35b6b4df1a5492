"""Stopping where the loss on held-out measurements is least: what it costs with Gaussian rows, and what pixels say.

h_t = x^_t - x for T + 1 candidates, fitted without the m_v held-out rows of standard normal entries; the loss of a candidate is
the mean of (<a, h_t> + nu z)^2 over them, and its mean, ||h_t||^2 + nu^2, is the risk of a new measurement.
"""

from __future__ import annotations

import itertools
from fractions import Fraction as F
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, ctx

from untrained.theory.claim import (
    FAILURE_SIDES,
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
from untrained.theory.evidence import Symbolic
from untrained.theory.objects.dual_kernels import triangle_kernel
from untrained.theory.objects.kernel_enclosures import exact_correlations
from untrained.theory.papers.heckel20a.dual_kernel import _SIGMA, CLOSE_FLOAT
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced
from untrained.theory.proof.balls import ball

_PAIR = "own.validation.pair"
_BITS = 400
_ATTAINED = F(1, 10**12)


def _given(p: Premises) -> tuple[str, sp.Expr]:
    return "both hypotheses", sp.Integer(int(p.given("gaussian") and p.given("held_out"))) >= 1


# The held-out loss of one candidate.


def held_out_loss_argument(p: Premises) -> Symbolic:
    """<a, h> + nu z is normal with variance ||h||^2 + nu^2; m_v independent squares of it are averaged."""
    e, m, risk = sp.symbols("e m risk", positive=True)
    h, nu, a, z = sp.symbols("h nu a z", real=True)
    mean = gaussian_mean((a * h + nu * z) ** 2, [a, z], sp.Integer(1))
    square = gaussian_mean(e**4, [e], sp.sqrt(risk)) - risk**2
    return reduced(
        "Given the candidate, which does not depend on them, rows and noise are standard normal: the products with the rows are "
        "independent, normal, and of the variance risk = ||h||^2 + nu^2, coordinate by coordinate.",
        [
            _given(p),
            ("mean", sp.expand(mean - h**2 - exact_number(p["noise"]) * nu**2)),
            ("variance of a mean of m", sp.simplify(square / m - exact_number(p["factor"]) * risk**2 / m)),
        ],
        sufficient=True,
    )


def moments_of_loss(case: Case, c: Constants) -> Sides:
    """Mean and variance of the loss of two rows in the plane, by quadrature that is exact for these powers."""
    h, nu = np.array([case["h_1"], case["h_2"]], dtype=float), float(case["nu"])
    nodes, weights = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    if case["rows"] != "signs":
        nodes, weights = np.polynomial.hermite_e.hermegauss(3)
        weights = weights / weights.sum()
    if case["rows"] == "used":
        h, nu = np.zeros(2), 0.0
    one = [
        (float(np.prod(weights[list(i)])), float((nodes[i[0]] * h[0] + nodes[i[1]] * h[1] + nu * nodes[i[2]]) ** 2))
        for i in itertools.product(range(len(nodes)), repeat=3)
    ]
    mean = sum(w * x for w, x in one)
    variance = (sum(w * x**2 for w, x in one) - mean**2) / 2
    risk = case["h_1"] ** 2 + case["h_2"] ** 2, case["nu"] ** 2
    total = sum(risk)
    off = abs(mean - risk[0] - float(c["noise"]) * risk[1]) / total
    return Sides(max(off, abs(variance - float(c["factor"]) * total**2 / 2) / total**2), CLOSE_FLOAT, unit=1)


# Two candidates, and many.


def pair_argument(p: Premises) -> Symbolic:
    """The loss of the worse less that of the better is l_+ chi2 - l_- chi2' over m_v, l_+ l_- = rho(1 - r^2)."""
    rho, r, u = sp.symbols("rho r u", real=True)
    root = sp.sqrt((rho - 1) ** 2 + 4 * rho * (1 - r**2))
    up, down = ((rho - 1) + root) / 2, (root - (rho - 1)) / 2
    at_one = u**2 + (rho - 1) * u - rho * (1 - r**2)
    return reduced(
        "A row gives two normal numbers with variances 1 and rho and correlation r, in units of the smaller risk. The "
        "difference of their squares has the eigenvalues l_+ and -l_- of the form; l_+ = l_- + rho - 1 with l_- at most 1, as the "
        "polynomial of which it is the root is rho r^2 >= 0 at 1. So l_+/l_- >= rho, with equality for r = 0, and the worse has "
        "the smaller loss where a ratio of two independent chi-squares with m_v degrees exceeds l_+/l_-.",
        [
            _given(p),
            ("sum of both eigenvalues", sp.simplify(up - down - (rho - 1))),
            ("product", sp.simplify(sp.expand(up * down) - rho * (1 - r**2))),
            ("root", sp.simplify(sp.expand(at_one.subs(u, down)))),
            ("at 1", sp.expand(at_one.subs(u, 1) - rho * r**2)),
            ("degrees", exact_number(p["degrees"]) - 1),
            ("power of the ratio", exact_number(p["power"]) - 1),
        ],
        sufficient=True,
    )


def upper_tail(ratio: arb, degrees: arb) -> arb:
    """P(chi2 > ratio chi2') for independent chi-squares with so many degrees each: the upper tail of Fisher's F."""
    return (1 / (1 + ratio)).beta_lower(degrees / 2, degrees / 2, regularized=1)


def worse_preferred(case: Case, rho: arb) -> arb:
    """The probability that the worse of two has the smaller held-out loss, by the eigenvalues of the form.

    `rows`: Gaussian; `pixel`, one coordinate alone, at which the better errs and the worse does not; `used`, by the worse.
    """
    if case["rows"] != "gaussian":
        return arb(1)
    determinant = rho * (1 - ball(F(case["r"])) ** 2)
    down = 2 * determinant / (((rho - 1) ** 2 + 4 * determinant).sqrt() + (rho - 1))
    return upper_tail((down + rho - 1) / down, ball(case["m_v"]))


def pair_of_candidates(case: Case, c: Constants) -> Sides:
    """The probability against the tail of F, which uncorrelated misfits attain."""
    with ctx.workprec(_BITS):
        rho = ball(F(case["rho"]))
        claimed = upper_tail(_power(rho, c["power"]), ball(c["degrees"]) * ball(case["m_v"]))
        ratio = worse_preferred(case, rho) / claimed
        if case.get("r") == 0:
            return Sides(abs(ratio - 1), ball(_ATTAINED), unit=1)
        return Sides(ratio, 1 + ball(_ATTAINED))


def _power(x: arb, power: Any) -> arb:
    return (x.log() * ball(power)).exp()


def choice_argument(p: Premises) -> Symbolic:
    """Half the logarithm of F has a density proportional to cosh^{-m}, and cosh(theta + u) >= cosh(theta)cosh(u)."""
    theta, u, m = sp.symbols("theta u m", positive=True)
    split = sp.cosh(theta + u) - sp.cosh(theta) * sp.cosh(u) - sp.sinh(theta) * sp.sinh(u)
    x = sp.exp(2 * u)
    base = sp.sqrt(x) / (1 + x) - 1 / (2 * sp.cosh(u))
    return reduced(
        "F has a density proportional to x^{m/2 - 1}(1 + x)^{-m}. By the tail of own.validation.pair a candidate of an R more than rho = e^{2 theta} times the least beats the best with a "
        "probability of at most P(F > rho), the integral of the density from theta on, which is at most cosh(theta)^{-m_v} "
        "times that from 0 on, a half. T such events at most. The chosen candidate beats the best or is it.",
        [
            _given(p),
            ("power of F in the density along half its logarithm", (m / 2 - 1) + 1 - m / 2),
            ("base of the density", sp.simplify(base.rewrite(sp.exp))),
            ("addition theorem", sp.expand(sp.expand_trig(split))),
            ("half of them", exact_number(p["twice"]) <= 2),
            ("rho = e^{2 theta}", exact_number(p["rate"]) >= 2),
            ("degrees", exact_number(p["degrees"]) <= exact_number(p.of(_PAIR)["degrees"])),
            ("tail of a pair", exact_number(p.of(_PAIR)["power"]) >= 1),
        ],
        sufficient=True,
    )  # fmt: skip


def stop_ratio(case: Case, c: Constants) -> arb:
    """e^{rate theta}."""
    x = ball(F(case["T"]) / (F(c["twice"]) * F(case["delta"])))
    if x <= 1:
        return arb(1)
    cosh = _power(x, 1 / (F(c["degrees"]) * F(case["m_v"])))
    return (ball(c["rate"]) * cosh.acosh()).exp()


def failure_of_stop(case: Case, c: Constants) -> Sides:
    """Probability that a candidate of (nearly) that ratio is chosen, against delta.

    T copies of one residual, uncorrelated to the best one's, or T uncorrelated ones (two rows: exponential laws).
    """
    with ctx.workprec(_BITS):
        rho, T = stop_ratio(case, c), ball(case["T"])
        if case.get("others") == "uncorrelated":
            return Sides(T / (rho + T) / ball(F(case["delta"])), 1 + ball(_ATTAINED))
        return Sides(worse_preferred(case, rho) / ball(F(case["delta"])), 1 + ball(_ATTAINED))


# Held-out pixels.


def pixel_argument(p: Premises) -> Symbolic:
    """y_i = x_i + z_i at a held-out pixel, and the fit b is a function of the other pixels' noise."""
    x, b, z, v, together = sp.symbols("x b z v together", real=True)
    cross = sp.Integer(0) if p.given("white") else together
    mean = (x - b) ** 2 + 2 * (x - b) * cross + v
    return reduced(
        "The fit does not depend on the noise of a held-out pixel, of mean zero: the mixed term has mean zero.",
        [
            ("square", sp.expand((x + z - b) ** 2 - (x - b) ** 2 - 2 * (x - b) * z - z**2)),
            ("mean", sp.expand(mean - (x - b) ** 2 - exact_number(p["noise"]) * v)),
        ],
        sufficient=True,
    )


def loss_of_pixel(case: Case, c: Constants) -> Sides:
    """A held-out pixel predicted as a multiple of a fitted one, signs for noise with a correlation."""
    x, y, slope, r = (F(case[name]) for name in ("x", "neighbour", "slope", "r"))
    draws = [(F(1 + r * a * b) / 4, a, b) for a in (1, -1) for b in (1, -1)]
    loss = sum(w * (x + a - slope * (y + b)) ** 2 for w, a, b in draws)
    risk = sum(w * (x - slope * (y + b)) ** 2 for w, _, b in draws)
    return Sides(abs(loss - risk - F(c["noise"])), F(0), unit=F(1))


def reach_argument(p: Premises) -> Symbolic:
    """Two triangles of nonnegative weights on w points to each side overlap up to a distance of 2(w - 1)."""
    w = sp.Symbol("w", integer=True, positive=True)
    return reduced(
        "What pixel h has moved by after any number of steps is a sum over fitted pixels f of Sigma_hf times numbers that are "
        "free after one step; Sigma_hf = g(t) is 0 where <u_h, u_f> = 0 and positive where that is positive. Weights "
        "are positive at distances up to w - 1.",
        [
            ("hypothesis", sp.Integer(int(p.given("linear"))) >= 1),
            ("g(t) is positive with t", exact_number(p.of(_SIGMA)["share"]) > 0),
            ("first distance without overlap", sp.expand(2 * (w - 1) + 1 - exact_number(p["twice"]) * w + exact_number(p["less"]))),
        ],
        sufficient=True,
    )  # fmt: skip


def reach_of_triangle(case: Case, c: Constants) -> Sides:
    """Whether a step moves a pixel at a distance from the only fitted one; with masks, those columns do where both are on.

    `masks`: of the fitted pixel and of the held-out one, column by column.
    """
    t = exact_correlations(triangle_kernel(int(case["points"]), int(case["half_width"])))[int(case["distance"])]
    moves = t > 0 and any(fitted and held for fitted, held in case.get("masks", ((1, 1),)))
    claimed = case["distance"] < F(c["twice"]) * case["half_width"] - F(c["less"])
    return Sides(int(moves != claimed), 0, unit=1)


_GAUSSIAN = Hypothesis(
    "gaussian",
    "held-out rows have independent standard normal entries, their noise is independent and normal with deviation nu",
    lambda case, c: case["rows"] not in ("pixel", "signs"),
)
_HELD_OUT = Hypothesis(
    "held_out", "no candidate depends on held-out rows or their noise", lambda case, c: case["rows"] != "used"
)
_LOSSES: tuple[Case, ...] = tuple(
    {"h_1": h_1, "h_2": h_2, "nu": nu, "rows": rows}
    for h_1, h_2 in ((3, 0), (1, 2))
    for nu in (0, 1, 5)
    for rows in ("gaussian", "signs", "used")
)
_PAIRS: tuple[Case, ...] = (
    *(
        {"m_v": m, "rho": rho, "r": r, "rows": "gaussian"}
        for m in (1, 2, 7, 100)
        for rho in (F(11, 10), F(2), F(50))
        for r in (0, F(1, 2), F(99, 100))
    ),
    *({"m_v": 7, "rho": F(2), "rows": rows} for rows in ("pixel", "used")),
)
_STOPS: tuple[Case, ...] = (
    *(
        {"m_v": m, "T": T, "delta": delta, "r": 0, "rows": "gaussian"}
        for m in (1, 2, 10, 100)
        for T in (1, 5)
        for delta in (F(497, 1000), F(499, 1000), F(1, 20), F(1, 10**6), F(1, 10**300))
    ),
    *(
        {"m_v": 2, "T": T, "delta": F(1, 20), "others": "uncorrelated", "rows": "gaussian"}
        for T in (1, 10, 1000)
    ),
    *({"m_v": 10, "T": 1, "delta": F(1, 20), "rows": rows} for rows in ("pixel", "used")),
)  # fmt: skip
_PIXELS: tuple[Case, ...] = tuple(
    {"x": x, "neighbour": y, "slope": slope, "r": r}
    for x, y in ((0, 1), (F(3, 2), -1))
    for slope in (0, F(1, 3), 1)
    for r in (0, F(1, 2))
)
_REACHES: tuple[Case, ...] = (
    *({"points": 40, "half_width": w, "distance": d} for w in range(1, 9) for d in range(1, 20)),
    {"points": 40, "half_width": 2, "distance": 1, "masks": ((0, 1), (1, 0))},
)
_SOURCE = "stopping by held-out measurements, after Ding, Qin, Jiang, Zhou and Zhu (arXiv 2209.10675)"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.validation.loss",
        source=Source("own", _SOURCE),
        says="The held-out loss of a candidate, the mean over m_v rows of the squared misfit, has the mean R = <x^ - x, x^ - x> + ${noise:factor}nu nu and the variance ${factor:factor}R R/m_v.",
        tex=r"\mathbb E V=R=\langle\hat x-x,\hat x-x\rangle+${noise:factor}\nu\nu,\quad\mathrm{Var}\,V=${factor:factor}RR/m_v",
        refuted_by="a candidate whose loss has other moments",
        domain={"m_v": Range(1, 10**9), "n": Range(1, 10**9), "nu": Range(0, 1e9, False)},
        hypotheses=(_GAUSSIAN, _HELD_OUT),
        constants={"noise": Constant(1), "factor": Constant(2)},
        proofs=(held_out_loss_argument,),
        exact=ExactRoute(_LOSSES, moments_of_loss),
        controls=(Control("noise_0.95", {"noise": F(95, 100)}), Control("factor_2.1", {"factor": F(21, 10)})),
    ),
    Claim(
        id=_PAIR,
        source=Source("own", _SOURCE + ", two candidates"),
        says="Of two candidates, R = <x^ - x, x^ - x> + nu nu of the worse being rho times that of the better, the worse has the smaller loss on m_v held-out rows with probability at most P(F > rho^$power), F Fisher's with ${degrees:factor}m_v degrees in both places, with equality where the misfits of both are uncorrelated.",
        tex=r"P\{V_t<V_s\}\le P\{F_{${degrees:factor}m_v,${degrees:factor}m_v}>\rho^{$power}\},\ R_t=\rho R_s",
        refuted_by="two candidates between which the loss errs more often",
        domain={"m_v": Range(1, 10**9), "rho": Range(1, 1e9, False)},
        hypotheses=(_GAUSSIAN, _HELD_OUT),
        constants={"degrees": Constant(1), "power": Constant(1)},
        proofs=(pair_argument,),
        exact=ExactRoute(_PAIRS, pair_of_candidates),
        version=2,
        controls=(Control("degrees_1.05", {"degrees": F(105, 100)}), Control("power_1.05", {"power": F(105, 100)})),
    ),
    Claim(
        id="own.validation.stop",
        source=Source("own", _SOURCE + ", the best and T others"),
        says="Of a best candidate and T others that of the least loss on m_v held-out rows has an R = <x^ - x, x^ - x> + nu nu of at most e^{${rate:factor}theta} times the least, with probability at least 1 - delta, cosh(theta)^{${degrees:factor}m_v} = T/(${twice:factor}delta), or theta zero where that is too small.",
        tex=r"P\{R_{\hat t}\le e^{${rate:factor}\theta}\min_tR_t\}\ge 1-\delta,\quad\cosh(\theta)^{${degrees:factor}m_v}=\tfrac{T}{${twice:factor}\delta}",
        refuted_by="candidates among which the choice is worse more often",
        domain={"m_v": Range(1, 10**9), "T": Range(1, 10**9), "delta": Range(1e-300, 1, False)},
        hypotheses=(_GAUSSIAN, _HELD_OUT),
        constants={
            "rate": Constant(2, "down"),
            "degrees": Constant(1, "up"),
            "twice": Constant(2, "up"),
        },
        needs=(_PAIR,),
        proofs=(choice_argument,),
        exact=ExactRoute(_STOPS, failure_of_stop, compares=FAILURE_SIDES),
        version=2,
        controls=(
            Control("rate_1.95", {"rate": F(195, 100)}),
            Control("degrees_1.05", {"degrees": F(105, 100)}),
            Control("twice_2.05", {"twice": F(205, 100)}),
        ),
    ),
    Claim(
        id="own.validation.pixels",
        source=Source("own", _SOURCE + ", pixels of a noisy image"),
        says="The mean of the loss at a held-out pixel is the mean squared error there plus ${noise:factor}v, v the variance of its noise.",
        tex=r"\mathbb E(y_i-\hat x_i)(y_i-\hat x_i)=\mathbb E(x_i-\hat x_i)(x_i-\hat x_i)+${noise:factor}v",
        refuted_by="a fit with another mean",
        domain={"n": Range(2, 10**9)},
        hypotheses=(
            Hypothesis(
                "white",
                "the noise of a held-out pixel has mean zero and does not depend on that of the fitted pixels",
                lambda case, c: case["r"] == 0,
            ),
        ),
        constants={"noise": Constant(1)},
        proofs=(pixel_argument,),
        exact=ExactRoute(_PIXELS, loss_of_pixel),
        controls=(Control("noise_0.95", {"noise": F(95, 100)}), Control("coloured", {}, ("white",))),
    ),
    Claim(
        id="own.validation.reach",
        source=Source("own", _SOURCE + ", pixels beyond the kernel"),
        says="With a triangle kernel of half-width w a held-out pixel keeps its value whatever y is, and its loss says nothing of when to stop, exactly if each fitted pixel is at a distance of at least ${twice:factor}w - $less.",
        tex=r"\hat x_h(\tau)\equiv\hat x_h(\tau_0)\ \forall y\iff\mathrm{dist}(h,f)\ge ${twice:factor}w-$less\ \forall f",
        refuted_by="a pixel that far that moves, or one nearer that does not",
        domain={"half_width": Range(1, 10**6), "distance": Range(1, 10**6)},
        hypotheses=(
            Hypothesis(
                "linear",
                "J is that of the expected kernel Sigma(U), on the loss of the fitted pixels",
                lambda case, c: "masks" not in case,
            ),
        ),
        constants={"twice": Constant(2), "less": Constant(1, whole=True)},
        needs=(_SIGMA,),
        proofs=(reach_argument,),
        exact=ExactRoute(_REACHES, reach_of_triangle),
        version=2,
        controls=(Control("twice_2.2", {"twice": F(22, 10)}), Control("less_2", {"less": 2})),
    ),
)
