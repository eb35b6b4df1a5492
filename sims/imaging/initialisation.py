"""Laws of the initial weights, by name: the published results rest on the defaults of an old library version."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

_Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _uniform(bound: float) -> _Draw:
    return lambda rng, shape: rng.uniform(-bound, bound, shape)


def _fan(layer: nn.Module, weight: torch.Tensor, *, old: bool) -> int:
    """Numbers that meet in one output (old: the first axis of a transposed kernel, its inputs; today: the second)."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    axis = 0 if transposed and old else 1
    return weight.shape[axis] * int(np.prod(weight.shape[2:]))


def _default(layer: nn.Module, name: str, *, old: bool) -> _Draw:
    if isinstance(layer, nn.BatchNorm2d):
        if name == "bias":
            return lambda _, shape: np.zeros(shape)
        return (lambda rng, shape: rng.uniform(0, 1, shape)) if old else lambda _, shape: np.ones(shape)
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, torch.Tensor) or weight.ndim < 2:
        raise ValueError(f"initialisation knows convolutions, linear layers and batch norm, got {type(layer).__name__}")
    return _uniform(1 / np.sqrt(_fan(layer, weight, old=old)))


def _torch_041(layer: nn.Module, name: str) -> _Draw:
    return _default(layer, name, old=True)


def _torch_today(layer: nn.Module, name: str) -> _Draw:
    return _default(layer, name, old=False)


def _dcgan(layer: nn.Module, name: str) -> _Draw:
    if name == "bias":
        return lambda _, shape: np.zeros(shape)
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
    `dcgan`: N(0, 0.02^2), batch-norm weight N(1, 0.02^2). Biases of batch norm are 0; of other layers as their weight.

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
                drawn = _LAWS[law](layer, name)(rng, tuple(weight.shape))
                weight.copy_(torch.from_numpy(np.ascontiguousarray(drawn, dtype=np.float32)))
