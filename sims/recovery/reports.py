"""What a run did and found, as JSON can hold it: settings, seeds, fingerprints, versions, misfits and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from untrained.sims.images.scores import score
from untrained.sims.operators.measurements import Measurement
from untrained.sims.recovery.requests import Request
from untrained.sims.recovery.result import Recovery
from untrained.sims.runtime import runtime_report

FORMAT = 1


def entry(
    name: str, recovery: Recovery, measurement: Measurement, truth: torch.Tensor | None, seed: int
) -> dict[str, Any]:
    """One method's part of a report; misfit and scores are taken here, of the image returned, alike for all."""
    made = {
        "method": name,
        "settings": recovery.settings,
        "seed": seed,
        "outcome": recovery.outcome,
        "certificate": recovery.certificate,
        "misfit": misfit(measurement, recovery.image),
        "steps": recovery.steps,
        "seconds": recovery.seconds,
        "scores": None if truth is None else score(recovery.image, truth.cpu()),
    }
    return {key: finite(value) for key, value in made.items()}


def misfit(measurement: Measurement, image: torch.Tensor) -> float:
    """||y - A x||^2 of an image (C, H, W), squares summed in float64."""
    y = measurement.y
    with torch.no_grad():
        return float((measurement.operator.forward(image.to(y.device)) - y).double().square().sum())


def finite(value: Any) -> Any:
    """Return what JSON can hold: a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def report(
    request: Request, measurement: Measurement, entries: Sequence[Mapping[str, Any]], ended: str | None = None
) -> dict[str, Any]:
    """Return everything that was done and found; `ended` is the sentence of what ended it early."""
    return {
        "format": FORMAT,
        "source": request.source,
        "truth": request.truth if request.sensing is None else request.source,
        "pixels": "on [-1, 1], so the scores' data range is 2",
        "seed": request.seed,
        **runtime_report(request.device),
        "operator": sensed(measurement),
        "measurement": {"fingerprint": measurement.fingerprint, "noise": measurement.noise},
        "ended": ended,
        "methods": list(entries),
    }


def sensed(measurement: Measurement) -> dict[str, Any]:
    """The operator's spec, the numbers that a user asks for first, and its fingerprint."""
    operator = measurement.operator
    n = math.prod(operator.shape)
    counts = {"n": n, "coefficients": operator.coefficients, "ratio": operator.m / n, "gain": float(operator.gain)}
    return {**finite(operator.spec()), **counts, "fingerprint": operator.fingerprint()}
