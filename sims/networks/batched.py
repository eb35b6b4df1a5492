"""Many copies of one network, each with weights of its own, evaluated as one program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from untrained.sims.networks.generators import Crop, Interpolation, Sigmoid
from untrained.sims.networks.products import (
    AxisMap,
    resized,
    transposed_by_products,
    transposed_in_one,
    transposed_in_two,
)

__all__ = ["Batched", "Weights", "transposed_by_products"]

Weights = dict[str, torch.Tensor]
_Run = Callable[[Weights, torch.Tensor], torch.Tensor]

TINY, SMALL, NARROW = 16, 64, 4
"""Pixels, rows or columns, and channels up to which products beat grouped kernels (measured on one core)."""
INNERMOST_FROM = 128 * 128
"""Pixels from which a single copy's 1x1 convolutions, and the batch norm after them, have channels innermost: on a CPU
a convolution of 128 channels at 512x512 then takes two fifths of the time."""
INNERMOST_TRANSPOSED_FROM = 32 * 32
"""The same for transposed convolutions, which then need no turning: a DCGAN of 256x256 takes two thirds of the time."""


def _merge(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (1, B C, H, W): the copies side by side, as groups of channels."""
    return x if len(x) == 1 else x.reshape(1, -1, *x.shape[2:])


def _split(x: torch.Tensor, copies: int) -> torch.Tensor:
    return x if copies == 1 else x.reshape(copies, -1, *x.shape[2:])


def _flat(weights: Weights, name: str) -> torch.Tensor | None:
    return weights[name].flatten() if name in weights else None


def _axes(
    x: torch.Tensor, upsample: nn.Upsample | None, layer: nn.ConvTranspose2d | None = None
) -> tuple[AxisMap, AxisMap]:
    """What is done to rows and to columns."""
    axes = []
    for i, length in enumerate(x.shape[2:]):
        fields: dict[str, Any] = {}
        if upsample is not None:
            size, factor = (v[i] if isinstance(v, tuple) else v for v in (upsample.size, upsample.scale_factor))
            fields = {"mode": upsample.mode, "size": size, "factor": factor, "aligned": upsample.align_corners}
        if layer is not None:
            fields |= {"kernel": layer.kernel_size[i], "stride": layer.stride[i], "padding": layer.padding[i]}
        axes.append(AxisMap(length, **fields))
    return axes[0], axes[1]


def _upsampled(layer: nn.Upsample, x: torch.Tensor) -> torch.Tensor:
    """Bilinear upsampling by matrices where it is small, and on CUDA, whose own backward pass is not repeatable."""
    if layer.mode != "bilinear" or layer.recompute_scale_factor:
        return layer(x)
    rows, columns = _axes(x, layer)
    return resized(x, rows, columns) if x.is_cuda or max(rows.after, columns.after) <= SMALL else layer(x)


def _transposed(
    layer: nn.ConvTranspose2d, upsample: nn.Upsample | None, weights: Weights, x: torch.Tensor
) -> torch.Tensor:
    out = _by_products(layer, upsample, weights["weight"], x)
    if out is None:
        out = _grouped_transposed(layer, weights["weight"], x if upsample is None else _upsampled(upsample, x))
    return out + weights["bias"][:, :, None, None] if "bias" in weights else out


def _grouped_transposed(layer: nn.ConvTranspose2d, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    if _is_large(x, INNERMOST_TRANSPOSED_FROM):
        x = x.contiguous(memory_format=torch.channels_last)
    out = F.conv_transpose2d(
        _merge(x), weight.flatten(0, 1), None, layer.stride, _numbers(layer.padding), layer.output_padding,
        len(x) * layer.groups, layer.dilation,
    )  # fmt: skip
    return _split(out, len(x))


def _numbers(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    """The type of a layer's padding allows words, which only a `Conv2d` takes and which we leave to it."""
    assert not isinstance(padding, str)
    return padding


def _by_products(
    layer: nn.ConvTranspose2d, upsample: nn.Upsample | None, weight: torch.Tensor, x: torch.Tensor
) -> torch.Tensor | None:
    """As matrix products where these are faster, and on CUDA, where they are repeatable too."""
    if layer.groups != 1 or layer.dilation != (1, 1) or layer.output_padding != (0, 0):
        return None
    rows, columns = _axes(x, upsample, layer)
    side, narrow = max(rows.after, columns.after), layer.out_channels <= NARROW
    if rows.length * columns.length <= TINY and side <= TINY:
        return transposed_in_one(x, weight, rows, columns)
    if upsample is not None and (side <= SMALL or narrow):
        return transposed_in_two(x, weight, rows, columns)
    if x.is_cuda or narrow:
        x = x if upsample is None else _upsampled(upsample, x)
        return transposed_by_products(x, weight, layer.stride, _numbers(layer.padding))
    return None


def _convolution(layer: nn.Conv2d, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    weight, padding = weights["weight"], layer.padding
    if isinstance(padding, str):
        return _by_vmap(layer, weights, x)
    if layer.kernel_size == (1, 1) and layer.stride == (1, 1) and padding == (0, 0) and layer.groups == 1:
        if _is_large(x, INNERMOST_FROM):
            return F.conv2d(x.contiguous(memory_format=torch.channels_last), weight[0], _flat(weights, "bias"))
        out = torch.bmm(weight.flatten(2), x.flatten(2)).unflatten(2, x.shape[2:])
        return out + weights["bias"][:, :, None, None] if "bias" in weights else out
    if layer.padding_mode != "zeros":
        x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), layer.padding_mode)
        padding = (0, 0)
    bias, groups = _flat(weights, "bias"), len(x) * layer.groups
    out = F.conv2d(_merge(x), weight.flatten(0, 1), bias, layer.stride, padding, layer.dilation, groups)
    return _split(out, len(x))


def _norm(layer: nn.BatchNorm2d, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    """Batch norm in training mode: a copy sees a batch of one, so each channel is a group of its own."""
    if "running_mean" in weights:
        return _by_vmap(layer, weights, x)
    if _channels_innermost(x):
        return F.batch_norm(x, None, None, _flat(weights, "weight"), _flat(weights, "bias"), True, eps=layer.eps)
    merged = _merge(x)
    out = F.group_norm(merged, merged.shape[1], _flat(weights, "weight"), _flat(weights, "bias"), layer.eps)
    return _split(out, len(x))


def _is_large(x: torch.Tensor, pixels: int) -> bool:
    """Whether x is a single copy's, on a CPU, of so many pixels or more."""
    return len(x) == 1 and x[0, 0].numel() >= pixels and not x.is_cuda


def _channels_innermost(x: torch.Tensor) -> bool:
    """Whether x (1, C, H, W) is as a large convolution leaves it."""
    return len(x) == 1 and x.shape[1] > 1 and not x.is_contiguous() and x[0].permute(1, 2, 0).is_contiguous()


def _by_vmap(layer: nn.Module, weights: Weights, x: torch.Tensor) -> torch.Tensor:
    """Any module: vectorised over the copies."""
    if len(x) == 1:
        return functional_call(layer, {name: w[0] for name, w in weights.items()}, (x,))
    return vmap(lambda w, one: functional_call(layer, w, (one[None],))[0], randomness="different")(weights, x)


_KINDS: dict[type[nn.Module], Callable[[Any, Weights, torch.Tensor], torch.Tensor]] = {
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _norm,
    nn.Upsample: lambda layer, _, x: _upsampled(layer, x),
    **dict.fromkeys((nn.Tanh, nn.Sigmoid, nn.Identity, Crop, Interpolation, Sigmoid), lambda layer, _, x: layer(x)),
}


def _is_plain(module: nn.Module) -> bool:
    """Whether a module does what its kind does: hooks, weights of other names and a forward of its own change that."""
    own = {name for name, _ in module.named_parameters(recurse=False)} <= {"weight", "bias"}
    return own and not (module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))


def _run(layer: nn.Module, before: nn.Module | None, upsample: nn.Upsample | None) -> _Run:
    """How to run a layer that follows another; what only its own input holds, a rectifier overwrites."""
    if not _is_plain(layer):
        return partial(_by_vmap, layer)
    overwrite = type(before) in (nn.ConvTranspose2d, nn.Conv2d, nn.BatchNorm2d, nn.Upsample)
    if type(layer) is nn.ConvTranspose2d:
        return partial(_transposed, layer, upsample)
    if type(layer) is nn.ReLU:
        return lambda _, x: F.relu(x, overwrite)
    if type(layer) is nn.LeakyReLU:
        slope = layer.negative_slope
        return lambda _, x: F.leaky_relu(x, slope, overwrite)
    return partial(_KINDS.get(type(layer), _by_vmap), layer)


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """The layers of nested sequences in their order, repeated ones too; any other module is one layer."""
    if type(module) is not nn.Sequential or not _is_plain(module):
        yield module
        return
    for layer in module:
        yield from _layers(layer)


def _joins(layer: nn.Upsample, after: nn.Module | None) -> bool:
    """Whether an upsampling is done within the transposed convolution that follows it."""
    by_lines = layer.mode in ("nearest", "nearest-exact", "bilinear") and not layer.recompute_scale_factor
    plain = all(one is not None and _is_plain(one) for one in (layer, after))
    return by_lines and plain and type(layer) is nn.Upsample and type(after) is nn.ConvTranspose2d


def _steps(network: nn.Module) -> Iterator[tuple[_Run, dict[str, str]]]:
    """How to run each layer, and what its weights and buffers are called in the network."""
    named = (*network.named_parameters(), *network.named_buffers())
    names = {id(tensor): name for name, tensor in named}
    layers = list(_layers(network))
    before: nn.Module | None = None
    upsample: nn.Upsample | None = None
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, nn.Upsample) and _joins(layer, after):
            upsample = layer
            continue
        own = (*layer.named_parameters(remove_duplicate=False), *layer.named_buffers(remove_duplicate=False))
        yield _run(layer, before, upsample), {name: names[id(tensor)] for name, tensor in own}
        before, upsample = layer, None


def _template(network: nn.Module) -> nn.Module:
    """A copy whose batch norms in training mode keep no running statistics."""
    template = copy.deepcopy(network)
    for layer in template.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.training:
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return template


def stacked(named: Sequence[Weights]) -> Weights:
    shapes = [{name: tensor.shape for name, tensor in each.items()} for each in named]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("networks must have weights of the same names and shapes, got some that differ")
    return {name: torch.stack([each[name].detach() for each in named]) for name in named[0]}


class Batched:
    """B copies of one network: `weights` holds (B, ...) tensors by name; calling it maps (B, *latent) to (B, C, H, W).

    Sequences of convolutions, transposed convolutions, batch norms and pointwise layers run as matrix products and
    grouped kernels, whichever is faster; any other module goes through `torch.func.vmap`. Each layer is in the mode it
    came in; a batch norm's statistics in training are over the pixels of one copy. The networks given stay as they are.

    Raises
    ------
    ValueError
        where there is no network, or where the networks' weights differ in names or shapes.
    """

    def __init__(self, networks: Sequence[nn.Module], device: torch.device | str = "cpu") -> None:
        if not networks:
            raise ValueError("networks must hold at least one module, got none")
        self.copies = len(networks)
        self.weights = {n: w.to(device) for n, w in stacked([dict(net.named_parameters()) for net in networks]).items()}
        for name, weight in networks[0].named_parameters():
            self.weights[name].requires_grad_(weight.requires_grad)
        template = _template(networks[0]).to(device)
        names = [name for name, _ in template.named_buffers()]
        buffers = [{name: network.get_buffer(name) for name in names} for network in networks]
        self._buffers = {name: tensor.to(device) for name, tensor in stacked(buffers).items()}
        self._steps = list(_steps(template))

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Run each copy on its own input."""
        if len(z) != self.copies:
            raise ValueError(f"z must hold one input for each of the {self.copies} networks, got {len(z)}")
        return self._through(self.weights | self._buffers, z)

    def alone(self, index: int, z: torch.Tensor) -> torch.Tensor:
        """Run one copy on its input (1, ...); its gradients are added to those of all."""
        every = self.weights | self._buffers
        return self._through({name: tensor[index : index + 1] for name, tensor in every.items()}, z)

    def _through(self, tensors: Weights, x: torch.Tensor) -> torch.Tensor:
        for run, names in self._steps:
            x = run({short: tensors[name] for short, name in names.items()}, x)
        return x

    def copy_of(self, index: int) -> Weights:
        """Return the weights of one copy."""
        return {name: w[index].detach().clone() for name, w in self.weights.items()}
