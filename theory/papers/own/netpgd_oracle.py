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
from untrained.theory.papers.own.netpgd import ISOMETRY, NEAREST, restricted_constant
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed

POLARISED = "own.netpgd.polarised"


# An oracle that is as good as x* up to epsilon^2: ||u - q||^2 <= ||q||^2 + epsilon^2.


def inexact_argument(p: Premises) -> Symbolic:
    """||u||^2 <= 2<u, q> + epsilon^2 with <u, q> <= kappa||u||: ||u|| is at most the positive root of a quadratic."""
    kappa, epsilon = sp.symbols("kappa epsilon", positive=True)
    root = kappa + sp.sqrt(kappa**2 + epsilon**2)
    parts = {name: exact_number(p[name]) for name in ("linear", "inside", "room")}
    hypotheses = p.given("nearly") and p.given("isometry")
    return reduced(
        "x* competes up to epsilon^2, so ||u||^2 <= 2<u, q> + epsilon^2, and <u, q> <= (|1 - eta| + eta alpha)||x - x*|| "
        "||u|| = kappa||u|| as in the exact case; u^2 - 2 kappa u - epsilon^2 <= 0 ends at its positive root.",
        [
            ("both hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("the root", sp.expand(root**2 - 2 * kappa * root - epsilon**2)),
            *((f"{name} at least that of the root", part >= 1) for name, part in parts.items()),
        ],
        sufficient=True,
    )


def inexact_on_the_line(case: Case, c: Constants) -> Sides:
    """S = {0, u, 1}, x* = 0, x = 1: u = g + sqrt(g^2 + epsilon^2) is as near to g as 0 is, up to epsilon^2.

    Squares of what is left of both sides once `linear` kappa is taken; epsilon = share g, a leg of a whole triangle.
    """
    alpha, eta, share = F(case["alpha"]), F(case["eta"]), F(case["share"])
    g = max(abs(1 - eta * (1 + sign * alpha)) for sign in (1, -1))
    hypotenuse = F(np.sqrt(float(1 + share**2))).limit_denominator(1000)
    u = g * (1 + hypotenuse) if hypotenuse**2 == 1 + share**2 else F(0)
    kappa = abs(1 - eta) + eta * alpha
    rest = max(F(0), u - F(c["linear"]) * kappa)
    return Sides(rest**2, F(c["inside"]) * kappa**2 + F(c["room"]) * (share * g) ** 2)


def inexact_on_points(case: Case, c: Constants) -> Sides:
    """The farthest point of a drawn set that is as near to q as x* is, up to epsilon^2."""
    S, A, eta, epsilon = case["S"][0], case["A"][0], float(case["eta"]), float(case["epsilon"])
    star, x = S[0], S[1]
    v = x - star
    q = v - eta * A.T @ (A @ v)
    near = np.square(S - star - q).sum(1) <= q @ q + epsilon**2
    offsets = (S - star)[near]
    u = offsets[np.argmax(np.square(offsets).sum(1))]
    spread = abs(1 - eta) + eta * restricted_constant(A, np.stack([u, v], axis=1))
    kappa = spread * float(np.linalg.norm(v))
    root = np.sqrt(float(c["inside"]) * kappa**2 + float(c["room"]) * epsilon**2)
    rhs = float(c["linear"]) * kappa + float(root)
    return Sides(float(np.linalg.norm(u)), rhs * (1 + 1e-12), unit=float(np.linalg.norm(v)))


# How many steps.


def steps_argument(p: Premises) -> Symbolic:
    """(factor alpha)^T <= epsilon, taken to logarithms."""
    epsilon, alpha = sp.symbols("epsilon alpha", positive=True)
    factor, polarised = exact_number(p["factor"]), exact_number(p.of(POLARISED)["factor"])
    lead = exact_number(p["lead"])
    T = sp.log(1 / epsilon) / sp.log(1 / (factor * alpha))
    final = sp.expand_log(T * sp.log(factor * alpha) - sp.log(epsilon), force=True)
    hypotheses = p.given("nearest") and p.given("isometry")
    return reduced(
        "Each step multiplies the distance by at most 2 alpha at eta = 1, so T of them by (2 alpha)^T, which is at most "
        "epsilon when T ln(1/(2 alpha)) >= ln(1/epsilon); more steps only help.",
        [
            ("both hypotheses at every step", sp.Integer(int(hypotheses)) >= 1),
            ("factor of a step", factor >= polarised),
            ("steps", lead >= 1),
            ("distance after T steps", sp.simplify(final)),
        ],
        sufficient=True,
    )


def one_step_on_the_line(case: Case, c: Constants) -> Sides:
    """The line of `own.netpgd.polarised`, alpha and eta = 1: after one step 2 alpha is left; epsilon makes T = 1."""
    alpha = float(F(case["alpha"]))
    per_step = float(c["factor"]) * alpha
    epsilon = per_step ** (1 / float(c["lead"])) if 0 < per_step < 1 else 1.0
    return Sides(2 * alpha, epsilon * (1 + 1e-8))


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
    {"alpha": a, "eta": e, "share": s}
    for a in (F(1, 100), F(1, 5), F(1, 2))
    for e in (F(1, 2), F(1), F(6, 5))
    for s in (F(3, 4), F(12, 5), F(7, 24))
)
_POINTS = {
    "d": Range(1, 6), "n": Range(1, 8), "N": Range(2, 8), "eta": Range(0.1, 1.5, False), "epsilon": Range(0, 3, False)
}  # fmt: skip

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.netpgd.inexact",
        source=Source("own", "Theorem 1 of Jagatap and Hegde when the projection is not exact"),
        says="Then ||x+ - x*|| <= ${linear:factor}kappa + sqrt(${inside:factor}kappa^2 + ${room:factor}epsilon^2), kappa = (|1 - eta| + eta alpha)||x - x*||.",
        tex=r"\|x^+-x^*\|\le ${linear:factor}\kappa+\sqrt{${inside:factor}\kappa^2+${room:factor}\epsilon^2},\ \kappa=(|1-\eta|+\eta\alpha)\|x-x^*\|",
        refuted_by="a set, a matrix and a point from which the inexact step ends farther away",
        domain={"d": Range(1, 10**9), "n": Range(1, 10**9), "N": Range(2, 10**9), "eta": Range(0, 2, False)},
        law={"S": Draw("gaussian", ("N", "d")), "A": Draw("gaussian", ("n", "d"))},
        hypotheses=(
            Hypothesis(
                "nearly",
                "x+ and x* lie in S, and the squared distance of x+ from x - eta A^T(Ax - y) is at most epsilon^2 above that of x*",
            ),
            ISOMETRY,
        ),
        constants={"linear": Constant(1, "down"), "inside": Constant(1, "down"), "room": Constant(1, "down")},
        proofs=(inexact_argument,),
        exact=ExactRoute(_LINE, inexact_on_the_line),
        search=SearchRoute(inexact_on_points, within=_POINTS),
        controls=(
            Control("linear_0.98", {"linear": F(98, 100)}),
            Control("inside_0.9", {"inside": F(9, 10)}),
            Control("room_0.98", {"room": F(98, 100)}),
        ),
    ),
    Claim(
        id="own.netpgd.iterations",
        source=Source("own", "T of Algorithm 1 of Jagatap and Hegde with its constants"),
        says="With steps of length one and alpha below a half, ||x^T - x*|| <= epsilon||x^0 - x*|| once T >= ${lead:factor}ln(1/epsilon)/ln(1/(${factor:factor}alpha)).",
        tex=r"T\ge ${lead:factor}\frac{\ln(1/\epsilon)}{\ln(1/(${factor:factor}\alpha))}\Rightarrow\|x^T-x^*\|\le\epsilon\|x^0-x^*\|",
        refuted_by="a set, a matrix and a start from which more steps are needed",
        domain={"alpha": Range(0, 0.5, False), "epsilon": Range(0, 1, False)},
        hypotheses=(NEAREST, ISOMETRY),
        constants={"lead": Constant(1, "down"), "factor": Constant(2, "down")},
        needs=(POLARISED,),
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
