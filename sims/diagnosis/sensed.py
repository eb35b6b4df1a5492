"""The conditions of compressed sensing: the range's dimension against m, RIP on differences, what a fit recovers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from untrained.sims.diagnosis import conditions
from untrained.sims.diagnosis.conditions import Condition
from untrained.sims.diagnosis.range_geometry.dimension import dimension, witness
from untrained.sims.diagnosis.range_geometry.isometry import isometry, moves
from untrained.sims.diagnosis.range_geometry.measuring import Measured
from untrained.sims.diagnosis.trials import Trial
from untrained.sims.diagnosis.views import View

SKETCH = 200
"""Products at most that a lower bound on the dimension may take, where spectra are not whole."""


def sensed(views: Sequence[View], trial: Trial, A: Measured, seed: int) -> list[Condition]:
    """Hold what is asked of compressed sensing with A against a network seen at several seeds."""
    first = views[0]
    reach = dimension([view.spectrum for view in views], first.network, sketch=min(A.m + 1, SKETCH), seed=seed)
    hidden = witness(first.network, first.spectrum, A) if reach.hidden_by(A.m) else None
    given = {"moves": moves(first.network, seed)}
    if hidden is not None:
        given["moves A does not see"] = hidden.difference[None]
    ratios = isometry(np.stack([view.f0 for view in views]), A, given, [view.spectrum for view in views])
    found = [conditions.low_dimension(reach.least, A.m, None if hidden is None else hidden.least, exact=reach.exact)]
    found.append(conditions.isometry(ratios.kinds))
    if "sensing" in trial.found.runs:
        error = float(trial.found.runs["sensing"].errors[-1] / np.linalg.norm(trial.x))
        baseline = trial.found.baseline
        found.append(conditions.recovers({"real fit": 1 - error / baseline}, error, baseline))
    return found
