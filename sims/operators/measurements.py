"""A measurement y = A x + noise with the operator that made it: made, saved and loaded again."""

from __future__ import annotations

import hashlib
import io
import json
import os
import warnings
from dataclasses import dataclass
from math import inf
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch

from untrained.sims.files import FileWarning, write_bytes
from untrained.sims.operators.base import Operator, bounded_integer, refuse_masked
from untrained.sims.operators.registry import operator_from_spec
from untrained.sims.random.streams import stream

OUR_PREFIX = "untrained "
"""How the kind of each file begins that is of this project."""
_KIND = OUR_PREFIX + "measurement"
_FORMAT = 1
OFF_SCALE = 1.5
"""Pixels from here on are off the scale by more than a method without bounds overshoots."""
MANY_OFF = 0.1
"""The share of pixels off the scale from which on it seems to be another one."""
_FIELDS = ("kind", "format", "y", "noise", "spec", "checksum")


@dataclass(frozen=True)
class Measurement:
    """What a solver is given: the operator, y of shape (m,) in float32 and the noise level sigma.

    Each entry of the noise is N(0, sigma^2/m), so that E ||noise||^2 = sigma^2.

    Source: vanveen18 Eqn. 1 and Table 1
    """

    operator: Operator
    y: torch.Tensor
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.y.shape != (self.operator.m,):
            raise ValueError(f"y must be of shape ({self.operator.m},), got {tuple(self.y.shape)}")
        if self.y.dtype != torch.float32 or not torch.isfinite(self.y).all():
            raise ValueError("y must be float32 and finite, got other numbers")
        check_deviation("noise", self.noise)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the operator's fingerprint and the bytes of y."""
        digest = hashlib.sha256(self.operator.fingerprint().encode())
        digest.update(_bytes(self.y))
        return digest.hexdigest()


def check_deviation(name: str, deviation: object) -> None:
    """Refuse what is no deviation of noise.

    Raises
    ------
    ValueError
        where it is no finite number of at least 0.
    """
    if not (isinstance(deviation, Real) and 0 <= float(deviation) < inf):
        raise ValueError(f"{name} must be a finite number of at least 0, got {deviation!r}")


def _bytes(y: torch.Tensor) -> bytes:
    return y.detach().cpu().numpy().astype("<f4").tobytes()


def real_tensor(name: str, value: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return real numbers as a detached float32 tensor.

    Raises
    ------
    ValueError
        where it is no array or tensor, holds no real numbers, or some are masked.
    """
    refuse_masked(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(value.astype(np.float32))
    if not isinstance(value, torch.Tensor) or value.is_complex():
        got = value.dtype if isinstance(value, np.ndarray | torch.Tensor) else type(value).__name__
        raise ValueError(f"{name} must be an array or a tensor of real numbers, got {got}")
    if value.is_meta:
        raise ValueError(f"{name} must hold numbers, got a tensor of none (meta)")
    return value.detach().to_dense().to(torch.float32)


def image_tensor(name: str, value: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return pixels as a detached float32 tensor; integers and bits, which are never on [-1, 1], are refused.

    Raises
    ------
    ValueError
        where it is no array or tensor of real numbers, or one of integers.
    """
    pixels, kind = real_tensor(name, value), str(value.dtype).removeprefix("torch.")
    if "int" in kind or "bool" in kind:
        top = {"bool": 1, "uint16": 65535}.get(kind, 255)
        advice = f"{name} / {top / 2} - 1 is on that scale"
        raise ValueError(f"{name} must be floats on [-1, 1], got {kind}: of codes on 0 to {top}, {advice}")
    return pixels


def off_scale(image: torch.Tensor, noise: float = 0.0) -> float:
    """The share of pixels that are off [-1, 1] by more than a method without bounds overshoots, and than `noise`."""
    return float((image.abs() >= OFF_SCALE + noise).double().mean())


def check_pixels(name: str, image: torch.Tensor) -> None:
    """Refuse pixels that are not finite, and warn of those that seem to be of another scale than [-1, 1].

    Raises
    ------
    ValueError
        where one is not finite.
    """
    if not torch.isfinite(image).all():
        raise ValueError(f"{name} must have finite pixels, got NaN or infinity")
    if (share := off_scale(image)) > MANY_OFF:
        sentence = f"{name} may be of pixels on another scale than [-1, 1], which {share:.0%} of them are off"
        advice = f"{name} / 127.5 - 1 has pixels on 0 to 255 on it"
        warnings.warn(f"{sentence}: {advice}", FileWarning, stacklevel=3)


def measured_numbers(y: np.ndarray | torch.Tensor, operator: Operator) -> torch.Tensor:
    """Return measurements (m,) in float32, detached: of complex ones, or pairs of two, real parts, then imaginary ones.

    Raises
    ------
    ValueError
        where they are no array or tensor, hold no numbers, are not as the operator's `vector` takes them, or one is not
        finite.
    """
    if isinstance(y, np.ndarray) and y.dtype.kind == "c":
        refuse_masked("y", y)
        y = torch.from_numpy(y.astype(np.complex64))
    if isinstance(y, torch.Tensor) and y.is_complex():
        numbers = operator.vector(y.detach().to_dense().to(torch.complex64))
    else:
        numbers = operator.vector(real_tensor("y", y))
    if not torch.isfinite(numbers).all():
        raise ValueError(f"y must be finite, got NaN or infinity in {int((~numbers.isfinite()).sum())} of its entries")
    return numbers


def measure(image: np.ndarray | torch.Tensor, operator: Operator, noise: float = 0.0, seed: int = 0) -> Measurement:
    """Measure one image (C, H, W): y = A x + eta with entries of eta N(0, noise^2/m), drawn from the seed.

    Raises
    ------
    ValueError
        where the image is of another shape than the operator's, of integers or not finite, or noise or seed is not a
        number of at least 0.
    """
    image = image_tensor("image", image)
    if tuple(image.shape) != operator.shape:
        raise ValueError(f"image must be of shape {operator.shape}, got {tuple(image.shape)}")
    check_pixels("image", image)
    check_deviation("noise", noise)
    seed = bounded_integer("seed", seed, 0)
    with torch.no_grad():
        y = operator.forward(image.to(operator.device or image.device))
    if noise:
        eta = noise * operator.m**-0.5 * stream(seed, "noise").standard_normal(operator.m)
        y = y + torch.from_numpy(eta.astype(np.float32)).to(y.device)
    return Measurement(operator, y, float(noise))


def save_measurement(path: str | os.PathLike[str], measurement: Measurement) -> None:
    """Write a measurement to one .npz file, whole or not at all.

    Raises
    ------
    ValueError
        where its operator is a user's own, which no file can rebuild.
    OSError
        where the file cannot be written.
    """
    spec = measurement.operator.spec()
    if spec["options"].get("rebuildable") is False:
        raise ValueError(
            "operator must be one made by name to be saved in an npz, got a user's own, which cannot be rebuilt: "
            "keep y as .npy"
        )
    text, y = json.dumps(spec, sort_keys=True), measurement.y.detach().cpu().numpy()
    fields: dict[str, Any] = {
        "kind": _KIND,
        "format": _FORMAT,
        "y": y,
        "noise": measurement.noise,
        "spec": text,
    }
    archive = io.BytesIO()
    np.savez_compressed(archive, **fields, checksum=_checksum(text, y, measurement.noise))
    write_bytes(Path(path), archive.getvalue())


def _checksum(spec: str, y: np.ndarray, noise: float) -> str:
    head = json.dumps([_KIND, _FORMAT, spec, float(noise).hex()]).encode()
    return hashlib.sha256(head + b"\0" + y.astype("<f4").tobytes()).hexdigest()


def load_measurement(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Measurement:
    """Read a measurement, check it and make its operator again on a device.

    Raises
    ------
    ValueError
        where the file is no measurement, is damaged, or contradicts itself.
    OSError
        where it cannot be read.
    """
    saved = _read(Path(path))
    if saved.checksum != _checksum(saved.spec, saved.y, saved.noise):
        raise ValueError(f"checksum of the measurement must agree with its content, got another in {path}")
    spec = _spec(saved.spec, path)
    if spec.get("m") != len(saved.y):
        raise ValueError(f"y must have the m={spec.get('m')} entries of its operator, got {len(saved.y)} in {path}")
    operator = operator_from_spec(spec, device)
    return Measurement(operator, torch.from_numpy(saved.y).to(device), saved.noise)


def _spec(text: str, path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        spec = json.loads(text)
    except json.JSONDecodeError:
        spec = None
    if not isinstance(spec, dict):
        raise ValueError(f"spec must be a JSON object, got {text[:40]!r} in {path}")
    return spec


@dataclass(frozen=True)
class _Saved:
    y: np.ndarray
    noise: float
    spec: str
    checksum: str


def _read(path: Path) -> _Saved:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            fields = {name: file[name] for name in _FIELDS}
        kind, version = str(fields["kind"]), int(fields["format"])
        saved = _Saved(fields["y"], float(fields["noise"]), str(fields["spec"]), str(fields["checksum"]))
    except OSError:
        raise
    except Exception as error:  # a damaged archive raises anything, from zipfile's errors to struct's
        raise ValueError(f"file must be a whole measurement, got a damaged or other one in {path}: {error}") from error
    if (kind, version) != (_KIND, _FORMAT):
        raise ValueError(f"file must be an {_KIND} of format {_FORMAT}, got {kind!r} of format {version} in {path}")
    if saved.y.ndim != 1 or saved.y.dtype != np.float32:
        raise ValueError(f"y must be a float32 vector, got {saved.y.dtype} of shape {saved.y.shape} in {path}")
    return saved
