"""Projected gradient descent onto any set, x+ = a point of S nearest to x - eta A^T(Ax - y), y = A x*: what it contracts by.

Three arguments for Theorem 1 of Jagatap and Hegde with explicit constants: the polarised one, the one through the loss,
and a sharp one for closed cones. All norms and inner products are Euclidean; Gram matrices show every dimension.
"""

from __future__ import annotations

import math
from fractions import Fraction as F

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
from untrained.theory.papers.jagatap19.dimension import RANKS
from untrained.theory.proof.algebra import exact_number, reduced

_ROUNDING = 1e-8
"""Room for rounding where a bound is attained: well above what decides nothing."""
NEAREST_POINT = Hypothesis(
    "nearest",
    "x+ is a point of S nearest to x - eta A^T(Ax - y), and x* lies in S",
    lambda case, c: case.get("oracle", 0) == 0,
)
ISOMETRY = Hypothesis(
    "isometry",
    "the squared norms of Ah and h differ by at most alpha times that of h, for h in the span of x+ - x* and x - x*",
    lambda case, c: case.get("apart", 0) == 0,
)

_ON_DIFFERENCES = (
    Hypothesis("above", "the squared norm of Ah is at most beta times that of h, for h in S - S"),
    Hypothesis("below", "the squared norm of Ah is at least gamma times that of h, for h in S - S"),
)

# The polarised form: ||u||^2 <= 2 <u, (I - eta A^T A) v>, u = x+ - x*, v = x - x*.


def polarised_argument(p: Premises) -> Symbolic:
    """||u - q||^2 <= ||q||^2 gives ||u||^2 <= 2<u, q>, q = (I - eta A^T A)v; polarisation bounds <u, q>."""
    uu, vv, uv, sums, differences, alpha = sp.symbols("uu vv uv sums differences alpha", real=True)
    inner = (sums - differences) / 4  # <Au, Av>, from ||A(u + v)||^2 and ||A(u - v)||^2
    most = inner.subs({sums: (1 + alpha) * (uu + vv + 2 * uv), differences: (1 - alpha) * (uu + vv - 2 * uv)})
    excess = sp.expand(most - uv).subs({uu: 1, vv: 1})
    factor = exact_number(p["factor"]) if p.given("nearest") and p.given("isometry") else sp.Integer(0)
    return reduced(
        "Nearest means ||u - q||^2 <= ||q||^2 as x* - x* = 0 competes: ||u||^2 <= 2<u, q>. <u, q> = (1 - eta)<u, v> + "
        "eta(<u, v> - <Au, Av>), and for unit u, v |<Au, Av> - <u, v>| <= alpha by the polarisation identity.",
        [
            ("|<Au, Av> - <u, v>| for unit vectors", excess - alpha),
            ("factor", factor >= 2),
        ],
        sufficient=True,
    )


def nearest_of_three(case: Case, c: Constants) -> Sides:
    """On the line, S = {0, 2g, 1} with x* = 0, x = 1, g = 1 - eta A^2: 2g is as near to g as 0 is.

    Where premises fail: `oracle` 1 takes the next best distance; `apart` 1 has alpha on the points alone, those of two axes
    which A = (1, 1) leaves as long as they are and cannot tell apart.
    """
    alpha, eta = F(case["alpha"]), F(case["eta"])
    g = max((1 - eta * (1 + sign * alpha) for sign in (1, -1)), key=abs)
    points = (F(0), 2 * g, F(1))
    distance = sorted({abs(x - g) for x in points})[case.get("oracle", 0)]
    farthest = max(abs(x) for x in points if abs(x - g) == distance)
    if case.get("apart", 0):
        alpha, farthest = F(0), F(1)
    return Sides(farthest, F(c["factor"]) * (abs(1 - eta) + eta * alpha))


def contraction_on_points(case: Case, c: Constants) -> Sides:
    """||x+ - x*|| on a drawn finite set against factor (|1 - eta| + eta alpha)||x - x*||."""
    S, A, eta = case["S"][0], case["A"][0], float(case["eta"])
    star, x = S[0], S[1]
    q = x - star - eta * A.T @ (A @ (x - star))
    u, v = S[np.argmin(np.linalg.norm(S - star - q, axis=1))] - star, x - star
    spread = abs(1 - eta) + eta * restricted_constant(A, np.stack([u, v], axis=1))
    rhs = float(c["factor"]) * spread * np.linalg.norm(v)
    return Sides(float(np.linalg.norm(u)), float(rhs) * (1 + 1e-12), unit=float(np.linalg.norm(v)))


def restricted_constant(A: Array, vectors: Array) -> float:
    """The least alpha with | ||Ah||^2 - ||h||^2 | <= alpha ||h||^2 on the span of the columns, (d, r)."""
    basis, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    basis = basis[:, sizes > 1e-12 * max(sizes.max(), 1e-300)]
    if not basis.shape[1]:
        return 0.0
    values = np.linalg.svd(A @ basis, compute_uv=False) ** 2
    least = values.min() if A.shape[0] >= basis.shape[1] else 0.0
    return float(max(values.max() - 1, 1 - least))


# The loss: eta = 1/beta, psi(x) = ||y - Ax||^2, an isometry with constants gamma and beta on S - S alone.


def loss_argument(p: Premises) -> Symbolic:
    """psi(x+) <= psi(x) + <grad, h+> + beta||h+||^2, whose least value over S is at most that at x*."""
    psi, distance_sq, beta, gamma = sp.symbols("psi distance_sq beta gamma", positive=True)
    at_star = psi - 2 * psi + beta * distance_sq  # <grad, x* - x> = -2 psi(x), and psi(x) = ||A(x* - x)||^2
    bounded = sp.expand(at_star.subs(distance_sq, psi / gamma) / psi)
    claimed = exact_number(p["ratio"]) * beta / gamma - exact_number(p["less"])
    hypotheses = all(map(p.given, ("nearest", "above", "below")))
    return reduced(
        "Since ||A h+||^2 <= beta||h+||^2, psi(x+) is at most psi(x) + <grad psi(x), h+> + beta||h+||^2, h+ = x+ - x; "
        "with eta = 1/(beta) half the gradient's step the nearest point minimises this over S, so that its value is at "
        "most that at x*, where beta||x* - x||^2 <= (beta/gamma) psi(x).",
        [
            ("all three hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("step", exact_number(p["step"]) - 1),
            ("power of the misfit", exact_number(p["power"]) - 2),
            ("factor at beta = gamma", sp.expand(claimed - bounded).subs({beta: gamma}) >= 0),
            ("factor grows no slower", sp.simplify(sp.diff(claimed - bounded, beta) * gamma) >= 0),
        ],
        sufficient=True,
    )


def loss_in_the_plane(case: Case, c: Constants) -> Sides:
    """A = diag(sqrt gamma, sqrt beta), x* = 0, x = e_1, x+ the worst of the points as near to q as x* is."""
    beta, gamma = float(case["beta"]), float(case["gamma"])
    A, x = np.diag([math.sqrt(gamma), math.sqrt(beta)]), np.array([1.0, 0.0])
    q = x - float(c["step"]) / beta * A.T @ (A @ x)
    angles = np.linspace(0, math.pi, 721)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = 2 * (rays @ q)[:, None] * rays
    worst = (np.square(points @ A.T).sum(1) / np.square(A @ x).sum()).max()
    claimed = float(c["ratio"]) * beta / gamma - float(c["less"])
    return Sides(float(worst) ** (float(c["power"]) / 2), claimed * (1 + _ROUNDING))


# The same where beta <= 2 gamma, sharp: B = A^T A/beta, a = B^{1/2}(x+ - x*), b = B^{1/2}(x - x*), C = B^{-1}.


def root_argument(p: Premises) -> Symbolic:
    """<a, Ca> <= 2<a, (C - I)b>; with s = <a, (C - I)a>/|a|^2 it is |a|(1 + s) <= 2 sqrt(s (c - 1))|b|, c = beta/gamma."""
    s, c = sp.symbols("s c", positive=True)
    size = 2 * sp.sqrt(s * (c - 1)) / (1 + s)
    rises = sp.simplify(sp.diff(sp.sqrt(s) / (1 + s), s) * 2 * sp.sqrt(s) * (1 + s) ** 2 - (1 - s))
    hypotheses = all(map(p.given, ("nearest", "above", "below")))
    return reduced(
        "x* competes: ||x+ - x*||^2 <= 2<x+ - x*, (I - B)(x - x*)>, which reads so in a and b. Cauchy and Schwarz for C - I, "
        "which lies between 0 and c - 1, bound the right side, and sqrt(s)/(1 + s) rises up to s = 1, so that s = c - 1 is "
        "the worst while c - 1 <= 1: |a| <= 2(1 - 1/c)|b|.",
        [
            ("all three hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("sqrt(s)/(1 + s) rises for s < 1", rises),
            ("value at s = c - 1", sp.simplify(size.subs(s, c - 1).subs(c, 1 + s**2) - 2 * s**2 / (1 + s**2))),
            ("largest c", exact_number(p["limit"]) - 1 <= 1),
            ("factor", exact_number(p["factor"]) >= 2),
            ("step", exact_number(p["step"]) - 1),
        ],
        sufficient=True,
    )


def misfit_on_the_line(case: Case, c: Constants) -> Sides:
    """S = {0, 2q, 1}, x* = 0, x = 1, A^2 = gamma: q = 1 - step gamma/beta; or the plane, for beta near its limit."""
    ratio = F(c["limit"]) * F(case["share"])
    if case["plane"]:
        plain = {"step": c["step"], "power": 2, "ratio": 1, "less": 1}
        worst = loss_in_the_plane({"beta": float(ratio), "gamma": 1.0}, plain).lhs
        return Sides(worst, (float(c["factor"]) * (1 - 1 / float(ratio))) ** 2 * (1 + _ROUNDING))
    q = 1 - F(c["step"]) / ratio
    farthest = max((abs(x) for x in (F(0), 2 * q) if abs(x - q) <= abs(1 - q)), default=F(0))
    return Sides(farthest, F(c["factor"]) * (1 - 1 / ratio))


# Closed cones: x+ is also the best on its own ray and better than the best on the ray of x*.


def cone_argument(p: Premises) -> Symbolic:
    """In the plane of x+ and x*, with |x+| = 1, x* = q: the squared ratio in both regimes against rho(theta)^2."""
    cosine, q, s = sp.symbols("c q s", positive=True)  # s = tan(theta/2)
    base, inner = exact_number(p["base"]), exact_number(p["inner"])
    rho_sq = sp.expand((base + sp.sqrt(inner + cosine)) ** 2)
    tau_sq = (1 - cosine) / (1 + cosine)
    discriminant = (1 - cosine) ** 2 - (rho_sq - 1) * (rho_sq * tau_sq - 2 * (1 - cosine))
    near = 2 - cosine**2
    quadratic = sp.expand(near**2 - (3 + 2 * cosine) * near + (1 + cosine) ** 2)
    of_s = (1 - s**2) / (1 + s**2)
    square, distance = 1 - 2 * q * of_s + q**2, (1 - q * of_s) ** 2 + (q * 2 * s / (1 + s**2) - s) ** 2
    return reduced(
        "x+ = (1, 0) is the best point of its ray, so w = (1, h); the ray of x* captures no more, so h <= tan(theta/2). "
        "For q sin(theta) <= tan(theta/2) the ratio is at most 2 - cos^2; beyond, with t = q - 1, it is "
        "(t^2 + 2(1 + t)(1 - cos))/(t^2 + tan^2(theta/2)), at most rho^2 for all t exactly when a discriminant is <= 0; it "
        "vanishes at rho, so rho is attained.",
        [
            ("cone and nearest point", sp.Integer(int(p.given("nearest") and p.given("cone"))) >= 1),
            ("numerator at q = 1 + t", sp.cancel(square - ((q - 1) ** 2 + 2 * q * (1 - of_s)))),
            ("denominator at q = 1 + t", sp.cancel(distance - ((q - 1) ** 2 + s**2))),
            ("discriminant", sp.simplify(discriminant)),
            ("first regime lies between the roots", sp.factor(quadratic - (cosine + 1) ** 3 * (cosine - 1))),
        ],
    )


def cone_in_the_plane(case: Case, c: Constants) -> Sides:
    """Two rays at an angle, x* and w at their worst: ||x+ - x*||/||w - x*|| against rho(theta).

    Where premises fail: `points` 1 is S = {x+, x*}, no cone, and w in their middle; `oracle` 1 has w = x*, not x+, nearest.
    """
    cosine = math.cos(float(case["angle"]))
    rho_sq = 1.5 + cosine + math.sqrt(5 + 4 * cosine) / 2
    t = (1 - cosine) / (rho_sq - 1)
    q, tangent = 1 + t, math.tan(float(case["angle"]) / 2)
    star = q * np.array([cosine, math.sin(float(case["angle"]))])
    u, w, rho = np.array([1.0, 0.0]), np.array([1.0, tangent]), float(c["base"])
    rho += math.sqrt(max(0.0, float(c["inner"]) + cosine))
    if case.get("points", 0) or case.get("oracle", 0):
        w = star if case.get("oracle", 0) else (u + star) / 2
        return Sides(float(np.linalg.norm(u - star)), rho * float(np.linalg.norm(w - star)), unit=1.0)
    return Sides(float(np.linalg.norm(u - star) / np.linalg.norm(w - star)), rho)


def cone_of_rays(case: Case, c: Constants) -> Sides:
    """A drawn union of rays, v drawn: the nearest point's distance from a point x* of another ray."""
    rays = case["rays"][0] / np.linalg.norm(case["rays"][0], axis=1, keepdims=True)
    star, v = float(case["length"]) * rays[0], case["v"][0]
    lengths = np.maximum(rays @ v, 0)
    best = int(np.argmax(lengths))
    u = lengths[best] * rays[best]
    if not np.linalg.norm(u):
        return Sides(0.0, 1.0)
    plane, _ = np.linalg.qr(np.stack([u, star], axis=1))
    error = np.linalg.norm(plane.T @ (v - star))
    cosine = float(np.clip(u @ star / np.linalg.norm(u) / np.linalg.norm(star), -1, 1))
    rho = float(c["base"]) + math.sqrt(max(0.0, float(c["inner"]) + cosine))
    return Sides(float(np.linalg.norm(u - star)), float(rho * error) + 1e-12, unit=float(np.linalg.norm(star)))


_POINTS = {"d": Range(1, 6), "n": Range(1, 8), "N": Range(2, 8), "eta": Range(0.1, 1.5, False)}
_ANY_POINTS = {"d": Range(1, 10**9), "n": Range(1, 10**9), "N": Range(2, 10**9), "eta": Range(0, 2, False)}
_EXTREME = tuple(
    {"alpha": a, "eta": e} for a in (F(1, 100), F(1, 10), F(1, 3), F(1, 2)) for e in (F(1, 2), F(1), F(6, 5))
)
_BROKEN = ({"alpha": F(1, 10), "eta": F(1), "oracle": 1}, {"alpha": F(0), "eta": F(9, 10), "apart": 1})
_PLANES = tuple({"beta": beta, "gamma": gamma} for gamma in (0.2, 0.5, 0.9) for beta in (1.0, 1.3, 4.0))
_RATIOS = tuple({"share": s, "plane": plane} for s in (F(51, 100), F(3, 5), F(5, 6), F(1)) for plane in (False, True))
_ANGLES = tuple({"angle": angle} for angle in (0.01, 0.1, 0.5, 1.0, math.pi / 2, 2.0, 3.0))

CLAIMS: tuple[Claim, ...] = (
    *RANKS,
    Claim(
        id="own.netpgd.polarised",
        source=Source("own", "Theorem 1 of Jagatap and Hegde, the polarised argument with its constant"),
        says="Then ||x+ - x*|| <= ${factor:factor}(|1 - eta| + eta alpha)||x - x*||.",
        tex=r"\|x^+-x^*\|\le ${factor:factor}(|1-\eta|+\eta\alpha)\|x-x^*\|",
        refuted_by="a set, a matrix and a point that contract less",
        domain=_ANY_POINTS,
        law={"S": Draw("gaussian", ("N", "d")), "A": Draw("gaussian", ("n", "d"))},
        hypotheses=(NEAREST_POINT, ISOMETRY),
        constants={"factor": Constant(2, "down")},
        proofs=(polarised_argument,),
        version=3,
        exact=ExactRoute((*_EXTREME, *_BROKEN), nearest_of_three),
        search=SearchRoute(contraction_on_points, within=_POINTS),
        controls=(
            Control("factor_1.98", {"factor": F(198, 100)}),
            Control("second_nearest", without=("nearest",)),
            Control("isometry_on_S", without=("isometry",)),
        ),
    ),
    Claim(
        id="own.netpgd.loss",
        source=Source("own", "Theorem 1 of Jagatap and Hegde, the argument through the loss with its constant"),
        says="With eta = $step/beta, ||A(x+ - x*)||^$power <= (${ratio:factor}beta/gamma - $less)||A(x - x*)||^$power.",
        tex=r"\eta=$step/\beta\Rightarrow\|A(x^+-x^*)\|^{$power}\le(${ratio:factor}\beta/\gamma-$less)\|A(x-x^*)\|^{$power}",
        refuted_by="a set, a matrix and a point whose misfit shrinks less",
        domain={"beta": Range(1e-3, 1e3, False, True), "gamma": Range(1e-3, 1e3, False, True)},
        hypotheses=(NEAREST_POINT, *_ON_DIFFERENCES),
        constants={
            "step": Constant(1),
            "power": Constant(2),
            "ratio": Constant(1, "down"),
            "less": Constant(1, "up"),
        },
        proofs=(loss_argument,),
        version=2,
        exact=ExactRoute(_PLANES, loss_in_the_plane),
        controls=(Control("ratio_0.99", {"ratio": F(99, 100)}), Control("less_1.01", {"less": F(101, 100)})),
    ),
    Claim(
        id="own.netpgd.loss_sharp",
        source=Source("own", "sharpens the argument through the loss where it contracts"),
        says="With eta = $step/beta and beta <= ${limit:factor}gamma, ||A(x+ - x*)|| <= ${factor:factor}(1 - gamma/beta)||A(x - x*)||.",
        tex=r"\eta=$step/\beta,\ \beta\le ${limit:factor}\gamma\Rightarrow\|A(x^+-x^*)\|\le ${factor:factor}(1-\gamma/\beta)\|A(x-x^*)\|",
        refuted_by="a set, a matrix and a point whose misfit shrinks less",
        domain={"beta": Range(1e-3, 1e3, False, True), "gamma": Range(1e-3, 1e3, False, True)},
        hypotheses=(NEAREST_POINT, *_ON_DIFFERENCES),
        constants={"step": Constant(1), "limit": Constant(2, "up"), "factor": Constant(2, "down")},
        proofs=(root_argument,),
        exact=ExactRoute(_RATIOS, misfit_on_the_line),
        controls=(Control("factor_1.98", {"factor": F(198, 100)}), Control("limit_2.1", {"limit": F(21, 10)})),
    ),
    Claim(
        id="own.netpgd.cone",
        source=Source("own", "sharpens the factor 2 on closed cones"),
        says="With theta the angle between x+ and x*, ||x+ - x*|| <= ($base + sqrt($inner + cos theta))||w - x*||, w the projection of x - eta A^T(Ax - y) onto the span of x+ and x*; attained for every theta.",
        tex=r"\|x^+-x^*\|\le\big($base+\sqrt{$inner+\cos\theta}\big)\|P_{\mathrm{span}(x^+,x^*)}(v-x^*)\|",
        refuted_by="two rays and a point for which the ratio is larger, or an angle at which none comes up to it",
        domain={"angle": Range(0, math.pi, False)},
        law={"rays": Draw("gaussian", ("N", "d")), "v": Draw("gaussian", ("d",))},
        hypotheses=(
            NEAREST_POINT,
            Hypothesis("cone", "S is a closed cone", lambda case, c: case.get("points", 0) == 0),
        ),
        constants={"base": Constant(F(1, 2)), "inner": Constant(F(5, 4))},
        proofs=(cone_argument,),
        version=3,
        exact=ExactRoute((*_ANGLES, {"angle": 2.0, "points": 1}, {"angle": 2.0, "oracle": 1}), cone_in_the_plane),
        search=SearchRoute(
            cone_of_rays, within={"d": Range(2, 6), "N": Range(2, 8), "length": Range(0.01, 100, False, True)}
        ),
        controls=(Control("base_0.49", {"base": F(49, 100)}), Control("inner_1.24", {"inner": F(124, 100)})),
    ),
)
