"""Our own results: lemmas (to be filed with its evidence)."""

from __future__ import annotations

from untrained.theory.claim import (
    Claim,
    Constant,
    Lazy,
    Source,
)
from untrained.theory.proof.legacy import old


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_LEMMAS = (
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
