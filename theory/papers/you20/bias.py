"""Where gradient flow of a doubly over-parameterised model ends as its start shrinks: nuclear norm plus weighted l1 norm.

y = A(X) + s, X = U U^T, s = g o g - h o h, commuting measurement matrices, rates of g and h alpha times that of U.
"""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

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
from untrained.theory.evidence import Symbolic
from untrained.theory.papers.own.double import COMMUTING, DOUBLE_GAP, SEMIDEFINITE, one_measurement
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_CLOSE = F(1, 10**12)


def bias_argument(p: Premises) -> Symbolic:
    """The excess is at most F ln(max(N, alpha N))/ln(F/(N gamma^2)), which vanishes with gamma, for the weight 1/alpha."""
    gamma, least, N, most, alpha = sp.symbols("gamma F N most alpha", positive=True)
    bound = exact_number(p.of(DOUBLE_GAP)["factor"]) * least * sp.log(most) / sp.log(least / (N * gamma**2))
    weight = exact_number(p["factor"]) * alpha ** (-exact_number(p["power"]))
    hypotheses = p.given("commuting") and p.given("psd") and p.given("start")
    return reduced(
        "Where y = 0 the least value is 0, at X = 0, s = 0, and both parts shrink with gamma. Elsewhere the bound holds at every "
        "small start, so each limit fits y at the least value.",
        [
            ("hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("limit of the bound", sp.limit(bound, gamma, 0)),
            ("weight", sp.simplify(weight * alpha - 1)),
        ],
        sufficient=True,
    )


def _weight(alpha: F, c: Constants) -> Any:
    power = F(c["power"])
    if power.denominator == 1:
        return ball(F(c["factor"]) * alpha ** -int(power))
    return ball(F(c["factor"])) * (-ball(power) * ball(alpha).log()).exp()


def limit_of_one(case: Case, c: Constants) -> Sides:
    """One measurement: as the start shrinks, the part that grows fastest (from the same size) explains all of y.

    Part j of X grows as gamma^2 e^{a_j w}, s as gamma^{2b} e^{alpha w}: that which reaches y first is what is left.
    """
    one = one_measurement(case)
    of_x = min(one.costs(), default=None)
    weight = _weight(one.alpha, c)
    x_first = of_x is not None and of_x < F(case.get("start", 1)) / one.alpha
    least: arb = weight
    for cost in one.costs(indefinite="indefinite" in case):
        least = least.min(ball(cost))
    paid = ball(of_x) if x_first and of_x is not None else weight
    return Sides(paid / least - 1, ball(_CLOSE), unit=1)


_LIMITS: tuple[Case, ...] = (
    *(
        {"a": alpha * ratio, "b": alpha * ratio / 3, "copies": 4, "alpha": alpha, "sign": sign}
        for alpha in (F(1, 2), F(4, 5), F(1), F(2), F(10))
        for ratio in (F(1, 2), F(995, 1000), F(1005, 1000), F(2))
        for sign in (1, -1)
    ),
    {"a": F(-2), "b": F(1, 2), "copies": 3, "alpha": F(1), "sign": -1},
    {"a": F(3, 2), "alpha": F(1), "sign": -1, "indefinite": 1},
    {"a": F(3, 2), "alpha": F(2), "sign": 1, "start": 2},
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="you20.bias",
        source=Source(
            "you20",
            "theorem on the implicit bias of gradient flow with discrepant learning rates",
            "min ||X||_* + lambda ||s||_1, lambda = 1/alpha",
            None,
            "from memory of arXiv 2006.08857, whose abstract was read; re-derived",
        ),
        says="Limits, as gamma shrinks to zero, of where gradient flow on (U, g, h) ends, with rates alpha times as high for g and h, have the least value of ||X||_* + lambda |s| among X and s with A(X) + s = y, lambda = ${factor:factor}alpha^{-$power}, |s| the sum of the sizes of s.",
        tex=r"(X_\gamma,s_\gamma)\to(X,s)\in\arg\min_{A(X)+s=y}\|X\|_*+\lambda\|s\|_{\ell_1},\quad\lambda= ${factor:factor}\alpha^{-$power}",
        refuted_by="commuting measurements, a y and a ratio of rates with a limit of larger value",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9), "alpha": Range(1e-9, 1e9, False)},
        hypotheses=(
            COMMUTING,
            SEMIDEFINITE,
            Hypothesis(
                "start",
                "the flow starts from U = gamma I with every entry of g and of h equal to gamma",
                lambda case, c: case.get("start", 1) == 1,
            ),
        ),
        constants={"factor": Constant(1), "power": Constant(1)},
        needs=(DOUBLE_GAP,),
        proofs=(bias_argument,),
        exact=ExactRoute(_LIMITS, limit_of_one),
        controls=(
            Control("factor_1.1", {"factor": F(11, 10)}),
            Control("power_1.1", {"power": F(11, 10)}),
            Control("swapped", {"power": -1}),
            Control("equal", {"power": 0}),
        ),
    ),
)
