"""A network to be examined: any module and its input, made safe to differentiate, as a function of its weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt

import torch
from torch import nn

_RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


@dataclass(frozen=True)
class Subject:
    """A module with its input z and the weights that train, by name; `shape` is that of the output.

    The module is a copy, in training mode, in one dtype, without running statistics and without in-place layers.
    """

    name: str
    module: nn.Module
    z: torch.Tensor
    weights: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def n(self) -> int:
        """Entries of the output."""
        return int(torch.Size(self.shape).numel())

    @property
    def count(self) -> int:
        """Weights that train."""
        return sum(self.parameter(name).numel() for name in self.weights)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The output seen as an image (C, H, W): its sides of one entry left out, a square unfolded, else one row."""
        sides = [side for side in self.shape if side > 1]
        match sides:
            case [h, w]:
                return (1, h, w)
            case [c, h, w] if c <= 4:
                return (c, h, w)
            case [*_, last] if isqrt(self.n) ** 2 == self.n and len(sides) == 1:
                return (1, isqrt(last), isqrt(last))
        return (1, 1, self.n)

    def parameter(self, name: str) -> torch.Tensor:
        """One of the weights."""
        return self.module.get_parameter(name)

    def vector(self) -> torch.Tensor:
        """The weights that train as one vector (count,), in the order of `weights`."""
        return torch.cat([self.parameter(name).detach().flatten() for name in self.weights])

    def moved(self, step: torch.Tensor) -> Subject:
        """The same network with `step` (count,) added to its weights.

        Raises
        ------
        ValueError
            where the step is not one number for each weight that trains.
        """
        if step.shape != (self.count,):
            raise ValueError(f"step must have shape ({self.count},), got {tuple(step.shape)}")
        module = copy.deepcopy(self.module)
        parts = step.split([self.parameter(name).numel() for name in self.weights])
        with torch.no_grad():
            for name, part in zip(self.weights, parts, strict=True):
                weight = module.get_parameter(name)
                weight.add_(part.to(weight).view_as(weight))
        return replace(self, module=module)

    def output(self) -> torch.Tensor:
        """The output as one vector (n,), attached to the weights."""
        return flat(self.module(self.z))


def flat(output: object) -> torch.Tensor:
    """Return an output as a vector: a tensor, or the only or first tensor of a tuple, list or mapping.

    Raises
    ------
    ValueError
        where there is no floating tensor in it.
    """
    if isinstance(output, dict):
        output = next(iter(output.values()), None)
    if isinstance(output, tuple | list):
        output = output[0] if output else None
    if not isinstance(output, torch.Tensor) or not output.is_floating_point():
        raise ValueError(
            f"output of the network must be a tensor of floating-point numbers, got {type(output).__name__}"
        )
    return output.reshape(-1)


def subject(
    name: str,
    module: nn.Module,
    z: torch.Tensor,
    *,
    trains: Callable[[str], bool] = lambda _: True,
    dtype: torch.dtype = torch.float64,
) -> Subject:
    """Make a subject of a module and its input: a copy in one dtype whose output depends on nothing but its weights.

    Raises
    ------
    ValueError
        where the network draws random numbers, has no weights that train, gives no tensor of finite numbers, or gives
        what its weights do not change.
    """
    made = _prepared(module).to(dtype)
    weights = tuple(key for key, weight in made.named_parameters() if weight.requires_grad and trains(key))
    for key, weight in made.named_parameters():
        weight.requires_grad_(key in weights)
    if not weights:
        raise ValueError(f"{name} must have weights that train, got none")
    with torch.no_grad():
        first, again = (made(z.to(dtype)) for _ in range(2))
    y = flat(first)
    _check_output(name, y, flat(again))
    found = Subject(name, made, z.to(dtype), weights, _shape(first))
    if not found.output().requires_grad:
        raise ValueError(f"output of {name} must depend on its weights, got one that does not")
    return found


def _check_output(name: str, y: torch.Tensor, again: torch.Tensor) -> None:
    if not torch.isfinite(y).all():
        raise ValueError(f"output of {name} must be finite, got a NaN or an infinity")
    if not torch.equal(y, again):
        raise ValueError(f"output of {name} must be the same each time, got one that depends on random numbers")


def _shape(output: object) -> tuple[int, ...]:
    if isinstance(output, dict):
        output = next(iter(output.values()))
    if isinstance(output, tuple | list):
        output = output[0]
    assert isinstance(output, torch.Tensor)
    return tuple(output.shape)


def _prepared(module: nn.Module) -> nn.Module:
    """A copy in training mode, whose norms keep no running statistics and whose layers overwrite nothing."""
    made = copy.deepcopy(module).train()
    for key, layer in made.named_modules():
        if isinstance(layer, _RANDOM) and layer.p > 0:
            kind = type(layer).__name__
            raise ValueError(
                f"network must not draw random numbers, got {kind} in {key or 'itself'}: remove it or set p = 0"
            )
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
        if getattr(layer, "inplace", False) is True:
            layer.inplace = False
    return made
