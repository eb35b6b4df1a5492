"""CS-DIP, theorem_41 (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    ExactRoute,
    Hypothesis,
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


_PRACTICE = tuple({"n": n, "d": d} for n in (64, 784, 49152, 65536) for d in (10**4, 10**6, 10**9, 10**12))
_WIDE = Hypothesis("width", "d >= 4.3e15 n", lambda case, c: case["d"] >= 4.3e15 * case["n"])
_LEMMAS = (
    "vanveen18.lemB1.proof",
    "vanveen18.lemB2.in_range",
    "vanveen18.lemB3",
    "vanveen18.lemB4",
    "vanveen18.alpha_R",
    "vanveen18.width.printed",
    "vanveen18.width.normalisation",
    "vanveen18.union",
    "vanveen18.thmB5.rate",
    "vanveen18.gradient.corrected",
    "oymak19.averaged_jacobian",
)
_THEOREM_DOMAIN = {"n": Range(1, 10**9), "d/n": Range(4.3e15, 1e60, False, True)}

_THEOREM = (
    Claim(
        id="vanveen18.thm41.printed",
        source=_src(
            "Theorem 4.1",
            "eta = (eta_bar/||y||^2) 8nd/(4n + d), eta_bar <= 1",
            5,
            "step and rate are read from damaged text; they agree with each other through alpha = ||y||/(4 sqrt n)",
        ),
        says="There is C such that for d >= C n, every eta_bar <= 1 and all tau the misfit is at most 3(1 - eta_bar d/(8(4n + d)))^tau ||y|| with probability 1 - 5e^{-n/2} - e^{-d/2} - e^{-4 d^{2/3} n^{1/3}}.",
        tex=r"\|V\phi(W_\tau z)-y\|\le 3\Big(1-\bar\eta\tfrac{d}{8(4n+d)}\Big)^\tau\|y\|,\ \eta=\tfrac{\bar\eta}{\|y\|^2}\tfrac{8nd}{4n+d},\ \bar\eta\le 1",
        refuted_by="for every C a d >= C n, an eta_bar <= 1 and a tau at which the misfit exceeds 3||y|| (so whatever the rate) more often than claimed",
        domain=_THEOREM_DOMAIN,
        constants={
            "C": Constant("some C", kind="universal", says="a fixed numerical constant, not named in the statement"),
            **_k(rows=16, aspect=43 * 10**14, eta_bar=1, energy=F(17, 20)),
        },
        needs=(
            "vanveen18.lemB2.in_range",
            "vanveen18.lemB4",
            "vanveen18.lemB4.law.corrected",
            "vanveen18.lemB4.hidden_law",
            "vanveen18.width.printed",
            "vanveen18.width.normalisation",
            "vanveen18.eq8.gram",
            "vanveen18.gradient.corrected",
            "oymak19.averaged_jacobian",
        ),
        assumes=(DS, "Hoeffding's inequality", "lower tail of a sum of non-negative variables (Bernstein)"),
        enclosed=_lazy("balls", "printed_theorem_fails"),
        controls=(old("eta_bar_2", "eta_bar = 2.", {"eta_bar": 2}),),
    ),
    Claim(
        id="vanveen18.thm41.proof",
        source=_src("Theorem 4.1 by its proof", "eta = 1/beta^2", 18),
        says="For d >= 4.3e15 n and eta = 1/beta^2 the misfit is at most 3(1 - d/(64(sqrt d + 2 sqrt n)^2))^tau ||y|| for all tau, with the claimed probability: the rate that Theorem B.5 gives by substitution.",
        tex=r"\|V\phi(W_\tau z)-y\|\le 3\Big(1-\tfrac{d}{64(\sqrt d+2\sqrt n)^2}\Big)^\tau\|y\|,\ \eta=\tfrac{dn}{(\sqrt d+2\sqrt n)^2\|y\|^2}",
        refuted_by="a lemma of the chain that fails, or another rate from the same substitution",
        domain=_THEOREM_DOMAIN,
        hypotheses=(_WIDE,),
        constants=_k(divisor=64),
        needs=_LEMMAS,
        symbolic=_lazy("algebra_theorems", "sharp_step_and_rate"),
        enclosed=_lazy("balls", "first_step"),
        exact=ExactRoute(_PRACTICE, _lazy("exact", "width_inequality")),
        controls=(old("divisor_1", "1 in place of 64: the bound is nearly 0 after one step.", {"divisor": 1}),),
    ),
    Claim(
        id="vanveen18.thm41.corrected",
        source=_src("Theorem 4.1 with eta_bar <= 1/16", "", 5, "step and rate as in vanveen18.thm41.printed"),
        says="For d >= 4.3e15 n and eta_bar <= 1/16 the printed step, rate, bound and probability hold.",
        tex=r"\bar\eta\le\tfrac1{16},\ d\ge 4.3\cdot10^{15}n\Rightarrow\text{Theorem 4.1 as printed}",
        refuted_by="a lemma of the chain that fails, or a step that exceeds 1/beta^2",
        domain=_THEOREM_DOMAIN,
        hypotheses=(_WIDE,),
        constants=_k(eta_bar=F(1, 16)),
        needs=(*_LEMMAS, "vanveen18.beta"),
        symbolic=_lazy("algebra_theorems", "step_and_rate"),
        enclosed=_lazy("balls", "first_step"),
        exact=ExactRoute(_PRACTICE, _lazy("exact", "width_inequality")),
        controls=(old("eta_bar_1", "eta_bar = 1, as printed.", {"eta_bar": 1}),),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_THEOREM,)
