"""Any network that is handed over: a function in a user's file, a known name, a factory, or a module at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from untrained.sims.networks.factories import (
    LatentShape,
    checked_latent,
    shape_of,
    start_of_factory,
    start_of_module,
)
from untrained.sims.networks.named import NETWORK_NAMES, by_name
from untrained.sims.networks.network import Network
from untrained.sims.networks.output import OutputPart
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.user_files import error_line, neighbours, run_file

NetworkLike = str | nn.Module | tuple[nn.Module, object] | Callable[[], object] | Network
"""A reference, a module, (module, latent), a factory, or a network as it is."""


def as_network(
    network: NetworkLike, latent: object = None, *, name: str | None = None, latent_shape: LatentShape | None = None,
    param_filter: str | None = None, part: OutputPart = None,
) -> Network:  # fmt: skip
    """Return the network that a user hands over; a file is run, now.

    `network` is a module with its input `latent`, both as a tuple, a factory, a known name such as `dcgan-mnist`, or
    `FILE.py:FACTORY`. A latent is a tensor, the shape of a normal one, or a tuple or dict of all that the module's
    forward takes. FACTORY takes no arguments and returns (module, latent) or a module alone, whose latent is then
    normal of `latent_shape` (a sequence, or text such as "1,128,1,1"); it is called anew for each seed, which seeds
    torch, numpy and Python. It may also be a class of modules, or a module. A module at hand is taken as it is for seed
    0 and redrawn by its layers' own `reset_parameters` for others.

    Raises
    ------
    ValueError
        where the reference has neither form, the file is missing or fails, it has no such factory, or the latent, the
        shape or the filter is not one.
    """
    if isinstance(network, tuple) and len(network) == 2 and latent is None:
        network, latent = network
    if isinstance(network, Network):
        return network
    shape = None if latent_shape is None else shape_of("latent shape", latent_shape)
    if isinstance(network, str):
        return replace(_referred(network, shape), param_filter=param_filter, part=part)
    title = name or str(getattr(network, "__name__", type(network).__name__))
    if isinstance(network, nn.Module):
        if latent is None and shape is None:
            raise ValueError("latent must be given with a module, got none")
        start = start_of_module(title, network, shape if latent is None else latent)
        return Network(title, start, param_filter=param_filter, part=part)
    if not callable(network):
        raise ValueError(f"network must be a module, a factory or a reference to one, got {type(network).__name__}")
    return Network(title, start_of_factory(title, network, shape), param_filter=param_filter, part=part)


def _referred(reference: str, shape: tuple[int, ...] | None) -> Network:
    network = by_name(reference)
    if network is not None:
        return network
    path, factory = _place(reference)
    name = f"{path.name}:{factory}"
    maker = _factory_in(path, factory)
    if isinstance(maker, nn.Module):
        return Network(name, start_of_module(name, maker, checked_latent(name, shape)))
    return Network(name, start_of_factory(name, maker, shape, path))


def _place(reference: str) -> tuple[Path, str]:
    """Split `FILE.py:FACTORY`."""
    where, _, factory = reference.rpartition(":")
    if not where or not factory.isidentifier():
        raise ValueError(f"network must be FILE.py:FACTORY or one of {', '.join(NETWORK_NAMES)}, got {reference!r}")
    path = Path(where).resolve()
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(f"network must come from a Python file that exists, got {where}")
    return path, factory


def _factory_in(path: Path, factory: str) -> Any:
    """What a user's file calls FACTORY, after running it."""
    try:
        with isolated_rng(0, "file"), neighbours(path.parent):
            module = run_file(path, "network")
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path.name} must run without error, got {error_line(error, path)}") from error
    maker = getattr(module, factory, None)
    if not callable(maker):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        has = ", ".join(own) or "none"
        raise ValueError(f"factory must be a function in {path.name} (which has {has}), got {factory!r}")
    return maker
