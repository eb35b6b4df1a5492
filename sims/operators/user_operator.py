"""A user's own operator, adapted and checked."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import torch
from scipy import sparse

from untrained.sims.operators.base import Operator, Shape, checked_shape
from untrained.sims.operators.matrices import MatrixOperator, StoredMatrix
from untrained.sims.random.streams import stream

DOT_LIMIT = 1e-5
PROBES = 32
TYPES = (torch.float32, torch.float64)
"""What images and measurements may be of."""


def dot_test(operator: Operator, seed: int = 0) -> float:
    """|<A x, y> - <x, A^T y>| / (||x|| ||A^T y||) for standard normal x and y: rounding where the adjoint is right."""
    rng = stream(seed, "dot test")
    device = operator.device or torch.device("cpu")
    x = torch.from_numpy(rng.standard_normal(operator.shape, dtype=np.float32)).to(device)
    y = torch.from_numpy(rng.standard_normal(operator.m, dtype=np.float32)).to(device)
    left = (operator.forward(x).double() * y.double()).sum()
    back = operator.adjoint(y).double()
    right, scale = (x.double() * back).sum(), x.double().norm() * back.norm()
    gap = float((left - right).abs())
    return gap / float(scale) if scale > 0 else float("inf" if gap > 0 else 0)


class LinearProducts:
    """Products with anything that has `shape`, `@` and `.T` or `.H`, on flattened images of a shape."""

    def __init__(self, linear: Any, shape: Shape) -> None:
        if linear.shape[1] != prod(shape):
            raise ValueError(
                f"operator must have {prod(shape)} columns for images of shape {shape}, got {linear.shape[1]}"
            )
        self._linear, self._shape = linear, shape
        self._adjoint = linear.H if hasattr(linear, "H") else linear.T

    def forward(self, x: Any) -> Any:
        """A x."""
        return self._linear @ x.reshape(-1)

    def adjoint(self, y: Any) -> Any:
        """A^H y."""
        return (self._adjoint @ y).reshape(self._shape)


class PhysicsProducts:
    """A linear physics of deepinv: `A` from (1, C, H, W) to (1, ...) and `A_adjoint` back, its noise left out.

    Where the physics takes images as two channels, real and imaginary parts, a grey image is the real one.

    Source: deepinv.physics.LinearPhysics.
    """

    def __init__(self, physics: Any, shape: Shape) -> None:
        self._physics, self._shape, self._channels = physics, shape, shape[0]
        if shape[0] == 1 and not self._takes(1) and self._takes(2):
            self._channels = 2
        try:
            self._like = self._measure(torch.zeros(shape))
        except Exception as error:
            raise ValueError(f"A of the physics must measure images of shape {shape}, got '{error}'") from error

    def _takes(self, channels: int) -> bool:
        try:
            x = torch.zeros(1, channels, *self._shape[1:])
            return bool(self._physics.A_adjoint(self._physics.A(x)).shape == x.shape)
        except Exception:
            return False

    def _measure(self, x: torch.Tensor) -> Any:
        batch = x[None]
        if self._channels > len(x):
            batch = torch.cat([batch, torch.zeros_like(batch)], 1)
        return self._physics.A(batch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x, flattened."""
        y = self._measure(x)
        return y.reshape(-1) if isinstance(y, torch.Tensor) else torch.cat([part.reshape(-1) for part in y])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """A^T y of flattened measurements."""
        if isinstance(self._like, torch.Tensor):
            shaped: Any = y.reshape(self._like.shape)
        else:
            parts = y.split([part.numel() for part in self._like])
            shaped = type(self._like)([part.reshape(like.shape) for part, like in zip(parts, self._like, strict=True)])
        image: torch.Tensor = self._physics.A_adjoint(shaped)[0, : self._shape[0]]
        return image


class UserOperator(Operator):
    """A user's object with `forward` and `adjoint` on one image; batches are looped over.

    `gain` is estimated from a few dozen images of random signs, and exact where A^T A is diagonal. Where the object
    takes only one of float32 and float64, as one that holds a tensor, it is given that one throughout, and all on the
    CPU, unless only CUDA will do. Of complex measurements y holds real parts, then imaginary ones; `adjoint` is then
    A^H, of which the real part is taken.
    """

    name = "user"

    def __init__(self, user: Any, shape: Shape, m: int | None = None) -> None:
        super().__init__(shape, 0)
        self._user, self._arrays, self._complex, self._place = user, False, False, "cpu"
        self._types: tuple[torch.dtype, ...] = TYPES
        self.m = self._count(m)
        back = self._call("adjoint", torch.zeros(self.m))
        if tuple(back.shape) != shape:
            raise ValueError(f"adjoint of the user's operator must return {shape}, got {tuple(back.shape)}")
        self._probe()

    def _count(self, m: int | None) -> int:
        y = self._first_measurements()
        if y.ndim != 1 or len(y) == 0 or (m is not None and len(y) * (1 + y.is_complex()) not in (m, 2 * m)):
            shape = "(m,)" if m is None else f"({m},)"
            raise ValueError(f"forward of the user's operator must return shape {shape}, got {tuple(y.shape)}")
        self._complex = y.is_complex()
        return len(y) * (1 + self._complex)

    def _first_measurements(self) -> torch.Tensor:
        """Measure a first image, as a tensor or, where the operator cannot take tensors, as an array."""
        reasons = []
        places = [(False, "cpu"), (True, "cpu"), *([(False, "cuda")] if torch.cuda.is_available() else [])]
        for self._arrays, self._place in places:
            tries = {kind: self._try(kind) for kind in TYPES}
            if passed := {kind: y for kind, y in tries.items() if isinstance(y, torch.Tensor)}:
                self._types = tuple(passed)
                return passed[self._types[0]].cpu()
            reasons.append(tries[TYPES[0]])
        raise ValueError(f"user's operator must take tensors or arrays, got '{reasons[0]}' and '{reasons[1]}'")

    def _try(self, kind: torch.dtype) -> torch.Tensor | str:
        """Measurements of a first image as they come, or why they do not."""
        method = "forward"
        try:
            with _arrays_stay_arrays():
                y = self._result(method, torch.zeros(self.shape, dtype=kind, device=self._place))
                method = "adjoint"
                self._result(method, y)
            return y
        except Exception as error:
            return f"{method}: {error}"

    def _result(self, method: str, value: torch.Tensor) -> torch.Tensor:
        result = getattr(self._user, method)(value.numpy(force=True) if self._arrays else value)
        if isinstance(result, np.ndarray) and result.dtype.kind in "biufc":
            result = torch.from_numpy(np.ascontiguousarray(result))
        if not isinstance(result, torch.Tensor):
            raise ValueError(f"it must return an array or a tensor of numbers, got {type(result).__name__}")
        return result.detach()

    def _call(self, method: str, value: torch.Tensor) -> torch.Tensor:
        kind = value.dtype if value.dtype in self._types else self._types[0]
        own = value.detach().to(self._place, kind, copy=True)
        if self._complex and method == "adjoint":
            own = torch.complex(*own.reshape(2, -1))
        result = self._result(method, own)
        if self._complex and method == "forward":
            result = torch.cat([result.real, result.imag])
        if result.is_complex():
            result = result.real
        return result.to(value.device, value.dtype)

    def _probe(self) -> None:
        x = torch.from_numpy(stream(0, "gain").integers(2, size=(PROBES, *self.shape)) * 2.0 - 1).float()
        y = self._product(x)
        if not torch.isfinite(y).all():
            raise ValueError("forward of the user's operator must return finite numbers, got others")
        change = float((self._product(x[:1]) - y[:1]).norm() / y[:1].norm().clamp_min(1e-30))
        if change > DOT_LIMIT:
            raise ValueError(f"forward must give the same measurements each time, got a change of {change:.2g}")
        self.gain = float(y.double().square().sum() / (PROBES * self.n))
        self._digest = hashlib.sha256(y.numpy().tobytes()).hexdigest()

    @property
    def options(self) -> dict[str, Any]:
        """What its measurements of fixed images hash to; it cannot be made again from this."""
        return {"probe": self._digest, "rebuildable": False}

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._call("forward", one) for one in x])

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._call("adjoint", one) for one in y])


@contextmanager
def _arrays_stay_arrays() -> Iterator[None]:
    """An array times a tensor works, with a warning that it will not for ever: count it as an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*__array_wrap__", category=DeprecationWarning)
        yield


def as_operator(user_object: Any, shape: Shape, m: int | None = None) -> Operator:
    """Return the operator of any object with `forward` (C, H, W) -> (m,) and `adjoint` back, on tensors or arrays.

    A matrix (m, C H W), dense or sparse, and a LinearOperator of scipy or PyLops are taken too, for flattened images,
    and so is a linear physics of deepinv. Complex measurements are taken as real parts followed by imaginary ones.

    Raises
    ------
    ValueError
        where a method is missing, a shape is wrong, forward changes from call to call or the dot test fails.
    """
    shape = checked_shape(shape)
    if isinstance(user_object, Operator) and user_object.shape == shape and user_object.m == (m or user_object.m):
        return user_object
    operator = _adapted(user_object, shape, m)
    gap = max(dot_test(operator, seed) for seed in range(3))
    if not gap <= DOT_LIMIT:
        raise ValueError(f"adjoint must be the transpose of forward within {DOT_LIMIT:g}, got a dot test of {gap:.2g}")
    return operator


def _adapted(user_object: Any, shape: Shape, m: int | None) -> Operator:
    if isinstance(user_object, torch.Tensor) and user_object.layout == torch.strided:
        user_object = user_object.numpy(force=True)
    is_matrix = isinstance(user_object, np.ndarray | StoredMatrix) or sparse.issparse(user_object)
    if is_matrix and len(user_object.shape) == 2:
        if m is not None and m != user_object.shape[0]:
            raise ValueError(f"operator must have {m} rows, got {user_object.shape[0]}")
        return MatrixOperator(user_object, shape)
    return UserOperator(_with_methods(user_object, shape), shape, m)


def _with_methods(user_object: Any, shape: Shape) -> Any:
    if _has(user_object, "A", "A_adjoint"):
        return PhysicsProducts(user_object, shape)
    if _has(user_object, "forward", "adjoint"):
        return user_object
    if len(getattr(user_object, "shape", ())) == 2 and hasattr(user_object, "__matmul__"):
        return LinearProducts(user_object, shape)
    missing = next(name for name in ("forward", "adjoint") if not _has(user_object, name))
    raise ValueError(f"operator must have a method {missing}, got {type(user_object).__name__} without it")


def _has(user_object: Any, *methods: str) -> bool:
    return all(callable(getattr(user_object, name, None)) for name in methods)
