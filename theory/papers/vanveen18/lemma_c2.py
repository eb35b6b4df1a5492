"""CS-DIP, lemma_c2 (to be filed with its evidence)."""

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


SMALL_RANKS = {"m": Range(1, 40), "d": Range(1, 200), "z_norm": Range(0.1, 10, False, True)}

_SIGNS = (
    Claim(
        id="vanveen18.lemC3",
        source=_src(
            "Lemma C.3 (Oymak and Soltanolkotabi 2019, Lemma C.2)",
            "",
            20,
            "the division by ||z|| is read from 'JWIkm-'",
        ),
        says="If ||W - W_0|| <= sqrt(m) |W_0 z|_{m-}/||z|| then at most 2m rows change the sign of <w_l, z>.",
        tex=r"\|W-W_0\|\le\sqrt m\,|W_0z|_{m-}/\|z\|\Rightarrow|S(W)|\le 2m",
        refuted_by="W_0, z, m whose exact worst case within the radius changes more than 2m signs",
        domain={"m": Range(1, 10**60), "d": Range(1, 10**60), "z_norm": Range(1e-60, 1e60, False, True)},
        law={"g": Draw("gaussian", ("d",))},
        hypotheses=(Hypothesis("rank", "m <= d", lambda case, c: case["m"] <= case["d"]),),
        constants=_k(per_rank=2, offset=0, norm_of_z=1),
        symbolic=_lazy("algebra_lemmas", "rank_counting"),
        search=SearchRoute(on.sign_changes_below, within=SMALL_RANKS),
        controls=(
            old("only_m", "At most m rows change.", {"per_rank": 1}),
            old("no_norm", "The radius without the division by ||z||.", {"norm_of_z": 0}),
        ),
    ),
    Claim(
        id="vanveen18.lemC4",
        source=_src("Lemma C.4 (Oymak and Soltanolkotabi 2019, Lemma C.3)", "", 20, "m/(2d) and e^{-m/6} are read"),
        says="For each m <= d, |W_0 z|_{m-}/||z|| >= m/(2d) with probability at least 1 - e^{-m/6}.",
        tex=r"P\{|W_0z|_{m-}/\|z\|\ge m/(2d)\}\ge 1-e^{-m/6}",
        refuted_by="m <= d where the exact binomial tail exceeds e^{-m/6}",
        domain={"m": Range(1, 10**9), "d": Range(1, 10**60)},
        constants=_k(level=F(1, 2), exponent=F(1, 6)),
        assumes=("Chernoff's bound for the binomial",),
        enclosed=_lazy("balls", "order_exponent"),
        exact=ExactRoute(
            tuple({"m": m, "d": d} for d in (1, 10, 1000, 10**6, 10**9) for m in (1, 2, 5, 20, 100, 400) if m <= d),
            _lazy("exact", "rank_failure"),
        ),
        search=SearchRoute(
            _lazy("exact", "rank_failure"),
            within={"m": Range(1, 1000, True, True), "d": Range(1000, 10**9, True, True)},
        ),
        controls=(
            old("exponent_half", "e^{-m/2} in place of e^{-m/6}.", {"exponent": F(1, 2)}),
            old("level_2", "2m/d in place of m/(2d).", {"level": 2}),
        ),
    ),
    Claim(
        id="vanveen18.lemC2",
        source=_src("Lemma C.2", "", 20, "the exponent 2/3 and the ceiling are read"),
        says="With probability 1 - e^{-(2dR)^{2/3}/6}, every W within R of W_0 changes at most 2 ceil((2dR)^{2/3}) signs.",
        tex=r"\|W-W_0\|\le R\Rightarrow|S(W)|\le 2\lceil(2dR)^{2/3}\rceil",
        refuted_by="d, R where the exact worst case exceeds the bound more often than claimed",
        domain={"d": Range(1, 10**60), "R": Range(1e-60, 1e60, False, True)},
        law={"g": Draw("gaussian", ("d",))},
        constants=_k(factor=2),
        needs=("vanveen18.lemC3", "vanveen18.lemC4"),
        symbolic=_lazy("algebra_lemmas", "sign_change_assembly"),
        count=CountRoute(
            ({"d": 1000, "R": 0.2}, {"d": 1000, "R": 1.0}, {"d": 10000, "R": 0.05}),
            on.worst_sign_changes,
            on.sign_change_probability,
            4000,
        ),
        controls=(old("a_quarter", "A quarter of the bound.", {"factor": 0.5}),),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_SIGNS,)
