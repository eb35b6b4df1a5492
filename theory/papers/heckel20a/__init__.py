"""Heckel and Soltanolkotabi, Denoising and regularization via the structural bias of convolutional generators (2020)."""

from untrained.theory.claim import Claim
from untrained.theory.papers.heckel20a import denoising, dual_kernel

_FILES = (dual_kernel, denoising)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
