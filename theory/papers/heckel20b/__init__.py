"""Heckel and Soltanolkotabi, Compressive sensing with un-trained neural networks (ICML 2020)."""

from untrained.theory.claim import Claim
from untrained.theory.papers.heckel20b import interpolation

_FILES = (interpolation,)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
