"""A user's factory: found in a file, called with a seed, and what it returns taken for a module and its latent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from untrained.sims.networks.named import NAMES, Drawn
from untrained.sims.networks.preparing import copied
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.random.streams import stream
from untrained.sims.user_files import described, neighbours, run_file

LatentShape = str | Sequence[int]


class OneSeedError(ValueError):
    """There is only one network, that of seed 0."""


def place(reference: str) -> tuple[Path, str]:
    """Split `FILE.py:FACTORY`.

    Raises
    ------
    ValueError
        where it is not of this form or there is no such file.
    """
    where, _, factory = reference.rpartition(":")
    if not where or not factory.isidentifier():
        raise ValueError(f"network must be FILE.py:FACTORY or one of {', '.join(NAMES)}, got {reference!r}")
    path = Path(where).resolve()
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(f"network must come from a Python file that exists, got {where}")
    return path, factory


def found_in(path: Path, factory: str) -> Any:
    """What a user's file calls FACTORY, after running it.

    Raises
    ------
    ValueError
        where the file fails, or has nothing of that name that can be called.
    """
    try:
        with isolated_rng(0, "file"), neighbours(path.parent):
            module = run_file(path, "network")
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path.name} must run without error, got {described(error, path)}") from error
    found = getattr(module, factory, None)
    if not callable(found):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        has = ", ".join(own) or "none"
        raise ValueError(f"factory must be a function in {path.name} (which has {has}), got {factory!r}")
    return found


def called(name: str, path: Path, factory: Callable[[], object], seed: int) -> object:
    """What a factory returns for a seed.

    Raises
    ------
    ValueError
        where it fails.
    """
    try:
        with isolated_rng(seed, "weights"), neighbours(path.parent):
            return factory()
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name} must return without error, got {described(error, path)}") from error


def unpacked(name: str, result: object, shape: tuple[int, ...] | None, seed: int) -> Drawn:
    """The module and the latent in what a factory returned; the latent is normal of `shape` where none came.

    Raises
    ------
    ValueError
        where there is no module, or no latent and no shape for one.
    """
    module, given = result if isinstance(result, tuple | list) and len(result) == 2 else (result, None)
    if not isinstance(module, nn.Module):
        raise ValueError(f"{name} must return (module, latent) or a module, got {_kind(result)}")
    return module, latent_of(name, needed(name, shape) if given is None else given)(seed)


def _kind(result: object) -> str:
    if isinstance(result, tuple | list):
        return f"{type(result).__name__} of {', '.join(type(part).__name__ for part in result) or 'nothing'}"
    return type(result).__name__


def needed(name: str, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape, which must be there.

    Raises
    ------
    ValueError
        where it is not.
    """
    if shape is None:
        raise ValueError(f"latent shape must be given for {name}, which gives only a module, got none")
    return shape


def latent_of(name: str, given: object) -> Callable[[int], torch.Tensor]:
    """What gives z for a seed: always the same tensor, or a normal one of the shape given.

    Raises
    ------
    ValueError
        where neither a tensor nor a shape is given.
    """
    if isinstance(given, np.ndarray):
        given = torch.from_numpy(given)
    if isinstance(given, torch.Tensor):
        z = given.detach()
        return lambda _: z
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(n, int) for n in given):
        raise ValueError(f"latent of {name} must be one tensor or its shape, got {_kind(given)}")
    shape = shape_of(f"latent of {name}", given)
    return lambda seed: torch.from_numpy(stream(seed, "latent").standard_normal(shape))


def shape_of(what: str, given: LatentShape) -> tuple[int, ...]:
    """A shape from its text or its sides.

    Raises
    ------
    ValueError
        where it has no sides, or a side is no whole number of at least 1.
    """
    try:
        parts = given.split(",") if isinstance(given, str) else given
        sides = tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        sides = ()
    if not sides or min(sides) < 1:
        raise ValueError(f"{what} must be whole numbers of at least 1, such as 1,128,1,1, got {given!r}")
    return sides


def redrawn(name: str, module: nn.Module, seed: int) -> nn.Module:
    """A copy with every weight drawn anew by its layer's `reset_parameters`.

    Raises
    ------
    ValueError
        where a layer with weights has no such function, or it leaves some weights as they are.
    """
    made = copied(name, module)
    with isolated_rng(seed, "weights"), torch.no_grad():
        for key, layer in made.named_modules():
            own = list(layer.parameters(recurse=False))
            for weight in own:
                weight.fill_(torch.nan)
            if own:
                getattr(layer, "reset_parameters", lambda: None)()
            if any(bool(weight.isnan().any()) for weight in own):
                kind = type(layer).__name__
                raise OneSeedError(
                    f"seed of {name} must be 0, got {seed}: weights of {kind} in {key or 'itself'} cannot be redrawn"
                )
    return made
