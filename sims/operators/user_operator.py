"""A user's own operator, adapted and checked."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

from untrained.sims.operators.base import Operator, Shape, checked_shape, refuse_masked
from untrained.sims.operators.matrices import MatrixOperator, StoredMatrix, checked_gain, numbers_of, working_type
from untrained.sims.operators.products import on_images
from untrained.sims.random.isolated_rng import torch_settings_kept
from untrained.sims.random.streams import stream
from untrained.sims.user_files import USER_ERRORS, error_line

DOT_LIMIT = 1e-5
SCALE_LIMIT = 5e-5
"""Sums of 65536 terms, one after another in float32, are that far off."""
PROBES = 32
MODERATE = 1e15
"""Numbers below it have finite products; those of a fit that diverges go on to float32's largest."""
TYPES = (torch.float32, torch.float64)
"""What images and measurements may be of."""


def dot_test(operator: Operator, seed: int = 0) -> float:
    """The larger |<A x, y> - <x, A^T y>| / (||x|| ||A^T y||) of two standard normal pairs that are measured together.

    It is rounding where the adjoint is right.
    """
    x, y = (_normal(operator, seed, shape) for shape in (operator.shape, (operator.m,)))
    measured, back = operator.forward(x).double(), operator.adjoint(y).double().flatten(1)
    gaps = ((measured * y).sum(1) - (x.flatten(1) * back).sum(1)).abs()
    scales = x.double().flatten(1).norm(dim=1) * back.norm(dim=1)
    return float(torch.where(gaps > 0, gaps / scales, gaps).max())


def scale_test(operator: Operator, seed: int = 0) -> float:
    """The larger | ||A x|| - <x, A^T y> | / ||A||_F of two standard normal x, for y = A x / ||A x||.

    A factor that the adjoint lacks shows in full here; to `dot_test` it is random, and weak where images are large.
    """
    x = _normal(operator, seed, operator.shape)
    measured = operator.forward(x).double()
    sizes = measured.norm(dim=1)
    back = operator.adjoint((measured / sizes.clamp_min(1e-300)[:, None]).float()).double()
    return float((sizes - (x * back).flatten(1).sum(1)).abs().max()) / (operator.gain * operator.n) ** 0.5


def _normal(operator: Operator, seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    numbers = stream(seed, "dot test", len(shape)).standard_normal((2, *shape), dtype=np.float32)
    return torch.from_numpy(numbers).to(operator.device or torch.device("cpu"))


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
        except USER_ERRORS as error:
            return f"{method}: {error if isinstance(error, Exception) and str(error) else error_line(error)}"

    def _result(self, method: str, value: torch.Tensor) -> torch.Tensor:
        """What the user's function makes of a copy of a value, as a copy: either may be written to again."""
        with torch_settings_kept():
            own = value.clone()
            result = getattr(self._user, method)(own.numpy(force=True) if self._arrays else own)
        refuse_masked(f"what {method} returns", result)
        if isinstance(result, np.ndarray) and result.dtype.kind in "biufc":
            result = torch.from_numpy(np.ascontiguousarray(result, working_type(result.dtype)))
        if not isinstance(result, torch.Tensor):
            raise ValueError(f"it must return an array or a tensor of numbers, got {type(result).__name__}")
        return result.detach().clone()

    def _call(self, method: str, value: torch.Tensor) -> torch.Tensor:
        kind = value.dtype if value.dtype in self._types else self._types[0]
        own = value.detach().to(self._place, kind)
        if self._complex and method == "adjoint":
            own = torch.complex(*own.reshape(2, -1))
        try:
            result = self._result(method, own)
        except USER_ERRORS as error:
            why = error_line(error, _home(self._user, method))
            raise ValueError(f"{method} of the user's operator must run without error, got {why}") from error
        numbers = self._real(method, result).to(value.device, value.dtype)
        if not torch.isfinite(numbers).all() and bool(own.abs().max() < MODERATE):
            raise ValueError(f"{method} of the user's operator must return finite numbers, got others")
        return numbers

    def _real(self, method: str, result: torch.Tensor) -> torch.Tensor:
        """Real measurements, or a real image, of the right shape."""
        wanted = self.shape if method == "adjoint" else (self.m // (1 + self._complex),)
        if tuple(result.shape) != wanted:
            raise ValueError(f"{method} of the user's operator must return {wanted}, got {tuple(result.shape)}")
        if method == "adjoint":
            return result.real if result.is_complex() else result
        if result.is_complex() != self._complex:
            raise ValueError("forward of the user's operator must return complex numbers always or never, got both")
        return torch.cat([result.real, result.imag]) if self._complex else result

    def _probe(self) -> None:
        x = torch.from_numpy(stream(0, "gain").integers(2, size=(PROBES, *self.shape)) * 2.0 - 1).float()
        y = self._product(x)
        change = float((self._product(x[:1]) - y[:1]).norm() / y[:1].norm().clamp_min(1e-30))
        if change > DOT_LIMIT:
            raise ValueError(f"forward must give the same measurements each time, got a change of {change:.2g}")
        self._check_zeros("forward", x[0])
        self._check_zeros("adjoint", y[0])
        self.gain = checked_gain(float(y.double().square().sum() / PROBES), self.n)
        self._digest = hashlib.sha256(y.numpy().tobytes()).hexdigest()

    def _check_zeros(self, method: str, value: torch.Tensor) -> None:
        """Zeros must become zeros: to random values a small constant hardly shows."""
        constant, size = (float(self._call(method, one).double().norm()) for one in (torch.zeros_like(value), value))
        if not constant <= DOT_LIMIT * size:
            raise ValueError(
                f"{method} must be linear and so make zeros of zeros, got numbers of norm {constant:.2g} where it "
                f"makes {size:.2g} of others"
            )

    @property
    def options(self) -> dict[str, Any]:
        """What its measurements of fixed images hash to; it cannot be made again from this."""
        return {"probe": self._digest, "rebuildable": False}

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._call("forward", one) for one in x])

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._call("adjoint", one) for one in y])


def _home(user: Any, method: str) -> Path | None:
    """The file of a user's function, where it is one."""
    code = getattr(getattr(user, method), "__code__", None)
    return None if code is None or user.__class__.__module__ == on_images.__module__ else Path(code.co_filename)


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
        where a method is missing or fails, a shape is wrong, forward changes from call to call, zeros do not stay
        zeros, the dot test fails, entries are masked, or ||A||_F^2 is 0 or beyond float32.
    """
    shape = checked_shape(shape)
    if isinstance(user_object, Operator) and user_object.shape == shape and user_object.m == (m or user_object.m):
        return user_object
    operator = _adapted(user_object, shape, m)
    for test, limit in ((dot_test, DOT_LIMIT), (scale_test, SCALE_LIMIT)):
        gap = np.max([test(operator, seed) for seed in range(3)])
        if not gap <= limit:
            name = test.__name__.replace("_", " ")
            raise ValueError(f"adjoint must be the transpose of forward within {limit:g}, got a {name} of {gap:.2g}")
    return operator


def _adapted(user_object: Any, shape: Shape, m: int | None) -> Operator:
    if isinstance(user_object, torch.Tensor):
        user_object = numbers_of(user_object)
    if isinstance(user_object, np.ndarray | StoredMatrix) or sparse.issparse(user_object):
        if len(user_object.shape) != 2:
            raise ValueError(f"operator must have two dimensions where it is a matrix, got shape {user_object.shape}")
        if m is not None and m != user_object.shape[0]:
            raise ValueError(f"operator must have {m} rows, got {user_object.shape[0]}")
        return MatrixOperator(user_object, shape)
    return UserOperator(on_images(user_object, shape), shape, m)
