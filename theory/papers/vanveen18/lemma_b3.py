"""Lemma B.3, an upper bound on ||J(W)|| for all W at once: statement, proof, exact law, controls.

J(W) is V with some columns put to zero, up to factors; for a W with W z > 0 it is V itself, so the supremum over W is
||V|| ||z||, whose law is known.
"""

from __future__ import annotations

from fractions import Fraction as F

import sympy as sp
from flint import ctx

from untrained.theory.claim import (
    FAILURE_SIDES,
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.laws import suprema
from untrained.theory.proof.algebra import reduced
from untrained.theory.proof.balls import ball

_GRAM, _LARGEST = "vanveen18.eq8.gram", "textbook.davidson_szarek.largest"


def mask_contracts(p: Premises) -> Symbolic:
    """||V D|| <= ||V|| for every 0/1 diagonal D, all W at once, and Davidson-Szarek at t = (deviation - rows) sqrt n.

    ||V D u|| <= ||V|| ||D u||, and ||D u||^2 is a sum of (s_l u_l)^2 with s_l in {0, 1}, entry by entry below u_l^2.
    """
    gram, largest, u = p.of(_GRAM), p.of(_LARGEST), sp.symbols("u", real=True)
    reach = F(p["deviation"]) - F(largest["rows"])
    return reduced(
        "||J||^2 = ||J J^T|| = ||z||^2 ||V D V^T|| = ||z||^2 ||V D||^2; the sizes enter nowhere.",
        [
            *((f"entry with s = {s}", (u**2 - (s * u) ** 2).is_nonnegative is True) for s in (0, 1)),
            ("power of ||z||", F(gram["z_power"]) == 2),
            ("factor of sqrt d", F(p["columns"]) >= F(largest["columns"])),
            ("t is not negative", reach >= 0),
            ("t^power is in units of n", F(largest["power"]) == 2),
            ("failure rate", F(largest["rate"]) * reach**2 >= F(p["failure_rate"])),
            ("failure factor", F(p["failure_factor"]) >= F(largest["factor"])),
        ],
        sufficient=True,
    )


def largest_value_failure(case: Case, c: Constants) -> Sides:
    """P(sup over W of ||J(W)||/(nu ||z||) exceeds its bound), the law of ||V||, against the claimed failure."""
    n, d = int(case["n"]), int(case["d"])
    with ctx.workprec(suprema.BITS):
        level = ball(c["columns"]) * ball(d).sqrt() + ball(c["deviation"]) * ball(n).sqrt()
        claimed = ball(c["failure_factor"]) * (-ball(c["failure_rate"]) * n).exp()
        return Sides(suprema.norm_above(n, d, level), claimed)


_SHAPES = ((1, 1), (1, 2), (2, 10), (4, 100), (8, 40), (1, 10**12), (10**6, 1))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="vanveen18.lemB3",
        source=Source("vanveen18", "Lemma B.3", "", 17),
        says="For all W, ||J(W)|| <= nu (${columns:factor}sqrt d + ${deviation:factor}sqrt n) ||z|| with probability at least 1 - ${failure_factor:factor}e^{-${failure_rate:factor}n}.",
        tex=r"\|J(W)\|\le\nu(${columns:factor}\sqrt d+${deviation:factor}\sqrt n)\|z\|\ \text{w.p.}\ 1-${failure_factor:factor}e^{-${failure_rate:factor}n}",
        refuted_by="n, d where the exact law of ||V|| exceeds the bound more often than claimed",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60)},
        constants={
            "columns": Constant(1, "down"),
            "deviation": Constant(2, "down"),
            "failure_factor": Constant(1, "down"),
            "failure_rate": Constant(F(1, 2), "up"),
        },
        needs=(_GRAM, _LARGEST),
        proofs=(mask_contracts,),
        exact=ExactRoute(tuple({"n": n, "d": d} for n, d in _SHAPES), largest_value_failure, compares=FAILURE_SIDES),
        controls=(
            Control("columns_0.999", {"columns": F(999, 1000)}),
            Control("deviation_1.77", {"deviation": F(177, 100)}),
            Control("rate_0.82", {"failure_rate": F(82, 100)}),
            Control("factor_0.004", {"failure_factor": F(4, 1000)}),
        ),
        version=2,
    ),
)
