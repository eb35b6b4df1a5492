"""CS-DIP, lemma_b4 (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    ExactRoute,
    Lazy,
    Range,
    SearchRoute,
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


_CHI_CASES = tuple({"n": n} for n in (1, 2, 3, 4, 6, 10, 30, 100, 1000))
_MISFIT_CASES = tuple({"n": n, "d": d} for n in (1, 2, 4, 8, 20, 60, 200) for d in (1, 2, 4, 8, 20, 60, 200, 1000))

_MISFIT = (
    Claim(
        id="vanveen18.lemB4.triangle",
        source=_src("eq. (15)", "||V phi(Wz) - y|| <= ||V phi(Wz)|| + ||y||", 21),
        says="The misfit is at most the output's norm plus the target's.",
        tex=r"\|V\phi(Wz)-y\|\le\|V\phi(Wz)\|+\|y\|",
        refuted_by="vectors that break the triangle inequality",
        constants=_k(factor=1),
        symbolic=_lazy("algebra_lemmas", "triangle"),
        controls=(old("half", "Half the target's norm.", {"factor": F(1, 2)}),),
    ),
    Claim(
        id="vanveen18.lemB4.law.printed",
        source=_src("Section C.5, first display", "V phi(Wz) ~ nu ||phi(Wz)|| g, g in R^d", 21),
        says="V phi(Wz) has the law of nu ||phi(Wz)|| g with g standard normal in R^d, as printed.",
        tex=r"V\phi(Wz)\sim\nu\|\phi(Wz)\|g,\ g\in\mathbb{R}^d",
        refuted_by="a moment that differs: E||V phi||^2 = n nu^2 ||phi||^2",
        constants=_k(dimension="d"),
        symbolic=_lazy("algebra_lemmas", "output_law"),
        controls=(old("in_nd", "g in R^{nd}.", {"dimension": "nd"}),),
    ),
    Claim(
        id="vanveen18.lemB4.law.corrected",
        source=_src("Section C.5, first display, with g in R^n", "", 21),
        says="Given phi(Wz), V phi(Wz) has the law of nu ||phi(Wz)|| g with g standard normal in R^n.",
        tex=r"V\phi(Wz)\sim\nu\|\phi(Wz)\|g,\ g\in\mathbb{R}^n",
        refuted_by="a moment that differs",
        constants=_k(dimension="n"),
        symbolic=_lazy("algebra_lemmas", "output_law"),
        controls=(old("in_d", "g in R^d.", {"dimension": "d"}),),
    ),
    Claim(
        id="vanveen18.lemB4.eq16.printed",
        source=_src("eq. (16)", "||g|| <= sqrt(2n) with probability 1 - e^{-n/2}", 21),
        says="A standard normal vector of R^n has norm at most sqrt(2n) with probability at least 1 - e^{-n/2} (used again in R^d).",
        tex=r"P\{\|g\|\le\sqrt{2n}\}\ge 1-e^{-n/2}",
        refuted_by="n where the exact chi-square tail P(chi2_n > 2n) exceeds e^{-n/2}",
        domain={"n": Range(1, 1000)},
        constants=_k(exponent=F(1, 2)),
        exact=ExactRoute(_CHI_CASES, _lazy("exact", "chi_square_failure")),
        controls=(old("exponent_one", "e^{-n}.", {"exponent": 1}),),
    ),
    Claim(
        id="vanveen18.lemB4.eq16.corrected",
        source=_src("eq. (16), with the chi-square's own exponent", "", 21),
        says="A standard normal vector of R^n has norm at most sqrt(2n) with probability at least 1 - e^{-0.1534 n}.",
        tex=r"P\{\|g\|\le\sqrt{2n}\}\ge 1-e^{-0.1534\,n},\quad 0.1534<(1-\ln 2)/2",
        refuted_by="n where the exact chi-square tail exceeds e^{-0.1534 n}",
        domain={"n": Range(1, 10**9)},
        constants=_k(exponent=F(1534, 10000)),
        assumes=("Chernoff's bound",),
        enclosed=_lazy("balls", "chi_square_exponent"),
        exact=ExactRoute(_CHI_CASES, _lazy("exact", "chi_square_failure")),
        controls=(old("exponent_fifth", "e^{-n/5}.", {"exponent": F(1, 5)}),),
    ),
    Claim(
        id="vanveen18.lemB4.hidden_law",
        source=_src("Section C.5, second display", "Wz ~ ||z|| g~, g~ in R^d", 21),
        says="Wz has the law of ||z|| times a standard normal vector of R^d.",
        tex=r"Wz\sim\|z\|\tilde g,\ \tilde g\in\mathbb{R}^d",
        refuted_by="a covariance of Wz other than ||z||^2 times the identity",
        constants=_k(z_power=2),
        symbolic=_lazy("algebra_lemmas", "hidden_law"),
        controls=(old("norm_of_z", "Variance ||z||.", {"z_power": 1}),),
    ),
    Claim(
        id="vanveen18.lemB4.hidden_norm.printed",
        source=_src(
            "Section C.5, the step to 2 sqrt(nd) nu ||z||",
            "||g~|| <= sqrt(2d) with probability 1 - e^{-d/2}",
            21,
            "implied by the claimed 1 - e^{-n/2} - e^{-d/2}",
        ),
        says="The same bound in R^d: a standard normal vector has norm at most sqrt(2d) with probability at least 1 - e^{-d/2}.",
        tex=r"P\{\|\tilde g\|\le\sqrt{2d}\}\ge 1-e^{-d/2}",
        refuted_by="d where the exact chi-square tail P(chi2_d > 2d) exceeds e^{-d/2}",
        domain={"d": Range(1, 1000)},
        constants=_k(exponent=F(1, 2)),
        exact=ExactRoute(tuple({"d": case["n"]} for case in _CHI_CASES), _lazy("exact", "chi_square_failure")),
        controls=(old("exponent_one", "e^{-d}.", {"exponent": 1}),),
    ),
    Claim(
        id="vanveen18.lemB4.arithmetic",
        source=_src("Section C.5, last display but one", "2 sqrt(nd) nu ||z|| = 2||y||", 21),
        says="sqrt(2n) nu sqrt(2d) ||z|| = 2||y||.",
        tex=r"2\sqrt{nd}\,\nu\|z\|=2\|y\|",
        refuted_by="another product from the same substitution",
        constants=_k(factor=2),
        symbolic=_lazy("algebra_lemmas", "output_arithmetic"),
        controls=(old("factor_4", "4||y||.", {"factor": 4}),),
    ),
    Claim(
        id="vanveen18.lemB4.relu",
        source=_src("eq. (16), last step", "||phi(Wz)|| <= ||Wz||", 21),
        says="ReLU does not increase the norm.",
        tex=r"\|\phi(Wz)\|\le\|Wz\|",
        refuted_by="a vector whose positive part is longer",
        constants=_k(factor=1),
        symbolic=_lazy("algebra_lemmas", "relu_contracts"),
        controls=(old("half", "Half the squared norm suffices.", {"factor": F(1, 2)}),),
    ),
    Claim(
        id="vanveen18.lemB4.norm",
        source=_src("Section C.5, last display but one", "||V phi(Wz)|| <= 2||y||", 21),
        says="||V phi(W_0 z)|| <= 2||y|| with probability at least 1 - e^{-n/2} - e^{-d/2}, for every n and d (though the steps that lead to it in the paper fail).",
        tex=r"P\{\|V\phi(W_0z)\|\le 2\|y\|\}\ge 1-e^{-n/2}-e^{-d/2}",
        refuted_by="n, d where the exact law exceeds e^{-n/2} + e^{-d/2}",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60)},
        constants=_k(factor=2, exponent=F(1, 2)),
        needs=("vanveen18.lemB4.law.corrected", "vanveen18.lemB4.hidden_law"),
        assumes=("Chernoff's bound",),
        enclosed=_lazy("balls", "joint_exponent"),
        exact=ExactRoute(
            _MISFIT_CASES,
            _lazy("exact", "output_norm_failure"),
            informative=_lazy("exact", "misfit_says_something"),
        ),
        search=SearchRoute(
            _lazy("exact", "output_norm_failure"),
            trivial=_lazy("exact", "misfit_says_nothing"),
            within={"n": Range(1, 80), "d": Range(1, 80)},
        ),
        controls=(
            old("factor_one", "||y|| in place of 2||y||.", {"factor": 1}),
            old("exponent_seven_tenths", "e^{-0.7 n} + e^{-0.7 d}.", {"exponent": F(7, 10)}),
        ),
    ),
    Claim(
        id="vanveen18.lemB4",
        source=_src("Lemma B.4", "", 17, "nu = ||y||/(sqrt(dn)||z||) is fixed by the proof"),
        says="||V phi(W_0 z) - y|| <= 3||y|| with probability at least 1 - e^{-n/2} - e^{-d/2}.",
        tex=r"P\{\|V\phi(W_0z)-y\|\le 3\|y\|\}\ge 1-e^{-n/2}-e^{-d/2}",
        refuted_by="n, d where the exact law (a noncentral chi-square mixed over the ReLU energy) exceeds e^{-n/2} + e^{-d/2}",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60)},
        constants=_k(factor=3, exponent=F(1, 2)),
        needs=("vanveen18.lemB4.norm", "vanveen18.lemB4.triangle"),
        symbolic=_lazy("algebra_lemmas", "misfit_assembly"),
        exact=ExactRoute(
            tuple(k for k in _MISFIT_CASES if k["n"] <= 20),
            _lazy("exact", "misfit_failure"),
            informative=_lazy("exact", "misfit_says_something"),
        ),
        controls=(old("factor_six_fifths", "1.2||y||.", {"factor": F(6, 5)}),),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_MISFIT,)
