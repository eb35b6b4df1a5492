"""Operators by name: made from options or from a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan, prod
from numbers import Integral, Real
from typing import Any, NoReturn

import torch

from untrained.sims.choices import check_choice
from untrained.sims.operators.base import Operator, Shape, bounded_integer, checked_shape
from untrained.sims.operators.cartesian import CartesianFourier, cartesian_fourier
from untrained.sims.operators.coils import CENTRE, COLUMN_RULES, MulticoilFourier, column_counts
from untrained.sims.operators.masks import Inpainting, SuperResolution, read_mask
from untrained.sims.operators.random_matrices import Gaussian, Magnitude, SeededGaussian
from untrained.sims.operators.transforms import FourierRadial, SubsampledTransform
from untrained.sims.runtime import checked_device, memory_available

Maker = Callable[[str, Shape, Any, int, Mapping[str, Any]], Operator]


def _count(name: str, m: Any, n: int, most: int | None = None) -> int:
    """A number of measurements of n pixels, n at most, or the nearest to a share of n."""
    most = n if most is None else most
    if m is None:
        raise ValueError(f"m must be given for {name}, between 1 and {most}, got none")
    return bounded_integer("m", _of_share(m, n), 1, most)


def _of_share(m: Any, n: int) -> Any:
    if not isinstance(m, Real) or isinstance(m, Integral):
        return m
    if not 0 < float(m) < 1:
        raise ValueError(f"m must be a whole number, or a share of the pixels above 0 and below 1, got {m!r}")
    return max(1, round(float(m) * n))


def _dense(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    kind = Gaussian if name == "gaussian" else SeededGaussian
    return kind(shape, _count(name, m, prod(shape)), seed)


MOST_MAGNITUDES = 16
"""Magnitudes a pixel that may be measured: without signs, more than one a pixel is no waste."""


def _magnitude(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    return Magnitude(shape, _count(name, m, prod(shape), MOST_MAGNITUDES * prod(shape)), seed)


def _transform(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    m = _count(name, m, prod(shape))
    if name.endswith("hadamard") and any(side & (side - 1) for side in shape[1:]):
        raise ValueError(
            f"sides must be powers of two for {name} (use {name[:-8]}dct instead), got {shape[1]}x{shape[2]}"
        )
    return SubsampledTransform(name, shape, m, seed)


def _fourier(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    if "lines" not in options:
        raise ValueError(f"lines must be given for {name}, at least 1, got none")
    if max(shape[1:]) < 3:
        raise ValueError(f"image must be at least 3 pixels high or wide for {name}, got {shape[1]}x{shape[2]}")
    operator = FourierRadial(shape, bounded_integer("lines", options["lines"], 1, shape[1] + shape[2]))
    _same(name, m, operator)
    return operator


def _inpainting(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    if "mask" not in options:
        return Inpainting(shape, _count(name, m, shape[1] * shape[2]), seed)
    mask = read_mask(options["mask"], shape)
    operator = Inpainting(shape, int(mask.sum()), seed, mask)
    _same(name, m, operator)
    return operator


def _cartesian(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    if "mask" not in options:
        raise ValueError(f"mask must be given for {name}, got none")
    operator = cartesian_fourier(shape, options["mask"], options.get("maps"))
    _same(name, m, operator)
    return operator


def _superres(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    if "factor" not in options:
        raise ValueError(f"factor must be given for {name}, at least 2, got none")
    factor = bounded_integer("factor", options["factor"], 2)
    if shape[1] % factor or shape[2] % factor:
        raise ValueError(f"factor must divide height and width, got {factor} for {shape[1]}x{shape[2]}")
    operator = SuperResolution(shape, factor)
    _same(name, m, operator)
    return operator


MOST_COILS = 128


def _multicoil(name: str, shape: Shape, m: Any, seed: int, options: Mapping[str, Any]) -> Operator:
    for option, least in (("coils", 1), ("acceleration", 1)):
        if option not in options:
            raise ValueError(f"{option} must be given for {name}, at least {least}, got none")
    coils = bounded_integer("coils", options["coils"], 1, MOST_COILS)
    acceleration = _bounded("acceleration", options["acceleration"], 1, shape[2])
    centre = _bounded("centre", options.get("centre", CENTRE), 0, 1)
    columns = options.get("columns", COLUMN_RULES[0])
    if columns not in COLUMN_RULES:
        raise ValueError(f"columns must be one of {', '.join(COLUMN_RULES)}, got {columns!r}")
    count, lowest = column_counts(shape[2], acceleration, centre)
    if lowest > count:
        raise ValueError(f"centre must hold no more columns than the {count} that are sampled, got {lowest}")
    operator = MulticoilFourier(shape, coils, acceleration, centre, columns, seed)
    _same(name, m, operator)
    return operator


def _bounded(name: str, value: Any, least: float, most: float) -> float:
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    if not least <= number <= most:
        raise ValueError(f"{name} must be a number from {least} to {most}, got {value!r}")
    return number


def _same(name: str, m: Any, operator: Operator) -> None:
    if m is not None and m != operator.coefficients:
        raise ValueError(f"m must be left out for {name}, or {operator.coefficients} as its options say, got {m}")


_MAKERS: dict[str, tuple[Maker, frozenset[str]]] = {
    "gaussian": (_dense, frozenset()),
    "gaussian-seeded": (_dense, frozenset()),
    "fourier-radial": (_fourier, frozenset({"lines"})),
    "dct": (_transform, frozenset()),
    "hadamard": (_transform, frozenset()),
    "scrambled-dct": (_transform, frozenset()),
    "scrambled-hadamard": (_transform, frozenset()),
    "inpainting": (_inpainting, frozenset({"mask"})),
    "superres": (_superres, frozenset({"factor"})),
    "multicoil": (_multicoil, frozenset({"coils", "acceleration", "centre", "columns"})),
    "magnitude": (_magnitude, frozenset()),
    "fourier-cartesian": (_cartesian, frozenset({"mask", "maps"})),
}
OPERATORS: tuple[str, ...] = tuple(_MAKERS)
_CLASSES: dict[str, type[Operator]] = {
    "gaussian": Gaussian,
    "gaussian-seeded": SeededGaussian,
    "fourier-radial": FourierRadial,
    "inpainting": Inpainting,
    "superres": SuperResolution,
    "multicoil": MulticoilFourier,
    "magnitude": Magnitude,
    "fourier-cartesian": CartesianFourier,
}


def law_version(name: str) -> int:
    """Return the version of the law by which a named operator comes from its spec."""
    return _CLASSES.get(name, SubsampledTransform).version


def make_operator(
    name: str,
    shape: Shape,
    m: float | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    **options: Any,
) -> Operator:
    """Return the named operator for images (C, H, W), drawn from a seed, with its numbers on a device.

    m counts measurements (positions for inpainting), or is a share of the pixels, such as 0.1; fourier-radial takes
    `lines` and superres `factor` instead, multicoil `coils` and `acceleration` (and, if you like, `centre` and
    `columns`), and inpainting takes a bool `mask` (H, W) where pixels are not to be drawn; fourier-cartesian takes a
    `mask`, and coil `maps` of your own. Numbers are drawn on the CPU, and so are the same on every device.

    Raises
    ------
    ValueError
        where the name is unknown, a size or option is wrong, or the operator does not fit into memory.
    """
    return _make(name, shape, m, seed, device, options)


def _make(name: str, shape: Any, m: Any, seed: Any, device: str | torch.device, options: Mapping[str, Any]) -> Operator:
    check_choice("operator", name, OPERATORS)
    maker, names = _MAKERS[name]
    if unknown := sorted(set(options) - names):
        _refuse_option(name, unknown[0])
    shape, seed, device = checked_shape(shape), bounded_integer("seed", seed, 0), checked_device(device)
    if name in _HELD:
        n = prod(shape)
        _refuse_beyond_memory(name, _count(name, m, n, _HELD[name] * n), n, device)
    return maker(name, shape, m, seed, options).to(device)


def _refuse_option(name: str, option: str) -> NoReturn:
    takers = [other for other, (_, options) in _MAKERS.items() if option in options]
    if takers:
        raise ValueError(f"{option} is for {', '.join(takers)}, got it for {name}")
    raise ValueError(f"options of {name} must be among {', '.join(sorted(_MAKERS[name][1])) or 'none'}, got {option}")


_HELD = {"gaussian": 1, "magnitude": MOST_MAGNITUDES}
"""Operators that hold their matrix, and their most measurements a pixel."""


def _refuse_beyond_memory(name: str, m: int, n: int, device: torch.device) -> None:
    size = 4 * m * n
    for place in dict.fromkeys(("cpu", str(device))):
        available = memory_available(place)
        if available is not None and size > available:
            raise ValueError(
                f"{name} of m={m} and n={n} must fit into the {available / 1e9:.1f} GB available on {place}, "
                f"got {size / 1e9:.1f} GB; gaussian-seeded or scrambled-dct need almost none"
            )


def operator_from_spec(spec: Mapping[str, Any], device: str | torch.device = "cpu") -> Operator:
    """Return the operator that a spec describes.

    Raises
    ------
    ValueError
        where the spec is incomplete, contradicts itself, or is that of a user's own operator.
    """
    if missing := sorted({"name", "shape", "m", "seed", "options"} - set(spec)):
        raise ValueError(f"spec must hold name, shape, m, seed and options, got one without {missing[0]}")
    name, options = spec["name"], spec["options"]
    if not isinstance(options, Mapping):
        raise ValueError(f"options of the spec must be a mapping, got {type(options).__name__}")
    if name == "user" or options.get("rebuildable") is False:
        raise ValueError("spec must be that of an operator made by name, got a user's own, which cannot be rebuilt")
    shape, m = checked_shape(spec["shape"]), bounded_integer("m of the spec", spec["m"], 1)
    operator = _make(name, shape, _argument_m(name, shape, m), spec["seed"], device, options)
    if operator.m != m:
        raise ValueError(f"m of the spec must be {operator.m} as its options say, got {m}")
    return operator


def _argument_m(name: Any, shape: Shape, m: int) -> int | None:
    """The argument m of `make_operator`, from the length of y."""
    if name in ("fourier-radial", "superres", "multicoil", "fourier-cartesian"):
        return None
    return m // shape[0] if name == "inpainting" else m
