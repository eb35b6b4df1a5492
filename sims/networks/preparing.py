"""Making a network safe to differentiate: a copy in one dtype whose output depends on nothing but its weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from untrained.sims.user_files import USER_ERRORS, error_line

_RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU)
_QUANTISED = ("torch.ao.nn.quantized", "torch.nn.quantized", "torch.ao.quantization.fake_quantize")
POWER_ITERATIONS = 15
"""What torch takes where a spectral norm is registered in its newer form; its older one starts from noise."""


def prepared(name: str, module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy in one dtype whose layers overwrite nothing; each layer stays in the mode, training or not, it came in.

    Norms in training mode keep no running statistics; others go by those they came with. A spectral norm in training
    mode has its vectors iterated, then held: they would follow the weights from call to call.

    Raises
    ------
    ValueError
        where a layer drops entries at random, is quantised, or has weights without values or complex ones to train, or
        the module cannot be copied, or not into the dtype.
    """
    module = as_written(module)
    for key, layer in module.named_modules():
        _check_layer(name, key, layer)
    twin = copied(name, module, dtype)
    try:
        twin._apply(lambda part: in_dtype(part, dtype))
    except USER_ERRORS as error:
        precise = str(dtype).removeprefix("torch.")
        raise ValueError(
            f"module of {name} must be one that can be cast to {precise}, got {error_line(error)}"
        ) from error
    for layer in list(twin.modules()):
        _settle_spectral_norms(layer)
    for layer in twin.modules():
        _settle(layer)
    return twin


def as_written(module: nn.Module) -> nn.Module:
    """The module itself, where torch.compile has wrapped it."""
    wraps = type(module).__module__ == "torch._dynamo.eval_frame"
    return module.get_submodule("_orig_mod") if wraps else module


def copied(name: str, module: nn.Module, dtype: torch.dtype | None = None) -> nn.Module:
    """A deep copy; tensors that are not weights are taken as constants, in the dtype if there is one.

    Raises
    ------
    ValueError
        where the module cannot be copied.
    """
    memo: dict[int, Any] = {}
    for layer in module.modules():
        for constant in _constants([value for key, value in vars(layer).items() if key not in _REGISTERED]):
            clone = constant.detach().clone()
            memo[id(constant)] = clone if dtype is None else in_dtype(clone, dtype)
    try:
        twin = copy.deepcopy(module, memo)
    except USER_ERRORS as error:
        raise ValueError(f"module of {name} must be one that can be copied, got {error_line(error)}") from error
    originals = {id(layer) for layer in module.modules()}
    same = [type(layer).__name__ for layer in twin.modules() if id(layer) in originals]
    if same:
        raise ValueError(
            f"module of {name} must be one that can be copied, got a {same[0]} that gives itself as its copy"
        )
    return twin


def in_dtype(part: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A tensor in a dtype of real numbers, or in the complex one that goes with it; whole numbers stay whole."""
    if part.is_complex():
        return part.to(dtype.to_complex())
    return part.to(dtype) if part.is_floating_point() else part


_REGISTERED = ("_parameters", "_modules")


def _constants(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        if not isinstance(value, nn.Parameter):
            yield value
    elif isinstance(value, dict):
        yield from _constants(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _constants(part)


def check_layers(name: str, module: nn.Module) -> None:
    """Refuse what torch itself cannot go through layer by layer, and lazy layers.

    Raises
    ------
    ValueError
        where layers or weights cannot be listed, or a layer's weights have no shape yet.
    """
    try:
        layers = list(module.named_modules())
        list(module.named_parameters(remove_duplicate=False))
        list(module.parameters())
    except USER_ERRORS as error:
        raise ValueError(f"module of {name} must be one that torch can list, got {error_line(error)}") from error
    for key, layer in layers:
        if any(isinstance(weight, nn.parameter.UninitializedParameter) for weight in layer.parameters(recurse=False)):
            kind, place = type(layer).__name__, key or "itself"
            raise ValueError(
                f"weights of {name} must have shapes, got a {kind} in {place} that has not run yet: run it once"
            )


def _check_layer(name: str, key: str, layer: nn.Module) -> None:
    kind, place = type(layer).__name__, key or "itself"
    if isinstance(layer, torch.jit.ScriptModule):
        raise ValueError(
            f"network must be plain modules, got {kind} in {place} of {name}: hand over what it was made of"
        )
    if type(layer).__module__.startswith(_QUANTISED):
        raise ValueError(
            f"network must not be quantised, got {kind} in {place} of {name}: hand over what it was made of"
        )
    if isinstance(layer, _RANDOM) and layer.training and getattr(layer, "p", 1) > 0:
        raise ValueError(
            f"network must not draw random numbers, got {kind} in training mode in {place} of {name}: "
            "remove it or hand the network over in eval mode"
        )
    for weight in layer.parameters(recurse=False):
        if weight.is_complex() and weight.requires_grad:
            raise ValueError(f"weights of {name} must be real, got {weight.dtype} in {place}".replace("torch.", ""))
        if weight.is_meta:
            raise ValueError(f"weights of {name} must have values, got a {kind} in {place} on the meta device")


def _settle_spectral_norms(layer: nn.Module) -> None:
    """Iterate the vectors of a layer's spectral norms where they would be iterated by its own runs."""
    with torch.no_grad():
        for hook in layer._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm) and layer.training:
                for _ in range(POWER_ITERATIONS):
                    setattr(layer, hook.name, hook.compute_weight(layer, do_power_iteration=True))
        if parametrize.is_parametrized(layer):
            for key, steps in layer.parametrizations.items():  # type: ignore[union-attr, operator]
                if any(isinstance(step, _SpectralNorm) and step.training for step in steps):
                    for _ in range(POWER_ITERATIONS):
                        getattr(layer, key)


def _settle(layer: nn.Module) -> None:
    if isinstance(layer, _NormBase) and layer.training:
        layer.track_running_stats = False
        layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    if _has_spectral_norm(layer):
        layer.training = False
    for switch in ("inplace", "sparse"):  # which change how numbers are held, not what they are
        if getattr(layer, switch, False) is True:
            vars(layer)[switch] = False


def modes(module: nn.Module) -> list[str]:
    """Say how layers run that run in more than one way, and what does not train though it looks so."""
    layers = list(module.modules())
    at_rest = [layer for layer in layers if not layer.training]
    says = []
    if any(isinstance(layer, _NormBase) and layer.running_mean is not None for layer in at_rest):
        says.append("norms go by their running statistics, as the network came in eval mode")
    if any(isinstance(layer, _RANDOM) and getattr(layer, "p", 1) > 0 for layer in at_rest):
        says.append("dropout is off, as the network came in eval mode")
    if any(layer.training and _has_spectral_norm(layer) for layer in layers):
        says.append(f"spectral norms are those after {POWER_ITERATIONS} runs of their layers in training, then held")
    short = {str(w.dtype) for w in module.parameters() if w.is_floating_point() and w.dtype.itemsize < 4}
    if short:
        says.append(f"it came in {' and '.join(sorted(short))} and is examined with more digits".replace("torch.", ""))
    held = outside(module)
    return [*says, f"held fixed, as no weights of its own: {', '.join(held)}"] if held else says


def _has_spectral_norm(layer: nn.Module) -> bool:
    hooks = layer._forward_pre_hooks.values()
    return isinstance(layer, _SpectralNorm) or any(isinstance(hook, SpectralNorm) for hook in hooks)


def outside(module: nn.Module) -> list[str]:
    """Where a module has tensors that require gradients, or layers with weights, which it does not count as its own."""
    own = {id(part) for part in (*module.modules(), *module.parameters())}
    places = []
    for key, layer in module.named_modules():
        for attribute, value in vars(layer).items():
            parts = () if attribute.startswith("_") else _parts(value)
            if any(id(part) not in own and _would_train(part) for part in parts):
                places.append(f"{key}.{attribute}".lstrip("."))
    return places


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _parts(part)
    else:
        yield value


def _would_train(part: object) -> bool:
    if isinstance(part, nn.Module):
        return any(weight.requires_grad for weight in part.parameters())
    return isinstance(part, torch.Tensor) and part.is_leaf and part.requires_grad
