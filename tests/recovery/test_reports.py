import math

import numpy as np
import pytest
import torch

from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.recovery.reports import finite, misfit


def test_numbers_that_json_cannot_hold_become_null():
    assert finite({"a": math.nan, "b": [math.inf, 1.5], "c": (True, "x", None)}) == {
        "a": None,
        "b": [None, 1.5],
        "c": [True, "x", None],
    }


def test_the_misfit_is_summed_without_loss():
    rng = np.random.default_rng(1)
    truth, image = (torch.from_numpy(rng.uniform(-1, 1, (1, 8, 8)).astype(np.float32)) for _ in range(2))
    measurement = measure(truth, make_operator("gaussian", (1, 8, 8), 30))
    A = measurement.operator.forward(torch.eye(64).reshape(64, 1, 8, 8)).double().T
    exact = float((A @ image.double().flatten() - measurement.y.double()).square().sum())
    # float32 products of 64 terms against float64 ones
    assert misfit(measurement, image) == pytest.approx(exact, rel=1e-4)
