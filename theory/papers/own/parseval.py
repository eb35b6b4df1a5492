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
)
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced


def roots_of_unity(p: Premises) -> Symbolic:
    """(F^* F)_{jk} = (1/n) sum_f e^{2 pi i f (k - j)/n}: a geometric sum, 1 where j = k and 0 elsewhere."""
    q, n = sp.symbols("q n", positive=True)
    partial = (q**n - 1) / (q - 1)  # of 1 + q + ... + q^{n-1}
    step = sp.simplify(partial.subs(n, n + 1) - partial - q**n)
    return reduced(
        "Off the diagonal q is a root of unity other than 1 with q^n = 1, so its geometric sum vanishes; on it every term "
        "is 1. So ||F(x - y)|| = ||x - y|| for every x, and gradients in any parameters of x agree as well.",
        [
            ("unitary", sp.Integer(int(p.given("unitary"))) - 1),
            ("geometric sum, one more term", step),
            ("geometric sum at q^n = 1", sp.simplify(partial.subs(q**n, 1))),
            ("power of the norm", exact_number(p["power"]) - 2),
            ("scale", exact_number(p["scale"]) - 1),
        ],
    )


def both_losses(case: Case, c: Constants) -> Sides:
    """The loss of coefficients against that of pixels, for a drawn residual; not unitary: numpy's plain transform."""
    r = case["r"][0]
    factor = 1.0 if case.get("plain", 0) else len(r) ** -0.5
    coefficients = float(np.linalg.norm(factor * np.fft.fft(r)) ** float(c["power"]))
    pixels = float(c["scale"]) * float(np.linalg.norm(r) ** float(c["power"]))
    return Sides(abs(coefficients - pixels), 1e-10 * max(1.0, pixels), unit=max(1.0, pixels))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.fourier_loss",
        source=Source("own", "what Deep Spectral Prior (arXiv 2505.19873) says of fitting Fourier coefficients"),
        says="With all coefficients weighted alike ||F(x - y)||^$power = ${scale:factor}||x - y||^$power, so that descent on Fourier coefficients is descent on pixels and needs to be stopped as early.",
        tex=r"\|F(x-y)\|^{$power}=${scale:factor}\|x-y\|^{$power}",
        refuted_by="a residual whose two losses differ",
        domain={"n": Range(1, 10**9)},
        law={"r": Draw("gaussian", ("n",))},
        hypotheses=(
            Hypothesis(
                "unitary", "F is the unitary discrete Fourier transform", lambda case, c: case.get("plain", 0) == 0
            ),
        ),
        constants={"power": Constant(2), "scale": Constant(1)},
        proofs=(roots_of_unity,),
        search=SearchRoute(both_losses, within={"n": Range(1, 64), "plain": Range(0, 1)}),
        controls=(Control("scale_1.1", {"scale": F(11, 10)}), Control("plain", without=("unitary",))),
    ),
)
