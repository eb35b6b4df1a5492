"""Net-PGD from magnitudes, y = |A x*|: what wrong signs cost a step, and how many of them a good start leaves.

Where Ax and Ax* differ in sign the residual a x - |a x*| sign(a x) is theta a h with |theta| <= 1, h = x - x*, elsewhere it is
a h: the step is that of Algorithm 1 but for (1 - theta) a h on the rows F that differ. Source: jagatap19 Algorithm 2
"""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import sympy as sp
from scipy.integrate import quad

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
from untrained.theory.papers.own.netpgd import ISOMETRY, restricted_constant
from untrained.theory.proof.algebra import exact_number, reduced

_POLARISED = "own.netpgd.polarised"
_TINY = F(1, 10**6)


# What wrong signs cost.


def flipped_argument(p: Premises) -> Symbolic:
    """<u, q> = <u, (I - eta A^T A)h> + eta sum over F of (1 - theta)(a u)(a h), 0 <= 1 - theta <= 2."""
    after, star = sp.symbols("after star", positive=True)  # |a x| and |a x*|, of opposite signs
    theta = (after - star) / (after + star)
    factor, flip = exact_number(p["factor"]), exact_number(p["flip"])
    hypotheses = p.given("nearest") and p.given("isometry")
    return reduced(
        "The nearest point gives ||u||^2 <= 2<u, q> as in `own.netpgd.polarised`. On F the residual is (|a x| - |a x*|) "
        "sign(a x) and a h is (|a x| + |a x*|) sign(a x), so 1 - theta lies in (0, 2); by Cauchy and Schwarz the sum over F is "
        "at most 2||A_F u|| ||A_F h||, each factor at most kappa times a length.",
        [
            ("both hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("factor", factor >= exact_number(p.of(_POLARISED)["factor"])),
            ("1 - theta", sp.simplify(1 - theta - 2 * star / (after + star))),
            ("at most 2", sp.simplify(2 - (1 - theta) - 2 * after / (after + star))),
            ("flip", flip >= 2),
            ("power of kappa", exact_number(p["power"]) - 2),
        ],
        sufficient=True,
    )


def flipped_on_the_line(case: Case, c: Constants) -> Sides:
    """S = {x*, x* + 2q} on the line, x* = 1 and x, not in S, just below 0: the sign is wrong, theta is nearly -1."""
    a_sq, eta = F(case["a_sq"]), F(case["eta"])
    x, star = -_TINY, F(1)
    h, theta = x - star, (_TINY - 1) / (_TINY + 1)
    q = (1 - eta * theta * a_sq) * h
    points = (star, star + 2 * q)
    least = min(abs(point - star - q) for point in points)
    u = max(abs(point - star) for point in points if abs(point - star - q) == least)
    spread = abs(1 - eta) + eta * abs(a_sq - 1)
    kappa = a_sq if c["power"] == 2 else F(float(a_sq) ** (float(c["power"]) / 2))
    return Sides(u / abs(h), F(c["factor"]) * (spread + F(c["flip"]) * eta * kappa))


def phase_on_points(case: Case, c: Constants) -> Sides:
    """A step of Algorithm 2 on a drawn finite set, its isometry and its flipped rows measured on the span of u and h."""
    S, A, eta = case["S"][0], case["A"][0], float(case["eta"])
    star, x = S[0], S[1]
    after, before = A @ x, A @ star
    h = x - star
    q = h - eta * A.T @ (after - np.abs(before) * np.sign(after))
    u = S[np.argmin(np.linalg.norm(S - star - q, axis=1))] - star
    span = np.stack([u, h], axis=1)
    flipped = A[after * before < 0]
    kappa_sq = largest_square(flipped, span)
    spread = abs(1 - eta) + eta * restricted_constant(A, span)
    rhs = (
        float(c["factor"])
        * (spread + float(c["flip"]) * eta * kappa_sq ** (float(c["power"]) / 2))
        * float(np.linalg.norm(h))
    )
    return Sides(float(np.linalg.norm(u)), rhs * (1 + 1e-12), unit=float(np.linalg.norm(h)))


def largest_square(rows: np.ndarray, vectors: np.ndarray) -> float:
    """The largest ||A_F v||^2/||v||^2 on the span of the columns of `vectors`; 0 without rows."""
    basis, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    basis = basis[:, sizes > 1e-12 * max(sizes.max(), 1e-300)]
    return float(np.linalg.norm(rows @ basis, 2) ** 2) if rows.size and basis.size else 0.0


# How much of h the flipped rows hold, for Gaussian rows.


def wedge_argument(p: Premises) -> Symbolic:
    """E (a h)^2 over F in the plane of x and x*: two opposite wedges of the angle phi between them."""
    phi, psi, omega = sp.symbols("phi psi omega", real=True)
    radius_sq = sp.integrate(sp.Symbol("r") ** 3 * sp.exp(-(sp.Symbol("r") ** 2) / 2), (sp.Symbol("r"), 0, sp.oo))
    share = radius_sq * 2 / (2 * sp.pi)  # E r^2, two wedges, density 1/(2 pi) of the direction
    left = sp.integrate(1 - sp.cos(psi - omega) ** 2 - sp.sin(psi - omega) ** 2, (psi, 0, phi))
    return reduced(
        "Only the projection of a to the plane of x and x* counts; its direction is uniform, its squared length has mean 2 and "
        "is independent of it. The sign differs on two opposite wedges of the angle phi, where (a h)^2 is at most ||a||^2 "
        "||h||^2 times cos^2, and cos^2 <= 1; and the ray of x stays ||x*|| sin(phi) away from x*, so sin(phi) <= delta.",
        [
            ("Gaussian rows", sp.Integer(int(p.given("gaussian"))) >= 1),
            ("mean of both wedges for cos^2 = 1", share * sp.pi >= 2),
            ("1 = cos^2 + sin^2", sp.simplify(left)),
            ("slope", exact_number(p["slope"]) >= share * sp.pi),
            ("power", exact_number(p["power"]) - 2),
        ],
        sufficient=True,
    )


def wedge_energy(case: Case, c: Constants) -> Sides:
    """The exact mean over F for x = x* + delta (cos w, sin w), x* = (1, 0), against slope arcsin(delta)/pi."""
    delta, power = float(case["delta"]), float(c["power"])
    omega = math.pi / 2 + math.asin(delta) + float(case["turn"])  # at turn 0 x touches the sphere around x*
    phi = math.atan2(delta * math.sin(omega), 1 + delta * math.cos(omega))
    radius = 2 ** (power / 2) * math.gamma(1 + power / 2)
    wedge, _ = quad(lambda psi: abs(math.cos(psi - omega)) ** power, math.pi / 2, math.pi / 2 + phi, epsabs=1e-13)
    return Sides(radius / math.pi * wedge, float(c["slope"]) * math.asin(delta) / math.pi)


_GAUSSIAN = Hypothesis("gaussian", "a has independent standard normal entries")
_LINES = tuple({"a_sq": a, "eta": e} for a in (F(1, 2), F(1), F(11, 10), F(3, 2)) for e in (F(1, 2), F(1)))
_WEDGES = tuple({"delta": d, "turn": t} for d in (0.01, 0.1, 0.3, 0.6, 0.9) for t in (-0.4, -0.1, 0.0, 0.1))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.netpgd.phase",
        source=Source("own", "Theorem 2 of Jagatap and Hegde, one step of Algorithm 2 with its constants"),
        says="Then ||x+ - x*|| <= ${factor:factor}(|1 - eta| + eta alpha + ${flip:factor}eta kappa^$power)||x - x*||, kappa the largest ||A_F h||/||h|| on the same span, A_F the rows on which Ax and Ax* differ in sign.",
        tex=r"\|x^+-x^*\|\le ${factor:factor}(|1-\eta|+\eta\alpha+${flip:factor}\eta\kappa^{$power})\|x-x^*\|",
        refuted_by="a set, a matrix and a point from which the step ends farther away",
        domain={"d": Range(1, 10**9), "n": Range(1, 10**9), "N": Range(2, 10**9), "eta": Range(0, 2, False)},
        law={"S": Draw("gaussian", ("N", "d")), "A": Draw("gaussian", ("n", "d"))},
        hypotheses=(
            Hypothesis(
                "nearest", "x+ is a point of S nearest to x - eta A^T(Ax - y sign(Ax)), y = |Ax*|, and x* lies in S"
            ),
            ISOMETRY,
        ),
        constants={"factor": Constant(2, "down"), "flip": Constant(2, "down"), "power": Constant(2)},
        needs=(_POLARISED,),
        proofs=(flipped_argument,),
        exact=ExactRoute(_LINES, flipped_on_the_line),
        search=SearchRoute(
            phase_on_points,
            within={"d": Range(1, 6), "n": Range(1, 8), "N": Range(2, 8), "eta": Range(0.1, 1.5, False)},
        ),
        controls=(Control("factor_1.98", {"factor": F(198, 100)}), Control("flip_1.95", {"flip": F(195, 100)})),
    ),
    Claim(
        id="own.netpgd.flips",
        source=Source("own", "the radius of the start in Theorem 2 of Jagatap and Hegde"),
        says="For ||h|| = delta||x*||, h = x - x*, delta below one, the mean of |<a, h>|^$power over the rows a with another sign at x than at x* is at most ${slope:factor}arcsin(delta)/pi times ||h||^$power.",
        tex=r"E[|\langle a,h\rangle|^{$power};\,\mathrm{sign}\langle a,x\rangle\ne\mathrm{sign}\langle a,x^*\rangle]\le\tfrac{${slope:factor}\arcsin\delta}{\pi}\|h\|^{$power}",
        refuted_by="a direction of x - x* in which the mean is larger",
        domain={"delta": Range(0, 1, False)},
        hypotheses=(_GAUSSIAN,),
        constants={"slope": Constant(2, "down"), "power": Constant(2, "up")},
        proofs=(wedge_argument,),
        exact=ExactRoute(_WEDGES, wedge_energy),
        controls=(Control("slope_1.95", {"slope": F(195, 100)}),),
    ),
)
