"""What a network takes, known before it is run in earnest: weights, activations, multiply-adds, bytes and seconds."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn

from untrained.sims.networks.network import Network


@dataclass(frozen=True)
class NetworkSize:
    """Weights, numbers in all layers' outputs, and multiply-adds of one forward pass of a network."""

    weights: int
    activations: int
    products: int


def size_of(network: Network) -> NetworkSize:
    """Count by one pass; a generator known by name is followed by its shapes alone, whatever its size.

    Raises
    ------
    ValueError
        where a network of a user's own cannot be run.
    """
    if network.build is None or network.latent is None:
        return _counted(network.module, network.z)
    with torch.device("meta"):
        return _counted(network.build(), torch.empty(1, *network.latent.shape))


def _counted(module: nn.Module, z: torch.Tensor) -> NetworkSize:
    totals = [0, 0]

    def count(layer: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, torch.Tensor):
            return
        totals[0] += output.numel()
        for weight in layer.parameters(recurse=False):
            totals[1] += _products(layer, weight, inputs[0] if inputs else output, output)

    hooks = [layer.register_forward_hook(count) for layer in module.modules() if not list(layer.children())]
    try:
        with torch.no_grad():
            module(z)
    finally:
        for hook in hooks:
            hook.remove()
    return NetworkSize(sum(weight.numel() for weight in module.parameters()), *totals)


def _products(layer: nn.Module, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> int:
    """Multiply-adds of one weight: a kernel's entries meet every pixel, a matrix's every row."""
    if weight.ndim > 2:
        pixels = x if isinstance(layer, nn.modules.conv._ConvTransposeNd) else y
        return weight.numel() * prod(pixels.shape[2 - weight.ndim :])
    return weight.numel() * (y.numel() // y.shape[-1]) if weight.ndim == 2 and y.ndim else 0
