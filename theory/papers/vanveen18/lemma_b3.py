"""CS-DIP, lemma_b3 (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    Draw,
    ExactRoute,
    Lazy,
    Range,
    SearchRoute,
    Source,
)
from untrained.theory.proof import conclusions as on
from untrained.theory.proof.legacy import old

PAPER = "vanveen18"
DS = "Davidson and Szarek 2001, Theorem II.13 (extreme singular values of a Gaussian matrix)"
CHEVET = "Chevet's inequality (Gordon 1985) with Gaussian Lipschitz concentration"


def _src(label: str, equation: str = "", page: int | None = None, reading: str = "") -> Source:
    return Source(PAPER, label, equation, page, reading)


def _lazy(module: str, name: str) -> Lazy:
    return Lazy(f"untrained.theory.proof.{module}", name)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_GENERATOR = {
    "V": Draw("gaussian", ("n", "d")),
    "W": Draw("gaussian", ("d", "k"), {"scale": "scale"}),
    "z": Draw("gaussian", ("k",), {"scale": "scale"}),
}
_SMALL = {"n": Range(1, 6), "d": Range(1, 12), "k": Range(1, 6), "scale": Range(1e-3, 1e3, False, True)}
_SIZES = {"n": Range(1, 10**9), "d": Range(1, 10**9), "k": Range(1, 10**9), "scale": Range(1e-3, 1e3, False, True)}

_NORM = (
    Claim(
        id="vanveen18.lemB3",
        source=_src("Lemma B.3", "", 17),
        says="For all W, ||J(W)|| <= nu (sqrt d + 2 sqrt n) ||z|| with probability at least 1 - e^{-n/2}.",
        tex=r"\|J(W)\|\le\nu(\sqrt d+2\sqrt n)\|z\|",
        refuted_by="a W whose ||J(W)|| exceeds ||V|| ||z||, or n, d where P(||V|| > sqrt d + 2 sqrt n) exceeds e^{-n/2}",
        domain={
            "n": Range(1, 10**9),
            "d": Range(1, 10**60),
            "k": Range(1, 10**9),
            "scale": Range(1e-3, 1e3, False, True),
        },
        law=_GENERATOR,
        constants=_k(deviation=2, factor=1),
        needs=("vanveen18.eq8.gram",),
        assumes=(DS,),
        symbolic=_lazy("algebra_lemmas", "mask_contracts"),
        exact=ExactRoute(
            tuple({"n": n, "d": d} for n, d in ((1, 1), (1, 50), (2, 10), (4, 100), (8, 40), (8, 300))),
            _lazy("exact", "largest_norm_failure"),
        ),
        search=SearchRoute(on.masked_norm, within=_SMALL),
        controls=(
            old("no_deviation", "sqrt d + sqrt n at the same probability.", {"deviation": 1}),
            old("smaller", "A tenth of the norm of V.", {"factor": F(1, 10)}),
        ),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_NORM,)
