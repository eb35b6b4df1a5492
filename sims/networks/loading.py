"""Any network that is handed over: a known name, a function in a user's file, a factory, or a module at hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from torch import nn

from untrained.sims.files import behind_links
from untrained.sims.networks.factories import (
    FallbackLatent,
    LatentShape,
    shape_of,
    start_of_factory,
    start_of_module,
)
from untrained.sims.networks.generators import Option, architecture
from untrained.sims.networks.network import LAW, Network
from untrained.sims.networks.output import OutputPart
from untrained.sims.operators.base import Shape
from untrained.sims.random.streams import stream
from untrained.sims.user_files import function_in

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
    `latent`, or normal of `latent_shape` (a sequence, or text such as "1,128,1,1"); it is called anew for each seed,
    which seeds torch, numpy and Python. It may also be a class of modules, or a module. A module at hand is taken as it
    is for seed 0 and redrawn by its layers' own `reset_parameters` for others. `part` is the place or key of one of
    several outputs.

    Raises
    ------
    ValueError
        where the reference has neither form, the file is missing or fails, it has no such factory, or the latent, the
        shape or the filter is not one, or a latent comes with a network that has its own.
    """
    if isinstance(network, tuple) and len(network) == 2 and latent is None:
        network, latent = network
    if isinstance(network, Network):
        FallbackLatent(latent).refuse(network.name)
        if param_filter is None and part is None:
            return network
        part = network.part if part is None else part
        return replace(network, param_filter=param_filter or network.param_filter, part=part, point=None)
    shape = None if latent_shape is None else shape_of("latent shape", latent_shape)
    fallback = FallbackLatent(latent, shape)
    if isinstance(network, str):
        return replace(_referred(network, fallback), param_filter=param_filter, part=part)
    title = name or str(getattr(network, "__name__", type(network).__name__))
    if isinstance(network, nn.Module):
        if latent is None and shape is None:
            raise ValueError("latent must be given with a module, got none")
        return Network(title, start_of_module(title, network, fallback.of(title)), param_filter=param_filter, part=part)
    if not callable(network):
        raise ValueError(f"network must be a module, a factory or a reference to one, got {type(network).__name__}")
    return Network(title, start_of_factory(title, network, fallback), param_filter=param_filter, part=part)


def _referred(reference: str, fallback: FallbackLatent) -> Network:
    network = by_name(reference)
    if network is not None:
        fallback.refuse(reference)
        return network
    path, factory = _place(reference)
    name = f"{path.name}:{factory}"
    maker = function_in(path, factory, "network")
    if isinstance(maker, nn.Module):
        return Network(name, start_of_module(name, maker, fallback.of(name)))
    return Network(name, start_of_factory(name, maker, fallback, path))


def _place(reference: str) -> tuple[Path, str]:
    """Split `FILE.py:FACTORY`."""
    where, _, factory = reference.rpartition(":")
    if not where or not factory.isidentifier():
        raise ValueError(f"network must be FILE.py:FACTORY or one of {', '.join(KNOWN_NETWORKS)}, got {reference!r}")
    path = behind_links(where)
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(f"network must come from a Python file that exists, got {where}")
    return path, factory


@dataclass(frozen=True)
class _Preset:
    """A network and the shape of its images; `fixed` where the name stands for that shape only."""

    network: str
    shape: Shape
    fixed: bool = False


_PRESETS = {
    "dcgan-mnist": _Preset("dcgan", (1, 28, 28), fixed=True),
    "dcgan-xray": _Preset("dcgan", (1, 256, 256), fixed=True),
    "dcgan-retina": _Preset("dcgan", (3, 128, 128), fixed=True),
    "dcgan": _Preset("dcgan", (1, 28, 28)),
    "decoder": _Preset("decoder", (1, 28, 28)),
    "deep-decoder": _Preset("deep-decoder", (1, 28, 28)),
    "skip-unet": _Preset("skip-unet", (1, 28, 28)),
    "pixelwise": _Preset("pixelwise", (1, 28, 28)),
    "conv-decoder": _Preset("conv-decoder", (1, 28, 28)),
    "conv-generator": _Preset("conv-generator", (1, 28, 28)),
}
_TWO_LAYER = "two-layer"
KNOWN_NETWORKS = (*_PRESETS, _TWO_LAYER)
_SIZES = {"n": 64, "d": 640, "k": 32}


def by_name(reference: str, shape: Shape | None = None, **options: Option) -> Network | None:
    """Return the network that a name stands for, or None where the name is not known.

    After the name and an `@` may come a shape and options: `deep-decoder@64x64`, `decoder@3x32x32,width=8`,
    `two-layer@n=64,d=640,k=32`. Without a shape the images are of `shape`, by default that of MNIST.

    Raises
    ------
    ValueError
        where a shape or option is unknown or out of range.
    """
    name, _, rest = reference.partition("@")
    if name not in KNOWN_NETWORKS:
        return None
    explicit, more = _parsed(reference, rest)
    options = {**options, **more}
    if name == _TWO_LAYER:
        return _two_layer(reference, explicit, options)
    preset = _PRESETS[name]
    if explicit is not None and preset.fixed:
        raise ValueError(f"{name} must be taken without a shape, got {rest!r}: {preset.network} takes one")
    image = preset.shape if preset.fixed else explicit or shape or preset.shape
    return replace(architecture(preset.network, image, **options), name=reference)


def _parsed(reference: str, rest: str) -> tuple[Shape | None, dict[str, Option]]:
    shape: Shape | None = None
    options: dict[str, Option] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if equals:
            options[key] = _value(value)
        elif re.fullmatch(r"(\d+x)?\d+x\d+", part) and shape is None:
            sides = [int(side) for side in part.split("x")]
            shape = (sides[0] if len(sides) == 3 else 1, sides[-2], sides[-1])
        else:
            raise ValueError(f"after @ must come HxW, CxHxW or OPTION=VALUE, got {part!r} in {reference!r}")
    return shape, options


def _value(text: str) -> Option:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _two_layer(reference: str, shape: Shape | None, options: dict[str, Option]) -> Network:
    sizes = _SIZES | options
    wrong = [f"{key}={value}" for key, value in sizes.items() if key not in _SIZES or not _is_count(value)]
    if shape is not None or wrong:
        got = wrong[0] if wrong else "a shape"
        raise ValueError(f"options of {_TWO_LAYER} must be n, d and k, whole numbers of at least 1, got {got}")
    n, d, k = (int(sizes[key]) for key in _SIZES)

    def start(seed: int, restart: int = 0, law: str = LAW) -> tuple[nn.Module, torch.Tensor]:
        return two_layer(n, d, k, seed, *([restart] if restart else []))

    return Network(reference, start)


def _is_count(value: Option) -> bool:
    return isinstance(value, int) and value >= 1


def two_layer(n: int, d: int, k: int, seed: int, *more: int) -> tuple[nn.Module, torch.Tensor]:
    """Return V ReLU(W z) in float64, of which W (d, k) trains, with its z (1, k).

    z and W have standard normal entries, V (n, d) those of variance ||y||^2/(d n ||z||^2), for ||y||^2 = n: pixels of
    size 1. `more` numbers a restart.

    Source: vanveen18 Theorem 4.1
    """
    z = stream(seed, "latent", *more).standard_normal((1, k))
    W = stream(seed, "weights", *more).standard_normal((d, k))
    V = stream(seed, "V", *more).standard_normal((n, d)) / (sqrt(d) * np.linalg.norm(z))
    layers = [nn.utils.skip_init(nn.Linear, *size, bias=False, dtype=torch.float64) for size in ((k, d), (d, n))]
    with torch.no_grad():
        for layer, weight in zip(layers, (W, V), strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
    layers[1].weight.requires_grad_(False)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1]), torch.from_numpy(z)
