"""What a user asks for, as the command line has it, turned into what the runs take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Sensing:
    """How an image is to be measured: the operator's name and options, the noise level and the seed of both."""

    operator: str = "gaussian"
    m: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_seed(self.seed)


@dataclass(frozen=True)
class Request:
    """What is to be recovered and how; `sensing` is None where the source is a measurement file."""

    source: str
    methods: Sequence[str] = ("csdip",)
    preset: str | None = None
    assignments: Sequence[str] = ()
    truth: str | None = None
    sensing: Sensing | None = None
    grey: bool = False
    size: tuple[int, int] | None = None
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        _check_seed(self.seed)


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed}")


def is_measurement(source: str) -> bool:
    """Whether a source names a measurement file, by its suffix."""
    return Path(source).suffix.lower() == ".npz"


def sensing(operator: str, m: int | None, *, noise: float = 0.0, seed: int = 0, **options: Any) -> Sensing:
    """Return how to measure; options that are None are left out."""
    return Sensing(operator, m, {name: value for name, value in options.items() if value is not None}, noise, seed)


def sensing_of(
    source: str, operator: str | None, m: int | None, *, noise: float | None, seed: int, **options: Any
) -> Sensing | None:
    """Return how an image is to be measured, or None for a measurement file, which brings its operator.

    Raises
    ------
    ValueError
        where an image comes without an operator, or a measurement file with one.
    """
    asked = {"operator": operator, "m": m, "noise": noise, **options}
    given = [name for name, value in asked.items() if value is not None]
    if is_measurement(source):
        if given:
            raise ValueError(f"{given[0]} is for an image, got the measurement file {source}, which brings its own")
        return None
    if operator is None:
        raise ValueError(f"operator and m must be given to measure an image, got neither for {source}")
    return sensing(operator, m, noise=noise or 0.0, seed=seed, **options)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return (height, width) from N or HxW.

    Raises
    ------
    ValueError
        where the text is neither.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"size must be N or HxW in pixels, got {text!r}")
    return int(parts[0]), int(parts[-1])


def parse_counts(option: str, text: str | None) -> list[int] | None:
    """Return the whole numbers of a comma-separated list; None where there is no text.

    Raises
    ------
    ValueError
        where a part is no whole number above 0.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"{option} must be whole numbers above 0 with commas between, got {text!r}")
    return [int(part) for part in parts]
