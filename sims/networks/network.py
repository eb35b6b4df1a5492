"""A network to be examined: any module and its input, made safe to differentiate, as a function of its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt

import torch
from torch import nn

from untrained.sims.networks.preparing import copied, prepared
from untrained.sims.networks.probe import first_tensor, probe

_COLOURS = 4
"""An axis of so many entries at most holds colours."""


@dataclass(frozen=True)
class Network:
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
        """The output seen as an image (C, H, W): its sides of one entry left out, a square unfolded, else one row.

        Colours may come first or last, also of pixels in one long row, as coordinate networks give them.
        """
        match [side for side in self.shape if side > 1]:
            case [c, h, w] if c <= _COLOURS:
                return (c, h, w)
            case [h, w, c] if c <= _COLOURS:
                return (c, h, w)
            case [pixels, c] if _colours_last((pixels, c)):
                return (c, isqrt(pixels), isqrt(pixels))
            case [h, w]:
                return (1, h, w)
            case [pixels] if isqrt(pixels) ** 2 == pixels:
                return (1, isqrt(pixels), isqrt(pixels))
        return (1, 1, self.n)

    def parameter(self, name: str) -> torch.Tensor:
        """One of the weights."""
        return self.module.get_parameter(name)

    def vector(self) -> torch.Tensor:
        """The weights that train as one vector (count,), in the order of `weights`."""
        return torch.cat([self.parameter(name).detach().flatten() for name in self.weights])

    def moved(self, step: torch.Tensor) -> Network:
        """The same network with `step` (count,) added to its weights.

        Raises
        ------
        ValueError
            where the step is not one number for each weight that trains.
        """
        if step.shape != (self.count,):
            raise ValueError(f"step must have shape ({self.count},), got {tuple(step.shape)}")
        module = copied(self.name, self.module)
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
    """Return an output as a vector, channel by channel: a tensor, or the first one in a tuple, list or mapping.

    Raises
    ------
    ValueError
        where there is no tensor of floating-point numbers in it.
    """
    found = first_tensor(output)
    sides = tuple(side for side in found.shape if side > 1)
    return (found.reshape(sides).movedim(-1, 0) if _colours_last(sides) else found).reshape(-1)


def _colours_last(sides: tuple[int, ...]) -> bool:
    """Whether an output with these sides, each above 1, is (H, W, C) or (pixels of a square, C)."""
    match sides:
        case (first, _, last):
            return last <= _COLOURS < first
        case (pixels, last):
            return last <= _COLOURS < isqrt(pixels) and isqrt(pixels) ** 2 == pixels
    return False


def make_network(
    name: str,
    module: nn.Module,
    z: torch.Tensor,
    *,
    trains: Callable[[str], bool] = lambda _: True,
    dtype: torch.dtype = torch.float64,
) -> Network:
    """Make a network of a module and its input: a copy in one dtype whose output depends on nothing but its weights.

    The module's device is kept and z moved there; whole numbers in z stay whole, for embeddings.

    Raises
    ------
    ValueError
        where the network has no weights that train, does not run, draws random numbers, computes in less than the
        dtype, gives no tensor of finite numbers, or gives what its weights do not change.
    """
    made = prepared(name, module, dtype)
    weights = tuple(key for key, weight in made.named_parameters() if weight.requires_grad and trains(key))
    if not weights:
        raise ValueError(f"{name} must have weights that train, got none")
    for key, weight in made.named_parameters():
        weight.requires_grad_(key in weights)
    given = _input(name, z, dtype, made.get_parameter(weights[0]).device)
    made.register_forward_pre_hook(own_input)
    return Network(name, made, given, weights, tuple(probe(name, module, made, given, weights).shape))


def _input(name: str, z: torch.Tensor, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    given = z.detach().to(device=device, dtype=dtype if z.is_floating_point() else None, copy=True)
    if not torch.isfinite(given).all():
        raise ValueError(f"latent of {name} must be finite, got a NaN or an infinity")
    return given


def own_input(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """What a forward may overwrite as it likes."""
    return tuple(part.clone() for part in inputs)
