"""CS-DIP (Van Veen, Jalal, Soltanolkotabi, Price, Vishwanath, Dimakis): Section 4 and appendices B, C, a file a lemma.

Where text, proof and arithmetic differ a statement stands as .printed, .proof and .corrected. Our text of the paper is
an optical reading; `reading` says where a formula had to be read through it.
"""

from untrained.theory.claim import Claim
from untrained.theory.papers.vanveen18 import (
    early_stopping,
    equation_14,
    jacobian,
    lemma_b1,
    lemma_b2,
    lemma_b3,
    lemma_b4,
    lemma_c2,
    posterior,
    remark,
    section_b4,
    theorem_41,
    theorem_b5,
)

_FILES = (
    posterior,
    jacobian,
    lemma_b1,
    lemma_c2,
    equation_14,
    lemma_b2,
    lemma_b3,
    lemma_b4,
    theorem_b5,
    section_b4,
    theorem_41,
    early_stopping,
    remark,
)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
