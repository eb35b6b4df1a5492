"""A user's own operator, adapted and checked."""

from __future__ import annotations

import hashlib
from math import prod
from typing import Any

import numpy as np
import torch

from untrained.sims.operators.base import Operator, Shape, checked_shape
from untrained.sims.random.streams import stream

DOT_LIMIT = 1e-5
PROBES = 32


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


class ComplexError(ValueError):
    """A product of the user's operator is complex; stacked real and imaginary parts would be real."""


class MatrixProducts:
    """Products with a matrix (m, n), or anything with `shape`, `@` and `.T`, on flattened images of a shape."""

    def __init__(self, matrix: Any, shape: Shape) -> None:
        if matrix.shape[1] != prod(shape):
            raise ValueError(
                f"operator must have {prod(shape)} columns for images of shape {shape}, got {matrix.shape[1]}"
            )
        self._matrix, self._transposed, self._shape = matrix, matrix.T, shape

    def forward(self, x: Any) -> Any:
        """A x."""
        return self._matrix @ x.reshape(-1)

    def adjoint(self, y: Any) -> Any:
        """A^T y."""
        return (self._transposed @ y).reshape(self._shape)


class UserOperator(Operator):
    """A user's object with `forward` and `adjoint` on one image; batches are looped over.

    `gain` is estimated from a few dozen images of random signs, and exact where A^T A is diagonal. Where the object
    does not take float64, as one that holds a float32 tensor, it is given float32 throughout.
    """

    name = "user"

    def __init__(self, user: Any, shape: Shape, m: int | None = None) -> None:
        super().__init__(shape, 0)
        self._user, self._numpy, self._single = user, False, False
        self.m = self._count(m)
        back = self._call("adjoint", torch.zeros(self.m))
        if tuple(back.shape) != shape:
            raise ValueError(f"adjoint of the user's operator must return {shape}, got {tuple(back.shape)}")
        self._single = not self._takes_double()
        self._probe()

    def _takes_double(self) -> bool:
        try:
            self._there_and_back(torch.zeros(self.shape, dtype=torch.float64))
        except Exception:
            return False
        return True

    def _count(self, m: int | None) -> int:
        y = self._first_image()
        if y.ndim != 1 or len(y) == 0 or (m is not None and len(y) != m):
            shape = "(m,)" if m is None else f"({m},)"
            raise ValueError(f"forward of the user's operator must return shape {shape}, got {tuple(y.shape)}")
        return len(y)

    def _first_image(self) -> torch.Tensor:
        """Measure a first image, as a tensor or, where the operator cannot take tensors, as an array."""
        x = torch.zeros(self.shape)
        try:
            return self._there_and_back(x)
        except ComplexError:
            raise
        except Exception as error:
            self._numpy = True
            try:
                return self._there_and_back(x)
            except Exception as other:
                raise ValueError(f"user's operator must take tensors or arrays, got '{error}' and '{other}'") from error

    def _there_and_back(self, x: torch.Tensor) -> torch.Tensor:
        y = self._call("forward", x)
        self._call("adjoint", y)
        return y

    def _call(self, method: str, value: torch.Tensor) -> torch.Tensor:
        own = value.detach().to(torch.float32 if self._single else value.dtype, copy=True)
        result = getattr(self._user, method)(own.cpu().numpy() if self._numpy else own)
        if isinstance(result, np.ndarray):
            result = torch.from_numpy(np.ascontiguousarray(result))
        if not isinstance(result, torch.Tensor) or result.is_complex():
            kind = ComplexError if isinstance(result, torch.Tensor) else ValueError
            raise kind(f"{method} of the user's operator must return real numbers, got {_kind(result)}")
        return result.detach().to(value.device, value.dtype)

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


def _kind(result: object) -> str:
    return str(result.dtype) if isinstance(result, torch.Tensor) else type(result).__name__


def as_operator(user_object: Any, shape: Shape, m: int | None = None) -> Operator:
    """Return the operator of any object with `forward` (C, H, W) -> (m,) and `adjoint` back, on tensors or arrays.

    A matrix (m, C H W), dense or sparse, and a LinearOperator of scipy are taken too, for flattened images.

    Raises
    ------
    ValueError
        where a method is missing, a shape is wrong, forward changes from call to call or the dot test fails.
    """
    shape = checked_shape(shape)
    operator = UserOperator(_with_methods(user_object, shape), shape, m)
    gap = max(dot_test(operator, seed) for seed in range(3))
    if not gap <= DOT_LIMIT:
        raise ValueError(f"adjoint must be the transpose of forward within {DOT_LIMIT:g}, got a dot test of {gap:.2g}")
    return operator


def _with_methods(user_object: Any, shape: Shape) -> Any:
    missing = [name for name in ("forward", "adjoint") if not callable(getattr(user_object, name, None))]
    if not missing:
        return user_object
    if len(getattr(user_object, "shape", ())) == 2 and hasattr(user_object, "__matmul__"):
        return MatrixProducts(user_object, shape)
    raise ValueError(f"operator must have a method {missing[0]}, got {type(user_object).__name__} without it")
