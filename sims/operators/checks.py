"""What sizes an operator may have, and whether it fits into memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import torch

from untrained.sims.operators.base import Shape
from untrained.sims.operators.seeded import ENTRIES


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return a whole number in [least, most].

    Raises
    ------
    ValueError
        where it is none.
    """
    wanted = f"at least {least}" if most is None else f"between {least} and {most}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be a whole number {wanted}, got {value!r}")
    number = int(value.__index__())
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} must be {wanted}, got {number}")
    return number


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


def memory_estimate(name: str, shape: Shape, m: int) -> int:
    """Bytes that an operator holds: 4 m n for a dense matrix, else a block of rows for each thread or an index.

    Raises
    ------
    ValueError
        where the name is unknown, the shape is none or m is below 1.
    """
    shape, m = checked_shape(shape), whole("m", m, 1)
    n = prod(shape)
    held = {
        "gaussian": 4 * m * n,
        "gaussian-seeded": 4 * max(ENTRIES, n) * torch.get_num_threads(),
        "fourier-radial": 8 * m // (2 * shape[0]),
        "dct": 8 * m,
        "hadamard": 8 * m,
        "scrambled-dct": 8 * m + n,
        "scrambled-hadamard": 8 * m + n,
        "inpainting": 8 * m,
        "superres": 0,
    }
    if name not in held:
        raise ValueError(f"operator must be one of {', '.join(held)}, got {name!r}")
    return held[name]


def checked_device(device: str | torch.device) -> torch.device:
    """Return a device that this machine has.

    Raises
    ------
    ValueError
        where it has none of that name.
    """
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device must be cpu or one of this machine, got {device}") from error


def memory_available(device: str | torch.device = "cpu") -> int | None:
    """Bytes that can still be had on a device; None where the system does not tell."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    told = Path("/proc/meminfo")
    if told.exists():
        for line in told.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def refuse_beyond_memory(name: str, shape: Shape, m: int, device: str | torch.device) -> None:
    """Refuse an operator that does not fit.

    Raises
    ------
    ValueError
        where the estimate exceeds what is available.
    """
    wanted = memory_estimate(name, shape, m)
    for place in dict.fromkeys(("cpu", str(device))):
        available = memory_available(place)
        if available is not None and wanted > available:
            raise ValueError(
                f"{name} of m={m} and n={prod(shape)} must fit into the {available / 1e9:.1f} GB available on {place}, "
                f"got {wanted / 1e9:.1f} GB; gaussian-seeded or scrambled-dct need almost none"
            )
