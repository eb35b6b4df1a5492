"""Operators that measure images: a maker for each kind, with adjoints and exact descriptions.

Images are (C, H, W) with C of 1 or 3; m is the number of measurements, at most C H W but for coils and magnitudes, or
its share of C H W, such as 0.1. All are linear but magnitudes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch

    from untrained.sims.operators.base import Operator as Operator
    from untrained.sims.operators.base import Shape as Shape
    from untrained.sims.operators.measurements import Measurement as Measurement
    from untrained.sims.operators.measurements import measure as measure
    from untrained.sims.operators.physics import as_physics as as_physics
    from untrained.sims.operators.registry import OPERATORS as OPERATORS
    from untrained.sims.operators.registry import make_operator as make_operator
    from untrained.sims.operators.registry import operator_from_spec as operator_from_spec
    from untrained.sims.operators.stacked import Stack as Stack
    from untrained.sims.operators.stacked import stack as stack
    from untrained.sims.operators.user_operator import as_operator as as_operator
    from untrained.sims.operators.user_operator import dot_test as dot_test

__all__ = [
    "OPERATORS",
    "Measurement",
    "Operator",
    "Shape",
    "Stack",
    "as_operator",
    "as_physics",
    "dct",
    "dot_test",
    "fourier_cartesian",
    "fourier_radial",
    "gaussian",
    "gaussian_seeded",
    "hadamard",
    "inpainting",
    "magnitude",
    "make_operator",
    "measure",
    "multicoil",
    "operator_from_spec",
    "scrambled_dct",
    "scrambled_hadamard",
    "stack",
    "superresolution",
    "user",
]
_HOMES = {
    "OPERATORS": "registry",
    "Measurement": "measurements",
    "Operator": "base",
    "Shape": "base",
    "Stack": "stacked",
    "as_operator": "user_operator",
    "as_physics": "physics",
    "dot_test": "user_operator",
    "make_operator": "registry",
    "measure": "measurements",
    "operator_from_spec": "registry",
    "stack": "stacked",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)


def _make(name: str, shape: Shape, m: float | None, seed: int = 0, **options: Any) -> Operator:
    registry = import_module(f"{__name__}.registry")
    operator: Operator = registry.make_operator(name, shape, m, seed, **options)
    return operator


def gaussian(shape: Shape, m: float, seed: int = 0) -> Operator:
    """A dense matrix of independent N(0, 1/m) entries, 4 m n bytes."""
    return _make("gaussian", shape, m, seed)


def gaussian_seeded(shape: Shape, m: float, seed: int = 0) -> Operator:
    """Independent N(0, 1/m) entries that are never held but drawn anew at every product."""
    return _make("gaussian-seeded", shape, m, seed)


def fourier_radial(shape: Shape, lines: int) -> Operator:
    """Fourier coefficients along radial lines, as in magnetic resonance imaging."""
    return _make("fourier-radial", shape, None, lines=lines)


def dct(shape: Shape, m: float, seed: int = 0) -> Operator:
    """Random coefficients of the orthonormal discrete cosine transform."""
    return _make("dct", shape, m, seed)


def hadamard(shape: Shape, m: float, seed: int = 0) -> Operator:
    """Random coefficients of the Walsh-Hadamard transform, for sides that are powers of two."""
    return _make("hadamard", shape, m, seed)


def scrambled_dct(shape: Shape, m: float, seed: int = 0) -> Operator:
    """As `dct`, after random signs of the pixels."""
    return _make("scrambled-dct", shape, m, seed)


def scrambled_hadamard(shape: Shape, m: float, seed: int = 0) -> Operator:
    """As `hadamard`, after random signs of the pixels."""
    return _make("scrambled-hadamard", shape, m, seed)


def inpainting(
    shape: Shape, m: float | None = None, seed: int = 0, *, mask: np.ndarray | torch.Tensor | None = None
) -> Operator:
    """The pixels at m random positions, or where a bool mask (H, W) is true, in every channel."""
    return _make("inpainting", shape, m, seed) if mask is None else _make("inpainting", shape, m, seed, mask=mask)


def superresolution(shape: Shape, factor: int) -> Operator:
    """Means of blocks of factor x factor pixels."""
    return _make("superres", shape, None, factor=factor)


def multicoil(
    shape: Shape,
    coils: int,
    acceleration: float,
    seed: int = 0,
    *,
    centre: float = 0.08,
    columns: Literal["random", "equispaced"] = "random",
) -> Operator:
    """Fourier coefficients that several coils see, on 1/acceleration of the columns and a `centre` share for certain.

    Raises
    ------
    ValueError
        where an option is out of range, or more columns are in the centre than are sampled.
    """
    options = {"coils": coils, "acceleration": acceleration, "centre": centre, "columns": columns}
    return _make("multicoil", shape, None, seed, **options)


def fourier_cartesian(
    shape: Shape, mask: np.ndarray | torch.Tensor, maps: np.ndarray | torch.Tensor | None = None
) -> Operator:
    """Fourier coefficients where a bool mask, (H, W) or (W,) for columns, is true; seen by coils where maps are given.

    The zero frequency is in the middle, and so is the image's origin; maps are (coils, H, W), real or complex.

    Raises
    ------
    ValueError
        where mask or maps are of another shape.
    """
    own = {} if maps is None else {"maps": maps}
    return _make("fourier-cartesian", shape, None, 0, mask=mask, **own)


def magnitude(shape: Shape, m: float, seed: int = 0) -> Operator:
    """Magnitudes |A u| of u = (x + 1)/2, A as `gaussian`: not linear, for methods of phase retrieval."""
    return _make("magnitude", shape, m, seed)


def user(user_object: Any, shape: Shape, m: int | None = None) -> Operator:
    """An object of your own with `forward` (C, H, W) -> (m,) and its transpose `adjoint`, on tensors or arrays.

    Raises
    ------
    ValueError
        where a method is missing, a shape is wrong or `adjoint` is not the transpose.
    """
    adapted: Operator = import_module(f"{__name__}.user_operator").as_operator(user_object, shape, m)
    return adapted
