"""CS-DIP, section_b4 (to be filed with its evidence)."""

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


_ASSEMBLY = (
    Claim(
        id="vanveen18.alpha_R",
        source=_src("Section B.4", "alpha = ||y||/(4 sqrt n), R = 60 sqrt n", 18),
        says="With nu = ||y||/(sqrt(dn)||z||): alpha = nu sqrt(d)||z||/4 = ||y||/(4 sqrt n), and R = 15||y||/alpha = 60 sqrt n.",
        tex=r"\alpha=\tfrac14\nu\sqrt d\|z\|=\|y\|/(4\sqrt n),\quad R=15\|y\|/\alpha=60\sqrt n",
        refuted_by="another value from the same substitution",
        constants=_k(alpha_divisor=4, radius=60),
        symbolic=_lazy("algebra_theorems", "alpha_beta_radius"),
        controls=(old("radius_20", "R = 20 sqrt n, as if the misfit were ||y||.", {"radius": 20}),),
    ),
    Claim(
        id="vanveen18.beta",
        source=_src(
            "Section B.4",
            "beta = ||y|| sqrt(2(4n + d)/(dn)) >= nu(sqrt d + 2 sqrt n)||z||",
            18,
            "the factor 2 under the root is not legible; without it the inequality is false",
        ),
        says="(sqrt d + 2 sqrt n)^2 <= 2(d + 4n), so beta may be taken as ||y|| sqrt(2(4n + d)/(dn)).",
        tex=r"(\sqrt d+2\sqrt n)^2\le 2(d+4n)",
        refuted_by="n, d where the inequality fails",
        constants=_k(factor=2),
        symbolic=_lazy("algebra_theorems", "beta_relaxed"),
        controls=(old("factor_one", "Without the 2.", {"factor": 1}),),
    ),
    Claim(
        id="vanveen18.width.normalisation",
        source=_src(
            "Section B.4, from A2 to the width inequality",
            "three displays",
            18,
            "the displays are split; the first lacks a division that the others have",
        ),
        says="With R = 60 sqrt n and nu = ||y||/(sqrt(dn)||z||), Lemma B.2's bound is at most alpha/3 exactly where the width inequality holds, and from d = 4.3e15 n on it is used within 2 <= (2dR)^{2/3} <= 0.06 d.",
        tex=r"\nu\|z\|\big(2\sqrt n+\sqrt{6x\ln(d/3x)}\big)\le\tfrac\alpha3\iff 2\sqrt{n/d}+\sqrt{2u\ln(1/u)}\le\tfrac1{12},\ u=3x/d",
        refuted_by="another inequality from the same substitution",
        constants=_k(radius=60),
        symbolic=_lazy("algebra_theorems", "width_normalisation"),
        controls=(old("radius_20", "R = 20 sqrt n.", {"radius": 20}),),
    ),
    Claim(
        id="vanveen18.width.printed",
        source=_src("Section B.4", "d >= 4.3 x 10^15 n", 18, "the left side is read from a split display"),
        says="2 sqrt(n/d) + sqrt(6 (120)^{2/3}(n/d)^{1/3} log(1/(3 (120)^{2/3}(n/d)^{1/3}))) <= 1/12 for all d >= 4.3e15 n.",
        tex=r"2\sqrt{n/d}+\sqrt{6\,(120)^{2/3}(n/d)^{1/3}\ln\tfrac{1}{3(120)^{2/3}(n/d)^{1/3}}}\le\tfrac1{12}\ \forall d\ge 4.3\cdot10^{15}n",
        refuted_by="d >= 4.3e15 n where the left side certainly exceeds 1/12",
        domain={"d/n": Range(4.3e15, 1e60, False, True)},
        constants=_k(aspect=43 * 10**14, linear=0),
        enclosed=_lazy("balls", "width_holds"),
        controls=(old("4.2e15", "From 4.2e15 n on.", {"aspect": 42 * 10**14}),),
    ),
    Claim(
        id="vanveen18.width.minimal",
        source=_src("Section B.4", "", 18),
        says="The least C for which the printed width inequality holds for all d >= C n is 4.248050856e15 to ten digits.",
        tex=r"C_{\min}=4.248050856\cdot10^{15}",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants=_k(linear=0, digits=4248050856 * 10**6, leading=F(4248050856, 10**9)),
        enclosed=_lazy("balls", "width_digits"),
        controls=(old("last_digit", "The last digit one higher.", {"digits": 4248050857 * 10**6}),),
    ),
    Claim(
        id="vanveen18.width.linear_term.printed",
        source=_src("Section B.4, with the (5/4)s term that eq. (14) lacks (our combination)", "", 18),
        says="With the term (5/4)s of the usual sparse width added, the printed 4.3e15 still suffices.",
        tex=r"2\sqrt{n/d}+\sqrt{2u\ln(1/u)+\tfrac54u}\le\tfrac1{12}\ \forall d\ge 4.3\cdot10^{15}n",
        refuted_by="a left side that certainly exceeds 1/12 at d = 4.3e15 n",
        domain={"d/n": Range(4.3e15, 1e60, False, True)},
        constants=_k(aspect=43 * 10**14, linear=F(5, 4)),
        enclosed=_lazy("balls", "width_holds"),
        controls=(old("5e15", "From 5e15 n on.", {"aspect": 5 * 10**15}),),
    ),
    Claim(
        id="vanveen18.width.corrected",
        source=_src("Section B.4, with the (5/4)s term", "", 18),
        says="With the (5/4)s term the least C is 5.541022062e15 to ten digits.",
        tex=r"C_{\min}^{5/4}=5.541022062\cdot10^{15}",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants=_k(linear=F(5, 4), digits=5541022062 * 10**6, leading=F(5541022062, 10**9)),
        enclosed=_lazy("balls", "width_digits"),
        controls=(
            old("last_digit", "The last digit one higher.", {"digits": 5541022063 * 10**6}),
            old("sharper_term", "The same digits with s in place of (5/4)s.", {"linear": 1}),
        ),
    ),
    Claim(
        id="vanveen18.union",
        source=_src("Section B.4, last lines", "1 - 5e^{-n/2} - e^{-d/2} - e^{-4 d^{2/3} n^{1/3}}", 18),
        says="The failure probabilities of Lemmas B.1 to B.4 at R = 60 sqrt n add up to at most 5e^{-n/2} + e^{-d/2} + e^{-4 d^{2/3} n^{1/3}}.",
        tex=r"2e^{-n}+3e^{-n/2}+e^{-d/2}+e^{-(2dR)^{2/3}/6}\le 5e^{-n/2}+e^{-d/2}+e^{-4d^{2/3}n^{1/3}}",
        refuted_by="n, d where the sum is larger",
        constants=_k(coefficient=5, last_exponent=4),
        symbolic=_lazy("algebra_theorems", "union_of_failures"),
        exact=ExactRoute(
            tuple({"n": n, "d": d} for n in (1, 2, 8, 64) for d in (10, 1000, 10**6)), _lazy("exact", "union_total")
        ),
        controls=(old("four", "4e^{-n/2}, exceeded at n = 1.", {"coefficient": 4}),),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_ASSEMBLY,)
