"""Our own results: meta (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    Lazy,
    SearchRoute,
    Source,
)
from untrained.theory.papers.vanveen18 import CLAIMS as PAPER_CLAIMS
from untrained.theory.papers.vanveen18.theorem_b5 import META_WITHIN
from untrained.theory.proof import runs
from untrained.theory.proof.legacy import old

_BY_ID = {claim.id: claim for claim in PAPER_CLAIMS}


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_META = (
    Claim(
        id="own.meta_rate",
        source=_src("sharpens Theorem B.5, eq. (9): 7/6 in place of 1/4, for R = 2||r_0||/alpha"),
        says="If f changes along segments by the integral of its Jacobian, then under A1 to A3 with only R = 2||r_0||/alpha, the misfit shrinks by 1 - (7/6) eta alpha^2 a step.",
        tex=r"\|r_\tau\|\le(1-\tfrac76\eta\alpha^2)^\tau\|r_0\|",
        refuted_by="a map that meets A1 to A3 whose descent is slower",
        domain=_BY_ID["vanveen18.thmB5.rate"].domain,
        law=_BY_ID["vanveen18.thmB5.rate"].law,
        hypotheses=_BY_ID["vanveen18.thmB5.rate"].hypotheses,
        constants=_k(rate=F(7, 6), step=1),
        needs=_BY_ID["vanveen18.thmB5.rate"].needs,
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", "meta_rate"),
        search=SearchRoute(runs.folded_rate, effort=0.7, within=META_WITHIN),
        controls=(old("rate_5", "1 - 5 eta alpha^2 a step.", {"rate": 5}),),
    ),
    Claim(
        id="own.meta_path",
        source=_src("sharpens Theorem B.5, eq. (10): 1/2 in place of 1/5, for the length of the path"),
        says="Under the same assumptions (alpha/2) times the LENGTH of the path plus the misfit never exceeds the initial misfit.",
        tex=r"\tfrac\alpha2\sum_{t<\tau}\|\theta_{t+1}-\theta_t\|+\|r_\tau\|\le\|r_0\|",
        refuted_by="a map that meets A1 to A3 whose path is longer",
        domain=_BY_ID["vanveen18.thmB5.rate"].domain,
        law=_BY_ID["vanveen18.thmB5.rate"].law,
        hypotheses=_BY_ID["vanveen18.thmB5.rate"].hypotheses,
        constants=_k(path=F(1, 2), step=1, length=1),
        needs=_BY_ID["vanveen18.thmB5.path"].needs,
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", "meta_path"),
        search=SearchRoute(runs.folded_path, effort=0.7, within=META_WITHIN),
        controls=(old("alpha_3", "3 alpha in place of alpha/2.", {"path": 3}),),
    ),
)


CLAIMS: tuple[Claim, ...] = _META
