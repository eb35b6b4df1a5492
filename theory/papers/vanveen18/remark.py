"""CS-DIP, remark (to be filed with its evidence)."""

from __future__ import annotations

from untrained.theory.claim import (
    Claim,
    Constant,
    Lazy,
    Source,
)
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


_REMARK = (
    Claim(
        id="vanveen18.remark.orthonormal",
        source=_src("Section 4, last paragraph", "AV has the law of a Gaussian matrix", 6),
        says="If A consists of m rows of a real orthonormal matrix, AV has i.i.d. N(0, nu^2) entries, so Theorem 4.1 (as corrected) applies to y = Ax with n replaced by m.",
        tex=r"AA^T=I_m\Rightarrow AV\sim\mathcal N(0,\nu^2)^{m\times d}",
        refuted_by="a covariance of AV that is not nu^2 times the identity",
        constants=_k(orthonormal=1),
        needs=("vanveen18.thm41.corrected",),
        symbolic=_lazy("algebra_theorems", "row_orthonormal"),
        controls=(old("scaled_row", "One row twice as long.", {"orthonormal": 0}),),
    ),
    Claim(
        id="vanveen18.remark.fourier.printed",
        source=_src("Section 4, last paragraph", "e.g. subsampling a Fourier matrix", 6),
        says="For A made of rows of the complex Fourier matrix, AV has i.i.d. (circular) Gaussian entries.",
        tex=r"A\subset F\Rightarrow AV\ \text{i.i.d. Gaussian}",
        refuted_by="a pseudo-covariance A A^T that is not zero: rows j and -j are conjugates and row 0 is real",
        constants=_k(real_parts=0, scale=1),
        symbolic=_lazy("algebra_theorems", "fourier_rows"),
        controls=(old("scaled", "The same with twice the variance.", {"scale": 2}),),
    ),
    Claim(
        id="vanveen18.remark.fourier.corrected",
        source=_src("Section 4, last paragraph, with real and imaginary parts", "", 6),
        says="Taking sqrt 2 times the real and imaginary parts of one frequency of each conjugate pair (and the real rows as they are) gives orthonormal rows, to which the remark applies.",
        tex=r"\{\sqrt2\,\mathrm{Re}F_j,\sqrt2\,\mathrm{Im}F_j\}\ \text{orthonormal}",
        refuted_by="a Gram matrix of these rows that is not the identity",
        constants=_k(real_parts=1, scale=1),
        symbolic=_lazy("algebra_theorems", "fourier_rows"),
        controls=(old("scaled", "With twice the variance.", {"scale": 2}),),
    ),
    Claim(
        id="vanveen18.remark.gaussian.independent",
        source=_src("Section 4, last paragraph, put to the Gaussian A of the experiments (our combination)", "", 6),
        says="For A with i.i.d. N(0, 1/m) entries AV too has independent entries, so the remark covers Gaussian measurements.",
        tex=r"A_{ij}\sim\mathcal N(0,1/m)\Rightarrow AV\ \text{i.i.d.}",
        refuted_by="a fourth cross-moment along a row of AV that does not factor",
        constants=_k(cross_excess=0),
        symbolic=_lazy("algebra_theorems", "gaussian_sensing"),
        controls=(old("half_excess", "Half of the true excess.", {"cross_excess": 1}),),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_REMARK,)
