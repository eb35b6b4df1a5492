"""Width and step of Theorem 4.1: the width inequality with our linear term, and a longer step."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

from flint import ctx

from untrained.theory.claim import Claim, Constant, Control, Premises, Source
from untrained.theory.evidence import Enclosed
from untrained.theory.papers.vanveen18.section_b4 import WIDTH, digits_agree, width_displayed
from untrained.theory.papers.vanveen18.theorem_41 import (
    CHAIN_NEEDS,
    CORRECTED,
    chain,
    printed_step_far_out,
    printed_step_serves_sharply,
    rate_covers,
)

SPARSE = "own.sparse_width"


def least_width_with_our_term(p: Premises) -> Enclosed:
    """The digits of the least C, the linear term being that of the sparse width."""
    return digits_agree(width_displayed(p.of(WIDTH), p.of(SPARSE)["linear"]), p["least"], p["digits"])


def _with_its_numbers(p: Premises) -> Premises:
    """Premises of the corrected theorem, with our eta_bar in place of its own."""
    numbers = {**p.of(CORRECTED), **p.constants}
    return replace(p, constants=numbers, hypotheses=frozenset(h.name for h in p.records[CORRECTED].hypotheses))


def chain_with_sharp_beta(p: Premises) -> Enclosed:
    """The corrected theorem from the lemmas, with Lemma B.3's own beta."""
    ours = _with_its_numbers(p)
    with ctx.workprec(160):
        return chain(ours, [*printed_step_serves_sharply(ours), *rate_covers(ours)])


def longer_step_far_out(p: Premises) -> Enclosed:
    """The same against the descent far out."""
    return printed_step_far_out(_with_its_numbers(p))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.width_least",
        source=Source("own", "the width condition with the sharp linear term s"),
        says="With the linear term of our sparse width added the least C of the width inequality is $least to $digits digits.",
        tex=r"C_{\min}=$least",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants={"least": Constant(5265304456 * 10**6), "digits": Constant(10, "up", whole=True)},
        reads=(WIDTH, SPARSE),
        proofs=(least_width_with_our_term,),
        controls=(
            Control("last_digit", {"least": 5265304457 * 10**6}),
            Control("one_more_digit", {"digits": 11}),
        ),
        version=2,
    ),
    Claim(
        id="own.longer_step",
        source=Source("own", "Theorem 4.1 as corrected, with Lemma B.3's own beta"),
        says="Theorem 4.1 as corrected, with its width, step, rate, bound and probability, holds for every eta_bar <= $eta_bar.",
        tex=r"\bar\eta\le ${eta_bar}\Rightarrow\text{Theorem 4.1 as corrected}",
        refuted_by="a step that the descent far out does not allow",
        constants={"eta_bar": Constant(F(12499999, 10**8), "up")},
        needs=CHAIN_NEEDS,
        reads=(CORRECTED, WIDTH),
        proofs=(chain_with_sharp_beta, longer_step_far_out),
        controls=(Control("eta_bar_0.49", {"eta_bar": F(49, 100)}),),
    ),
)
