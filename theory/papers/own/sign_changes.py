"""Our own results on changes of sign: Lemma C.3 with 2m - 1, and Lemma C.4 with the exponent that its proof gives."""

from __future__ import annotations

from fractions import Fraction as F

from untrained.theory.claim import Claim, Control, Source
from untrained.theory.papers.vanveen18.lemma_c2 import lemma_c3, lemma_c4

CLAIMS: tuple[Claim, ...] = (
    lemma_c3("own.lemC3_sharp", -1, Source("own", "sharpens Lemma C.3: 2m - 1 in place of 2m")),
    lemma_c4(
        "own.lemC4_exponent",
        F(3178, 10000),
        Source("own", "sharpens Lemma C.4: 0.3178 in place of 1/6"),
        Control("exponent_0.318", {"exponent": F(318, 1000)}),
        Control("level_0.501", {"level": F(501, 1000)}),
    ),
)
