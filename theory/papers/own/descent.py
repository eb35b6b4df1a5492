"""Our own results: descent (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    CountRoute,
    Draw,
    Lazy,
    Range,
    SearchRoute,
    Source,
)
from untrained.theory.papers.vanveen18 import CLAIMS as PAPER_CLAIMS
from untrained.theory.proof import runs
from untrained.theory.proof.legacy import old

_BY_ID = {claim.id: claim for claim in PAPER_CLAIMS}


def _src(label: str) -> Source:
    return Source("own", label)


def _k(**values: object) -> dict[str, Constant]:
    return {name: Constant(value) for name, value in values.items()}


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
        controls=(old("norm_of_z", "||z|| in place of its square.", {"z_power": 1}),),
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
        controls=(old("on_stays_on", "A neuron that is on stays on.", {"off": 1}),),
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
        controls=(old("norms_only", "||J_t - J_0||^2 = ||J_0||^2 - ||J_t||^2.", {"norms": 1}),),
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
        controls=(old("half", "Bin(d, 1/2).", {"share": F(1, 2)}),),
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
        controls=(old("in_a_hundred", "Within 100 steps.", {"granted": 100}),),
    ),
)


CLAIMS: tuple[Claim, ...] = _DESCENT
