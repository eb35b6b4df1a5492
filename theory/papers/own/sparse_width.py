"""Our own results: sparse_width (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    ExactRoute,
    Lazy,
    Range,
    Source,
)
from untrained.theory.papers.vanveen18 import CLAIMS as PAPER_CLAIMS
from untrained.theory.proof.legacy import old

_BY_ID = {claim.id: claim for claim in PAPER_CLAIMS}


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_WIDTH_CASES = tuple(
    {"s": s, "d": d} for d in (1, 2, 10, 100, 1000) for s in (1, 2, 5, 18, 50, 90, 400, 1000) if s <= d
)

_SPARSE = (
    Claim(
        id="own.sparse_width",
        source=_src("sharpens the (5/4)s of the usual sparse width to s"),
        says="For every s <= d, E max over |S| = s of ||g_S||^2 is at most 2 s log(d/s) + s, g standard normal in R^d; the factor 1 is best possible (s = d).",
        tex=r"\mathbb{E}\max_{|S|=s}\|g_S\|^2\le 2s\log(d/s)+s",
        refuted_by="s <= d where the exact order-statistic integral is larger",
        domain={"s": Range(1, 10**60), "d": Range(1, 10**60)},
        constants=_k(linear=1),
        assumes=("Mills' ratio: phi(t)/Q(t) < t + 1/t",),
        symbolic=Lazy("untrained.theory.proof.algebra_lemmas", "sparse_excess_falls"),
        exact=ExactRoute(_WIDTH_CASES, Lazy("untrained.theory.proof.exact", "sparse_width")),
        controls=(
            old("nine_tenths", "0.9 s in place of s.", {"linear": F(9, 10)}),
            old("no_linear_term", "The printed width, without a linear term.", {"linear": 0}),
        ),
    ),
    Claim(
        id="own.eq14_domain",
        source=_src("where the printed eq. (14) is true"),
        says="For every s <= 0.18 d, E max over |S| = s of ||g_S||^2 is at most 2 s log(d/s): there the printed eq. (14) needs no linear term.",
        tex=r"s\le 0.18\,d\Rightarrow \mathbb{E}\max_{|S|=s}\|g_S\|^2\le 2s\log(d/s)",
        refuted_by="a share s/d <= 0.18 whose energy L(s/d) certainly exceeds 2 (s/d) log(d/s)",
        domain={"s/d": Range(1e-60, 0.18, False, True)},
        constants=_k(threshold=F(134075, 100000), share=F(18, 100), linear=0),
        assumes=("Mills' ratio: phi(t)/Q(t) < t + 1/t",),
        enclosed=Lazy("untrained.theory.proof.balls", "sparse_printed_domain"),
        exact=ExactRoute(
            tuple(case for case in _WIDTH_CASES if case["s"] <= 0.18 * case["d"]),
            Lazy("untrained.theory.proof.exact", "sparse_width"),
        ),
        controls=(
            old(
                "share_22_percent",
                "Up to s = 0.22 d.",
                {"threshold": F(1226, 1000), "share": F(22, 100)},
                {"exact": ExactRoute(({"s": 220, "d": 1000},), Lazy("untrained.theory.proof.exact", "sparse_width"))},
            ),
        ),
    ),
)


CLAIMS: tuple[Claim, ...] = _SPARSE
