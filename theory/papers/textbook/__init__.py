"""Theorems of textbooks that arguments here rest on: exact statements, with what exact laws say of their constants."""

from untrained.theory.claim import Claim
from untrained.theory.papers.textbook import gaussian, tails

_FILES = (gaussian, tails)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
