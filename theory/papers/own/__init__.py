"""Our own results: sharper constants, exact thresholds, and what holds at widths that people use."""

from untrained.theory.claim import Claim
from untrained.theory.papers.own import (
    descent,
    meta,
    practice,
    sensing,
    sign_changes,
    smallest_value,
    sparse_width,
    width,
)

_FILES = (sparse_width, width, meta, sensing, smallest_value, sign_changes, practice, descent)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
