"""Where a network to be examined comes from: a function in a user's file, a known name, or a module at hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from untrained.sims.networks.factories import (
    LatentShape,
    OneSeedError,
    called,
    found_in,
    latent_of,
    needed,
    place,
    redrawn,
    shape_of,
    unpacked,
)
from untrained.sims.networks.named import Drawn, by_name
from untrained.sims.networks.network import Network, make_network


@dataclass(frozen=True)
class Source:
    """A network of which there is one for each seed; `name` is what it is called in reports.

    `make(seed)` gives the module and its z; `filter` is a regular expression, found in the names of weights that train.
    """

    name: str
    make: Callable[[int], Drawn]
    filter: str | None = None

    def __post_init__(self) -> None:
        if self.filter is not None:
            _compiled(self.filter)

    @cached_property
    def seeds_possible(self) -> bool:
        """Whether other seeds give other networks: not where a factory seeds itself or a module cannot be redrawn."""
        try:
            first, second = self.make(0), self.make(1)
        except OneSeedError:
            return False
        return any(not torch.equal(a, b) for a, b in zip(_numbers(*first), _numbers(*second), strict=True))

    def draw(self, seed: int, dtype: torch.dtype = torch.float64) -> Network:
        """Make the network with the weights and, where none was given, the latent of this seed.

        Raises
        ------
        ValueError
            where the seed is below 0, there is only the one network of seed 0, the factory fails or returns something
            else, the filter leaves no weights, or the network cannot be examined (see `make_network`).
        """
        if seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}")
        module, z = self.make(seed)
        if seed and not self.seeds_possible:
            raise OneSeedError(f"seed of {self.name} must be 0, got {seed}: it gives the same weights each time")
        return make_network(self.name, module, z, trains=self._trains(module), dtype=dtype)

    @classmethod
    def of_module(
        cls,
        module: nn.Module,
        z: torch.Tensor | np.ndarray | Sequence[int],
        *,
        name: str | None = None,
        param_filter: str | None = None,
    ) -> Source:
        """Take a module as it is for seed 0, and for others a copy redrawn by its layers' own `reset_parameters`.

        z is the latent or its shape. Layers redraw by torch's laws, whatever the module's weights were drawn by.

        Raises
        ------
        ValueError
            where z is neither, or the filter is no regular expression.
        """
        title = name or type(module).__name__
        latent = latent_of(title, z)

        def make(seed: int) -> Drawn:
            return (redrawn(title, module, seed) if seed else module), latent(seed)

        return cls(title, make, param_filter)

    def _trains(self, module: nn.Module) -> Callable[[str], bool]:
        if self.filter is None:
            return lambda _: True
        pattern = _compiled(self.filter)
        names = [name for name, weight in module.named_parameters() if weight.requires_grad]
        if names and not any(map(pattern.search, names)):
            shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
            raise ValueError(f"param filter must match a weight of {self.name} ({shown}), got {self.filter!r}")
        return lambda name: pattern.search(name) is not None


def load(reference: str, *, latent_shape: LatentShape | None = None, param_filter: str | None = None) -> Source:
    """Return the network that `FILE.py:FACTORY` or a known name stands for. The file is run, now.

    FACTORY takes no arguments and returns (module, z), z a tensor or the shape of a normal one, or a module alone,
    whose z is then normal of `latent_shape` (a sequence, or text such as "1,128,1,1"; elsewhere it is not needed). It
    is called anew for each seed, which seeds torch, numpy and Python. It may also be a class of modules, or a module.

    Raises
    ------
    ValueError
        where the reference has neither form, the file is missing or fails, it has no such factory, or the shape or
        filter is not one.
    """
    shape = None if latent_shape is None else shape_of("latent shape", latent_shape)
    make = by_name(reference)
    if make is not None:
        return Source(reference, make, param_filter)
    path, factory = place(reference)
    name = f"{path.name}:{factory}"
    found = found_in(path, factory)
    if isinstance(found, nn.Module):
        return Source.of_module(found, needed(name, shape), name=name, param_filter=param_filter)

    def call(seed: int) -> Drawn:
        return unpacked(name, called(name, path, found, seed), shape, seed)

    return Source(name, call, param_filter)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"param filter must be a regular expression, got {pattern!r}: {error}") from error


def _numbers(module: nn.Module, z: torch.Tensor) -> list[torch.Tensor]:
    return [z, *(weight.detach() for weight in module.parameters())]
