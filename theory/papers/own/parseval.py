"""Fitting Fourier coefficients by squares is fitting pixels: a statement on which Deep Spectral Prior can be judged."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    Draw,
    Hypothesis,
    Premises,
    Range,
    SearchRoute,
    Sides,
    Source,
    rounding,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced


def roots_of_unity(p: Premises) -> Symbolic:
    """(F^* F)_{jk} = (1/n) sum_f e^{2 pi i f (k - j)/n}: a geometric sum, 1 where j = k and 0 elsewhere."""
    q, n = sp.symbols("q n", positive=True)
    weight = 1 / n if p.given("unitary") else sp.Symbol("weight")  # of the sum
    partial = (q**n - 1) / (q - 1)  # of 1 + q + ... + q^{n-1}
    step = sp.simplify(partial.subs(n, n + 1) - partial - q**n)
    return reduced(
        "Off the diagonal q is a root of unity other than 1 with q^n = 1, so its geometric sum vanishes; on it every term "
        "is 1. So ||F(x - y)|| = ||x - y|| for every x, and gradients in any parameters of x agree as well.",
        [
            ("on the diagonal", weight * n - exact_number(p["scale"])),
            ("geometric sum, one more term", step),
            ("geometric sum at q^n = 1", sp.simplify(partial.subs(q**n, 1))),
        ],
    )


def both_losses(case: Case, c: Constants) -> Sides:
    """The loss of coefficients against that of pixels, for a drawn residual; not unitary: numpy's plain transform."""
    r = case["r"][0]
    factor = 1.0 if case.get("plain", 0) else len(r) ** -0.5
    coefficients = float(np.square(np.abs(factor * np.fft.fft(r))).sum())
    pixels = float(c["scale"]) * float(np.square(r).sum())
    return Sides(abs(coefficients - pixels), rounding(len(r), pixels), unit=max(1.0, pixels))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.fourier_loss",
        source=Source("own", "what Deep Spectral Prior (arXiv 2505.19873) says of fitting Fourier coefficients"),
        says="With all coefficients weighted alike <Fr, Fr> = ${scale:factor}<r, r> for every residual r = x - y, so that descent on Fourier coefficients is descent on pixels and needs to be stopped as early.",
        tex=r"\langle Fr,Fr\rangle=${scale:factor}\langle r,r\rangle,\ r=x-y",
        refuted_by="a residual whose two losses differ",
        domain={"n": Range(1, 10**9)},
        law={"r": Draw("gaussian", ("n",))},
        hypotheses=(
            Hypothesis(
                "unitary", "F is the unitary discrete Fourier transform", lambda case, c: case.get("plain", 0) == 0
            ),
        ),
        constants={"scale": Constant(1)},
        version=2,
        proofs=(roots_of_unity,),
        search=SearchRoute(both_losses, within={"n": Range(1, 64), "plain": Range(0, 1)}),
        controls=(Control("scale_1.1", {"scale": F(11, 10)}), Control("plain", without=("unitary",))),
    ),
)
