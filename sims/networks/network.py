"""A network: where it comes from, what it gives, and its output at the weights of one seed as a function of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from untrained.sims.networks.instance import Instance, compiled_filter, instance
from untrained.sims.networks.output import OutputPart, flat, image_shape
from untrained.sims.networks.preparing import copied
from untrained.sims.networks.probe import run_module
from untrained.sims.operators.base import Shape

if TYPE_CHECKING:
    from untrained.sims.networks.copies import Copies
    from untrained.sims.networks.forecast import NetworkSize
    from untrained.sims.ntk.jacobian import Jacobian

LAW = "torch-0.4.1"
"""The initial law of the networks known by name."""


class OneSeedError(ValueError):
    """There is only one network, that of seed 0."""


class Start(Protocol):
    """Gives a module and its input for a seed, a restart, and a law of initial weights where those are ours to draw."""

    def __call__(self, seed: int, restart: int = 0, law: str = LAW) -> tuple[nn.Module, torch.Tensor]:
        """Make the module and its input."""
        ...


@dataclass(frozen=True)
class Latent:
    """The law of an input z: its shape, "normal" or "uniform" on [0, 1], and a factor."""

    shape: tuple[int, ...]
    law: str = "normal"
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.law not in ("normal", "uniform"):
            raise ValueError(f"law of a latent must be normal or uniform, got {self.law!r}")

    def draw(self, rng: np.random.Generator) -> torch.Tensor:
        """One input, in float64.

        Raises
        ------
        ValueError
            where it does not fit into memory.
        """
        draw = rng.random if self.law == "uniform" else rng.standard_normal
        try:
            return torch.from_numpy(self.scale * draw(self.shape))
        except (MemoryError, ValueError) as error:  # the latter beyond what an array can count
            raise ValueError(f"latent must fit into memory, got one of shape {self.shape}") from error


@dataclass(frozen=True, eq=False)
class Network:
    """A network, of which there is one for each seed; this is the one of `seed`, in `dtype`, made when first needed.

    `start(seed)` gives a module and its input. Weights train whose names the regular expression `param_filter` is found
    in; `part` says which of several outputs counts. Of a generator known by name, `build()` gives the module before its
    weights are drawn, `latent` the law of z, and `image` the shape of its images. `point` holds the module and its
    weights where they are not those that the seed gives.
    """

    name: str
    start: Start
    build: Callable[[], nn.Module] | None = None
    latent: Latent | None = None
    image: Shape | None = None
    seed: int = 0
    dtype: torch.dtype = torch.float64
    param_filter: str | None = None
    part: OutputPart = None
    point: Instance | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.param_filter is not None:
            compiled_filter(self.param_filter)

    def draw(self, seed: int, dtype: torch.dtype = torch.float64) -> Network:
        """Return the network with the weights and, where none was given, the latent of this seed.

        Raises
        ------
        ValueError
            where the seed is below 0, there is only the one network of seed 0, it cannot be made, the filter leaves no
            weights, or it cannot be examined: it draws random numbers, computes in less than the dtype, gives no tensor
            of finite numbers, or gives what its weights do not change or what cannot be differentiated by them.
        """
        if seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}")
        module, z = self.start(seed)
        if seed and not self.seeds_possible:
            raise OneSeedError(f"seed of {self.name} must be 0, got {seed}: it gives the same weights each time")
        return replace(self, seed=seed, dtype=dtype, point=self._prepared(module, z, dtype))

    @cached_property
    def seeds_possible(self) -> bool:
        """Whether other seeds give other networks: not where a factory seeds itself or a module cannot be redrawn."""
        try:
            first, second = self.start(0), self.start(1)
        except OneSeedError:
            return False
        one, other = _numbers(*first), _numbers(*second)
        return len(one) != len(other) or any(not torch.equal(a, b) for a, b in zip(one, other, strict=True))

    @cached_property
    def _instance(self) -> Instance:
        return self.point or self._prepared(*self.start(self.seed), self.dtype)

    def _prepared(self, module: nn.Module, z: torch.Tensor, dtype: torch.dtype) -> Instance:
        return instance(self.name, module, z, dtype, self.param_filter, self.part)

    @property
    def module(self) -> nn.Module:
        """The module, a copy in `dtype`."""
        return self._instance.module

    @property
    def z(self) -> torch.Tensor:
        """Its input."""
        return self._instance.z

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights that train."""
        return self._instance.weights

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output."""
        return self._instance.shape

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted, each in plain words: the mode it runs in, the output that was taken."""
        return self._instance.notes

    @property
    def image_shape(self) -> Shape:
        """The output seen as an image (C, H, W)."""
        return self.image or image_shape(self.shape)

    @property
    def n(self) -> int:
        """Entries of the output."""
        return prod(self.shape)

    @property
    def count(self) -> int:
        """Weights that train."""
        return sum(self.parameter(name).numel() for name in self.weights)

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
        return replace(self, point=replace(self._instance, module=module))

    def output(self) -> torch.Tensor:
        """The output as one vector (n,), channel by channel, attached to the weights."""
        y = flat(run_module(self.module, self.z), self.part)
        return y if torch.is_grad_enabled() else y.detach()

    def output_at(self, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The output at other weights, by name; those that are left out are its own."""
        with sdpa_kernel(SDPBackend.MATH):
            return flat(functional_call(self.module, dict(weights), (self.z,)), self.part)

    def copies(
        self, image: Shape, starts: Sequence[tuple[int, int]], law: str = LAW, device: torch.device | str = "cpu"
    ) -> Copies:
        """Copies that give images (C, H, W) and start from these (seed, restart) each, in single precision.

        Raises
        ------
        ValueError
            as `draw` does, where the output is no such image, or a restart gives the same network.
        """
        from untrained.sims.networks.copies import copies_of

        return copies_of(self, image, starts, law, device)

    @cached_property
    def size(self) -> NetworkSize:
        """Its weights, the numbers in all layers' outputs, and the multiply-adds of one run."""
        from untrained.sims.networks.forecast import size_of

        return size_of(self)

    def jacobian(self) -> Jacobian:
        """The Jacobian J (n, count) of the output by the weights, for products J v and J^T u."""
        from untrained.sims.ntk.jacobian import Jacobian

        return Jacobian(self)


def _numbers(module: nn.Module, z: torch.Tensor) -> Sequence[torch.Tensor]:
    return [z, *(weight.detach() for weight in module.parameters())]
