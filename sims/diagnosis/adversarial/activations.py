"""What a network's rectifiers see: every input that has a kink at zero, watched or smoothed while the network runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from untrained.sims.networks.network import Network

_KINKED = {"relu", "relu_", "leaky_relu", "leaky_relu_", "relu6", "prelu", "threshold", "threshold_", "clamp_min"}
_SMOOTHED = {"relu", "relu_", "leaky_relu", "leaky_relu_"}


@dataclass(frozen=True)
class Activations:
    """Output (n,) of one run with, for each rectifier, what went in and what came out, all attached to the weights."""

    output: torch.Tensor
    before: tuple[torch.Tensor, ...]
    after: tuple[torch.Tensor, ...]


def _input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs.get("input")


class _Watching(TorchFunctionMode):
    """Note what goes into rectifiers, as layers, functions or methods, and what comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[torch.Tensor] = []
        self.after: list[torch.Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") not in _KINKED:
            return func(*args, **kwargs)
        self.before.append(_input(args, kwargs).clone())  # the rectifier may overwrite it
        result = func(*args, **kwargs)
        self.after.append(result)
        return result


class _Smoothing(TorchFunctionMode):
    """Round the corner of every rectifier, over `width` times the size of what goes in."""

    def __init__(self, width: float) -> None:
        super().__init__()
        self.width = width

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in _SMOOTHED:
            return func(*args, **kwargs)
        x = _input(args, kwargs)
        slope = 0.0 if name.startswith("relu") else kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01)
        return _softened(x, slope, self.width)  # never in place: what is overwritten cannot be differentiated twice


def _softened(x: torch.Tensor, slope: float, width: float) -> torch.Tensor:
    scale = float(x.detach().square().mean().sqrt()) * width
    if not scale > 0:
        return F.leaky_relu(x, slope)
    return slope * x + (1 - slope) * scale * F.softplus(x / scale)


def activations(network: Network) -> Activations:
    """Run the network once and return what its rectifiers saw; none are found in a network of smooth layers only."""
    with _Watching() as record:
        y = network.output()
    pairs = [(x, o) for x, o in zip(record.before, record.after, strict=True) if x.requires_grad]
    return Activations(y, tuple(x for x, _ in pairs), tuple(o for _, o in pairs))


def smoothed(network: Network, width: float) -> Callable[[], torch.Tensor]:
    """The network's output as a function of its weights with rounded rectifiers: a surrogate that has curvature."""

    def output() -> torch.Tensor:
        with _Smoothing(width):
            return network.output()

    return output
