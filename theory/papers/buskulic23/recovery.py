"""From a fitted y to the image: the error of A g(theta) = y where A is injective on what the network can reach.

S are the outputs that are reached, x' a nearest one to x; ||A h|| >= lambda ||h|| for h = xhat - x', y = A x + e.
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import partial

import numpy as np
import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    Draw,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    SearchRoute,
    Sides,
    Source,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced

_INJECTIVE = Hypothesis(
    "injective",
    "||Ah|| is at least lambda||h|| for h = x^ - x', x' a nearest point of S to x, and lambda is at most ||A||",
)


def split_argument(p: Premises) -> Symbolic:
    """w = x^ - x, k = x - x', B = A/||A||, C the root of I - B^T B: mu||w|| <= ||Bw|| + ||k||, mu = lambda/||A||."""
    mu, bw, bk, ck = sp.symbols("mu bw bk ck", positive=True)
    tau_sq = 1 / mu**2 - 1 if p.given("injective") else sp.Symbol("tau", positive=True) ** 2
    cauchy = sp.expand(
        (tau_sq + 1) * (bk**2 + ck**2) - (sp.sqrt(tau_sq) * bk + ck) ** 2 - (bk - sp.sqrt(tau_sq) * ck) ** 2
    )
    triangle = sp.expand((bw**2 + tau_sq * bw**2) - (bw / mu) ** 2)
    return reduced(
        "||h||^2 = ||Bh||^2 + ||Ch||^2, so injectivity is ||Ch|| <= tau||Bh||, tau^2 = 1/mu^2 - 1 >= 0. Then ||Cw|| <= ||Ch|| + "
        "||Ck|| <= tau||Bw|| + tau||Bk|| + ||Ck|| <= tau||Bw|| + ||k||/mu by Cauchy and Schwarz, and ||w||, the length of "
        "(||Bw||, ||Cw||), is at most that of (||Bw||, tau||Bw||) plus ||k||/mu = (||Bw|| + ||k||)/mu. Last ||Aw|| is at most "
        "the misfit and the noise together.",
        [
            ("Cauchy and Schwarz", sp.simplify(cauchy)),
            ("length of (||Bw||, tau||Bw||)", sp.simplify(triangle)),
            ("misfit", exact_number(p["fit"]) >= 1),
            ("noise", exact_number(p["noise"]) >= 1),
            ("distance", exact_number(p["spread"]) >= 1),
        ],
        sufficient=True,
    )


def triangle_argument(p: Premises) -> Symbolic:
    """The printed one follows from the sharp one, whose distance has no summand of its own."""
    sharp = p.records[SHARP_RECOVERY]
    return reduced(
        "lambda||h|| <= ||A x^ - y|| + ||e|| + ||A|| dist and ||x^ - x|| <= ||h|| + dist; the sharp bound is smaller, for a lambda of at most ||A||.",
        [
            *((f"{h.name} of the sharp form", sp.sympify(p.given(h.name))) for h in sharp.hypotheses),
            *((name, exact_number(p[name]) >= exact_number(sharp.values[name])) for name in _FACTORS),
        ],
        sufficient=True,
    )


def tilted_line(case: Case, c: Constants, near: int = 0) -> Sides:
    """A = (1, 0) on the plane, lambda the cosine: h tilted from e_1, k ahead of it so that w meets the bound; squares.

    Half the complementary angle has tangent t, so that sine and cosine are fractions.
    """
    fit, noise, distance, t = (F(case[name]) for name in ("fit", "noise", "distance", "t"))
    cosine, sine = 2 * t / (1 + t**2), (1 - t**2) / (1 + t**2)
    w_1 = fit + noise
    h_1 = w_1 + distance * sine  # h = h_1 (1, sine/cosine), k = distance (sine, -cosine)
    w_2 = h_1 * sine / cosine + distance * cosine
    linear = F(c["fit"]) * fit + F(c["noise"]) * noise + (near * cosine + F(c["spread"])) * distance
    return Sides(w_1**2 + w_2**2, (linear / cosine) ** 2)


def drawn_points(case: Case, c: Constants, near: int = 0) -> Sides:
    """A drawn set S, x and A; lambda as large as the pair x^, x' lets it be."""
    S, A, x, e = case["S"][0], case["A"][0], case["x"][0], case["noise"][0] * float(case["level"])
    estimate, nearest = S[0], S[np.argmin(np.linalg.norm(S - x, axis=1))]
    h, distance, largest = estimate - nearest, float(np.linalg.norm(nearest - x)), float(np.linalg.norm(A, 2))
    strength = float(np.linalg.norm(A @ h) / np.linalg.norm(h)) if h.any() else largest
    fit = float(np.linalg.norm(A @ estimate - (A @ x + e)))
    linear = float(c["fit"]) * fit + float(c["noise"]) * float(np.linalg.norm(e))
    linear += (float(c["spread"]) * largest + near * strength) * distance
    error = float(np.linalg.norm(estimate - x))
    return Sides(strength * error, linear + 1e-12 * (1 + linear), unit=max(1.0, linear))


SHARP_RECOVERY = "own.recovery_bound"
_FACTORS = ("fit", "noise", "spread")
_CASES = tuple(
    {"fit": f, "noise": e, "distance": d, "t": t}
    for f, e, d in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1))
    for t in (F(1, 3), F(1, 2000))
)
_LAW = {
    "S": Draw("gaussian", ("N", "d")),
    "A": Draw("gaussian", ("n", "d")),
    "x": Draw("gaussian", ("d",)),
    "noise": Draw("gaussian", ("n",)),
}
_WITHIN = {"d": Range(1, 6), "n": Range(1, 6), "N": Range(2, 8), "level": Range(0, 2, False)}


def recovery_claim(claim_id: str, source: Source, says: str, tex: str, near: bool) -> Claim:
    """One of both forms: with `near`, the printed one, whose distance has a summand of its own."""
    return Claim(
        id=claim_id,
        source=source,
        says=says,
        tex=tex,
        refuted_by="a set, a matrix and an image with a larger error",
        domain={"d": Range(1, 10**9), "n": Range(1, 10**9), "N": Range(2, 10**9)},
        law=_LAW,
        hypotheses=(_INJECTIVE,),
        constants={name: Constant(1, "down") for name in _FACTORS},
        needs=(SHARP_RECOVERY,) if near else (),
        proofs=(triangle_argument if near else split_argument,),
        exact=ExactRoute(_CASES, partial(tilted_line, near=int(near))),
        search=SearchRoute(partial(drawn_points, near=int(near)), within=_WITHIN),
        controls=tuple(Control(f"{name}_0.9", {name: F(9, 10)}) for name in _FACTORS),
        version=2,
    )


CLAIMS: tuple[Claim, ...] = (
    recovery_claim(
        "buskulic23.recovery",
        Source("buskulic23", "recovery bound under restricted injectivity", "", None, "from memory; re-derived"),
        "||x^ - x|| <= (${fit:factor}||A x^ - y|| + ${noise:factor}||e||)/lambda + (${spread:factor}||A||/lambda) dist(x, S) + dist(x, S).",
        r"\lambda\|\hat x-x\|\le ${fit:factor}\|A\hat x-y\|+${noise:factor}\|e\|+(${spread:factor}\|A\|+\lambda)\,\mathrm{dist}(x,S)",
        near=True,
    ),
)  # fmt: skip
