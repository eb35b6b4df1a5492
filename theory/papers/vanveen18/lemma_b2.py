"""CS-DIP, lemma_b2 (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    CountRoute,
    Draw,
    ExactRoute,
    Hypothesis,
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


_SMALL_WIDTH = tuple({"n": n, "d": d} for n, d in ((1, 4), (2, 40), (4, 64), (8, 40), (6, 200)))

_PERTURBATION = (
    Claim(
        id="vanveen18.eq14.printed",
        source=_src("eq. (14)", "sup_{|S|<=s} ||V_S|| <= 2 sqrt n + sqrt(2 s log(d/s))", 20),
        says="For every s <= d, sup over |S| <= s of ||V_S|| is at most 2 sqrt n + sqrt(2 s log(d/s)) with probability 1 - e^{-n/2}.",
        tex=r"\sup_{|S|\le s}\|V_S\|\le 2\sqrt n+\sqrt{2s\log(d/s)}",
        refuted_by="s <= d where the exact failure probability exceeds e^{-n/2} (s = d makes the logarithm vanish)",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60), "s/d": Range(1e-60, 1, False, True)},
        constants=_k(linear=0),
        exact=ExactRoute(_SMALL_WIDTH, _lazy("exact", "whole_matrix_failure")),
        controls=(old("sixteenth", "A sixteenth of the missing linear term added.", {"linear": F(1, 16)}),),
    ),
    Claim(
        id="vanveen18.eq14.corrected",
        source=_src("eq. (14), with the linear term", "", 20),
        says="For every s <= d, sup over |S| <= s of ||V_S|| is at most 2 sqrt n + sqrt(2 s log(d/s) + s) with probability 1 - e^{-n/2}.",
        tex=r"\sup_{|S|\le s}\|V_S\|\le 2\sqrt n+\sqrt{2s\log(d/s)+s}",
        refuted_by="s <= d where the exact failure probability exceeds e^{-n/2}",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60), "s/d": Range(1e-60, 1, False, True)},
        constants=_k(linear=1),
        needs=("own.sparse_width",),
        assumes=(CHEVET,),
        symbolic=_lazy("algebra_lemmas", "sparse_supremum"),
        exact=ExactRoute(_SMALL_WIDTH, _lazy("exact", "whole_matrix_failure")),
        controls=(old("linear_sixteenth", "s/16 in place of s.", {"linear": F(1, 16)}),),
    ),
    Claim(
        id="vanveen18.lemB2.ceiling.printed",
        source=_src(
            "Section C.2",
            "2 ceil((2dR)^{2/3}) replaced by 3 (2dR)^{2/3}",
            20,
            "s = 3(2dR)^{2/3} is read from 'S = 3 (2dR)3'",
        ),
        says="2 ceil(x) <= 3x for every x = (2dR)^{2/3} > 0.",
        tex=r"2\lceil x\rceil\le 3x",
        refuted_by="x > 0 with 2 ceil(x) > 3x",
        domain={"x": Range(0.01, 1000, False, True)},
        constants=_k(),
        search=SearchRoute(on.ceiling_step),
        controls=(old("unrestricted", "The same on x < 2/3 only.", {}, {"domain": {"x": Range(0.01, 0.6, False)}}),),
    ),
    Claim(
        id="vanveen18.lemB2.ceiling.corrected",
        source=_src("Section C.2, where x >= 2", "", 20),
        says="2 ceil(x) <= 3x for every x = (2dR)^{2/3} >= 2.",
        tex=r"x\ge 2\Rightarrow 2\lceil x\rceil\le 3x",
        refuted_by="x >= 2 with 2 ceil(x) > 3x",
        domain={"x": Range(2, 1000, False, True)},
        constants=_k(least=2),
        symbolic=_lazy("algebra_lemmas", "ceiling_bound"),
        search=SearchRoute(on.ceiling_step),
        controls=(
            old(
                "from_one",
                "From x >= 1 on (searched up to 1.33).",
                {"least": 1},
                {"domain": {"x": Range(1.0, 1.33, False)}},
            ),
        ),
    ),
    Claim(
        id="vanveen18.lemB2.printed",
        source=_src("Lemma B.2", "", 17, "bound read as 2 sqrt n + sqrt(6(2dR)^{2/3} log(d/(3(2dR)^{2/3})))"),
        says="For every R, ||J(W) - J(W_0)|| <= nu ||z|| (2 sqrt n + sqrt(6x log(d/(3x)))), x = (2dR)^{2/3}, for all W within R, with probability 1 - e^{-n/2} - e^{-x/6}.",
        tex=r"\|J(W)-J(W_0)\|\le\nu\|z\|\,(2\sqrt n+\sqrt{6x\log(d/3x)}),\ x=(2dR)^{2/3}",
        refuted_by="n, d, R where flips within R exceed the bound more often than claimed (3x = d makes the logarithm vanish)",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60), "R": Range(1e-60, 1e60, False, True)},
        constants=_k(linear=0),
        exact=ExactRoute(
            (
                {"n": 4, "d": 300, "flips": 48},
                {"n": 4, "d": 600, "flips": 96},
                {"n": 8, "d": 1200, "flips": 192},
            ),
            _lazy("exact", "perturbation_failure"),
        ),
        controls=(old("sixty_fourth", "A 64th of the missing linear term.", {"linear": F(1, 64)}),),
    ),
    Claim(
        id="vanveen18.lemB2.corrected",
        source=_src("Lemma B.2, with s = 2 ceil((2dR)^{2/3}) and the linear term", "", 17),
        says="For all W within R, ||J(W) - J(W_0)|| <= nu ||z|| (2 sqrt n + sqrt(2 s log(d/s) + s)), s = min(d, 2 ceil((2dR)^{2/3})), with probability 1 - e^{-n/2} - e^{-(2dR)^{2/3}/6}.",
        tex=r"\|J(W)-J(W_0)\|\le\nu\|z\|\,(2\sqrt n+\sqrt{2s\log(d/s)+s}),\ s=\min(d,2\lceil(2dR)^{2/3}\rceil)",
        refuted_by="n, d, R where flips within R exceed the bound more often than claimed",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60), "R": Range(1e-60, 1e60, False, True)},
        law={"V": Draw("gaussian", ("n", "d")), "g": Draw("gaussian", ("d",))},
        constants=_k(linear=1, deviation=2),
        needs=("vanveen18.lemC2", "vanveen18.eq14.corrected", "vanveen18.eq8.jacobian"),
        symbolic=_lazy("algebra_lemmas", "perturbation_assembly"),
        count=CountRoute(
            ({"n": 8, "d": 800, "R": 0.15}, {"n": 8, "d": 3200, "R": 0.1}),
            on.jacobian_change,
            on.perturbation_probability,
            300,
        ),
        controls=(old("no_width", "Only 2 sqrt n: the sparse width left out.", {"linear": F(-100)}),),
    ),
    Claim(
        id="vanveen18.lemB2.in_range",
        source=_src("Lemma B.2, where it is used", "", 18),
        says="Lemma B.2's printed bound holds where (2dR)^{2/3} >= 2 and s = 3 (2dR)^{2/3} <= 0.18 d, which covers its use in Theorem 4.1.",
        tex=r"2\le(2dR)^{2/3}\le 0.06\,d\Rightarrow\text{Lemma B.2 as printed}",
        refuted_by="an n, d, R in this range where flips within R exceed the bound more often than claimed",
        domain={"n": Range(1, 10**9), "d": Range(34, 10**60), "R": Range(1e-60, 1e60, False, True)},
        law={"V": Draw("gaussian", ("n", "d")), "g": Draw("gaussian", ("d",))},
        hypotheses=(
            Hypothesis(
                "range",
                "2 <= (2dR)^{2/3} <= 0.06 d",
                lambda case, c: 2 <= (2 * case["d"] * case["R"]) ** (2 / 3) <= float(c["share"]) / 3 * case["d"],
            ),
        ),
        constants=_k(linear=0, deviation=2, share=F(18, 100)),
        needs=("vanveen18.lemC2", "own.eq14_domain", "vanveen18.lemB2.ceiling.corrected", "vanveen18.eq8.jacobian"),
        assumes=(CHEVET,),
        symbolic=_lazy("algebra_lemmas", "perturbation_assembly"),
        count=CountRoute(({"n": 8, "d": 800, "R": 0.15},), on.jacobian_change, on.perturbation_probability, 300),
        controls=(
            old("no_width", "Only 2 sqrt n: the sparse width left out.", {"linear": F(-100)}),
            old(
                "any_share",
                "Up to 3 (2dR)^{2/3} = d, where the logarithm vanishes.",
                {"share": 1},
                {
                    "count": CountRoute(
                        ({"n": 8, "d": 600, "R": 2.35},), on.jacobian_change, on.perturbation_probability, 300
                    )
                },
            ),
        ),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_PERTURBATION,)
