"""Gradient descent of smooth networks: the sharp constants of gradient flow hold step by step, up to the step 1/||J||^2.

Loss ||F(theta) - y||^2/2, J the Jacobian of F with Lipschitz constant L, sigma its smallest singular value at the start, r = F -
y, level = L||r_0||/sigma^2. With p the path so far a step of length d takes at least (sigma - L p)d - L d^2/2 off ||r||, which is
what the flow loses along the same piece of path. The scalar network F = theta - theta^2/2 attains it.
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import cache
from itertools import pairwise

import sympy as sp
from flint import arb, ctx

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
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_STEPS, _BITS = 1500, 200


def step_terms(step: sp.Expr) -> list[tuple[str, object]]:
    """||u|| - ||(I - eta JJ^T)u|| >= eta sigma ||J^T u||, for ||u|| = 1 and eta ||J||^2 <= step."""
    eta, sigma, more, most, value, h = sp.symbols("eta sigma more most value h", positive=True)
    m = sigma + more  # ||J^T u||
    chord = (sigma**2 + most) * value - sigma**2 * most - value**2
    square = (1 - eta * sigma * m) ** 2 - (1 - 2 * eta * m**2 + eta**2 * ((sigma**2 + most) * m**2 - sigma**2 * most))
    rest = sp.Poly(sp.expand(2 * m - step * (m + sigma)), sigma, more)
    return [
        ("mean square of the eigenvalues by the chord", sp.expand(chord - (value - sigma**2) * (most - value))),
        ("difference of squares", sp.expand(square - eta * more * (2 * m - eta * most * (m + sigma)))),
        ("not negative", all(x >= 0 for x in rest.coeffs())),
        ("average of the Jacobian", sp.integrate(h, (h, 0, 1)) - sp.Rational(1, 2)),
    ]


def descent_argument(p: Premises) -> Symbolic:
    """Units sigma = L = 1: ||r|| <= level - (path - path^2/2), at every point of every step."""
    path, d, level, q, a, b = sp.symbols("path d level q a b", positive=True)
    twice, rate = exact_number(p["twice"]), exact_number(p["rate"])
    fall = path - path**2 / 2
    end = 1 - sp.sqrt(1 - 2 * level)
    gain = sp.expand((q + a + b) * ((q + a + b) + (q + a)) / 2 - rate * q**2)
    return reduced(
        "r_+ = (I - eta JJ^T)r - eta(J' - J)J^T r, J' the average along the step, ||J' - J|| <= d/2. So a step of length d takes "
        "(1 - path)d - d^2/2 off ||r||, as does any part of it: along the polygon ||r|| <= level - path + path^2/2, which is 0 at the "
        "end 1 - sqrt(1 - 2 level), and the path cannot pass it. With q the end's smallest singular value those before and "
        "after the step are q + a + b and q + a, and d >= eta(q + a + b)||r||.",
        [
            ("both hypotheses", sp.Integer(int(p.given("lipschitz") and p.given("step"))) >= 1),
            *step_terms(exact_number(p["step"])),
            ("fall along a step", sp.expand(fall.subs(path, path + d) - fall - ((1 - path) * d - d**2 / 2))),
            ("end of the path", sp.simplify(level - fall.subs(path, end))),
            ("what is left of the smallest singular value", sp.simplify((1 - end) ** 2 - (1 - 2 * level))),
            ("rate", all(x >= 0 for x in sp.Poly(gain, q, a, b).coeffs())),
            ("factor of the level", twice >= 2),
            ("levels with an end", exact_number(p["limit"]) <= sp.Rational(1, 2)),
        ],
        sufficient=True,
    )


@cache
def scalar_descent(level: F, eta: F, curvature: F) -> tuple[arb, arb, list[arb]]:
    """F = theta - curvature theta^2/2 from 0 towards the level: path, J at the end, and |r| step by step."""
    with ctx.workprec(_BITS):
        theta, path, y, bend = arb(0), arb(0), ball(level), ball(curvature)
        misfits, r = [y], -y
        while len(misfits) <= _STEPS and misfits[-1] > 1e-12 * y:
            move = -ball(eta) * (1 - bend * theta) * r
            theta, path = (theta + move).mid(), path + abs(move)
            r = theta - bend * theta**2 / 2 - y
            misfits.append(abs(r))
        return path, 1 - bend * theta, misfits


def scalar_sides(case: Case, c: Constants) -> Sides:
    """Part by part: is it fitted (F <= 1/2 everywhere), J at the end, path, largest ratio; to one part in 10^9."""
    level, eta = F(c["limit"]) * F(case["share"]), F(c["step"]) * F(case["times"])
    path, J, misfits = scalar_descent(level, eta, F(case["curvature"]))
    with ctx.workprec(_BITS):
        left, near = (1 - ball(c["twice"]) * ball(level)).max(arb(0)), ball(F(1, 10**9))
        factor = 1 - ball(c["rate"]) * ball(eta) * left + near
        match case["part"]:
            case "fit":
                claimed = factor ** (len(misfits) - 1) * misfits[0] if level < F(1, 2) else arb(0)
                return Sides(misfits[-1], claimed, unit=1)
            case "smallest":
                return Sides(left.sqrt(), J + near)
            case "path":
                return Sides(path, (1 - left.sqrt()) * (1 + near))
        return Sides(max(after / before for before, after in pairwise(misfits)), factor)


_LIPSCHITZ = Hypothesis(
    "lipschitz",
    "the Jacobian J of F is Lipschitz with constant L along the path, and its smallest singular value at the start is sigma",
    lambda case, c: case["curvature"] <= 1,
)
_STEP = Hypothesis(
    "step",
    "eta is at most ${step:factor}the inverse of <s, s>, s the largest singular value of J at any iterate",
    lambda case, c: case["times"] <= 1,
)


def _cases() -> tuple[Case, ...]:
    parts = ("fit", "smallest", "path", "rate")
    runs = [(s, h, F(1)) for s in (F(1, 10**6), F(1, 2), F(9, 10)) for h in (F(1, 4), F(1))]
    runs += [(F(1, 10**6), F(3, 2), F(1)), (F(9, 10), F(1, 4), F(2))]
    return tuple({"part": x, "share": s, "times": h, "curvature": u} for s, h, u in runs for x in parts)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.smooth_descent",
        source=Source("own", "gradient descent in place of the flow of Buskulic, Fadili and Queau"),
        says="If level = L||r_0||/(sigma sigma) is below $limit, gradient descent fits y, the smallest singular value of J stays at least sqrt(one - ${twice:factor}level) sigma, the path is at most (one - sqrt(one - ${twice:factor}level)) sigma/L, and a step leaves at most one - ${rate:factor}eta(one - ${twice:factor}level)sigma sigma of ||r||.",
        tex=r"\ell=\tfrac{L\|r_0\|}{\sigma\cdot\sigma}<$limit,\ \eta\le\tfrac{$step}{\|J_t\|\|J_t\|}\Rightarrow\|r_+\|\le\big(\mathrm{one}-${rate:factor}\eta(\mathrm{one}-${twice:factor}\ell)\sigma\cdot\sigma\big)\|r\|",
        refuted_by="a network whose descent goes further, falls more slowly, or ends elsewhere",
        domain={"level": Range(0, "limit", False)},
        hypotheses=(_LIPSCHITZ, _STEP),
        constants={
            "twice": Constant(2, "down"),
            "limit": Constant(F(1, 2), "up"),
            "rate": Constant(1, "up"),
            "step": Constant(1, "up"),
        },
        proofs=(descent_argument,),
        exact=ExactRoute(_cases(), scalar_sides),
        controls=(
            Control("twice_1.9", {"twice": F(19, 10)}),
            Control("limit_0.6", {"limit": F(6, 10)}),
            Control("rate_1.05", {"rate": F(105, 100)}),
            Control("step_1.05", {"step": F(105, 100)}),
        ),
    ),
)  # fmt: skip
