"""Eq. (14), the supremum of ||V_S|| over |S| <= s: for every t, as printed, with the linear term, and in range.

Our part: the linear term s that eq. (14) lacks for large s, and the range in which it is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as F
from typing import Any

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
from untrained.theory.laws import suprema
from untrained.theory.proof.algebra import reduced
from untrained.theory.proof.balls import ball

_LIPSCHITZ, _CHEVET = "textbook.gaussian_lipschitz", "textbook.chevet"
_WIDTH, _DOMAIN = "own.sparse_width", "own.eq14_domain"
GENERAL_T, WITH_LINEAR_TERM = "vanveen18.eq14.general_t", "vanveen18.eq14.corrected"
AS_PRINTED_IN_RANGE = "vanveen18.eq14.in_range"


def _source(label: str, equation: str = "", reading: str = "") -> Source:
    return Source("vanveen18", label, equation, 20, reading)


def lipschitz_supremum(p: Premises) -> Symbolic:
    """sup ||V_S|| is 1-Lipschitz in V, its mean is Chevet's: concentration gives every t."""
    chevet, lipschitz = p.of(_CHEVET), p.of(_LIPSCHITZ)
    v = sp.symbols("v", real=True)
    return reduced(
        "| ||V_S|| - ||U_S|| | <= ||(V - U)_S||, below the Frobenius norm of V - U entry by entry, so the maximum over S "
        "has the Lipschitz constant 1; a smaller S has a smaller norm.",
        [
            *((f"entry with s = {s}", (v**2 - (s * v) ** 2).is_nonnegative is True) for s in (0, 1)),
            ("Lipschitz constant 1", F(lipschitz["lipschitz"]) >= 1),
            ("factor of sqrt n", F(p["rows"]) >= F(chevet["rows"])),
            ("factor of the width", F(p["width"]) >= F(chevet["width"])),
            ("failure factor", F(p["failure_factor"]) >= F(lipschitz["factor"])),
            ("failure rate", F(p["failure_rate"]) <= F(lipschitz["rate"])),
            ("power of t", F(p["power"]) == F(lipschitz["power"])),
        ],
        sufficient=True,
    )


def width_under_the_root(p: Premises) -> Symbolic:
    """t = (deviation - rows) sqrt n, and E max ||g_S|| <= sqrt(E max <g_S, g_S>), which the width's record bounds."""
    general, width = p.of(GENERAL_T), p.of(_DOMAIN if "share" in p.constants else _WIDTH)
    reach, scale = F(p["deviation"]) - F(general["rows"]), F(general["width"]) ** 2
    linear = F(p.constants.get("linear", 0)) - scale * F(width.get("linear", 0))
    share = F(p.constants.get("share", 1)) if p.given("share") else F(1)
    return reduced(
        "log(d/s) >= 0 and s > 0, so factors may be compared one by one.",
        [
            ("t is not negative", reach >= 0),
            ("t^power is in units of n", F(general["power"]) == 2),
            ("failure rate", F(general["failure_rate"]) * reach**2 >= F(p["failure_rate"])),
            ("failure factor", F(general["failure_factor"]) <= 1),
            ("factor of s log(d/s)", F(p["log_factor"]) >= scale * F(width["log_factor"])),
            ("factor of s", linear >= 0),
            ("shares for which the width is bounded", share <= F(width.get("share", 1))),
        ],
        sufficient=True,
    )


def general_failure(case: Case, c: Constants) -> Sides:
    """At s = d: P(||V|| > rows sqrt n + width E||g|| + t) against factor e^{-rate t^power}."""
    n, d, t = int(case["n"]), int(case["d"]), case["t"]
    with ctx.workprec(suprema.BITS):
        level = ball(c["rows"]) * ball(n).sqrt() + ball(c["width"]) * suprema.chi_mean(d) + ball(t)
        exponent = ball(c["failure_rate"]) * (ball(t) ** ball(c["power"]) if t else 0)
        return Sides(suprema.norm_above(n, d, level), ball(c["failure_factor"]) * (-exponent).exp())


def supremum_failure(case: Case, c: Constants) -> Sides:
    """P(sup over |S| <= s of ||V_S|| exceeds its bound) against e^{-rate n}: s = d, s = 1, or one row."""
    n, s, d = int(case["n"]), int(case["s"]), int(case["d"])
    with ctx.workprec(suprema.BITS):
        level = sparse_bound(n, ball(s), d, c)
        claimed = (-ball(c["failure_rate"]) * n).exp()
        if s == d:
            return Sides(suprema.norm_above(n, d, level), claimed)
        if s == 1:
            return Sides(suprema.longest_column_above(n, d, level), claimed)
        if n > 1:
            raise ValueError(f"case must have s = d, s = 1 or n = 1 for an exact law, got n={n}, s={s}, d={d}")
        return Sides(suprema.largest_squares_above(d, s, level**2), claimed)


def sparse_bound(n: int, s: arb, d: int, c: Constants) -> arb:
    """deviation sqrt n + sqrt(A s log(d/s) + c s), c = 0 where the statement has no linear term."""
    inside = ball(c["log_factor"]) * s * (d / s).log() + ball(c.get("linear", 0)) * s
    return ball(c["deviation"]) * ball(n).sqrt() + inside.max(arb(0)).sqrt()


def _sets(*triples: tuple[int, int, int]) -> tuple[Mapping[str, int], ...]:
    return tuple({"n": n, "s": s, "d": d} for n, s, d in triples)


_WHOLE = ((1, 1, 1), (2, 40, 40), (8, 40, 40), (1, 10**12, 10**12), (10**6, 1, 1))
_SPARSE = ((1, 1, 10**60), (100, 1, 10**6), (10**6, 1, 10), (1, 10**11, 10**12))


def _within_share(c: Constants) -> tuple[Mapping[str, int], ...]:
    sparse = tuple((1, max(1, min(d, int(F(c["share"]) * d))), d) for d in (10**12, 10**24))
    return _sets(*_WHOLE, *_SPARSE, *sparse)


def in_share(case: Case, c: Constants) -> bool:
    """Whether s <= share d."""
    return bool(case["s"] <= F(c["share"]) * case["d"])


_EQ14: dict[str, Any] = {
    "refuted_by": "s <= d where the exact failure probability exceeds the claimed one",
    "domain": {"n": Range(1, 10**9), "s": Range(1, 10**60), "d": Range(1, 10**60)},
    "version": 2,
}
_EQ14_CONSTANTS = {
    "deviation": Constant(2, "down"),
    "log_factor": Constant(2, "down"),
    "failure_rate": Constant(F(1, 2), "up"),
}
_EQ14_TEX = (
    r"P\{\sup_{|S|\le s}\|V_S\|\le ${deviation:factor}\sqrt n+\sqrt{${log_factor:factor}s\log(d/s)%s}\}"
    r"\ge 1-e^{-${failure_rate:factor}n}"
)
_EQ14_SAYS = (
    "For every s <= %sd, sup over |S| <= s of ||V_S|| is at most ${deviation:factor}sqrt n + "
    "sqrt(${log_factor:factor}s log(d/s)%s) with probability 1 - e^{-${failure_rate:factor}n}."
)
_EQ14_CONTROLS = (
    Control("deviation_1.77", {"deviation": F(177, 100)}),
    Control("log_factor_1.45", {"log_factor": F(145, 100)}),
    Control("rate_0.82", {"failure_rate": F(82, 100)}),
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=GENERAL_T,
        source=_source("display before eq. (14)", "", "the width w(s) in place of sqrt(2 s log(d/s))"),
        says="For every s <= d and t >= 0, sup over |S| <= s of ||V_S|| is at most ${rows:factor}sqrt n + ${width:factor}w(s) + t with probability 1 - ${failure_factor:factor}e^{-${failure_rate:factor}t^$power}, w(s) = E max over |S| = s of ||g_S||.",
        tex=r"P\{\sup_{|S|\le s}\|V_S\|>${rows:factor}\sqrt n+${width:factor}w(s)+t\}\le ${failure_factor:factor}e^{-${failure_rate:factor}t^$power}",
        refuted_by="n, d, t where the exact law at s = d gives more",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60), "t": Range(1e-60, 1e60, False, True)},
        constants={
            "rows": Constant(1, "down"),
            "width": Constant(1, "down"),
            "failure_factor": Constant(1, "down"),
            "failure_rate": Constant(F(1, 2), "up"),
            "power": Constant(2),
        },
        needs=(_CHEVET, _LIPSCHITZ),
        proofs=(lipschitz_supremum,),
        exact=ExactRoute(
            tuple(
                {"n": n, "d": d, "t": t}
                for n, d, t in (
                    (1, 1, 0),
                    (1, 1, 1000),
                    (1, 10**12, 10),
                    (10**8, 1, 10),
                    (4, 4, F(1, 10)),
                    (8, 40, 1),
                    (2, 10, 3),
                )
            ),
            general_failure,
            compares=FAILURE_SIDES,
        ),
        controls=(
            Control("rows_0.99", {"rows": F(99, 100)}),
            Control("width_0.999", {"width": F(999, 1000)}),
            Control("rate_0.51", {"failure_rate": F(51, 100)}),
            Control("power_2.01", {"power": F(201, 100)}),
            Control("factor_0.07", {"failure_factor": F(7, 100)}),
        ),
    ),
    Claim(
        id="vanveen18.eq14.printed",
        source=_source("eq. (14)", "sup_{|S|<=s} ||V_S|| <= 2 sqrt n + sqrt(2 s log(d/s))"),
        says=_EQ14_SAYS % ("", ""),
        tex=_EQ14_TEX % "",
        constants=_EQ14_CONSTANTS,
        exact=ExactRoute(_sets(*_WHOLE, *_SPARSE), supremum_failure, compares=FAILURE_SIDES),
        controls=_EQ14_CONTROLS,
        **_EQ14,
    ),
    Claim(
        id=WITH_LINEAR_TERM,
        source=_source("eq. (14), with the linear term"),
        says=_EQ14_SAYS % ("", " + ${linear:factor}s"),
        tex=_EQ14_TEX % "+${linear:factor}s",
        constants={**_EQ14_CONSTANTS, "linear": Constant(1, "down")},
        needs=(GENERAL_T, _WIDTH),
        proofs=(width_under_the_root,),
        exact=ExactRoute(_sets(*_WHOLE, *_SPARSE), supremum_failure, compares=FAILURE_SIDES),
        controls=(*_EQ14_CONTROLS, Control("linear_0.999", {"linear": F(999, 1000)})),
        **_EQ14,
    ),
    Claim(
        id=AS_PRINTED_IN_RANGE,
        source=_source("eq. (14), where it is true"),
        says=_EQ14_SAYS % ("${share:factor}", ""),
        tex=r"s\le ${share:factor}d\Rightarrow " + _EQ14_TEX % "",
        hypotheses=(Hypothesis("share", "s <= ${share:factor}d", in_share),),
        constants={**_EQ14_CONSTANTS, "share": Constant(F(18, 100), "up")},
        needs=(GENERAL_T, _DOMAIN),
        proofs=(width_under_the_root,),
        exact=ExactRoute(_within_share, supremum_failure, compares=FAILURE_SIDES),
        controls=(*_EQ14_CONTROLS, Control("share_0.186", {"share": F(186, 1000)}), Control("any_s", {}, ("share",))),
        **{**_EQ14, "version": 1},
    ),
)
