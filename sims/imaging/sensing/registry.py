"""Operators by name: made from options or from a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import torch

from sims.imaging.sensing.base import Operator, Shape
from sims.imaging.sensing.checks import checked_shape, refuse_beyond_memory, whole
from sims.imaging.sensing.fourier import FourierRadial
from sims.imaging.sensing.gaussian import Gaussian
from sims.imaging.sensing.masks import Inpainting, SuperResolution, read_mask
from sims.imaging.sensing.seeded import SeededGaussian
from sims.imaging.sensing.subsampled import SubsampledTransform

Maker = Callable[[str, Shape, Any, int, dict[str, Any]], Operator]


def _measurements(name: str, m: Any, most: int) -> int:
    if m is None:
        raise ValueError(f"m must be given for {name}, between 1 and {most}, got none")
    return whole("m", m, 1, most)


def _dense(name: str, shape: Shape, m: Any, seed: int, options: dict[str, Any]) -> Operator:
    kind = Gaussian if name == "gaussian" else SeededGaussian
    return kind(shape, _measurements(name, m, prod(shape)), seed)


def _transform(name: str, shape: Shape, m: Any, seed: int, options: dict[str, Any]) -> Operator:
    m = _measurements(name, m, prod(shape))
    if name.endswith("hadamard") and any(side & (side - 1) for side in shape[1:]):
        raise ValueError(f"sides must be powers of two for {name} (use dct instead), got {shape[1]}x{shape[2]}")
    return SubsampledTransform(name, shape, m, seed)


def _fourier(name: str, shape: Shape, m: Any, seed: int, options: dict[str, Any]) -> Operator:
    if "lines" not in options:
        raise ValueError(f"lines must be given for {name}, at least 1, got none")
    if max(shape[1:]) < 3:
        raise ValueError(f"image must be at least 3 pixels high or wide for {name}, got {shape[1]}x{shape[2]}")
    operator = FourierRadial(shape, whole("lines", options.pop("lines"), 1, shape[1] + shape[2]))
    _same(name, m, operator)
    return operator


def _inpainting(name: str, shape: Shape, m: Any, seed: int, options: dict[str, Any]) -> Operator:
    if "mask" not in options:
        return Inpainting(shape, _measurements(name, m, shape[1] * shape[2]), seed)
    mask = read_mask(options.pop("mask"), shape)
    operator = Inpainting(shape, int(mask.sum()), seed, mask)
    _same(name, m, operator)
    return operator


def _superres(name: str, shape: Shape, m: Any, seed: int, options: dict[str, Any]) -> Operator:
    if "factor" not in options:
        raise ValueError(f"factor must be given for {name}, at least 2, got none")
    factor = whole("factor", options.pop("factor"), 2)
    if shape[1] % factor or shape[2] % factor:
        raise ValueError(f"factor must divide height and width, got {factor} for {shape[1]}x{shape[2]}")
    operator = SuperResolution(shape, factor)
    _same(name, m, operator)
    return operator


def _same(name: str, m: Any, operator: Operator) -> None:
    if m is not None and m != operator.coefficients:
        raise ValueError(f"m must be left out for {name}, or {operator.coefficients} as its options say, got {m}")


_MAKERS: dict[str, Maker] = {
    "gaussian": _dense,
    "gaussian-seeded": _dense,
    "fourier-radial": _fourier,
    "dct": _transform,
    "hadamard": _transform,
    "scrambled-dct": _transform,
    "scrambled-hadamard": _transform,
    "inpainting": _inpainting,
    "superres": _superres,
}
OPERATORS: tuple[str, ...] = tuple(_MAKERS)


def make_operator(
    name: str,
    shape: Shape,
    m: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    **options: Any,
) -> Operator:
    """Return the named operator for images (C, H, W), drawn from a seed, with its numbers on a device.

    m counts measurements (positions for inpainting); fourier-radial takes `lines` and superres `factor` instead, and
    inpainting takes a bool `mask` (H, W) where pixels are not to be drawn. Numbers are drawn on the CPU, and so are the
    same on every device.

    Raises
    ------
    ValueError
        where the name is unknown, a size or option is wrong, or the operator does not fit into memory.
    """
    if name not in _MAKERS:
        raise ValueError(f"operator must be one of {', '.join(OPERATORS)}, got {name!r}")
    shape, seed = checked_shape(shape), whole("seed", seed, 0)
    if name == "gaussian":
        refuse_beyond_memory(name, shape, _measurements(name, m, prod(shape)), device)
    operator = _MAKERS[name](name, shape, m, seed, options)
    if options:
        raise ValueError(f"options of {name} must be known ones, got {', '.join(sorted(options))}")
    return operator.to(device)


def operator_from_spec(spec: Mapping[str, Any], device: str | torch.device = "cpu") -> Operator:
    """Return the operator that a spec describes.

    Raises
    ------
    ValueError
        where the spec is incomplete, contradicts itself, or is that of a user's own operator.
    """
    if missing := sorted({"name", "shape", "m", "seed", "options"} - set(spec)):
        raise ValueError(f"spec must hold name, shape, m, seed and options, got one without {missing[0]}")
    name, shape, options = spec["name"], checked_shape(spec["shape"]), dict(spec["options"])
    if name == "user":
        raise ValueError("spec must be that of an operator made by name, got a user's own, which cannot be rebuilt")
    counted = name not in ("fourier-radial", "superres")
    m = spec["m"] // shape[0] if name == "inpainting" else spec["m"]
    operator = make_operator(name, shape, m if counted else None, spec["seed"], device, **options)
    if operator.m != spec["m"]:
        raise ValueError(f"m of the spec must be {operator.m} as its options say, got {spec['m']}")
    return operator
