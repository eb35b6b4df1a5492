"""Section 4, after Theorem 4.1: what the theorem says of a noisy signal, and so of early stopping."""

from __future__ import annotations

from fractions import Fraction as F

import sympy as sp

from untrained.theory.claim import Claim, Constant, Control, Hypothesis, Premises, Source
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced

THEOREM = "vanveen18.thm41.corrected"


def limit_of_the_error(p: Premises) -> Symbolic:
    """| ||f(W_tau) - x|| - ||noise|| | <= ||f(W_tau) - y||, which Theorem 4.1 sends to 0: the error's limit is certain."""
    theorem, tau = p.of(THEOREM), sp.symbols("tau", positive=True)
    eta_bar, divisor, rows = (exact_number(theorem[name]) for name in ("eta_bar", "rate_divisor", "rate_rows"))
    slowest = eta_bar / (divisor * (rows / exact_number(theorem["aspect"]) + 1))  # at d = aspect n; it grows in d/n
    shrinks = bool(slowest > 0 and eta_bar / divisor < 1) and p.given("event")
    misfit = exact_number(theorem["misfit"]) * (1 - slowest) ** tau if shrinks else sp.oo
    return reduced(
        "The two distances differ by at most the misfit, at most misfit (1 - decrease)^tau ||y||, whose decrease per step "
        "is at least its value at d = aspect n.",
        [
            ("the misfit goes to 0", sp.limit(misfit, tau, sp.oo)),
            ("share of the noise that is left", exact_number(p["share"]) - 1),
        ],
        sufficient=not shrinks,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="vanveen18.early_stopping",
        source=Source(
            "vanveen18",
            "Section 4, last paragraph",
            "early stopping is necessary; otherwise the network can fit any signal, including one that is noisy",
            6,
        ),
        says="Run on a noisy signal y = x + noise without stopping, the descent of Theorem 4.1 (as corrected) ends with an error of ${share:factor}||noise||: it removes none of it.",
        tex=r"y=x+\epsilon:\ \lim_{\tau\to\infty}\|V\phi(W_\tau z)-x\|=${share:factor}\|\epsilon\|",
        refuted_by="a limit of the error other than the norm of the noise",
        hypotheses=(Hypothesis("event", "the misfit obeys the bound of Theorem 4.1 for all tau"),),
        constants={"share": Constant(1)},
        needs=(THEOREM,),
        proofs=(limit_of_the_error,),
        controls=(Control("share_0.99", {"share": F(99, 100)}), Control("half_of_it", {"share": F(1, 2)})),
    ),
)
