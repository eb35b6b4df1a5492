"""Our own results: lemmas (to be filed with its evidence)."""

from __future__ import annotations

from untrained.theory.claim import (
    Claim,
    Constant,
    Control,
    ExactRoute,
    Lazy,
    Range,
    Source,
)
from untrained.theory.papers.vanveen18.lemma_b1 import lemma_b1
from untrained.theory.proof.legacy import old


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_THRESHOLDS = tuple(
    {"n": n, "d": d}
    for n, d in ((1, 1), (2, 31), (3, 87), (4, 149), (8, 413), (12, 686), (16, 962), (32, 2073), (64, 4310))
)

_LEMMAS = (
    lemma_b1(
        "own.lemB1_200", 200, _src("sharpens Lemma B.1: 200 in place of 3528"), Control("width_67", {"width_ratio": 67})
    ),
    Claim(
        id="own.lemB1_threshold",
        source=_src("exact thresholds of Lemma B.1"),
        says="For n = 1, 2, 3, 4, 8, 12, 16, 32, 64 Lemma B.1's conclusion has probability 1 - 2e^{-n} at d = 1, 31, 87, 149, 413, 686, 962, 2073, 4310; for n <= 16 no smaller d >= n has it, for n = 32, 64 one below lacks it (d/n = 67.3 at n = 64; the proof asks for 3528).",
        tex=r"P(\sigma_{\min}(J)<\tfrac12\nu\sqrt d\,\|z\|)\le 2e^{-n}\ \text{at}\ d=d^*(n),\ >2e^{-n}\ \text{at}\ d^*(n)-1",
        refuted_by="an n whose exact law puts the threshold elsewhere",
        domain={"n": Range(1, 64)},
        constants=_k(shift=0),
        exact=ExactRoute(
            _THRESHOLDS,
            Lazy("untrained.theory.proof.exact", "width_threshold"),
            "The listed pairs are the whole statement; each sign is certain in ball arithmetic.",
        ),
        controls=(old("one_more", "One more than the threshold is the threshold.", {"shift": 1}),),
    ),
    Claim(
        id="own.gaussian_sensing",
        source=_src("what the remark on Ax becomes for i.i.d. Gaussian A"),
        says="Given an i.i.d. Gaussian A, AV is (A A^T)^{1/2} times an i.i.d. Gaussian matrix: Theorem B.5 asks for alpha times sigma_min(A), beta times ||A|| and A2 times ||A||, so step, rate, width and radius all pay for A's condition number.",
        tex=r"AV\,|\,A\ \sim\ (AA^T)^{1/2}G,\quad \sigma_{\min}(A)\,\sigma_{\min}(G_S)\le\sigma_{\min}((AV)_S)",
        refuted_by="a covariance of the columns of AV other than nu^2 A A^T",
        constants=_k(coloured=1),
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", "coloured_sensing"),
        controls=(old("white", "Covariance nu^2 times the identity.", {"coloured": 0}),),
    ),
)


CLAIMS: tuple[Claim, ...] = _LEMMAS
