"""Section 3.2, eq. (4) and (5): the learned regulariser as a maximum a posteriori estimate, and when it is l2."""

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
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, reduced


def _surprise(x: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """-log of the normal density with mean 0 at x, without its additive constant."""
    density = sp.exp(-(x**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
    return sp.expand_log(-sp.log(density), force=True) - sp.log(sp.sqrt(2 * sp.pi * variance))


def posterior_objective(p: Premises) -> Symbolic:
    """-2 lambda log of likelihood times prior against the objective of eq. (4), one coordinate of each."""
    r, w, variance, weight = sp.symbols("r w variance lambda_L", positive=True)
    posterior = _surprise(r, weight) + _surprise(w, variance)
    objective = r ** exact_number(p["power"]) + exact_number(p["weight"]) * weight * w**2 / variance
    difference = sp.simplify(sp.expand_log(2 * weight * posterior, force=True) - objective)
    return reduced(
        "In the eigenvectors of Sigma the coordinates of w - mu are independent, as are those of the residual r; "
        "minus twice lambda_L times the logarithm of likelihood times prior is a sum over coordinates, and constants "
        "and a positive factor do not move the minimum.",
        [("summand", difference)],
    )


def posterior_gap(case: Case, c: Constants) -> Sides:
    """Difference of -2 lambda log posterior between two weights against that of eq. (4)'s objective."""
    A, y, root, weight = case["A"], case["y"], case["root"], float(case["lambda_L"])
    Sigma = np.matmul(root, np.swapaxes(root, -1, -2)) + np.eye(root.shape[-1])
    r1, r2 = (y - np.matmul(A, case[w][..., None])[..., 0] for w in ("w1", "w2"))
    q1, q2 = (_quadratic(Sigma, case[w] - case["mu"]) for w in ("w1", "w2"))
    posterior = 2 * weight * ((_squares(r1) - _squares(r2)) / (2 * weight) + (q1 - q2) / 2)
    power, factor = float(c["power"]), float(c["weight"])
    claimed = np.sqrt(_squares(r1)) ** power - np.sqrt(_squares(r2)) ** power + factor * weight * (q1 - q2)
    scale = _squares(r1) + _squares(r2) + weight * (q1 + q2)
    return Sides(np.abs(posterior - claimed), rounding(1000 * root.shape[-1], scale))


def _quadratic(Sigma: Array, x: Array) -> Array:
    result: Array = (x * np.linalg.solve(Sigma, x[..., None])[..., 0]).sum(-1)
    return result


def _squares(x: Array) -> Array:
    result: Array = (x * x).sum(-1)
    return result


def standard_prior(p: Premises) -> Symbolic:
    """(w - mu)^T Sigma^{-1} (w - mu) at mu = 0, Sigma = I, coordinate by coordinate."""
    w, mean, variance = sp.symbols("w mean variance", positive=True)
    mu = sp.Integer(0) if p.given("mean") else mean
    sigma = sp.Integer(1) if p.given("covariance") else variance
    return reduced(
        "Sigma = I leaves the squares of the coordinates, whose sum is the squared norm.",
        [("summand", (w - mu) ** 2 / sigma - w ** exact_number(p["power"]))],
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="vanveen18.eq4",
        source=Source(
            "vanveen18",
            "eq. (4)",
            "arg max p(w|y) = arg min ||y - AG(z;w)||^2 + lambda_L (w - mu)^T Sigma^{-1} (w - mu)",
            4,
        ),
        says="If y is normal around AG(z; w) with variance lambda_L and w normal with mean mu and covariance Sigma, then maximising the posterior of w is minimising ||y - AG(z; w)||${power:power} + ${weight:factor}lambda_L (w - mu)^T Sigma^{-1} (w - mu).",
        tex=r"\arg\max p(w|y)=\arg\min\|y-AG(z;w)\|${power:power}+${weight:factor}\lambda_L(w-\mu)^T\Sigma^{-1}(w-\mu)",
        refuted_by="two weights whose order by the posterior differs from that by the objective",
        domain={"m": Range(1, 10**9), "k": Range(1, 10**9), "lambda_L": Range(1e-3, 1e3, False, True)},
        law={
            "A": Draw("gaussian", ("m", "k")),
            "y": Draw("gaussian", ("m",)),
            "root": Draw("gaussian", ("k", "k")),
            "mu": Draw("gaussian", ("k",)),
            "w1": Draw("gaussian", ("k",)),
            "w2": Draw("gaussian", ("k",)),
        },
        constants={"power": Constant(2), "weight": Constant(1)},
        proofs=(posterior_objective,),
        search=SearchRoute(
            posterior_gap, within={"m": Range(1, 6), "k": Range(1, 6), "lambda_L": Range(1e-3, 1e3, False, True)}
        ),
        controls=(Control("half", {"weight": F(1, 2)}), Control("weight_0.99", {"weight": F(99, 100)})),
    ),
    Claim(
        id="vanveen18.eq5.l2",
        source=Source(
            "vanveen18", "Section 3.2, after eq. (5)", "mu = 0, Sigma = I: equivalent to l2 regularisation", 4
        ),
        says="The regulariser (w - mu)^T Sigma^{-1} (w - mu) is ||w||${power:power}.",
        tex=r"(w-\mu)^T\Sigma^{-1}(w-\mu)=\|w\|${power:power}",
        refuted_by="weights where the two differ",
        hypotheses=(Hypothesis("mean", "mu vanishes"), Hypothesis("covariance", "Sigma is the identity")),
        constants={"power": Constant(2)},
        proofs=(standard_prior,),
        controls=(
            Control("power_1.98", {"power": F(198, 100)}),
            Control("any_mean", {}, ("mean",)),
            Control("any_covariance", {}, ("covariance",)),
        ),
    ),
)
