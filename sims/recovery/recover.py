"""Recover an image from its measurements in one call, by any method."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from untrained.sims.images.scores import score
from untrained.sims.operators.base import Operator, whole_number
from untrained.sims.operators.measurements import Measurement
from untrained.sims.progress import Progress
from untrained.sims.recovery import methods
from untrained.sims.recovery.methods import known_settings, settings_of
from untrained.sims.recovery.result import Recovery
from untrained.sims.runtime import memory_told, pick_device

Array = np.ndarray | torch.Tensor


def recover(
    y: Array | Measurement,
    operator: Operator | None = None,
    method: str = "csdip",
    *,
    preset: str | None = None,
    network: Any = None,
    truth: Array | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> Recovery:
    """Recover the image (C, H, W) on [-1, 1] from y = A x + noise, y of shape (m,).

    `operator` may be left out where y is a `Measurement`, which brings its own, and its noise level to methods that ask
    for one. `preset` and `network` (a name or a network) are for csdip; other settings are those of the method, such as
    steps=200. `truth` (C, H, W) is for scores, and for the stopping rule "oracle", alone.

    Raises
    ------
    ValueError
        where y, the operator, a setting or the truth is not as it must be; the sentence names which.
    """
    chosen, place = methods.method(method), pick_device(device)
    measurement = _measurement(y, operator, place)
    if isinstance(y, Measurement) and "noise" in known_settings(method):
        settings.setdefault("noise", y.noise)
    A = measurement.operator
    target = None if truth is None else _checked_truth(truth, A)
    options = _options(method, network, target, settings)
    complete, start = settings_of(method, settings, preset, A), whole_number("seed", seed, 0)
    with memory_told(method):
        recovery: Recovery = chosen.recover()(A, measurement.y, complete, seed=start, watch=progress, **options)
    return recovery if target is None else replace(recovery, scores=score(recovery.image, target))


def _options(method: str, network: Any, truth: torch.Tensor | None, settings: dict[str, Any]) -> dict[str, Any]:
    """What csdip takes besides settings; a network's name becomes a setting."""
    if method != "csdip":
        if network is not None:
            raise ValueError(f"network must be left out for {method}, which has none, got one")
        return {}
    if isinstance(network, str):
        settings["network"], network = network, None
    options = {"network": network, "truth": truth}
    return {name: value for name, value in options.items() if value is not None}


def _measurement(y: Array | Measurement, operator: Operator | None, device: torch.device) -> Measurement:
    if isinstance(y, Measurement):
        if operator is not None and operator.fingerprint() != y.operator.fingerprint():
            raise ValueError("operator must be left out for a measurement, which brings its own, got another")
        return Measurement(y.operator.to(device), y.y.to(device), y.noise)
    if not isinstance(operator, Operator):
        name = type(operator).__name__
        raise ValueError(f"operator must be made by untrained.operators (user adapts an object of yours), got {name}")
    return Measurement(operator.to(device), _floats("y", y).to(device))


def _floats(name: str, value: Array) -> torch.Tensor:
    """A detached float32 tensor of real numbers."""
    tensor = torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
    if not isinstance(tensor, torch.Tensor) or tensor.is_complex():
        got = "complex ones" if isinstance(tensor, torch.Tensor) else type(value).__name__
        raise ValueError(f"{name} must be an array or a tensor of real numbers, got {got}")
    return tensor.detach().to(torch.float32)


def _checked_truth(truth: Array, operator: Operator) -> torch.Tensor:
    tensor = _floats("truth", truth).cpu()
    if tuple(tensor.shape) != tuple(operator.shape):
        raise ValueError(f"truth must be of the operator's shape {operator.shape}, got {tuple(tensor.shape)}")
    return tensor
