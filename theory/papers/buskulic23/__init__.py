"""Buskulic, Fadili and Queau, convergence and recovery guarantees of unsupervised networks (2023), re-derived."""

from untrained.theory.claim import Claim
from untrained.theory.papers.buskulic23 import flow, recovery

_FILES = (flow, recovery)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
