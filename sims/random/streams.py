"""Streams of random numbers: one generator per named role, all from one root seed."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(root_seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator of one role, e.g. `stream(0, "vanveen18.lemB3", "cell 2", "V")`.

    Each name is hashed into the spawn key, so adding a role, a cell or a worker shifts no other stream.

    Raises
    ------
    ValueError
        where the root seed is negative.
    """
    if root_seed < 0:
        raise ValueError(f"root_seed must be a non-negative integer, got {root_seed}")
    key = tuple(int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:4], "big") for n in names)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(root_seed, spawn_key=key)))
