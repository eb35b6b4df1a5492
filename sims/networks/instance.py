"""A module at one set of weights: a copy that is safe to differentiate, its input, and the weights that train."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from untrained.sims.networks.output import OutputPart, described, tensor_of
from untrained.sims.networks.preparing import as_written, in_dtype, modes, prepared
from untrained.sims.networks.probe import probe, probe_copy


@dataclass(frozen=True, eq=False)
class Instance:
    """A module at one set of weights, made safe to differentiate, and its input; `weights` names those that train.

    The module is a copy, in one dtype and without layers that overwrite their input; `shape` is that of its output, and
    `notes` say in plain words what was taken for granted.
    """

    module: nn.Module
    z: torch.Tensor
    weights: tuple[str, ...]
    shape: tuple[int, ...]
    notes: tuple[str, ...] = ()


def instance(
    name: str, module: nn.Module, z: torch.Tensor, dtype: torch.dtype, param_filter: str | None, part: OutputPart
) -> Instance:
    """Return a copy of a module with its input, made safe to differentiate and tried once.

    The module's device is kept and z moved there; whole numbers in z stay whole, for embeddings.

    Raises
    ------
    ValueError
        as `twin_of` and `probe` do.
    """
    twin, weights = twin_of(name, module, dtype, param_filter)
    twin.register_forward_pre_hook(own_input)
    z = input_of(name, z, dtype, twin.get_parameter(weights[0]).device)
    output, gradients = probe(name, module, twin, z, weights, part)
    notes = (*modes(module), *described(output, part), *probe_copy(name, twin, z, weights, part, gradients))
    return Instance(twin, z, weights, tuple(tensor_of(output, part).shape), notes)


def twin_of(
    name: str, module: nn.Module, dtype: torch.dtype, param_filter: str | None
) -> tuple[nn.Module, tuple[str, ...]]:
    """Return a prepared copy of a module of which only the weights train that are to, and their names.

    Raises
    ------
    ValueError
        where it cannot be copied, draws random numbers, has no weights that train, or has such as are not finite, have
        hooks on their gradients, or share memory with others.
    """
    module = as_written(module)
    twin = prepared(name, module, dtype)
    weights = _trained(name, twin, param_filter)
    if not weights:
        raise ValueError(f"{name} must have weights that train, got none")
    for key in weights:
        _check_weight(name, key, module.get_parameter(key), twin.get_parameter(key))
    _check_memory(name, module, weights)
    for key, weight in twin.named_parameters():
        weight.requires_grad_(key in weights)
    return twin, weights


def _trained(name: str, module: nn.Module, param_filter: str | None) -> tuple[str, ...]:
    own = {id(weight) for weight in module.parameters()}  # of which some modules give an optimiser fewer
    names = tuple(key for key, weight in module.named_parameters() if weight.requires_grad and id(weight) in own)
    if param_filter is None:
        return names
    some = tuple(filter(compiled_filter(param_filter).search, names))
    if names and not some:
        listed = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        raise ValueError(f"param filter must match a weight of {name} ({listed}), got {param_filter!r}")
    return some


def _check_weight(name: str, key: str, weight: torch.Tensor, twin: torch.Tensor) -> None:
    if not torch.isfinite(twin).all():
        raise ValueError(f"weights of {name} must be finite, got a NaN or an infinity in {key}")
    if weight._backward_hooks:
        raise ValueError(
            f"weights of {name} must have no hooks on their gradients, got one on {key}: remove it, or freeze it"
        )


def _check_memory(name: str, module: nn.Module, weights: Sequence[str]) -> None:
    """Refuse a weight whose memory another parameter or buffer has too: it moves with it, but its copy would not."""
    holders: dict[tuple[torch.device, int], str] = {}
    for key, part in (*module.named_parameters(), *module.named_buffers()):
        if part.layout != torch.strided or part.is_meta or not part.numel():
            continue
        first = holders.setdefault((part.device, part.data_ptr()), key)
        if first != key and {first, key} & set(weights):
            raise ValueError(
                f"weights of {name} must have memory of their own, got {first} and {key} in the same: "
                "make them one Parameter, under two names"
            )


def compiled_filter(pattern: str) -> re.Pattern[str]:
    """A regular expression from its text.

    Raises
    ------
    ValueError
        where it is none.
    """
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"param filter must be a regular expression, got {pattern!r}: {error}") from error


def input_of(name: str, z: torch.Tensor, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """A copy of z in a dtype, where it is not of whole numbers, on a device.

    Raises
    ------
    ValueError
        where it is not dense, has no values, or is not finite.
    """
    if z.layout != torch.strided or z.is_meta:
        kind = "a tensor on the meta device" if z.is_meta else f"a {z.layout} one".replace("torch.", "")
        raise ValueError(f"latent of {name} must be a dense tensor with values, got {kind}")
    z_copy = in_dtype(z.detach().to(device=device, copy=True), dtype)
    if not torch.isfinite(z_copy).all():
        raise ValueError(f"latent of {name} must be finite, got a NaN or an infinity")
    return z_copy


def own_input(_: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...]:
    """What a forward may overwrite as it likes."""
    return tuple(part.clone() if isinstance(part, torch.Tensor) else part for part in inputs)
