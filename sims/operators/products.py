"""What users have at hand, as `forward` and `adjoint` on one image: linear maps on vectors, physics of deepinv."""

from __future__ import annotations

from collections.abc import Sized
from math import prod
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import aslinearoperator

from untrained.sims.operators.base import Shape
from untrained.sims.user_files import USER_ERRORS, error_line


class LinearProducts:
    """Products with anything that has `shape`, `@` and `.T` or `.H`, on flattened images of a shape."""

    def __init__(self, linear: Any, shape: Shape) -> None:
        if linear.shape[1] != prod(shape):
            raise ValueError(
                f"operator must have {prod(shape)} columns for images of shape {shape}, got {linear.shape[1]}"
            )
        self._linear, self._shape = linear, shape
        self._adjoint = linear.H if hasattr(linear, "H") else linear.T
        if hasattr(linear, "rmatvec"):
            _check_rmatvec(linear)

    def forward(self, x: Any) -> Any:
        """A x."""
        return self._linear @ x.reshape(-1)

    def adjoint(self, y: Any) -> Any:
        """A^H y."""
        return (self._adjoint @ y).reshape(self._shape)


def _check_rmatvec(linear: Any) -> None:
    """A LinearOperator may be made without one, which shows in an error of any kind where it is called."""
    try:
        linear.rmatvec(np.zeros(linear.shape[0], getattr(linear, "dtype", None) or np.float64))
    except USER_ERRORS as error:
        raise ValueError(f"operator must have an rmatvec that gives A^H y, got {error_line(error)}") from error


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
        except USER_ERRORS as error:
            raise ValueError(f"A of the physics must measure images of shape {shape}, got '{error}'") from error

    def _takes(self, channels: int) -> bool:
        try:
            x = torch.zeros(1, channels, *self._shape[1:])
            return bool(self._physics.A_adjoint(self._physics.A(x)).shape == x.shape)
        except USER_ERRORS:
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


def on_images(user_object: Any, shape: Shape) -> Any:
    """Return an object with `forward` and `adjoint` on one image that does what the user's does.

    What has `shape`, `matvec` and `rmatvec` is taken as scipy takes it.

    Raises
    ------
    ValueError
        where it does neither, or a linear map has other columns or no adjoint.
    """
    if _has(user_object, "A", "A_adjoint"):
        return PhysicsProducts(user_object, shape)
    if _has(user_object, "forward", "adjoint"):
        return user_object
    if _has_two_sides(user_object) and hasattr(user_object, "__matmul__"):
        return LinearProducts(user_object, shape)
    if _has_two_sides(user_object) and _has(user_object, "matvec", "rmatvec"):
        return LinearProducts(aslinearoperator(user_object), shape)
    missing = next(name for name in ("forward", "adjoint") if not _has(user_object, name))
    raise ValueError(f"operator must have a method {missing}, got {type(user_object).__name__} without it")


def _has_two_sides(user_object: Any) -> bool:
    shape = getattr(user_object, "shape", ())
    return isinstance(shape, Sized) and len(shape) == 2


def _has(user_object: Any, *methods: str) -> bool:
    return all(callable(getattr(user_object, name, None)) for name in methods)
