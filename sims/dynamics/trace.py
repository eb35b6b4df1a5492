"""What a batch of descents did, step by step, and how each ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from untrained.theory.objects.shapes import Array

CONVERGED, STALLED, DIVERGED, ENDED = "converged", "stalled", "diverged", "budget ended"


@dataclass(frozen=True)
class Spectra:
    """The Jacobian at some steps: extreme singular values and ||J_t - J_0||, each (B, len(steps)); NaN once over."""

    steps: Array
    smallest: Array
    largest: Array
    change: Array


@dataclass(frozen=True)
class Trace:
    """B runs: ||r_t||, ||W_t - W_0||_F and neurons switched off, each (B, T + 1) and NaN after a run's end.

    `outcomes` says how each ended: "converged" (misfit at most tolerance ||y||), "stalled" (the gradient vanished and
    the misfit did not), "diverged" (no longer finite) or "budget ended"; `ends` is the step of that.
    """

    misfits: Array
    distances: Array
    switched: Array
    spectra: Spectra
    outcomes: tuple[str, ...]
    ends: Array
    passes: int

    def final(self, values: Array) -> Array:
        """The entry of each run at its end, (B,)."""
        return values[np.arange(len(self.ends)), self.ends]
