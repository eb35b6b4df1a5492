"""Denoising in the linearised model: where the early-stopping theorem says nothing, and what a good stop attains.

lambda_1 >= lambda_2 >= ... are the eigenvalues of J J^T, q_i = (1 - eta lambda_i)^tau is left of a coefficient, and the risk of
the iterate is sum_i q_i^2 x_i^2 + (1 - q_i)^2 v, v the variance of a coefficient of z.
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from itertools import pairwise

import sympy as sp
from flint import arb

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
from untrained.theory.objects.residual_filters import early_stopping_time
from untrained.theory.papers.heckel20a.denoising import triangle_spectrum
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

# Where the bound of the theorem says nothing.


def nothing_argument(p: Premises) -> Symbolic:
    """(1 - s)^r >= 1 - r s for r >= 1, s = sqrt(p/n)."""
    s = sp.Symbol("s", positive=True)
    r, noise = sp.sqrt(exact_number(p["ratio_sq"])), sp.sqrt(exact_number(p["factor"]))
    bernoulli = sp.diff((1 - s) ** r - (1 - r * s), s) - r * (1 - (1 - s) ** (r - 1))
    return reduced(
        "At tau what is left is (1 - s)^r with r = ln(1 - eta lambda_p)/ln(1 - eta lambda_{p+1}) >= 1, at least 1 - r s: their "
        "difference is 0 at s = 0 and rises. So the bound is at least min(||x||, varsigma)(1 - r s + sqrt(2) s).",
        [
            ("hypothesis", sp.Integer(int(p.given("ratio"))) >= 1),
            ("derivative of the difference", sp.simplify(bernoulli)),
            ("it rises", r >= 1),
            ("noise against signal", noise >= r),
        ],
        sufficient=True,
    )


def bound_of_both(case: Case, c: Constants) -> Sides:
    """||x|| = varsigma = 1."""
    s = float(case["s"])
    return Sides(1.0, (1 - s) ** math.sqrt(case["r_sq"]) + math.sqrt(float(c["factor"])) * s)


def _ratios(c: Constants) -> tuple[Case, ...]:
    squares = (1, c["ratio_sq"], 4)
    return tuple({"s": s, "r_sq": r} for s in (F(1, 1000), F(1, 50), F(1, 2), F(99, 100)) for r in squares)


def left_by_triangle(case: Case, c: Constants) -> Sides:
    """What is left of a signal on the p-th eigenvector, at the theorem's tau and the step 1/||Fu||_inf^2."""
    values, eta = triangle_spectrum(int(c["points"]), case["half_width"])
    left = (1 - eta * values[case["p"] - 1]) ** early_stopping_time(values, eta, case["p"])
    return Sides(float(c["least"]), float(left))


def _triangles(c: Constants) -> tuple[Case, ...]:
    widths, frequencies = range(int(c["narrow"]), int(c["wide"]) + 1), range(1, int(c["last"]) + 1, 2)
    return tuple({"half_width": w, "p": p} for w in widths for p in frequencies)


# What a good stop attains.


def stop_argument(p: Premises) -> Symbolic:
    """Risk of one coefficient against the best: u q^2 + (1 - q)^2 = u/(1 + u) + (1 + u)(q - 1/(1 + u))^2."""
    u, q, more = sp.symbols("u q more", positive=True)
    best = u / (1 + u)
    excess = (1 + u) * (q - 1 / (1 + u)) ** 2
    short = (excess.subs(q, 1 - u) / best).simplify()  # u <= 1, q = 1 - u
    long = (excess.subs(q, 0) / best).simplify()  # q = 0
    stands = p.given("source") and p.given("step")
    return reduced(
        "In the unit v, u = x_i^2/v = tau eta lambda_i. As tau >= 1, 1 - u <= q (Bernoulli), 0 <= q, and q <= e^{-u} <= 1/(1 + u): "
        "q lies below the best filter 1/(1 + u), and the excess is largest at the lower end of q.",
        [
            ("both hypotheses", sp.Integer(int(stands)) >= 1),
            ("excess over the best", sp.simplify(u * q**2 + (1 - q) ** 2 - best - excess)),
            ("at q = 1 - u the excess is u^3", sp.simplify(short - u**3)),
            ("at q = 0 the excess is 1/u", sp.simplify(long - 1 / u)),
            ("u^3 <= 1 for u = 1/(1 + more)", sp.expand((1 + more) ** 3 - 1) >= 0),
            ("factor", exact_number(p["factor"]) >= 2),
            ("Bernoulli", exact_number(p["steps"]) >= 1),
        ],
        sufficient=True,
    )


def risk_of_one(case: Case, c: Constants) -> Sides:
    """One coefficient with variance one: its risk against the factor times the best linear one."""
    h, tau = F(case["h"]), max(F(case["tau"]), F(c["steps"]))
    u = tau * h * F(case.get("times", 1))
    left = (1 - h) ** tau if tau.denominator == 1 or h == 1 else F((1 - float(h)) ** float(tau))
    return Sides(u * left**2 + (1 - left) ** 2, F(c["factor"]) * u / (1 + u))


def _excess(low: arb, high: arb) -> arb:
    """An upper bound of (1 - (1 + u)e^{-u})^2/u between both: the numerator rises."""
    return (1 - (1 + high) * (-high).exp()) ** 2 / low


def flow_argument(p: Premises) -> Enclosed:
    """Cells of u; below the first the excess is at most u^3/4, beyond the last 1/u."""
    factor, cells, first, last = ball(p["factor"]), 4000, F(9, 10), F(49, 10)
    points = [ball(first + (last - first) * F(i, cells)) for i in range(cells + 1)]
    upper = [_excess(a, b) for a, b in pairwise(points)]
    attained = max((_excess(u, u) for u in points), key=lambda x: float(x.mid()))
    most = max([*upper, ball(first) ** 3 / 4, 1 / ball(last)], key=lambda x: float(x.upper()))
    stands = p.given("source") and p.given("flow")
    return enclosed(
        {"attained": 1 + attained, "bound": 1 + most},
        [fact(stands), factor - 1 - attained.union(most)],
        "With q = e^{-u} the excess over the best linear filter is (1 - (1 + u)e^{-u})^2/u; between two points the numerator is at "
        "most that of the later, below the first point (1 - (1 + u)e^{-u}) <= u^2/2, beyond the last it is at most 1.",
        sufficient=not stands,
    )


def risk_of_flow(case: Case, c: Constants) -> Sides:
    """One coefficient with variance one at the time t, e^{-t lambda} left, or what a step of another length leaves."""
    t, value = case["t"], case["value"]
    left = math.exp(-t * value) if "eta" not in case else (1 - case["eta"] * value) ** (t / case["eta"])
    u = t * value * case.get("times", 1)
    return Sides(u * left**2 + (1 - left) ** 2, float(c["factor"]) * u / (1 + u))


def unbiased_argument(p: Premises) -> Symbolic:
    """Both means, coefficient by coefficient."""
    x, z, q, v, other = sp.symbols("x z q v other", positive=True)
    mean = sp.Integer(0) if p.given("white") else other
    y, degrees = x + mean + z, 1 - q
    estimate = (q * y) ** 2 - v + exact_number(p["factor"]) * v * degrees
    error = (degrees * y - x) ** 2
    means = [gaussian_mean(part, [z], sp.sqrt(v)) for part in (estimate, error)]
    return reduced(
        "The iterate is linear in y, coefficient by coefficient: its degrees of freedom are 1 - q_i, exactly.",
        [("mean of the estimate less the risk", sp.expand(means[0] - means[1]))],
    )


def estimate_of_one(case: Case, c: Constants) -> Sides:
    """A coefficient x + z with z = -1, 1, equally likely, and so of variance one, of a mean of its own."""
    x, q = F(case["x"]), (1 - F(case["h"])) ** case["tau"]
    draws = [F(case["mean"]) + sign for sign in (1, -1)]
    estimate = sum((q * (x + z)) ** 2 - 1 + F(c["factor"]) * (1 - q) for z in draws) / 2
    risk = sum(((1 - q) * (x + z) - x) ** 2 for z in draws) / 2
    return Sides(abs(estimate - risk), F(0), unit=F(1))


_SOURCE = Hypothesis(
    "source",
    "the squared coefficients of x are a times the eigenvalues lambda_i, or their means are",
    lambda case, c: case.get("times", 1) == 1,
)
_STEP = Hypothesis("step", "eta is at most the inverse of each lambda_i", lambda case, c: case["h"] <= 1)
_FLOW = Hypothesis(
    "flow", "the step is so small that e^{-t lambda_i} is left after the time t", lambda case, c: "eta" not in case
)
_RISKS: tuple[Case, ...] = (
    *({"h": F(h), "tau": t} for h in (F(1, 100), F(1, 3), F(1, 2), F(1)) for t in (1, 2, 3, 50)),
    {"h": F(1), "tau": 1, "times": 100},
    {"h": F(1), "tau": 1, "times": F(1, 100)},
    {"h": F(2), "tau": 3},
)
_FLOWS: tuple[Case, ...] = (
    *({"t": t, "value": value} for t in (0.3, 3.0) for value in (0.01, 0.2, 0.598, 1.0, 5.98, 20.0)),
    {"t": 1.0, "value": 1.0, "eta": 1.0},
    {"t": 1.0, "value": 1.0, "times": 100},
    {"t": 1.0, "value": 1.0, "times": 0.01},
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.denoising.says_nothing",
        source=Source("own", "the denoising theorem of Heckel and Soltanolkotabi at its stopping time"),
        says="Then that theorem's bound (1 - eta lambda_p)^tau ||x|| + varsigma sqrt($factor p/n) at its tau is at least the smaller of ||x|| and varsigma, the errors of zero and of y themselves.",
        tex=r"\tfrac{\ln(1-\eta\lambda_p)}{\ln(1-\eta\lambda_{p+})}\le\sqrt{$ratio_sq}\Rightarrow(1-\eta\lambda_p)^\tau\|x\|+\varsigma\sqrt{$factor p/n}\ge\min(\|x\|,\varsigma)",
        refuted_by="eigenvalues so near to each other at which the bound is of use",
        domain={"n": Range(2, 10**9), "p": Range(1, 10**9)},
        hypotheses=(
            Hypothesis(
                "ratio",
                "ln(1 - eta lambda_p) is at most sqrt($ratio_sq) times ln(1 - eta lambda_{p+}) in size, lambda_{p+} the eigenvalue after lambda_p",
                lambda case, c: case["r_sq"] <= c["ratio_sq"],
            ),
        ),
        constants={"factor": Constant(2, "down"), "ratio_sq": Constant(2, "up")},
        proofs=(nothing_argument,),
        exact=ExactRoute(_ratios, bound_of_both),
        controls=(
            Control("factor_1.95", {"factor": F(195, 100)}),
            Control("ratio_sq_2.1", {"ratio_sq": F(21, 10)}),
        ),
    ),
    Claim(
        id="own.denoising.left",
        source=Source("own", "the denoising theorem of Heckel and Soltanolkotabi, triangle kernels"),
        says="At the theorem's tau, with eta the inverse of the largest squared |Fu|, at least $least of a signal on the p-th eigenvector is still missing, for every triangle kernel of half-width $narrow to $wide on $points points and every odd p up to $last.",
        tex=r"(1-\eta\lambda_p)^\tau\ge $least,\quad p\le $last,\ n=$points,\ $narrow\le w\le $wide",
        refuted_by="a triangle and a frequency of which less is left",
        constants={
            "least": Constant(F(517, 1000), "up"),
            "narrow": Constant(10, "down", whole=True),
            "wide": Constant(100, "up", whole=True),
            "points": Constant(300, "down", whole=True),
            "last": Constant(61, "up", whole=True),
        },
        exact=ExactRoute(_triangles, left_by_triangle, covers="every half-width and every odd p is computed"),
        controls=(Control("least_0.52", {"least": F(52, 100)}), Control("last_63", {"last": 63})),
    ),
    Claim(
        id="own.denoising.stop",
        source=Source("own", "early stopping against the Wiener filter"),
        says="At the time tau = a/(eta v), v the variance of a coefficient of z, if that is at least $steps, the mean squared error of the filters (1 - eta lambda_i)^tau is at most $factor times that of the best linear filter that knows the squared coefficients of x.",
        tex=r"\mathbb E\langle\hat x_\tau-x,\hat x_\tau-x\rangle\le $factor\sum_i\tfrac{a\lambda_iv}{a\lambda_i+v},\ \tau=\tfrac{a}{\eta v}\ge $steps",
        refuted_by="a spectrum at which stopping there costs more",
        domain={"eta": Range(0, 1e9, False), "tau": Range("steps", 10**9, False)},
        hypotheses=(_SOURCE, _STEP),
        constants={"factor": Constant(2, "down"), "steps": Constant(1, "down")},
        proofs=(stop_argument,),
        exact=ExactRoute(lambda c: (*_RISKS, {"h": F(1), "tau": F(c["steps"])}), risk_of_one),
        controls=(Control("factor_1.95", {"factor": F(195, 100)}),),
    ),
    Claim(
        id="own.denoising.flow",
        source=Source("own", "early stopping against the Wiener filter, small steps"),
        says="Gradient flow stopped at the time a/v, v the variance of a coefficient of z, has a mean squared error of at most $factor times that of the best linear filter that knows the squared coefficients of x.",
        tex=r"\mathbb E\langle\hat x_t-x,\hat x_t-x\rangle\le $factor\sum_i\tfrac{a\lambda_iv}{a\lambda_i+v},\ t=\tfrac av",
        refuted_by="a spectrum at which stopping there costs more",
        hypotheses=(_SOURCE, _FLOW),
        constants={"factor": Constant(F(1215, 1000), "down")},
        proofs=(flow_argument,),
        exact=ExactRoute(_FLOWS, risk_of_flow),
        controls=(Control("factor_1.2", {"factor": F(12, 10)}),),
        version=2,
    ),
    Claim(
        id="own.denoising.sure",
        source=Source("own", "Stein's unbiased risk estimate with exact degrees of freedom"),
        says="The squared norm of y - x^ less the sum of the variances v of the coefficients of z, plus ${factor:factor}v df, df = sum_i (1 - (1 - eta lambda_i)^tau), has the mean of the squared norm of x^ - x, x^ the iterate after tau steps from zero.",
        tex=r"\mathbb E[\langle y-\hat x,y-\hat x\rangle-nv+${factor:factor}v\sum_i(1-(1-\eta\lambda_i)^\tau)]=\mathbb E\langle\hat x-x,\hat x-x\rangle",
        refuted_by="a signal and a spectrum at which the means differ",
        domain={"n": Range(1, 10**9), "tau": Range(0, 10**9), "eta": Range(0, 1e9, False)},
        hypotheses=(
            Hypothesis(
                "white",
                "the coefficients of z have mean zero and one variance v",
                lambda case, c: case["mean"] == 0,
            ),
        ),
        constants={"factor": Constant(2)},
        proofs=(unbiased_argument,),
        exact=ExactRoute(
            tuple(
                {"x": x, "h": h, "tau": t, "mean": mean}
                for x in (0, F(3, 2))
                for h in (F(1, 4), F(3, 2))
                for t in (1, 5)
                for mean in (0, 1)
            ),
            estimate_of_one,
        ),
        controls=(Control("factor_1.9", {"factor": F(19, 10)}), Control("biased", {}, ("white",))),
    ),
)
