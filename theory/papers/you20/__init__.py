"""You, Zhu, Qu and Ma, robust recovery via implicit bias of discrepant learning rates (2020), re-derived."""

from untrained.theory.claim import Claim
from untrained.theory.papers.you20 import bias

_FILES = (bias,)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
