"""Net-PGD when the projection is inexact, how many steps it takes, and its exact factor on one small decoder."""

from __future__ import annotations

from fractions import Fraction as F
from functools import cache

import numpy as np
import sympy as sp
from flint import ctx

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
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.objects import decoders
from untrained.theory.objects.planar_contraction import PlanarContraction, contraction_of_planes
from untrained.theory.objects.planar_union import planar_union
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.papers.own.netpgd import ISOMETRY, NEAREST_POINT, restricted_constant
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed

_POLARISED = "own.netpgd.polarised"


# An oracle that is as good as x* up to an excess e: ||u - q||^2 <= ||q||^2 + e.


def inexact_argument(p: Premises) -> Symbolic:
    """||u||^2 <= 2<u, q> + e with <u, q> <= kappa||u||: ||u|| is at most the positive root of a quadratic."""
    uu, uq, qq, e = sp.symbols("uu uq qq e", real=True)
    rest = sp.expand((uu - 2 * uq + qq) - (qq + e) - (uu - 2 * uq - e))
    hypotheses = p.given("nearly") and p.given("isometry")
    return reduced(
        "x* competes up to e, so ||u - q||^2 <= ||q||^2 + e is ||u||^2 <= 2<u, q> + e, and <u, q> <= (|1 - eta| + eta alpha)"
        "||x - x*|| ||u|| = kappa||u|| as in the exact case; larger coefficients have a larger root.",
        [
            ("both hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("squares opened", rest),
            ("factor of kappa", exact_number(p["factor"]) >= exact_number(p.of(_POLARISED)["factor"])),
            ("excess", exact_number(p["room"]) >= 1),
        ],
        sufficient=True,
    )


def inexact_on_the_line(case: Case, c: Constants) -> Sides:
    """S = {0, u, 1}, x* = 0, x = 1: u = g + sqrt(g^2 + e) is as near to g as 0 is, up to e = (share g)^2."""
    alpha, eta, share = F(case["alpha"]), F(case["eta"]), F(case["share"])
    g = max(abs(1 - eta * (1 + sign * alpha)) for sign in (1, -1))
    u, e = g * (1 + F(case["hypotenuse"])), (share * g) ** 2
    if (u - g) ** 2 != g**2 + e:
        raise ValueError(f"hypotenuse must be that of the legs 1 and share, got {case['hypotenuse']}")
    kappa = abs(1 - eta) + eta * alpha
    return Sides(u**2, F(c["factor"]) * kappa * u + F(c["room"]) * e)


def inexact_on_points(case: Case, c: Constants) -> Sides:
    """The farthest point of a drawn set that is as near to q as x* is, up to e."""
    S, A, eta, e = case["S"][0], case["A"][0], float(case["eta"]), float(case["e"])
    star, x = S[0], S[1]
    v = x - star
    q = v - eta * A.T @ (A @ v)
    near = np.square(S - star - q).sum(1) <= q @ q + e
    near[0] = True  # x* itself, whatever the rounding
    offsets = (S - star)[near]
    u = offsets[np.argmax(np.square(offsets).sum(1))]
    spread = abs(1 - eta) + eta * restricted_constant(A, np.stack([u, v], axis=1))
    length = float(np.linalg.norm(u))
    rhs = float(c["factor"]) * spread * float(np.linalg.norm(v)) * length + float(c["room"]) * e
    return Sides(length**2, rhs * (1 + 1e-12), unit=float(v @ v))


# How many steps.


def steps_argument(p: Premises) -> Symbolic:
    """(factor alpha)^T <= 1/K, taken to logarithms."""
    K, alpha = sp.symbols("K alpha", positive=True)
    factor, polarised = exact_number(p["factor"]), exact_number(p.of(_POLARISED)["factor"])
    lead = exact_number(p["lead"])
    T = sp.log(K) / -sp.log(factor * alpha)
    final = T * sp.log(factor * alpha) + sp.log(K)
    hypotheses = p.given("nearest") and p.given("isometry")
    return reduced(
        "Each step multiplies the distance by at most 2 alpha at eta = 1, so T of them by (2 alpha)^T, which is at most "
        "1/K when -T ln(2 alpha) >= ln K; more steps only help.",
        [
            ("both hypotheses at every step", sp.Integer(int(hypotheses)) >= 1),
            ("factor of a step", factor >= polarised),
            ("steps", lead >= 1),
            ("distance after T steps", sp.simplify(final)),
        ],
        sufficient=True,
    )


def one_step_on_the_line(case: Case, c: Constants) -> Sides:
    """The line of `own.netpgd.polarised`, alpha and eta = 1: after one step 2 alpha is left; K makes T = 1."""
    alpha = float(F(case["alpha"]))
    per_step = float(c["factor"]) * alpha
    left = per_step ** (1 / float(c["lead"])) if 0 < per_step < 1 else 1.0
    return Sides(2 * alpha, left * (1 + 1e-8))


# The exact factor on one decoder.


@cache
def missing_pixel(code: tuple[tuple[int, int], ...], pixel: int) -> tuple[PlanarContraction, F]:
    """The enclosed factor where one pixel, counted from 1, is not measured, and the square that is attained exactly."""
    Z = np.array(code)
    S = TwoLayerRange(Z, decoders.upsampling_line(len(Z)), 1)
    A = np.delete(np.eye(2 * len(Z)), pixel - 1, axis=0)
    result = contraction_of_planes(S, A, relative=0.001)
    return result, planar_union(S).step_ratio_sq(A, result.star, result.x)


def factor_enclosed(p: Premises) -> Enclosed:
    """The certified bound and the exact ratio of one step, against the claimed ends."""
    result, attained_sq = missing_pixel(tuple(p["code"]), int(p["pixel"]))
    with ctx.workprec(120):
        low, high = ball(attained_sq).sqrt(), ball(result.bound)
        margins = [ball(p["most"]) - low.union(high), low.union(high) - ball(p["least"])]
        return enclosed(
            {"attained": low, "certified": high},
            margins,
            "Cells of pairs of cones are halved until each has a multiplier with which no entry of a form is negative, in "
            "rational arithmetic; the attained ratio is that of one step whose nearest point is decided exactly.",
        )


_CODE, _PIXEL = ((1, 0), (0, 1), (1, 1)), 2
_LINE = tuple(
    {"alpha": a, "eta": e, "share": s, "hypotenuse": h}
    for a in (F(1, 100), F(1, 5), F(1, 2))
    for e in (F(1, 2), F(1), F(6, 5))
    for s, h in ((F(3, 4), F(5, 4)), (F(12, 5), F(13, 5)), (F(7, 24), F(25, 24)))
)
_POINTS = {
    "d": Range(1, 6), "n": Range(1, 8), "N": Range(2, 8), "eta": Range(0.1, 1.5, False), "e": Range(0, 9, False)
}  # fmt: skip

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.netpgd.inexact",
        source=Source("own", "Theorem 1 of Jagatap and Hegde when the projection is not exact"),
        says="Then ||x+ - x*|| is at most the positive root t of t t = ${factor:factor}kappa t + ${room:factor}e, where kappa = (|1 - eta| + eta alpha)||x - x*||.",
        tex=r"t\cdot t= ${factor:factor}\kappa t+${room:factor}e\Rightarrow\|x^+-x^*\|\le t,\ \kappa=(|1-\eta|+\eta\alpha)\|x-x^*\|",
        refuted_by="a set, a matrix and a point from which the inexact step ends farther away",
        domain={"d": Range(1, 10**9), "n": Range(1, 10**9), "N": Range(2, 10**9), "eta": Range(0, 2, False)},
        law={"S": Draw("gaussian", ("N", "d")), "A": Draw("gaussian", ("n", "d"))},
        hypotheses=(
            Hypothesis(
                "nearly",
                "x+ and x* lie in S, and the squared distance of x+ from x - eta A^T(Ax - y) is at most e above that of x*",
            ),
            ISOMETRY,
        ),
        constants={"factor": Constant(2, "down"), "room": Constant(1, "down")},
        needs=(_POLARISED,),
        proofs=(inexact_argument,),
        version=2,
        exact=ExactRoute(_LINE, inexact_on_the_line),
        search=SearchRoute(inexact_on_points, within=_POINTS),
        controls=(
            Control("factor_1.98", {"factor": F(198, 100)}),
            Control("room_0.98", {"room": F(98, 100)}),
        ),
    ),
    Claim(
        id="own.netpgd.iterations",
        source=Source("own", "T of Algorithm 1 of Jagatap and Hegde with its constants"),
        says="With steps of length one and alpha below a half, T >= ${lead:factor}ln(K)/(-ln(${factor:factor}alpha)) steps divide the distance from x* by K or more.",
        tex=r"T\ge ${lead:factor}\frac{\ln K}{-\ln(${factor:factor}\alpha)}\Rightarrow K\|x^T-x^*\|\le\|x^{\mathrm{start}}-x^*\|",
        refuted_by="a set, a matrix and a start from which more steps are needed",
        domain={"alpha": Range(0, 0.5, False), "K": Range(1, 1e300, False, True)},
        hypotheses=(NEAREST_POINT, ISOMETRY),
        constants={"lead": Constant(1, "down"), "factor": Constant(2, "down")},
        needs=(_POLARISED,),
        proofs=(steps_argument,),
        exact=ExactRoute(tuple({"alpha": a} for a in (F(1, 100), F(1, 10), F(2, 5), F(49, 100))), one_step_on_the_line),
        controls=(Control("lead_0.98", {"lead": F(98, 100)}), Control("factor_1.98", {"factor": F(198, 100)})),
    ),
    Claim(
        id="own.netpgd.factor",
        source=Source(
            "own", "the contraction factor of Algorithm 1 of Jagatap and Hegde on a small decoder, certified"
        ),
        says="For the decoder of two inputs and one channel whose code has the rows $code, upsampled along a line, and measurements of every pixel but number $pixel, no step of length one multiplies the error by more than $most, and one does by $least.",
        tex=r"$least\le\sup_{x,x^*\in S}\frac{\|x^+-x^*\|}{\|x-x^*\|}\le $most",
        refuted_by="a step with a larger ratio, or a certificate that none has as large a one",
        constants={
            "code": Constant(_CODE, others=(((1, -2), (2, 1), (-1, 3)),)),
            "pixel": Constant(_PIXEL, whole=True),
            "most": Constant(F(491, 1000), "down"),
            "least": Constant(F(49, 100), "up"),
        },
        proofs=(factor_enclosed,),
        controls=(Control("most_0.489", {"most": F(489, 1000)}), Control("least_0.492", {"least": F(492, 1000)})),
    ),
)
