"""The linear measurement y = A x of an image: what every operator offers, and what it checks."""

from __future__ import annotations

import copy
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Self

import numpy as np
import torch

from untrained.sims.lanczos import largest_eigenvalue
from untrained.sims.random.streams import stream

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""
LinearMap = Callable[[torch.Tensor], torch.Tensor]


class Operator(ABC):
    """A linear map from images (C, H, W) to m measurements, drawn from a seed.

    `gain` is ||A||_F^2/n, which is E ||A x||^2/||x||^2 over isotropic x (its expectation, 1, for a Gaussian A);
    `orthonormal` says that A A^T = I; `coefficients` is what a user calls the number of measurements. Images and
    measurements are float32 or float64, and products keep their dtype. `version` numbers the law that turns a spec into
    this kind of operator: it is raised by hand when the same spec gives other numbers. An operator that is not `linear`
    takes magnitudes after its `linear_part`, and has no adjoint. One that is `streamed` has a matrix that is never held
    whole. Where what is measured is complex, `_complex`, y holds real parts and then imaginary ones.
    """

    name: str
    version: int = 1
    orthonormal: bool = False
    linear: bool = True
    streamed: bool = False
    gain: float
    _complex: bool = False

    def __init__(self, shape: Shape, m: int, seed: int = 0) -> None:
        self.shape, self.m, self.seed = shape, m, seed
        self._norm: float | None = None

    @property
    def n(self) -> int:
        """Number of pixels, all channels counted."""
        return prod(self.shape)

    @property
    def coefficients(self) -> int:
        """Number of measurements as a user counts them."""
        return self.m

    @property
    def linear_part(self) -> Operator:
        """The linear map that is measured by: the operator itself, unless it takes magnitudes after it."""
        return self

    @property
    def row_groups(self) -> torch.Tensor:
        """The group of each row, (m,) of whole numbers: rows of one group tell much of one another.

        A prediction of rows held out says something of the image only where their groups are held out whole.
        """
        return torch.arange(self.m)

    @property
    def options(self) -> dict[str, Any]:
        """What `make_operator` takes besides shape, m and seed."""
        return {}

    @abstractmethod
    def _product(self, x: torch.Tensor) -> torch.Tensor:
        """A x, from (batch, C, H, W) to (batch, m)."""

    @abstractmethod
    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        """A^T y, from (batch, m) to (batch, C, H, W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x, from (..., C, H, W) to (..., m); differentiable.

        Raises
        ------
        ValueError
            where x is no float image of this shape on the operator's device.
        """
        self.check("image", x, self.shape)
        batch = x.shape[:-3]
        return _linear(x.reshape(-1, *self.shape), self._product, self._transposed).reshape(*batch, self.m)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A^T y, from (..., m) to (..., C, H, W); differentiable.

        Raises
        ------
        ValueError
            where y is no float vector of length m on the operator's device.
        """
        self.check("measurements", y, (self.m,))
        batch = y.shape[:-1]
        return _linear(y.reshape(-1, self.m), self._transposed, self._product).reshape(*batch, *self.shape)

    @property
    def layouts(self) -> dict[str, tuple[int, ...]]:
        """Shapes that measurements come in beside a row of numbers, by the order that they name; none: any shape."""
        return {}

    def vector(self, y: torch.Tensor) -> torch.Tensor:
        """Measurements (m,) from the shape that they come in; complex ones may come as pairs in the last dimension.

        Raises
        ------
        ValueError
            where they are of another order than `layouts` has, too few or too many, or complex where A x is real.
        """
        if self._complex and not y.is_complex() and y.ndim > 1 and y.shape[-1] == 2:
            y = torch.complex(y[..., 0], y[..., 1])
        if y.is_complex() and not self._complex:
            y = _real_parts(y, self.name)
        _check_layout(y, self.layouts, is_complex=self._complex)
        row = self._sampled(y).reshape(-1)
        if len(row) * (1 + row.is_complex()) != self.m:
            wanted = f"{self.m // 2} complex entries or {self.m} real" if self._complex else f"{self.m} entries"
            raise ValueError(f"y must have the operator's {wanted}{' ones' * self._complex}, got {len(row)}")
        return self.real_rows(row) if row.is_complex() else row

    def real_rows(self, y: torch.Tensor) -> torch.Tensor:
        """Complex measurements in one row, (m/2,), as the real ones: real parts, then imaginary ones."""
        return torch.cat([y.real, y.imag])

    def _sampled(self, y: torch.Tensor) -> torch.Tensor:
        """Those of the numbers given that are measurements: all."""
        return y

    @torch.no_grad()
    def residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """r = A x - y of shape (..., m) and A^T r of shape (..., C, H, W), detached from any graph.

        x is (..., C, H, W); y is (m,) or any shape that broadcasts to (..., m). The gradient of ||A x - y||^2 in x is
        twice the second value.
        """
        self.check("image", x, self.shape)
        self.check("measurements", y, (self.m,))
        batch = x.shape[:-3]
        targets = y.to(x.dtype).expand(*batch, self.m).reshape(-1, self.m)
        residual, gradient = self._residual_and_gradient(x.reshape(-1, *self.shape), targets)
        return residual.reshape(*batch, self.m), gradient.reshape(x.shape)

    def _residual_and_gradient(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        r = self._product(x) - y
        return r, self._transposed(r)

    def squared_norm(self) -> float:
        """||A||^2: 1 where the rows are orthonormal, else by Lanczos, enlarged by 1e-3 to cover its error."""
        if self._norm is None:
            self._norm = 1.0 if self.orthonormal else 1.001 * largest_eigenvalue(self._gram, _norm_start(self.n))
        return self._norm

    def _gram(self, x: torch.Tensor) -> torch.Tensor:
        device = self.device or torch.device("cpu")
        image = x.to(device, torch.float32).reshape(self.shape)
        zero = torch.zeros(self.m, device=device)
        return self.residual_and_gradient(image, zero)[1].reshape(-1).cpu().double()

    @property
    def device(self) -> torch.device | None:
        """Where the operator's numbers lie; None where it holds none and so works anywhere."""
        tensors = self._tensors()
        return next(iter(tensors.values())).device if tensors else None

    @property
    def memory(self) -> int:
        """Bytes that the operator holds, or needs for a product where it draws its numbers anew."""
        return sum(tensor.nbytes for tensor in self._tensors().values())

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {k: v for k, v in vars(self).items() if isinstance(v, torch.Tensor)}

    def to(self, device: str | torch.device) -> Self:
        """The same operator with its numbers on a device."""
        moved = copy.copy(self)
        for name, tensor in self._tensors().items():
            setattr(moved, name, tensor.to(device))
        return moved

    def spec(self) -> dict[str, Any]:
        """JSON-able description from which `operator_from_spec` makes the same operator."""
        return {"name": self.name, "shape": list(self.shape), "m": self.m, "seed": self.seed, "options": self.options}

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of the spec and the version of its law."""
        text = json.dumps({"format": self.version, **self.spec()}, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, name: str, value: torch.Tensor, tail: tuple[int, ...]) -> None:
        """Check that a value is of shape (..., *tail), float32 or float64, and on the operator's device.

        Raises
        ------
        ValueError
            where it is not.
        """
        if value.shape[max(0, value.ndim - len(tail)) :] != tail:
            shape = ", ".join(map(str, ("...", *tail)))
            raise ValueError(f"{name} must be of shape ({shape}), got {tuple(value.shape)}")
        if value.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"{name} must be float32 or float64, got {str(value.dtype).removeprefix('torch.')}")
        if self.device is not None and value.device != self.device:
            raise ValueError(f"{name} must be on the operator's device {self.device}, got {value.device}")


def _real_parts(y: torch.Tensor, name: str) -> torch.Tensor:
    if bool((y.imag != 0).any()):
        raise ValueError(f"y must be real where A x is, for the operator {name}, got complex numbers")
    return y.real


def _check_layout(y: torch.Tensor, layouts: Mapping[str, tuple[int, ...]], *, is_complex: bool) -> None:
    """Refuse y of several dimensions in another order than an operator has; those of length 1 do not count."""
    sides = _long_sides(y.shape)
    fits = y.is_complex() == is_complex and sides in map(_long_sides, layouts.values())
    if len(sides) > 1 and layouts and not fits:
        orders = ", or ".join(f"({order}) of shape {shape}" for order, shape in layouts.items())
        kind = "complex " if is_complex else ""
        got = f"{'real ' if is_complex and not y.is_complex() else ''}numbers of shape {tuple(y.shape)}"
        raise ValueError(f"y must be flat, or {kind}{orders}, ones left out or not, got {got}")


def _long_sides(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(side for side in shape if side != 1)


def _norm_start(n: int) -> torch.Tensor:
    """Where the iteration for ||A||^2 starts."""
    return torch.from_numpy(stream(0, "spectral norm").standard_normal(n))


class _Linear(torch.autograd.Function):
    """A linear map whose derivative is its given transpose, to any order."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, product: LinearMap, transposed: LinearMap) -> torch.Tensor:
        ctx.maps = product, transposed
        return product(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        product, transposed = ctx.maps
        return _linear(gradients[0], transposed, product), None, None


def _linear(x: torch.Tensor, product: LinearMap, transposed: LinearMap) -> torch.Tensor:
    return _Linear.apply(x, product, transposed)  # type: ignore[no-untyped-call]


def bounded_integer(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return a whole number in [least, most].

    Raises
    ------
    ValueError
        where it is none.
    """
    interval = f"at least {least}" if most is None else f"between {least} and {most}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be a whole number {interval}, got {value!r}")
    number = int(value.__index__())
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} must be {interval}, got {number}")
    return number


def refuse_masked(name: str, value: Any) -> None:
    """Refuse arrays of numpy of which entries are masked: what lies under a mask was not meant.

    Raises
    ------
    ValueError
        where it is one.
    """
    if np.ma.is_masked(value):
        count = int(np.ma.getmaskarray(value).sum())
        raise ValueError(f"{name} must have no masked entries, got {count} of {value.size}: fill them first")


def checked_shape(shape: Any) -> Shape:
    """Return (C, H, W) with C of 1 or 3.

    Raises
    ------
    ValueError
        where it is of another kind.
    """
    sides = list(shape) if isinstance(shape, Sequence) else []
    numbers = [s.__index__() for s in sides if hasattr(s, "__index__") and not isinstance(s, bool)]
    if len(sides) != 3 or len(numbers) != 3 or min(numbers) < 1 or numbers[0] not in (1, 3):
        raise ValueError(f"shape must be (1 or 3, height, width), got {shape!r}")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])
