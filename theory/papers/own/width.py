"""The width inequality with the linear term of our sparse width."""

from __future__ import annotations

from untrained.theory.claim import Claim, Constant, Control, Premises, Source
from untrained.theory.evidence import Enclosed
from untrained.theory.papers.vanveen18.section_b4 import WIDTH, digits_agree, width_displayed

SPARSE = "own.sparse_width"


def least_width_with_our_term(p: Premises) -> Enclosed:
    """The digits of the least C, the linear term being that of the sparse width."""
    return digits_agree(width_displayed(p.of(WIDTH), p.of(SPARSE)["linear"]), p["least"], p["digits"])


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
)
