"""Our own results: sharper constants, exact thresholds, and what holds at widths that people use."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    Control,
    CountRoute,
    Draw,
    ExactRoute,
    Lazy,
    Range,
    SearchRoute,
    Source,
)
from untrained.theory.papers.vanveen18 import CLAIMS as PAPER_CLAIMS
from untrained.theory.papers.vanveen18 import META_WITHIN, SMALL_RANKS, lemma_b1
from untrained.theory.proof import conclusions as on
from untrained.theory.proof import runs

_BY_ID = {claim.id: claim for claim in PAPER_CLAIMS}


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


_WIDTH_CASES = tuple(
    {"s": s, "d": d} for d in (1, 2, 10, 100, 1000) for s in (1, 2, 5, 18, 50, 90, 400, 1000) if s <= d
)

_SPARSE = (
    Claim(
        id="own.sparse_width",
        source=_src("sharpens the (5/4)s of the usual sparse width to s"),
        says="For every s <= d, E max over |S| = s of ||g_S||^2 is at most 2 s log(d/s) + s, g standard normal in R^d; the factor 1 is best possible (s = d).",
        tex=r"\mathbb{E}\max_{|S|=s}\|g_S\|^2\le 2s\log(d/s)+s",
        refuted_by="s <= d where the exact order-statistic integral is larger",
        domain={"s": Range(1, 10**60), "d": Range(1, 10**60)},
        constants=_k(linear=1),
        assumes=("Mills' ratio: phi(t)/Q(t) < t + 1/t",),
        symbolic=Lazy("untrained.theory.proof.algebra_lemmas", "sparse_excess_falls"),
        exact=ExactRoute(_WIDTH_CASES, Lazy("untrained.theory.proof.exact", "sparse_width")),
        controls=(
            Control("nine_tenths", "0.9 s in place of s.", {"linear": F(9, 10)}),
            Control("no_linear_term", "The printed width, without a linear term.", {"linear": 0}),
        ),
    ),
    Claim(
        id="own.eq14_domain",
        source=_src("where the printed eq. (14) is true"),
        says="For every s <= 0.18 d, E max over |S| = s of ||g_S||^2 is at most 2 s log(d/s): there the printed eq. (14) needs no linear term.",
        tex=r"s\le 0.18\,d\Rightarrow \mathbb{E}\max_{|S|=s}\|g_S\|^2\le 2s\log(d/s)",
        refuted_by="a share s/d <= 0.18 whose energy L(s/d) certainly exceeds 2 (s/d) log(d/s)",
        domain={"s/d": Range(1e-60, 0.18, False, True)},
        constants=_k(threshold=F(134075, 100000), share=F(18, 100), linear=0),
        assumes=("Mills' ratio: phi(t)/Q(t) < t + 1/t",),
        enclosed=Lazy("untrained.theory.proof.balls", "sparse_printed_domain"),
        exact=ExactRoute(
            tuple(case for case in _WIDTH_CASES if case["s"] <= 0.18 * case["d"]),
            Lazy("untrained.theory.proof.exact", "sparse_width"),
        ),
        controls=(
            Control(
                "share_22_percent",
                "Up to s = 0.22 d.",
                {"threshold": F(1226, 1000), "share": F(22, 100)},
                {"exact": ExactRoute(({"s": 220, "d": 1000},), Lazy("untrained.theory.proof.exact", "sparse_width"))},
            ),
        ),
    ),
)

_META = (
    Claim(
        id="own.meta_rate",
        source=_src("sharpens Theorem B.5, eq. (9): 7/6 in place of 1/4, for R = 2||r_0||/alpha"),
        says="If f changes along segments by the integral of its Jacobian, then under A1 to A3 with only R = 2||r_0||/alpha, the misfit shrinks by 1 - (7/6) eta alpha^2 a step.",
        tex=r"\|r_\tau\|\le(1-\tfrac76\eta\alpha^2)^\tau\|r_0\|",
        refuted_by="a map that meets A1 to A3 whose descent is slower",
        domain=_BY_ID["vanveen18.thmB5.rate"].domain,
        law=_BY_ID["vanveen18.thmB5.rate"].law,
        hypotheses=_BY_ID["vanveen18.thmB5.rate"].hypotheses,
        constants=_k(rate=F(7, 6), step=1),
        needs=_BY_ID["vanveen18.thmB5.rate"].needs,
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", "meta_rate"),
        search=SearchRoute(runs.folded_rate, effort=0.7, within=META_WITHIN),
        controls=(Control("rate_5", "1 - 5 eta alpha^2 a step.", {"rate": 5}),),
    ),
    Claim(
        id="own.meta_path",
        source=_src("sharpens Theorem B.5, eq. (10): 1/2 in place of 1/5, for the length of the path"),
        says="Under the same assumptions (alpha/2) times the LENGTH of the path plus the misfit never exceeds the initial misfit.",
        tex=r"\tfrac\alpha2\sum_{t<\tau}\|\theta_{t+1}-\theta_t\|+\|r_\tau\|\le\|r_0\|",
        refuted_by="a map that meets A1 to A3 whose path is longer",
        domain=_BY_ID["vanveen18.thmB5.rate"].domain,
        law=_BY_ID["vanveen18.thmB5.rate"].law,
        hypotheses=_BY_ID["vanveen18.thmB5.rate"].hypotheses,
        constants=_k(path=F(1, 2), step=1, length=1),
        needs=_BY_ID["vanveen18.thmB5.path"].needs,
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", "meta_path"),
        search=SearchRoute(runs.folded_path, effort=0.7, within=META_WITHIN),
        controls=(Control("alpha_3", "3 alpha in place of alpha/2.", {"path": 3}),),
    ),
)

_THRESHOLDS = tuple(
    {"n": n, "d": d}
    for n, d in ((1, 1), (2, 31), (3, 87), (4, 149), (8, 413), (12, 686), (16, 962), (32, 2073), (64, 4310))
)

_LEMMAS = (
    Claim(
        id="own.width_least",
        source=_src("the width condition with the sharp linear term s"),
        says="With the linear term s in place of (5/4)s the least C of the width inequality is 5.265304456e15 to ten digits.",
        tex=r"C_{\min}=5.265304456\cdot10^{15}",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants=_k(linear=1, digits=5265304456 * 10**6, leading=F(5265304456, 10**9)),
        enclosed=Lazy("untrained.theory.proof.balls", "width_digits"),
        controls=(Control("last_digit", "The last digit one higher.", {"digits": 5265304457 * 10**6}),),
    ),
    lemma_b1("own.lemB1_200", 200, _src("sharpens Lemma B.1: 200 in place of 3528")),
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
        controls=(Control("one_more", "One more than the threshold is the threshold.", {"shift": 1}),),
    ),
    Claim(
        id="own.lemC3_sharp",
        source=_src("sharpens Lemma C.3: 2m - 1 in place of 2m"),
        says="If ||W - W_0|| <= sqrt(m) |W_0 z|_{m-}/||z|| then at most 2m - 1 rows change the sign of <w_l, z>.",
        tex=r"|S(W)|\le 2m-1",
        refuted_by="W_0, z, m whose exact worst case changes 2m signs",
        domain=_BY_ID["vanveen18.lemC3"].domain,
        law=_BY_ID["vanveen18.lemC3"].law,
        hypotheses=_BY_ID["vanveen18.lemC3"].hypotheses,
        constants=_k(per_rank=2, offset=-1, norm_of_z=1),
        symbolic=Lazy("untrained.theory.proof.algebra_lemmas", "rank_counting"),
        search=SearchRoute(on.sign_changes_below, within=SMALL_RANKS),
        controls=(Control("only_m", "At most m - 1 rows change.", {"per_rank": 1}),),
    ),
    Claim(
        id="own.lemC4_exponent",
        source=_src("sharpens Lemma C.4: 0.3178 in place of 1/6"),
        says="For each m <= d, |W_0 z|_{m-}/||z|| >= m/(2d) with probability at least 1 - e^{-0.3178 m}.",
        tex=r"P\{|W_0z|_{m-}/\|z\|\ge m/(2d)\}\ge 1-e^{-0.3178\,m}",
        refuted_by="m <= d where the exact binomial tail is larger",
        domain=_BY_ID["vanveen18.lemC4"].domain,
        constants=_k(level=F(1, 2), exponent=F(3178, 10000)),
        assumes=_BY_ID["vanveen18.lemC4"].assumes,
        enclosed=Lazy("untrained.theory.proof.balls", "order_exponent"),
        exact=_BY_ID["vanveen18.lemC4"].exact,
        controls=(Control("exponent_two_fifths", "e^{-0.4 m}.", {"exponent": F(2, 5)}),),
    ),
    Claim(
        id="own.gaussian_sensing",
        source=_src("what the remark on Ax becomes for i.i.d. Gaussian A"),
        says="Given an i.i.d. Gaussian A, AV is (A A^T)^{1/2} times an i.i.d. Gaussian matrix: Theorem B.5 asks for alpha times sigma_min(A), beta times ||A|| and A2 times ||A||, so step, rate, width and radius all pay for A's condition number.",
        tex=r"AV\,|\,A\ \sim\ (AA^T)^{1/2}G,\quad \sigma_{\min}(A)\,\sigma_{\min}(G_S)\le\sigma_{\min}((AV)_S)",
        refuted_by="a covariance of the columns of AV other than nu^2 A A^T",
        constants=_k(coloured=1),
        symbolic=Lazy("untrained.theory.proof.algebra_theorems", "coloured_sensing"),
        controls=(Control("white", "Covariance nu^2 times the identity.", {"coloured": 0}),),
    ),
)


def _run(name: str, rule: str, signal: str, what: str, cells: tuple[dict[str, int], ...], trials: int) -> Claim:
    bound = what == "bound"
    printed = rule == "printed"
    factor = "1 - d/(8(4n + d))" if printed else "1 - d/(64(sqrt d + 2 sqrt n)^2)"
    step = "the printed step (eta_bar = 1)" if printed else "the proof's step 1/beta^2"
    target = "crops of a photograph" if signal == "image" else "random signals"
    conclusion = (
        f"misfit at most 3({factor})^tau ||y||, to within 1e-12 ||y||,"
        if bound
        else f"misfit shrinking by {factor} at every step until it is 1e-9 ||y||,"
    )
    at = "; ".join(f"n = {cell['n']}, d = {cell['d']}" for cell in cells)
    y = Draw("image", ("n",)) if signal == "image" else Draw("direction", ("n",))
    return Claim(
        id=f"own.{name}.{what}.{rule}",
        source=_src("Theorem 4.1's conclusion at widths that people use, far below its hypothesis"),
        says=f"At {at}, for {target} and {step}: {conclusion} for all tau up to 300, with the theorem's probability.",
        tex=r"\|r_\tau\|\le 3\rho^\tau\|y\|" if bound else r"\|r_{\tau+1}\|\le\rho\|r_\tau\|",
        refuted_by="a cell whose interval for the success probability lies below the claimed one",
        domain={
            "n": Range(min(c["n"] for c in cells), max(c["n"] for c in cells)),
            "d": Range(min(c["d"] for c in cells), max(c["d"] for c in cells)),
        },
        law={
            "V": Draw("gaussian", ("n", "d")),
            "g": Draw("gaussian", ("d",)),
            "y": y,
            "run": Draw("descent", (), {"step": runs.step_of(rule)}),
        },
        constants=_k(rule=rule, eta_bar=1, sharpen=1),
        count=CountRoute(cells, runs.bound_along if bound else runs.rate_along, runs.theorem_probability, trials),
        controls=(
            Control(
                "faster", f"The decrease per step {8 if printed else 32} times as large.", {"sharpen": 32, "eta_bar": 8}
            ),
        ),
    )


_PRACTICE = ({"n": 8, "d": 400, "steps": 300}, {"n": 8, "d": 3200, "steps": 300})
_CROP = ({"n": 64, "d": 6400, "steps": 300},)
_RUNS = tuple(
    _run(name, rule, signal, what, cells, trials)
    for name, signal, cells, trials in (("practice", "random", _PRACTICE, 150), ("image", "image", _CROP, 12))
    for what in ("bound", "rate")
    for rule in ("printed", "proof")
)

_DESCENT_LAW = {
    "V": Draw("gaussian", ("n", "d")),
    "W": Draw("gaussian", ("d", "k")),
    "z": Draw("gaussian", ("k",)),
    "y": Draw("direction", ("n",)),
}
_PULL = {"pull": Range(1e-2, 1e2, False, True)}
_SMALL_DESCENT = {"n": Range(1, 5), "d": Range(1, 12), "k": Range(1, 4), **_PULL}
_ANY_DESCENT = {"n": Range(1, 10**9), "d": Range(1, 10**9), "k": Range(1, 10**9), **_PULL}

_DESCENT = (
    Claim(
        id="own.descent.reduction",
        source=_src("reduces the d k weights of Theorem 4.1's descent to d numbers"),
        says="Gradient descent on ||V phi(Wz) - y||^2/2 moves W only along z^T: h = Wz obeys h_+ = h - eta ||z||^2 phi'(h) V^T (V phi(h) - y), and ||W_t - W_0||_F = ||h_t - h_0||/||z||.",
        tex=r"h_{t+1}=h_t-\eta\|z\|^2\,\phi'(h_t)\odot V^T(V\phi(h_t)-y),\quad \|W_t-W_0\|_F=\|h_t-h_0\|/\|z\|",
        refuted_by="weights whose W_t z, or whose distance from W_0, differs from the iteration on R^d by more than rounding",
        domain=_ANY_DESCENT,
        law=_DESCENT_LAW,
        constants={"z_power": Constant(2)},
        needs=("vanveen18.gradient.corrected",),
        symbolic=Lazy("untrained.theory.proof.algebra", "alignments_suffice"),
        search=SearchRoute(runs.reduced_to_alignments, within=_SMALL_DESCENT),
        controls=(Control("norm_of_z", "||z|| in place of its square.", {"z_power": 1}),),
    ),
    Claim(
        id="own.descent.off_stays_off",
        source=_src("which neurons a descent ever uses"),
        says="Along that descent a neuron with <w_l, z> < 0 never moves again: the set of neurons that are on only ever shrinks, and columns of V that are off at the start never matter.",
        tex=r"\phi'(\langle w_l,z\rangle)=0\Rightarrow w_l\ \text{stays}",
        refuted_by="a step at which a neuron goes from off to on",
        domain=_ANY_DESCENT,
        law=_DESCENT_LAW,
        constants={"off": Constant(0)},
        needs=("own.descent.reduction",),
        symbolic=Lazy("untrained.theory.proof.algebra", "off_stays_off"),
        search=SearchRoute(runs.switched_on, within=_SMALL_DESCENT),
        controls=(Control("on_stays_on", "A neuron that is on stays on.", {"off": 1}),),
    ),
    Claim(
        id="own.descent.jacobian",
        source=_src("what A2 and A3 of Theorem B.5 are along a path"),
        says="Along that descent (J_t - J_0)(J_t - J_0)^T = J_0 J_0^T - J_t J_t^T: sigma_min(J_t) and ||J_t|| never grow, ||J_t - J_0|| never shrinks, and n x n matrices tell all three.",
        tex=r"(J_t-J_0)(J_t-J_0)^T=J_0J_0^T-J_tJ_t^T",
        refuted_by="weights where ||J_t - J_0||^2 is not the largest eigenvalue of the difference",
        domain=_ANY_DESCENT,
        law=_DESCENT_LAW,
        constants={"norms": Constant(0)},
        needs=("own.descent.off_stays_off", "vanveen18.eq8.gram"),
        symbolic=Lazy("untrained.theory.proof.algebra", "change_is_what_is_lost"),
        search=SearchRoute(runs.change_of_jacobian, within=_SMALL_DESCENT),
        controls=(Control("norms_only", "||J_t - J_0||^2 = ||J_0||^2 - ||J_t||^2.", {"norms": 1}),),
    ),
    Claim(
        id="own.descent.cone",
        source=_src("a width below which no descent fits a random signal, whatever its step"),
        says="The output of that descent stays in the cone of the columns that are on at the start; a random signal lies in it with probability P(Bin(d, 1/4) >= n), at most 1/2 for d <= 4n - 4: no step size makes a narrower network fit more often.",
        tex=r"P\{y\in\mathrm{cone}(v_l:\langle w_l,z\rangle\ge0)\}=P\{\mathrm{Bin}(d,\tfrac14)\ge n\}",
        refuted_by="a generating function other than that of Bin(d, 1/4)",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**9)},
        constants={"share": Constant(F(1, 4))},
        needs=("own.descent.off_stays_off",),
        assumes=("Wendel 1962 (directions in a half-space)", "Kaas and Buhrman 1980 (the median of a binomial law)"),
        symbolic=Lazy("untrained.theory.proof.algebra", "thinned_cone"),
        controls=(Control("half", "Bin(d, 1/2).", {"share": F(1, 2)}),),
    ),
    Claim(
        id="own.descent.wide_enough",
        source=_src("Theorem 4.1's first conclusion at widths that people use"),
        says="At n = 32 and 64, d = 10 n, descent with the proof's step 1/beta^2 fits a random signal to 1e-8 ||y|| within 10000 steps in at least four of five cases (the theorem asks for 4.3e15 n).",
        tex=r"P\{\|r_\tau\|\le10^{-8}\|y\|\ \text{for a}\ \tau\le10^4\}\ge\tfrac45",
        refuted_by="a cell whose interval for the probability lies below four fifths",
        domain={"n": Range(32, 64), "d": Range(320, 640)},
        law={"y": Draw("direction", ("n",)), "fit": Draw("fit", ("n", "d"))},
        constants={"granted": Constant(10_000), "share": Constant(F(4, 5))},
        count=CountRoute(
            ({"n": 32, "d": 320, "steps": 10_000}, {"n": 64, "d": 640, "steps": 10_000}),
            runs.fitted_by,
            runs.often,
            100,
        ),
        controls=(Control("in_a_hundred", "Within 100 steps.", {"granted": 100}),),
    ),
)

CLAIMS: tuple[Claim, ...] = (*_SPARSE, *_META, *_LEMMAS, *_RUNS, *_DESCENT)
