"""Jagatap and Hegde, Algorithmic guarantees for inverse imaging with untrained network priors (NeurIPS 2019)."""

from untrained.theory.claim import Claim
from untrained.theory.papers.jagatap19 import dimension, theorem_1

_FILES = (dimension, theorem_1)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
