"""Many copies of one network, each with weights of its own, evaluated as one program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

Weights = dict[str, torch.Tensor]


def _merge(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (1, B C, H, W): the copies side by side, as groups of channels."""
    return x.reshape(1, -1, *x.shape[2:])


def _split(x: torch.Tensor, copies: int) -> torch.Tensor:
    return x.reshape(copies, -1, *x.shape[2:])


def _transposed(layer: nn.ConvTranspose2d, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    w, bias = weights["weight"], weights.get("bias")
    plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.output_padding == (0, 0)
    if plain and bias is None and x.is_cuda:
        return transposed_by_products(x, w, layer.stride, layer.padding)
    if layer.groups != 1:
        return _by_vmap(layer, weights, x)
    out = F.conv_transpose2d(
        _merge(x), w.flatten(0, 1), None if bias is None else bias.flatten(), layer.stride, layer.padding,
        layer.output_padding, len(x), layer.dilation,
    )  # fmt: skip
    return _split(out, len(x))


def transposed_by_products(
    x: torch.Tensor, weight: torch.Tensor, stride: tuple[int, ...], padding: tuple[int, ...]
) -> torch.Tensor:
    """Transposed convolution as one batched matrix product and a fold: x (B, Cin, H, W), weight (B, Cin, Cout, k, l)."""
    copies, inputs, outputs, *kernel = weight.shape
    size = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(x.shape[2:], stride, padding, kernel, strict=True)]
    columns = torch.bmm(weight.reshape(copies, inputs, -1).transpose(1, 2), x.flatten(2))
    return F.fold(columns, size, tuple(kernel), stride=stride, padding=padding).reshape(copies, outputs, *size)


def _convolution(layer: nn.Conv2d, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    w, bias = weights["weight"], weights.get("bias")
    if layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.padding == (0, 0) and layer.groups == 1:
        out = torch.bmm(w.flatten(2), x.flatten(2)).unflatten(2, x.shape[2:])
        return out if bias is None else out + bias[:, :, None, None]
    if layer.groups != 1 or layer.padding_mode != "zeros":
        return _by_vmap(layer, weights, x)
    out = F.conv2d(
        _merge(x), w.flatten(0, 1), None if bias is None else bias.flatten(), layer.stride, layer.padding,
        layer.dilation, len(x),
    )  # fmt: skip
    return _split(out, len(x))


def _norm(layer: nn.BatchNorm2d, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    """Batch norm in training mode: each copy sees its own batch of one, so its statistics are over pixels."""
    scale, shift = (weights[name].flatten() if name in weights else None for name in ("weight", "bias"))
    return _split(F.batch_norm(_merge(x), None, None, scale, shift, True, 0.0, layer.eps), len(x))


def _by_vmap(layer: nn.Module, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    """Any module: vectorised over the copies."""
    return vmap(lambda w, one: functional_call(layer, w, (one[None],))[0], randomness="different")(weights, x)


_KNOWN: dict[type[nn.Module], Callable[[Any, Weights, torch.Tensor], torch.Tensor]] = {
    nn.ConvTranspose2d: _transposed,
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _norm,
}
_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Upsample, nn.Identity)


def _layers(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of nested sequences in their order; any other module is one layer."""
    if type(module) is nn.Sequential:
        for name, child in module.named_children():
            yield from _layers(child, f"{prefix}{name}.")
    else:
        yield prefix, module


def _without_running_statistics(module: nn.Module) -> nn.Module:
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return module


class Batched:
    """B copies of one network: `weights` holds (B, ...) tensors by name; calling it maps (B, *latent) to (B, C, H, W).

    Sequences of convolutions, transposed convolutions, batch norms and pointwise layers run as grouped kernels (on CUDA
    as batched matrix products); any other module goes through `torch.func.vmap`. Batch norm is in training mode.
    """

    def __init__(self, networks: Sequence[nn.Module], device: torch.device | str = "cpu") -> None:
        if not networks:
            raise ValueError("networks must hold at least one module, got none")
        named = [dict(network.named_parameters()) for network in networks]
        stacked = {name: torch.stack([w[name].detach() for w in named]) for name in named[0]}
        self.weights = {name: w.to(device).contiguous().requires_grad_() for name, w in stacked.items()}
        self.copies = len(networks)
        self._layers = list(_layers(_without_running_statistics(networks[0]).train().to(device)))

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        x = z
        for prefix, layer in self._layers:
            x = self._apply(prefix, layer, x)
        return x

    def _apply(self, prefix: str, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if isinstance(layer, _POINTWISE):
            return layer(x)
        weights = {name.removeprefix(prefix): w for name, w in self.weights.items() if name.startswith(prefix)}
        return _KNOWN.get(type(layer), _by_vmap)(layer, weights, x)

    def copy_of(self, index: int) -> Weights:
        """Return the weights of one copy."""
        return {name: w[index].detach().clone() for name, w in self.weights.items()}
