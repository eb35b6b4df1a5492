"""Theorems of textbooks that arguments here rest on: exact statements, with what exact laws say of their constants."""

from untrained.theory.claim import Claim
from untrained.theory.papers.textbook import counting, gaussian, matrix_sums, singular_values, sums, tails

_FILES = (gaussian, singular_values, tails, sums, counting, matrix_sums)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
