"""Networks of a user's own: a factory called anew for each seed, or a module at hand whose layers redraw themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from untrained.sims.networks.network import LAW, Latent, OneSeedError, Start
from untrained.sims.networks.preparing import check_layers, copied, in_dtype
from untrained.sims.operators.base import refuse_masked
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.random.streams import stream
from untrained.sims.user_files import USER_ERRORS, error_line, neighbours

LatentShape = str | Sequence[int]


@dataclass(frozen=True)
class FallbackLatent:
    """The input, or the shape of a normal one, that comes beside a network, for one that has none of its own."""

    latent: object = None
    shape: tuple[int, ...] | None = None

    def of(self, name: str) -> object:
        """The input, else the shape.

        Raises
        ------
        ValueError
            where there is neither.
        """
        if self.latent is None and self.shape is None:
            raise ValueError(
                f"latent shape must be given for {name}, which gives only a module, got none: it may return both"
            )
        return self.shape if self.latent is None else self.latent

    def refuse(self, name: str) -> None:
        """Refuse an input beside a network that has its own; a shape is for those networks that have none.

        Raises
        ------
        ValueError
            where there is one.
        """
        if self.latent is not None:
            raise ValueError(f"latent must be left out for {name}, which has its own, got {_kind(self.latent)}")


def start_of_factory(
    name: str, factory: Callable[[], object], fallback: FallbackLatent, path: Path | None = None
) -> Start:
    """Return what calls a factory with the generators of torch, numpy and Python seeded, beside the files of `path`.

    It returns (module, latent) or a module, whose latent is then the fallback.
    """
    beside: Callable[[], AbstractContextManager[None]] = (lambda: neighbours(path.parent)) if path else nullcontext

    def start(seed: int, restart: int = 0, law: str = LAW) -> tuple[nn.Module, torch.Tensor]:
        try:
            with isolated_rng(seed, "weights", *_numbered(restart)), beside():
                result = factory()
        except USER_ERRORS as error:
            raise ValueError(f"{name} must return without error, got {error_line(error, path)}") from error
        return _start_of_result(name, result, fallback, seed, restart)

    return start


def _numbered(restart: int) -> list[int]:
    """What a restart adds to the names of a stream: the first one adds nothing."""
    return [restart] if restart else []


def _start_of_result(
    name: str, result: object, fallback: FallbackLatent, seed: int, restart: int
) -> tuple[nn.Module, torch.Tensor]:
    module, latent = result if isinstance(result, tuple | list) and len(result) == 2 else (result, None)
    if not isinstance(module, nn.Module):
        raise ValueError(f"{name} must return (module, latent) or a module, got {_kind(result)}")
    check_layers(name, module)
    if latent is not None:
        fallback.refuse(name)
    inputs = inputs_of(name, fallback.of(name) if latent is None else latent)
    return inputs.fed(name, module), inputs.draw(seed, restart)


def start_of_module(name: str, module: nn.Module, latent: object) -> Start:
    """Return what takes a module as it is for seed 0, and for others a copy redrawn by its layers' own functions.

    Raises
    ------
    ValueError
        where the latent is neither tensors nor a shape, or a layer's weights have no shape yet.
    """
    check_layers(name, module)
    inputs = inputs_of(name, latent)

    def start(seed: int, restart: int = 0, law: str = LAW) -> tuple[nn.Module, torch.Tensor]:
        own = _redrawn(name, module, seed, restart) if seed or restart else module
        return inputs.fed(name, own), inputs.draw(seed, restart)

    return start


@dataclass(frozen=True)
class Inputs:
    """What a module is called with: z, which is one tensor or the law of one, and what else comes with it.

    `place` is that of z among the arguments: a number, or the name of a keyword; None where it is the only one.
    """

    z: torch.Tensor | Latent
    place: int | str | None = None
    arguments: tuple[object, ...] = ()
    keywords: Mapping[str, object] | None = None

    def draw(self, seed: int, restart: int) -> torch.Tensor:
        """The z of a seed and restart."""
        return self.z if isinstance(self.z, torch.Tensor) else self.z.draw(stream(seed, "latent", *_numbered(restart)))

    def fed(self, name: str, module: nn.Module) -> nn.Module:
        """The module as a function of z alone: a copy that is given the rest, where there is one."""
        if self.place is None:
            return module
        twin = copied(name, module)
        twin.register_forward_pre_hook(self.all_of_them, with_kwargs=True)
        return twin

    def all_of_them(
        self, module: nn.Module, inputs: tuple[torch.Tensor, ...], _: dict[str, Any]
    ) -> tuple[tuple[object, ...], dict[str, object]]:
        """Put z in its place among the others, which take its dtype."""
        z = inputs[0].clone()
        arguments = [z if place == self.place else _like(z, one) for place, one in enumerate(self.arguments)]
        keywords = {key: z if key == self.place else _like(z, one) for key, one in (self.keywords or {}).items()}
        return tuple(arguments), keywords


def _like(z: torch.Tensor, one: object) -> object:
    if not isinstance(one, torch.Tensor):
        return one
    moved = one.to(z.device, copy=True)
    return in_dtype(moved, z.real.dtype) if z.is_floating_point() or z.is_complex() else moved


def inputs_of(name: str, latent: object) -> Inputs:
    """Return what a latent stands for: a tensor, a shape, or several arguments, whose first floating tensor is z.

    Arguments are a tuple or list of tensors and other values, or a mapping with their names.

    Raises
    ------
    ValueError
        where it is none of these, or an array is masked or not of numbers.
    """
    if isinstance(latent, np.ndarray | torch.Tensor):
        return Inputs(_tensor(name, latent))
    if isinstance(latent, Mapping) and all(isinstance(key, str) for key in latent):
        keywords = {key: _tensor(name, one) for key, one in latent.items()}
        if (key := _first(keywords)) is not None:
            return Inputs(keywords[key], key, (), keywords)
    if isinstance(latent, Sequence) and not isinstance(latent, str):
        arguments = {place: _tensor(name, one) for place, one in enumerate(latent)}
        if (place := _first(arguments)) is not None:
            return Inputs(arguments[place], place, tuple(arguments.values()))
        if latent and all(isinstance(side, int | np.integer) for side in latent):
            return Inputs(Latent(shape_of(f"latent of {name}", latent)))
    raise ValueError(
        f"latent of {name} must be a tensor, its shape, or a tuple or dict of what its forward takes, a tensor among "
        f"it, got {_kind(latent)}"
    )


def _tensor(name: str, one: Any) -> Any:
    if isinstance(one, np.ndarray):
        refuse_masked(f"latent of {name}", one)
        if one.dtype.kind not in "biufc":
            raise ValueError(f"latent of {name} must be of numbers, got an array of {one.dtype}")
        wide: dict[str, Any] = {"f": np.float64, "c": np.complex128}
        return torch.from_numpy(np.array(one, wide.get(one.dtype.kind, one.dtype.newbyteorder("="))))
    return one.detach() if isinstance(one, torch.Tensor) else one


def _first(parts: Mapping[Any, object]) -> Any:
    """The place of the first tensor of floating-point numbers, else of the first tensor."""
    some = {place: one for place, one in parts.items() if isinstance(one, torch.Tensor)}
    floating = [place for place, one in some.items() if one.is_floating_point()]
    return next(iter(floating or some), None)


def _kind(result: object) -> str:
    if isinstance(result, tuple | list):
        return f"{type(result).__name__} of {', '.join(type(part).__name__ for part in result) or 'nothing'}"
    return type(result).__name__


def shape_of(what: str, value: LatentShape) -> tuple[int, ...]:
    """A shape from its text or its sides.

    Raises
    ------
    ValueError
        where it has no sides, or a side is no whole number of at least 1.
    """
    try:
        parts = value.split(",") if isinstance(value, str) else value
        sides = tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        sides = ()
    if not sides or min(sides) < 1:
        raise ValueError(f"{what} must be whole numbers of at least 1, such as 1,128,1,1, got {value!r}")
    return sides


def _redrawn(name: str, module: nn.Module, seed: int, restart: int) -> nn.Module:
    """A copy with every weight drawn anew by its layer's `reset_parameters`."""
    twin = copied(name, module)
    with isolated_rng(seed, "weights", *_numbered(restart)), torch.no_grad():
        for key, layer in twin.named_modules():
            own = list(layer.parameters(recurse=False))
            for weight in own:
                weight.fill_(torch.nan)
            if own:
                getattr(layer, "reset_parameters", lambda: None)()
            if any(bool(weight.isnan().any()) for weight in own):
                which = f"seed of {name} must be 0, got {seed}" if seed else f"restarts of {name} must be 1, got more"
                raise OneSeedError(f"{which}: weights of {type(layer).__name__} in {key or 'itself'} cannot be redrawn")
    return twin
