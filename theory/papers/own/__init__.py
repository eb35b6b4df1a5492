"""Our own results: sharper constants, exact thresholds, and what holds at widths that people use."""

from untrained.theory.claim import Claim
from untrained.theory.papers.own import (
    celeba_rank,
    denoising,
    descent,
    dual_kernel,
    held_out,
    meta,
    netpgd,
    netpgd_oracle,
    netpgd_phase,
    netpgd_set,
    parseval,
    practice,
    sensing,
    set_isometry,
    sign_changes,
    smallest_value,
    smooth_interpolation,
    smooth_networks,
    sparse_width,
    width,
)

_FILES = (
    sparse_width,
    width,
    meta,
    sensing,
    smallest_value,
    sign_changes,
    practice,
    descent,
    netpgd,
    netpgd_oracle,
    netpgd_phase,
    netpgd_set,
    celeba_rank,
    set_isometry,
    held_out,
    parseval,
    smooth_interpolation,
    dual_kernel,
    denoising,
    smooth_networks,
)
CLAIMS: tuple[Claim, ...] = tuple(claim for file in _FILES for claim in file.CLAIMS)
