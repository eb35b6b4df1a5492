"""Theorem 1: linear convergence of Algorithm 1 (Net-PGD) under a restricted isometry, on S as stated and on S - S.

The slides name the ingredients and no number; the constants are those of the arguments in `own.netpgd`.
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
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

LOSS = "own.netpgd.loss"


def _source(label: str, equation: str = "", page: int | None = None) -> Source:
    return Source("jagatap19", label, equation, page, "read from the slides; they give no number for the factor")


# As stated: the isometry on S. Two channels of opposite sign on two pixels make S two lines, which one row cannot tell.


def stuck_between_lines(case: Case, c: Constants) -> Sides:
    """S the two axes of the plane (Z_1 = (1, -1)^T, two channels, no upsampling), A = (1, 1): the worst step of Net-PGD.

    ||Ax|| = ||x|| on both axes, so that alpha is 0 there.
    """
    axes, A = [(F(1), F(0)), (F(0), F(1))], (F(1), F(1))
    isometric = all((A[0] * x[0] + A[1] * x[1]) ** 2 == x[0] ** 2 + x[1] ** 2 for x in axes)
    star, x = axes[0], axes[1]
    misfit = sum(a * (s - t) for a, s, t in zip(A, x, star, strict=True))
    v = tuple(s - F(case["eta"]) * a * misfit for s, a in zip(x, A, strict=True))
    nearest = (F(0), v[1]) if abs(v[1]) >= abs(v[0]) else (v[0], F(0))
    ratio_sq = sum((s - t) ** 2 for s, t in zip(nearest, star, strict=True)) / 2
    with ctx.workprec(120):
        return Sides(ball(ratio_sq if isometric else F(0)), (1 - ball(c["gain"])) ** 2)


# With the isometry on differences, by the loss.


def by_the_loss(p: Premises) -> Symbolic:
    """gamma = 1 - alpha, beta = 1 + alpha in the contraction of the misfit, and where that is below 1."""
    alpha = sp.symbols("alpha", positive=True)
    loss = p.of(LOSS)
    beta, gamma = (1 + alpha, 1 - alpha) if p.given("isometry") else (sp.oo, sp.Integer(0))
    threshold, claimed = exact_number(p["threshold"]), exact_number(p["numerator"]) * alpha / (1 - alpha)
    if gamma == 0:
        return reduced("Without the isometry nothing bounds beta/gamma.", [("isometry", sp.false)], sufficient=True)
    factor = exact_number(loss["ratio"]) * beta / gamma - exact_number(loss["less"])
    spare = sp.simplify((claimed - factor) * (1 - alpha))
    return reduced(
        "beta/gamma - 1 = 2 alpha/(1 - alpha) grows in alpha, so the largest alpha decides whether it is at most 1.",
        [
            ("power of the misfit", exact_number(p["power"]) - exact_number(loss["power"])),
            ("step 1/beta", exact_number(p["step"]) - exact_number(loss["step"])),
            ("factor at alpha = 0", spare.subs(alpha, 0) >= 0),
            ("factor at the threshold", sp.simplify(spare.subs(alpha, threshold)) >= 0),
            ("below one up to the threshold", exact_number(p["below"]) - factor.subs(alpha, threshold) >= 0),
        ],
        sufficient=True,
    )


def worst_misfit(case: Case, c: Constants) -> Sides:
    """S = {0, 2q, 1} on the line, A^2 = 1 - alpha, x* = 0, x = 1, q = 1 - step A^2/beta: 2q is as near to q as 0 is."""
    alpha = F(c["threshold"]) * F(case["share"])
    q = 1 - F(c["step"]) * (1 - alpha) / (1 + alpha)
    return Sides(abs(2 * q) ** F(c["power"]), min(F(c["below"]), F(c["numerator"]) * alpha / (1 - alpha)))


# The number of steps, as Algorithm 1 has it.


def one_step_leaves(case: Case, c: Constants) -> Sides:
    """S = {0, 2g, 1} on the line, x* = 0, x^0 = 1, eta = 1: g = alpha, and 2g is as near to g as 0 is.

    K = e^{1/lead} makes the claimed number of steps one.
    """
    alpha = F(case["alpha"])
    with ctx.workprec(120):
        return Sides(ball(2 * alpha), (-1 / ball(c["lead"])).exp())


# The set of the experiments.


def scaled_pixel(case: Case, c: Constants) -> Sides:
    """A pixel of G with a sigmoid, sigmoid(s) for s = ln(odds), times the scale: outputs stay below 1."""
    share = F(case["odds"]) / (1 + F(case["odds"]))
    return Sides(F(c["scale"]) * share, F(1))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="jagatap19.alg1.iterations",
        source=_source("Algorithm 1, its number of steps", "T = log(1/epsilon)", 19),
        says="With steps of length one and alpha below a half, T >= ${lead:factor}ln(K) steps divide the distance from x* by K or more.",
        tex=r"T\ge ${lead:factor}\ln K\Rightarrow K\|x^T-x^*\|\le\|x^{\mathrm{start}}-x^*\|",
        refuted_by="a set and a matrix with such an isometry and a start from which more steps are needed",
        domain={"alpha": Range(0, 0.5, False), "K": Range(1, 1e300, False, True)},
        constants={"lead": Constant(1, "down")},
        exact=ExactRoute(
            tuple({"alpha": a} for a in (F(1, 10), F(1, 5), F(2, 5), F(49, 100))),
            one_step_leaves,
            compares=("the share of the distance that is left", "the claimed share"),
        ),
        controls=(Control("half", {"lead": F(1, 2)}),),
    ),
    Claim(
        id="jagatap19.set.sigmoid",
        source=_source("Theorem 1 applied to the experiments, whose decoder ends in a sigmoid", "", 31),
        says="The set of the experiments, whose decoders end in a sigmoid, is closed under scaling, as that of the theory is: with x it holds $scale x.",
        tex=r"x\in S\Rightarrow $scale x\in S,\quad S=\{\mathrm{sigmoid}(G(w;z))\}",
        refuted_by="an output that such a factor takes out of the unit cube",
        constants={"scale": Constant(2, "up")},
        exact=ExactRoute(
            tuple({"odds": k} for k in (1, 3, 100)),
            scaled_pixel,
            compares=("the scaled pixel", "the largest pixel of the set"),
        ),
        controls=(Control("scale_3", {"scale": 3}),),
    ),
    Claim(
        id="jagatap19.thm1.on_S",
        source=_source(
            "Theorem 1 with Definition 2, the isometry on S", "||x^{t+1} - x*|| <= nu ||x^t - x*||, nu < 1", 24
        ),
        says="If A is isometric on S to within some alpha < $below, then every step of Algorithm 1 brings the iterate nearer: ||x^{t+} - x*|| <= (1 - $gain)||x^t - x*||, however small the gain.",
        tex=r"A\ (S,\alpha)\text{-RIP}\Rightarrow\|x^{t+}-x^*\|\le(1-$gain)\|x^t-x^*\|",
        refuted_by="a decoder and a matrix that is exactly isometric on S, and an iterate that does not move",
        constants={"below": Constant(1, "up"), "gain": Constant(F(1, 10**12), "up")},
        exact=ExactRoute(
            tuple({"eta": eta} for eta in (F(1, 2), F(1))),
            stuck_between_lines,
            compares=("the factor of a step", "the claimed factor"),
        ),
        controls=(Control("half", {"gain": F(1, 2)}),),
    ),
    Claim(
        id="jagatap19.thm1.on_differences",
        source=_source("Theorem 1 with the isometry on differences of S", "", 24),
        says="Under that isometry with alpha <= $threshold and the step $step/beta, beta the larger constant, each step of Algorithm 1 with an exact projection multiplies ||y - Ax||^$power by at most ${numerator:factor}alpha/(1 - alpha), which is below $below for alpha < $threshold.",
        tex=r"\|y-Ax^{t+}\|^{$power}\le\tfrac{${numerator:factor}\alpha}{1-\alpha}\|y-Ax^t\|^{$power},\ \alpha\le $threshold",
        refuted_by="a set and a matrix with this isometry whose misfit shrinks less",
        domain={"alpha": Range(0, "threshold", False)},
        hypotheses=(
            Hypothesis(
                "isometry", "the squared norms of Ah and h differ by at most alpha times that of h, for h in S - S"
            ),
        ),
        constants={
            "threshold": Constant(F(1, 3), "up"),
            "numerator": Constant(2, "down"),
            "step": Constant(1),
            "power": Constant(2),
            "below": Constant(1, "down"),
        },
        needs=(LOSS,),
        proofs=(by_the_loss,),
        version=3,
        exact=ExactRoute(tuple({"share": s} for s in (F(1, 10), F(1, 2), F(9, 10), F(1))), worst_misfit),
        controls=(
            Control("threshold_0.34", {"threshold": F(34, 100)}),
            Control("numerator_1.9", {"numerator": F(19, 10)}),
        ),
    ),
)
