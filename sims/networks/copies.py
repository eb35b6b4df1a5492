"""Copies of one network that are fitted side by side, each with weights and an input of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn
from torch.func import functional_call

from untrained.sims.networks.batched import Batched, Weights, stacked
from untrained.sims.networks.instance import input_of, twin_of
from untrained.sims.networks.network import Network
from untrained.sims.networks.output import output_image, tensor_of
from untrained.sims.operators.base import Shape


class Copies(Protocol):
    """B copies: `weights` holds (B, ...) tensors by name, `z` (B, ...) their inputs; calling it maps z to images."""

    weights: Weights
    z: torch.Tensor

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Run each copy on its own input: images (B, C, H, W)."""
        ...

    def alone(self, index: int, z: torch.Tensor) -> torch.Tensor:
        """Run one copy on its input (1, ...); its gradients are added to those of all."""
        ...

    def copy_of(self, index: int) -> Weights:
        """Return the weights of one copy."""
        ...


class _Generated(Batched):
    """Copies of a named generator, whose images need no turning."""

    def __init__(self, modules: Sequence[nn.Module], z: torch.Tensor, device: torch.device | str) -> None:
        super().__init__(modules, device)
        self.z = z.to(device)


class _OneByOne:
    """Copies of any module, run one after the other."""

    def __init__(self, network: Network, image: Shape, modules: Sequence[nn.Module], z: torch.Tensor) -> None:
        self.network, self.image, self.z, self._module = network, image, z, modules[0]
        self.weights = stacked([dict(module.named_parameters()) for module in modules])
        for name, weight in modules[0].named_parameters():
            self.weights[name].requires_grad_(weight.requires_grad)
        self._buffers = stacked([dict(module.named_buffers()) for module in modules])

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.alone(i, one[None]) for i, one in enumerate(z)])

    def alone(self, index: int, z: torch.Tensor) -> torch.Tensor:
        """Run one copy on its input (1, ...); its gradients are added to those of all."""
        output = functional_call(self._module, self._tensors(index), (z[0].clone(),))
        return _images(self.network, [tensor_of(output, self.network.part)], self.image)

    def _tensors(self, index: int) -> Weights:
        return {name: tensor[index] for name, tensor in (self.weights | self._buffers).items()}

    def copy_of(self, index: int) -> Weights:
        """Return the weights of one copy."""
        return {name: weight[index].detach().clone() for name, weight in self.weights.items()}


class _Together(_OneByOne):
    """Copies of a module that takes batches, run as one program."""

    def __init__(self, network: Network, image: Shape, modules: Sequence[nn.Module], z: torch.Tensor) -> None:
        super().__init__(network, image, modules, z)
        self._batched = Batched(modules, z.device)
        self.weights = self._batched.weights

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        return _images(self.network, list(self._batched(z.squeeze(1))), self.image)


def _images(network: Network, outputs: Sequence[torch.Tensor], image: Shape) -> torch.Tensor:
    images = [output_image(output, image) for output in outputs]
    if any(one is None for one in images):
        raise _no_image(image, tuple(outputs[0].shape))
    return torch.stack([one for one in images if one is not None])


def _no_image(image: Shape, shape: tuple[int, ...]) -> ValueError:
    return ValueError(f"network must give images of the operator's shape {image}, got an output of shape {shape}")


def check_image(network: Network, image: Shape) -> None:
    """Refuse a network whose output is no image (C, H, W).

    Raises
    ------
    ValueError
        where it is none, or the network cannot be run.
    """
    shape = network.image or network.shape
    if network.image not in (None, image) or output_image(torch.empty(shape, device="meta"), image) is None:
        raise _no_image(image, shape)


def copies_of(
    network: Network, image: Shape, starts: Sequence[tuple[int, int]], law: str, device: torch.device | str
) -> Copies:
    """Return copies of a network from (seed, restart) each, as one program where that gives the same images.

    Raises
    ------
    ValueError
        where the network cannot be fitted, its output is no image of that shape, or a restart gives the same network.
    """
    pairs = [network.start(seed, restart, law) for seed, restart in starts]
    if network.build is not None and network.param_filter is None:
        return _Generated([module for module, _ in pairs], torch.cat([z for _, z in pairs]), device)
    modules = [twin_of(network.name, module, torch.float32, network.param_filter)[0] for module, _ in pairs]
    for module in modules:
        module.to(device)
    zs = [input_of(network.name, z, torch.float32, torch.device(device)) for _, z in pairs]
    alone = _OneByOne(network, image, modules, torch.stack(zs))
    _check_restarts(network, starts, alone)
    return _joined(alone, modules)


def _check_restarts(network: Network, starts: Sequence[tuple[int, int]], copies: _OneByOne) -> None:
    """Refuse restarts that start from the same weights and input: they would all end at the same image."""
    if len(starts) < 2 or starts[0][0] != starts[1][0]:
        return
    parts = (*copies.weights.values(), copies.z)
    if all(torch.equal(part[0], part[1]) for part in parts):
        raise ValueError(
            f"restarts must be 1 for {network.name}, which starts from the same weights each time, got more"
        )


def _joined(alone: _OneByOne, modules: Sequence[nn.Module]) -> _OneByOne:
    """The copies as one program, where the module takes batches and gives the same images so; else one by one."""
    reference = alone(alone.z).detach()
    if alone.z.ndim < 2 or alone.z.shape[1] != 1:
        return alone
    try:
        together = _Together(alone.network, alone.image, modules, alone.z)
        images = together(alone.z).detach()
    except Exception:  # what cannot run as one program says so in many ways; alone, it has just run
        return alone
    return together if torch.allclose(images, reference, rtol=1e-4, atol=1e-5) else alone
