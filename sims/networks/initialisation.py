"""Laws of the initial weights, by name: the published results rest on the defaults of an old library version."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import torch
from torch import nn

_Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _uniform(low: float, high: float) -> _Draw:
    return lambda rng, shape: rng.uniform(low, high, shape)


def _constant(value: float) -> _Draw:
    return lambda _, shape: np.full(shape, value)


def _fan(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, *, old: bool) -> int:
    """Numbers that a library version takes to meet in one output: old: all inputs; today: the weight's second axis."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    inputs = layer.in_channels if old else layer.weight.shape[1]
    return inputs * prod(layer.kernel_size)


def _default(layer: nn.Module, name: str, *, old: bool) -> _Draw:
    if isinstance(layer, nn.BatchNorm2d):
        if name == "bias":
            return _constant(0.0)
        return _uniform(0, 1) if old else _constant(1.0)
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        raise ValueError(f"initialisation knows convolutions, linear layers and batch norm, got {type(layer).__name__}")
    bound = 1 / np.sqrt(_fan(layer, old=old))
    return _uniform(-bound, bound)


def _torch_041(layer: nn.Module, name: str) -> _Draw:
    return _default(layer, name, old=True)


def _torch_today(layer: nn.Module, name: str) -> _Draw:
    return _default(layer, name, old=False)


def _dcgan(layer: nn.Module, name: str) -> _Draw:
    if name == "bias":
        return _constant(0.0)
    mean = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
    return lambda rng, shape: rng.normal(mean, 0.02, shape)


_LAWS: dict[str, Callable[[nn.Module, str], _Draw]] = {
    "torch-0.4.1": _torch_041,
    "torch-today": _torch_today,
    "dcgan": _dcgan,
}
LAWS = tuple(_LAWS)


def initialise(network: nn.Module, rng: np.random.Generator, law: str = "torch-0.4.1") -> None:
    """Draw every weight of a network, layer by layer in the order of the module.

    `torch-0.4.1`: convolution and transposed convolution U(+-1/sqrt(inputs * kernel area)), batch-norm weight U(0, 1).
    `torch-today`: the same but a transposed convolution U(+-1/sqrt(outputs * kernel area)) and batch-norm weight 1.
    `dcgan`: N(0, 0.02^2), batch-norm weight N(1, 0.02^2), every bias 0.
    In both of torch's laws a batch norm's bias is 0 and another layer's bias is drawn as its weight is. Today's counts
    only those inputs (outputs) that are in one group of the layer.

    Raises
    ------
    ValueError
        where the law or a layer with weights is unknown.

    Source: vanveen18 Section 5.1 (PyTorch 0.4.1, weights never initialised by hand).
    """
    if law not in _LAWS:
        raise ValueError(f"initialisation must be one of {', '.join(LAWS)}, got {law!r}")
    with torch.no_grad():
        for layer in network.modules():
            for name, weight in layer.named_parameters(recurse=False):
                values = _LAWS[law](layer, name)(rng, tuple(weight.shape))
                weight.copy_(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)))
