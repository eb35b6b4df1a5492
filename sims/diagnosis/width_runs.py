"""Descents of drawn networks at sizes that a theorem is asked about: how many converge, and what of it was promised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.dynamics.columns import Regenerated, StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.trace import CONVERGED, Trace
from untrained.sims.experiments.studies.common import directions, seeds_of_runs
from untrained.theory.objects.covered_widths import Promise, SharperTheorem
from untrained.theory.objects.shapes import whole_number

LARGEST_DRAWN = 10**7
"""Entries of V at most."""
FOLLOWED = 10_000
"""Steps of a run at most."""
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class WidthRuns:
    """Of `runs` descents `converged` came to 1e-8 ||y|| within `followed` steps, in `steps` of them (the median).

    `farthest` sqrt d is the largest ||W - W_0|| at the end of a run, z being a unit vector; `as_promised` says how many
    runs kept to the theorem's bound of the misfit at every step, None where the theorem promises nothing.
    """

    runs: int
    followed: int
    converged: int
    steps: float | None
    farthest: float
    as_promised: int | None


def check_runs(theorem: SharperTheorem, width: int, runs: int) -> int:
    """Refuse what cannot be drawn, and return the number of runs.

    Raises
    ------
    ValueError
        where there is no run, too many entries of V, or no step.
    """
    count = whole_number("simulate", runs, 1)
    if not theorem.step:
        raise ValueError(f"simulate is for descent, got {runs} with gradient flow")
    if theorem.rows * width > LARGEST_DRAWN:
        raise ValueError(f"simulate needs n d to be at most {LARGEST_DRAWN:.0e}, got {theorem.rows * width:.3g}")
    return count


def draw_runs(theorem: SharperTheorem, width: int, runs: int, seed: int = 0) -> WidthRuns:
    """Follow descents of V, W and y drawn as the theorem has them, with its step, ||y|| = ||z|| = 1 and nu for V.

    Raises
    ------
    ValueError
        as `check_runs` does, or where the seed is negative.
    """
    whole_number("seed", seed, 0)
    count, d = check_runs(theorem, width, runs), width
    y, seeds = directions(seed, count, theorem.rows), seeds_of_runs(seed, count, "columns", theorem.rows, d)
    traces = [_descend(theorem, d, one, own) for one, own in zip(y, seeds, strict=True)]
    ends = [int(one.ends[0]) for one in traces if one.outcomes[0] == CONVERGED]
    promised = _keeping(traces, theorem.promise(d)) if theorem.covers(d) else None
    farthest = max(float(one.final(one.distances)[0]) for one in traces) / math.sqrt(d)
    return WidthRuns(count, FOLLOWED, len(ends), float(np.median(ends)) if ends else None, farthest, promised)


def _descend(theorem: SharperTheorem, d: int, y: torch.Tensor, seed: int) -> Trace:
    columns = StoredColumns.draw(Regenerated(theorem.rows, d, seed, dtype=torch.float64))
    eta = torch.tensor([_step(theorem, d)], dtype=torch.float64)
    return descend([columns], y[None], eta, FOLLOWED, tolerance=_TOLERANCE)


def _step(theorem: SharperTheorem, d: int) -> float:
    """c dn/((sqrt d + D sqrt n)||y||)^2 at ||y|| = 1."""
    n = theorem.rows
    return float(theorem.step) * n * d / (math.sqrt(d) + float(theorem.spread) * math.sqrt(n)) ** 2


def _keeping(traces: Sequence[Trace], says: Promise) -> int:
    """How many runs have a misfit of at most `misfit` (1 - fall)^t ||y|| at every step t."""
    bound = says.misfit * (1 - says.fall) ** np.arange(FOLLOWED + 1)
    return sum(bool((one.misfits[0, : one.ends[0] + 1] <= bound[: one.ends[0] + 1]).all()) for one in traces)
