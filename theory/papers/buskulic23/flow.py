"""Gradient flow on ||A g(theta) - y||^2/2 with a smooth g: where it stays, how fast it fits, and from where it need not.

sigma is the smallest singular value of the Jacobian at the start, L its Lipschitz constant, sigma_A the smallest singular
value of A that is not 0. With s the path so far the misfit r obeys d||r||/ds <= -sigma_A (sigma - L s). The scalar network
g' = max(sigma - L theta, 0) attains it.
"""

from __future__ import annotations

from fractions import Fraction as F

import sympy as sp
from flint import ctx

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Hypothesis,
    Premises,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

HYPOTHESES = (
    Hypothesis("lipschitz", "the Jacobian of g is Lipschitz with constant L along the path, and its smallest singular value at the start is sigma"),
    Hypothesis("range", "y lies in the range of A, whose smallest singular value other than zero is sigma_A"),
)  # fmt: skip


def _source(label: str) -> Source:
    reading = "from memory of arXiv 2303.11265 and 2309.12128; re-derived"
    return Source("buskulic23", label, "R' < R, R' = 2||r(0)||/(sigma_A sigma), R = sigma/(2L)", None, reading)


# The sharp form: level = L||r(0)||/(sigma_A sigma^2) below a half.


def path_argument(p: Premises) -> Symbolic:
    """||r|| <= ||r(0)|| - sigma_A (sigma s - L s^2/2) while s < sigma/L, in units sigma = sigma_A = L = 1."""
    s, level = sp.symbols("s level", positive=True)
    twice, limit = exact_number(p["twice"]), exact_number(p["limit"])
    change = s if p.given("lipschitz") else sp.Symbol("change")  # of J, at most
    gain = sp.Integer(1) if p.given("range") else sp.Symbol("gain")  # of A^T on r, at least
    fitted = level - (s - s**2 / 2)
    end = 1 - sp.sqrt(1 - 2 * level)
    return reduced(
        "d||r||/dt = -||J^T A^T r||^2/||r||, ds/dt = ||J^T A^T r|| >= sigma_min(J) sigma_A ||r||, and sigma_min(J) >= sigma "
        "- L s: so ||r|| falls at least by sigma_A (sigma - L s) a unit of path, and is 0 at the latest where "
        "level = s - s^2/2. There sigma_min(J) is still sqrt(1 - 2 level), so that ||r||^2 falls at twice its square. "
        "For the scalar network each of these is an equality, and its values end at level 1/2, where its slope does.",
        [
            ("fall of the misfit", sp.diff(fitted, s) + gain * (1 - change)),
            ("end of the path", sp.simplify(fitted.subs(s, end))),
            ("what is left of the smallest singular value", sp.simplify((1 - end) ** 2 - (1 - twice * level))),
            ("the last level with an end", sp.discriminant(fitted, s).subs(level, limit)),
        ],
        sufficient=True,
    )


def scalar_network(case: Case, c: Constants) -> Sides:
    """J = g' = max(1 - theta, 0), A = 1, so 1 - J^2 = 2(g - g(0)): its equality, and which levels are above 1/2."""
    level, top = F(c["limit"]) * F(case["share"]), F(1, 2)
    if case["share"] > 1:
        return Sides(top, level)
    if level > top:
        return Sides(level, top)
    return Sides(abs(F(c["twice"]) - 2) * level, F(0), unit=F(1))


# The printed form: a fixed level, and the constants that follow from the ball of radius R.


def ball_argument(p: Premises) -> Symbolic:
    """At level = 1/4 the sharp form leaves sqrt(1/2) of sigma and a path of 4 - 2 sqrt 2 in units of r(0)."""
    sharp = p.records[SHARP_FLOW]
    level = exact_number(p["level"])
    left = sp.Max(0, 1 - exact_number(sharp.values["twice"]) * level)
    path = (1 - sp.sqrt(left)) / level
    return reduced(
        "R' < R says level < 1/4; the sharp form at this level is stronger in all three.",
        [
            *((f"{h.name} of the sharp form", sp.sympify(p.given(h.name))) for h in sharp.hypotheses),
            ("level", level < exact_number(sharp.values["limit"])),
            ("share of the smallest singular value", exact_number(p["share"]) <= sp.sqrt(left)),
            ("rate", exact_number(p["rate"]) <= left),
            ("path", exact_number(p["path"]) >= path),
        ],
        sufficient=True,
    )


def scalar_network_in_the_ball(case: Case, c: Constants) -> Sides:
    """The scalar network at the level: what is left of J, of its square, and the path in units of r(0)."""
    level = F(c["level"])
    with ctx.workprec(120):
        left = ball(max(F(0), 1 - 2 * level))
        if case["part"] == "share":
            return Sides(ball(c["share"]), left.sqrt(), unit=1)
        if case["part"] == "rate":
            return Sides(ball(c["rate"]), left, unit=1)
        return Sides((1 - left.sqrt()) / ball(level), ball(c["path"]))


SHARP_FLOW = "own.smooth_flow"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="buskulic23.flow",
        source=_source("convergence of gradient flow, squared loss"),
        says="If ||r_0|| <= ${level:factor}sigma_A sigma sigma/L, then along gradient flow the smallest singular value of J stays at least ${share:factor}sigma, ||r(t)|| <= ||r_0||e^{-${rate:factor}(sigma_A sigma)(sigma_A sigma) t}, and the path is at most ${path:factor}||r_0||/(sigma_A sigma).",
        tex=r"\|r_0\|\le ${level:factor}\sigma_A\sigma\cdot\sigma/L\Rightarrow\|r(t)\|\le\|r_0\|e^{-${rate:factor}(\sigma_A\sigma)(\sigma_A\sigma)t}",
        refuted_by="a network whose smallest singular value falls further, or that fits more slowly",
        hypotheses=HYPOTHESES,
        constants={
            "level": Constant(F(1, 4), "up"),
            "share": Constant(F(1, 2), "up"),
            "rate": Constant(F(1, 4), "up"),
            "path": Constant(2, "down"),
        },
        needs=(SHARP_FLOW,),
        proofs=(ball_argument,),
        exact=ExactRoute(tuple({"part": part} for part in ("share", "rate", "path")), scalar_network_in_the_ball),
        version=2,
        controls=(Control("share_0.72", {"share": F(72, 100)}), Control("level_0.38", {"level": F(38, 100)})),
    ),
)
