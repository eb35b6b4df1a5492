"""CS-DIP (Van Veen, Jalal, Soltanolkotabi, Price, Vishwanath, Dimakis): Section 4 and appendices B, C.

Plain data. Where text, proof and arithmetic differ a statement stands as .printed, .proof and .corrected.
Our text of the paper is an optical reading; `reading` says where a formula had to be read through it.
"""

from __future__ import annotations

from fractions import Fraction as F
from math import exp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
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
from untrained.theory.proof import runs

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

_JACOBIAN = (
    Claim(
        id="vanveen18.eq8.jacobian",
        source=_src("eq. (8), first line", "J(W) = (V diag(phi'(Wz))) * (1 z^T)", 16, "(1 z^T) read from '(IZT)'"),
        says="The Jacobian of W -> V ReLU(Wz) is the row-wise Khatri-Rao product of V diag(phi'(Wz)) with 1 z^T.",
        tex=r"J(W)=(V\,\mathrm{diag}(\phi'(Wz)))*(1z^T)",
        refuted_by="an entry of the derivative that differs, or a short segment on which f is not linear with this slope",
        domain=_SIZES,
        law={**_GENERATOR, "Delta": Draw("gaussian", ("d", "k"))},
        constants=_k(mask=1),
        symbolic=_lazy("algebra", "jacobian_entry"),
        search=SearchRoute(on.jacobian_on_a_segment, within=_SMALL),
        controls=(Control("no_mask", "The pattern phi' is left out of the Jacobian.", {"mask": 0}),),
    ),
    Claim(
        id="vanveen18.eq8.gram",
        source=_src("eq. (8), second line", "J J^T = ||z||^2 V diag(phi' o phi') V^T", 16),
        says="J J^T equals ||z||^2 V diag(phi'(Wz)) V^T, so the n x dk Jacobian need never be formed.",
        tex=r"J(W)J(W)^T=\|z\|^2\,V\,\mathrm{diag}(\phi'(Wz)\odot\phi'(Wz))\,V^T",
        refuted_by="sizes and weights where the two matrices differ by more than rounding",
        domain=_SIZES,
        law=_GENERATOR,
        constants=_k(z_power=2, mask_power=2),
        symbolic=_lazy("algebra", "gram_entry"),
        search=SearchRoute(on.gram_by_closed_form, within=_SMALL),
        controls=(Control("norm_of_z", "||z|| in place of its square.", {"z_power": 1}),),
    ),
)

_GRADIENT_LAW = {**_GENERATOR, "y": Draw("gaussian", ("n",))}


def _gradient(name: str, source: Source, says: str, tex: str, **constants: object) -> Claim:
    settings: dict[str, object] = {"outer_relu": 0, "loss_factor": F(1, 2), "gradient_factor": 1, **constants}
    return Claim(
        id=f"vanveen18.{name}",
        source=source,
        says=says,
        tex=tex,
        refuted_by="weights where the gradient of the loss differs from this expression by more than rounding",
        domain=_SIZES,
        law=_GRADIENT_LAW,
        constants=_k(**settings),
        symbolic=_lazy("algebra", "gradient_entry"),
        search=SearchRoute(on.gradient_by_jacobian, within=_SMALL),
        controls=(Control("other_factor", "The expression times three.", {"gradient_factor": 3}),),
    )


_GRADIENTS = (
    _gradient(
        "gradient.printed",
        _src("Section B.2, residual", "r(W) = phi(V phi(Wz)) - y", 16),
        "The gradient of ||V phi(Wz) - y||^2/2 is J^T r with the residual as printed, r = phi(V phi(Wz)) - y.",
        r"\nabla L=J^T(\phi(V\phi(Wz))-y)",
        outer_relu=1,
    ),
    _gradient(
        "gradient.corrected",
        _src("Section B.2, residual", "r(W) = V phi(Wz) - y", 16),
        "The gradient of ||V phi(Wz) - y||^2/2 is J^T r with r = V phi(Wz) - y, without the outer phi.",
        r"\nabla L=J^T(V\phi(Wz)-y)",
    ),
    _gradient(
        "eq6.printed",
        _src("eq. (6) and Section B.2 (our combination)", "min ||y - G(z; W)||^2", 5),
        "The loss of eq. (6), without the factor 1/2, has the gradient J^T r that the appendix uses.",
        r"\nabla\|y-G\|^2=J^Tr",
        loss_factor=1,
    ),
    _gradient(
        "eq6.corrected",
        _src("eq. (6)", "min ||y - G(z; W)||^2", 5),
        "The loss of eq. (6) has gradient 2 J^T r: its admissible step is half that of Theorem 4.1's loss.",
        r"\nabla\|y-G\|^2=2J^Tr",
        loss_factor=1,
        gradient_factor=2,
    ),
)

_BERNOULLI = tuple(
    {"p": p, "d": d, "delta": q} for p in (0.5, 0.1, 0.9) for d in (20, 1000, 100000) for q in (0.5, 0.05)
)
_MASKED = tuple(
    {"n": n, "d": d, "delta": q}
    for n, d, q in ((1, 1000, 0.3), (2, 2000, 0.1), (4, 3000, 0.3), (8, 4000, 0.5), (4, 200, 0.1))
)

_OLIVEIRA = (
    Claim(
        id="vanveen18.thmC1",
        source=_src(
            "Theorem C.1 (Oliveira 2013)",
            "",
            19,
            "the deviation 7h sqrt((n + 2 log(2/delta))/d) and the square root over E(u^T A_1 u)^2 are read",
        ),
        says="With probability 1 - delta the mean of d i.i.d. PSD matrices is, in every direction, at least 1 - 7h sqrt((n + 2 log(2/delta))/d) of its expectation, h bounding the ratio of second to first moments.",
        tex=r"P\{\forall u: u^T\hat\Sigma u\ge(1-7h\sqrt{(n+2\ln(2/\delta))/d})\,u^T\Sigma u\}\ge 1-\delta",
        refuted_by="a law of A_1 for which the exact probability of falling below exceeds delta",
        domain={"n": Range(1, 8), "d": Range(20, 100000), "delta": Range(0.05, 0.5, False)},
        constants=_k(constant=7),
        exact=ExactRoute(
            _BERNOULLI + _MASKED, _lazy("exact", "oliveira"), informative=_lazy("exact", "oliveira_informative")
        ),
        controls=(
            Control("constant_quarter", "1/4 in place of 7.", {"constant": F(1, 4)}),
            Control("no_deviation", "No deviation at all.", {"constant": 0}),
        ),
    ),
    Claim(
        id="vanveen18.sigma",
        source=_src("Section C.1", "Sigma = E[a_1 a_1^T] = I_n/2", 19),
        says="For a = v phi'(<w,z>) with z not zero, E[a a^T] is half the identity.",
        tex=r"\mathbb{E}[aa^T]=\tfrac12 I_n",
        refuted_by="a moment that differs",
        constants=_k(diagonal=F(1, 2), off_diagonal=0),
        symbolic=_lazy("algebra_lemmas", "second_moment"),
        controls=(Control("identity", "Sigma = I, as if every neuron were active.", {"diagonal": 1}),),
    ),
    Claim(
        id="vanveen18.h",
        source=_src("Section C.1", "h = sqrt 6", 19),
        says="h = sqrt 6 satisfies Theorem C.1's moment condition for A_1 = a a^T (with equality).",
        tex=r"\sqrt{\mathbb{E}(u^TA_1u)^2}\le\sqrt6\,u^T\Sigma u",
        refuted_by="a direction u in which the moment exceeds h u^T Sigma u",
        constants=_k(h_squared=6),
        symbolic=_lazy("algebra_lemmas", "small_ball_h"),
        controls=(Control("sqrt_5", "h = sqrt 5.", {"h_squared": 5}),),
    ),
    Claim(
        id="vanveen18.lemB1.arithmetic",
        source=_src("Section C.1, last display", "d >= 3528 n", 19),
        says="Theorem C.1 with h = sqrt 6 and delta = 2e^{-n} gives lambda_min >= d/4 exactly from d = 3528 n on.",
        tex=r"7\sqrt6\sqrt{3n/d}\le\tfrac12\iff d\ge 3528\,n",
        refuted_by="another ratio from the same substitution",
        constants=_k(width_ratio=3528),
        symbolic=_lazy("algebra_lemmas", "oliveira_arithmetic"),
        enclosed=_lazy("balls", "oliveira_ratio"),
        controls=(
            Control("3828", "The statement's 3828 as the outcome of the same substitution.", {"width_ratio": 3828}),
            Control("3527", "One less.", {"width_ratio": 3527}),
        ),
    ),
)


def _lemma_b1_probability(case: Case, c: Constants) -> float:
    return 1 - 2 * exp(-case["n"])


def lemma_b1(claim_id: str, ratio: int, source: Source) -> Claim:
    """Lemma B.1 for a given d/n, with the same evidence whatever the ratio."""
    return Claim(
        id=claim_id,
        source=source,
        says=f"For d >= {ratio} n, sigma_min(J(W_0)) >= nu sqrt(d) ||z||/2 with probability at least 1 - 2e^{{-n}}.",
        tex=rf"d\ge {ratio}n\Rightarrow\sigma_{{\min}}(J(W_0))\ge\tfrac12\nu\sqrt d\,\|z\|\ \text{{w.p.}}\ 1-2e^{{-n}}",
        refuted_by="n and d >= C n where the exact failure probability exceeds 2e^{-n}, or trials that exclude 1 - 2e^{-n}",
        domain={"n": Range(1, 10**9), "d/n": Range(ratio, 1e60, False, True)},
        law={"sigma": Draw("jacobian_sigma_min", ("n", "d"))},
        constants=_k(width_ratio=ratio, fraction=F(1, 2)),
        needs=("vanveen18.eq8.gram",),
        assumes=(DS, "Chernoff's bound for the binomial"),
        enclosed=_lazy("balls", "smallest_singular_proof"),
        exact=ExactRoute(tuple({"n": n} for n in (1, 2, 3)), _lazy("exact", "smallest_singular_failure")),
        count=CountRoute(
            ({"n": 4, "d": 4 * ratio}, {"n": 16, "d": 16 * ratio}),
            on.sigma_min_above,
            _lemma_b1_probability,
            2000,
        ),
        controls=(
            Control(
                "width_20",
                "d >= 20 n, below the edge of the spectrum at 23.3 n.",
                {"width_ratio": 20},
                {"count": CountRoute(({"n": 16, "d": 320},), on.sigma_min_above, _lemma_b1_probability, 2000)},
            ),
            Control(
                "fraction_0.71",
                "0.71 in place of 1/2: above sigma_min's limit sqrt(1/2).",
                {"fraction": F(71, 100)},
            ),
        ),
    )


_LEMMA_B1 = (
    lemma_b1(
        "vanveen18.lemB1.printed",
        3828,
        _src("Lemma B.1", "d >= 3828 n", 17, "3828 may itself be a misreading of 3528"),
    ),
    lemma_b1("vanveen18.lemB1.proof", 3528, _src("Lemma B.1 by its proof, Section C.1", "d >= 3528 n", 19)),
)

_SMALL_WIDTH = tuple({"n": n, "d": d} for n, d in ((1, 4), (2, 40), (4, 64), (8, 40), (6, 200)))

SMALL_RANKS = {"m": Range(1, 40), "d": Range(1, 200), "z_norm": Range(0.1, 10, False, True)}

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
        controls=(Control("sixteenth", "A sixteenth of the missing linear term added.", {"linear": F(1, 16)}),),
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
        controls=(Control("linear_sixteenth", "s/16 in place of s.", {"linear": F(1, 16)}),),
    ),
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
            Control("only_m", "At most m rows change.", {"per_rank": 1}),
            Control("no_norm", "The radius without the division by ||z||.", {"norm_of_z": 0}),
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
            Control("exponent_half", "e^{-m/2} in place of e^{-m/6}.", {"exponent": F(1, 2)}),
            Control("level_2", "2m/d in place of m/(2d).", {"level": 2}),
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
        controls=(Control("a_quarter", "A quarter of the bound.", {"factor": 0.5}),),
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
        controls=(
            Control("unrestricted", "The same on x < 2/3 only.", {}, {"domain": {"x": Range(0.01, 0.6, False)}}),
        ),
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
            Control(
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
        controls=(Control("sixty_fourth", "A 64th of the missing linear term.", {"linear": F(1, 64)}),),
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
        controls=(Control("no_width", "Only 2 sqrt n: the sparse width left out.", {"linear": F(-100)}),),
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
            Control("no_width", "Only 2 sqrt n: the sparse width left out.", {"linear": F(-100)}),
            Control(
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
            Control("no_deviation", "sqrt d + sqrt n at the same probability.", {"deviation": 1}),
            Control("smaller", "A tenth of the norm of V.", {"factor": F(1, 10)}),
        ),
    ),
)

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
        controls=(Control("half", "Half the target's norm.", {"factor": F(1, 2)}),),
    ),
    Claim(
        id="vanveen18.lemB4.law.printed",
        source=_src("Section C.5, first display", "V phi(Wz) ~ nu ||phi(Wz)|| g, g in R^d", 21),
        says="V phi(Wz) has the law of nu ||phi(Wz)|| g with g standard normal in R^d, as printed.",
        tex=r"V\phi(Wz)\sim\nu\|\phi(Wz)\|g,\ g\in\mathbb{R}^d",
        refuted_by="a moment that differs: E||V phi||^2 = n nu^2 ||phi||^2",
        constants=_k(dimension="d"),
        symbolic=_lazy("algebra_lemmas", "output_law"),
        controls=(Control("in_nd", "g in R^{nd}.", {"dimension": "nd"}),),
    ),
    Claim(
        id="vanveen18.lemB4.law.corrected",
        source=_src("Section C.5, first display, with g in R^n", "", 21),
        says="Given phi(Wz), V phi(Wz) has the law of nu ||phi(Wz)|| g with g standard normal in R^n.",
        tex=r"V\phi(Wz)\sim\nu\|\phi(Wz)\|g,\ g\in\mathbb{R}^n",
        refuted_by="a moment that differs",
        constants=_k(dimension="n"),
        symbolic=_lazy("algebra_lemmas", "output_law"),
        controls=(Control("in_d", "g in R^d.", {"dimension": "d"}),),
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
        controls=(Control("exponent_one", "e^{-n}.", {"exponent": 1}),),
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
        controls=(Control("exponent_fifth", "e^{-n/5}.", {"exponent": F(1, 5)}),),
    ),
    Claim(
        id="vanveen18.lemB4.hidden_law",
        source=_src("Section C.5, second display", "Wz ~ ||z|| g~, g~ in R^d", 21),
        says="Wz has the law of ||z|| times a standard normal vector of R^d.",
        tex=r"Wz\sim\|z\|\tilde g,\ \tilde g\in\mathbb{R}^d",
        refuted_by="a covariance of Wz other than ||z||^2 times the identity",
        constants=_k(z_power=2),
        symbolic=_lazy("algebra_lemmas", "hidden_law"),
        controls=(Control("norm_of_z", "Variance ||z||.", {"z_power": 1}),),
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
        controls=(Control("exponent_one", "e^{-d}.", {"exponent": 1}),),
    ),
    Claim(
        id="vanveen18.lemB4.arithmetic",
        source=_src("Section C.5, last display but one", "2 sqrt(nd) nu ||z|| = 2||y||", 21),
        says="sqrt(2n) nu sqrt(2d) ||z|| = 2||y||.",
        tex=r"2\sqrt{nd}\,\nu\|z\|=2\|y\|",
        refuted_by="another product from the same substitution",
        constants=_k(factor=2),
        symbolic=_lazy("algebra_lemmas", "output_arithmetic"),
        controls=(Control("factor_4", "4||y||.", {"factor": 4}),),
    ),
    Claim(
        id="vanveen18.lemB4.relu",
        source=_src("eq. (16), last step", "||phi(Wz)|| <= ||Wz||", 21),
        says="ReLU does not increase the norm.",
        tex=r"\|\phi(Wz)\|\le\|Wz\|",
        refuted_by="a vector whose positive part is longer",
        constants=_k(factor=1),
        symbolic=_lazy("algebra_lemmas", "relu_contracts"),
        controls=(Control("half", "Half the squared norm suffices.", {"factor": F(1, 2)}),),
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
            Control("factor_one", "||y|| in place of 2||y||.", {"factor": 1}),
            Control("exponent_seven_tenths", "e^{-0.7 n} + e^{-0.7 d}.", {"exponent": F(7, 10)}),
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
        controls=(Control("factor_six_fifths", "1.2||y||.", {"factor": F(6, 5)}),),
    ),
)

_META_LAW = {
    "Q": Draw("gaussian", ("n", "n")),
    "start": Draw("gaussian", ("n",)),
    "y": Draw("gaussian", ("n",), {"scale": "size"}),
}
_META_DOMAIN = {"p": Range(1, 10**60)}
META_WITHIN = {
    "n": Range(1, 6),
    "spread": Range(1, 20, False, True),
    "bend": Range(0, 1.2, False),
    "size": Range(0.01, 100, False, True),
}
_META_HYPOTHESES = (
    Hypothesis(
        "A0", "f changes along a segment by the integral of J (piecewise linear maps do)", runs.folded_integrates
    ),
    Hypothesis("A1", "A1: sigma_min(J(theta_0)) >= 2 alpha", runs.folded_meets_a1),
    Hypothesis("A2", "A2: ||J(theta) - J(theta_0)|| <= alpha/3 within R", runs.folded_meets_a2),
    Hypothesis("A3", "A3: ||J(theta)|| <= beta everywhere", runs.folded_meets_a3),
)
_NO_A2 = Control(
    "no_A2",
    "Without A2, on maps whose Jacobian may lose its smallest singular value.",
    {},
    {
        "hypotheses": (_META_HYPOTHESES[0], _META_HYPOTHESES[1], _META_HYPOTHESES[3]),
        "symbolic": None,
        "search": SearchRoute(
            runs.folded_rate, within={**META_WITHIN, "spread": Range(1, 1.2, False), "bend": Range(6, 12, False)}
        ),
    },
)
_META_NEEDS = ("oymak19.averaged_jacobian", "oymak19.step.rate", "oymak19.step.path", "oymak19.stays_inside")

_META = (
    Claim(
        id="vanveen18.thmB5.rate",
        source=_src(
            "Theorem B.5, eq. (9)",
            "||y - f(theta_tau)|| <= (1 - eta alpha^2/4)^tau ||y - f(theta_0)||",
            17,
            "eta alpha^2/4 is read from 'eta 4-', eta <= 1/beta^2 from 'e2'",
        ),
        says="If f changes along segments by the integral of its Jacobian, then under A1 to A3 with R = 5||r_0||/alpha and eta <= 1/beta^2 the misfit shrinks by 1 - eta alpha^2/4 a step.",
        tex=r"\|y-f(\theta_\tau)\|\le(1-\eta\alpha^2/4)^\tau\|y-f(\theta_0)\|",
        refuted_by="a map that meets A1 to A3 whose descent is slower",
        domain=_META_DOMAIN,
        law=_META_LAW,
        hypotheses=_META_HYPOTHESES,
        constants=_k(rate=F(1, 4), step=1),
        needs=_META_NEEDS,
        symbolic=_lazy("algebra_theorems", "meta_rate"),
        search=SearchRoute(runs.folded_rate, effort=0.7, within=META_WITHIN),
        controls=(
            Control("rate_5", "1 - 5 eta alpha^2 a step.", {"rate": 5}),
            Control("step_4", "A step four times as long.", {"step": 4}),
            _NO_A2,
        ),
    ),
    Claim(
        id="vanveen18.thmB5.path",
        source=_src(
            "Theorem B.5, eq. (10)",
            "(alpha/5)||theta_tau - theta_0|| + ||y - f(theta_tau)|| <= ||y - f(theta_0)||",
            17,
            "alpha/5 is read from a split line",
        ),
        says="Under the same assumptions (alpha/5) ||theta_tau - theta_0|| + ||r_tau|| <= ||r_0|| for every tau.",
        tex=r"\tfrac\alpha5\|\theta_\tau-\theta_0\|+\|y-f(\theta_\tau)\|\le\|y-f(\theta_0)\|",
        refuted_by="a map that meets A1 to A3 whose descent wanders farther",
        domain=_META_DOMAIN,
        law=_META_LAW,
        hypotheses=_META_HYPOTHESES,
        constants=_k(path=F(1, 5), step=1, length=0),
        needs=_META_NEEDS,
        symbolic=_lazy("algebra_theorems", "meta_path"),
        search=SearchRoute(runs.folded_path, effort=0.7, within=META_WITHIN),
        controls=(
            Control("alpha_3", "3 alpha in place of alpha/5.", {"path": 3}),
            Control("step_4", "A step four times as long.", {"step": 4}),
        ),
    ),
)

_ASSEMBLY = (
    Claim(
        id="vanveen18.alpha_R",
        source=_src("Section B.4", "alpha = ||y||/(4 sqrt n), R = 60 sqrt n", 18),
        says="With nu = ||y||/(sqrt(dn)||z||): alpha = nu sqrt(d)||z||/4 = ||y||/(4 sqrt n), and R = 15||y||/alpha = 60 sqrt n.",
        tex=r"\alpha=\tfrac14\nu\sqrt d\|z\|=\|y\|/(4\sqrt n),\quad R=15\|y\|/\alpha=60\sqrt n",
        refuted_by="another value from the same substitution",
        constants=_k(alpha_divisor=4, radius=60),
        symbolic=_lazy("algebra_theorems", "alpha_beta_radius"),
        controls=(Control("radius_20", "R = 20 sqrt n, as if the misfit were ||y||.", {"radius": 20}),),
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
        controls=(Control("factor_one", "Without the 2.", {"factor": 1}),),
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
        controls=(Control("radius_20", "R = 20 sqrt n.", {"radius": 20}),),
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
        controls=(Control("4.2e15", "From 4.2e15 n on.", {"aspect": 42 * 10**14}),),
    ),
    Claim(
        id="vanveen18.width.minimal",
        source=_src("Section B.4", "", 18),
        says="The least C for which the printed width inequality holds for all d >= C n is 4.248050856e15 to ten digits.",
        tex=r"C_{\min}=4.248050856\cdot10^{15}",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants=_k(linear=0, digits=4248050856 * 10**6, leading=F(4248050856, 10**9)),
        enclosed=_lazy("balls", "width_digits"),
        controls=(Control("last_digit", "The last digit one higher.", {"digits": 4248050857 * 10**6}),),
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
        controls=(Control("5e15", "From 5e15 n on.", {"aspect": 5 * 10**15}),),
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
            Control("last_digit", "The last digit one higher.", {"digits": 5541022063 * 10**6}),
            Control("sharper_term", "The same digits with s in place of (5/4)s.", {"linear": 1}),
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
        controls=(Control("four", "4e^{-n/2}, exceeded at n = 1.", {"coefficient": 4}),),
    ),
)

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
            "C": Constant("some C", "universal", "a fixed numerical constant, not named in the statement"),
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
        controls=(Control("eta_bar_2", "eta_bar = 2.", {"eta_bar": 2}),),
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
        controls=(Control("divisor_1", "1 in place of 64: the bound is nearly 0 after one step.", {"divisor": 1}),),
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
        controls=(Control("eta_bar_1", "eta_bar = 1, as printed.", {"eta_bar": 1}),),
    ),
)

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
        controls=(Control("scaled_row", "One row twice as long.", {"orthonormal": 0}),),
    ),
    Claim(
        id="vanveen18.remark.fourier.printed",
        source=_src("Section 4, last paragraph", "e.g. subsampling a Fourier matrix", 6),
        says="For A made of rows of the complex Fourier matrix, AV has i.i.d. (circular) Gaussian entries.",
        tex=r"A\subset F\Rightarrow AV\ \text{i.i.d. Gaussian}",
        refuted_by="a pseudo-covariance A A^T that is not zero: rows j and -j are conjugates and row 0 is real",
        constants=_k(real_parts=0, scale=1),
        symbolic=_lazy("algebra_theorems", "fourier_rows"),
        controls=(Control("scaled", "The same with twice the variance.", {"scale": 2}),),
    ),
    Claim(
        id="vanveen18.remark.fourier.corrected",
        source=_src("Section 4, last paragraph, with real and imaginary parts", "", 6),
        says="Taking sqrt 2 times the real and imaginary parts of one frequency of each conjugate pair (and the real rows as they are) gives orthonormal rows, to which the remark applies.",
        tex=r"\{\sqrt2\,\mathrm{Re}F_j,\sqrt2\,\mathrm{Im}F_j\}\ \text{orthonormal}",
        refuted_by="a Gram matrix of these rows that is not the identity",
        constants=_k(real_parts=1, scale=1),
        symbolic=_lazy("algebra_theorems", "fourier_rows"),
        controls=(Control("scaled", "With twice the variance.", {"scale": 2}),),
    ),
    Claim(
        id="vanveen18.remark.gaussian.independent",
        source=_src("Section 4, last paragraph, put to the Gaussian A of the experiments (our combination)", "", 6),
        says="For A with i.i.d. N(0, 1/m) entries AV too has independent entries, so the remark covers Gaussian measurements.",
        tex=r"A_{ij}\sim\mathcal N(0,1/m)\Rightarrow AV\ \text{i.i.d.}",
        refuted_by="a fourth cross-moment along a row of AV that does not factor",
        constants=_k(cross_excess=0),
        symbolic=_lazy("algebra_theorems", "gaussian_sensing"),
        controls=(Control("half_excess", "Half of the true excess.", {"cross_excess": 1}),),
    ),
)

CLAIMS: tuple[Claim, ...] = (
    *_JACOBIAN,
    *_GRADIENTS,
    *_OLIVEIRA,
    *_LEMMA_B1,
    *_PERTURBATION,
    *_NORM,
    *_MISFIT,
    *_META,
    *_ASSEMBLY,
    *_THEOREM,
    *_REMARK,
)
