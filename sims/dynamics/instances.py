"""One problem of the two-layer generator, V, W_0, z and y: drawn from a seed, or read from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from untrained.sims.files import decoding, existing
from untrained.sims.random.streams import stream
from untrained.theory.objects.relu_generator import output_scale
from untrained.theory.objects.shapes import Array, real_array, whole_number

GeneratorInstance = tuple[Array, Array, Array, Array]
"""V (n, d), W_0 (d, k), z (k,) and y (n,)."""

_NAMES = ("V", "W", "z", "y")


def random_instance(n: int, d: int, k: int = 16, seed: int = 0) -> GeneratorInstance:
    """Theorem 4.1's law with ||y|| = 1: Gaussian W_0 and z, V of deviation 1/(sqrt(d n) ||z||), y of any direction.

    Raises
    ------
    ValueError
        where n, d or k is below 1, or the seed below 0.
    Source: vanveen18 Theorem 4.1
    """
    n, d, k = whole_number("n", n, 1), whole_number("d", d, 1), whole_number("k", k, 1)
    draws = {"V": (n, d), "W": (d, k), "z": (k,), "y": (n,)}
    V, W, z, y = (stream(seed, "instance", n, d, k, name).standard_normal(shape) for name, shape in draws.items())
    y /= np.linalg.norm(y)
    return V * output_scale(y, z, d), W, z, y


def read_instance(path: str | Path) -> GeneratorInstance:
    """The arrays V, W, z and y of an npz file.

    Raises
    ------
    ValueError
        where the file is none, lacks one of them, or an entry is not a finite number.
    """
    place = existing(path)
    with decoding(place), place.open("rb") as opened:
        archive = np.load(opened, allow_pickle=False)
        stored = {} if isinstance(archive, np.ndarray) else {name: archive[name] for name in archive.files}
    if missing := [name for name in _NAMES if name not in stored]:
        raise ValueError(f"{place.name} must hold the arrays V, W, z and y, got none called {', '.join(missing)}")
    V, W, z, y = (real_array(name, stored[name], 1) for name in _NAMES)
    return V, W, z, y
