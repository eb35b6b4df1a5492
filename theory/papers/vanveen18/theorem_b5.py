"""CS-DIP, theorem_b5 (to be filed with its evidence)."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import (
    Claim,
    Constant,
    Draw,
    Hypothesis,
    Lazy,
    Range,
    SearchRoute,
    Source,
)
from untrained.theory.proof import runs
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
_NO_A2 = old(
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
            old("rate_5", "1 - 5 eta alpha^2 a step.", {"rate": 5}),
            old("step_4", "A step four times as long.", {"step": 4}),
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
            old("alpha_3", "3 alpha in place of alpha/5.", {"path": 3}),
            old("step_4", "A step four times as long.", {"step": 4}),
        ),
    ),
)


CLAIMS: tuple[Claim, ...] = (*_META,)
